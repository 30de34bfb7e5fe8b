"""What emulated meters of the ТЭМ family have in common on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar

from drivers.emulated import Speaker
from drivers.emulated.bus import Bus
from drivers.emulated.faults import FAULTS, Fault, Faulty
from drivers.emulated.tem_options import ENERGY_UNITS, HOUR

Meter = TypeVar("Meter", bound=Speaker)


def add_common(parser: argparse.ArgumentParser, *, channels: str, energy_unit: str = "MWh") -> None:
    """Options of every family; `channels` names those that can be no number."""
    add = parser.add_argument
    add("--serial", type=int, metavar="N", help="заводской номер; у следующих приборов на линии на 1 больше")
    add("--address", type=int, nargs="+", default=[1], metavar="A", help="сетевые адреса: по прибору на каждый")
    add("--records", type=int, nargs=3, default=[720, 60, 12], metavar=("H", "D", "M"), help="записей в архивах")
    add("--energy-unit", choices=tuple(ENERGY_UNITS), default=energy_unit, help="единица тепла")
    add("--report-day", type=int, default=1, metavar="D", help="отчётный день месяца")
    add("--no-pointers", action="store_true", help="указатели архивов не верны")
    add("--no-sums", action="store_true", help="суммы записей не верны")
    add("--gaps", type=int, default=0, metavar="N", help="отключений питания за время часового архива")
    add("--empty", type=int, default=0, metavar="N", help="стёртых часовых записей")
    add("--damaged", type=int, default=0, metavar="N", help="повреждённых часовых записей")
    add("--zero-clock", action="store_true", help="часы прибора стоят на нулях")
    add("--nan", nargs="+", default=[], metavar="T2", help=f"каналы, у которых не число: {channels}")
    add("--longest", type=int, default=255, metavar="N", help="сколько байт отдаётся за один запрос")
    add("--seed", type=int, default=0, metavar="N", help="другое число — другие значения")
    faults = f"помеха в каждом N-м ответе: {', '.join(FAULTS)}"
    add("--fault", action="append", default=[], metavar="ВИД[:N[:X]]", help=faults)


def common(arguments: argparse.Namespace, now: datetime, index: int) -> dict[str, Any]:
    """The fields of `tem_options.Options` that `add_common` asks for, of meter `index`."""
    random = Random(f"defects/{arguments.seed}/{index}")
    hours = arguments.records[0]
    if not 0 <= arguments.empty + arguments.damaged <= hours:
        raise ValueError("стёртых и повреждённых записей больше, чем часовых")
    ages = random.sample(range(hours), arguments.empty + arguments.damaged)
    return {
        "address": arguments.address[index],
        "records": tuple(arguments.records),
        "energy_unit": arguments.energy_unit,
        "report_day": arguments.report_day,
        "pointers": not arguments.no_pointers,
        "sums": not arguments.no_sums,
        "gaps": _gaps(random, arguments.gaps, hours, now),
        "empty": tuple((HOUR, age) for age in ages[: arguments.empty]),
        "damaged": tuple((HOUR, age) for age in ages[arguments.empty :]),
        "clock_valid": not arguments.zero_clock,
        "nan": tuple(arguments.nan),
        "longest": arguments.longest,
        "seed": arguments.seed,
    }


def _gaps(random: Random, count: int, hours: int, now: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """`count` times without power in the last `hours`, 1 to 5 hours each, never two in one part of them."""
    if count and hours < 10 * count:
        raise ValueError("на каждое отключение нужно не меньше 10 часовых записей")
    starts: Sequence[float] = [hours / count * (number + random.uniform(0.7, 1)) for number in range(count)]
    return tuple(
        (start, start + timedelta(hours=random.uniform(1, 5)))
        for start in (now - timedelta(hours=hours_ago) for hours_ago in starts)
    )


def line_of(
    meters: Sequence[Meter], disguises: Callable[[Meter], dict[str, Speaker]], arguments: argparse.Namespace
) -> Speaker:
    """The meters on one line, behind the faults that were asked for."""
    faults = tuple(map(Fault.parse, arguments.fault))
    # The echo is made by the adapter, once a line, however many meters are on it.
    echoes = tuple(fault for fault in faults if fault.name == "echo")
    inner = tuple(fault for fault in faults if fault.name != "echo")
    seed = arguments.seed
    bus = Bus([Faulty(meter, inner, seed, disguises(meter)) if inner else meter for meter in meters])
    return Faulty(bus, echoes, seed) if echoes else bus

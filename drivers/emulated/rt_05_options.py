"""What an emulated regulator РТ-05 is like, and how the command line says it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from drivers.emulated import rt_05_memory
from drivers.emulated.plain_options import add_plain

PERIODS_S = (10, 30, 60, 300, 1800, 3600, 7200, 14400)
_FORMS = ("both", "short", "long")


@dataclass(frozen=True, slots=True)
class Options:
    """An emulated regulator. Equal options make equal regulators.

    `records` and `events` are there already, made backwards from now, one record every `period_s`.
    `turned` begins both circles in their middle. `forms` are those of the read of RAM that are answered.
    `damaged` are temperature records with a stamp that is no date, by age, 0 = newest.
    """

    serial: int = 55384
    address: int = 1
    circuits: int = 2
    version: int = 114
    period_s: int = 3600
    records: int = 200
    events: int = 20
    turned: bool = False
    forms: str = "both"
    pointers: bool = True
    clock_valid: bool = True
    damaged: tuple[int, ...] = ()
    identity: bytes = b"ART-05\x00"
    reply_address: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for wrong, text in (
            (not 1 <= self.address <= 240, "сетевой адрес: от 1 до 240"),
            (self.circuits not in (1, 2), "контуров один или два"),
            (self.period_s not in PERIODS_S, f"период записей: {', '.join(map(str, PERIODS_S))} с"),
            (not 0 <= self.records <= rt_05_memory.RECORD_PLACES, "записей: от 0 до 3584"),
            (not 0 <= self.events <= rt_05_memory.EVENT_PLACES, "событий: от 0 до 1024"),
            (self.forms not in _FORMS, f"форма чтения: {', '.join(_FORMS)}"),
            (any(not 0 <= age < self.records for age in self.damaged), "такой записи нет"),
        ):
            if wrong:
                raise ValueError(text)


def add_options(parser: argparse.ArgumentParser) -> None:
    add_plain(parser)
    add = parser.add_argument
    add("--circuits", type=int, default=2, metavar="N", help="контуров, 1 или 2")
    add("--version", type=int, default=114, metavar="N", help="версия ПО в сотых")
    add("--period", type=int, default=3600, metavar="С", help="период записи температур")
    add("--records", type=int, default=200, metavar="N", help="записей температур")
    add("--events", type=int, default=20, metavar="N", help="событий")
    add("--forms", choices=_FORMS, default="both", help="какие запросы памяти прибор понимает")
    add("--no-pointers", action="store_true", help="указатели архивов не верны")
    add("--zero-clock", action="store_true", help="часы прибора стоят на нулях")


def all_options(arguments: argparse.Namespace) -> list[Options]:
    """Of every regulator on the line, one for each address."""
    serial = Options().serial if arguments.serial is None else arguments.serial
    return [
        Options(
            serial=serial + index,
            address=address,
            circuits=arguments.circuits,
            version=arguments.version,
            period_s=arguments.period,
            records=arguments.records,
            events=arguments.events,
            forms=arguments.forms,
            pointers=not arguments.no_pointers,
            clock_valid=not arguments.zero_clock,
            seed=arguments.seed,
        )
        for index, address in enumerate(arguments.address)
    ]

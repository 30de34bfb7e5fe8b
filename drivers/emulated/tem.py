"""Emulated meters with the ТЭМ frame and 384-byte records: ТЭСМАРТ (`TSM-104`) and ТЭМ-106 (`TEM-106`).

    55 AA NN GG CC LL dd.. SS    request: address, inverted address, group, command, length, data, sum
    AA AA NN GG CC LL dd.. SS    answer; the sum of a whole frame is FF in the low byte

Commands: 00 00 identify, 0F 01 parameter memory, 0F 03 archive flash. A meter answers its own address
and 0, always with its own, and is silent on anything wrong: the family has no error replies.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from drivers.emulated import Family, Piece, Speaker
from drivers.emulated.bus import Bus
from drivers.emulated.faults import FAULTS, Fault, Faulty
from drivers.emulated.tem_body import Body, Written
from drivers.emulated.tem_life import Moment
from drivers.emulated.tem_options import ENERGY_UNITS, HOUR, MODELS, Options, System

__all__ = ["FAMILY", "Meter", "Moment", "Options", "System", "Written", "disguises"]

_IDENTIFY, _MEMORY, _FLASH = (0x00, 0x00), (0x0F, 0x01), (0x0F, 0x03)
_DATA_LENGTHS = {_IDENTIFY: 0, _MEMORY: 3, _FLASH: 5}
_SERIAL_ADDRESS = 0x152
_DEFAULT_NOW = datetime(2026, 9, 25, 14, 30)


class Meter:
    """One meter at the end of a line. `now` is what its clock shows at first."""

    def __init__(self, options: Options | None = None, now: datetime = _DEFAULT_NOW, body: Body | None = None) -> None:
        self.options = options or Options()
        self._body = body or Body(self.options, now)
        self._heard = bytearray()
        self._overlay: dict[int, int] = {}

    @property
    def clock(self) -> datetime:
        return self._body.clock

    def set_clock(self, clock: datetime) -> None:
        """The clock is set, forward or back; nothing else happens."""
        self._body.set_clock(clock)

    def live(self, now: datetime) -> None:
        """Lives until its clock shows `now`; ValueError when that is before `clock`."""
        self._body.live(now)

    def elapse(self, seconds: float) -> None:
        """Lives for so many seconds."""
        self._body.live(self.clock + timedelta(seconds=seconds))

    def power_off(self, until: datetime) -> None:
        """No power until its clock shows `until`: nothing is counted or written meanwhile."""
        self._body.power_off(until)

    def records(self, rec_type: str) -> list[Written]:
        """What the flash holds of the archive "H", "D" or "M", oldest first."""
        return self._body.records(rec_type)

    def next_place(self, rec_type: str) -> int:
        """The record number that is written next, counted from the start of the flash."""
        return self._body.next_place(rec_type)

    def moment(self) -> Moment:
        """The current values, as they stand in memory."""
        return self._body.moment()

    def twin(self, options: Options) -> Meter:
        """Another talker over the same memory: with the id, serial number and addresses of `options`."""
        twin = Meter(options, body=self._body)
        twin._overlay = dict(enumerate(options.serial_number.to_bytes(4, "big"), _SERIAL_ADDRESS))
        return twin

    def hear(self, data: bytes) -> bytes:
        """Takes what is on the line, in any portions; returns the answers to whole requests, b"" for none."""
        self._heard += data
        answers = bytearray()
        while (request := self._next_request()) is not None:
            answers += self._answer(request)
        return bytes(answers)

    def pieces(self, data: bytes) -> list[Piece]:
        answer = self.hear(data)
        return [(0.0, answer)] if answer else []

    def pause(self) -> None:
        self._heard.clear()

    def _next_request(self) -> bytes | None:
        """Cuts off the next valid frame, for whatever address; drops what cannot begin one."""
        heard = self._heard
        while heard:
            if not _may_begin_request(heard):
                del heard[0]
                continue
            size = 7 + _DATA_LENGTHS[heard[3], heard[4]] if len(heard) > 4 else 0
            if not size or len(heard) < size:
                return None
            if sum(heard[:size]) & 0xFF == 0xFF:
                request = bytes(heard[:size])
                del heard[:size]
                return request
            del heard[0]
        return None

    def _answer(self, request: bytes) -> bytes:
        if request[1] not in (self.options.address, 0):
            return b""
        data = self._data((request[3], request[4]), request[6:-1])
        if data is None:
            return b""
        address = self.options.address if self.options.reply_address is None else self.options.reply_address
        frame = bytes((0xAA, address, address ^ 0xFF, request[3], request[4], len(data))) + data
        return frame + bytes((~sum(frame) & 0xFF,))

    def _data(self, command: tuple[int, int], data: bytes) -> bytes | None:
        if command == _IDENTIFY:
            return self.options.id_bytes
        if command == _MEMORY:
            return self._part(self._body.memory, int.from_bytes(data[:2], "big"), data[2], self._overlay)
        return self._part(self._body.flash, int.from_bytes(data[1:], "big"), data[0], {})

    def _part(self, memory: bytearray, address: int, count: int, overlay: dict[int, int]) -> bytes | None:
        if not 1 <= count <= self.options.longest or address + count > len(memory):
            return None
        part = bytearray(memory[address : address + count])
        for place, byte in overlay.items():
            if address <= place < address + count:
                part[place - address] = byte
        return bytes(part)


def _may_begin_request(heard: bytearray) -> bool:
    """Whether the bytes so far can be the begin of a request; looks at each as soon as it is there."""
    if heard[0] != 0x55 or (len(heard) > 2 and heard[1] ^ heard[2] != 0xFF):
        return False
    if len(heard) > 3 and heard[3] not in (0x00, 0x0F):
        return False
    length = _DATA_LENGTHS.get((heard[3], heard[4])) if len(heard) > 4 else None
    return len(heard) <= 4 or (length is not None and (len(heard) == 5 or heard[5] == length))


def disguises(meter: Meter) -> dict[str, Speaker]:
    """The same meter with a wrong address, another id, another serial number: for the faults of these names."""
    options = meter.options
    other_id = b"TEM-106" if options.id_bytes != b"TEM-106" else b"TSM-104"
    return {
        "wrong-address": meter.twin(_changed(options, reply_address=options.address % 240 + 1)),
        "other-id": meter.twin(_changed(options, identity=other_id)),
        "other-serial": meter.twin(_changed(options, serial=(options.serial_number + 1) & 0xFFFFFFFF)),
    }


def _changed(options: Options, **changes: int | bytes) -> Options:
    values = {name: getattr(options, name) for name in Options.__dataclass_fields__}
    return Options(**(values | changes))


def _add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--serial", type=int, metavar="N", help="заводской номер; у следующих приборов на линии на 1 больше")
    add("--address", type=int, nargs="+", default=[1], metavar="A", help="сетевые адреса: по прибору на каждый")
    add("--systems", type=int, metavar="N", help="число систем, 1…6")
    add("--flash", type=int, choices=(512, 1024), help="память архивов, КБ")
    add("--records", type=int, nargs=3, default=[720, 60, 12], metavar=("H", "D", "M"), help="записей в архивах")
    add("--commas", type=int, nargs=6, default=[4] * 6, metavar="C", help="коды множителей итогов")
    add("--energy-unit", choices=tuple(ENERGY_UNITS), default="MWh", help="единица тепла")
    add("--report-day", type=int, default=1, metavar="D", help="отчётный день месяца")
    add("--no-pointers", action="store_true", help="указатели архивов не верны")
    add("--no-sums", action="store_true", help="суммы записей не верны")
    add("--gaps", type=int, default=0, metavar="N", help="отключений питания за время часового архива")
    add("--empty", type=int, default=0, metavar="N", help="стёртых часовых записей")
    add("--damaged", type=int, default=0, metavar="N", help="повреждённых часовых записей")
    add("--zero-clock", action="store_true", help="часы прибора стоят на нулях")
    add("--nan", nargs="+", default=[], metavar="T2", help="каналы, у которых не число: T1…T7, P1…P7, G1…G6")
    add("--longest", type=int, default=255, metavar="N", help="сколько байт отдаётся за один запрос")
    add("--seed", type=int, default=0, metavar="N", help="другое число — другие значения")
    faults = f"помеха в каждом N-м ответе: {', '.join(FAULTS)}"
    add("--fault", action="append", default=[], metavar="ВИД[:N[:X]]", help=faults)


def _build(model: str, arguments: argparse.Namespace, now: datetime) -> Speaker:
    faults = tuple(map(Fault.parse, arguments.fault))
    meters = [Meter(_options(model, arguments, now, index), now) for index in range(len(arguments.address))]
    # The echo is made by the adapter, once a line, however many meters are on it.
    echoes = tuple(fault for fault in faults if fault.name == "echo")
    inner = tuple(fault for fault in faults if fault.name != "echo")
    seed = arguments.seed
    bus = Bus([Faulty(meter, inner, seed, disguises(meter)) if inner else meter for meter in meters])
    return Faulty(bus, echoes, seed) if echoes else bus


def _options(model: str, arguments: argparse.Namespace, now: datetime, index: int) -> Options:
    random = Random(f"defects/{arguments.seed}/{index}")
    hours = arguments.records[0]
    if not 0 <= arguments.empty + arguments.damaged <= hours:
        raise ValueError("стёртых и повреждённых записей больше, чем часовых")
    ages = random.sample(range(hours), arguments.empty + arguments.damaged)
    serial = Options(model, arguments.serial).serial_number + index
    return Options(
        model,
        serial=serial,
        address=arguments.address[index],
        systems=arguments.systems,
        flash_kb=arguments.flash,
        records=tuple(arguments.records),
        commas=tuple(arguments.commas),
        energy_unit=arguments.energy_unit,
        report_day=arguments.report_day,
        pointers=not arguments.no_pointers,
        sums=not arguments.no_sums,
        gaps=_gaps(random, arguments.gaps, hours, now),
        empty=tuple((HOUR, age) for age in ages[: arguments.empty]),
        damaged=tuple((HOUR, age) for age in ages[arguments.empty :]),
        clock_valid=not arguments.zero_clock,
        nan=tuple(arguments.nan),
        longest=arguments.longest,
        seed=arguments.seed,
    )


def _gaps(random: Random, count: int, hours: int, now: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """`count` times without power in the last `hours`, 1 to 5 hours each, never two in one part of them."""
    if count and hours < 10 * count:
        raise ValueError("на каждое отключение нужно не меньше 10 часовых записей")
    starts: Sequence[float] = [hours / count * (number + random.uniform(0.7, 1)) for number in range(count)]
    return tuple(
        (start, start + timedelta(hours=random.uniform(1, 5)))
        for start in (now - timedelta(hours=hours_ago) for hours_ago in starts)
    )


FAMILY = Family(name="ТЭМ, записи по 384 байта", models=MODELS, add_options=_add_options, build=_build)

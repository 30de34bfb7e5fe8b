"""Emulated regulator РТ-05 (`ART-05`): two circuits, temperature records, events; frame in `frame_55`.

Commands: 00 00 identify, 0F 01 and 0C 01 RAM in the short form (address 2, count 1) and the long one (address 4,
count 2, and a length of two bytes in the answer), 0F 03 and 0C 03 flash (count 1, address 4).
"""

from __future__ import annotations

import argparse
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

from drivers.emulated import Family, Piece, Speaker, rt_05_memory
from drivers.emulated.frame_55 import answer, next_request
from drivers.emulated.rt_05_memory import Change, Climate
from drivers.emulated.rt_05_options import Options, add_options, all_options
from drivers.emulated.tem_command_line import line_of

_EPOCH = datetime(2000, 1, 1)
_DEFAULT_NOW = datetime(2026, 9, 25, 14, 30)
_EVENT_PERIOD_S = 19020
_WAVES = ((300, 86_400.0), (120, 6 * 86_400.0))
"""Amplitude in 0.01 °C and period in seconds."""
_SHORT_LIMIT = 64
_ANY = 0
_FAULTS = (0x0000, 0x0000, 0x0000, 0x0080, 0x2000, 0x0001)


class Written(NamedTuple):
    """A temperature record in flash; `climates` are those of the good record."""

    place: int
    good: bool
    made: datetime
    climates: tuple[Climate, ...]


class Happened(NamedTuple):
    """An event in flash."""

    place: int
    made: datetime
    change: Change


@dataclass
class _Ring:
    """Places of one size in flash, used in a circle."""

    at: int
    size: int
    count: int
    next: int
    entries: deque[datetime] = field(default_factory=deque)

    def push(self, made: datetime) -> int:
        """The address for what is written now."""
        address = self.at + self.next * self.size
        self.next = (self.next + 1) % self.count
        self.entries.append(made)
        while len(self.entries) > self.count:
            self.entries.popleft()
        return address

    @property
    def newest(self) -> int:
        return self.at + (self.next - 1) % self.count * self.size

    def places(self) -> list[int]:
        """Place of each entry, oldest first, counted in its own size from the begin of the flash."""
        first = self.next - len(self.entries)
        return [self.at // self.size + (first + number) % self.count for number in range(len(self.entries))]


class Regulator:
    """One regulator at the end of a line. `now` is what its clock shows at first."""

    def __init__(self, options: Options | None = None, now: datetime = _DEFAULT_NOW) -> None:
        self.options = options or Options()
        self.clock = now
        self.flash = bytearray(b"\xff" * rt_05_memory.FLASH_SIZE)
        self._heard = bytearray()
        own = self.options
        self.ram = rt_05_memory.settings(own.serial, own.address, own.circuits, own.version)
        self._base = [Random(f"{own.seed}/{own.serial}/{circuit}").randrange(4000, 9000) for circuit in range(2)]
        self._records = self._ring(rt_05_memory.RECORDS_AT, rt_05_memory.RECORD_SIZE, rt_05_memory.RECORD_PLACES)
        self._events = self._ring(rt_05_memory.EVENTS_AT, rt_05_memory.EVENT_SIZE, rt_05_memory.EVENT_PLACES)
        self._remember(own.records, own.period_s, self._write_record)
        self._remember(own.events, _EVENT_PERIOD_S, self._write_event)
        for age in own.damaged:
            place = self._records.places()[-1 - age]
            self.flash[place * rt_05_memory.RECORD_SIZE + 3] = 0xFF
        self._refresh()

    def records(self) -> list[Written]:
        """What the flash holds of temperature records, oldest first."""
        made = list(self._records.entries)
        damaged = {len(made) - 1 - age for age in self.options.damaged}
        return [
            Written(place, number not in damaged, stamp, tuple(self.climates(stamp)))
            for number, (place, stamp) in enumerate(zip(self._records.places(), made, strict=True))
        ]

    def events(self) -> list[Happened]:
        """What the flash holds of events, oldest first."""
        made = zip(self._events.places(), self._events.entries, strict=True)
        return [Happened(place, stamp, self._change(stamp)) for place, stamp in made]

    def climates(self, moment: datetime) -> list[Climate]:
        """What each circuit has at this moment."""
        return [self._climate(circuit, moment) for circuit in range(self.options.circuits)]

    def elapse(self, seconds: float) -> None:
        self.live(self.clock + timedelta(seconds=seconds))

    def live(self, now: datetime) -> None:
        """Lives until its clock shows `now`: records and events are written as their times pass."""
        for period_s, write in ((self.options.period_s, self._write_record), (_EVENT_PERIOD_S, self._write_event)):
            moment = _floor(self.clock, period_s) + timedelta(seconds=period_s)
            while moment <= now:
                write(moment)
                moment += timedelta(seconds=period_s)
        self.clock = now
        self._refresh()

    def pieces(self, data: bytes) -> list[Piece]:
        told = self.hear(data)
        return [(0.0, told)] if told else []

    def hear(self, data: bytes) -> bytes:
        """Takes what is on the line, in any portions; returns the answers to whole requests, b"" for none."""
        self._heard += data
        answers = bytearray()
        while (request := next_request(self._heard)) is not None:
            answers += self._answer(request)
        return bytes(answers)

    def pause(self) -> None:
        self._heard.clear()

    def _ring(self, at: int, size: int, count: int) -> _Ring:
        return _Ring(at, size, count, count // 2 if self.options.turned else 0)

    def _remember(self, number: int, period_s: int, write: Callable[[datetime], None]) -> None:
        newest = _floor(self.clock, period_s)
        for age in reversed(range(number)):
            write(newest - timedelta(seconds=age * period_s))

    def _write_record(self, made: datetime) -> None:
        self._put(self._records.push(made), rt_05_memory.record(made, self.climates(made)))

    def _write_event(self, made: datetime) -> None:
        self._put(self._events.push(made), rt_05_memory.event(made, self._change(made)))

    def _put(self, address: int, packed: bytes) -> None:
        self.flash[address : address + len(packed)] = packed

    def _change(self, made: datetime) -> Change:
        random = Random(f"{self.options.seed}/{made}")
        return Change(random.choice((0x1E, 0x2A, 0x31)), random.randrange(100), random.randrange(100))

    def _climate(self, circuit: int, moment: datetime) -> Climate:
        passed_s = (moment - _EPOCH).total_seconds()
        wave = sum(int(height * math.sin(math.tau * passed_s / period_s)) for height, period_s in _WAVES)
        supply = self._base[circuit] + wave
        faults = _FAULTS[int(passed_s // 7200) % len(_FAULTS)]
        back, outdoors, room = (None, None, None) if circuit else (supply - 2400, -1800 + 2 * wave, 2150 + wave // 10)
        controlled = supply if back is None else (supply + back) // 2
        return Climate(supply, back, outdoors, room, controlled, self._base[circuit], 50 + wave // 12, faults)

    def _refresh(self) -> None:
        rt_05_memory.put_clock(self.ram, self.clock if self.options.clock_valid else None)
        rt_05_memory.put_powered(self.ram, int((self.clock - _EPOCH).total_seconds()) % 0xFFFFFFFF)
        for circuit, climate in enumerate(self.climates(self.clock)):
            rt_05_memory.put_climate(self.ram, circuit, climate)
        positions = (self._events.newest, self._records.newest) if self.options.pointers else (0xFFFF, 0x56C1)
        rt_05_memory.put_positions(self.ram, *positions)

    def _answer(self, request: bytes) -> bytes:
        if request[1] not in (self.options.address, _ANY):
            return b""
        data = self._data(request[3:5], request[6:-1])
        if data is None:
            return b""
        address = self.options.reply_address or self.options.address
        length_size = 2 if request[4] == 1 and request[5] == 6 else 1
        return answer(address, request[3:5], data, length_size)

    def _data(self, command: bytes, data: bytes) -> bytes | None:
        if command == b"\x00\x00" and not data:
            return self.options.identity
        if command[0] not in (0x0C, 0x0F):
            return None
        if command[1] == 1 and len(data) == 3 and self.options.forms != "long":
            return _part(self.ram, int.from_bytes(data[:2], "big"), data[2], _SHORT_LIMIT)
        if command[1] == 1 and len(data) == 6 and self.options.forms != "short":
            return _part(self.ram, int.from_bytes(data[:4], "big"), int.from_bytes(data[4:], "big"), len(self.ram))
        if command[1] == 3 and len(data) == 5:
            return _part(self.flash, int.from_bytes(data[1:], "big"), data[0], _SHORT_LIMIT)
        return None


def _part(memory: bytearray, address: int, count: int, longest: int) -> bytes | None:
    if not 1 <= count <= longest or address + count > len(memory):
        return None
    return bytes(memory[address : address + count])


def _floor(moment: datetime, period_s: int) -> datetime:
    return moment - timedelta(seconds=(moment - _EPOCH).total_seconds() % period_s)


def disguises(meter: Regulator) -> dict[str, Speaker]:
    """The same regulator with a wrong address, another id, another serial number: for the faults of these names."""
    own = meter.options
    return {
        "wrong-address": Regulator(replace(own, reply_address=own.address % 240 + 1), meter.clock),
        "other-id": Regulator(replace(own, identity=b"TSM-104"), meter.clock),
        "other-serial": Regulator(replace(own, serial=own.serial + 1), meter.clock),
    }


def _build(_model: str, arguments: argparse.Namespace, now: datetime) -> Speaker:
    meters = [Regulator(options, now) for options in all_options(arguments)]
    return line_of(meters, disguises, arguments)


FAMILY = Family(name="РТ-05", models=("rt05",), add_options=add_options, build=_build)

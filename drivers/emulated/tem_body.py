"""The inside of an emulated meter: its clock, its memory and its three archives in circles of flash."""

from __future__ import annotations

import calendar
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple, Protocol

from drivers.emulated.tem_life import Life, LifeOptions, Moment
from drivers.emulated.tem_options import DAY, HOUR, LETTERS, MONTH

GOOD, EMPTY, DAMAGED = "good", "empty", "damaged"
_POWER_OFF = 0x80
_HOUR = timedelta(hours=1)
_SECOND = timedelta(seconds=1)


class BodyOptions(LifeOptions, Protocol):
    """What a body must know of its meter; `tem_options.Options` says what each means."""

    @property
    def flash_size_kb(self) -> int: ...
    @property
    def rings(self) -> dict[str, tuple[int, int]]: ...
    @property
    def records(self) -> tuple[int, int, int]: ...
    @property
    def next_places(self) -> tuple[int, int, int] | None: ...
    @property
    def report_day(self) -> int: ...
    @property
    def pointers(self) -> bool: ...
    @property
    def sums(self) -> bool: ...
    @property
    def gaps(self) -> tuple[tuple[datetime, datetime], ...]: ...
    @property
    def empty(self) -> tuple[tuple[str, int], ...]: ...
    @property
    def damaged(self) -> tuple[tuple[str, int], ...]: ...
    @property
    def clock_valid(self) -> bool: ...


class Image(Protocol):
    """A family's memory as bytes: a module such as `tem_memory`. Its options are those of the family."""

    RECORD_SIZE: int
    POINTER_BASE: int

    def settings(self, options: Any, /) -> bytearray: ...
    def put_clock(self, memory: bytearray, clock: datetime | None, /) -> None: ...
    def put_moment(self, memory: bytearray, moment: Moment, options: Any, /) -> None: ...
    def put_pointers(self, memory: bytearray, addresses: Sequence[int], /) -> None: ...
    def record(
        self, made: datetime, since: datetime, moment: Moment, options: Any, errors: Sequence[int], /
    ) -> bytearray: ...


class Written(NamedTuple):
    """What was written to one place of the flash. `errors` is a byte per system, `since` the start of the period.

    `condition` is "good", "empty" (erased since) or "damaged"; the values are those of the good record.
    """

    place: int
    condition: str
    made: datetime
    since: datetime
    errors: tuple[int, ...]
    commas: tuple[int, ...]
    moment: Moment


@dataclass(slots=True)
class _Entry:
    place: int
    made: datetime
    since: datetime
    worked_s: int
    errors: tuple[int, ...]
    condition: str = GOOD


@dataclass(slots=True)
class _Ring:
    first: int
    count: int
    next_place: int
    entries: deque[_Entry]


class Body:
    """Memory that lives. `clock` is what the meter believes; its totals grow with the time under power only."""

    def __init__(self, options: BodyOptions, now: datetime, image: Image) -> None:
        self.options = options
        self.clock = now
        self.memory = image.settings(options)
        self._image = image
        self.flash = bytearray(b"\xff") * (options.flash_size_kb * 1024)
        self._random = Random(f"places/{options.seed}")
        self._life = Life(options)
        self._gaps = list(options.gaps)
        self._worked = timedelta()
        self._rings = {letter: self._ring(letter) for letter in LETTERS}
        self._fill()
        self._spoil()
        self._refresh()

    def set_clock(self, clock: datetime) -> None:
        """The clock is set, forward or back; nothing else happens."""
        self.clock = clock
        self._refresh()

    def live(self, now: datetime) -> None:
        """Lives until its clock shows `now`: records are written as their hours, days and report dates pass.

        Raises ValueError for a time before `clock`: only `set_clock` goes back.
        """
        if now < self.clock:
            raise ValueError(f"{now} is before the meter's clock {self.clock}")
        hour = _floor(self.clock) + _HOUR
        while self.options.clock_valid and hour <= now:
            for letter in LETTERS:
                if _due(letter, hour, self.options.report_day):
                    self._write(letter, hour)
            hour += _HOUR
        self._worked += now - self.clock
        self.clock = now
        self._refresh()

    def power_off(self, until: datetime) -> None:
        """No power until `until`: the clock goes on, nothing is counted, nothing is written."""
        self._gaps.append((self.clock, until))
        self.clock = until
        self._refresh()

    def records(self, letter: str) -> list[Written]:
        """What the flash holds of the archive "H", "D" or "M", oldest first."""
        commas, moment = self.options.commas, self._life.moment
        return [
            Written(each.place, each.condition, each.made, each.since, each.errors, commas, moment(each.worked_s))
            for each in self._rings[letter].entries
        ]

    def moment(self) -> Moment:
        """The current values."""
        return self._life.moment(self._worked // _SECOND)

    def errors(self) -> list[int]:
        """What is wrong now: an error byte per system, its bits as in D106."""
        worked_s = self._worked // _SECOND
        return self._life.errors(max(worked_s - 1, 0), worked_s)

    def next_place(self, letter: str) -> int:
        """The place that is written next, counted from the start of the flash as in D106."""
        return self._rings[letter].next_place

    def _ring(self, letter: str) -> _Ring:
        first, count = self.options.rings[letter]
        index = LETTERS.index(letter)
        number = self.options.records[index]
        if self.options.next_places is not None:
            following = self.options.next_places[index]
        else:
            following = self._random.randrange(count) if number == count else number
        return _Ring(first, count, first + (following - number) % count, deque(maxlen=count))

    def _fill(self) -> None:
        """Writes the history. The meter was put to work some time before its oldest record."""
        stamps = {
            letter: self._stamps_back(letter, number)
            for letter, number in zip(LETTERS, self.options.records, strict=True)
        }
        oldest = min([found[-1] for found in stamps.values() if found], default=self.clock)
        self._worked = self.clock - oldest + timedelta(hours=self._random.randrange(2000, 6000))
        for letter, found in stamps.items():
            for stamp in reversed(found):
                self._write(letter, stamp)

    def _stamps_back(self, letter: str, number: int) -> list[datetime]:
        day = self.options.report_day
        stamp = _latest(letter, self.clock, day)
        found: list[datetime] = []
        while len(found) < number:
            if not any(start <= stamp < end for start, end in self._gaps):
                found.append(stamp)
            stamp = _before(letter, stamp, day)
        return found

    def _worked_at(self, moment: datetime) -> timedelta:
        """Time under power when the clock showed `moment`."""
        worked = self._worked + (moment - self.clock)
        return worked + self._off_between(moment, self.clock) if self._gaps else worked

    def _off_between(self, since: datetime, until: datetime) -> timedelta:
        overlaps = (min(end, until) - max(start, since) for start, end in self._gaps)
        return sum((overlap for overlap in overlaps if overlap > timedelta()), timedelta())

    def _write(self, letter: str, made: datetime) -> None:
        ring = self._rings[letter]
        since = _before(letter, made, self.options.report_day)
        worked_s = self._worked_at(made) // _SECOND
        errors = self._life.errors(max(self._worked_at(since) // _SECOND, 0), worked_s)
        if self._off_between(since, made):
            errors = [error | _POWER_OFF for error in errors]
        entry = _Entry(ring.next_place, made, since, worked_s, tuple(errors))
        ring.entries.append(entry)
        ring.next_place = ring.first + (ring.next_place + 1 - ring.first) % ring.count
        self._burn(entry)

    def _burn(self, entry: _Entry) -> None:
        moment = self._life.moment(entry.worked_s)
        packed = self._image.record(entry.made, entry.since, moment, self.options, entry.errors)
        if not self.options.sums:
            packed[-1] = (packed[-1] + 0x5A) & 0xFF
        self._put(entry.place, packed)

    def _put(self, place: int, packed: bytes | bytearray) -> None:
        address = place * self._image.RECORD_SIZE
        self.flash[address : address + self._image.RECORD_SIZE] = packed

    def _spoil(self) -> None:
        for letter, age in self.options.empty:
            entry = self._rings[letter].entries[-1 - age]
            entry.condition = EMPTY
            self._put(entry.place, b"\xff" * self._image.RECORD_SIZE)
        for number, (letter, age) in enumerate(self.options.damaged):
            entry = self._rings[letter].entries[-1 - age]
            entry.condition = DAMAGED
            self._damage(entry.place * self._image.RECORD_SIZE, number % 3)

    def _damage(self, address: int, way: int) -> None:
        """A changed byte in a counter, a stamp that is no date, a write that was cut off: in turn."""
        if way == 0:
            self.flash[address + self._image.RECORD_SIZE // 5 + 3] ^= 0x41
        elif way == 1:
            self.flash[address + 2] = 0x3E
        else:
            half = self._image.RECORD_SIZE // 2
            self.flash[address + half : address + 2 * half] = b"\xff" * half

    def _refresh(self) -> None:
        self._image.put_clock(self.memory, self.clock if self.options.clock_valid else None)
        self._image.put_moment(self.memory, self.moment(), self.options)
        self._image.put_pointers(self.memory, self._pointers())

    def _pointers(self) -> list[int]:
        if not self.options.pointers:
            # Erased memory, an address between two records, nothing at all: no archive fits any of them.
            return [0xFFFFFFFF, self._image.POINTER_BASE + 0x51001, 0]
        places = (self._rings[letter].next_place for letter in LETTERS)
        return [self._image.POINTER_BASE + place * self._image.RECORD_SIZE for place in places]


def _floor(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _report_date(year: int, month: int, report_day: int) -> datetime:
    """A shorter month uses its last day."""
    return datetime(year, month, min(report_day, calendar.monthrange(year, month)[1]))


def _due(letter: str, hour: datetime, report_day: int) -> bool:
    if letter == HOUR:
        return True
    midnight = hour.hour == 0
    return midnight and (letter == DAY or hour == _report_date(hour.year, hour.month, report_day))


def _latest(letter: str, now: datetime, report_day: int) -> datetime:
    """The latest moment, not after `now`, at which a record is due."""
    if letter == HOUR:
        return _floor(now)
    midnight = _floor(now).replace(hour=0)
    if letter == DAY:
        return midnight
    date = _report_date(now.year, now.month, report_day)
    return date if date <= now else _before(MONTH, date, report_day)


def _before(letter: str, stamp: datetime, report_day: int) -> datetime:
    """The moment before `stamp` at which a record is due."""
    if letter == HOUR:
        return stamp - _HOUR
    if letter == DAY:
        return stamp - timedelta(days=1)
    last_month = stamp.replace(day=1) - timedelta(days=1)
    return _report_date(last_month.year, last_month.month, report_day)

"""Where the rings of ТЭМ-104М end. Used by `tem_104m`.

The meter tells no place of the next record: it is looked for among the stamps, and once found only the bytes at
that place are watched. That is one short request for each ring.

A clock that was set back makes stamps break where the ring does not end. Such a place never changes again, so an end
of records is believed only when powered time, which runs on whatever the clock does, breaks there too. Events have no
powered time: theirs is the end that the stamps show.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import cycle

from drivers.tem_104m_map import EVENT_SIZE, LONGEST_STEP_S, ORDER, POWERED_TIME, RECORD, RECORD_SIZE
from drivers.tem_frame import FLASH, Dialogue, read_memory
from drivers.tem_ring import Region, find_next_place, is_unwritten
from drivers.tem_states import unix_stamp
from engine.codec import Field, integers
from engine.dialogue import Setup
from engine.errors import Refused
from engine.model import RecType

STEPS = 64
"""So many records may be written between two looks at a ring; after more its end is looked for anew."""
DAMAGED_IN_A_ROW = 2
"""So many damaged places are passed over."""


def one(data: bytes, of: Field) -> int:
    """The single integer of a field."""
    return integers(data, of, ORDER)[0]


def decode_stamp(data: bytes, of: Field = RECORD["made"]) -> datetime | None:
    """A stamp in a record or an event, as the meter's own clock showed it."""
    return unix_stamp(one(data, of))


def read_powered_s(setup: Setup, place: int) -> Dialogue[int]:
    """Seconds under power of the record at `place`."""
    start, length = POWERED_TIME
    data = yield from read_memory(setup, FLASH, place * RECORD_SIZE + start, length)
    return one(data, Field(RECORD["Tall"].offset - start, "L"))


@dataclass(frozen=True, slots=True)
class RingEnd:
    """The place that is written next, and the four bytes that stood there: when they change it was written."""

    place: int
    bytes_there: bytes


@dataclass(frozen=True, slots=True)
class Written:
    """What tells which of two records is the older one. Events have no powered time."""

    stamp: datetime
    powered_s: int = 0


Joint = tuple[Written | None, Written | None]
"""A record and the one at the place behind it; None where it is empty."""


def is_next(before: Written, after: Written, longest_s: int) -> bool | None:
    """Whether a record was written right after the one at the place before it, at most `longest_s` later.

    None when that is not sure: the counters may have been reset, or neither powered time nor clock tells.
    """
    powered_s = after.powered_s - before.powered_s
    clock_s = (after.stamp - before.stamp).total_seconds()
    if powered_s == 0:
        return True if clock_s > 0 else None
    if powered_s < 0:
        is_reset = after.powered_s <= longest_s and 0 <= clock_s <= longest_s
        return None if is_reset else False
    if powered_s <= longest_s:
        return True
    return False if clock_s < 0 else None


class Watch:
    """Looks where rings end. Stamps are asked for by turns with 4 and 5 bytes: a late answer is known by its length.

    `ends` is what earlier looks found, by the first place of each ring; it is kept up to date.
    """

    def __init__(self, setup: Setup, ends: dict[int, RingEnd]) -> None:
        self._setup = setup
        self._ends = ends
        self._lengths = cycle((4, 5))

    def next_place(self, region: Region) -> Dialogue[int]:
        """The place that is written next; what was known before is checked and followed."""
        known = self._ends.pop(region.first, None)
        end = None
        if known is not None:
            end = yield from self._followed(region, known)
        if end is None:
            end = yield from self._found(region)
        if end is None:
            return region.first
        self._ends[region.first] = end
        return end.place

    def _followed(self, region: Region, known: RingEnd) -> Dialogue[RingEnd | None]:
        """Where the ring ends by now; None when that cannot be told from where it ended before."""
        data = yield from self._bytes_at(region, known.place)
        if data == known.bytes_there or is_unwritten(data):
            return RingEnd(known.place, data)
        before = yield from self._written(region, known.place, data)
        place = known.place
        for _ in range(STEPS if before is not None else 0):
            place = _along(region, place, 1)
            data = yield from self._bytes_at(region, place)
            if is_unwritten(data):
                return RingEnd(place, data)
            after = yield from self._written(region, place, data)
            goes_on = _goes_on(region, before, after)
            if not goes_on:
                return None if goes_on is None else RingEnd(place, data)
            # Events are compared with the first new one: a clock set back by little does not hide those behind it.
            before = before if region.rec_type is RecType.EVENT else after
        return None

    def _found(self, region: Region) -> Dialogue[RingEnd | None]:
        """By bisecting. None for events whose end is not to be seen: they are read from first to last."""
        try:
            place = yield from find_next_place(region, lambda near: self._stamp_at(region, near))
        except Refused:
            return None if region.rec_type is RecType.EVENT else (yield from self._found_by_powered_time(region))
        data = yield from self._bytes_at(region, place)
        if region.rec_type is RecType.EVENT or is_unwritten(data):
            return RingEnd(place, data)
        joint = yield from self._joint(region, place)
        if _goes_on(region, *joint) is False or (yield from self._counts_nothing(region, place, joint)):
            return RingEnd(place, data)
        return (yield from self._found_by_powered_time(region))

    def _found_by_powered_time(self, region: Region) -> Dialogue[RingEnd]:
        """Where stamps break without an end. Refused when powered time shows none either, or the clock ran on there."""
        place = yield from find_next_place(region, lambda near: self._powered_at(region, near))
        data = yield from self._bytes_at(region, place)
        if not is_unwritten(data) and _goes_on(region, *(yield from self._joint(region, place))) is not False:
            raise Refused(f"архив {region.rec_type}: не найдена последняя запись, часы и время под питанием расходятся")
        return RingEnd(place, data)

    def _counts_nothing(self, region: Region, place: int, joint: Joint) -> Dialogue[bool]:
        """Whether powered time is the same here and half a ring away, so that only the stamps can tell."""
        before, after = joint
        if before is None or after is None or before.powered_s != after.powered_s or before.stamp <= after.stamp:
            return False
        return (yield from self._powered_at(region, _along(region, place, region.count // 2))) == after.powered_s

    def _joint(self, region: Region, place: int) -> Dialogue[Joint]:
        """The record before a place and that at the place; of damaged ones their neighbours'."""
        before = yield from self._near(region, _along(region, place, -1), -1)
        return before, (yield from self._near(region, place, 1))

    def _powered_at(self, region: Region, place: int) -> Dialogue[int | None]:
        """Seconds under power at a place; of a damaged one as `_stamp_at`."""
        is_far = place + DAMAGED_IN_A_ROW < region.first + region.count
        found = yield from self._near(region, place, 1 if is_far else -1)
        return None if found is None else found.powered_s

    def _near(self, region: Region, place: int, step: int) -> Dialogue[Written | None]:
        """The record at a place, or at the next one by `step` that is not damaged; None for an empty place."""
        for _ in range(1 + DAMAGED_IN_A_ROW):
            data = yield from self._bytes_at(region, place)
            found = yield from self._written(region, place, data)
            if found is not None or is_unwritten(data):
                return found
            place = _along(region, place, step)
        raise _damaged()

    def _written(self, region: Region, place: int, data: bytes) -> Dialogue[Written | None]:
        """What the record with these first bytes tells; None for a damaged or an empty one."""
        stamp = decode_stamp(data)
        if stamp is None or region.rec_type is RecType.EVENT:
            return None if stamp is None else Written(stamp)
        return Written(stamp, (yield from read_powered_s(self._setup, place)))

    def _stamp_at(self, region: Region, place: int) -> Dialogue[datetime | None]:
        """The stamp of a place; of a damaged one that of a neighbour, behind it if there is one."""
        is_far = place + DAMAGED_IN_A_ROW < region.first + region.count
        for distance in range(1 + DAMAGED_IN_A_ROW):
            data = yield from self._bytes_at(region, place + distance if is_far else place - distance)
            stamp = decode_stamp(data)
            if stamp is not None or is_unwritten(data):
                return stamp
        raise _damaged()

    def _bytes_at(self, region: Region, place: int) -> Dialogue[bytes]:
        address = place * (EVENT_SIZE if region.rec_type is RecType.EVENT else RECORD_SIZE)
        return (yield from read_memory(self._setup, FLASH, address, next(self._lengths)))[:4]


def _goes_on(region: Region, before: Written | None, after: Written | None) -> bool | None:
    """Whether the ring goes on from one record or event to the other; None when that is not sure."""
    if before is None or after is None:
        return None
    if region.rec_type is RecType.EVENT:
        return after.stamp >= before.stamp
    return is_next(before, after, LONGEST_STEP_S[region.rec_type])


def _along(region: Region, place: int, step: int) -> int:
    return region.first + (place - region.first + step) % region.count


def _damaged() -> Refused:
    return Refused("не найдена последняя запись архива: повреждённые записи")

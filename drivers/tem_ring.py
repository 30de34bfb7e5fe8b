"""Archives of the ТЭМ family: records of one size in a row of flash memory, each archive a ring of its own.

The meter keeps, for each archive, the address of the record that it will write next. What cannot be an
address of that archive is not trusted; then the end of the ring is looked for among the records' stamps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import cycle
from typing import TypeVar

from drivers.tem_frame import Dialogue, Memory, read_memory
from engine.codec import Field, bcd_datetime, integers
from engine.dialogue import Mark, Setup
from engine.errors import Refused
from engine.model import RecType

POINTER_BASE = 0x200000
"""What a pointer bears on top of the address in flash."""

StampAt = Callable[[int], Dialogue[datetime | None]]
"""The stamp of the record at a place, None for an empty place; raises Refused for a damaged one."""

Rising = TypeVar("Rising", datetime, int)
"""What grows from record to record: the stamp, or seconds under power."""


@dataclass(frozen=True, slots=True)
class Region:
    """Where an archive lies: record numbers `first` … `first + count - 1` of the whole flash."""

    rec_type: RecType
    first: int
    count: int

    def holds(self, place: int | None) -> bool:
        return place is not None and self.first <= place < self.first + self.count


def place_of(pointer: int, record_size: int, base: int = POINTER_BASE) -> int | None:
    """The record number that a pointer means; None when it points into the middle of a record."""
    place, rest = divmod(pointer - base, record_size)
    return None if rest else place


def bcd_stamp(data: bytes, offset: int = 0) -> datetime | None:
    """A stamp in a record: hour, day, month, year in BCD; None when it is no date."""
    hour, day, month, year = data[offset : offset + 4]
    return bcd_datetime(year=year, month=month, day=day, hour=hour)


def is_unwritten(data: bytes) -> bool:
    """Whether nothing was ever written here: erased flash is FF, some memories begin as 00."""
    return data in (b"\xff" * len(data), b"\x00" * len(data))


def bcd_stamps(setup: Setup, memory: Memory, record_size: int) -> StampAt:
    """Reads stamps for the search; by turns 4 and 5 bytes, so that a late answer is known by its length."""
    lengths = cycle((4, 5))

    def stamp_at(place: int) -> Dialogue[datetime | None]:
        data = yield from read_memory(setup, memory, place * record_size, next(lengths))
        stamp = bcd_stamp(data)
        if stamp is None and not is_unwritten(data[:4]):
            raise Refused("не найдена последняя запись архива: повреждённая запись")
        return stamp

    return stamp_at


def bcd_mark(setup: Setup, memory: Memory, address: int, powered: tuple[int, int]) -> Dialogue[Mark]:
    """The mark of the record at `address`. `powered` is offset and length of a piece that ends in its seconds.

    The piece should not be as long as the stamp, which is asked for just before.
    """
    stamp = bcd_stamp((yield from read_memory(setup, memory, address, 4)))
    if stamp is None:
        return Mark(None)
    offset, length = powered
    data = yield from read_memory(setup, memory, address + offset, length)
    return Mark(stamp, integers(data, Field(length - 4, "L"))[0] / 3600)


def find_next_place(region: Region, stamp_at: Callable[[int], Dialogue[Rising | None]]) -> Dialogue[int]:
    """The place that will be written next, found by bisecting the stamps, or another number that rises.

    Assumed: along the ring stamps rise, with one break, behind the newest record. Empty places are not
    written yet or erased ahead of writing, so they stand at that break. What was found is read again and
    must be a break indeed, the only one that can be seen; otherwise Refused.
    """
    first = yield from stamp_at(region.first)
    if first is None:
        return (yield from _behind_an_empty_start(region, stamp_at))
    newest, behind = region.first, region.first + region.count
    while behind - newest > 1:
        middle = (newest + behind) // 2
        if _is_of_this_lap((yield from stamp_at(middle)), first):
            newest = middle
        else:
            behind = middle
    yield from _check_break(region, stamp_at, newest, first)
    return region.first if behind == region.first + region.count else behind


def _is_of_this_lap(stamp: Rising | None, first: Rising) -> bool:
    """Whether a record was written after the one at the region's first place."""
    return stamp is not None and stamp >= first


def _behind_an_empty_start(region: Region, stamp_at: Callable[[int], Dialogue[Rising | None]]) -> Dialogue[int]:
    """The first place is empty: either the ring came round to it, or nothing is written at all."""
    last = yield from stamp_at(region.first + region.count - 1)
    middle = yield from stamp_at(region.first + region.count // 2)
    if last is None and middle is not None:
        raise _not_found(region)
    return region.first


def _check_break(
    region: Region, stamp_at: Callable[[int], Dialogue[Rising | None]], newest: int, first: Rising
) -> Dialogue[None]:
    last_place = region.first + region.count - 1
    stamp = yield from stamp_at(newest)
    if not _is_of_this_lap(stamp, first):
        raise _not_found(region)
    if newest == last_place:
        return
    following = yield from stamp_at(newest + 1)
    last = yield from stamp_at(last_place)
    if _is_of_this_lap(following, first) or _is_of_this_lap(last, first):
        raise _not_found(region)


def _not_found(region: Region) -> Refused:
    return Refused(f"архив {region.rec_type}: не найдена последняя запись, указатель прибора негоден")

"""Where the rings of ТЭМ-104М end. Used by `tem_104m`.

The meter tells no place of the next record: it is looked for among the stamps, and once found only the bytes at
that place are watched. That is one short request for each ring, and a clock that is set back does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import cycle

from drivers.tem_104m_map import EVENT_SIZE, ORDER, RECORD, RECORD_SIZE
from drivers.tem_frame import FLASH, Dialogue, read_memory
from drivers.tem_ring import Region, find_next_place, is_unwritten
from drivers.tem_states import unix_stamp
from engine.codec import Field, integers
from engine.dialogue import Setup
from engine.errors import Refused
from engine.model import RecType

STEPS = 64
"""So many records may be written between two looks at a ring; after more its end is looked for anew."""


def one(data: bytes, of: Field) -> int:
    """The single integer of a field."""
    return integers(data, of, ORDER)[0]


def decode_stamp(data: bytes, of: Field = RECORD["made"]) -> datetime | None:
    """A stamp in a record or an event, as the meter's own clock showed it."""
    return unix_stamp(one(data, of))


@dataclass(frozen=True, slots=True)
class RingEnd:
    """The place that is written next, and the four bytes that stood there: when they change it was written."""

    place: int
    bytes_there: bytes


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
        first = decode_stamp(data)
        place = known.place
        for _ in range(STEPS):
            place = region.first + (place + 1 - region.first) % region.count
            data = yield from self._bytes_at(region, place)
            stamp = decode_stamp(data)
            if first is None or (stamp is None and not is_unwritten(data)):
                return None
            if stamp is None or stamp < first:
                return RingEnd(place, data)
        return None

    def _found(self, region: Region) -> Dialogue[RingEnd | None]:
        """By bisecting. None for events whose end is not to be seen: they are read from first to last."""
        try:
            place = yield from find_next_place(region, lambda near: self._stamp_at(region, near))
        except Refused:
            if region.rec_type is RecType.EVENT:
                return None
            raise
        return RingEnd(place, (yield from self._bytes_at(region, place)))

    def _stamp_at(self, region: Region, place: int) -> Dialogue[datetime | None]:
        """The stamp of a place; of a damaged one that of a neighbour, behind it if there is one."""
        last = region.first + region.count - 1
        for near in (place, place + 1, place + 2) if place + 2 <= last else (place, place - 1, place - 2):
            data = yield from self._bytes_at(region, near)
            stamp = decode_stamp(data)
            if stamp is not None or is_unwritten(data):
                return stamp
        raise Refused("не найдена последняя запись архива: повреждённые записи")

    def _bytes_at(self, region: Region, place: int) -> Dialogue[bytes]:
        address = place * (EVENT_SIZE if region.rec_type is RecType.EVENT else RECORD_SIZE)
        return (yield from read_memory(self._setup, FLASH, address, next(self._lengths)))[:4]

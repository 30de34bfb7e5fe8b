"""A part of a meter's archive, or all of it, read once more by a command: which walks, and what differs. Pure.

Nothing that is stored is a reason not to read: the walk begins at the oldest place, and the shelf compares.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from engine.archive.catchup import Catchup
from engine.archive.growth import TOTALS
from engine.archive.ring_walk import RingWalk
from engine.dialogue import Mark, Ring
from engine.formats.values import value_text
from engine.model import Entry, Record, RecType

_GROWTHS = frozenset(f"d{key}" for key in TOTALS)
"""What the agent reckons itself depends on the record before, which may have been lost since."""


class NewestPlaces(RingWalk):
    """The walk of the newest `most` records of a ring."""

    def __init__(self, most: int) -> None:
        super().__init__(None, None)
        self._most = most

    def _start(self, remaining: int, before: Entry | None) -> None:
        super()._start(min(remaining, self._most), before)
        self._before_unread = self.remaining < remaining


def all_of_it() -> Catchup:
    """Every record that the meter has."""
    return Catchup({kind: RingWalk(None, None) for kind in RecType}, lambda _ring: RingWalk(None, None))


def newest_of(counts: Mapping[RecType, int]) -> Catchup:
    """The newest so many records of each of these archives."""
    return Catchup(
        {kind: NewestPlaces(most) for kind, most in counts.items()}, lambda ring: NewestPlaces(counts[ring.rec_type])
    )


def days_of(kinds: tuple[RecType, ...], first: date, last: date) -> Catchup:
    """Records of these archives that are stamped on these days, both included.

    Every place is asked for its stamp: after a clock was set back days do not stand in a row.
    """

    def outside(mark: Mark) -> bool:
        return mark.stamp is not None and not first <= mark.stamp.date() <= last

    def walk(_ring: Ring | None = None) -> RingWalk:
        return RingWalk(None, outside)

    return Catchup({kind: walk() for kind in kinds}, walk)


def differences(stored: Record, read: Record) -> Iterator[str]:
    """What the meter tells otherwise than the archive, a key each, as the files print it."""
    for number in range(max(len(stored.systems), len(read.systems))):
        before = stored.systems[number] if number < len(stored.systems) else {}
        now = read.systems[number] if number < len(read.systems) else {}
        for key in [*now, *(key for key in before if key not in now)]:
            old, new = value_text(key, before.get(key)), value_text(key, now.get(key))
            if key not in _GROWTHS and old != new:
                yield f"S{number + 1}{key} в архиве «{old}», в приборе «{new}»"

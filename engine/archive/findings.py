"""What a walk through a meter's archive asks for, and what it finds there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from engine.dialogue import Fetched, Mark, Ring
from engine.formats.archive import event_fields
from engine.model import Entry, Event, RecType


@dataclass(frozen=True, slots=True)
class Cursor:
    """Everything in a ring before `place` has been dealt with; `mark` is what stands just before it.

    `ring` is the key of the ring where a type has several, empty for the only one.
    """

    place: int
    mark: Mark
    ring: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """One place of a ring to be read; `probe`: its mark is enough."""

    ring: Ring
    place: int
    probe: bool = False


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest record of a ring, for the snapshot. It is stored when its turn comes."""

    record: Entry


@dataclass(frozen=True, slots=True)
class Found:
    """A record to be stored; only then `cursor` may be kept. `newest`: none is newer in the ring.

    `before` is the stamp of the last good record before it in the ring, None if that was not read. `regular`: a
    stamp that is left out between them is a gap.
    """

    record: Entry
    cursor: Cursor
    before: datetime | None
    unsummed: bool
    newest: bool
    regular: bool = True


@dataclass(frozen=True, slots=True)
class Passed:
    """A place with nothing to store: empty, or stored already."""

    rec_type: RecType
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class Damaged:
    """A place that cannot be read now. `stamp` is what it should bear, None if nothing tells."""

    rec_type: RecType
    place: int
    stamp: datetime | None
    reason: str
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class Healed:
    """A damaged place that was read at last; `stamp` is the one it was told under."""

    record: Entry
    place: int
    stamp: datetime | None
    unsummed: bool


Finding = Newest | Found | Passed | Damaged | Healed


def mark_of(fetched: Fetched) -> Mark:
    """What a cursor remembers of a place: stamp and powered time of the first system, or all that an event says."""
    entry = fetched.record
    if entry is None:
        return Mark(None)
    if isinstance(entry, Event):
        return Mark(entry.stamp, None, event_fields(entry))
    powered_h = entry.systems[0].get("Tall") if entry.systems else None
    return Mark(entry.stamp, powered_h if isinstance(powered_h, float) else None)


def is_later(one: Fetched, other: Fetched) -> bool:
    """By the time under power alone: clocks are set back and forth."""
    one_h, other_h = mark_of(one).powered_h, mark_of(other).powered_h
    return one_h is not None and other_h is not None and one_h > other_h

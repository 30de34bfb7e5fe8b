"""Between a walk through a meter's rings and the shelf: what is still to be read, and what becomes of a finding."""

from __future__ import annotations

from dataclasses import dataclass

from engine.archive.catchup import Catchup
from engine.archive.findings import Damaged, Finding, Found, Healed, Newest
from engine.archive.ring_walk import RingWalk
from engine.dialogue import Mark
from engine.formats.archive import Head
from engine.keeper.shelf import Shelf
from engine.model import Entry, RecType


@dataclass(frozen=True, slots=True)
class Shelved:
    """`kept`: an entry that was not stored before; `newest` is one that the snapshot is to show."""

    kept: bool = False
    unsummed: bool = False
    newest: Entry | None = None


def catchup_of(shelf: Shelf) -> Catchup:
    """Everything that the shelf has not got, from where the last catch-up stopped."""
    walks = {kind: _walk_of(shelf, kind) for kind in RecType}
    return Catchup(walks, lambda ring: _walk_of(shelf, ring.rec_type, ring.key))


def shelve(shelf: Shelf, finding: Finding, head: Head, event_date: str) -> Shelved:
    """Store what was found and move the cursor. Raises OSError: then the same finding may come again."""
    if isinstance(finding, Newest):
        return Shelved(newest=finding.record)
    if isinstance(finding, Found):
        return _store(shelf, finding, head, event_date)
    if isinstance(finding, Healed):
        return _heal(shelf, finding, head, event_date)
    if isinstance(finding, Damaged):
        shelf.note_damaged(finding.rec_type, finding.place, finding.stamp)
    shelf.move(finding.rec_type, finding.cursor)
    return Shelved()


def _store(shelf: Shelf, found: Found, head: Head, event_date: str) -> Shelved:
    """The gap before the record is noted first: if that fails, the record comes once more."""
    record = found.record
    before = found.before or shelf.last_stamp(record.rec_type, record.stamp)
    if before and found.regular:
        shelf.note_missing(record.rec_type, before, record.stamp)
    kept = shelf.keep(record, head, event_date)
    shelf.move(record.rec_type, found.cursor)
    return Shelved(kept, found.unsummed, record if found.newest else None)


def _heal(shelf: Shelf, healed: Healed, head: Head, event_date: str) -> Shelved:
    """A record with another stamp than the damaged one was to bear is another record: the meter has written over it."""
    record = healed.record
    kept = shelf.keep(record, head, event_date)
    if healed.stamp in (None, record.stamp):
        shelf.note_healed(record.rec_type, healed.place, record.stamp)
    else:
        shelf.note_lost(record.rec_type, healed.place, healed.stamp)
    return Shelved(kept, healed.unsummed)


def _walk_of(shelf: Shelf, rec_type: RecType, ring: str = "") -> RingWalk:
    def known(mark: Mark) -> bool:
        return shelf.has(rec_type, mark)

    damaged = shelf.ledger.damaged.get(rec_type)
    walk = RingWalk(shelf.cursor(rec_type, ring), None if shelf.is_empty(rec_type) else known, damaged)
    walk.retry_damaged()
    return walk

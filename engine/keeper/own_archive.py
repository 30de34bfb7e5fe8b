"""The archive of a device that keeps none: records that the agent makes itself, on their way to the shelf."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from datetime import datetime

from engine.archive.growth import with_growth
from engine.archive.recorder import PERIODS, Recorder
from engine.formats.archive import Head
from engine.keeper.shelf import Shelf
from engine.keeper.snapshot_file import SnapshotFile
from engine.model import Reading, Record, RecType, Value

PENDING_MOST = 100
"""While the disk takes nothing the newest records wait; what is older becomes a gap."""


class OwnArchive:
    """What is stored decides what is missing: a record whose stamp is on the shelf is never made twice."""

    def __init__(self, shelf: Shelf, snapshot: SnapshotFile, extra_totals: frozenset[str]) -> None:
        self._shelf = shelf
        self._snapshot = snapshot
        self._extra_totals = extra_totals
        self._recorder = Recorder(extra_totals)
        self._pending: deque[Record] = deque(maxlen=PENDING_MOST)
        self._last: dict[RecType, Record] = {}
        for rec_type in PERIODS:
            self._remember(self._stored_last(rec_type))

    def take(self, reading: Reading, at: datetime | None, interval_s: float, head: Head) -> int:
        """A reading at the agent's local time, None while that is not to be believed; how many records were stored.

        An OSError loses nothing: the records are stored with the next reading.
        """
        if at is not None:
            self._pending += self._recorder.take(reading, at, interval_s)
        stored = 0
        while self._pending:
            stored += self._store(self._pending[0], head)
            self._pending.popleft()
        return stored

    def _store(self, record: Record, head: Head) -> bool:
        """The gap before the record is noted first: if that fails, the record comes once more."""
        if self._shelf.has_stamp(record.rec_type, record.stamp):
            return False
        last_stamp = self._shelf.last_stamp(record.rec_type, record.stamp)
        grown = with_growth(record, self._before(record), self._totals_of(record))
        assert isinstance(grown, Record), "growth makes no event of a record"
        if last_stamp is not None:
            self._shelf.note_missing(record.rec_type, last_stamp, record.stamp)
        kept = self._shelf.keep(grown, head)
        self._remember(grown)
        return kept

    def _before(self, record: Record) -> Record | None:
        """The record that this one grew from. What was stored while the clock stood in the future is not it."""
        last = self._last.get(record.rec_type)
        if last is None or last.stamp > record.stamp:
            last = self._stored_last(record.rec_type, record.stamp)
        return last if last and self._shelf.has_stamp(last.rec_type, last.stamp) else None

    def _stored_last(self, rec_type: RecType, before: datetime = datetime.max) -> Record | None:
        record = self._shelf.last_record(rec_type, before)
        return record and _with_numbers(record, self._extra_totals)

    def _totals_of(self, record: Record) -> tuple[str, ...]:
        keys = {key for values in record.systems for key in values if self._recorder.is_total(key)}
        return tuple(sorted(keys))

    def _remember(self, record: Record | None) -> None:
        if record is not None:
            self._last[record.rec_type] = record
            self._snapshot.show_newest(record)


def _with_numbers(record: Record, keys: frozenset[str]) -> Record:
    """Of keys that the manual has not got a file tells only texts."""
    systems = [{key: _number(value) if key in keys else value for key, value in one.items()} for one in record.systems]
    return replace(record, systems=tuple(systems))


def _number(value: Value) -> Value:
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return None

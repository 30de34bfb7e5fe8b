"""The snapshot of one device on the disk. The user may delete it; it is made anew with the next reading."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine import files, naming
from engine.formats.snapshot import SnapshotView, offline, read_snapshot, snapshot_text
from engine.model import Record, RecType
from engine.reasons import why

SNAPSHOT_LIMIT = 1024 * 1024


class SnapshotFile:
    """`problem` says why the last one could not be written, empty when it was."""

    def __init__(self, root: Path, dev_number: str) -> None:
        self.problem = ""
        self._path = root / naming.snapshot_path(dev_number)
        self._view: SnapshotView | None = None
        self._newest: dict[RecType, Record] = {}

    def show(self, view: SnapshotView) -> None:
        """Current values, with the newest records that are known."""
        self._view = view
        self._write()

    def show_newest(self, record: Record) -> None:
        """The newest hour or day record of the meter."""
        self._newest[record.rec_type] = record
        self._write()

    def go_offline(self) -> None:
        """Nothing stale is shown as current, also where an earlier run left the file."""
        view = self._view or self._left()
        if view is not None:
            self._view = offline(view)
            self._write()

    def _write(self) -> None:
        if self._view is None:
            return
        hour = self._newest.get(RecType.HOUR, self._view.hour)
        day = self._newest.get(RecType.DAY, self._view.day)
        text = snapshot_text(replace(self._view, hour=hour, day=day))
        try:
            files.write_whole(self._path, text.encode(), synced=False)
        except OSError as error:
            self.problem = f"показания не записаны: {why(error)}"
        else:
            self.problem = ""

    def _left(self) -> SnapshotView | None:
        try:
            return read_snapshot(files.read_limited(self._path, SNAPSHOT_LIMIT).decode())
        except (OSError, ValueError):
            return None  # none there, or torn: it is made anew at the next contact

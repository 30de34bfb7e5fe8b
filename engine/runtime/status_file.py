"""`status.txt` on the disk: written when something in it has changed, and once a minute for its moment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine import files, naming
from engine.formats.status import StatusView, status_text
from engine.journal import to_stderr
from engine.reasons import why

LONGEST_S = 60.0


class StatusFile:
    """A flash card wears: that time has passed is no reason to write. Used by the main thread."""

    def __init__(self, root: Path) -> None:
        self._path = root / naming.STATUS
        self._timeless = ""
        self._written_at_s = 0.0

    def show(self, view: StatusView, now_s: float) -> None:
        """`now_s` is monotonic. A disk that takes nothing is told on stderr, and tried again."""
        timeless = status_text(replace(view, now=None))
        if timeless == self._timeless and now_s - self._written_at_s < LONGEST_S and self._path.exists():
            return
        try:
            files.write_whole(self._path, status_text(view).encode("utf-8", "replace"), synced=False)
        except OSError as error:
            to_stderr(f"{naming.STATUS}: {why(error)}\n")
        else:
            self._timeless, self._written_at_s = timeless, now_s

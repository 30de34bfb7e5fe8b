"""`log/User/journal.txt`: problems and recoveries, the last 200 kB (#132). The same lines go to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from engine import files, naming
from engine.reasons import why

LIMIT_BYTES = 200_000
KEPT_BYTES = 150_000
LINE_CHARACTERS = 2_000


class Journal:
    """Appends lines. A disk that takes nothing is no reason to stop: stderr has the line all the same."""

    def __init__(self, root: Path, now: Callable[[], datetime | None]) -> None:
        self._path = root / naming.JOURNAL
        self._now = now

    def write(self, text: str) -> None:
        """One line, with the agent's date and time when they are known."""
        moment = self._now()
        stamp = moment.strftime("%d.%m.%y %H:%M:%S") if moment else "--.--.-- --:--:--"
        line = f"{stamp} {' '.join(text.split())[:LINE_CHARACTERS]}\n"
        to_stderr(line)
        try:
            if files.append_whole(self._path, line.encode("utf-8", "replace")) > LIMIT_BYTES:
                self._shorten()
        except OSError as error:
            to_stderr(f"{stamp} {naming.JOURNAL}: {why(error)}\n")

    def _shorten(self) -> None:
        with self._path.open("rb") as file:
            file.seek(-KEPT_BYTES, os.SEEK_END)
            tail = file.read(KEPT_BYTES)
        files.write_whole(self._path, tail.partition(b"\n")[2] or tail, synced=False)


def to_stderr(text: str) -> None:
    """Whoever listened there may be gone: that is no reason to stop."""
    try:
        sys.stderr.write(text)
    except (OSError, ValueError):
        pass

"""`log/User/journal.txt`: problems and recoveries, the last 200 kB (#132). The same lines go to stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from engine import files, naming

LIMIT_BYTES = 200_000
KEPT_BYTES = 150_000


class Journal:
    """Appends lines. A disk that takes nothing is no reason to stop: stderr has the line all the same."""

    def __init__(self, root: Path, now: Callable[[], datetime | None]) -> None:
        self._path = root / naming.JOURNAL
        self._now = now

    def write(self, text: str) -> None:
        """One line, with the agent's date and time when they are known."""
        moment = self._now()
        stamp = moment.strftime("%d.%m.%y %H:%M:%S") if moment else "--.--.-- --:--:--"
        line = f"{stamp} {' '.join(text.split())}\n"
        sys.stderr.write(line)
        try:
            if files.append_whole(self._path, line.encode("utf-8", "replace")) > LIMIT_BYTES:
                self._shorten()
        except OSError as error:
            sys.stderr.write(f"{stamp} {naming.JOURNAL}: {error.strerror}\n")

    def _shorten(self) -> None:
        tail = self._path.read_bytes()[-KEPT_BYTES:]
        files.write_whole(self._path, tail[tail.index(b"\n") + 1 :], synced=False)

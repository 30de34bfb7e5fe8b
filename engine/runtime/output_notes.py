"""Where a valve stands, noted in `var/` for the next run: for devices that cannot be asked."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from engine import files, naming
from engine.reasons import why

NOTES = f"{naming.VAR}/regulator"


class OutputNotes:
    """One small file a regulator. A flash card wears: only what has moved enough is noted again."""

    def __init__(self, root: Path, journal: Callable[[str], None]) -> None:
        self._folder = root / NOTES
        self._journal = journal
        self._noted: dict[str, float] = {}
        self._problem = ""

    def read(self, file: str) -> float | None:
        """The output that was noted last; None when there is none, or the note cannot be read."""
        try:
            value = float((self._folder / f"{file}.txt").read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None
        if not math.isfinite(value):
            return None
        self._noted[file] = value
        return value

    def write(self, file: str, output: float, least_change: float) -> None:
        """Note it, if it differs by more than `least_change` from what is noted."""
        noted = self._noted.get(file)
        if noted is not None and abs(output - noted) <= least_change:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            files.write_whole(self._folder / f"{file}.txt", repr(output).encode(), synced=True)
        except OSError as error:
            if not self._problem:
                self._journal(f"{NOTES}/{file}.txt: не записан: {why(error)}")
            self._problem = why(error)
        else:
            self._noted[file], self._problem = output, ""

"""Which version works, and what became of an update that was put into the inbox.

The agent has no part in updating: root checks and installs. `scripts/update` writes `var/update.txt`; it runs whenever
a file `log/Ftp/*.update` is there and this machine has a key.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from engine import files, naming
from engine.formats.status import moment_text
from engine.formats.values import clean
from engine.reasons import why
from engine.runtime.part import House, Part
from engine.version import VERSION

RESULT = f"{naming.VAR}/update.txt"
KEY = Path("/etc/tsm-smart/update.pub")
SUFFIX = ".update"
LOOK_S = 5.0
WAITING_PERIOD_S = 60
RESULT_LIMIT_BYTES = 4096


class Update(Part):
    """Tells the last result, and of a file that nobody will take because updates by file are off."""

    title = "Программа"

    def __init__(self, house: House, key: Path = KEY) -> None:
        super().__init__(house)
        self._key = key
        self._look_at_s = float("-inf")
        self._stamp: tuple[int, int] | None = None
        self._first = True
        self._result = ""
        self._waiting: list[str] = []

    def tick(self, now_s: float) -> None:
        """Look whether there is a new result."""
        if now_s >= self._look_at_s:
            self._look_at_s = now_s + LOOK_S
            self._look()

    def jobs(self) -> Mapping[Callable[[], None], int]:
        """Once a minute."""
        return {self._look_for_waiting: WAITING_PERIOD_S}

    def lines(self) -> Sequence[str]:
        """The version, and the last result where there was one."""
        return [text for text in (f"версия {VERSION}", self._result, self._waiting_text()) if text]

    def _look(self) -> None:
        path = self.house.root / RESULT
        try:
            status = path.lstat()
            stamp = (status.st_mtime_ns, status.st_ino)
            if stamp == self._stamp:
                return
            text = files.read_limited(path, RESULT_LIMIT_BYTES).decode("utf-8", "replace")
        except FileNotFoundError:
            self._stamp, self._result, self._first = None, "", False
            return
        except OSError as error:
            self._result = f"{RESULT}: {why(error)}"
            return
        told = clean(text.partition("\n")[0])
        if not self._first:
            self.house.journal(f"обновление: {told}")
        self._stamp, self._first = stamp, False
        self._result = f"обновление {self._when(status.st_mtime)}: {told}"

    def _when(self, stamp_s: float) -> str:
        now = self.house.now()
        return moment_text(datetime.fromtimestamp(stamp_s, now.tzinfo) if now else None)

    def _look_for_waiting(self) -> None:
        self._waiting = []
        if self._key.exists():
            return
        try:
            with os.scandir(self.house.root / naming.INBOX) as entries:
                self._waiting = sorted(entry.name for entry in entries if entry.name.endswith(SUFFIX))
        except OSError:
            return  # an inbox that is gone comes back, and holds nothing then

    def _waiting_text(self) -> str:
        if not self._waiting:
            return ""
        why_not = f"обновление файлом не включено, нет {self._key}"
        return f"{naming.INBOX}/{clean(self._waiting[0])} не установится: {why_not}"

"""A wall clock of its own for one process, which may be set to any moment while it runs; time spans stay true.

It is Debian's libfaketime, fetched by scripts/debian.
"""

from __future__ import annotations

import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.fake.agent_process import AgentProcess
from tests.fake.debian_servers import PROJECT

PACKAGE = "libfaketime"


class FaultyClock:
    """`set` makes it show a moment, from which it goes on."""

    def __init__(self, path: Path, shown: datetime) -> None:
        self._path = path
        self.set(shown)

    def set(self, shown: datetime) -> None:
        """`shown` has a zone."""
        beside = self._path.with_suffix(".new")
        beside.write_text(f"{shown.timestamp() - time.time():+.0f}\n")
        beside.replace(self._path)

    def now(self) -> datetime:
        """What it shows, to the second."""
        return datetime.fromtimestamp(time.time() + int(self._path.read_text()), UTC)

    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._path),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
            "NO_FAKE_STAT": "1",
            "TZ": "UTC",
        }


class ClockedAgent(AgentProcess):
    """The agent on a board with this clock."""

    def __init__(self, root: Path, clock: FaultyClock) -> None:
        super().__init__(root)
        self._command = ["env", *(f"{key}={value}" for key, value in clock.environment().items()), *self._command]


def _library() -> Path:
    folder = PROJECT / ".debian" / PACKAGE
    if not folder.exists():
        subprocess.run([str(PROJECT / "scripts/debian"), PACKAGE], check=True)
    return next(folder.glob("usr/lib/*/faketime/libfaketimeMT.so.1"))

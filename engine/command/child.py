"""A command that is a process of its own: `agent.py` once more, for what lasts long and needs much memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

CODE = Path(__file__).resolve().parents[2] / "agent.py"
STOP_S = 1.0
_PIECE_BYTES = 65536


class Child:
    """One run of `agent.py --root ROOT words…`. Nothing here waits but `stop`."""

    def __init__(self, root: Path, words: Sequence[str]) -> None:
        """Raises OSError when no process can be started."""
        self._process = subprocess.Popen(
            [sys.executable, str(CODE), "--root", str(root), *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert self._process.stdout is not None, "it was asked for"
        self._pipe = self._process.stdout.fileno()
        os.set_blocking(self._pipe, False)
        self._torn = b""

    def lines(self) -> list[str]:
        """What it has told since the last look, by whole lines."""
        try:
            data = os.read(self._pipe, _PIECE_BYTES)
        except BlockingIOError:
            return []
        *whole, self._torn = (self._torn + data).split(b"\n") if data else (self._torn, b"")
        return [line.decode("utf-8", "replace") for line in whole if line.strip()]

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """End it, if need be, and let go of it. Ctrl-C is what every command knows how to end by."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

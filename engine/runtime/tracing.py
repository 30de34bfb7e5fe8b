"""`--trace`: every exchange in the form of a capture, so that what was seen in the field becomes a test."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self, TextIO

LIMIT_CHARACTERS = 50_000_000


class Trace:
    """Where exchanges go: a file, stderr for "-", nowhere for None. Lines of several ports never mix.

    At its limit, and on a disk that takes nothing, the trace ends; polling goes on.
    """

    def __init__(self, target: str | None) -> None:
        self._target = target
        self._stream: TextIO | None = None
        self._lock = Lock()
        self._last = ""
        self._left = LIMIT_CHARACTERS

    def __enter__(self) -> Self:
        if self._target == "-":
            self._stream = sys.stderr
        elif self._target is not None:
            self._stream = Path(self._target).open("a", encoding="utf-8", buffering=1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None and self._stream is not sys.stderr:
            self._stream.close()

    def of_line(self, name: str) -> Callable[[str], None] | None:
        """What a bus calls with each line of its exchanges; None when nothing is traced."""
        return None if self._stream is None else lambda text: self._write(name, text)

    def _write(self, name: str, text: str) -> None:
        assert self._stream is not None, "a stream is open while there is a tracer"
        with self._lock:
            if name != self._last:
                text = f"# {name}\n{text}"
            if len(text) > self._left:
                return
            self._last, self._left = name, self._left - len(text) - 1
            try:
                self._stream.write(f"{text}\n")
            except OSError:
                self._left = 0

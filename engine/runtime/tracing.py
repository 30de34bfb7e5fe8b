"""`--trace`: every exchange in the form of a capture, so that what was seen in the field becomes a test."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self, TextIO


class Trace:
    """Where exchanges go: a file, stderr for "-", nowhere for None. Lines of several ports never mix."""

    def __init__(self, target: str | None) -> None:
        self._target = target
        self._stream: TextIO | None = None
        self._lock = Lock()
        self._last = ""

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
                self._last = name
                self._stream.write(f"# {name}\n")
            self._stream.write(f"{text}\n")

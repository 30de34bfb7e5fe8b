"""Autoconfiguration for a person who watches: facts as lines, and on a terminal a line of progress below them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

TERMINAL_PERIOD_S = 0.2
PLAIN_PERIOD_S = 10.0
_WIDTH = 120
_CLEAR = "\r\x1b[K"


class SearchConsole:
    """`tell` writes a fact at once; `look` may be called as often as one likes. Used by one thread."""

    def __init__(self, stream: TextIO = sys.stderr, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._terminal = stream.isatty()
        self._places: dict[str, str] = {}
        self._shown_at_s = clock()
        self._pending = False

    def tell(self, text: str) -> None:
        """Something that stays."""
        self._write(f"{_CLEAR if self._pending else ''}{text}\n")
        self._pending = False

    def look(self, line: str, place: str) -> None:
        """Where the search of a line is; an empty place when it has ended."""
        if place:
            self._places[line] = place
        else:
            self._places.pop(line, None)
        now_s = self._clock()
        if now_s - self._shown_at_s >= (TERMINAL_PERIOD_S if self._terminal else PLAIN_PERIOD_S):
            self._shown_at_s = now_s
            self._show()

    def end(self) -> None:
        """Leave the terminal on a fresh line."""
        self._places.clear()
        if self._pending:
            self._write(_CLEAR)
            self._pending = False

    def _show(self) -> None:
        text = "; ".join(f"{line.removeprefix('/dev/')}: {place}" for line, place in self._places.items())
        if not text:
            return
        if self._terminal:
            self._write(f"{_CLEAR}{text[:_WIDTH]}")
            self._pending = True
        else:
            self._write(f"ищу: {text}\n")

    def _write(self, text: str) -> None:
        """Whoever watched may be gone: that is no reason to stop."""
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            pass

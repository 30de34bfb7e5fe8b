"""Autoconfiguration for a person who watches: facts as lines, and on a terminal a line of progress below them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

from engine.console.screen import Screen

TERMINAL_PERIOD_S = 0.2
PLAIN_PERIOD_S = 10.0
_WIDTH = 120


class SearchConsole:
    """`tell` writes a fact at once; `look` may be called as often as one likes. Used by one thread."""

    def __init__(self, stream: TextIO = sys.stderr, clock: Callable[[], float] = time.monotonic) -> None:
        self._screen = Screen(stream)
        self._clock = clock
        self._places: dict[str, str] = {}
        self._shown_at_s = clock()

    def tell(self, text: str) -> None:
        """Something that stays."""
        self._screen.tell(text)

    def look(self, line: str, place: str) -> None:
        """Where the search of a line is; an empty place when it has ended."""
        if place:
            self._places[line] = place
        else:
            self._places.pop(line, None)
        now_s = self._clock()
        if now_s - self._shown_at_s >= (TERMINAL_PERIOD_S if self._screen.is_terminal else PLAIN_PERIOD_S):
            self._shown_at_s = now_s
            self._show()

    def end(self) -> None:
        """Leave the terminal on a fresh line."""
        self._places.clear()
        self._screen.end()

    def _show(self) -> None:
        text = "; ".join(f"{line.removeprefix('/dev/')}: {place}" for line, place in self._places.items())
        if not text:
            return
        if self._screen.is_terminal:
            self._screen.renew(text[:_WIDTH])
        else:
            self._screen.tell(f"ищу: {text}")

"""Lines for a person who watches: those that stay, and on a terminal one below them that renews itself."""

from __future__ import annotations

from contextlib import suppress
from typing import TextIO

_CLEAR = "\r\x1b[K"


class Screen:
    """`is_terminal`: a line can be renewed; in a pipe every line stays. Used by one thread."""

    def __init__(self, stream: TextIO) -> None:
        self.is_terminal = stream.isatty()
        self._stream = stream
        self._pending = False

    def tell(self, text: str) -> None:
        """A line that stays."""
        self._write(f"{_CLEAR if self._pending else ''}{text}\n")
        self._pending = False

    def renew(self, text: str) -> None:
        """The line that changes. For a terminal."""
        self._write(f"{_CLEAR}{text}")
        self._pending = True

    def end(self, last: str = _CLEAR) -> None:
        """Leave the terminal at the beginning of a line; `last` is what becomes of the one that changes."""
        if self._pending:
            self._write(last)
            self._pending = False

    def _write(self, text: str) -> None:
        """Whoever watched may be gone: that is no reason to stop."""
        with suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()

"""A line that says what it was told to say, at counted moments: nothing is waited for."""

from __future__ import annotations

from collections.abc import Sequence

from engine.dialogue import Ask, Look
from engine.errors import LineDown

Piece = tuple[float, bytes]
"""Seconds after the request, and what comes then."""


class ScriptedLink:
    """`answers` holds the pieces for each request in turn; `babble_s`: one byte every so many seconds, for ever.

    `when_asked`: it babbles from the first request on only.
    """

    def __init__(self, *answers: Sequence[Piece], babble_s: float = 0.0, when_asked: bool = False) -> None:
        self.name = "/dev/scripted"
        self.now_s = 100.0
        self.bauds: list[int] = []
        self.written: list[tuple[float, bytes]] = []
        self.down = ""
        self.closed = 0
        self._answers = list(answers)
        self._coming: list[Piece] = []
        self._babble_s = babble_s
        self._when_asked = when_asked

    def clock(self) -> float:
        return self.now_s

    def open(self, baud: int) -> None:
        self.bauds.append(baud)

    def write(self, data: bytes) -> None:
        if self.down:
            raise LineDown(self.down)
        self.written.append((self.now_s, data))
        pieces = self._answers.pop(0) if self._answers else ()
        self.say(*pieces)

    def say(self, *pieces: Piece) -> None:
        """Further bytes, counted from now."""
        self._coming += [(self.now_s + after_s, data) for after_s, data in pieces]
        self._coming.sort(key=lambda piece: piece[0])

    def read(self, limit: int, timeout_s: float) -> bytes:
        if self._babble_s and (self.written or not self._when_asked):
            self.now_s += self._babble_s
            return b"\xff"[:limit]
        until_s = self.now_s + max(0.0, timeout_s)
        if self._coming and self._coming[0][0] <= until_s:
            due_s, data = self._coming.pop(0)
            self.now_s = max(self.now_s, due_s)
            if data[limit:]:
                self._coming.insert(0, (due_s, data[limit:]))
            return data[:limit]
        self.now_s = until_s
        return b""

    def close(self) -> None:
        self.closed += 1


def take(received: bytes) -> Look:
    """Answers of this toy protocol are `<text>`; a `!` inside is a wrong sum."""
    begin = received.rfind(b"<")
    if begin < 0:
        return Look(None, "шум" if received else "")
    end = received.find(b">", begin)
    if end < 0:
        return Look(None, "неполный кадр")
    payload = received[begin + 1 : end]
    return Look(None, "контрольная сумма") if b"!" in payload else Look(payload)


def ask(request: bytes = b"?1", expected: int = 6) -> Ask:
    return Ask(request, take, expected)

"""A client who has a virtual line: he says what was written down, at counted moments."""

from __future__ import annotations

from engine.line.guest import Guest
from tests.fake.virtual_line import VirtualLink

SLICE_S = 0.25


class VirtualGuest(Guest):
    """`words` are (moment on the clock of `link`, bytes); `heard` is what the line said and when."""

    def __init__(self, link: VirtualLink, *words: tuple[float, bytes], baud: int = 9600) -> None:
        self.address, self.baud, self.gone, self.line = "192.0.2.7", baud, "", ""
        self.to_line = self.from_line = 0
        self.heard: list[tuple[float, bytes]] = []
        self._link = link
        self._words = sorted(words)

    def has_spoken(self) -> bool:
        return bool(self.gone) or bool(self._words and self._words[0][0] <= self._link.now_s)

    def carry(self, link: object, timeout_s: float) -> tuple[bool, bool]:
        assert link is self._link, "his line"
        if self.has_spoken():
            self._speak()
            return True, False
        next_s = self._words[0][0] - self._link.now_s if self._words else timeout_s
        part = self._link.read(4096, max(min(timeout_s, next_s, SLICE_S), 0.001))
        if part:
            self.heard.append((self._link.now_s, part))
        return False, bool(part)

    def close(self, reason: str) -> None:
        self.gone = self.gone or reason

    def _speak(self) -> None:
        _, data = self._words.pop(0)
        self._link.write(data)
        self.to_line += len(data)

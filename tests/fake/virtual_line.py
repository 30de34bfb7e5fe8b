"""A line on which time is only counted: emulated meters behind a link, hours of polling in a moment."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event

from drivers.emulated import Speaker
from engine.dialogue import Driver
from engine.errors import LineDown
from engine.line import LineWorker
from engine.line.bus import Bus
from engine.news import News

BYTE_S = 10 / 9600
TURNAROUND_S = 0.005


class VirtualLink:
    """A `Link` to `speaker` on a 9600 baud line. `now_s` goes on with every byte and every wait."""

    def __init__(self, speaker: Speaker) -> None:
        self.name = "/dev/virtual"
        self.speaker = speaker
        self.now_s = 1000.0
        self.down = ""
        self.closed_from_afar = False
        self.opened = 0
        self._coming: list[tuple[float, bytes]] = []
        self._elapsed_s = self.now_s

    def open(self, baud: int) -> None:
        del baud
        self.opened += 1
        self.pass_time(0.001)
        if self.down:
            raise LineDown(self.down)

    def write(self, data: bytes) -> None:
        if self.down:
            raise LineDown(self.down)
        self.pass_time(len(data) * BYTE_S)
        self._let_meters_live()
        due_s = self.now_s + TURNAROUND_S
        for pause_s, part in self.speaker.pieces(data):
            due_s += pause_s + len(part) * BYTE_S
            self._coming.append((due_s, part))
        self._coming.sort(key=lambda piece: piece[0])

    def read(self, limit: int, timeout_s: float) -> bytes:
        if self.down:
            raise LineDown(self.down)
        until_s = self.now_s + max(0.0, timeout_s)
        if self._coming and self._coming[0][0] <= until_s:
            due_s, part = self._coming.pop(0)
            self.now_s = max(self.now_s, due_s)
            if len(part) > limit:
                self._coming.insert(0, (due_s, part[limit:]))
            return part[:limit]
        self.now_s = until_s
        return b""

    def close(self) -> None:
        self._coming.clear()
        if self.closed_from_afar:
            self.closed_from_afar, self.down = False, ""

    def close_from_afar(self) -> None:
        """The connection is gone; a new one would be taken."""
        self.closed_from_afar, self.down = True, "соединение разорвано"

    def pass_time(self, duration_s: float) -> None:
        self.now_s += duration_s

    def _let_meters_live(self) -> None:
        self.speaker.elapse(self.now_s - self._elapsed_s)
        self.speaker.pause()
        self._elapsed_s = self.now_s


class VirtualWake(Event):
    """Whoever waits for it lets the time of the line pass."""

    def __init__(self, link: VirtualLink) -> None:
        super().__init__()
        self._link = link

    def wait(self, timeout: float | None = None) -> bool:
        self._link.pass_time(min(max(timeout or 0.0, 0.001), 60.0))
        return self.is_set()


class VirtualLine(LineWorker):
    """A line worker whose thread is never started: `run_for` takes its turns until the time is over."""

    def __init__(self, speaker: Speaker, drivers: Sequence[Driver]) -> None:
        self.link = VirtualLink(speaker)
        self.news: list[tuple[float, News]] = []
        super().__init__(
            Bus(self.link, self.clock), tuple(drivers), self.hear, lambda _thread, _text: None, self.clock
        )
        self._wake = VirtualWake(self.link)

    def clock(self) -> float:
        return self.link.now_s

    def hear(self, news: News) -> None:
        self.news.append((self.link.now_s, news))

    def run_for(self, duration_s: float) -> list[News]:
        """Work for so long; the news of that time."""
        first, until_s = len(self.news), self.link.now_s + duration_s
        while self.link.now_s < until_s:
            self._turn()
        return [news for _, news in self.news[first:]]

"""A line that hears only its own speed, on which time is only counted: for the search of devices."""

from __future__ import annotations

from drivers.emulated import Speaker
from tests.fake.virtual_line import TURNAROUND_S, VirtualLink

CHUNK_BYTES = 8


class OwnSpeedLink(VirtualLink):
    """A `Link` to `speaker` that talks at `baud`. What is sent at another speed is lost on the meter.

    `sent` are the speeds that were opened and the requests, in order.
    """

    def __init__(self, speaker: Speaker, baud: int = 9600, name: str = "/dev/virtual") -> None:
        super().__init__(speaker)
        self.name = name
        self.own_baud = baud
        self.sent: list[tuple[int, bytes]] = []
        self.begun_s = self.now_s
        self.closed = False
        self._baud = 0

    @property
    def spent_s(self) -> float:
        """Counted time since the link was made."""
        return self.now_s - self.begun_s

    def open(self, baud: int) -> None:
        super().open(baud)
        self._baud = baud

    def write(self, data: bytes) -> None:
        self.sent.append((self._baud, data))
        self.pass_time(len(data) * 10 / self._baud)
        self._let_meters_live()
        if self._baud != self.own_baud:
            return
        due_s = self.now_s + TURNAROUND_S
        for pause_s, part in self.speaker.pieces(data):
            due_s += pause_s
            for start in range(0, len(part), CHUNK_BYTES):
                chunk = part[start : start + CHUNK_BYTES]
                due_s += len(chunk) * 10 / self._baud
                self._coming.append((due_s, chunk))
        self._coming.sort(key=lambda piece: piece[0])

    def close(self) -> None:
        super().close()
        self.closed = True

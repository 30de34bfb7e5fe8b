"""When the bytes of an emulated line are through, and what time it is for its meters. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

_BITS_PER_BYTE = 10
_CHUNK_S = 0.008
_UNPACED_BYTES = 4096
_FORGET_S = 0.5
"""A longer silence inside a frame ends it (ТЭМ-106 exchange protocol, 2012)."""


class Speaker(Protocol):
    """A meter or a bus of meters: hears bytes, answers with pieces of (pause in s, bytes)."""

    def pieces(self, data: bytes) -> Sequence[tuple[float, bytes]]: ...

    def elapse(self, seconds: float) -> None: ...

    def pause(self) -> None: ...


class Line:
    """When bytes are through: a half-duplex serial line of `baud`, 10 bits a byte; 0 = no time at all.

    `turnaround_s` passes between a request and its answer; `time_scale` is how many seconds of the
    meter go by in one. Moments are of a monotonic clock, which the caller reads.
    """

    def __init__(
        self, speaker: Speaker, *, baud: int = 9600, turnaround_s: float = 0.005, time_scale: float = 1.0
    ) -> None:
        self._speaker = speaker
        self._byte_s = _BITS_PER_BYTE / baud if baud else 0.0
        self._chunk_bytes = max(1, int(_CHUNK_S / self._byte_s)) if baud else _UNPACED_BYTES
        self._turnaround_s = turnaround_s
        self._time_scale = time_scale
        self._lived_until_s: float | None = None
        self._input_free_s = float("-inf")
        self._output_free_s = float("-inf")

    def pass_time(self, now_s: float) -> None:
        """The meter's own time follows."""
        if self._lived_until_s is not None and now_s > self._lived_until_s:
            self._speaker.elapse((now_s - self._lived_until_s) * self._time_scale)
        self._lived_until_s = now_s

    def hear(self, data: bytes, now_s: float) -> list[tuple[float, bytes]]:
        """Bytes that a reader sent at `now_s`; what it is to get, each chunk when its last byte is through."""
        self.pass_time(now_s)
        if now_s - self._input_free_s > _FORGET_S:
            self._speaker.pause()
        self._input_free_s = max(now_s, self._input_free_s) + len(data) * self._byte_s
        return list(self._timed(self._speaker.pieces(data)))

    def _timed(self, pieces: Sequence[tuple[float, bytes]]) -> Iterator[tuple[float, bytes]]:
        due_s = max(self._input_free_s, self._output_free_s) + self._turnaround_s
        for pause_s, part in pieces:
            due_s += pause_s
            for start in range(0, len(part), self._chunk_bytes):
                chunk = part[start : start + self._chunk_bytes]
                due_s += len(chunk) * self._byte_s
                yield due_s, chunk
            self._output_free_s = due_s

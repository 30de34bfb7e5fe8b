"""Emulated meters for whole runs: small archives, no delays of a line, and a time that stands still.

A meter whose time stands still has one truth only, however long a run takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from drivers.emulated import Piece, Speaker, tem
from engine.emulate import PtyServer, TcpServer
from engine.emulate.line import Line

NOW = datetime(2026, 9, 25, 14, 30, 7)


def meter(model: str = "tesmart", **options: object) -> tem.Meter:
    """A meter with some records of each kind."""
    usual: dict[str, object] = {"flash_kb": 512, "records": (12, 4, 2)}
    return tem.Meter(tem.Options(model=model, **{**usual, **options}), now=NOW)  # type: ignore[arg-type]


def still(speaker: Speaker) -> Line:
    """A line with no delay at all."""
    return Line(speaker, baud=0, turnaround_s=0, time_scale=0)


def on_tcp(speaker: Speaker, port: int = 0) -> TcpServer:
    return TcpServer(still(speaker), port=port)


def on_pty(speaker: Speaker) -> PtyServer:
    return PtyServer(still(speaker))


class Counted:
    """A meter that counts how often it was asked who it is."""

    def __init__(self, inside: tem.Meter) -> None:
        self.inside = inside
        self.identified = 0
        self.asked = 0

    def pieces(self, data: bytes) -> Sequence[Piece]:
        self.asked += 1
        self.identified += data[3:5] == b"\0\0"
        return self.inside.pieces(data)

    def elapse(self, seconds: float) -> None:
        self.inside.elapse(seconds)

    def pause(self) -> None:
        self.inside.pause()

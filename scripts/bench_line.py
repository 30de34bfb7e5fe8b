"""How close catch-up comes to what the line can carry: a meter on a terminal paced at 9600 baud."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from drivers.emulated import Piece, tem
from engine.emulate import PtyServer
from engine.emulate.line import Line
from tests.fake.agent_process import AgentProcess, configure, eventually, section_text, stored

BAUD = 9600
TURNAROUND_S = 0.005
RECORDS = 200
NOW = datetime(2026, 9, 25, 14, 30, 7)
BITS_PER_BYTE = 10
ARCHIVE_READ = b"\x0f\x03"
"""Group and command of a request for a piece of the archive (exchange protocol of ТЭМ-106)."""
BLOCK_SIZES = (64, 255)
"""The default, and the largest that a frame can hold."""


class Counted:
    """A meter that counts the bytes of every exchange."""

    def __init__(self, inside: tem.Meter) -> None:
        self.inside = inside
        self.exchanges: list[tuple[bytes, int]] = []

    def pieces(self, data: bytes) -> Sequence[Piece]:
        answer = self.inside.pieces(data)
        self.exchanges.append((data, sum(len(part) for _, part in answer)))
        return answer

    def elapse(self, seconds: float) -> None:
        self.inside.elapse(seconds)

    def pause(self) -> None:
        self.inside.pause()


def least_s(exchanges: Sequence[tuple[bytes, int]]) -> float:
    """Requests and answers back to back, with the meter's turnaround between a request and its answer."""
    carried = sum(len(request) + answered for request, answered in exchanges)
    return carried * BITS_PER_BYTE / BAUD + TURNAROUND_S * sum(1 for _, answered in exchanges if answered)


def catch_up(base: Path) -> Iterator[tuple[str, str]]:
    """From the agent's first request to the last record in the archive, by size of a block."""
    for block_size in BLOCK_SIZES:
        took_s, exchanges = _measured(base / str(block_size), block_size)
        what = f"catch-up of {RECORDS} hour records at {BAUD} baud, turnaround 5 ms, BlockSize={block_size}"
        yield what, f"{took_s:.1f} s"
        needed = [(request, size) for request, size in dict(exchanges).items() if request[3:5] == ARCHIVE_READ]
        for what, counted in (("exchanged", exchanges), ("needed (every piece of the archive once)", needed)):
            carried = sum(len(request) + answered for request, answered in counted)
            yield (
                f"least time for the bytes {what}: {len(counted)} requests, {carried} bytes",
                f"{least_s(counted):.1f} s, {least_s(counted) / took_s:.0%} of the time taken",
            )


def _measured(base: Path, block_size: int) -> tuple[float, list[tuple[bytes, int]]]:
    speaker = Counted(tem.Meter(tem.Options("tesmart", flash_kb=512, records=(RECORDS, 0, 0)), NOW))
    with PtyServer(Line(speaker, baud=BAUD, turnaround_s=TURNAROUND_S, time_scale=0)) as server:
        keys = {"DevType": "ТЕМ-104", "Port": server.device, "Baud": BAUD, "NetAddr": 1, "BlockSize": block_size}
        configure(base / "root", agent={"PollInterval": 60}, devices={"a.ini": section_text("device", keys)})
        number = str(speaker.inside.options.serial_number)
        with AgentProcess(base / "root") as agent:
            eventually(lambda: speaker.exchanges, "the first request", agent)
            begin_s = time.monotonic()
            eventually(lambda: len(stored(agent.root, number)) >= RECORDS, "the archive", agent, 600)
            return time.monotonic() - begin_s, list(speaker.exchanges)

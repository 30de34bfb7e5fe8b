"""How close catch-up comes to what the line can carry: a meter on a terminal paced at 9600 baud."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

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
RUNS = 5
WHOLE = (1728, 736, 256)


class Run(NamedTuple):
    """How long a catch-up took, and each request with the size of its answer."""

    took_s: float
    exchanges: list[tuple[bytes, int]]


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
    runs = [_measured(base / str(run), (RECORDS, 0, 0)) for run in range(RUNS)]
    yield from _told(f"{RECORDS} hour records, median of {RUNS}", runs)
    yield from _told(f"{RECORDS} hour records, BlockSize=64", [_measured(base / "64", (RECORDS, 0, 0), BlockSize=64)])


def whole_archive(base: Path) -> Iterator[tuple[str, str]]:
    """Everything that a meter with the larger memory holds; once, for it takes long."""
    yield from _told("a full archive, 1728 + 736 + 256 records", [_measured(base, WHOLE, flash_kb=1024)])


def _told(what: str, runs: Sequence[Run]) -> Iterator[tuple[str, str]]:
    took = sorted(run.took_s for run in runs)
    figure = f"{statistics.median(took):.1f} s ({took[0]:.1f} to {took[-1]:.1f})"
    yield f"catch-up of {what}, at {BAUD} baud, turnaround 5 ms, PollInterval=60", figure
    run = sorted(runs, key=lambda run: run.took_s)[len(runs) // 2]
    needed = [(request, size) for request, size in dict(run.exchanges).items() if request[3:5] == ARCHIVE_READ]
    largest = max(request[6] for request, size in needed if size)
    needed = [(request, size) for request, size in needed if size]
    for name, counted in (("exchanged", run.exchanges), (f"needed, in blocks of {largest}", needed)):
        carried = sum(len(request) + answered for request, answered in counted)
        yield (
            f"least time for the bytes {name}: {len(counted)} requests, {carried} bytes",
            f"{least_s(counted):.1f} s; the time taken is {run.took_s / least_s(counted):.3f} of it",
        )


def _measured(base: Path, records: tuple[int, int, int], flash_kb: int = 512, **keys: object) -> Run:
    speaker = Counted(tem.Meter(tem.Options("tesmart", flash_kb=flash_kb, records=records), NOW))
    with PtyServer(Line(speaker, baud=BAUD, turnaround_s=TURNAROUND_S, time_scale=0)) as server:
        device = {"DevType": "ТЕМ-104", "Port": server.device, "Baud": BAUD, "NetAddr": 1, **keys}
        configure(base / "root", agent={"PollInterval": 60}, devices={"a.ini": section_text("device", device)})
        number = str(speaker.inside.options.serial_number)
        with AgentProcess(base / "root") as agent:
            eventually(lambda: speaker.exchanges, "the first request", agent)
            begin_s = time.monotonic()
            wanted = sum(records)
            eventually(lambda: len(stored(agent.root, number, growing=True)) >= wanted, "the archive", agent, 3600)
            return Run(time.monotonic() - begin_s, list(speaker.exchanges))

"""Many devices: what one reading costs, how much memory a device takes, how late a poll may come."""

from __future__ import annotations

import os
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from drivers.emulated import tem
from tests.fake.agent_process import AgentProcess, configure, eventually, tcp_device

SIZES = ((1, 1), (10, 1), (100, 1), (500, 1), (500, 10))
"""Devices, and how many of them share a line."""
INTERVAL_S = 10
WATCHED_S = 60.0
WARM_S = 300.0
NOW = datetime(2026, 10, 25, 14, 30, 7)
LAST_READ = b"\x0f\x01\x03\x04\x80"
"""The request that ends a reading of this family, and stands nowhere else in it."""


class Crowd:
    """Many emulated meters, `per_line` behind one port, served by one thread: its own cost must stay small."""

    def __init__(self, count: int, per_line: int) -> None:
        self.asked_s: list[list[float]] = [[] for _ in range(count)]
        self._selector = selectors.DefaultSelector()
        self._open: list[socket.socket] = []
        self._stopped = False
        self._listening: set[int] = set()
        self.ports: list[int] = []
        for first in range(0, count, per_line):
            listener = socket.create_server(("127.0.0.1", 0))
            numbers = range(first, min(first + per_line, count))
            line = {number - first + 1: (number, _meter(number, number - first + 1)) for number in numbers}
            self._selector.register(listener, selectors.EVENT_READ, line)
            self._open.append(listener)
            self._listening.add(listener.fileno())
            self.ports.append(int(listener.getsockname()[1]))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._stopped:
            for key, _ in self._selector.select(0.2):
                self._hear(key)

    def _hear(self, key: selectors.SelectorKey) -> None:
        here = key.fileobj
        assert isinstance(here, socket.socket)
        if here.fileno() in self._listening:
            peer = here.accept()[0]
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.append(peer)
            self._selector.register(peer, selectors.EVENT_READ, key.data)
            return
        data = _heard(here)
        if not data:
            self._selector.unregister(here)
            here.close()
            return
        number, meter = key.data[data[1]]
        if data[3:8] == LAST_READ:
            self.asked_s[number].append(time.monotonic())
        here.sendall(b"".join(part for _, part in meter.pieces(data)))

    def stop(self) -> None:
        self._stopped = True
        self._thread.join()
        for each in self._open:
            each.close()

    def late_s(self, begin_s: float) -> float:
        """The longest time between two readings of one device, beyond the interval."""
        late = [0.0]
        for moments in self.asked_s:
            seen = [moment for moment in moments if moment >= begin_s]
            late += [after - before - INTERVAL_S for before, after in pairwise(seen)]
        return max(late)

    def count(self, begin_s: float) -> int:
        return sum(1 for moments in list(self.asked_s) for moment in moments if moment >= begin_s)


def _heard(peer: socket.socket) -> bytes:
    """Nothing when it has gone, however it went."""
    try:
        return peer.recv(4096)
    except ConnectionResetError:
        return b""


def _meter(number: int, address: int) -> tem.Meter:
    options = tem.Options("tem106", 440020 + number, address=address, flash_kb=512, records=(3, 2, 1))
    return tem.Meter(options, NOW)


@contextmanager
def crowd(count: int, per_line: int) -> Iterator[Crowd]:
    made = Crowd(count, per_line)
    try:
        yield made
    finally:
        made.stop()


def scale(base: Path) -> Iterator[tuple[str, str]]:
    """Devices over TCP; a minute of readings after the archives are read."""
    for count, per_line in SIZES:
        with crowd(count, per_line) as many:
            devices = {
                f"{number}.ini": tcp_device(
                    many.ports[number // per_line], DevType="ТЕМ-106/1", NetAddr=number % per_line + 1
                )
                for number in range(count)
            }
            root = base / f"{count}-{per_line}"
            configure(root, agent={"PollInterval": INTERVAL_S}, ftp="[internal]\nEnabled=0\n", devices=devices)
            with AgentProcess(root) as agent:
                _wait_for_archives(agent, count)
                what = "a line each" if per_line == 1 else f"{per_line} on each line"
                yield f"{count} devices over TCP, {what}, every {INTERVAL_S} s", _watched(agent, many)


def _wait_for_archives(agent: AgentProcess, count: int) -> None:
    eventually(lambda: agent.status().count("архив полон") == count, "archives", agent, WARM_S)


def _watched(agent: AgentProcess, many: Crowd) -> str:
    begin_s, used_s = time.monotonic(), _used_s(agent.pid)
    time.sleep(WATCHED_S)
    used_s = _used_s(agent.pid) - used_s
    read = many.count(begin_s)
    resident = _resident_mib(agent.pid)
    return (
        f"{1000 * used_s / read:.1f} ms of CPU a reading ({read} readings, {used_s / WATCHED_S:.0%} of a core), "
        f"{resident:.1f} MiB, longest delay {many.late_s(begin_s):.2f} s"
    )


def _used_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_mib(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS")) / 1024

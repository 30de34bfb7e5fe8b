"""Modbus readings a second beside pymodbus, minimalmodbus and mbpoll: the same terminal, the same slave."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from drivers.emulated.modbus import crc
from scripts.bench_modbus_client import REGISTERS
from scripts.bench_peers import OURS, beside, by_turns, own_environment, python_of
from tests.fake.debian_servers import debian_environment

PACKAGES = ("pymodbus[serial]==3.16.1", "minimalmodbus==2.1.1")
CLIENT = Path(__file__).with_name("bench_modbus_client.py")
UNPACED, UNPACED_BAUD = 4000, 115200
PACED, PACED_BAUD, TURNAROUND_S = 40, 9600, 0.005
FEWER = 10
"""Programs that wait between frames, whatever the line, are given so many times fewer requests without pace."""
MOST_UNITS = 247
BITS_PER_BYTE = 10
CHUNK_BYTES = 7
REQUEST_BYTES = 8
END = bytes(REQUEST_BYTES)
PATIENCE_S = 60.0


class Slave:
    """Answers every unit with the same registers, at the pace of a line or at once, and knows when it was asked.

    One thread and nothing else: it must not be what is measured. `baud` 0 is no pace.
    """

    def __init__(self, baud: int) -> None:
        self._master, self._terminal = os.openpty()
        tty.setraw(self._terminal)
        self.device = os.ttyname(self._terminal)
        self.asked_s: list[float] = []
        self._byte_s = BITS_PER_BYTE / baud if baud else 0.0
        data = b"".join(n.to_bytes(2, "big") for n in range(REGISTERS))
        bodies = [bytes((unit, 3, len(data))) + data for unit in range(1, MOST_UNITS + 1)]
        self._answers = {body[0]: body + crc(body) for body in bodies}
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.write(self._terminal, END)
        self._thread.join()
        os.close(self._terminal)
        os.close(self._master)

    def _serve(self) -> None:
        heard = b""
        while not heard.endswith(END):
            heard += os.read(self._master, 4096)
            while len(heard) >= REQUEST_BYTES and not heard.endswith(END):
                self.asked_s.append(time.perf_counter())
                self._answer(self._answers[heard[0]])
                heard = heard[REQUEST_BYTES:]

    def _answer(self, answer: bytes) -> None:
        if not self._byte_s:
            os.write(self._master, answer)
            return
        due_s = self.asked_s[-1] + REQUEST_BYTES * self._byte_s + TURNAROUND_S
        for place in range(0, len(answer), CHUNK_BYTES):
            chunk = answer[place : place + CHUNK_BYTES]
            due_s += len(chunk) * self._byte_s
            time.sleep(max(0.0, due_s - time.perf_counter()))
            os.write(self._master, chunk)

    def forget(self) -> None:
        """What the last client sent and left."""
        self.asked_s.clear()
        while select.select([self._terminal], [], [], 0)[0]:
            os.read(self._terminal, 4096)


def readings(_base: Path) -> Iterator[tuple[str, str]]:
    """Readings of ten holding registers a second, on a line without pace and on one of 9600 baud."""
    for what, baud, pace, count in (
        (f"Modbus, {REGISTERS} registers, line without pace", UNPACED_BAUD, 0, UNPACED),
        (f"Modbus, {REGISTERS} registers, {PACED_BAUD} baud, turnaround 5 ms", PACED_BAUD, PACED_BAUD, PACED),
    ):
        with Slave(pace) as slave:
            yield from beside(what, by_turns(_subjects(slave, baud, count)), "/s", 1 if pace else 0)
    if pace:
        least_s = (REQUEST_BYTES + 5 + 2 * REGISTERS) * BITS_PER_BYTE / PACED_BAUD + TURNAROUND_S
        yield "the most that this line carries", f"{1 / least_s:.1f} /s"


def _subjects(slave: Slave, baud: int, count: int) -> dict[str, Callable[[], float]]:
    theirs = str(python_of("modbus", *PACKAGES))
    fewer = count if baud == PACED_BAUD else count // FEWER
    clients = {
        OURS: (sys.executable, "ours", count),
        "the agent, with every value decoded": (sys.executable, "reading", count),
        "a write, a poll and a read in Python, nothing checked": (sys.executable, "bare", count),
        "pymodbus": (theirs, "pymodbus_sync", fewer),
        "pymodbus (asyncio)": (theirs, "pymodbus_async", count),
        "minimalmodbus": (theirs, "minimalmodbus_", fewer),
    }
    subjects: dict[str, Callable[[], float]] = {
        name: partial(
            _rate, slave, [python, str(CLIENT), who, slave.device, str(baud), str(so_often)], own_environment()
        )
        for name, (python, who, so_often) in clients.items()
    }
    package, environment = debian_environment("mbpoll")
    # It asks a list of units once without a wait between them, one unit only at intervals.
    units = ",".join([f"1:{MOST_UNITS}"] * (count // MOST_UNITS)) or f"1:{count}"
    options = ["-m", "rtu", "-a", units, "-r", "1", "-c", str(REGISTERS), "-b", str(baud), "-P", "none", "-1", "-q"]
    command = [str(package / "usr/bin/mbpoll"), *options, slave.device]
    subjects["mbpoll"] = partial(_rate, slave, command, environment)
    return subjects


def _rate(slave: Slave, command: list[str], environment: dict[str, str]) -> float:
    """Requests a second, between the first and the last that the slave saw: no start of a program in it."""
    slave.forget()
    subprocess.run(command, env=environment, check=True, timeout=PATIENCE_S, stdout=subprocess.DEVNULL)
    return (len(slave.asked_s) - 1) / (slave.asked_s[-1] - slave.asked_s[0])

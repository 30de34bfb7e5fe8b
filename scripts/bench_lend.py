"""A transparent TCP port beside socat and ser2net: the same terminal, the same client, the same far side, by turns."""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fake.agent_process import AgentProcess, configure, put, section_text, serial_device
from tests.fake.debian_servers import debian_environment, free_port

RUNS = 5
TRIP, FROM_LINE, TO_LINE = (
    "round trip of 33 bytes, median of 2000, us", "from the line, 2 MiB, MB/s", "to the line, 2 MiB, MB/s",
)  # fmt: skip
EXCHANGES = 2000
REQUEST = b"E" + bytes(range(1, 33))
AMOUNT = 2 << 20
BAUD = 115200
START_S = 10.0
FAR_SIDE = f"""
import os, sys
line, amount = int(sys.argv[1]), {AMOUNT}
def send(data):
    while data:
        data = data[os.write(line, data):]
while data := os.read(line, 65536):
    if data[:1] == b"S":
        send(bytes(amount))
    elif data[:1] == b"R":
        left = amount - len(data) + 1
        while left > 0:
            left -= len(os.read(line, 65536))
        send(b".")
    else:
        send(data)
"""
"""What is behind the line: it echoes, or sends or takes a given amount."""


def transparent(base: Path) -> Iterator[tuple[str, str]]:
    """Round trip of 33 bytes and throughput each way, by turns, and what the agent is to each of the others."""
    found: dict[str, dict[str, list[float]]] = {}
    for run in range(RUNS):
        for name, serve in PROGRAMS.items():
            with _line() as device, serve(base / str(run), device) as port:
                measured = {
                    TRIP: 1e6 * _round_trip_s(port),
                    FROM_LINE: 1e-6 * _throughput(port, _take),
                    TO_LINE: 1e-6 * _throughput(port, _give),
                }
            for what, value in measured.items():
                found.setdefault(what, {}).setdefault(name, []).append(value)
    for what, by_name in found.items():
        for name, values in by_name.items():
            yield f"transparent port of {name}: {what}", _spread(values) + _beside(by_name["the agent"], name, values)


def _beside(ours: list[float], name: str, theirs: list[float]) -> str:
    if name == "the agent":
        return ""
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    return f"; the agent is {_spread(ratios, 2)} of it"


def _spread(values: list[float], digits: int = 0) -> str:
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _round_trip_s(port: int) -> float:
    with _client(port) as client:
        took_s = []
        for _ in range(EXCHANGES):
            begun_s = time.perf_counter()
            client.sendall(REQUEST)
            _hear(client, len(REQUEST))
            took_s.append(time.perf_counter() - begun_s)
        return statistics.median(took_s)


def _throughput(port: int, carry: Callable[[socket.socket], None]) -> float:
    """Bytes a second."""
    with _client(port) as client:
        begun_s = time.perf_counter()
        carry(client)
        return AMOUNT / (time.perf_counter() - begun_s)


def _take(client: socket.socket) -> None:
    client.sendall(b"S")
    _hear(client, AMOUNT)


def _give(client: socket.socket) -> None:
    client.sendall(b"R" + bytes(AMOUNT))
    _hear(client, 1)


def _client(port: int) -> socket.socket:
    """One who has the line: each program needs a moment to let the one before go."""
    give_up_s = time.monotonic() + START_S
    while True:
        try:
            client = socket.create_connection(("127.0.0.1", port), 10)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.sendall(b"E")
            _hear(client, 1)
        except OSError:
            if time.monotonic() > give_up_s:
                raise
            time.sleep(0.1)
        else:
            return client


def _hear(client: socket.socket, size: int) -> None:
    while size > 0:
        part = client.recv(min(size, 65536))
        if not part:
            raise ConnectionResetError("the port hung up")
        size -= len(part)


# --- the programs


@contextmanager
def _line() -> Iterator[str]:
    """A terminal with the far side behind it."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    command = [sys.executable, "-c", FAR_SIDE, str(ours)]
    with subprocess.Popen(command, pass_fds=[ours]) as far_side:
        try:
            yield os.ttyname(theirs)
        finally:
            far_side.kill()
            os.close(ours)
            os.close(theirs)


@contextmanager
def _agent(base: Path, device: str) -> Iterator[int]:
    """Which has a device on that line too, and polls it in vain whenever the client is silent."""
    port, root = free_port(), base / "root"
    configure(root, devices={"a.ini": serial_device(device, Baud=BAUD, Retries=0)})
    tcp = section_text("tcp", {"Ports": 1, "Map": f"{device}:{port}"})
    put(root, "agent.ini", section_text("agent", {"Timezone": "UTC", "PollInterval": 60}) + tcp)
    with AgentProcess(root):
        yield port


@contextmanager
def _ser2net(base: Path, device: str) -> Iterator[int]:
    """Its library looks for its parts below /usr/libexec alone, so they are put there for this process only."""
    base.mkdir(parents=True, exist_ok=True)
    package, environment = debian_environment("ser2net")
    port = free_port()
    settings = base / "ser2net.yaml"
    settings.write_text(
        f"connection: &line\n  accepter: tcp(nodelay=true),127.0.0.1,{port}\n"
        f"  connector: serialdev,{device},{BAUD}n81,local\n  options:\n    kickolduser: true\n"
    )
    put_there = 'mount --bind "$1" /usr/libexec && shift && exec "$@"'
    command = ["unshare", "-m", "sh", "-c", put_there, "sh", package / "usr/libexec"]
    yield from _running([*command, package / "usr/sbin/ser2net", "-n", "-c", settings], environment, port)


@contextmanager
def _socat(base: Path, device: str) -> Iterator[int]:
    del base
    package, environment = debian_environment("socat")
    port = free_port()
    listen = f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,nodelay,fork,max-children=1"
    yield from _running([package / "usr/bin/socat", listen, f"OPEN:{device},raw,echo=0"], environment, port)


def _running(command: list[str | Path], environment: dict[str, str], port: int) -> Iterator[int]:
    with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as program:
        try:
            yield port
        finally:
            program.kill()


PROGRAMS = {"the agent": _agent, "socat": _socat, "ser2net": _ser2net}

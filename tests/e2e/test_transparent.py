"""Transparent ports as a client of the network meets them, while the agent polls the same line."""

from __future__ import annotations

import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from drivers.emulated import Piece, Speaker, tem
from engine.emulate import PtyServer
from engine.errors import LineDown
from engine.line.link import SerialLink
from tests.e2e.meters import meter, on_pty, still
from tests.e2e.truth import assert_all_true, records_of
from tests.fake.agent_process import (
    AgentProcess,
    configure,
    eventually,
    put,
    section_text,
    serial_device,
    stored,
    tcp_device,
)
from tests.fake.debian_servers import free_port
from tests.fake.guest_client import REQUESTS, GuestClient

NUMBER = "476721"
SILENT_S = 2.3
"""Longer than the silence after which a poll may pass."""


LARGE: dict[str, object] = {"records": (860, 200, 60)}


class Watched:
    """A meter that notes everything it is asked; what is no whole request of one side was mixed on the way."""

    def __init__(self, inside: tem.Meter) -> None:
        self.inside = inside
        self.heard: list[bytes] = []

    def pieces(self, data: bytes) -> Sequence[Piece]:
        self.heard.append(data)
        return self.inside.pieces(data)

    def elapse(self, seconds: float) -> None:
        self.inside.elapse(seconds)

    def pause(self) -> None:
        self.inside.pause()

    def damaged(self) -> list[bytes]:
        return [data for data in self.heard if len(data) != 7 + data[5] or sum(data) % 256 != 0xFF]


class Place:
    """An agent that lends the line of one meter; `port` is where."""

    def __init__(self, tmp_path: Path, tty: str, device: str | None = None, **tcp: object) -> None:
        self.port = free_port()
        self.tcp = {"Ports": 1, "Map": f"{tty}:{self.port}", **tcp}
        self.root = tmp_path / "root"
        configure(self.root, devices={} if device is None else {"a.ini": device})
        self.write(**self.tcp)

    def write(self, **tcp: object) -> None:
        agent = section_text("agent", {"Timezone": "UTC", "PollInterval": 1})
        put(self.root, "agent.ini", agent + section_text("tcp", tcp))


def wait_for_reading(agent: AgentProcess) -> None:
    eventually(lambda: agent.shown(NUMBER).get("Online") == "1", "a reading", agent)


def on_line(agent: AgentProcess, port: int, twin: Speaker | None = None) -> GuestClient:
    """A client who has the line and has had his first answer: whoever had it before may just be going."""
    had: list[GuestClient] = []

    def try_once() -> bool:
        try:
            client = GuestClient(port, twin or meter())
        except ConnectionRefusedError:
            return False
        try:
            client.exchange()
        except (OSError, AssertionError):
            client.socket.close()
            return False
        had.append(client)
        return True

    eventually(try_once, f"an answer at port {port}", agent)
    return had[0]


def test_a_client_reads_to_the_byte_while_the_agent_polls(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    exchanges, burst = (10_000, 250) if request.config.getoption("--long") else (500, 300)
    watched, twin = Watched(meter(**LARGE)), meter(**LARGE)
    with PtyServer(still(watched)) as line:
        place = Place(tmp_path, line.device, serial_device(line.device))
        with AgentProcess(place.root) as agent:
            wait_for_reading(agent)
            took_s, polled = [], 0
            with on_line(agent, place.port, twin) as client:
                for number in range(exchanges):
                    if number and number % burst == 0:
                        before = len(watched.heard)
                        time.sleep(SILENT_S)
                        polled += len(watched.heard) > before
                    took_s.append(client.exchange())
            assert polled == (exchanges - 1) // burst, "polls pass in every silence"
            assert watched.damaged() == []
            assert sum(data in REQUESTS for data in watched.heard) >= exchanges
            assert agent.shown(NUMBER).get("Online") == "1"
            assert "не на связи" not in agent.journal()
            eventually(lambda: f"порт {place.port}, свободен" in agent.status(), "the line is free", agent)
            status = agent.status().partition("[Линии]")[2].partition("[")[0]
            assert f"{line.device}: работает" in status and "не принято" not in status
    assert assert_all_true(stored(agent.root, NUMBER), watched.inside) <= set(records_of(watched.inside))
    print(f"\n{exchanges} exchanges, median {statistics.median(took_s) * 1e6:.0f} us, longest {max(took_s):.3f} s")


def test_a_second_client_is_refused_at_once_and_the_first_goes_on(tmp_path: Path) -> None:
    with on_pty(meter()) as line:
        place = Place(tmp_path, line.device, serial_device(line.device))
        with AgentProcess(place.root) as agent:
            wait_for_reading(agent)
            with on_line(agent, place.port) as first:
                for _ in range(3):
                    with GuestClient(place.port, meter()) as second:
                        assert second.is_refused()
                    first.exchange()


def test_a_client_that_vanishes_frees_the_line(tmp_path: Path) -> None:
    """Reset with an answer on the way, ended politely, killed."""
    with on_pty(meter()) as line:
        place = Place(tmp_path, line.device, serial_device(line.device))
        with AgentProcess(place.root) as agent:
            wait_for_reading(agent)
            client = on_line(agent, place.port)
            client.socket.sendall(REQUESTS[1])
            client.reset()
            on_line(agent, place.port).socket.close()  # after a reset
            on_line(agent, place.port).socket.close()  # after an end
            killed = subprocess.Popen(
                [sys.executable, "-c", f"import socket,time; s=socket.create_connection(('127.0.0.1', {place.port})); "
                 "s.send(b'U'); print('on', flush=True); time.sleep(600)"],
                stdout=subprocess.PIPE,
            )  # fmt: skip
            with killed:
                assert killed.stdout is not None and killed.stdout.readline() == b"on\n"
                killed.send_signal(signal.SIGKILL)
            on_line(agent, place.port).socket.close()
            assert agent.shown(NUMBER).get("Online") == "1"
            assert "не на связи" not in agent.journal()


def test_a_line_that_nobody_polls_is_lent_too_and_left_afterwards(tmp_path: Path) -> None:
    with on_pty(meter()) as line:
        place = Place(tmp_path, line.device)
        with AgentProcess(place.root) as agent:
            for _ in range(2):
                on_line(agent, place.port).socket.close()
            eventually(lambda: _can_be_opened(line.device), "another program may have the port", agent)
            with on_line(agent, place.port) as client:
                put(agent.root, "devices/a.ini", serial_device(line.device))
                wait_for_reading(agent)
                client.exchange()


def _can_be_opened(device: str) -> bool:
    link = SerialLink(device)
    try:
        link.open(9600)
    except LineDown:
        return False
    link.close()
    return True


def test_one_agent_reads_a_meter_through_the_port_of_another(tmp_path: Path) -> None:
    whole = meter()
    with on_pty(whole) as line:
        place = Place(tmp_path / "near", line.device, serial_device(line.device))
        configure(tmp_path / "far", devices={"a.ini": tcp_device(place.port)})
        with AgentProcess(place.root) as near:
            wait_for_reading(near)
            with AgentProcess(tmp_path / "far") as far:
                eventually(lambda: set(records_of(whole)) <= found(far), "the archive through the port", far)
                wait_for_reading(far)
                assert near.shown(NUMBER).get("Online") == "1"
    assert assert_all_true(stored(far.root, NUMBER), whole) == set(records_of(whole))


def found(agent: AgentProcess) -> set[tuple[str, str]]:
    return {_key(block.text) for block in stored(agent.root, NUMBER, growing=True)}


def _key(text: str) -> tuple[str, str]:
    keys = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return keys["RecType"], keys["DateTime"]

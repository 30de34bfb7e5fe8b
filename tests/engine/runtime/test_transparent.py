"""Transparent ports by the settings: what is open, who has a line, what `status.txt` tells. Real ports, no agent."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.runtime import transparent
from engine.runtime.transparent import LOOK_S, RETRY_S, Transparent
from tests.e2e.meters import meter, on_pty
from tests.fake.agent_settings import serial_device, settings_of
from tests.fake.debian_servers import free_port
from tests.fake.guest_client import GuestClient
from tests.fake.house import TestHouse
from tests.fake.leaks import nothing_left, open_descriptors


class Scene:
    """`now_s` is the main thread's clock; `until` lets it turn."""

    def __init__(self, root: Path) -> None:
        self.test = TestHouse(root)
        self.part = Transparent(self.test.house)
        self.now_s = 0.0

    def apply(self, *devices: object, **tcp: object) -> None:
        agent = {"tcp_ports": True, "tcp_allow": (), **tcp}
        settings = settings_of(*devices, agent=agent)  # type: ignore[arg-type]
        self.test.house.lines.apply(settings)
        self.part.apply(settings, self.now_s)
        self.turn()

    def turn(self, after_s: float = 0.0) -> None:
        self.now_s += after_s
        self.test.house.lines.tick(self.now_s)
        self.part.tick(self.now_s)

    def until(self, condition: Callable[[], object], what: str) -> None:
        give_up_s = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < give_up_s, f"in vain: {what}: {self.part.lines()}"
            self.turn()
            time.sleep(0.01)

    def client(self, port: int) -> GuestClient:
        """One who has his first answer."""
        client = GuestClient(port, meter())
        client.socket.settimeout(0.02)
        client.socket.sendall(client.first[0])
        heard = bytearray()

        def hear() -> bool:
            try:
                heard.extend(client.socket.recv(4096))
            except TimeoutError:
                pass
            return len(heard) >= len(client.first[1])

        self.until(hear, "his first answer")
        assert bytes(heard) == client.first[1]
        client.socket.settimeout(5)
        return client

    def close(self) -> None:
        self.test.house.lines.stop(lambda: None)
        self.part.stop()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with nothing_left():
        made = Scene(tmp_path)
        yield made
        made.close()


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


def test_the_factory_s_map_is_the_manual_s_and_ports_are_off() -> None:
    agent = settings_of().agent
    assert not agent.tcp_ports and agent.tcp_bind == "127.0.0.1"
    names = ["ttyS0", "ttyS1", *(f"ttyUSB{1000 + number}" for number in range(6))]
    ttys = (f"/dev/{name}" for name in names)
    assert agent.tcp_map == tuple(zip(ttys, (2000, 2001, *range(3000, 3006)), strict=True))


def test_a_client_reads_and_status_tells_who_has_the_line(scene: Scene) -> None:
    with on_pty(meter()) as line:
        port = free_port()
        scene.apply(tcp_map=((line.device, port),))
        assert scene.part.lines() == [f"{line.device}: порт {port}, свободен"]
        with scene.client(port):
            (told,) = scene.part.lines()
            assert told.startswith(f"{line.device}: порт {port}, клиент 127.0.0.1, от него 7 байт, ему ")
            with GuestClient(port, meter()) as second:
                assert second.is_refused()
            scene.until(lambda: scene.part.lines()[1:] == ["отказано: 127.0.0.1 1"], "the refusal")
        scene.until(lambda: "свободен; последний клиент 127.0.0.1: отключился" in scene.part.lines()[0], "free")


def test_the_speed_is_that_of_the_device_file_that_names_the_port_else_9600(scene: Scene) -> None:
    with on_pty(meter()) as line:
        port = free_port()
        device = serial_device("a.ini", line.device, baud=19200, enabled=False)
        scene.apply(device, tcp_map=((line.device, port),))
        with scene.client(port):
            assert scene.part._guests[line.device].baud == 19200
        scene.apply(device, replace(device, file="b.ini", baud=2400, enabled=True), tcp_map=((line.device, port),))
        assert scene.part._baud(line.device) == 2400, "one that is polled goes before one that is not"
        scene.apply(tcp_map=((line.device, port),))
        assert scene.part._baud(line.device) == 9600


def test_changed_settings_disconnect_only_who_may_no_more(scene: Scene) -> None:
    with on_pty(meter()) as line:
        port, other = free_port(), free_port()
        ports = ((line.device, port),)
        scene.apply(tcp_map=ports)
        with scene.client(port) as client:
            scene.apply(tcp_map=ports, tcp_allow=("127.0.0.0/8",))
            scene.apply(tcp_map=((line.device, other),), tcp_allow=("127.0.0.0/8",))
            client.exchange()
            assert not listens(port)
            scene.apply(tcp_map=ports, tcp_allow=("10.0.0.0/8",))
            assert client.is_refused()
        with GuestClient(port, meter()) as client:
            assert client.is_refused(), "not allowed any more"
        scene.apply(tcp_map=ports, tcp_allow=())
        with scene.client(port) as client:
            scene.apply(tcp_map=ports, tcp_ports=False)
            assert client.is_refused()
        assert not listens(port) and scene.part.lines() == ()


def test_the_modem_s_port_is_nobody_s(scene: Scene) -> None:
    with on_pty(meter()) as line:
        port = free_port()
        scene.apply(tcp_map=((line.device, port),), modem_port=line.device)
        assert not listens(port)
        assert scene.part.lines() == ["портов, названных в [tcp] Map, в системе нет"]


def test_a_port_is_open_while_its_tty_is_there(scene: Scene, tmp_path: Path) -> None:
    tty, port = tmp_path / "ttyUSB1000", free_port()
    scene.apply(tcp_map=((str(tty), port),))
    assert not listens(port)
    with on_pty(meter()) as line:
        tty.symlink_to(line.device)
        scene.turn(LOOK_S)
        with scene.client(port):
            pass
        tty.unlink()
    scene.turn(LOOK_S)
    assert not listens(port)


def test_a_device_that_names_the_tty_by_another_path_shares_the_line(scene: Scene, tmp_path: Path) -> None:
    with on_pty(meter()) as line:
        by_id, port = tmp_path / "by-id", free_port()
        by_id.symlink_to(line.device)
        device = serial_device("a.ini", str(by_id))
        scene.apply(device, tcp_map=((line.device, port),))
        with scene.client(port):
            assert scene.part._guests[line.device].line == str(by_id)
        scene.until(lambda: scene.part._guests[line.device].gone, "he is gone")
        scene.apply(tcp_map=((line.device, port),))
        scene.until(lambda: not scene.test.house.lines._leaving, "nobody polls it")
        with scene.client(port) as client:
            scene.apply(device, tcp_map=((line.device, port),))
            scene.turn()
            assert client.is_refused(), "one of the two would be shut out"


def test_a_client_of_a_line_that_is_just_left_waits_a_moment(scene: Scene) -> None:
    with on_pty(meter()) as line:
        port = free_port()
        scene.apply(serial_device("a.ini", line.device), tcp_map=((line.device, port),))
        scene.apply(tcp_map=((line.device, port),))
        with scene.client(port):
            pass


def test_a_client_is_introduced_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """One who went before he was introduced left his offer behind."""
    lent: list[str] = []
    with on_pty(meter()) as line:
        port = free_port()
        scene.apply(tcp_map=((line.device, port),))
        with scene.client(port):
            monkeypatch.setattr(scene.test.house.lines, "lend", lambda name, _guest: not lent.append(name))
            scene.part._offers.put(line.device)
            scene.turn()
            assert lent == [] and scene.part._offers.empty(), "his line would take him for a second client"


def test_a_port_that_is_taken_is_told_and_tried_again(scene: Scene) -> None:
    with on_pty(meter()) as line, socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        scene.apply(tcp_map=((line.device, port),))
        told = f"порт {port} не открыт: порт занят другой программой"
        assert scene.part.lines() == [f"{line.device}: {told}"]
        other.close()
        scene.turn(RETRY_S)
        assert listens(port)
        assert scene.test.journaled == [f"прозрачный доступ {line.device}: {told}"]


def test_a_listener_that_met_a_bug_is_started_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    with on_pty(meter()) as line:
        port = free_port()
        scene.apply(tcp_map=((line.device, port),))
        broken = scene.part._lender
        assert broken is not None
        monkeypatch.setattr(broken, "_take", lambda _listener: 1 / 0)
        listens(port)
        broken.join(5)
        ((thread, _),) = scene.test.crashes
        scene.part.tell_crash(thread, scene.now_s)
        scene.turn()
        assert not listens(port)
        scene.turn(1)
        with scene.client(port):
            pass


def test_whom_it_refused_is_remembered_up_to_a_limit(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transparent, "ADDRESSES_MOST", 3)
    with on_pty(meter()) as line:
        for _ in range(3):
            scene.apply(tcp_map=((line.device, free_port()),))
            lender = scene.part._lender
            assert lender is not None
            lender.refused.update({"192.0.2.1": 5, **{f"198.51.100.{number}": 1 for number in range(5)}})
            scene.apply(tcp_map=())
    assert len(scene.part._refused) == 3 and scene.part._refused["192.0.2.1"] == 15


def test_everybody_s_access_is_a_warning(scene: Scene) -> None:
    nowhere = (("/dev/ttyNone", free_port()),)
    for tcp, warned in (
        ({"tcp_bind": "0.0.0.0"}, True),
        ({"tcp_bind": "::"}, True),
        ({"tcp_bind": "0.0.0.0", "tcp_allow": ("10.0.0.0/8",)}, False),
        ({"tcp_bind": "127.0.0.1"}, False),
        ({"tcp_bind": "0.0.0.0", "tcp_ports": False}, False),
    ):
        scene.apply(tcp_map=nowhere, **tcp)
        assert bool(scene.part.warnings()) == warned, tcp


def test_an_unpolled_line_is_left_when_he_is_gone(scene: Scene) -> None:
    with on_pty(meter()) as line:
        port = free_port()
        scene.apply(tcp_map=((line.device, port),))
        before = _opened(line.device)
        with scene.client(port):
            assert _opened(line.device) == before + 1
        scene.until(lambda: _opened(line.device) == before, "another program may have the port")


def _opened(device: str) -> int:
    """How often this process has it open."""
    return list(open_descriptors().values()).count(device)

"""The listener: who is let in, who is not, and that nothing of it stays."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Iterator

import pytest

from engine.lend import Lender
from tests.fake.debian_servers import free_port
from tests.fake.leaks import nothing_left


class Scene:
    """`free` is whether a line is free; whoever is let in is hung up on when the test ends."""

    def __init__(self, bind: str = "127.0.0.1", *allow: str) -> None:
        self.free = True
        self.came: list[tuple[str, str]] = []
        self.crashes: list[str] = []
        self.taken = threading.Event()
        self._clients: list[socket.socket] = []
        self.lender = Lender(bind, allow, self._welcome, lambda _thread, text: self.crashes.append(text))

    def _welcome(self, tty: str, client: socket.socket, address: str) -> bool:
        if not self.free:
            return False
        self.came.append((tty, address))
        self._clients.append(client)
        self.taken.set()
        return True

    def close(self) -> None:
        self.lender.stop()
        for client in self._clients:
            client.close()


@pytest.fixture
def scene() -> Iterator[Scene]:
    with nothing_left():
        made = Scene()
        yield made
        made.close()


def opened(scene: Scene, *ttys: str) -> list[int]:
    ports = {tty: free_port() for tty in ttys}
    had, problems = scene.lender.open(ports)
    assert had == ports and not problems
    scene.lender.start()
    return list(ports.values())


def is_hung_up(client: socket.socket) -> bool:
    client.settimeout(5)
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def test_each_port_is_a_tty(scene: Scene) -> None:
    one, two = opened(scene, "/dev/ttyS0", "/dev/ttyUSB1000")
    for port in (two, one):
        scene.taken.clear()
        with socket.create_connection(("127.0.0.1", port)):
            assert scene.taken.wait(5)
    assert scene.came == [("/dev/ttyUSB1000", "127.0.0.1"), ("/dev/ttyS0", "127.0.0.1")]


def test_who_is_not_welcome_is_hung_up_on_and_counted(scene: Scene) -> None:
    (port,) = opened(scene, "/dev/ttyS0")
    scene.free = False
    for _ in range(2):
        with socket.create_connection(("127.0.0.1", port)) as client:
            assert is_hung_up(client)
    assert scene.lender.refused == {"127.0.0.1": 2}


def test_who_is_not_allowed_is_not_even_asked_for() -> None:
    with nothing_left():
        scene = Scene("127.0.0.1", "10.0.0.0/8")
        (port,) = opened(scene, "/dev/ttyS0")
        with socket.create_connection(("127.0.0.1", port)) as client:
            assert is_hung_up(client)
        assert not scene.came
        scene.close()


def test_a_port_that_cannot_be_had_is_told_and_the_others_are_open(scene: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken, free = other.getsockname()[1], free_port()
        had, problems = scene.lender.open({"/dev/ttyS0": taken, "/dev/ttyS1": free})
    assert had == {"/dev/ttyS1": free}
    assert problems["/dev/ttyS0"].errno == errno.EADDRINUSE


def test_after_the_stop_nobody_listens_and_who_was_let_in_is_not_disturbed(scene: Scene) -> None:
    (port,) = opened(scene, "/dev/ttyS0")
    with socket.create_connection(("127.0.0.1", port)) as client:
        assert scene.taken.wait(5)
        scene.lender.stop()
        scene.lender.stop()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        client.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.recv(1)


def test_one_that_was_never_started_leaves_nothing_open(scene: Scene) -> None:
    scene.lender.open({"/dev/ttyS0": free_port()})
    scene.lender.stop()


def test_ipv6_listens_for_both_kinds_of_addresses() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with nothing_left():
        scene = Scene("::")
        port = free_port()
        _, problems = scene.lender.open({"/dev/ttyS0": port})
        if problems:
            scene.close()
            pytest.skip("no IPv6 here")
        scene.lender.start()
        with socket.create_connection(("127.0.0.1", port)):
            assert scene.taken.wait(5)
        assert scene.came == [("/dev/ttyS0", "::ffff:127.0.0.1")]
        scene.close()

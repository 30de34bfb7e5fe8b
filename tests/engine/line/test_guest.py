"""One client on a real socket: his bytes, how he goes, and what he may cost the line."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator

import pytest

from engine.errors import LineDown
from engine.line.guest import Guest


class PipeLink:
    """A line whose far end the test holds."""

    def __init__(self) -> None:
        self.name = "/dev/pipe"
        self.near, self.far = socket.socketpair()
        self.down = ""

    def open(self, baud: int) -> None:
        del baud

    def write(self, data: bytes) -> None:
        if self.down:
            raise LineDown(self.down)
        self.near.sendall(data)

    def read(self, limit: int, timeout_s: float) -> bytes:
        del timeout_s
        if self.down:
            raise LineDown(self.down)
        return self.near.recv(limit)

    def close(self) -> None:
        self.near.close()
        self.far.close()

    def fileno(self) -> int:
        return self.near.fileno()


class Scene:
    def __init__(self, baud: int = 9600) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.client = socket.create_connection(listener.getsockname(), 5)
            near, _ = listener.accept()
        self.link = PipeLink()
        self.guest = Guest(near, "127.0.0.1", baud)

    def carry(self, timeout_s: float = 2.0) -> tuple[bool, bool]:
        return self.guest.carry(self.link, timeout_s)

    def close(self) -> None:
        self.guest.close("конец")
        self.client.close()
        self.link.close()


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    yield made
    made.close()


def test_every_byte_goes_through_both_ways(scene: Scene) -> None:
    every = bytes(range(256)) * 3
    scene.client.sendall(every)
    said = b""
    while len(said) < len(every):
        assert scene.carry() == (True, False)
        said += scene.link.far.recv(4096)
    scene.link.far.sendall(every)
    assert scene.carry() == (False, True)
    assert scene.client.recv(4096) == every == said
    assert (scene.guest.to_line, scene.guest.from_line) == (len(every), len(every))


def test_silence_is_waited_for_and_no_more(scene: Scene) -> None:
    assert not scene.guest.has_spoken()
    assert scene.carry(0.01) == (False, False)
    assert not scene.guest.gone


@pytest.mark.parametrize(("baud", "most"), [(300, 16), (9600, 240), (921600, 4096)])
def test_a_quarter_of_a_second_of_the_line_is_written_at_once(baud: int, most: int) -> None:
    scene = Scene(baud)
    scene.client.sendall(b"x" * 10_000)
    scene.carry()
    assert len(scene.link.far.recv(10_000)) == most
    scene.close()


def test_one_who_ends_gets_his_last_bytes_to_the_line(scene: Scene) -> None:
    scene.client.sendall(b"last")
    scene.client.close()
    assert scene.carry() == (True, False)
    assert scene.link.far.recv(100) == b"last"
    scene.carry()
    assert scene.guest.gone == "отключился"


def test_a_reset_is_an_end(scene: Scene) -> None:
    scene.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    scene.client.close()
    scene.carry()
    assert scene.guest.gone == "соединение разорвано"
    assert scene.carry() == (False, False)


def test_a_reset_seen_while_he_is_answered_is_an_end_too(scene: Scene) -> None:
    scene.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    scene.client.close()
    scene.link.far.sendall(b"answer")
    scene.carry()
    assert scene.guest.gone == "соединение разорвано"


def test_one_who_takes_nothing_is_disconnected_and_the_line_is_not_kept_waiting(scene: Scene) -> None:
    for _ in range(10_000):
        if scene.guest.gone:
            break
        scene.link.far.sendall(b"x" * 4096)
        scene.carry()
    assert scene.guest.gone == "не забирает ответы"


def test_one_closed_by_another_thread_is_gone(scene: Scene) -> None:
    scene.guest.close("доступ закрыт настройками")
    assert scene.guest.has_spoken(), "the line looks at him at once"
    assert scene.carry() == (False, False)
    assert scene.guest.gone == "доступ закрыт настройками"


def test_a_socket_closed_under_the_wait_is_an_end(scene: Scene) -> None:
    os.close(scene.guest._client.detach())
    scene.carry()
    assert scene.guest.gone


def test_a_line_that_is_down_is_told(scene: Scene) -> None:
    scene.client.sendall(b"x")
    scene.link.down = "чтение порта: устройство отключено"
    with pytest.raises(LineDown):
        scene.carry()


def test_a_far_end_that_is_cut_off_is_noticed_by_the_system(scene: Scene) -> None:
    near = scene.guest._client
    assert near.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert near.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) <= 10
    assert near.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) <= 20_000

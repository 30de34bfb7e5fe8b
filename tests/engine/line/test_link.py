"""Real pseudo-terminals and real sockets: every fault of a line is LineDown, and a line can be opened again."""

from __future__ import annotations

import errno
import os
import pty
import resource
import socket
import struct
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import serial

from engine.errors import LineDown
from engine.line import link as link_module
from engine.line.link import SerialLink, TcpLink
from tests.fake.leaks import nothing_left


@pytest.fixture(autouse=True)
def _no_leaks() -> Iterator[None]:
    with nothing_left():
        yield


@contextmanager
def terminal(name: Path) -> Iterator[int]:
    """A pseudo-terminal whose far end is the descriptor; `name` leads to it, as a udev link does."""
    far, near = pty.openpty()
    name.unlink(missing_ok=True)
    name.symlink_to(os.ttyname(near))
    os.close(near)
    try:
        yield far
    finally:
        with suppress(OSError):
            os.close(far)


@contextmanager
def opened(name: Path, baud: int = 9600) -> Iterator[SerialLink]:
    link = SerialLink(str(name))
    link.open(baud)
    try:
        yield link
    finally:
        link.close()


@contextmanager
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        yield server


@contextmanager
def connected() -> Iterator[tuple[TcpLink, socket.socket]]:
    with listener() as server:
        link = TcpLink(*server.getsockname())
        link.open(0)
        far, _ = server.accept()
        with far:
            try:
                yield link, far
            finally:
                link.close()


# --- serial


def test_bytes_go_both_ways_untouched(tmp_path: Path) -> None:
    every = bytes(range(256))
    with terminal(tmp_path / "tty") as far, opened(tmp_path / "tty") as link:
        link.write(every)
        assert os.read(far, 1000) == every
        os.write(far, every)
        assert link.read(1000, 1.0) == every


def test_no_more_is_read_than_was_asked_for(tmp_path: Path) -> None:
    with terminal(tmp_path / "tty") as far, opened(tmp_path / "tty") as link:
        os.write(far, b"abcdef")
        assert link.read(4, 1.0) == b"abcd"
        assert link.read(4, 1.0) == b"ef"


def test_silence_is_an_empty_answer_after_its_time(tmp_path: Path) -> None:
    with terminal(tmp_path / "tty"), opened(tmp_path / "tty") as link:
        begun_s = time.monotonic()
        assert link.read(10, 0.05) == b""
        assert time.monotonic() - begun_s >= 0.04
        assert link.read(10, -1.0) == b"", "a wait that is over already is none"


def test_an_open_port_takes_another_speed_without_being_closed(tmp_path: Path) -> None:
    with terminal(tmp_path / "tty") as far, opened(tmp_path / "tty", 9600) as link:
        assert termios.tcgetattr(far)[5] == termios.B9600
        os.write(far, b"kept")
        link.open(2400)
        assert termios.tcgetattr(far)[5] == termios.B2400
        assert link.read(10, 1.0) == b"kept"


def test_a_port_that_another_has_is_refused_and_taken_when_it_is_free(tmp_path: Path) -> None:
    with terminal(tmp_path / "tty"), opened(tmp_path / "tty") as first:
        second = SerialLink(str(tmp_path / "tty"))
        with pytest.raises(LineDown, match="порт не открывается: занят другой программой"):
            second.open(9600)
        first.close()
        second.open(9600)
        second.close()


def test_a_port_that_is_not_there_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(LineDown, match="порт не открывается: такого порта нет"):
        SerialLink(str(tmp_path / "ttyUSB7")).open(9600)


def test_a_file_is_no_port(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LineDown, match="это не последовательный порт"):
        SerialLink(str(tmp_path / "file")).open(9600)


def test_an_unplugged_adapter_is_a_line_that_is_down(tmp_path: Path) -> None:
    with terminal(tmp_path / "tty") as far, opened(tmp_path / "tty") as link:
        os.close(far)
        with pytest.raises(LineDown, match="чтение порта: устройство отключено"):
            link.read(10, 1.0)
        with pytest.raises(LineDown, match="запись в порт: устройство отключено"):
            link.write(b"?")


def test_an_adapter_that_is_plugged_in_again_is_opened_by_its_name(tmp_path: Path) -> None:
    name = tmp_path / "tty"
    link = SerialLink(str(name))
    with terminal(name):
        link.open(9600)
    with pytest.raises(LineDown):
        link.read(1, 1.0)
    link.close()
    with terminal(name) as far:
        link.open(9600)
        os.write(far, b"back")
        assert link.read(10, 1.0) == b"back"
        link.close()


def test_a_far_end_that_takes_nothing_does_not_hold_a_writer_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "WRITE_TIMEOUT_S", 0.05)
    with (
        terminal(tmp_path / "tty"),
        opened(tmp_path / "tty") as link,
        pytest.raises(LineDown, match="запись в порт: нет ответа"),
    ):
        link.write(b"x" * 1_000_000)


def test_a_closed_port_is_down_and_may_be_closed_again(tmp_path: Path) -> None:
    link = SerialLink(str(tmp_path / "tty"))
    link.close()
    for use in (lambda: link.read(1, 0.0), lambda: link.write(b"?")):
        with pytest.raises(LineDown, match="порт закрыт"):
            use()


@pytest.mark.parametrize("error", [OSError(errno.EIO, "x"), termios.error(5, "x"), serial.SerialException("x")])
def test_whatever_the_library_raises_is_a_line_that_is_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    with terminal(tmp_path / "tty"), opened(tmp_path / "tty") as link:
        monkeypatch.setattr(serial.Serial, "fileno", fail)
        monkeypatch.setattr(serial.Serial, "_reconfigure_port", fail)
        with pytest.raises(LineDown):
            link.write(b"?")
        with pytest.raises(LineDown):
            link.read(1, 0.0)
        with pytest.raises(LineDown):
            link.open(2400)


def test_a_port_that_cannot_be_closed_politely_is_closed_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    close, told = serial.Serial.close, list[int]()

    def rudely(port: serial.Serial) -> None:
        close(port)
        if not told:  # once: the port is closed again when it is forgotten
            told.append(errno.EIO)
            raise OSError(errno.EIO, "gone")

    monkeypatch.setattr(serial.Serial, "close", rudely)
    with terminal(tmp_path / "tty"):
        link = SerialLink(str(tmp_path / "tty"))
        link.open(9600)
        link.close()
        with pytest.raises(LineDown, match="порт закрыт"):
            link.read(1, 0.0)
        monkeypatch.undo()


# --- TCP


def test_a_connection_carries_bytes_both_ways() -> None:
    with connected() as (link, far):
        link.write(b"ask")
        assert far.recv(10) == b"ask"
        far.sendall(b"answer")
        assert link.read(3, 1.0) == b"ans"
        assert link.read(10, 1.0) == b"wer"
        assert link.read(10, 0.01) == b""


def test_opening_an_open_connection_keeps_it() -> None:
    with connected() as (link, far):
        link.open(9600)
        link.write(b"same")
        assert far.recv(10) == b"same"


def test_requests_are_sent_at_once_and_a_lost_far_end_is_noticed() -> None:
    with connected() as (link, _):
        descriptor = link._opened()
        assert descriptor.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert descriptor.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 20_000


def test_a_refused_connection_is_a_line_that_is_down() -> None:
    with listener() as server:
        address = server.getsockname()
    with pytest.raises(LineDown, match="нет соединения: не принимает соединение"):
        TcpLink(*address).open(0)


def test_a_host_without_an_address_is_a_line_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(LineDown, match="нет соединения: имя не найдено"):
        TcpLink("meter.invalid", 10001).open(0)


def test_a_host_that_does_not_answer_costs_a_limited_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "CONNECT_TIMEOUT_S", 0.05)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        with socket.create_connection(server.getsockname()), socket.socket() as second:
            second.setblocking(False)
            with suppress(BlockingIOError):
                second.connect(server.getsockname())
            with pytest.raises(LineDown, match="нет соединения: нет ответа"):
                TcpLink(*server.getsockname()).open(0)


def test_a_connection_that_the_far_end_closed_is_down_and_can_be_opened_again() -> None:
    with listener() as server:
        link = TcpLink(*server.getsockname())
        link.open(0)
        far, _ = server.accept()
        far.close()
        with pytest.raises(LineDown, match="соединение разорвано: закрыто с той стороны"):
            link.read(10, 1.0)
        link.close()
        link.open(0)
        far, _ = server.accept()
        with far:
            far.sendall(b"again")
            assert link.read(10, 1.0) == b"again"
        link.close()


def test_a_connection_that_was_reset_is_down() -> None:
    with connected() as (link, far):
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        far.close()
        with pytest.raises(LineDown, match="закрыто с той стороны"):
            link.read(10, 1.0)
        with pytest.raises(LineDown, match="соединение разорвано"):
            for _ in range(3):
                link.write(b"?")


def test_a_far_end_that_reads_nothing_does_not_hold_a_writer_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "WRITE_TIMEOUT_S", 0.05)
    with connected() as (link, _), pytest.raises(LineDown, match="соединение разорвано: нет ответа"):
        link.write(b"x" * 50_000_000)


def test_a_connection_that_was_never_opened_is_down() -> None:
    link = TcpLink("127.0.0.1", 1)
    for use in (lambda: link.read(1, 0.0), lambda: link.write(b"?")):
        with pytest.raises(LineDown, match="нет соединения"):
            use()
    link.close()


def test_a_reader_waits_for_what_comes_later() -> None:
    with connected() as (link, far):
        sender = threading.Timer(0.05, far.sendall, (b"later",))
        sender.start()
        assert link.read(10, 5.0) == b"later"
        sender.join()


def test_a_descriptor_that_select_would_not_take_is_waited_for() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= hard < 2048:
        pytest.skip(f"no more than {hard} descriptors are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (2048, hard))
    filler = [os.dup(0) for _ in range(1024)]
    try:
        with connected() as (link, far):
            assert link.fileno() > 1023
            link.write(b"?")
            assert far.recv(1) == b"?"
            far.sendall(b"!")
            assert link.read(10, 5.0) == b"!"
    finally:
        for descriptor in filler:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

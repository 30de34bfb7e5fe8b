from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import serial

from engine.emulate import PtyServer, TcpServer, main
from engine.emulate.line import Line

ROOT = Path(__file__).parents[3]
IDENTIFY = bytes.fromhex("55 01 FE 00 00 00 AB")
ID_ANSWER = bytes.fromhex("AA 01 FE 00 00 07 54 53 4D 2D 31 30 34 99")
PATIENCE_S = 20.0


class Reverser:
    """Answers every line of text with its reverse: enough of a meter for carrying bytes."""

    def __init__(self) -> None:
        self.heard = b""
        self.lived_s = 0.0

    def pieces(self, data: bytes) -> Sequence[tuple[float, bytes]]:
        *lines, self.heard = (self.heard + data).split(b"\n")
        return [(0.0, line[::-1] + b"\n") for line in lines]

    def elapse(self, seconds: float) -> None:
        self.lived_s += seconds

    def pause(self) -> None:
        self.heard = b""


def line(baud: int = 0, turnaround_s: float = 0.0, time_scale: float = 1.0) -> Line:
    return Line(Reverser(), baud=baud, turnaround_s=turnaround_s, time_scale=time_scale)


@contextmanager
def nothing_left() -> Iterator[None]:
    threads, descriptors = set(threading.enumerate()), set(Path("/proc/self/fd").iterdir())
    yield
    assert set(threading.enumerate()) == threads
    assert set(Path("/proc/self/fd").iterdir()) == descriptors


def take(descriptor: int, count: int) -> bytes:
    """`count` bytes, or what came until patience ended."""
    data, until = b"", time.monotonic() + PATIENCE_S
    while len(data) < count and time.monotonic() < until:
        if select.select([descriptor], [], [], 0.2)[0]:
            data += os.read(descriptor, count - len(data))
    return data


@contextmanager
def opened(path: str) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def test_a_pty_serves_one_opener_after_another_and_leaves_nothing() -> None:
    with nothing_left(), PtyServer(line()) as server:
        for word in (b"one", b"two", b"three"):
            with opened(server.place) as descriptor:
                os.write(descriptor, word + b"\n")
                assert take(descriptor, len(word) + 1) == word[::-1] + b"\n"


def test_a_pty_is_raw_every_byte_goes_through_both_ways() -> None:
    every = bytes(byte for byte in range(256) if byte != 0x0A)
    with PtyServer(line()) as server, opened(server.place) as descriptor:
        os.write(descriptor, every + b"\n")
        assert take(descriptor, 256) == every[::-1] + b"\n"


def test_a_pty_opens_as_a_serial_port() -> None:
    with PtyServer(line()) as server:
        for _ in range(2):
            with serial.Serial(server.place, 9600, timeout=PATIENCE_S, exclusive=True) as port:
                port.write(b"abc\n")
                assert port.read(4) == b"cba\n"


def test_a_link_leads_to_the_pty_and_goes_with_it(tmp_path: Path) -> None:
    link = tmp_path / "ttyTEST"
    link.symlink_to("/dev/pts/long-gone")
    with PtyServer(line(), str(link)) as server:
        assert server.place == str(link)
        assert str(link.readlink()) == server.device
        with opened(str(link)) as descriptor:
            os.write(descriptor, b"abc\n")
            assert take(descriptor, 4) == b"cba\n"
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_not_replaced_by_a_link(tmp_path: Path) -> None:
    precious = tmp_path / "ttyTEST"
    precious.write_text("precious")
    with nothing_left(), pytest.raises(FileExistsError, match="ttyTEST"):
        PtyServer(line(), str(precious))
    assert precious.read_text() == "precious"


def test_a_link_that_leads_elsewhere_by_now_is_left_alone(tmp_path: Path) -> None:
    link = tmp_path / "ttyTEST"
    with PtyServer(line(), str(link)):
        link.unlink()
        link.symlink_to("/dev/null")
    assert str(link.readlink()) == "/dev/null"


def test_a_reader_who_never_reads_stops_nothing() -> None:
    with nothing_left(), PtyServer(line()) as server:
        with opened(server.place) as descriptor:
            for _ in range(100):
                os.write(descriptor, b"x" * 200 + b"\n")
                time.sleep(0.001)
        with serial.Serial(server.place, timeout=PATIENCE_S) as port:
            port.reset_input_buffer()
            port.write(b"\n\nabc\n")
            assert port.read_until(b"cba\n").endswith(b"cba\n")


def test_an_answer_never_comes_sooner_than_the_line_allows() -> None:
    with PtyServer(line(baud=9600, turnaround_s=0.02)) as server, opened(server.place) as descriptor:
        began = time.monotonic()
        os.write(descriptor, bytes(95).replace(b"\0", b"x") + b"\n")
        assert len(take(descriptor, 96)) == 96
        assert time.monotonic() - began >= 2 * 96 * 10 / 9600 + 0.02


def test_tcp_serves_one_client_after_another_and_leaves_nothing() -> None:
    with nothing_left(), TcpServer(line()) as server:
        assert server.place == f"127.0.0.1:{server.port}"
        for word in (b"one", b"two"):
            with socket.create_connection(("127.0.0.1", server.port), PATIENCE_S) as client:
                client.sendall(word + b"\n")
                assert take(client.fileno(), len(word) + 1) == word[::-1] + b"\n"


def test_a_second_client_waits_for_the_first_to_go() -> None:
    with TcpServer(line()) as server, socket.create_connection(("127.0.0.1", server.port), PATIENCE_S) as first:
        first.sendall(b"ab\n")
        assert take(first.fileno(), 3) == b"ba\n"
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE_S) as second:
            second.sendall(b"cd\n")
            first.sendall(b"ef\n")
            assert take(first.fileno(), 3) == b"fe\n"
            first.close()
            assert take(second.fileno(), 3) == b"dc\n"


def test_a_client_that_breaks_off_costs_the_next_one_nothing() -> None:
    with nothing_left(), TcpServer(line(baud=1200)) as server:
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE_S) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.sendall(b"x" * 20 + b"\n")
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE_S) as client:
            client.sendall(b"abc\n")
            assert take(client.fileno(), 4) == b"cba\n"


def test_a_server_stops_while_a_client_is_there_and_an_answer_is_due() -> None:
    with nothing_left():
        with TcpServer(line(baud=1200)) as server:
            client = socket.create_connection(("127.0.0.1", server.port), PATIENCE_S)
            client.sendall(b"x" * 1000 + b"\n")
        client.close()


def test_a_server_that_never_started_leaves_nothing_and_stops_twice() -> None:
    with nothing_left():
        for server in (TcpServer(line()), PtyServer(line())):
            server.stop()
            server.stop()


def test_the_thread_bears_the_name_of_its_place() -> None:
    with TcpServer(line()) as server:
        assert f"emulate {server.place}" in {thread.name for thread in threading.enumerate()}


def test_the_time_of_the_meter_goes_by_the_scale() -> None:
    reverser = Reverser()
    began = time.monotonic()
    with TcpServer(Line(reverser, baud=0, time_scale=3600)) as server:
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE_S) as client:
            time.sleep(0.05)
            client.sendall(b"a\n")
            assert take(client.fileno(), 2) == b"a\n"
        with server.lock:
            assert 0.05 * 3600 <= reverser.lived_s <= (time.monotonic() - began) * 3600


START = (
    "import sys; from drivers import emulated; from engine.emulate import main; "
    "sys.exit(main(sys.argv[1:], emulated.load()))"
)


@contextmanager
def command(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command line in a process of its own, and the place that it told."""
    with subprocess.Popen([sys.executable, "-c", START, *arguments], cwd=ROOT, stdout=-1, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_a_meter_until_it_is_told_to_end(ending: signal.Signals, tmp_path: Path) -> None:
    link = tmp_path / "ttyTEST"
    with command("tesmart", "--pty", str(link), "--records", "864", "368", "128") as (process, place):
        assert place == str(link)
        with opened(place) as descriptor:
            os.write(descriptor, IDENTIFY)
            assert take(descriptor, len(ID_ANSWER)) == ID_ANSWER
        process.send_signal(ending)
        assert process.wait(PATIENCE_S) == 0
    assert not link.is_symlink()


def test_the_command_serves_over_tcp_with_faults() -> None:
    with command("tem106", "--tcp", "127.0.0.1:0", "--unpaced", "--fault", "echo", "--systems", "2") as (_, place):
        host, _, port = place.rpartition(":")
        with socket.create_connection((host, int(port)), PATIENCE_S) as client:
            client.sendall(IDENTIFY)
            assert take(client.fileno(), 21)[:7] == IDENTIFY


class NoFamily:
    models = ("nothing",)

    @staticmethod
    def add_options(_parser: object) -> None: ...

    @staticmethod
    def build(_model: str, options: object, _now: object) -> Reverser:
        if getattr(options, "baud", 0) == 13:
            raise ValueError("такой скорости нет")
        return Reverser()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], "--pty"),
        (["other", "--pty"], "other"),
        (["nothing", "--tcp", "10001"], "АДРЕС:ПОРТ"),
        (["nothing", "--pty", "--baud", "0"], "больше нуля"),
        (["nothing", "--pty", "--time-scale", "-1"], "от 0"),
        (["nothing", "--pty", "--clock", "noon"], "--clock"),
        (["nothing", "--pty", "--baud", "13"], "такой скорости нет"),
    ],
)
def test_a_wrong_command_line_is_refused(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments, [NoFamily()])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_a_port_that_is_taken_ends_with_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["nothing", "--tcp", f"127.0.0.1:{taken.getsockname()[1]}"], [NoFamily()]) == 1
    assert "эмулятор не запущен" in capsys.readouterr().err

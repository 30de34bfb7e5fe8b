"""Lines follow the settings by difference; one that crashed is started again later and later."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator

import pytest

from engine.errors import LineDown
from engine.line import LineWorker
from engine.line.link import SerialLink, TcpLink
from engine.news import LineChanged, News
from engine.runtime import lines as lines_module
from engine.runtime.describe import bus_line
from engine.runtime.lines import Lines, line_name, make_link
from engine.settings import DeviceSettings, Settings
from tests.fake.agent_settings import serial_device, settings_of, tcp_device
from tests.fake.leaks import nothing_left


class DeadLink:
    """A line that can never be opened."""

    def __init__(self, name: str) -> None:
        self.name = name

    def open(self, _baud: int) -> None:
        raise LineDown("такого порта нет")

    def write(self, _data: bytes) -> None:
        raise AssertionError("it was never opened")

    def read(self, _limit: int, _timeout_s: float) -> bytes:
        raise AssertionError("it was never opened")

    def close(self) -> None:
        pass


class Given:
    """What the lines were told to poll: (line, files, interval)."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told: list[tuple[str, tuple[str, ...], float]] = []
        whole = LineWorker.set_devices

        def set_devices(worker: LineWorker, devices: tuple[DeviceSettings, ...], interval_s: float) -> None:
            self.told.append((worker.bus.link.name, tuple(device.file for device in devices), interval_s))
            whole(worker, devices, interval_s)

        monkeypatch.setattr(LineWorker, "set_devices", set_devices)
        monkeypatch.setattr(lines_module, "make_link", lambda device: DeadLink(line_name(device)))

    def take(self) -> list[tuple[str, tuple[str, ...], float]]:
        told, self.told = self.told, []
        return told


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Given:
    return Given(monkeypatch)


@pytest.fixture
def lines(given: Given) -> Iterator[Lines]:
    del given
    with nothing_left():
        lines = Lines((), lambda _news: None, lambda _thread, _text: None, lambda _name: None)
        yield lines
        lines.stop(lambda: None)


def test_devices_with_one_port_share_one_line(lines: Lines, given: Given) -> None:
    lines.apply(settings_of(serial_device("a.ini"), tcp_device("b.ini"), serial_device("c.ini"), tcp_device("d.ini")))
    assert given.take() == [("/dev/ttyS0", ("a.ini", "c.ini"), 60.0), ("192.0.2.1:10001", ("b.ini", "d.ini"), 60.0)]


def test_every_line_has_a_thread_with_its_name(lines: Lines) -> None:
    lines.apply(settings_of(serial_device("a.ini"), tcp_device("b.ini")))
    names = {thread.name for thread in threading.enumerate()}
    assert {"line /dev/ttyS0", "line 192.0.2.1:10001"} <= names


def test_a_line_that_a_change_does_not_concern_keeps_its_thread(lines: Lines, given: Given) -> None:
    lines.apply(settings_of(serial_device("a.ini"), tcp_device("b.ini")))
    before = {name: line.worker for name, line in lines.lines.items()}
    lines.apply(settings_of(serial_device("a.ini"), tcp_device("b.ini", net_addr=7), tcp_device("c.ini", "192.0.2.9")))
    assert {name: lines.lines[name].worker for name in before} == before
    assert given.take()[-1] == ("192.0.2.9:10001", ("c.ini",), 60.0)


def test_a_line_that_nobody_needs_any_more_ends(lines: Lines) -> None:
    lines.apply(settings_of(serial_device("a.ini"), tcp_device("b.ini")))
    gone = lines.lines["/dev/ttyS0"].worker
    lines.apply(settings_of(tcp_device("b.ini")))
    gone.join(5)
    assert not gone.is_alive()
    assert lines.worker_of("a.ini") is None
    assert lines.worker_of("b.ini") is lines.lines["192.0.2.1:10001"].worker
    lines.tick(0.0)
    assert lines._leaving == []


@pytest.mark.parametrize(
    "settings",
    [
        settings_of(serial_device("a.ini", enabled=False)),
        settings_of(serial_device("a.ini"), agent={"auto_poll": False}),
        settings_of(),
    ],
)
def test_what_is_switched_off_is_not_polled(lines: Lines, settings: Settings) -> None:
    lines.apply(settings_of(serial_device("a.ini")))
    lines.apply(settings)
    assert lines.lines == {}
    assert lines.worker_of("a.ini") is None


def test_another_interval_is_told_to_every_line(lines: Lines, given: Given) -> None:
    lines.apply(settings_of(serial_device("a.ini"), tcp_device("b.ini")))
    given.take()
    lines.apply(settings_of(serial_device("a.ini"), tcp_device("b.ini"), agent={"poll_interval_s": 5}))
    told = {(name, interval_s) for name, _, interval_s in given.take()}
    assert told == {("/dev/ttyS0", 5.0), ("192.0.2.1:10001", 5.0)}


def test_a_device_that_moves_to_another_line_is_polled_there(lines: Lines) -> None:
    lines.apply(settings_of(serial_device("a.ini"), serial_device("b.ini")))
    lines.apply(settings_of(serial_device("a.ini", "/dev/ttyS1"), serial_device("b.ini")))
    assert lines.worker_of("a.ini") is lines.lines["/dev/ttyS1"].worker
    assert lines.worker_of("b.ini") is lines.lines["/dev/ttyS0"].worker


def crash(lines: Lines, now_s: float) -> LineWorker:
    """End the thread of the one line as a bug would."""
    worker = lines.lines["/dev/ttyS0"].worker
    worker.stop()
    worker.join(5)
    lines.tell_crash(worker.name, now_s)
    return worker


def test_a_line_that_crashed_is_started_again_after_a_pause_that_grows(lines: Lines, given: Given) -> None:
    lines.apply(settings_of(serial_device("a.ini"), agent={"poll_interval_s": 7}))
    given.take()
    now_s = 100.0
    for pause_s in (0.5, 1.0, 2.0, 4.0):
        ended = crash(lines, now_s)
        lines.tick(now_s + pause_s - 0.1)
        assert lines.lines["/dev/ttyS0"].worker is ended
        now_s += pause_s
        lines.tick(now_s)
        assert lines.lines["/dev/ttyS0"].worker.is_alive()
        assert given.take() == [("/dev/ttyS0", ("a.ini",), 7.0)]
    assert bus_line("/dev/ttyS0", lines.lines["/dev/ttyS0"]).endswith("перезапусков 4")


def test_a_line_that_crashed_starts_with_the_settings_of_now(lines: Lines, given: Given) -> None:
    lines.apply(settings_of(serial_device("a.ini")))
    crash(lines, 100.0)
    lines.apply(settings_of(serial_device("a.ini"), serial_device("b.ini")))
    given.take()
    lines.tick(101.0)
    assert given.take() == [("/dev/ttyS0", ("a.ini", "b.ini"), 60.0)]


def test_a_crash_of_a_line_that_is_leaving_starts_no_second_thread_beside_its_successor(lines: Lines) -> None:
    lines.apply(settings_of(serial_device("a.ini")))
    lines.apply(settings_of())
    lines.apply(settings_of(serial_device("a.ini")))
    successor = lines.lines["/dev/ttyS0"].worker
    lines.tell_crash("line /dev/ttyS0", 100.0)
    lines.tick(200.0)
    assert lines.lines["/dev/ttyS0"].worker is successor


def test_a_line_that_cannot_get_rid_of_its_news_is_heard_out_at_the_end(given: Given) -> None:
    del given
    news: queue.Queue[News] = queue.Queue(1)
    heard: list[News] = []

    def drain() -> None:
        while not news.empty():
            heard.append(news.get())

    with nothing_left():
        lines = Lines((), news.put, lambda _thread, _text: None, lambda _name: None)
        lines.apply(settings_of(*(serial_device(f"{number}.ini") for number in range(5))))
        while not news.full():
            time.sleep(0.01)
        lines.stop(drain)
    assert any(not isinstance(each, LineChanged) for each in heard)


def test_the_pipe_follows_the_connection() -> None:
    serial, tcp = make_link(serial_device("a.ini")), make_link(tcp_device("b.ini"))
    assert isinstance(serial, SerialLink) and serial.name == "/dev/ttyS0"
    assert isinstance(tcp, TcpLink) and tcp.name == "192.0.2.1:10001"


def test_a_trace_is_asked_for_by_line(given: Given) -> None:
    del given
    asked: list[str] = []
    lines = Lines((), lambda _news: None, lambda _thread, _text: None, lambda name: asked.append(name))  # type: ignore[func-returns-value]
    lines.apply(settings_of(serial_device("a.ini")))
    lines.stop(lambda: None)
    assert asked == ["/dev/ttyS0"]


def test_a_line_that_crashed_goes_on_with_its_counts(lines: Lines) -> None:
    lines.apply(settings_of(serial_device("a.ini")))
    ended = crash(lines, 100.0)
    ended.bus.requests, ended.bus.answers = 7, 5
    ended.bus.refused["шум"] = 2
    lines.tick(101.0)
    bus = lines.lines["/dev/ttyS0"].worker.bus
    assert bus is not ended.bus
    assert bus.requests >= 7 and bus.answers == 5 and bus.refused["шум"] == 2


def test_every_thread_of_a_line_can_be_watched_once(lines: Lines) -> None:
    lines.apply(settings_of(serial_device("a.ini"), tcp_device("b.ini")))
    assert [worker.name for worker in lines.workers()] == ["line /dev/ttyS0", "line 192.0.2.1:10001"]

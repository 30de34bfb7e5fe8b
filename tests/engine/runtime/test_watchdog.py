"""The watchdog is pinged only while everything goes on."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.runtime.watchdog import Watchdog
from engine.worker import HANG_S, Worker
from tests.fake.house import TestHouse
from tests.fake.notify_socket import NotifySocket


class Stuck(Worker):
    """Gives a sign whenever it is let go on."""

    def __init__(self) -> None:
        super().__init__("line /dev/ttyS1", lambda *_: None)
        self.go_on = threading.Event()
        self.gave_sign = threading.Event()

    def work(self) -> None:
        while not self.stopping.is_set():
            self.give_sign()
            self.gave_sign.set()
            self.go_on.wait()
            self.go_on.clear()

    def stop(self) -> None:
        super().stop()
        self.go_on.set()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[NotifySocket]:
    with NotifySocket(tmp_path) as socket:
        yield socket


def watchdog(tmp_path: Path, manager: NotifySocket, *workers: Worker, **environment: str) -> tuple[Watchdog, TestHouse]:
    test = TestHouse(tmp_path)
    return Watchdog(test.house, lambda: workers, {"NOTIFY_SOCKET": manager.address, **environment}), test


def test_it_says_that_it_is_up_and_then_pings_by_half_of_the_time(tmp_path: Path, manager: NotifySocket) -> None:
    part, _ = watchdog(tmp_path, manager, WATCHDOG_USEC="20000000", WATCHDOG_PID=str(os.getpid()))
    for now_s in (0.0, 5.0, 9.9):
        part.tick(now_s)
    assert manager.told == ["READY=1", "WATCHDOG=1"]
    part.tick(10.0)
    part.tick(20.0)
    part.stop()
    assert manager.told[2:] == ["WATCHDOG=1", "WATCHDOG=1", "STOPPING=1"]


def test_without_a_watchdog_only_begin_and_end_are_told(tmp_path: Path, manager: NotifySocket) -> None:
    part, _ = watchdog(tmp_path, manager)
    for now_s in range(100):
        part.tick(float(now_s))
    part.stop()
    assert manager.told == ["READY=1", "STOPPING=1"]


def test_a_thread_that_hangs_ends_the_pings_until_it_goes_on(tmp_path: Path, manager: NotifySocket) -> None:
    worker = Stuck()
    part, test = watchdog(tmp_path, manager, worker, WATCHDOG_USEC="2000000")
    worker.start()
    try:
        assert worker.gave_sign.wait(5)
        now_s = time.monotonic()
        part.tick(now_s)
        assert manager.told == ["READY=1", "WATCHDOG=1"]
        for later_s in (1.0, 5.0, 9.0):
            part.tick(now_s + HANG_S + later_s)
        assert manager.told == ["READY=1", "WATCHDOG=1"], "systemd ends the agent now"
        assert test.journaled == ["поток «line /dev/ttyS1» завис"]
        assert part.warnings() == ["поток «line /dev/ttyS1» завис: systemd перезапустит агента"]
        worker.gave_sign.clear()
        worker.go_on.set()
        assert worker.gave_sign.wait(5)
        part.tick(time.monotonic() + 2.0)
        assert manager.told[-1] == "WATCHDOG=1" and len(manager.told) == 3
        assert part.warnings() == []
        assert test.journaled[1:] == ["поток «line /dev/ttyS1» снова работает"]
    finally:
        worker.stop()
        worker.join(5)


def test_without_systemd_a_thread_that_hangs_is_told_all_the_same(tmp_path: Path) -> None:
    worker = Stuck()
    part = Watchdog(TestHouse(tmp_path).house, lambda: (worker,), {})
    worker.start()
    try:
        assert worker.gave_sign.wait(5)
        part.tick(time.monotonic() + HANG_S + 1.0)
        assert part.warnings() == ["поток «line /dev/ttyS1» завис: перезапустите агента"]
    finally:
        worker.stop()
        worker.join(5)

"""A thread with a name and an end; what nobody expected is told."""

from __future__ import annotations

import threading
import time

from engine.worker import HANG_S, Worker
from tests.fake.leaks import nothing_left


class Waits(Worker):
    """Works until it is stopped."""

    def __init__(self, crashed: list[tuple[str, str]]) -> None:
        super().__init__("waits for its end", lambda name, text: crashed.append((name, text)))
        self.begun = threading.Event()

    def work(self) -> None:
        self.begun.set()
        self.stopping.wait()


class Breaks(Worker):
    """Meets an error that nobody expected."""

    def work(self) -> None:
        raise KeyError("no such thing")


def test_a_worker_bears_its_name_and_never_keeps_the_process_alive() -> None:
    worker = Waits([])
    assert worker.name == "waits for its end"
    assert worker.daemon


def test_a_worker_ends_when_it_is_asked_to() -> None:
    crashed: list[tuple[str, str]] = []
    with nothing_left():
        worker = Waits(crashed)
        worker.start()
        assert worker.begun.wait(5)
        worker.stop()
        worker.stop()
        worker.join(5)
        assert not worker.is_alive()
    assert crashed == []


def test_an_error_that_nobody_expected_is_told_with_its_traceback() -> None:
    told: list[tuple[str, str]] = []
    worker = Breaks("breaks", lambda name, text: told.append((name, text)))
    worker.start()
    worker.join(5)
    ((name, traceback),) = told
    assert name == "breaks"
    assert traceback.startswith("Traceback")
    assert traceback.strip().endswith("KeyError: 'no such thing'")


def test_a_worker_without_work_is_a_bug_and_told_as_one() -> None:
    told: list[str] = []
    worker = Worker("idle", lambda _name, text: told.append(text))
    worker.run()
    assert "AssertionError" in told[0]


class Promises(Waits):
    """Says that its next sign of life comes within ten seconds."""

    def work(self) -> None:
        self.give_sign(10.0)
        super().work()


def test_a_worker_that_keeps_its_word_does_not_hang_and_one_that_does_not_does() -> None:
    worker = Promises([])
    assert not worker.hangs(time.monotonic() + 1e9), "it was not started"
    begun_s = time.monotonic()
    worker.start()
    assert worker.begun.wait(5)
    assert not worker.hangs(begun_s + 10.0 + HANG_S)
    assert worker.hangs(time.monotonic() + 10.1 + HANG_S)
    worker.stop()
    worker.join(5)
    assert not worker.hangs(time.monotonic() + 1e9), "it has ended"


def test_a_worker_that_gives_no_signs_is_not_watched() -> None:
    worker = Waits([])
    worker.start()
    assert not worker.hangs(time.monotonic() + 1e9)
    worker.stop()
    worker.join(5)

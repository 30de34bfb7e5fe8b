"""A thread with a name and an end; what nobody expected is told."""

from __future__ import annotations

import threading

from engine.worker import Worker
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

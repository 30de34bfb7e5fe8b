"""Calendar jobs: a step of the clock starts nothing twice and stalls nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import schedule

from engine.runtime import clockwork
from engine.runtime.clockwork import Clockwork

PERIOD_S = 600


class Clocks:
    """The wall clock and the monotonic one, which a test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall = datetime(2026, 11, 22, 9, 5)
        self.monotonic_s = 1000.0
        clocks = self

        class Wall(datetime):
            @classmethod
            def now(cls, _zone: Any = None) -> Any:
                return clocks.wall

        monkeypatch.setattr(clockwork, "datetime", Wall)
        monkeypatch.setattr(clockwork.time, "monotonic", lambda: clocks.monotonic_s)
        monkeypatch.setattr(schedule.datetime, "datetime", Wall)

    def pass_time(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.monotonic_s += seconds

    def step(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    return Clocks(monkeypatch)


def work(clocks: Clocks, jobs: Clockwork, seconds: float) -> None:
    for _ in range(int(seconds)):
        clocks.pass_time(1)
        jobs.tick()


def test_a_job_is_done_every_period(clocks: Clocks) -> None:
    done: list[float] = []
    jobs = Clockwork({lambda: done.append(clocks.monotonic_s): PERIOD_S})
    work(clocks, jobs, 3 * PERIOD_S + 10)
    assert done == [1000 + PERIOD_S * turn for turn in (1, 2, 3)]


@pytest.mark.parametrize("step_s", [3600 * 24 * 365 * 56, -3600 * 24 * 365 * 20, 3600, -3600, 30, -30])
def test_a_step_of_the_clock_starts_nothing_twice_and_stalls_nothing(clocks: Clocks, step_s: float) -> None:
    done: list[float] = []
    jobs = Clockwork({lambda: done.append(clocks.monotonic_s): PERIOD_S})
    work(clocks, jobs, PERIOD_S / 2)
    clocks.step(step_s)
    jobs.tick()
    assert done == []
    work(clocks, jobs, PERIOD_S)
    assert done == [1000 + PERIOD_S]


def test_a_clock_that_is_set_again_and_again_stalls_nothing(clocks: Clocks) -> None:
    done: list[float] = []
    jobs = Clockwork({lambda: done.append(clocks.monotonic_s): PERIOD_S})
    for turn in range(3 * PERIOD_S // 100):
        work(clocks, jobs, 100)
        clocks.step(-5 if turn % 2 else 7)
    assert len(done) == 3


def test_a_clock_that_is_slewed_is_followed_without_a_word(clocks: Clocks) -> None:
    done: list[float] = []
    jobs = Clockwork({lambda: done.append(clocks.monotonic_s): PERIOD_S})
    for _ in range(PERIOD_S):
        clocks.step(0.01)
        work(clocks, jobs, 1)
    assert len(done) == 1


def test_jobs_of_different_periods_do_not_wait_for_one_another(clocks: Clocks) -> None:
    done: list[str] = []
    jobs = Clockwork({lambda: done.append("hour"): 3600, lambda: done.append("minutes"): PERIOD_S})
    work(clocks, jobs, 3600)
    assert (done.count("hour"), done.count("minutes")) == (1, 6)


def test_a_bug_in_a_job_comes_out(clocks: Clocks) -> None:
    def broken() -> None:
        raise KeyError("bug")

    jobs = Clockwork({broken: 1})
    clocks.pass_time(2)
    with pytest.raises(KeyError):
        jobs.tick()

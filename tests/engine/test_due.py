"""Pauses, turns, the share of a line, restarts. Time is an argument."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.due import (
    CALM_S,
    LONGEST_RESTART_S,
    LineShare,
    Moment,
    Restarts,
    answer_wait,
    clock_is_plausible,
    growing_pause,
    next_turn,
)


def test_a_pause_grows_from_half_a_second_to_a_minute() -> None:
    assert [growing_pause(failures) for failures in range(10)] == [0, 0.5, 1, 2, 4, 8, 16, 32, 60, 60]


def test_a_pause_after_years_of_failures_is_still_a_number() -> None:
    assert growing_pause(10**9) == 60
    assert answer_wait(0.35, 10**9) == 5.0


@pytest.mark.parametrize(
    ("year", "plausible"), [(1970, False), (2025, False), (2026, True), (2098, True), (2099, False), (2106, False)]
)
def test_a_clock_is_believed_only_in_the_years_that_can_be(year: int, plausible: bool) -> None:
    assert clock_is_plausible(datetime(year, 6, 1)) is plausible


@given(st.floats(0, 1e6), st.floats(0, 1e5), st.floats(0.5, 86400))
def test_the_next_turn_is_ahead_on_its_own_beat_and_none_is_queued(due: float, late: float, interval: float) -> None:
    now = due + late
    following = next_turn(due, now, interval)
    assert now < following + 1e-6
    assert following <= now + interval + 1e-6
    beats = (following - due) / interval
    assert beats == pytest.approx(round(beats), abs=1e-4)


def test_a_job_that_was_done_early_keeps_its_beat() -> None:
    assert next_turn(100.0, 90.0, 60.0) == 160.0


def test_what_happened_before_the_clock_was_set_is_told_afterwards() -> None:
    start = Moment(1000.0)
    assert start.when(None, 1010.0) is None
    assert start.when(datetime(2026, 11, 22, 9, 5), 1060.0) == datetime(2026, 11, 22, 9, 4)


def test_a_moment_stays_what_it_was_whatever_is_done_to_the_clock() -> None:
    start = Moment(1000.0)
    start.when(datetime(2026, 11, 22, 9, 5), 1000.0)
    assert start.when(datetime(2027, 1, 1), 1001.0) == datetime(2026, 11, 22, 9, 5)
    assert start.when(None, 1002.0) == datetime(2026, 11, 22, 9, 5)


def test_the_archive_has_its_half_and_no_more_before_readings() -> None:
    share = LineShare()
    assert not share.archive_first(), "with nothing used a reading goes first"
    share.used(2.0, archive=False)
    assert share.archive_first()
    share.used(2.0, archive=True)
    assert not share.archive_first()


def test_what_readings_used_before_the_archive_lagged_does_not_count() -> None:
    share = LineShare()
    share.used(500.0, archive=False)
    share.archive_is_complete()
    assert not share.archive_first()


def test_a_crashed_thread_is_started_again_later_and_later() -> None:
    restarts, now_s, pauses = Restarts(), 1000.0, []
    for _ in range(12):
        restarts.crashed(now_s)
        assert restarts.due_at_s is not None
        pauses.append(restarts.due_at_s - now_s)
        now_s = restarts.due_at_s
        assert restarts.is_due(now_s)
    assert pauses[:4] == [0.5, 1, 2, 4]
    assert pauses[-1] == LONGEST_RESTART_S
    assert restarts.count == 12


def test_a_restart_is_due_once_for_each_crash() -> None:
    restarts = Restarts()
    assert not restarts.is_due(1e9)
    restarts.crashed(100.0)
    assert not restarts.is_due(100.4)
    assert restarts.is_due(100.5)
    assert not restarts.is_due(100.6)


def test_after_a_calm_time_a_crash_is_a_first_one_again() -> None:
    restarts = Restarts()
    for now_s in (0.0, 1.0, 2.0):
        restarts.crashed(now_s)
    restarts.crashed(2.0 + CALM_S)
    assert restarts.due_at_s == 2.0 + CALM_S + 0.5
    assert restarts.count == 4

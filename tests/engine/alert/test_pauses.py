"""A letter that failed waits longer and longer; one that is new only a moment."""

from __future__ import annotations

from engine.alert.pauses import FIRST_PAUSE_S, LONGEST_PAUSE_S, Pauses


def test_what_failed_waits_its_pause_and_what_is_new_only_the_first() -> None:
    pauses = Pauses()
    assert pauses.allow(attempts=3, now_s=0.0)
    pauses.heard(10, 1000.0)
    assert not pauses.allow(attempts=0, now_s=1000.0 + FIRST_PAUSE_S - 1)
    assert pauses.allow(attempts=0, now_s=1000.0 + FIRST_PAUSE_S)
    assert not pauses.allow(attempts=10, now_s=1000.0 + LONGEST_PAUSE_S - 1)
    assert pauses.allow(attempts=10, now_s=1000.0 + LONGEST_PAUSE_S)


def test_a_letter_that_goes_lets_the_others_go_at_once() -> None:
    pauses = Pauses()
    pauses.heard(10, 1000.0)
    pauses.heard(0, 1100.0)
    assert pauses.allow(attempts=10, now_s=1100.0)


def test_nothing_goes_before_the_thread_is_started_again() -> None:
    pauses = Pauses()
    pauses.until(1300.0)
    assert not pauses.allow(attempts=0, now_s=1299.0) and pauses.allow(attempts=5, now_s=1300.0)

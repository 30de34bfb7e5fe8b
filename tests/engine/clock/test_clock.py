"""The host's clock. It is never set here: `tests/conftest.py` sees to that."""

from __future__ import annotations

import ctypes
import errno
import time
from datetime import UTC, datetime

import pytest

from engine.clock import follows_ntp, set_host_clock
from engine.clock.setting import ClockRefused

MOMENT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def test_no_test_can_set_the_clock_of_this_machine() -> None:
    with pytest.raises(AssertionError, match="would have set the clock"):
        set_host_clock(MOMENT)


def test_the_clock_is_set_to_the_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, float]] = []
    monkeypatch.setattr(time, "clock_settime", lambda which, seconds: asked.append((which, seconds)))
    set_host_clock(MOMENT)
    assert asked == [(time.CLOCK_REALTIME, MOMENT.timestamp())]


@pytest.mark.parametrize(("code", "why"), [(errno.EPERM, "нужно CAP_SYS_TIME"), (errno.EINVAL, "EINVAL")])
def test_a_refusal_is_told_in_a_clear_word(monkeypatch: pytest.MonkeyPatch, code: int, why: str) -> None:
    def refuse(*_: object) -> None:
        raise OSError(code, "refused")

    monkeypatch.setattr(time, "clock_settime", refuse)
    with pytest.raises(ClockRefused, match=why):
        set_host_clock(MOMENT)


def test_whether_ntp_keeps_the_clock_is_what_the_kernel_says() -> None:
    assert follows_ntp() in (True, False)


def test_asking_again_loads_nothing_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """`status.txt` asks every few seconds for months."""
    follows_ntp()
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: pytest.fail("loaded again"))
    follows_ntp()

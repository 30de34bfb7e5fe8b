"""Whether devices are polled: AutoPoll, pause and resume, over restarts and clocks that cannot be believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.runtime.polling import PATH, Polling
from tests.fake.failing_disk import FailingDisk

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def polling(root: Path, *, auto_poll: bool = True, now_s: float = 0.0, now: datetime | None = NOW) -> Polling:
    """As a start makes it."""
    made = Polling(root)
    made.set_auto_poll(auto_poll, now_s, now)
    return made


@pytest.mark.parametrize("auto_poll", [True, False])
def test_without_a_command_the_settings_say_it(tmp_path: Path, auto_poll: bool) -> None:
    made = polling(tmp_path, auto_poll=auto_poll)
    assert made.is_on is made.polls("a.ini") is auto_poll
    assert [text.partition(":")[0] for text in made.warnings()] == ([] if auto_poll else ["опрос приборов выключен"])
    assert not (tmp_path / PATH).exists()


def test_a_pause_without_end_lasts_over_a_restart_until_resume(tmp_path: Path) -> None:
    made = polling(tmp_path)
    made.pause(None, 5.0, NOW)
    assert not made.is_on and not made.is_over(1e9)
    again = polling(tmp_path, now=None)
    assert not again.is_on
    assert again.warnings() == ["опрос приборов выключен командой pause; включает команда resume"]
    again.resume()
    assert again.is_on and polling(tmp_path).is_on


def test_a_pause_of_an_hour_ends_by_itself_once(tmp_path: Path) -> None:
    made = polling(tmp_path)
    made.pause(3600, 100.0, NOW)
    assert "до 22.11.26 10:00:00" in made.warnings()[0]
    assert not made.is_over(3699.9) and not made.is_on
    assert made.is_over(3700.0) and made.is_on
    assert not made.is_over(3700.0) and made.warnings() == []
    assert polling(tmp_path).is_on


@pytest.mark.parametrize(
    ("later", "left_s"),
    [
        (timedelta(minutes=40), 1200.0),
        (timedelta(hours=2), 0.0),
        (timedelta(days=-3), 3600.0),  # the clock was set back: no longer than it was ordered
        (None, 3600.0),
    ],
)
def test_what_is_left_of_a_pause_after_a_restart(tmp_path: Path, later: timedelta | None, left_s: float) -> None:
    polling(tmp_path).pause(3600, 100.0, NOW)
    made = polling(tmp_path, now_s=7.0, now=NOW + later if later is not None else None)
    assert not made.is_on
    assert left_s == 0 or not made.is_over(7.0 + left_s - 0.1)
    assert made.is_over(7.0 + left_s)


def test_a_pause_that_began_without_a_clock_begins_anew_after_a_restart(tmp_path: Path) -> None:
    made = polling(tmp_path, now=None)
    made.pause(3600, 100.0, None)
    assert "командой pause на 1h;" in made.warnings()[0]
    made = polling(tmp_path, now_s=0.0)
    assert not made.is_over(3599.0)
    assert "до 22.11.26 10:00:00;" in made.warnings()[0]
    assert made.is_over(3600.0)


def test_resume_switches_on_also_where_the_settings_say_off(tmp_path: Path) -> None:
    made = polling(tmp_path, auto_poll=False)
    made.resume()
    assert made.is_on and made.warnings() == []
    assert polling(tmp_path, auto_poll=False).is_on
    made.pause(None, 0.0, NOW)
    assert not made.is_on


def test_a_change_of_autopoll_is_newer_than_any_command(tmp_path: Path) -> None:
    made = polling(tmp_path, auto_poll=False)
    made.resume()
    made.set_auto_poll(True, 0.0, NOW)
    made.set_auto_poll(False, 0.0, NOW)
    assert not made.is_on
    made = polling(tmp_path, auto_poll=True)
    made.pause(None, 0.0, NOW)
    assert polling(tmp_path, auto_poll=False).is_on is False
    assert polling(tmp_path, auto_poll=True).is_on, "the pause went with the first change"


def test_the_same_settings_again_change_nothing(tmp_path: Path) -> None:
    made = polling(tmp_path)
    made.pause(None, 0.0, NOW)
    made.set_auto_poll(True, 1.0, NOW)
    assert not made.is_on


def test_what_a_command_reads_is_polled_by_hand(tmp_path: Path) -> None:
    made = polling(tmp_path)
    made.only_by_hand = True
    made.by_hand = frozenset(("a.ini",))
    assert made.polls("a.ini") and not made.polls("b.ini") and made.warnings() == []


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'{"on": false}', b'{"on":0,"auto_poll":1,"for_s":"x","until":null}', b"\xff"],
)
def test_a_file_that_cannot_be_read_says_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / PATH).write_bytes(content)
    assert polling(tmp_path).is_on


def test_on_a_full_disk_it_acts_and_says_that_it_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = polling(tmp_path)
    FailingDisk(monkeypatch).fail(0, for_good=True)
    with pytest.raises(OSError):
        made.pause(None, 0.0, NOW)
    assert not made.is_on

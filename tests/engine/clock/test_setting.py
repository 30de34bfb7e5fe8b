"""What time it shall be: `mmddHHMMyy` (manual, section 13), or a meter's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.clock.setting import ClockRefused, Comparison, emptied, parse_setting

MOSCOW, BERLIN = ZoneInfo("Europe/Moscow"), ZoneInfo("Europe/Berlin")
HOST = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SHOWN = datetime(2026, 11, 22, 12, 0)
"""The same moment on a meter in Moscow."""


def test_a_setting_is_read_in_the_agent_s_zone() -> None:
    assert parse_setting("1122093026", MOSCOW).astimezone(UTC) == datetime(2026, 11, 22, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "нужно ммддЧЧММгг"),
        ("112209302", "нужно ммддЧЧММгг"),
        ("11220930260", "нужно ммддЧЧММгг"),
        ("١١٢٢٠٩٣٠٢٦", "нужно ммддЧЧММгг"),
        ("1322093026", "не бывает"),
        ("0230093026", "не бывает"),
        ("1122243026", "не бывает"),
        ("1122093025", "год раньше 2026"),
        ("0328023027", "часы переводят вперёд"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(ClockRefused, match=why):
        parse_setting(text, BERLIN)


def test_of_an_hour_that_comes_twice_the_first_is_meant() -> None:
    assert parse_setting("1025023026", BERLIN).astimezone(UTC) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def compared(*ahead_s: float | None) -> Comparison:
    comparison = Comparison()
    for seconds in ahead_s:
        comparison.take(None if seconds is None else SHOWN + timedelta(seconds=seconds), HOST, MOSCOW)
    return comparison


@pytest.mark.parametrize(
    ("ahead_s", "step_s"),
    [
        ((95.0, 96.0), 96.0),
        ((-7200.0, -7200.0), -7200.0),
        ((95.0,), None),
        ((95.0, 150.0), None),
        ((20.0, 20.0), None),
        ((95.0, None, 95.0), None),
        ((0.0, 95.0, 95.0), 95.0),
    ],
)
def test_the_clock_is_set_only_when_two_readings_agree_that_it_is_wrong(
    ahead_s: tuple[float | None, ...], step_s: float | None
) -> None:
    assert compared(*ahead_s).step() == (None if step_s is None else timedelta(seconds=step_s))


def test_a_meter_that_was_never_set_sets_no_clock() -> None:
    comparison = Comparison()
    for _ in range(2):
        comparison.take(datetime(2000, 1, 1), HOST, MOSCOW)
    assert comparison.step() is None
    assert comparison.ahead_s is None


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Europe/Chisinau", "Europe/Moscow"])
@pytest.mark.parametrize("ahead_s", [0.0, 95.0, -95.0])
def test_in_the_night_when_an_hour_comes_twice_a_meter_sets_no_clock_an_hour_back(zone: str, ahead_s: float) -> None:
    """It shows the same time twice; what the host has tells which one is meant."""
    comparison, here = Comparison(), ZoneInfo(zone)
    for minute in range(240):
        moment = datetime(2026, 10, 24, 22, 30, tzinfo=UTC) + timedelta(minutes=minute)
        shown = moment.astimezone(here).replace(tzinfo=None, fold=0)
        comparison.take(shown, moment - timedelta(seconds=ahead_s), here)
        assert comparison.ahead_s == ahead_s


def test_a_host_that_was_never_set_is_set_by_the_meter() -> None:
    comparison = Comparison()
    for second in range(2):
        comparison.take(SHOWN + timedelta(seconds=second), datetime(1970, 1, 1, 0, 0, second, tzinfo=UTC), MOSCOW)
    step = comparison.step()
    assert step is not None
    assert datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC) + step == HOST + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"[time]\nSet=1122093026\nSyncPort=\n", b"[time]\nSet=\nSyncPort=\n"),
        (
            "\ufeff; Часы\r\n[Time]\r\nset = 1122093026 \r\nSyncPort=\r\n".encode(),
            "\ufeff; Часы\r\n[Time]\r\nset =\r\nSyncPort=\r\n".encode(),
        ),
        (
            "[agent]\nName=ТСМ\n[time]\nSet=1122093026".encode("cp1251"),
            "[agent]\nName=ТСМ\n[time]\nSet=".encode("cp1251"),
        ),
    ],
)
def test_the_value_goes_and_all_else_stays_byte_for_byte(before: bytes, after: bytes) -> None:
    assert emptied(before, "1122093026") == after


@pytest.mark.parametrize(
    "content", [b"", b"[time]\nSet=\n", b"[time]\nSet=0101000027\n", b"; Set=1122093026\n", b"[x]\nSet=1122093026\n"]
)
def test_another_value_is_not_ours_to_empty(content: bytes) -> None:
    assert emptied(content, "1122093026") is None


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_no_byte_around_the_value_is_ever_touched(before: bytes, behind: bytes) -> None:
    head = before.replace(b"\n[", b"\n(").lstrip(b"[") + b"\n"
    content = head + b"[time]\nSet=1122093026\n" + behind
    after = emptied(content, "1122093026")
    assert after is None or (after.startswith(head) and after.endswith(behind) and len(content) - len(after) >= 10)

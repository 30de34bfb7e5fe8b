from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.archive.recorder import Recorder
from engine.model import Reading, Record, RecType, Values

MOSCOW = ZoneInfo("Europe/Moscow")
BERLIN = ZoneInfo("Europe/Berlin")
INTERVAL_S = 60.0


def reading(**values: float | None) -> Reading:
    return Reading("1", None, {}, (values,))


def at(text: str, zone: ZoneInfo = MOSCOW) -> datetime:
    return datetime.fromisoformat(f"2026-09-{text}").replace(tzinfo=zone)


def taken(recorder: Recorder, moment: str, interval_s: float = INTERVAL_S, **values: float | None) -> list[str]:
    """Type and stamp of what a reading completes."""
    return [told(record) for record in recorder.take(reading(**values), at(moment), interval_s)]


def told(record: Record) -> str:
    return f"{record.rec_type.value} {record.stamp:%d %H:%M}"


def hour(recorder: Recorder, moment: str, **values: float | None) -> Values:
    """The hour record that a reading completes."""
    (record,) = (
        each for each in recorder.take(reading(**values), at(moment), INTERVAL_S) if each.rec_type is RecType.HOUR
    )
    return record.systems[0]


def test_an_hour_is_recorded_with_the_totals_of_the_first_reading_after_it() -> None:
    recorder = Recorder()
    assert taken(recorder, "25 10:30:00", Q1=1.0) == []
    assert taken(recorder, "25 10:59:59", Q1=2.0) == []
    (record,) = recorder.take(reading(Q1=3.0), at("25 11:00:00"), INTERVAL_S)
    assert record == Record(RecType.HOUR, datetime(2026, 9, 25, 11), ({"Q1": 3.0},))
    assert taken(recorder, "25 11:00:59", Q1=4.0) == []


def test_midnight_ends_an_hour_and_a_day() -> None:
    recorder = Recorder()
    taken(recorder, "25 23:59:00", Q1=1.0)
    assert taken(recorder, "26 00:00:30", Q1=2.0) == ["H 26 00:00", "D 26 00:00"]


@pytest.mark.parametrize(
    ("interval_s", "moment", "recorded"),
    [(60, "11:10:00", True), (60, "11:10:01", False), (900, "11:30:00", True), (900, "11:30:01", False)],
)
def test_a_reading_that_comes_too_late_tells_nothing_of_the_hour(
    interval_s: float, moment: str, recorded: bool
) -> None:
    recorder = Recorder()
    taken(recorder, "25 10:50:00", Q1=1.0)
    assert taken(recorder, f"25 {moment}", interval_s, Q1=2.0) == (["H 25 11:00"] if recorded else [])
    assert taken(recorder, "25 11:40:00", interval_s, Q1=2.0) == [], "nor does a later one"


def test_of_several_hours_without_a_reading_only_the_last_can_be_recorded() -> None:
    recorder = Recorder()
    taken(recorder, "25 10:50:00", Q1=1.0)
    assert taken(recorder, "25 14:03:00", Q1=2.0) == ["H 25 14:00"]


def test_a_restart_soon_after_the_hour_still_records_it() -> None:
    assert taken(Recorder(), "25 11:02:00", Q1=1.0) == ["H 25 11:00"]
    assert taken(Recorder(), "25 11:12:00", Q1=1.0) == []


def test_temperatures_and_pressures_are_the_mean_of_the_period() -> None:
    recorder = Recorder()
    taken(recorder, "25 09:59:00", T1=10.0, P1=1.0)
    taken(recorder, "25 10:00:00", T1=60.0, P1=0.5)
    taken(recorder, "25 10:20:00", T1=70.0, P1=None)
    taken(recorder, "25 10:40:00", T1=80.0, P1=0.7)
    assert hour(recorder, "25 11:00:10", Q1=1.0, T1=200.0, P1=9.0) == {
        "Q1": 1.0, "T1": pytest.approx(70.0), "P1": pytest.approx(0.6),
    }  # fmt: skip


def test_means_of_another_period_are_never_used() -> None:
    recorder = Recorder()
    taken(recorder, "25 09:30:00", Q1=1.0, T1=60.0)
    assert hour(recorder, "25 11:00:10", Q1=1.0, T1=70.0) == {"Q1": 1.0, "T1": None}


def test_the_day_has_the_mean_of_the_day() -> None:
    recorder = Recorder()
    for number in range(24):
        taken(recorder, f"25 {number:02}:30:00", Q1=1.0, T1=float(number))
    (day,) = (each for each in recorder.take(reading(Q1=2.0, T1=0.0), at("26 00:00:05"), 60) if each.rec_type == "D")
    assert day.systems[0]["T1"] == pytest.approx(11.5)


def test_only_totals_and_means_are_recorded() -> None:
    recorder = Recorder(frozenset({"E1"}))
    everything = dict.fromkeys(("Q1", "M2", "V3", "Tall", "Terr", "T1", "P2", "G1", "Gv1", "E1", "U1", "Du1"), 1.0)
    found = hour(recorder, "25 11:00:00", **everything)
    assert found == {"Q1": 1.0, "M2": 1.0, "V3": 1.0, "Tall": 1.0, "Terr": 1.0, "E1": 1.0, "T1": None, "P2": None}


def test_what_is_not_known_is_recorded_as_such_and_nothing_known_is_no_record() -> None:
    assert hour(Recorder(), "25 11:00:00", Q1=None, V1=2.0) == {"Q1": None, "V1": 2.0}
    assert taken(Recorder(), "25 11:00:00", Q1=None, T1=50.0) == []
    assert taken(Recorder(), "25 11:00:00", G1=5.0) == []


def test_a_clock_that_is_set_back_records_nothing_twice() -> None:
    recorder = Recorder()
    taken(recorder, "25 10:59:00", Q1=1.0)
    assert taken(recorder, "25 11:01:00", Q1=2.0) == ["H 25 11:00"]
    assert taken(recorder, "25 10:02:00", Q1=3.0) == []
    assert taken(recorder, "25 10:59:30", Q1=4.0) == []
    assert taken(recorder, "25 11:00:30", Q1=5.0) == ["H 25 11:00"], "the archive knows that it has this one"


def test_the_hour_that_comes_twice_in_autumn_is_recorded_once() -> None:
    recorder = Recorder()
    moment = datetime(2026, 10, 24, 22, 30, tzinfo=ZoneInfo("UTC"))
    stamps = []
    for _ in range(6 * 30):
        made = recorder.take(reading(Q1=1.0), moment.astimezone(BERLIN), INTERVAL_S)
        stamps += [record.stamp for record in made if record.rec_type is RecType.HOUR]
        moment += timedelta(minutes=2)
    assert stamps == [datetime(2026, 10, 25, number) for number in (1, 2, 3, 4, 5)]


@settings(max_examples=50, deadline=None)
@given(
    steps=st.lists(st.integers(1, 5000), min_size=1, max_size=150),
    interval_s=st.integers(1, 3600),
)
def test_stamps_are_boundaries_rise_and_are_near_their_readings(steps: list[int], interval_s: int) -> None:
    recorder, moment = Recorder(), at("25 10:30:00")
    last = {RecType.HOUR: datetime.min, RecType.DAY: datetime.min}
    for step_s in steps:
        moment += timedelta(seconds=step_s)
        for record in recorder.take(reading(Q1=1.0), moment, interval_s):
            late_s = (moment.replace(tzinfo=None) - record.stamp).total_seconds()
            assert 0 <= late_s <= max(600, 2 * interval_s)
            assert (record.stamp.minute, record.stamp.second) == (0, 0)
            assert record.rec_type is RecType.HOUR or record.stamp.hour == 0
            assert record.stamp > last[record.rec_type]
            last[record.rec_type] = record.stamp

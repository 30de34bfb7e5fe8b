"""What is new and what is not: errors, temperatures, sensors; unknown is absent."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.alert.change import CODES, Change, Sight, Subject, What, events_of
from engine.alert.forecast import Trend, forecast_sight
from engine.alert.memory import Memory, Unkept, memory_text, notice_text, read_memory, read_notice
from engine.alert.notice import Notice, Titled, message_id, sms_text
from engine.alert.pending import SUBJECTS_MOST, Pending
from engine.alert.watching import SUBJECTS_MOST as REMEMBERED_MOST
from engine.alert.watching import Watch, duration_text, error_sights, link_sight, temperature_sights
from engine.formats.archive import Head, blocks, event_text, head_text, read_event
from engine.model import Event, Reading, Value
from engine.settings import Limits

AT = datetime(2026, 11, 22, 9, 5, 30, 123456, tzinfo=UTC)


def reading(*systems: dict[str, Value]) -> Reading:
    return Reading("440020", None, {}, systems)


def errors(*told: Value) -> list[str]:
    return [sight.value for sight in error_sights("1", reading(*({"Err": each} for each in told)))]


def test_errors_are_digits_in_rising_order() -> None:
    assert errors("0", "13", "31", "2", 4, "001") == ["0", "13", "13", "2", "4", "1"]


@pytest.mark.parametrize("unknown", [None, "", "-", "ОШ", "²", 1.5])
def test_errors_that_are_no_digits_are_not_known(unknown: Value) -> None:
    assert errors(unknown) == []


def test_a_system_without_errors_among_its_values_is_not_known() -> None:
    assert not list(error_sights("1", reading({"T1": 5.0})))


def _sight(value: str, *, normal: bool = False, what: What = What.ERRORS) -> Sight:
    return Sight(Subject("440020", what, 1, "SW1"), value, normal, "текст")


def test_what_is_normal_at_first_sight_is_no_news_and_what_is_not_is() -> None:
    watch = Watch()
    assert watch.take([_sight("0", normal=True)], AT) == []
    assert [change.before for change in watch.take([_sight("2")], AT)] == ["0"]
    assert watch.take([_sight("2")], AT) == []
    assert len(Watch().take([_sight("2")], AT)) == 1


def test_a_watch_forgets_what_was_seen_longest_ago() -> None:
    watch = Watch()
    for number in range(REMEMBERED_MOST + 10):
        watch.take([link_sight(str(number))], AT)
    assert len(watch.states) == REMEMBERED_MOST


@given(st.lists(st.floats(-50, 150, allow_nan=False), max_size=30))
def test_a_temperature_alarm_begins_below_the_limit_and_ends_a_degree_above(values: list[float]) -> None:
    watch, limits = Watch(), Limits(t_min=((1, 1, 50.0),))
    alarming = False
    for value in values:
        changes = watch.take(temperature_sights("1", reading({"T1": value}), limits, watch), AT)
        expected = value < (51.0 if alarming else 50.0)
        assert bool(changes) == (expected != alarming)
        alarming = expected


@pytest.mark.parametrize("value", [None, "", "x", float("nan"), float("inf")])
def test_a_temperature_that_is_not_known_changes_nothing(value: Value) -> None:
    limits = Limits(t_min=((1, 1, 50.0), (2, 1, 50.0)))
    assert list(temperature_sights("1", reading({"T1": value}), limits, Watch())) == []


# --- events


def _events(change: Change) -> list[Event]:
    return list(events_of(change))


@given(st.sets(st.sampled_from("12345")), st.sets(st.sampled_from("12345")))
def test_events_of_errors_say_what_ended_and_what_began(before: set[str], now: set[str]) -> None:
    values = ["".join(sorted(each)) or "0" for each in (before, now)]
    found = {
        event.values["State"]: set(str(event.values["Code"]))
        for event in _events(Change(_sight(values[1]), values[0], AT))
    }
    assert found.get(0, set()) == before - now
    assert found.get(1, set()) == now - before


@pytest.mark.parametrize("what", CODES)
def test_an_event_reads_back_as_it_was_written(what: What) -> None:
    (event,) = _events(Change(_sight("1", what=what), "", AT))
    assert event.stamp == AT.replace(microsecond=0, tzinfo=None)
    text = head_text(Head("a", "b", "1", 1, "ymd")) + event_text(1, event, "ymd")
    *_, block = blocks(text.encode())
    told = read_event(block, "ymd").values
    assert (told["Sys"], told["Code"], told["State"], told["Source"]) == (1, CODES[what], 1, "agent")


def test_without_a_time_there_is_no_event() -> None:
    assert _events(Change(_sight("2"), "0", None)) == []
    assert _events(Change(_sight("2"), "0", AT.replace(year=2100))) == []


# --- the forecast


def _trend(*points: tuple[float, float]) -> Trend:
    trend = Trend()
    for at_s, value in points:
        trend.add(at_s, value)
    return trend


SUBJECT = Subject("1", What.FORECAST, 2, "T1")


def _forecast(trend: Trend, value: float, *, warned: bool = False) -> Sight | None:
    return forecast_sight(SUBJECT, trend, value, 50.0, warned=warned)


def test_a_line_that_meets_the_limit_within_an_hour_is_told_with_its_numbers() -> None:
    sight = _forecast(_trend(*((minute * 60.0, 60.0 - minute * 0.2) for minute in range(16))), 57.0)
    assert sight is not None and not sight.normal
    assert sight.text == (
        "система 2: прогноз: T1 сейчас 57.00 °C, снижается на 12.0 °C/ч; если так продолжится, через 35 мин будет ниже "
        "контрольной 50.00 °C"
    )


@pytest.mark.parametrize(
    ("points", "value"),
    [
        ([(minute * 60.0, 60.0 + minute) for minute in range(16)], 75.0),
        ([(minute * 60.0, 90.0 - minute * 0.1) for minute in range(16)], 88.5),
        ([(minute * 60.0, 50.2 + (minute % 2) * 0.1) for minute in range(16)], 50.2),
    ],
    ids=["rises", "far away", "only scatters"],
)
def test_a_line_that_does_not_meet_it_is_in_order(points: list[tuple[float, float]], value: float) -> None:
    sight = _forecast(_trend(*points), value)
    assert sight is not None and sight.normal


def test_too_few_or_too_short_readings_say_nothing() -> None:
    assert _forecast(_trend(), 60.0) is None
    assert _forecast(_trend((0, 60), (600, 55)), 55.0) is None
    assert _forecast(_trend(*((float(second), 60.0 - second) for second in range(60))), 40.0) is None


def test_a_warning_ends_when_the_limit_is_two_hours_away() -> None:
    trend = _trend(*((minute * 60.0, 60.0 - minute * 0.1) for minute in range(16)))
    for warned, normal in ((False, True), (True, False)):
        sight = _forecast(trend, 58.5, warned=warned)
        assert sight is not None and sight.normal is normal


def test_old_readings_leave_the_window() -> None:
    trend = _trend(
        *((minute * 60.0, 90.0 - minute) for minute in range(30)), *((1800.0 + m * 60, 60.0) for m in range(40))
    )
    assert not trend.fell()


# --- summing up


@given(st.lists(st.tuples(st.integers(0, 300), st.booleans()), max_size=400), st.integers(0, 30))
def test_every_change_is_counted_once_however_many_there_are(changes: list[tuple[int, bool]], most: int) -> None:
    pending = Pending()
    for number, normal in changes:
        subject = Subject(str(number), What.LINK)
        pending.add(Change(Sight(subject, str(int(normal)), normal, "x"), "", AT), f"№{number}")
    assert pending.changes == len(changes)
    assert len(pending.news) <= SUBJECTS_MOST
    lines = pending.lines(most)
    assert len(lines) <= most + 1
    assert bool(pending) == bool(changes)


def test_a_flood_of_devices_has_an_sms_with_an_end() -> None:
    watch = Watch()
    devices = [(str(number), Titled("ТЭСМА-106/2", str(number), 6)) for number in range(300)]
    for key, _ in devices:
        watch.take([link_sight(key, "нет ответа")], AT)
    text = sms_text(watch, devices)
    assert len(text) <= 670 and text.endswith("и ещё приборов: 292")
    assert text.splitlines()[0] == "ТЭСМА-106/2 №0 - - - - - -; не на связи"


def test_an_sms_tells_what_else_is_wrong() -> None:
    watch = Watch()
    sights = [
        Sight(Subject("1", What.ERRORS, 2), "13", False, ""),
        Sight(Subject("1", What.TEMPERATURE, 1, "T2"), "1", False, ""),
        Sight(Subject("1", What.CONTACT, 0, "SW1"), "K!", False, ""),
        Sight(Subject("1", What.SILENCE), "1", False, ""),
        Sight(Subject("2", What.SILENCE), "1", False, ""),
    ]
    watch.take(sights, AT)
    text = sms_text(watch, [("1", Titled("ТЕМ-104", "1", 2))])
    assert text == "ТЕМ-104 №1 - 13; T2 сист.1 ниже контрольной; датчик SW1; нет показаний"


def test_a_message_id_is_of_one_notice_only() -> None:
    ids = {message_id(number, made, body, "h") for number in (1, 2) for made in ("a", "b") for body in ("c", "d")}
    assert len(ids) == 8 and message_id(1, "a", "c", "h") == message_id(1, "a", "c", "h")


def test_durations_are_told_as_people_say_them() -> None:
    assert [duration_text(each) for each in (86400, 9000, 5400, 45)] == ["24 ч", "2.5 ч", "90 мин", "45 с"]


# --- memory


def test_what_is_remembered_reads_back() -> None:
    pending = Pending()
    pending.add(Change(_sight("2"), "0", AT), "прибор")
    sight = Sight(Subject("1", What.CONTACT, 0, "SW1"), "K!", False, "датчик")
    memory = Memory(
        {sight.subject.key: sight}, {"a.ini": "1"}, {"1": Titled("ТЕМ-104", "1", 2)}, pending,
        [Unkept("0", Event(datetime(2026, 1, 2, 3, 4, 5), {"Code": 8, "Text": "Ы"}))], 7, AT, AT.date(),
    )  # fmt: skip
    assert read_memory(memory_text(memory)) == memory
    assert read_memory(memory_text(Memory())) == Memory()


def test_a_notice_reads_back() -> None:
    notice = Notice(1, "errors", "m", "<i>", "s", "b", "sms", ("f",), ("d",), ("r",), 3)
    assert read_notice(notice_text(notice)) == notice


@given(st.text(max_size=30) | st.sampled_from(["{}", "[]", '{"version":1}', '{"version":2}', "null", '{"number":1}']))
def test_what_nobody_wrote_is_a_value_error(text: str) -> None:
    for read in (read_memory, read_notice):
        with pytest.raises(ValueError):
            read(text)

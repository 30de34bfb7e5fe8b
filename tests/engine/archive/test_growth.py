"""Growth of running totals, and errors told from counters. What is not known stays unknown."""

from __future__ import annotations

import math
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.archive.growth import ERROR_COUNTERS, TOTALS, with_errors, with_growth
from engine.formats.values import value_text
from engine.model import Event, Reading, Record, RecType, Value

STAMP = datetime(2018, 9, 25, 13)


def record(*systems: dict[str, Value], rec_type: RecType = RecType.HOUR) -> Record:
    return Record(rec_type, STAMP, systems)


def grown(now: dict[str, Value], before: dict[str, Value] | None) -> dict[str, Value]:
    entry = with_growth(record(now), record(before) if before is not None else None)
    assert isinstance(entry, Record)
    return dict(entry.systems[0])


def reading(*systems: dict[str, Value], number: str = "440020") -> Reading:
    return Reading(number, None, {}, systems)


def err(now: dict[str, Value], before: dict[str, Value] | None, **other: str) -> Value:
    earlier = reading(before, **{"number": "440020", **other}) if before is not None else None
    return with_errors(reading(now), earlier).systems[0].get("Err")


def test_growth_is_the_difference_of_neighbouring_totals() -> None:
    assert grown({"Q1": 12.5, "Tall": 101.0}, {"Q1": 10.25, "Tall": 100.0}) == {
        "Q1": 12.5, "Tall": 101.0, "dQ1": 2.25, "dTall": 1.0,
    }  # fmt: skip


def test_growth_is_taken_between_totals_as_they_are_printed() -> None:
    # 1.0005 is printed 1.001 and 0.9994 is printed 0.999: a reader of the file finds 0.002 between them.
    assert grown({"Q1": 1.0005}, {"Q1": 0.9994})["dQ1"] == 0.002


@given(st.lists(st.floats(0, 1e9), min_size=2, max_size=8))
def test_the_growths_of_a_file_always_add_up_to_its_totals(totals: list[float]) -> None:
    records = [{"Q1": total} for total in totals]
    growths = [grown(now, before)["dQ1"] for before, now in pairwise(records)]
    printed = [Decimal(value_text("Q1", total)) for total in totals]
    assert sum(Decimal(value_text("dQ1", growth)) for growth in growths) == printed[-1] - printed[0]


def test_without_a_record_before_it_growth_is_unknown_not_zero() -> None:
    assert grown({"Q1": 5.0}, None)["dQ1"] is None


@pytest.mark.parametrize(("now", "before"), [(None, 1.0), (1.0, None), (None, None), ("?", 1.0), (math.nan, 1.0)])
def test_growth_of_an_unknown_total_is_unknown(now: Value, before: Value) -> None:
    assert grown({"Q1": now}, {"Q1": before})["dQ1"] is None


def test_a_total_that_the_record_before_did_not_have_has_no_growth() -> None:
    assert grown({"Q1": 5.0, "Q2": 1.0}, {"Q1": 4.0})["dQ2"] is None


def test_what_does_not_run_has_no_growth() -> None:
    assert grown({"T1": 70.0, "P1": 0.6}, {"T1": 60.0, "P1": 0.6}) == {"T1": 70.0, "P1": 0.6}


def test_every_total_has_its_growth() -> None:
    values: dict[str, Value] = dict.fromkeys(TOTALS, 2.0)
    assert {f"d{key}" for key in TOTALS} == grown(values, dict.fromkeys(TOTALS, 1.0)).keys() - set(TOTALS)


def test_each_system_grows_by_itself_and_a_new_one_is_unknown() -> None:
    entry = with_growth(record({"Q1": 2.0}, {"Q1": 5.0}), record({"Q1": 1.0}))
    assert isinstance(entry, Record)
    assert [system["dQ1"] for system in entry.systems] == [1.0, None]


def test_a_counter_that_was_set_back_shows_it() -> None:
    assert grown({"Q1": 0.0}, {"Q1": 100.0})["dQ1"] == -100.0


@pytest.mark.parametrize("absurd", [3.4e38, -3.4e38, 1e300, math.inf, -math.inf])
def test_an_absurd_total_stops_nothing(absurd: float) -> None:
    assert isinstance(grown({"Q1": absurd}, {"Q1": 1.0})["dQ1"], float | None)
    assert isinstance(grown({"Q1": absurd}, {"Q1": absurd})["dQ1"], float | None)


def test_an_event_has_no_totals() -> None:
    event = Event(STAMP, {"TK": "1"})
    assert with_growth(event, record({"Q1": 1.0})) is event
    assert grown({"Q1": 1.0}, None) == with_growth(record({"Q1": 1.0}), event).systems[0]  # type: ignore[union-attr]


# --- errors


COUNTERS: dict[str, Value] = {"Tmin": 1.0, "Tmax": 2.0, "Tdt": 3.0, "Terr": 4.0}


def test_before_two_readings_no_error_is_known() -> None:
    assert err(COUNTERS, None) is None


def test_an_error_is_active_while_its_counter_grows() -> None:
    for key, digit in ERROR_COUNTERS:
        assert err({**COUNTERS, key: 4.5}, COUNTERS) == digit
    assert err({**COUNTERS, "Tmin": 1.5, "Tdt": 3.5}, COUNTERS) == "13"


def test_counters_that_all_stand_still_are_no_error() -> None:
    assert err(COUNTERS, COUNTERS) == "0"


def test_a_counter_that_is_not_known_is_not_taken_for_no_error() -> None:
    assert err({**COUNTERS, "Tmin": None}, COUNTERS) is None
    assert err(COUNTERS, {**COUNTERS, "Tmin": None}) is None
    assert err({**COUNTERS, "Tmin": None, "Terr": 9.0}, COUNTERS) == "4", "what is known is told"


def test_a_meter_that_tells_its_errors_is_believed() -> None:
    assert err({**COUNTERS, "Err": "2", "Terr": 9.0}, COUNTERS) == "2"
    assert err({**COUNTERS, "Err": None}, COUNTERS) is None


def test_counters_of_another_meter_tell_nothing() -> None:
    assert err({**COUNTERS, "Tmin": 9.0}, COUNTERS, number="777") is None


def test_a_system_without_counters_tells_nothing() -> None:
    assert err({"Q1": 1.0}, {"Q1": 1.0}) is None


def test_a_system_that_was_not_there_before_tells_nothing_yet() -> None:
    told = with_errors(reading(COUNTERS, COUNTERS), reading(COUNTERS))
    assert [system["Err"] for system in told.systems] == ["0", None]

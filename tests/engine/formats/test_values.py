"""One value and its text."""

from __future__ import annotations

import math
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.formats import fields, values
from engine.model import Value
from tests.fake.format_strategies import STAMPS, value_of

ALL_KEYS = sorted(
    {
        *fields.DEVICE_KEYS,
        *fields.SYSTEM_KEYS,
        *fields.RECORD_KEYS,
        *fields.EXTRA_KEYS,
        *fields.EVENT_MANUAL,
        *fields.EVENT_EXTRA,
    }
)


@pytest.mark.parametrize(
    "key", ["Q1", "M2", "V1", "G1", "Gv2", "K0G1", "KUG2", "Kv1", "Tall", "Tgood", "Tmin", "Tmax", "Tdt", "Terr"]
)
def test_amounts_flows_factors_and_times_have_three_decimals(key: str) -> None:
    assert values.value_text(key, 1.0) == "1.000"


@pytest.mark.parametrize("key", ["dQ1", "dM1", "dV2", "dTall", "dTgood", "dTmin", "dTmax", "dTdt", "dTerr"])
def test_a_growth_has_as_many_decimals_as_its_total(key: str) -> None:
    assert values.value_text(key, 1.0) == "1.000"


@pytest.mark.parametrize("key", ["T1", "T2", "T3", "P1", "P3", "Gmin1", "Gmax2", "dTmin1"])
def test_temperatures_pressures_and_limits_have_two_decimals(key: str) -> None:
    assert values.value_text(key, 1.0) == "1.00"


def test_the_growth_of_a_counter_is_not_the_least_difference_of_temperatures() -> None:
    assert (values.decimals("dTmin"), values.decimals("dTmin1"), values.decimals("Tmin")) == (3, 2, 3)


@pytest.mark.parametrize(
    "key",
    ["Du1", "Fmax1", "Baud", "NetAddr", "NetPort", "NumSystems", "Flats", "Online", "Sys", "Code", "State", "Rep"],
)
def test_whole_numbers_are_written_as_they_are_and_read_as_numbers(key: str) -> None:
    assert values.value_text(key, 9600) == "9600"
    assert values.value_text(key, 9600.0) == "9600"
    assert values.read_value(key, "9600") == 9600


@pytest.mark.parametrize("key", ["DevNumber", "MeterNumber", "CRC", "SoftVer", "Err", "SW1", "TK", "Date", "Formula"])
def test_what_looks_like_a_number_but_is_a_name_stays_text(key: str) -> None:
    assert values.read_value(key, "0440020") == "0440020"
    assert values.read_value(key, "13") == "13"


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("T1", 2.675, "2.68"),
        ("T1", 1.005, "1.01"),
        ("T1", -2.675, "-2.68"),
        ("Q1", 0.0005, "0.001"),
        ("Q1", 0.0015, "0.002"),
        ("Q1", 0.0004999, "0.000"),
        ("T1", 57.564998626708984, "57.56"),
        ("V1", 1e22, "10000000000000000000000.000"),
        ("Q1", 1e-300, "0.000"),
        ("M1", 5, "5.000"),
        ("Du1", 0.5, "0.5"),
        ("SoftVer", 2.08, "2.08"),
    ],
)
def test_numbers_are_rounded_half_up_as_a_person_would(key: str, value: float, text: str) -> None:
    assert values.value_text(key, value) == text


@pytest.mark.parametrize("value", [-0.0, -0.0004, -1e-300])
def test_nothing_is_never_negative(value: float) -> None:
    assert values.value_text("G1", value) == "0.000"
    assert values.value_text("T1", value) == "0.00"


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, ""])
@pytest.mark.parametrize("key", ["Q1", "T1", "Du1", "Err", "Anything"])
def test_what_is_not_known_is_empty_and_never_zero(key: str, value: Value) -> None:
    assert values.value_text(key, value) == ""
    assert values.read_value(key, "") is None


@pytest.mark.parametrize("text", ["abc", "nan", "inf", "1e5", "1_0", "1,5", "٣", "--1", "9" * 400, "1.", ".5"])
def test_a_text_that_is_no_number_stays_as_it_is(text: str) -> None:
    assert values.read_value("Q1", text) == text
    assert values.value_text("Q1", text) == text


@pytest.mark.parametrize("text", ["007", "-0", "9" * 30, "x"])
def test_a_whole_number_of_an_odd_form_is_not_lost(text: str) -> None:
    assert values.read_value("Du1", text) is not None


@given(st.text())
def test_no_text_can_break_a_line_or_a_file(text: str) -> None:
    written = values.value_text("DevName", text)
    assert len(written.splitlines()) <= 1
    assert written == written.strip()
    assert "\x00" not in written
    assert written.encode("utf-8").decode("utf-8") == written
    assert values.clean(written) == written


def test_a_name_with_lines_in_it_stays_one_line() -> None:
    assert values.value_text("DevName", "a\r\n[1]\nRecType=H\x00\ud800") == "a  [1] RecType=H"


@given(st.sampled_from(ALL_KEYS).flatmap(lambda key: st.tuples(st.just(key), value_of(key))))
def test_a_value_reads_back_as_it_was(keyed: tuple[str, Value]) -> None:
    key, value = keyed
    assert values.read_value(key, values.value_text(key, value)) in (value, _as_number(value))


@settings(max_examples=300)
@given(st.sampled_from(["Q1", "T1", "Du1"]), st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_once_written_keeps_its_text(key: str, number: float) -> None:
    text = values.value_text(key, number)
    assert values.value_text(key, values.read_value(key, text)) == text


@given(STAMPS, st.sampled_from(values.EVENT_DATES))
def test_an_instant_reads_back_as_it_was(stamp: datetime, order: str) -> None:
    assert values.read_stamp(values.stamp_text(stamp, order), order) == stamp


def test_the_two_orders_of_a_date_are_told_apart() -> None:
    stamp = datetime(2018, 9, 7, 10, 2, 2)
    assert values.stamp_text(stamp) == "07.09.18 10:02:02"
    assert values.stamp_text(stamp, "ymd") == "18.09.07 10:02:02"


@pytest.mark.parametrize("year", [1970, 1999, 2100])
def test_a_year_that_two_digits_cannot_tell_is_not_written(year: int) -> None:
    assert not values.stamp_fits(datetime(year, 1, 1))
    with pytest.raises(ValueError, match="two digits"):
        values.stamp_text(datetime(year, 1, 1))


@pytest.mark.parametrize(
    "text", ["", "26.09.18", "26.09.2018 07:00:00", "31.02.18 00:00:00", "26.09.18 24:00:00", "26.09.18  7:00:00"]
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        values.read_stamp(text)


def test_an_order_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="order"):
        values.stamp_text(datetime(2018, 9, 7), "mdy")


def _as_number(value: Value) -> Value:
    """A text that a whole number's key reads as the number it looks like."""
    return int(value) if isinstance(value, str) and value.isascii() and value.lstrip("-").isdigit() else value

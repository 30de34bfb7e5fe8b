"""Snapshots: the manual's own example, both directions, and a device off line."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.formats import fields, snapshot
from engine.formats.drop import encode
from engine.formats.snapshot import SnapshotView, read_snapshot, snapshot_text
from engine.formats.values import read_value
from engine.model import RecType, Value, Values
from tests.fake.format_strategies import RECORDS, TEXTS, systems_of, value_of
from tests.fake.golden_device import DAY, DEVICE, HOUR, MEASURED, SETTINGS, VIEW, golden


def test_the_manuals_example_is_written_to_the_byte() -> None:
    assert snapshot_text(VIEW).encode() == golden("snapshot_440020.txt")


def test_the_manuals_example_is_read() -> None:
    view = read_snapshot(golden("snapshot_440020.txt").decode())
    assert known(view.device) == known(DEVICE)
    assert [known(system) for system in view.systems] == [known({**SETTINGS, **MEASURED})]
    assert (view.hour, view.day) == (HOUR, DAY)
    assert view.extra["Online"] == 1


def test_the_manuals_example_reads_and_writes_to_the_same_bytes() -> None:
    assert snapshot_text(read_snapshot(golden("snapshot_440020.txt").decode())).encode() == golden(
        "snapshot_440020.txt"
    )


def test_missing_facts_of_the_device_stand_empty() -> None:
    text = snapshot_text(SnapshotView(device={}))
    assert text.startswith("[0]\nDevName=\nDevType=\nSoftVer=\nCRC=\nK0G1=\n")
    assert "\nNumSystems=0\nFlats=\nDate=\nTime=\nMeterNumber=\nOnline=\n" in text


def test_a_channel_that_a_system_lacks_is_left_out_and_an_unknown_value_is_empty() -> None:
    text = snapshot_text(SnapshotView(device={}, systems=({"T1": None, "Q1": 1.0},)))
    assert "\nS1Q1=1.000\nS1T1=\nS1Err=\n" in text
    assert "S1T2" not in text
    assert "S1M1" not in text


def test_each_system_has_its_own_keys_one_system_after_the_other() -> None:
    text = snapshot_text(SnapshotView(device={}, systems=({"T1": 1.0}, {"T1": 2.0})))
    assert text.index("S1T1=1.00\n") < text.index("S2Type=\n") < text.index("S2T1=2.00\n")
    assert "\nNumSystems=2\n" in text


def test_a_value_that_the_manual_has_no_key_for_is_not_lost() -> None:
    view = SnapshotView(device={"K0G3": 0.5}, systems=({"Tall": 3.0, "Q1": 1.0},), extra={"Odd": "x"})
    assert snapshot_text(view).endswith(
        "\nK0G3=0.500\nS1Tall=3.000\nMeterNumber=\nOnline=\nReadDate=\nReadTime=\nQUnit=Gcal\nErrText=\nOdd=x\n"
    )


@pytest.mark.parametrize("key", ["a=b", "a\nb", "", "[1]", "Ключ"])
def test_a_key_that_would_break_a_line_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        snapshot_text(SnapshotView(device={key: "x"}))


def test_a_section_without_a_record_is_left_out() -> None:
    only_day = snapshot_text(replace(VIEW, hour=None))
    assert "[1]" not in only_day
    assert read_snapshot(only_day).day == DAY
    assert "[2]" not in snapshot_text(replace(VIEW, day=None))


def test_records_are_known_by_their_type_not_by_their_section() -> None:
    text = snapshot_text(VIEW).replace("[1]\n", "[7]\n").replace("[2]\n", "[1]\n")
    assert read_snapshot(text).hour == HOUR
    assert read_snapshot(text).day == DAY


@pytest.mark.parametrize("encoding", ["cp1251", "cp866", "utf-8"])
def test_the_dos_variant_is_read_as_well(encoding: str) -> None:
    dos = encode(snapshot_text(VIEW), "dos", encoding).decode(encoding)
    assert read_snapshot(dos) == read_snapshot(snapshot_text(VIEW))


def test_off_line_nothing_stale_is_current_and_the_rest_stays() -> None:
    off = read_snapshot(snapshot_text(snapshot.offline(replace(VIEW, extra={**VIEW.extra, "ErrText": "x"}))))
    before = read_snapshot(snapshot_text(VIEW))
    assert off.extra == {**before.extra, "Online": 0}
    assert off.device == {**before.device, "Date": None, "Time": None}
    assert (off.hour, off.day) == (HOUR, DAY)
    assert known(off.systems[0]) == SETTINGS
    assert off.systems[0].keys() == before.systems[0].keys()


def test_off_line_a_measured_value_without_a_manuals_key_is_empty_too() -> None:
    off = snapshot.offline(SnapshotView(device={}, systems=({"Tall": 5.0, "Gmin1": 1.0},)))
    assert off.systems == ({"Tall": None, "Gmin1": 1.0},)


def test_off_line_twice_changes_nothing() -> None:
    assert snapshot.offline(snapshot.offline(VIEW)) == snapshot.offline(VIEW)


def test_a_clock_is_told_by_date_and_time_and_an_invalid_one_by_nothing() -> None:
    assert snapshot.clock_values(datetime(2018, 9, 26, 9, 13, 54)) == {"Date": "26.09.18", "Time": "09:13:54"}
    assert snapshot.clock_values(None, "Read") == {"ReadDate": None, "ReadTime": None}


@pytest.mark.parametrize(
    ("active", "text"), [((), "0"), ((3, 1), "13"), ((4,), "4"), ((2, 2), "2"), ((1, 2, 3, 4), "1234")]
)
def test_errors_are_numbers_in_rising_order(active: tuple[int, ...], text: str) -> None:
    assert snapshot.error_numbers(active) == text


@pytest.mark.parametrize(
    ("errors", "text"),
    [
        (["13"], "расход меньше Gmin, dT меньше dTmin"),
        ([13], "расход меньше Gmin, dT меньше dTmin"),
        (["0"], ""),
        ([None], ""),
        ([], ""),
        (["0", "4"], "S2: тех. неисправность"),
        (["2", "0", "41"], "S1: расход больше Gmax; S3: тех. неисправность, расход меньше Gmin"),
        (["7"], "ошибка 7"),
    ],
)
def test_errors_are_spelt_out_with_their_system(errors: list[Value], text: str) -> None:
    assert snapshot.error_text([{"Err": err} for err in errors]) == text


@pytest.mark.parametrize("text", ["", "[1]\nRecType=H\n", "DevName=x\n", "[0]\nDevNa", "[0]\n[1]\nRecType=H\n"])
def test_a_torn_snapshot_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_snapshot(text)


@pytest.mark.parametrize(
    "keys",
    [fields.DEVICE_KEYS + fields.EXTRA_KEYS, fields.SYSTEM_KEYS, fields.RECORD_KEYS],
)
def test_a_reader_that_does_not_tell_case_apart_finds_every_key(keys: tuple[str, ...]) -> None:
    assert len({key.casefold() for key in keys}) == len(keys)


VIEWS = st.builds(
    SnapshotView,
    device=st.fixed_dictionaries({}, optional=dict.fromkeys(("DevName", "CRC", "Port", "Date", "DevNumber"), TEXTS)),
    systems=systems_of(fields.SYSTEM_KEYS),
    hour=st.none() | RECORDS.map(lambda record: replace(record, rec_type=RecType.HOUR)),
    day=st.none() | RECORDS.map(lambda record: replace(record, rec_type=RecType.DAY)),
    extra=st.fixed_dictionaries({}, optional={"Online": st.integers(0, 1), "ErrText": TEXTS, "QUnit": value_of("CRC")}),
)


@settings(max_examples=60)
@given(VIEWS)
def test_any_snapshot_reads_back_with_all_that_was_known(view: SnapshotView) -> None:
    back = read_snapshot(snapshot_text(view))
    assert known(back.device) == {**known(view.device), "NumSystems": len(view.systems)}
    assert [known(system) for system in back.systems] == [known(system, read=True) for system in view.systems]
    assert known(back.extra) == known({"QUnit": "Gcal", **view.extra})
    assert (back.hour, back.day) == (view.hour, view.day)


@settings(max_examples=60)
@given(VIEWS)
def test_any_snapshot_reads_and_writes_to_the_same_text(view: SnapshotView) -> None:
    text = snapshot_text(view)
    assert snapshot_text(read_snapshot(text)) == text


def known(values: Values, read: bool = False) -> dict[str, Value]:
    """What is known of `values`; `read` turns a text into the number that its key makes of it."""
    told: dict[str, Value] = {key: value for key, value in values.items() if value not in (None, "")}
    if not read:
        return told
    return {key: _whole(key, value) for key, value in told.items()}


def _whole(key: str, value: Value) -> Value:
    return read_value(key, value) if isinstance(value, str) else value

from __future__ import annotations

import struct
from collections.abc import Callable, Generator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.tem_104k import DRIVER, fetch, open_meter, probe, read, rings
from drivers.tem_104k_decode import Layout, decode_serial, decode_version
from engine.dialogue import Ask, Condition, Fetched, Identity, Mark, Ring, Setup
from engine.errors import AgentError, Refused
from engine.model import Event, Reading, Record, RecType, Value
from tests.fake.dialogue_runner import asks, run
from tests.fake.disturbed_line import Answer, delayed, disturbances, disturbed
from tests.fake.tem_104k_memory import (
    DAYS,
    EVENTS,
    HOURS,
    MONTHS,
    OLD_DAYS,
    OLD_EVENTS,
    CompactMeter,
    event,
    point,
    record,
    store,
    typical_meter,
)

SETUP = Setup(address=1)
NAN = float("nan")
SEVEN = datetime(2018, 9, 26, 7)
HOUR = timedelta(hours=1)
RING_OF_HOURS = Ring(RecType.HOUR, 0, 800, 3)
RING_OF_EVENTS = Ring(RecType.EVENT, 0xE34, 460, 0xE34)
RING_OF_DAYS_BEFORE_208 = Ring(RecType.DAY, 0, 400, 3)
RING_OF_EVENTS_BEFORE_208 = Ring(RecType.EVENT, 0x800, 1000, 0x800)
BEFORE_208 = b"v2.07"


def opened(meter: CompactMeter, setup: Setup = SETUP) -> Identity:
    id_bytes = run(DRIVER.ask_id(setup), meter.answer)
    assert DRIVER.accepts(id_bytes)
    return run(open_meter(setup, id_bytes), meter.answer)


def reading(meter: CompactMeter, setup: Setup = SETUP) -> Reading:
    return run(read(setup, opened(meter, setup)), meter.answer)


def next_places(meter: CompactMeter) -> dict[str, int]:
    """Of each archive, counted from its first place."""
    return {ring.rec_type: ring.next_place - ring.first for ring in run(rings(SETUP, opened(meter)), meter.answer)}


def fetched(meter: CompactMeter, ring: Ring = RING_OF_HOURS, number: int = 2, setup: Setup = SETUP) -> Fetched:
    return run(fetch(setup, opened(meter), ring, ring.first + number), meter.answer)


def meter_with_record(data: bytes | None = None) -> CompactMeter:
    meter = typical_meter()
    store(meter, HOURS, 2, data or record(SEVEN))
    return meter


def broken(data: bytes, place: int, byte: int) -> bytes:
    return data[:place] + bytes([byte]) + data[place + 1 :]


def summed(data: bytes) -> bytes:
    return data[:-1] + bytes([255 - sum(data[:-1]) % 256])


# --- identity


def test_its_id_is_cyrillic() -> None:
    identity = opened(typical_meter())
    assert (identity.id_text, identity.device_type, identity.meter_number) == ("ТЕМ-101", "ТЕМ-104-К", "101777")
    assert DRIVER.device_types == ("ТЕМ-104-К",)
    assert not any(map(DRIVER.accepts, (b"TEM-101", b"TEM-104", b"", "ТЕМ-101".encode())))


@pytest.mark.parametrize(
    ("data", "version", "hourly"),
    [
        (b"v2.09\0\0", "2.09", True),
        (b"v2.08\0\0", "2.08", True),
        (b"v2.07\0\0", "2.07", False),
        (b"V1.12\0\0", "1.12", False),
        (b"3.0\0\0\0\0", "3.0", True),
        (b"v10.01\0", "10.01", True),
        (b"\xff" * 7, "", None),
        (bytes(7), "", None),
        (b"v2\0\0\0\0\0", "", None),
        (b"v2.123\0", "", None),
    ],
)
def test_the_version_tells_the_generation(data: bytes, version: str, hourly: bool | None) -> None:
    assert decode_version(data) == Layout(version, hourly)


@pytest.mark.parametrize(
    ("data", "serial"),
    [(b"1234567", "1234567"), (b"123456\0", "123456"), (b" 12345 ", "12345"), (bytes(7), ""), (b"\xff" * 7, ""),
     (b"12\x0145\0\0", ""), (b"A-12345", "")],
)  # fmt: skip
def test_a_serial_number_is_digits_and_latin_letters_or_none(data: bytes, serial: str) -> None:
    assert decode_serial(data) == serial


# --- reading


def test_current_values_are_told() -> None:
    told = reading(typical_meter())
    assert told.systems == (
        {
            "Type": "Подача", "Du1": 20, "Gmax1": 2.5, "Q1": 831.21875, "M1": 2400.25, "V1": 2500.75,
            "Tgood": 27500 / 3600, "Terr": 1.5, "Gv1": 1.125, "T1": 72.5, "T2": 55.25, "P1": 0.5, "P2": 0.25,
            "Err": None,
        },
    )  # fmt: skip
    assert told.device == {"SoftVer": "2.09", "NumSystems": 1}
    assert (told.clock, told.doubts) == (datetime(2018, 9, 26, 9, 13, 54), ())


def test_the_clock_has_its_weekday_in_the_middle() -> None:
    meter = typical_meter()
    meter.clock = bytes.fromhex("01 02 03 07 04 05 21")
    assert reading(meter).clock == datetime(2021, 5, 4, 3, 2, 1)


@pytest.mark.parametrize("clock", ["00 00 00 00 00 00 00", "00 00 24 01 26 09 18", "0A 00 00 01 26 09 18"])
def test_a_clock_that_shows_no_date_is_unknown_and_named(clock: str) -> None:
    meter = typical_meter()
    meter.clock = bytes.fromhex(clock)
    told = reading(meter)
    assert told.clock is None and told.doubts == ("часы прибора: недопустимая дата",)


def test_a_programmed_return_of_a_dead_end_is_told_where_its_register_is_no_number() -> None:
    meter = typical_meter()
    struct.pack_into(">f", meter.ram, 0x10C, NAN)
    told = reading(meter)
    assert told.systems[0]["T2"] is None and told.doubts == ("S1T2: не число",)
    meter.octets(0x18, "03")
    told = reading(meter)
    assert (told.systems[0]["Type"], told.systems[0]["T2"], told.doubts) == ("Тупиковая ГВС", 5.0, ())


def test_what_is_no_number_or_not_documented_is_unknown_and_named() -> None:
    meter = typical_meter()
    meter.octets(0x08, "02")
    meter.octets(0x18, "04")
    meter.floats(0x154, NAN)
    told = reading(meter)
    expected = ("S1Type: неизвестный тип системы", "S1Du1: неизвестный диаметр", "S1Q1: не число")
    assert told.doubts == expected
    assert told.systems[0]["Type"] is told.systems[0]["Du1"] is told.systems[0]["Q1"] is None


@pytest.mark.parametrize(("unit", "factor"), [("", 1), ("Gcal", 1), ("MWh", 1 / 1.163), ("GJ", 1 / 4.1868)])
def test_heat_is_told_in_gcal(unit: str, factor: float) -> None:
    setup = replace(SETUP, energy_unit=unit)
    assert reading(typical_meter(), setup).systems[0]["Q1"] == pytest.approx(831.21875 * factor)
    got = fetched(meter_with_record(), setup=setup)
    assert isinstance(got.record, Record) and got.record.systems[0]["Q1"] == pytest.approx(831.5 * factor)


@pytest.mark.parametrize("block_size", [8, 16, 31, 255])
def test_other_blocks_tell_the_same(block_size: int) -> None:
    assert reading(typical_meter(), replace(SETUP, block_size=block_size)) == reading(typical_meter())


@pytest.mark.parametrize("block_size", [8, 16, 31, 64])
def test_no_block_tears_an_integer_part_from_its_fraction(block_size: int) -> None:
    meter = typical_meter()
    setup = replace(SETUP, block_size=block_size)
    requests = [ask.request for ask, _ in asks(read(setup, opened(meter)), meter.answer)]
    spans = [struct.unpack(">HB", request[6:-1]) for request in requests if request[3:5] == b"\x0f\x01"]
    for pair in (0x140, 0x148, 0x150):
        assert any(start <= pair and pair + 8 <= start + length for start, length in spans)


# --- rings


def full_meter(hours: int = 3, days: int = 2, months: int = 1, events: int = 4) -> CompactMeter:
    """Rings written from their first places on, the pointers at the newest records."""
    meter = typical_meter()
    for n in range(hours):
        store(meter, HOURS, n % 800, record(SEVEN + n * HOUR, 10000 + 100 * n))
    for n in range(days):
        store(meter, DAYS, n % 400, record(SEVEN.replace(hour=0) + timedelta(days=n), 10000 + 2400 * n))
    for n in range(months):
        store(meter, MONTHS, n % 12, record(datetime(2018 + n // 12, n % 12 + 1, 1)))
    for n in range(events):
        store(meter, EVENTS, n % 460, event(SEVEN + n * HOUR, n % 2, 1 - n % 2), 16)
    point(
        meter,
        hour=HOURS + (hours - 1) % 800 * 48,
        day=DAYS + (days - 1) % 400 * 48,
        event=EVENTS + (events - 1) % 460 * 16,
    )
    return meter


def test_the_pointers_name_the_newest_records() -> None:
    found = run(rings(SETUP, opened(full_meter())), full_meter().answer)
    assert [(ring.rec_type, ring.first, ring.count) for ring in found] == [
        ("H", 0, 800), ("D", 800, 400), ("M", 1200, 12), ("E", 0xE34, 460),
    ]  # fmt: skip
    assert next_places(full_meter()) == {"H": 3, "D": 2, "M": 1, "E": 4}


@pytest.mark.parametrize("hours", [799, 800, 801, 1000])
@pytest.mark.parametrize("shift", [0, 1])
def test_a_pointer_may_mean_the_newest_record_or_the_next(hours: int, shift: int) -> None:
    meter = full_meter(hours=hours)
    meter.shorts(0x9F, (hours - 1 + shift) % 800 * 48)
    assert next_places(meter)["H"] == hours % 800


def test_a_clock_that_was_set_back_does_not_turn_the_pointer_round() -> None:
    meter = full_meter(hours=801)
    store(meter, HOURS, 1, record(SEVEN + 700 * HOUR, 99999))
    meter.shorts(0x9F, 48)
    assert next_places(meter)["H"] == 2


def test_unwritten_rings_begin_at_their_first_places() -> None:
    meter = typical_meter()
    point(meter, hour=HOURS, day=DAYS, event=EVENTS)
    assert next_places(meter) == {"H": 0, "D": 0, "M": 0, "E": 0}


def test_a_pointer_at_a_damaged_record_is_believed() -> None:
    meter = full_meter()
    store(meter, HOURS, 2, b"\x3a\x09\x18\x07")
    assert next_places(meter)["H"] == 3


@pytest.mark.parametrize("pointer", [0xFFFF, 0x0001, DAYS, 0xE340])
def test_a_pointer_that_fits_nowhere_is_replaced_by_what_the_stamps_tell(pointer: int) -> None:
    meter = full_meter(hours=850)
    meter.shorts(0x9F, pointer)
    assert next_places(meter)["H"] == 50


def test_an_archive_whose_end_is_not_to_be_seen_is_refused_but_events_are_read_from_first_to_last() -> None:
    meter = full_meter()
    meter.shorts(0x9A, 0xFFFF)
    store(meter, EVENTS, 0, b"\xaa" * 5, 16)
    assert next_places(meter)["E"] == 0
    store(meter, MONTHS, 0, b"\xaa" * 4)
    with pytest.raises(Refused, match="повреждённая запись"):
        next_places(meter)


def test_firmware_before_208_has_no_hours_and_other_places() -> None:
    meter = typical_meter(BEFORE_208)
    for n in range(3):
        store(meter, OLD_DAYS, n, record(SEVEN + timedelta(days=n), hour=99))
    store(meter, OLD_EVENTS, 0, event(SEVEN, 0, 1, ">BB"), 16)
    point(meter, day=2 * 48, event=OLD_EVENTS)
    found = run(rings(SETUP, opened(meter)), meter.answer)
    assert [(ring.rec_type, ring.first, ring.count, ring.next_place) for ring in found] == [
        ("D", 0, 400, 3), ("M", 512, 12, 512), ("E", 2048, 1000, 2049),
    ]  # fmt: skip


def test_without_a_version_there_are_values_but_no_archive() -> None:
    meter = typical_meter(b"\xff" * 7)
    told = reading(meter)
    assert told.systems[0]["T1"] == 72.5 and told.device["SoftVer"] is None
    with pytest.raises(Refused, match="версия ПО"):
        next_places(meter)


def test_another_meter_than_was_opened_is_refused() -> None:
    meter = full_meter()
    identity = opened(meter)
    meter.parameters[5] = 0x30
    with pytest.raises(Refused, match="изменился"):
        run(rings(SETUP, identity), meter.answer)


# --- records


def test_a_record_tells_mass_and_its_hour() -> None:
    values = {"Q1": 831.5, "M1": 2400.25, "T1": 71.5, "T2": 54.25, "Tall": 101.5, "Tgood": 100.0, "Terr": 1.5}
    assert fetched(meter_with_record()) == Fetched(Condition.GOOD, Record(RecType.HOUR, SEVEN, (values,)))


def test_a_record_of_firmware_before_208_tells_volume_and_no_hour() -> None:
    meter = typical_meter(BEFORE_208)
    store(meter, OLD_DAYS, 2, record(SEVEN, hour=99))
    got = fetched(meter, RING_OF_DAYS_BEFORE_208)
    assert isinstance(got.record, Record) and got.record.stamp == SEVEN.replace(hour=0)
    assert got.record.systems[0]["V1"] == 2400.25 and "M1" not in got.record.systems[0]


def test_probe_and_record_tell_the_same_stamp_and_powered_time() -> None:
    meter = meter_with_record(record(SEVEN, 123456, 789))
    got = fetched(meter)
    assert isinstance(got.record, Record)
    met = asks(probe(SETUP, opened(meter), RING_OF_HOURS, 2), meter.answer)
    assert [ask.expected - 7 for ask, _ in met] == [4, 8]
    mark = run(probe(SETUP, opened(meter), RING_OF_HOURS, 2), meter.answer)
    assert mark == Mark(SEVEN, 1242.45) == Mark(got.record.stamp, got.record.systems[0]["Tall"])


@pytest.mark.parametrize("data", [b"\xff" * 48, b"\x00" * 48])
def test_an_unwritten_place_is_empty_and_not_read_twice(data: bytes) -> None:
    meter = meter_with_record(data)
    assert fetched(meter) == Fetched(Condition.EMPTY)
    assert len(asks(fetch(SETUP, opened(meter), RING_OF_HOURS, 2), meter.answer)) == 2
    assert run(probe(SETUP, opened(meter), RING_OF_HOURS, 2), meter.answer) == Mark(None)


@pytest.mark.parametrize(("place", "byte"), [(0, 0x32), (1, 0x13), (2, 0x1A), (3, 0x24)])
def test_a_stamp_that_is_no_date_damages_a_record_even_with_a_fitting_sum(place: int, byte: int) -> None:
    got = fetched(meter_with_record(summed(broken(record(SEVEN), place, byte))))
    assert got == Fetched(Condition.DAMAGED, reason="недопустимая дата записи")


def test_a_record_whose_sum_does_not_fit_is_kept_when_two_readings_are_equal() -> None:
    meter = meter_with_record(broken(record(SEVEN), 0x2F, 0x00))
    got = fetched(meter)
    assert got.condition is Condition.UNSUMMED and got.record and got.record.stamp == SEVEN
    assert len(asks(fetch(SETUP, opened(meter), RING_OF_HOURS, 2), meter.answer)) == 4


def test_a_record_that_reads_differently_each_time_is_damaged() -> None:
    meter = meter_with_record()
    identity = opened(meter)
    counter = iter(range(1, 1000))

    def restless(request: bytes) -> bytes:
        meter.flash[2 * 48 + 0x28] = next(counter)
        return meter.answer(request)

    got = run(fetch(SETUP, identity, RING_OF_HOURS, 2), restless)
    assert got == Fetched(Condition.DAMAGED, reason="контрольная сумма записи")


def test_a_value_of_a_record_that_is_no_number_is_unknown() -> None:
    data = bytearray(record(SEVEN))
    struct.pack_into(">f", data, 0x14, NAN)
    got = fetched(meter_with_record(summed(bytes(data))))
    assert isinstance(got.record, Record) and got.record.systems[0]["T1"] is None


# --- events


@pytest.mark.parametrize(
    ("mask", "told"),
    [
        (0x001, {"Sys": 0, "SYS": "ПИТ", "Code": 4, "Text": "питание (признак стал 1)"}),
        (0x002, {"Sys": 1, "Flow": "1", "Code": 4, "State": 1, "Text": "возбуждение: обрыв или КЗ (начало)"}),
        (0x008, {"Sys": 1, "Code": 4, "State": 1, "Text": "датчик 2 (начало)"}),
        (0x010, {"Sys": 1, "Code": 3, "State": 1, "Text": "T1 - T2 меньше минимума (начало)"}),
        (0x020, {"Sys": 1, "Flow": "1", "Code": 4, "State": 1, "Text": "нет теплоносителя (начало)"}),
        (0x040, {"Sys": 0, "Code": 6, "State": 1, "Text": "настройки изменены с клавиатуры"}),
        (0x080, {"Sys": 0, "SYS": "ПИТ", "Code": 4, "State": 1, "Text": "низкое напряжение питания (начало)"}),
        (0x100, {"Sys": 1, "Flow": "1", "Code": 1, "State": 1, "Text": "G меньше минимума (начало)"}),
        (0x200, {"Sys": 1, "Flow": "1", "Code": 2, "State": 1, "Text": "G больше максимума (начало)"}),
        (0x400, {"Sys": 0, "Code": 4, "State": 1, "Text": "ошибка часов (начало)"}),
        (0x800, {"Sys": 0, "Code": 6, "State": 1, "Text": "архив сброшен"}),
    ],
)
def test_an_event_tells_the_keys_of_the_manual(mask: int, told: dict[str, Value]) -> None:
    meter = typical_meter()
    store(meter, EVENTS, 459, event(SEVEN + timedelta(minutes=5), 0, mask), 16)
    got = fetched(meter, RING_OF_EVENTS, 459)
    assert got == Fetched(Condition.GOOD, Event(SEVEN + timedelta(minutes=5), {"Source": "meter"} | told))


def test_an_event_before_208_has_short_words_of_states() -> None:
    meter = typical_meter(BEFORE_208)
    store(meter, OLD_EVENTS, 1, event(SEVEN, 0x04, 0x00, ">BB"), 16)
    got = fetched(meter, RING_OF_EVENTS_BEFORE_208, 1)
    told = {"Sys": 1, "Code": 4, "State": 0, "Source": "meter", "Text": "датчик 1 (конец)"}
    assert got == Fetched(Condition.GOOD, Event(SEVEN, told))
    store(meter, OLD_EVENTS, 1, event(SEVEN, 0x00, 0x01, ">BB"), 16)
    got = fetched(meter, RING_OF_EVENTS_BEFORE_208, 1)
    assert got.record and isinstance(got.record, Event) and "неизвестный признак 1h" in str(got.record.values["Text"])


def test_an_empty_undated_or_unsummed_event_is_told_as_such() -> None:
    meter = typical_meter()
    assert fetched(meter, RING_OF_EVENTS) == Fetched(Condition.EMPTY)
    store(meter, EVENTS, 2, summed(broken(event(SEVEN, 0, 1), 3, 0x13)), 16)
    assert fetched(meter, RING_OF_EVENTS) == Fetched(Condition.DAMAGED, reason="недопустимая дата записи")
    store(meter, EVENTS, 2, broken(event(SEVEN, 0, 1), 9, 0x00), 16)
    assert fetched(meter, RING_OF_EVENTS).condition is Condition.UNSUMMED
    assert run(probe(SETUP, opened(meter), RING_OF_EVENTS, 0xE36), meter.answer) == Mark(SEVEN)


# --- hostile lines


def test_no_two_requests_in_a_row_of_one_kind_ask_for_equally_many_bytes() -> None:
    meter = full_meter(hours=850)
    meter.shorts(0x9F, 0xFFFF)
    identity = opened(meter)
    places = [RING_OF_EVENTS.after(RING_OF_EVENTS.first, step) for step in range(-2, 3)]
    walk = (RING_OF_HOURS, [0, 1, 2]), (RING_OF_EVENTS, places)
    dialogues = [read(SETUP, identity), rings(SETUP, identity)]
    met = [(ask.request[3:5], ask.expected) for dialogue in dialogues for ask, _ in asks(dialogue, meter.answer)]
    for ring, numbers in walk:
        for place in numbers:
            met += [(a.request[3:5], a.expected) for a, _ in asks(fetch(SETUP, identity, ring, place), meter.answer)]
    assert all(one != other for one, other in pairwise(met))


def test_an_answer_that_is_late_by_one_request_never_passes_for_the_next() -> None:
    meter = full_meter()
    identity = opened(meter)
    dialogues: tuple[Callable[[], Generator[Ask, bytes, object]], ...] = (
        lambda: read(SETUP, identity),
        lambda: rings(SETUP, identity),
        lambda: fetch(SETUP, identity, RING_OF_HOURS, 2),
        lambda: fetch(SETUP, identity, RING_OF_EVENTS, 0xE35),
    )
    for dialogue in dialogues:
        late = run(dialogue(), delayed(meter.answer))
        assert late == run(dialogue(), meter.answer)


@settings(max_examples=60, deadline=None)
@given(st.lists(disturbances(), max_size=40))
def test_a_disturbed_line_tells_the_truth_at_last(changes: list[Answer]) -> None:
    meter = full_meter()
    identity = opened(meter)

    def told(answer: Answer, tries: int) -> tuple[object, ...]:
        return (
            run(read(SETUP, identity), answer, tries=tries),
            run(rings(SETUP, identity), answer, tries=tries),
            run(fetch(SETUP, identity, RING_OF_HOURS, 2), answer, tries=tries),
            run(fetch(SETUP, identity, RING_OF_EVENTS, 0xE35), answer, tries=tries),
        )

    assert told(disturbed(meter.answer, changes), len(changes) + 1) == told(meter.answer, 1)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_random_memory_raises_nothing_but_expected_errors(data: st.DataObject) -> None:
    meter = typical_meter(data.draw(st.one_of(st.sampled_from([b"v2.09", b"v2.07"]), st.binary(max_size=7))))
    meter.parameters[:] = data.draw(st.binary(min_size=64, max_size=64)) * 32
    meter.ram[:] = data.draw(st.binary(min_size=64, max_size=64)) * 8
    meter.clock = data.draw(st.binary(min_size=7, max_size=7))
    meter.flash[:] = data.draw(st.binary(min_size=128, max_size=128)) * 512
    try:
        identity = opened(meter)
        assert len(run(read(SETUP, identity), meter.answer).systems) == 1
        for ring in (RING_OF_HOURS, RING_OF_EVENTS):
            got = run(fetch(SETUP, identity, ring, ring.first + 2), meter.answer)
            assert (got.record is None) == (got.condition in (Condition.EMPTY, Condition.DAMAGED))
            run(probe(SETUP, identity, ring, ring.first + 2), meter.answer)
        run(rings(SETUP, identity), meter.answer)
    except AgentError:
        pass

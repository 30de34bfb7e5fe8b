from __future__ import annotations

import struct
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.tem_104_1 import DRIVER, fetch, open_meter, probe, read, rings
from engine.dialogue import Condition, Fetched, Identity, Mark, Ring, Setup
from engine.errors import AgentError, NoAnswer, Refused
from engine.model import Reading, Record, RecType, Value
from tests.fake.dialogue_runner import asks, run
from tests.fake.disturbed_line import Answer, delayed, disturbances, disturbed
from tests.fake.tem_104_memory import SingleMeter, point_1, record_1, single_meter, store
from tests.fake.tem_384_memory import summed

SETUP = Setup(address=1)
NAN = float("nan")
HOURS = Ring(RecType.HOUR, 0, 1536, 3)
SEVEN = datetime(2018, 9, 26, 7)


def opened(meter: SingleMeter, setup: Setup = SETUP) -> Identity:
    id_bytes = run(DRIVER.ask_id(setup), meter.answer)
    assert DRIVER.accepts(id_bytes)
    return run(open_meter(setup, id_bytes), meter.answer)


def reading(meter: SingleMeter, setup: Setup = SETUP) -> Reading:
    return run(read(setup, opened(meter, setup)), meter.answer)


def system(meter: SingleMeter) -> dict[str, Value]:
    (only,) = reading(meter).systems
    return dict(only)


def found_rings(meter: SingleMeter) -> dict[RecType, tuple[int, int, int]]:
    found = run(rings(SETUP, opened(meter)), meter.answer)
    return {ring.rec_type: (ring.first, ring.count, ring.next_place) for ring in found}


def fetched_from(meter: SingleMeter, answer: Answer | None = None, setup: Setup = SETUP) -> Fetched:
    return run(fetch(setup, opened(meter), HOURS, 2), answer or meter.answer)


def values_of(fetched: Fetched) -> dict[str, Value]:
    assert isinstance(fetched.record, Record)
    return dict(fetched.record.systems[0])


def meter_with_record(data: bytes | None = None) -> SingleMeter:
    meter = single_meter()
    store(meter, 2, data or record_1(SEVEN))
    return meter


def broken(data: bytes, *changes: tuple[int, int]) -> bytes:
    """The record with other bytes at some places; its sum is left as it was."""
    changed = bytearray(data)
    for place, byte in changes:
        changed[place] = byte
    return bytes(changed)


# --- identity


def test_the_meter_tells_its_type_and_number() -> None:
    identity = opened(single_meter())
    assert (identity.id_text, identity.device_type, identity.meter_number) == ("TEM104-1", "ТЕМ-104-1", "104321")


@pytest.mark.parametrize("id_bytes", [b"TEM-104", b"TEM-104-1", b"TEM104", b"TEM-104M", b"", b"TEM104-10"])
def test_the_id_of_another_family_is_not_accepted(id_bytes: bytes) -> None:
    assert DRIVER.accepts(id_bytes) is False


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        ("31 32 33 34 35 36 00", "123456"),
        ("31 32 33 34 35 36 37 38", "1234567"),
        ("31 32 33 20 20 20 20", "123"),
        ("41 32 2E 00 00 00 00", "A2"),
        ("FF FF FF FF FF FF FF", ""),
        ("00 31 32 33 34 35 36", ""),
    ],
)
def test_the_serial_number_is_the_leading_text(octets: str, told: str) -> None:
    meter = single_meter()
    meter.octets(0, octets)
    assert opened(meter).meter_number == reading(meter).meter_number == told


# --- reading


@pytest.mark.parametrize(
    ("code", "name", "sensors"),
    [(0, "Расходомер V", 0), (1, "Расходомер M", 1), (2, "Магистраль", 1), (3, "Подача", 2), (4, "Обратка", 2),
     (5, "Тупиковая ГВС", 2), (6, "Подпитка НСО", 2), (7, "Подпитка источника", 2)],
)  # fmt: skip
def test_the_type_tells_which_sensors_there_are(code: int, name: str, sensors: int) -> None:
    meter = meter_with_record()
    meter.octets(0x0041, f"{code:02X}")
    for values in (system(meter), values_of(fetched_from(meter))):
        assert [key for key in values if key[0] in "TP" and key[1].isdigit()] == [
            *("T1", "T2")[:sensors],
            *("P1", "P2")[:sensors],
        ]
    assert system(meter)["Type"] == name


@pytest.mark.parametrize("code", ["08", "0A", "FF"])
def test_an_unknown_type_is_named_and_its_sensors_are_left_out(code: str) -> None:
    meter = single_meter()
    meter.octets(0x0041, code)
    told = reading(meter)
    assert told.doubts == ("S1Type: неизвестный тип системы",)
    assert not {"T1", "P1"} & told.systems[0].keys()
    assert told.systems[0]["G1"] == 10.5


@pytest.mark.parametrize(
    ("index", "diameter", "small", "large"),
    [(0, 15, 0.03, 6), (4, 50, 0.3, 60), (7, 150, 3.0, 600)],
)
def test_limits_follow_the_diameter(index: int, diameter: int, small: float, large: float) -> None:
    meter = single_meter()
    meter.octets(0x000A, f"{index:02X}")
    values = system(meter)
    assert values["Du1"] == diameter
    assert (values["Gmin1"], values["Gmax1"]) == (pytest.approx(small), pytest.approx(large))


def test_an_unknown_diameter_has_no_limits() -> None:
    meter = single_meter()
    meter.octets(0x000A, "08")
    told = reading(meter)
    assert set(told.doubts) == {f"S1{key}: неизвестный диаметр" for key in ("Du1", "Gmin1", "Gmax1")}


def test_times_are_told_in_hours_by_their_names() -> None:
    for values in (system(single_meter()), values_of(fetched_from(meter_with_record()))):
        assert [values[key] for key in ("Tgood", "Terr", "Tdt", "Tmax", "Tmin")] == [7.5, 7, 5, 3, 2]


@pytest.mark.parametrize(
    ("octets", "told"),
    [("00 00", "0"), ("01 00", "3"), ("02 00", "1"), ("04 00", "2"), ("00 01", "4"), ("00 80", "4"), ("07 FF", "1234")],
)
def test_error_bits_become_the_numbers_of_the_manual(octets: str, told: str) -> None:
    meter = meter_with_record(summed(broken(record_1(SEVEN), *enumerate(bytes.fromhex(octets), 0x34))))
    meter.octets(0x0174, octets)
    assert system(meter)["Err"] == values_of(fetched_from(meter))["Err"] == told


@pytest.mark.parametrize(("unit", "expected"), [("", 1163.25), ("Gcal", 1163.25), ("MWh", 1163.25 / 1.163)])
def test_heat_is_told_in_gcal_whatever_the_meter_counts_in(unit: str, expected: float) -> None:
    setup = replace(SETUP, energy_unit=unit)
    meter = meter_with_record()
    assert reading(meter, setup).systems[0]["Q1"] == pytest.approx(expected)
    assert values_of(fetched_from(meter, setup=setup))["Q1"] == pytest.approx(expected)


def test_a_value_that_is_no_number_is_unknown_and_named() -> None:
    meter = single_meter()
    meter.ram_floats(0xC4, NAN)
    meter.floats(0x0148, float("-inf"))
    told = reading(meter)
    assert told.systems[0]["T2"] is told.systems[0]["V1"] is None
    assert set(told.doubts) == {"S1T2: не число", "S1V1: не число"}


@pytest.mark.parametrize("octets", ["00" * 7, "FF" * 7, "54 00 24 03 26 09 18", "54 00 09 03 31 09 18"])
def test_a_clock_that_shows_no_date_is_unknown_and_named(octets: str) -> None:
    meter = single_meter()
    meter.clock[0:7] = bytes.fromhex(octets)
    told = reading(meter)
    assert (told.clock, told.doubts) == (None, ("часы прибора: недопустимая дата",))


@pytest.mark.parametrize("block_size", [31, 32, 48, 60, 64, 128, 255])
def test_no_two_requests_of_one_kind_in_a_row_ask_for_equally_many_bytes(block_size: int) -> None:
    meter = meter_with_record()
    setup = replace(SETUP, block_size=block_size)
    identity = opened(meter, setup)
    dialogues = (open_meter(setup, b"TEM104-1"), read(setup, identity), rings(setup, identity))
    dialogues += (fetch(setup, identity, HOURS, 2), fetch(setup, identity, HOURS, 2))
    met = [ask for dialogue in dialogues for ask, _ in asks(dialogue, meter.answer)]
    same = [(one, other) for one, other in pairwise(met) if one.request[3:5] == other.request[3:5]]
    assert all(one.expected != other.expected for one, other in same)


@pytest.mark.parametrize("block_size", [56, 64, 128])
def test_totals_times_and_errors_come_in_one_answer(block_size: int) -> None:
    meter = single_meter()
    setup = replace(SETUP, block_size=block_size)
    asked = [ask.request[6:-1] for ask, _ in asks(read(setup, opened(meter)), meter.answer)]
    assert struct.pack(">HB", 0x0144, 0x38) in asked


@pytest.mark.parametrize("block_size", [4, 8, 16, 31, 48])
def test_small_blocks_tell_the_same(block_size: int) -> None:
    meter = meter_with_record()
    setup = replace(SETUP, block_size=block_size)
    met = asks(read(setup, opened(meter)), meter.answer)
    assert max(ask.expected for ask, _ in met) <= 7 + block_size
    assert reading(meter, setup) == reading(meter)
    assert fetched_from(meter, setup=setup) == fetched_from(meter)


@pytest.mark.parametrize("block_size", [4, 8, 16])
@pytest.mark.parametrize("carried_after", range(30))
def test_a_carry_between_two_small_blocks_does_not_tear_a_total(carried_after: int, block_size: int) -> None:
    meter = single_meter()
    setup = replace(SETUP, block_size=block_size)
    identity = opened(meter)
    reads = iter(range(1000))

    def carry(request: bytes) -> bytes:
        answer = meter.answer(request)
        if request[3:7] == b"\x0f\x01\x03\x01" and next(reads) == carried_after:
            meter.longs(0x0144, 48148)
            meter.floats(0x0148, 0.0)
        return answer

    assert run(read(setup, identity), carry).systems[0]["V1"] in (48147.5, 48148.0)


def test_totals_that_never_stand_still_are_not_told() -> None:
    meter = single_meter()
    setup = replace(SETUP, block_size=16)
    identity = opened(meter)
    counter = iter(range(1000))

    def restless(request: bytes) -> bytes:
        meter.longs(0x0144, next(counter))
        return meter.answer(request)

    with pytest.raises(NoAnswer, match="меняются"):
        run(read(setup, identity), restless)


# --- rings


@pytest.mark.parametrize("base", [0, 0x200000])
@pytest.mark.parametrize("places", [(0, 1536, 1904), (1535, 1903, 2047), (700, 1600, 1950)])
def test_the_pointers_tell_what_is_written_next(places: tuple[int, int, int], base: int) -> None:
    meter = single_meter()
    meter.longs(0x01B8, *(base + place * 64 for place in places))
    sizes = [(0, 1536), (1536, 368), (1904, 144)]
    assert found_rings(meter) == {t: (*size, place) for t, size, place in zip("HDM", sizes, places, strict=True)}


@pytest.mark.parametrize("pointer", [1, 0xFFFFFFFF, 1536 * 64, 0x400000])
def test_a_pointer_that_fits_nowhere_is_replaced_by_what_the_stamps_tell(pointer: int) -> None:
    meter = single_meter()
    meter.longs(0x01B8, pointer)
    for place in range(1536):
        store(meter, place, record_1(datetime(2018, 9, 1) + timedelta(hours=place if place < 700 else place - 1536)))
    assert found_rings(meter)[RecType.HOUR] == (0, 1536, 700)


def test_the_search_among_stamps_stops_at_a_damaged_record() -> None:
    meter = single_meter()
    meter.longs(0x01BC, 0)
    store(meter, 1536, b"\x12\x34\x56\x78")
    with pytest.raises(Refused, match="повреждённая запись"):
        found_rings(meter)


@pytest.mark.parametrize(("address", "octets"), [(0x0000, "32"), (0x0041, "04")])
def test_another_meter_or_type_than_was_opened_is_refused(address: int, octets: str) -> None:
    meter = single_meter()
    identity = opened(meter)
    meter.octets(address, octets)
    with pytest.raises(Refused, match="изменились"):
        run(rings(SETUP, identity), meter.answer)


# --- records


def test_flash_is_asked_for_with_the_length_last() -> None:
    meter = meter_with_record()
    ring = Ring(RecType.DAY, 1536, 368, 1538)
    first, second = (ask.request for ask, _ in asks(fetch(SETUP, opened(meter), ring, 1537), meter.answer))
    assert first[5:-1] == bytes.fromhex("05 00 01 80 40 04")
    assert second[5:-1] == bytes.fromhex("05 00 01 80 44 3C")


def test_a_probe_tells_stamp_and_powered_time_with_two_short_requests() -> None:
    meter = meter_with_record(record_1(SEVEN, powered_s=5400))
    met = asks(probe(SETUP, opened(meter), HOURS, 2), meter.answer)
    assert [ask.expected - 7 for ask, _ in met] == [4, 8]
    assert run(probe(SETUP, opened(meter), HOURS, 2), meter.answer) == Mark(SEVEN, 1.5)


def test_probe_and_record_tell_the_same_powered_time() -> None:
    meter = meter_with_record(record_1(SEVEN, powered_s=791257))
    mark = run(probe(SETUP, opened(meter), HOURS, 2), meter.answer)
    assert mark == Mark(SEVEN, values_of(fetched_from(meter))["Tall"])  # type: ignore[arg-type]


def test_a_record_tells_the_keys_of_the_manual() -> None:
    fetched = fetched_from(meter_with_record())
    assert fetched.condition is Condition.GOOD and fetched.record
    times = {"Tall", "Tgood", "Tmin", "Tmax", "Tdt", "Terr", "Err"}
    assert values_of(fetched).keys() == {"Q1", "M1", "V1", "T1", "T2", "P1", "P2"} | times
    assert fetched.record.stamp == SEVEN


@pytest.mark.parametrize("data", [b"\xff" * 64, b"\x00" * 64])
def test_an_unwritten_place_is_empty_and_read_once(data: bytes) -> None:
    meter = meter_with_record(data)
    assert fetched_from(meter) == Fetched(Condition.EMPTY)
    assert run(probe(SETUP, opened(meter), HOURS, 2), meter.answer) == Mark(None)
    assert len(asks(fetch(SETUP, opened(meter), HOURS, 2), meter.answer)) == 2


def test_a_stamp_that_is_no_date_damages_a_record_even_with_a_fitting_sum() -> None:
    fetched = fetched_from(meter_with_record(summed(broken(record_1(SEVEN), (1, 0x32)))))
    assert fetched == Fetched(Condition.DAMAGED, reason="недопустимая дата записи")


def test_a_record_whose_sum_does_not_fit_is_kept_when_two_readings_are_equal() -> None:
    fetched = fetched_from(meter_with_record(broken(record_1(SEVEN), (0x3F, 0x00))))
    assert fetched.condition is Condition.UNSUMMED
    assert fetched.record and fetched.record.stamp == SEVEN


def test_a_record_whose_sum_does_not_fit_needs_totals_that_are_numbers() -> None:
    fetched = fetched_from(meter_with_record(broken(record_1(SEVEN), (0x3F, 0x00), (0x08, 0x7F), (0x09, 0xC0))))
    assert fetched == Fetched(Condition.DAMAGED, reason="контрольная сумма записи")


@pytest.mark.parametrize("kept", [0x08, 0x20, 0x36])
def test_a_record_that_was_not_written_to_its_end_is_damaged_whatever_its_sum(kept: int) -> None:
    data = record_1(SEVEN)[:kept] + b"\xff" * (64 - kept)
    for torn in (data, summed(data)):
        assert fetched_from(meter_with_record(torn)) == Fetched(Condition.DAMAGED, reason="запись не дописана")


def test_a_record_that_reads_differently_each_time_is_damaged() -> None:
    meter = meter_with_record()
    counter = iter(range(1, 1000))

    def restless(request: bytes) -> bytes:
        meter.flash[2 * 64 + 0x30] = next(counter)
        return meter.answer(request)

    assert fetched_from(meter, restless) == Fetched(Condition.DAMAGED, reason="контрольная сумма записи")


def test_an_answer_that_is_late_by_one_request_never_passes_for_the_next() -> None:
    meter = meter_with_record()
    store(meter, 1, record_1(datetime(2018, 9, 26, 6), 1800))
    identity = opened(meter)
    late = delayed(meter.answer)
    assert run(read(SETUP, identity), late) == run(read(SETUP, identity), meter.answer)
    told = [run(fetch(SETUP, identity, HOURS, place), late) for place in (1, 2, 1)]
    assert told == [run(fetch(SETUP, identity, HOURS, place), meter.answer) for place in (1, 2, 1)]


# --- hostile lines


@settings(max_examples=80, deadline=None)
@given(st.lists(disturbances(), max_size=60))
def test_a_disturbed_line_tells_the_truth_at_last(changes: list[Answer]) -> None:
    meter = meter_with_record()
    identity = opened(meter)
    truth = (run(read(SETUP, identity), meter.answer), run(rings(SETUP, identity), meter.answer), fetched_from(meter))
    answer = disturbed(meter.answer, changes)
    dialogues = (read(SETUP, identity), rings(SETUP, identity), fetch(SETUP, identity, HOURS, 2))
    assert tuple(run(dialogue, answer, tries=len(changes) + 1) for dialogue in dialogues) == truth


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_random_memory_raises_nothing_but_expected_errors(data: st.DataObject) -> None:
    meter = single_meter()
    meter.parameters[:] = data.draw(st.binary(min_size=64, max_size=64)) * 32
    if data.draw(st.booleans()):
        point_1(meter, 3, 1538, 1905)
    meter.ram[:] = data.draw(st.binary(min_size=64, max_size=64)) * 4
    meter.clock[:] = data.draw(st.binary(min_size=32, max_size=32)) * 4
    store(meter, 2, data.draw(st.binary(min_size=64, max_size=64)))
    try:
        identity = opened(meter)
        assert len(run(read(SETUP, identity), meter.answer).systems) == 1
        fetched = run(fetch(SETUP, identity, HOURS, 2), meter.answer)
        assert (fetched.record is None) == (fetched.condition in (Condition.EMPTY, Condition.DAMAGED))
        run(probe(SETUP, identity, HOURS, 2), meter.answer)
        run(rings(SETUP, identity), meter.answer)
    except AgentError as expected:
        assert str(expected)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(max_size=80), max_size=30))
def test_random_bytes_in_place_of_answers_raise_nothing_but_expected_errors(noise: list[bytes]) -> None:
    meter = meter_with_record()
    identity = opened(meter)
    for dialogue in (
        open_meter(SETUP, b"TEM104-1"),
        read(SETUP, identity),
        rings(SETUP, identity),
        probe(SETUP, identity, HOURS, 2),
        fetch(SETUP, identity, HOURS, 2),
    ):
        queue = iter(noise)
        with pytest.raises(AgentError):
            run(dialogue, lambda _request, queue=queue: next(queue, b""))

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.tem_384 import DRIVER, open_meter, probe, read, rings
from drivers.tem_384 import fetch as fetch_record
from drivers.tem_384_decode import decode_errors, decode_layout, decode_reading, decode_serial
from drivers.tem_384_map import INTEGRATORS, SPANS
from engine.codec import Field
from engine.dialogue import Condition, Fetched, Identity, Mark, Ring, Setup
from engine.errors import AgentError, NoAnswer, Refused
from engine.model import Reading, RecType, Value
from tests.fake.dialogue_runner import asks, run
from tests.fake.disturbed_line import disturbances
from tests.fake.memory_meter import MemoryMeter
from tests.fake.tem_384_memory import point, record, store, summed, typical_meter

CAPTURES = Path(__file__).parent.parent / "captures" / "tem_384"
SETUP = Setup(address=1)
NAN = float("nan")
HOURS = Ring(RecType.HOUR, 0, 1728, 3)
SEVEN = datetime(2018, 9, 26, 7)


def opened(meter: MemoryMeter, setup: Setup = SETUP) -> Identity:
    id_bytes = run(DRIVER.ask_id(setup), meter.answer)
    assert DRIVER.accepts(id_bytes)
    return run(open_meter(setup, id_bytes), meter.answer)


def reading(meter: MemoryMeter, setup: Setup = SETUP) -> Reading:
    return run(read(setup, opened(meter, setup)), meter.answer)


def system(meter: MemoryMeter, number: int = 1) -> dict[str, Value]:
    return dict(reading(meter).systems[number - 1])


def found_rings(meter: MemoryMeter) -> dict[RecType, tuple[int, int, int]]:
    found = run(rings(SETUP, opened(meter)), meter.answer)
    return {ring.rec_type: (ring.first, ring.count, ring.next_place) for ring in found}


def fetch(meter: MemoryMeter, answer: Callable[[bytes], bytes] | None = None, setup: Setup = SETUP) -> Fetched:
    return run(fetch_record(setup, opened(meter), HOURS, 2), answer or meter.answer)


def meter_with_record(data: bytes | None = None) -> MemoryMeter:
    meter = typical_meter()
    store(meter, 2, data or record(SEVEN))
    return meter


def broken(data: bytes, *changes: tuple[int, int]) -> bytes:
    """The record with other bytes at some places; its sum is left as it was."""
    changed = bytearray(data)
    for place, byte in changes:
        changed[place] = byte
    return bytes(changed)


# --- captures of a live meter


def captured(name: str) -> bytes:
    return bytes.fromhex((CAPTURES / name / "exchange.txt").read_text(encoding="utf-8").split("<<")[1])[6:-1]


def test_the_captured_parameters_describe_a_supply_system() -> None:
    layout = decode_layout(captured("parameters"))
    (only,) = layout.systems
    assert (only.flows, only.temperatures, only.pressures) == ((0,), (0, 1), (0, 1))


def test_the_captured_nameplate_tells_the_serial_number() -> None:
    assert decode_serial(captured("nameplate"), Field(0, "L")) == "476721"


def test_the_captured_limits_and_programmed_values_are_shown() -> None:
    meter = MemoryMeter()
    meter.parameters[:0xD0] = captured("parameters")
    meter.floats(0x0234, NAN, NAN)
    values = system(meter)
    assert values["Type"] == "Подача"
    assert (values["P1"], values["P2"]) == (pytest.approx(0.7), pytest.approx(0.4))
    assert values["dTmin1"] == 0


# --- identity


def test_the_written_spelling_follows_the_id() -> None:
    assert opened(typical_meter("TSM-104")).device_type == "ТЕМ-104"
    assert opened(typical_meter("TEM-106")).device_type == "ТЕМ-106/1"
    assert {"ТЕМ-104", "ТЕМ-106/1", "ТЭСМА-106/1", "ТЭСМА-106/2"} == set(DRIVER.device_types)


@pytest.mark.parametrize("id_bytes", [b"TEM-104", b"TEM104-1", b"TEM-104M", b"TSM104", b"", b"TSM-104 "])
def test_the_id_of_another_family_is_not_accepted(id_bytes: bytes) -> None:
    assert not DRIVER.accepts(id_bytes)


@pytest.mark.parametrize("number", [0, 0xFFFFFFFF])
def test_a_blank_serial_number_is_none(number: int) -> None:
    meter = typical_meter()
    meter.longs(0x0152, number)
    assert opened(meter).meter_number == reading(meter).meter_number == ""


def test_a_106_with_the_legacy_map_is_refused_so_that_another_driver_may_try() -> None:
    meter = typical_meter("TEM-106")
    meter.longs(0x04F4, 0, 7, 0xFFFFFFFF)
    meter.longs(0x00F4, 0x200000 + 5 * 256, 0x200000 + 1600 * 256, 0x200000 + 1905 * 256)
    with pytest.raises(Refused, match="старого образца"):
        opened(meter)


def test_a_106_keeps_this_map_while_one_pointer_speaks_for_it_or_none_for_the_other() -> None:
    meter = typical_meter("TEM-106")
    meter.longs(0x00F4, 0x200000 + 5 * 256, 0x200000 + 1600 * 256, 0x200000 + 1905 * 256)
    meter.longs(0x04F4, 0, 0x200000 + 900 * 384, 0xFFFFFFFF)
    assert opened(meter).id_text == "TEM-106"
    meter.longs(0x04F4, 0, 0, 0)
    meter.longs(0x00F4, 0, 0, 0)
    assert opened(meter).id_text == "TEM-106"


@pytest.mark.parametrize("count", ["00", "07", "FF"])
def test_an_impossible_number_of_systems_is_asked_for_again(count: str) -> None:
    meter = typical_meter()
    identity = opened(meter)
    meter.octets(0, count)
    with pytest.raises(NoAnswer, match="число систем"):
        opened(meter)
    with pytest.raises(NoAnswer, match="число систем"):
        run(read(SETUP, identity), meter.answer)


# --- reading


@pytest.mark.parametrize(
    ("comma", "heat", "flow"),
    [(6, 100000, 1), (5, 10000, 1000), (4, 1000, 100), (3, 100, 10), (2, 10, 1), (1, 1, 1), (0, 1, 1), (255, 1, 1)],
)
def test_totals_are_divided_by_the_comma_of_their_channel(comma: int, heat: int, flow: int) -> None:
    meter = typical_meter()
    meter.octets(0x02FA, f"{comma:02X}")
    values = system(meter)
    assert values["Q1"] == pytest.approx(11630000 / 1.163 / heat)
    assert values["V1"] == pytest.approx(48147250.5 / flow)
    assert values["M1"] == pytest.approx(46932050.5 / flow)
    assert values["V2"] == pytest.approx(7711.825), "the second channel has a comma of its own"


@pytest.mark.parametrize(("unit", "expected"), [("", 1000), ("MWh", 1000), ("Gcal", 1163), ("GJ", 1163 / 4.1868)])
def test_heat_is_told_in_gcal_whatever_the_meter_counts_in(unit: str, expected: float) -> None:
    setup = replace(SETUP, energy_unit=unit)
    meter = meter_with_record()
    assert reading(meter, setup).systems[0]["Q1"] == pytest.approx(expected)
    fetched = fetch(meter, setup=setup)
    assert fetched.record and fetched.record.systems[0]["Q1"] == pytest.approx(expected)


def test_the_masks_choose_the_channels_and_surplus_bits_are_left_out() -> None:
    meter = typical_meter()
    meter.octets(0x0007, "F4 80")
    meter.octets(0x000D, "F2 80")
    meter.octets(0x0013, "FF 40")
    meter.floats(0x02A0, 1, 2, 3, 4, 5, 6)
    meter.floats(0x0200, 1, 2, 3, 4, 5, 6, 7)
    meter.floats(0x0234, 1, 2, 3, 4, 5, 6, 7)
    first, second = reading(meter).systems
    shown = {key: first[key] for key in first if key[0] in "GTP" and key[1].isdigit()}
    assert shown == {"G1": 3, "G2": 5, "T1": 2, "T2": 5, "T3": 6, "P1": 1, "P2": 2, "P3": 3}
    assert second["P1"] == 7
    assert not {"G1", "M1", "V1", "Du1", "T1"} & second.keys()


def test_a_programmed_channel_shows_its_register_and_else_the_programmed_value() -> None:
    meter = typical_meter()
    meter.octets(0x001A, "00 00")
    meter.floats(0x0200, 33.5, NAN)
    told = reading(meter)
    assert (told.systems[0]["T1"], told.systems[0]["T2"]) == (33.5, 80)
    assert told.doubts == ()


def test_a_value_that_is_no_number_is_unknown_and_named() -> None:
    meter = typical_meter()
    meter.floats(0x0204, NAN)
    meter.floats(0x0308, float("inf"))
    meter.floats(0x0360, NAN)
    told = reading(meter)
    assert told.systems[0]["T2"] is told.systems[0]["Q1"] is told.systems[1]["V1"] is None
    assert set(told.doubts) == {"S1T2: не число", "S1Q1: не число", "S2V1: не число"}


def test_an_unknown_system_type_is_unknown_and_named() -> None:
    meter = typical_meter()
    meter.octets(0x0001, "03")
    told = reading(meter)
    assert told.systems[0]["Type"] is None
    assert told.doubts == ("S1Type: неизвестный тип системы",)


@pytest.mark.parametrize("clock", ["00 00 00 00 00 00", "FF FF FF FF FF FF", "00 00 24 26 09 18", "0A 00 00 26 09 18"])
def test_a_clock_that_shows_no_date_is_unknown_and_named(clock: str) -> None:
    meter = typical_meter()
    meter.octets(0x0482, clock)
    told = reading(meter)
    assert told.clock is None
    assert told.doubts == ("часы прибора: недопустимая дата",)
    assert told.systems[0]["T1"] == 72.5


def test_the_key_of_current_errors_is_left_to_the_growth_of_the_counters() -> None:
    assert all("Err" not in values and "Tall" not in values for values in reading(typical_meter()).systems)


def test_six_systems_are_told() -> None:
    meter = typical_meter()
    meter.octets(0x0000, "06")
    told = reading(meter)
    assert len(told.systems) == told.device["NumSystems"] == 6


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=64, max_size=64))
def test_nothing_is_decoded_from_memory_that_was_not_read(filling: bytes) -> None:
    meter = typical_meter()
    covered = bytearray(filling * 0x14)
    for start, length in SPANS:
        covered[start : start + length] = meter.parameters[start : start + length]
    assert decode_reading(bytes(covered), "MWh") == decode_reading(bytes(meter.parameters), "MWh")


def test_no_two_requests_of_a_reading_in_a_row_ask_for_equally_many_bytes() -> None:
    meter = typical_meter()
    identity = opened(meter)
    met = asks(read(SETUP, identity), meter.answer) * 2 + asks(rings(SETUP, identity), meter.answer)
    assert all(one.expected != other.expected for (one, _), (other, _) in pairwise(met))


@pytest.mark.parametrize("block_size", [56, 64, 128, 255])
def test_each_fraction_comes_in_one_answer_with_its_integer_part(block_size: int) -> None:
    meter = typical_meter()
    setup = replace(SETUP, block_size=block_size)
    asked = [ask.request[6:-1] for ask, _ in asks(read(setup, opened(meter)), meter.answer)]
    assert {struct.pack(">HB", *span) for span in INTEGRATORS} <= set(asked)


@pytest.mark.parametrize("block_size", [4, 8, 16, 31, 48])
def test_small_blocks_tell_the_same(block_size: int) -> None:
    meter = typical_meter()
    setup = replace(SETUP, block_size=block_size)
    met = asks(read(setup, opened(meter)), meter.answer)
    assert max(ask.expected for ask, _ in met) <= 7 + block_size
    assert reading(meter, setup) == reading(meter)


def test_a_carry_between_two_small_blocks_does_not_tear_a_total() -> None:
    meter = typical_meter()
    setup = replace(SETUP, block_size=16)
    identity = opened(meter)

    def carry(request: bytes) -> bytes:
        answer = meter.answer(request)
        if request[6:8] == b"\x03\x00":
            meter.floats(0x0300, 0.0)
            meter.longs(0x0318, 48147251)
        return answer

    told = run(read(setup, identity), carry)
    assert told.systems[0]["V1"] == pytest.approx(48147.251)


def test_totals_that_never_stand_still_are_not_told() -> None:
    meter = typical_meter()
    setup = replace(SETUP, block_size=16)
    identity = opened(meter)
    counter = iter(range(1000))

    def restless(request: bytes) -> bytes:
        meter.longs(0x0318, next(counter))
        return meter.answer(request)

    with pytest.raises(NoAnswer, match="меняются"):
        run(read(setup, identity), restless)


# --- rings


@pytest.mark.parametrize(
    ("places", "small"),
    [((0, 864, 1232), True), ((863, 1231, 1359), True), ((0, 1728, 2464), False), ((1727, 2463, 2719), False)],
)
def test_the_pointers_tell_the_size_of_the_flash(places: tuple[int, int, int], small: bool) -> None:
    meter = typical_meter()
    meter.octets(0x0168, "FF FF")
    point(meter, *places)
    sizes = [(0, 864), (864, 368), (1232, 128)] if small else [(0, 1728), (1728, 736), (2464, 256)]
    expected = {rec_type: (*size, place) for rec_type, size, place in zip("HDM", sizes, places, strict=True)}
    assert found_rings(meter) == expected


def test_a_pointer_at_the_first_place_means_that_the_last_one_is_the_newest() -> None:
    meter = typical_meter()
    point(meter, 0, 864, 1232)
    newest = [ring.after(ring.next_place, -1) for ring in run(rings(SETUP, opened(meter)), meter.answer)]
    assert newest == [863, 1231, 1359]


@pytest.mark.parametrize("pointer", [0, 0xFFFFFFFF, 0x200001, 0x200000 + 2000 * 0x180])
def test_a_pointer_that_fits_nowhere_is_replaced_by_what_the_stamps_tell(pointer: int) -> None:
    meter = typical_meter()
    meter.longs(0x04F4, pointer)
    for place in range(1728):
        lap = timedelta(hours=place if place < 700 else place - 1728)
        store(meter, place, record(datetime(2018, 9, 1) + lap))
    assert found_rings(meter)[RecType.HOUR] == (0, 1728, 700)


def test_an_unwritten_ring_with_an_unfit_pointer_begins_at_its_first_place() -> None:
    meter = typical_meter()
    meter.longs(0x04FC, 0)
    assert found_rings(meter)[RecType.MONTH] == (2464, 256, 2464)


def test_the_search_among_stamps_does_not_ask_twice_in_a_row_for_equally_many_bytes() -> None:
    meter = typical_meter()
    meter.longs(0x04F4, 0)
    for place in range(900):
        store(meter, place, record(datetime(2018, 1, 1) + timedelta(hours=place)))
    met = asks(rings(SETUP, opened(meter)), meter.answer)
    assert len(met) < 20
    assert all(one.expected != other.expected for (one, _), (other, _) in pairwise(met))


def test_the_search_among_stamps_stops_at_a_damaged_record() -> None:
    meter = typical_meter()
    meter.longs(0x04F4, 0)
    store(meter, 0, record(SEVEN))
    store(meter, 864, b"\x12\x34\x56\x78")
    with pytest.raises(Refused, match="повреждённая запись"):
        found_rings(meter)


def test_a_flash_of_unknown_size_is_refused() -> None:
    meter = typical_meter()
    meter.octets(0x0168, "FF FF")
    meter.longs(0x04F8, 0)
    with pytest.raises(Refused, match="размер архива"):
        found_rings(meter)


@pytest.mark.parametrize(("address", "octets"), [(0x0000, "01"), (0x0007, "07"), (0x0155, "00")])
def test_another_meter_or_set_up_than_was_opened_is_refused(address: int, octets: str) -> None:
    meter = typical_meter()
    identity = opened(meter)
    meter.octets(address, octets)
    with pytest.raises(Refused, match="изменились"):
        run(rings(SETUP, identity), meter.answer)


# --- records


def test_a_probe_tells_stamp_and_powered_time_with_two_short_requests() -> None:
    meter = meter_with_record(record(SEVEN, powered_s=5400))
    met = asks(probe(SETUP, opened(meter), HOURS, 2), meter.answer)
    assert [ask.expected - 7 for ask, _ in met] == [4, 8]
    assert run(probe(SETUP, opened(meter), HOURS, 2), meter.answer) == Mark(SEVEN, 1.5)


def test_a_probe_of_an_empty_or_damaged_place_tells_nothing() -> None:
    for data in (b"\xff" * 384, b"\x00" * 384, b"\x07\x32\x09\x18"):
        assert run(probe(SETUP, opened(typical_meter()), HOURS, 2), meter_with_record(data).answer) == Mark(None)


def test_probe_and_record_tell_the_same_powered_time() -> None:
    meter = meter_with_record(record(SEVEN, powered_s=791257))
    fetched = fetch(meter)
    assert fetched.record
    mark = run(probe(SETUP, opened(meter), HOURS, 2), meter.answer)
    assert mark == Mark(fetched.record.stamp, fetched.record.systems[0]["Tall"])


def test_a_record_tells_the_keys_of_the_manual() -> None:
    fetched = fetch(meter_with_record())
    assert fetched.condition is Condition.GOOD and fetched.record
    first, second = fetched.record.systems
    times = {"Tall", "Tgood", "Tmin", "Tmax", "Tdt", "Terr", "Err"}
    assert first.keys() == {"Q1", "M1", "V1", "M2", "V2", "T1", "T2", "T3", "P1", "P2"} | times
    assert second.keys() == {"Q1", "M1", "V1", "T1", "T2", "P1", "P2"} | times
    assert (fetched.record.rec_type, fetched.record.stamp) == (RecType.HOUR, SEVEN)


def test_the_seventh_pressure_is_not_known_in_a_record() -> None:
    meter = meter_with_record()
    meter.octets(0x0013, "41")
    fetched = fetch(meter)
    assert fetched.record and (fetched.record.systems[0]["P1"], fetched.record.systems[0]["P2"]) == (0.75, None)


def test_a_record_with_something_that_is_no_number_is_kept_without_it() -> None:
    fetched = fetch(meter_with_record(summed(broken(record(SEVEN), (0x11E, 0xFF), (0x11F, 0xFF)))))
    assert fetched.condition is Condition.GOOD
    assert fetched.record and fetched.record.systems[0]["T1"] is None


@pytest.mark.parametrize(
    ("byte", "told"),
    [*zip((0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80), "11223444", strict=True),
     (0x00, "0"), (0x11, "13"), (0x13, "13"), (0x8C, "24"), (0xFF, "1234")],
)  # fmt: skip
def test_error_bits_become_the_numbers_of_the_manual(byte: int, told: str) -> None:
    assert decode_errors(byte) == told


@pytest.mark.parametrize("data", [b"\xff" * 384, b"\x00" * 384])
def test_an_unwritten_place_is_empty(data: bytes) -> None:
    assert fetch(meter_with_record(data)) == Fetched(Condition.EMPTY)


def test_a_stamp_that_is_no_date_damages_a_record_even_with_a_fitting_sum() -> None:
    fetched = fetch(meter_with_record(summed(broken(record(SEVEN), (1, 0x32)))))
    assert fetched == Fetched(Condition.DAMAGED, reason="недопустимая дата записи")


def test_a_fitting_sum_keeps_a_record_with_an_odd_begin_of_its_period() -> None:
    fetched = fetch(meter_with_record(summed(broken(record(SEVEN), (0x176, 0xFF)))))
    assert fetched.condition is Condition.GOOD


def test_a_record_whose_sum_does_not_fit_is_kept_when_two_readings_are_equal() -> None:
    meter = meter_with_record(broken(record(SEVEN), (0x17F, 0x00)))
    identity = opened(meter)
    before = len(meter.requests)
    fetched = run(fetch_record(SETUP, identity, HOURS, 2), meter.answer)
    assert fetched.condition is Condition.UNSUMMED
    assert fetched.record and fetched.record.stamp == SEVEN
    assert len(meter.requests) - before == 14


def test_a_record_whose_sum_does_not_fit_needs_both_stamps() -> None:
    fetched = fetch(meter_with_record(broken(record(SEVEN), (0x17F, 0x00), (0x176, 0xFF))))
    assert fetched == Fetched(Condition.DAMAGED, reason="контрольная сумма записи")


def test_a_record_that_reads_differently_each_time_is_damaged() -> None:
    meter = meter_with_record()
    counter = iter(range(1, 1000))

    def restless(request: bytes) -> bytes:
        meter.flash[2 * 384 + 0x160] = next(counter)
        return meter.answer(request)

    assert fetch(meter, restless) == Fetched(Condition.DAMAGED, reason="контрольная сумма записи")


def test_a_second_reading_whose_sum_fits_is_good() -> None:
    meter = meter_with_record(broken(record(SEVEN), (0x160, 0x55)))

    def heal(request: bytes) -> bytes:
        answer = meter.answer(request)
        if request[6:-1] == struct.pack(">BI", 3, 2 * 384 + 381):
            store(meter, 2, record(SEVEN))
        return answer

    assert fetch(meter, heal).condition is Condition.GOOD


def test_an_unwritten_place_is_not_read_twice() -> None:
    meter = typical_meter()
    assert len(asks(fetch_record(SETUP, opened(meter), HOURS, 2), meter.answer)) == 7


def test_an_answer_that_is_late_by_one_request_never_passes_for_the_next() -> None:
    """Each answer comes once more before the next one, as after a repeated request on a slow line."""
    meter = meter_with_record()
    identity = opened(meter)
    true_reading, true_record = run(read(SETUP, identity), meter.answer), fetch(meter)

    def delayed() -> Callable[[bytes], bytes]:
        late = b""

        def answer(request: bytes) -> bytes:
            nonlocal late
            earlier, late = late, meter.answer(request)
            return earlier + late

        return answer

    assert run(read(SETUP, identity), delayed()) == true_reading
    assert run(fetch_record(SETUP, identity, HOURS, 2), delayed()) == true_record
    assert run(probe(SETUP, identity, HOURS, 2), delayed()) == Mark(SEVEN, 1.0)


# --- hostile lines


def disturbed(meter: MemoryMeter, changes: list[Callable[[bytes], bytes]]) -> Callable[[bytes], bytes]:
    """The meter at the end of a line that spoils its next answers, and is quiet afterwards."""
    queue = iter(changes)
    return lambda request: next(queue, lambda frame: frame)(meter.answer(request))


@settings(max_examples=150, deadline=None)
@given(st.lists(disturbances(), max_size=60))
def test_a_disturbed_line_tells_the_truth_at_last(changes: list[Callable[[bytes], bytes]]) -> None:
    meter = meter_with_record()
    identity = opened(meter)
    truth = (run(read(SETUP, identity), meter.answer), run(rings(SETUP, identity), meter.answer), fetch(meter))
    answer = disturbed(meter, changes)
    dialogues = (read(SETUP, identity), rings(SETUP, identity), fetch_record(SETUP, identity, HOURS, 2))
    assert tuple(run(dialogue, answer, tries=len(changes) + 1) for dialogue in dialogues) == truth


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_random_memory_raises_nothing_but_expected_errors(data: st.DataObject) -> None:
    meter = typical_meter(data.draw(st.sampled_from(["TSM-104", "TEM-106"])))
    meter.parameters[:] = data.draw(st.binary(min_size=64, max_size=64)) * 32
    meter.octets(0, f"{data.draw(st.integers(0, 7)):02X}")
    store(meter, 2, data.draw(st.binary(min_size=48, max_size=48)) * 8)
    try:
        identity = opened(meter)
        told = run(read(SETUP, identity), meter.answer)
        assert len(told.systems) == told.device["NumSystems"]
        fetched = run(fetch_record(SETUP, identity, HOURS, 2), meter.answer)
        assert (fetched.record is None) == (fetched.condition in (Condition.EMPTY, Condition.DAMAGED))
        run(probe(SETUP, identity, HOURS, 2), meter.answer)
        run(rings(SETUP, identity), meter.answer)
    except AgentError as expected:
        assert str(expected)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=80), max_size=30))
def test_random_bytes_in_place_of_answers_raise_nothing_but_expected_errors(noise: list[bytes]) -> None:
    meter = meter_with_record()
    identity = opened(meter)
    for dialogue in (
        DRIVER.ask_id(SETUP),
        open_meter(SETUP, b"TEM-106"),
        read(SETUP, identity),
        rings(SETUP, identity),
        probe(SETUP, identity, HOURS, 2),
        fetch_record(SETUP, identity, HOURS, 2),
    ):
        queue = iter(noise)
        with pytest.raises(AgentError):
            run(dialogue, lambda _request, queue=queue: next(queue, b""))

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers import tem_384
from drivers.tem_104 import DRIVER, fetch, open_meter, probe, read, rings
from drivers.tem_104_decode import decode_clock, decode_errors, hundredths
from drivers.tem_ring import bcd_stamp
from engine.codec import complement_sum
from engine.dialogue import Condition, Fetched, Identity, Mark, Ring, Setup
from engine.errors import AgentError, NoAnswer, Refused
from engine.model import Reading, Record, RecType, Value
from tests.fake.dialogue_runner import asks, run
from tests.fake.disturbed_line import Answer, delayed, disturbances, disturbed
from tests.fake.tem_104_memory import LegacyMeter, legacy_meter, point, record, set_up, store
from tests.fake.tem_384_memory import summed
from tests.fake.tem_384_memory import typical_meter as meter_384

SETUP = Setup(address=1)
NAN = float("nan")
HOURS = Ring(RecType.HOUR, 0, 1536, 3)
SEVEN = datetime(2018, 9, 26, 7)
SUPPLY = "03  00 00 00 00  {:02X} FF FF FF  00 00 00 00  {:02X} {:02X} FF FF  00 00 00 00  00 01 FF FF"


def opened(meter: LegacyMeter, setup: Setup = SETUP) -> Identity:
    id_bytes = run(DRIVER.ask_id(setup), meter.answer)
    assert DRIVER.accepts(id_bytes)
    return run(open_meter(setup, id_bytes), meter.answer)


def reading(meter: LegacyMeter, setup: Setup = SETUP) -> Reading:
    return run(read(setup, opened(meter, setup)), meter.answer)


def found_rings(meter: LegacyMeter) -> dict[RecType, tuple[int, int, int]]:
    found = run(rings(SETUP, opened(meter)), meter.answer)
    return {ring.rec_type: (ring.first, ring.count, ring.next_place) for ring in found}


def fetched_from(meter: LegacyMeter, answer: Answer | None = None, setup: Setup = SETUP) -> Fetched:
    return run(fetch(setup, opened(meter), HOURS, 2), answer or meter.answer)


def values_of(fetched: Fetched, number: int = 1) -> dict[str, Value]:
    assert isinstance(fetched.record, Record)
    return dict(fetched.record.systems[number - 1])


def meter_with_record(data: bytes | None = None) -> LegacyMeter:
    meter = legacy_meter()
    store(meter, 2, data or record(SEVEN))
    return meter


def broken(data: bytes, *changes: tuple[int, int]) -> bytes:
    """The record with other bytes at some places; its sum is left as it was."""
    changed = bytearray(data)
    for place, byte in changes:
        changed[place] = byte
    return bytes(changed)


# --- identity


def test_the_written_spelling_follows_the_id() -> None:
    assert opened(legacy_meter("TEM-104")).device_type == "ТЕМ-104"
    assert opened(legacy_meter("TEM-106")).device_type == "ТЕМ-106/1"
    assert set(DRIVER.device_types) == {"ТЕМ-104", "ТЕМ-106/1"}


@pytest.mark.parametrize("id_bytes", [b"TSM-104", b"TEM104-1", b"TEM-104M", b"", b"TEM-104 "])
def test_the_id_of_another_family_is_not_accepted(id_bytes: bytes) -> None:
    assert not DRIVER.accepts(id_bytes)


@pytest.mark.parametrize("number", [0, 0xFFFFFFFF])
def test_a_blank_serial_number_is_none(number: int) -> None:
    meter = legacy_meter()
    meter.longs(0x007C, number)
    assert opened(meter).meter_number == reading(meter).meter_number == ""


@pytest.mark.parametrize("new_map", [False, True])
@pytest.mark.parametrize("old_map", [False, True])
def test_a_106_is_opened_by_exactly_one_of_the_two_drivers(old_map: bool, new_map: bool) -> None:
    meter = legacy_meter("TEM-106")
    meter.parameters[0x01:0x07] = meter_384().parameters[0x01:0x07]
    if not old_map:
        meter.longs(0x00F4, 0, 0x200000, 0xFFFFFFFF)
    if new_map:
        meter.longs(0x04F4, 0, 0x200000 + 900 * 384, 0xFFFFFFFF)
    takers = []
    for driver in (DRIVER, tem_384.DRIVER):
        try:
            run(driver.open(SETUP, b"TEM-106"), meter.answer)
        except Refused:
            continue
        takers.append(driver.name)
    assert takers == (["tem_104"] if old_map and not new_map else ["tem_384"])


def test_a_meter_without_pointers_is_refused_when_its_clock_is_that_of_a_104m() -> None:
    meter = legacy_meter()
    meter.longs(0x00F4, 0, 0, 0)
    assert opened(meter).id_text == "TEM-104"
    meter.clock[0:6] = bytes((54, 13, 9, 26, 9, 18))
    with pytest.raises(Refused, match="ТЭМ-104М"):
        opened(meter)
    meter.longs(0x00F8, 0x200000 + 1540 * 256)
    assert opened(meter).id_text == "TEM-104"


@pytest.mark.parametrize("count", ["00", "05", "FF"])
def test_an_impossible_number_of_systems_is_asked_for_again(count: str) -> None:
    meter = legacy_meter()
    identity = opened(meter)
    meter.octets(0, count)
    with pytest.raises(NoAnswer, match="число систем"):
        opened(meter)
    with pytest.raises(NoAnswer, match="число систем"):
        run(read(SETUP, identity), meter.answer)


# --- where the systems are


@pytest.mark.parametrize("stride", [0x19, 0x20, 0x40])
def test_the_second_system_is_found_at_whatever_distance_it_stands(stride: int) -> None:
    told = reading(legacy_meter(stride=stride))
    assert [values["Type"] for values in told.systems] == ["Открытая", "Расходомер M"]
    assert told == reading(legacy_meter())


@pytest.mark.parametrize("stride", [0x19, 0x20, 0x40])
@pytest.mark.parametrize("filling", [0x00, 0xFF])
def test_four_systems_are_found_whatever_stands_between_them(stride: int, filling: int) -> None:
    meter = legacy_meter()
    meter.octets(0, "04")
    meter.parameters[0x0600:0x0700] = bytes([filling]) * 0x100
    for index in range(4):
        set_up(meter, index, stride, SUPPLY.format(index, index, 3 - index))
    told = reading(meter)
    assert [values["Type"] for values in told.systems] == ["Подача"] * 4
    assert told.systems[3]["Du1"] == 25
    assert told.doubts == ()


@pytest.mark.parametrize(
    "second",
    [
        "09",
        "0D  00 00 00 00  02",
        "01  00 00 00 00  04",
        "01  00 00 00 00  01",
        "01  00 00 00 00  02 00 00 00  00 00 00 00  07",
    ],
    ids=["no type", "no such type", "no flow channel", "flow of system 1", "no temperature channel"],
)
def test_when_no_distance_fits_only_the_first_system_is_read_and_told_of(second: str) -> None:
    meter = legacy_meter()
    meter.parameters[0x0619:0x0700] = b"\xff" * 0xE7
    set_up(meter, 1, 0x19, second)
    told = reading(meter)
    assert len(told.systems) == told.device["NumSystems"] == 1
    assert told.systems[0]["Type"] == "Открытая"
    assert told.doubts == ("системы 2…2: расположение настроек неизвестно, читается только система 1",)
    assert len(values_only_of_the_first(meter).systems) == 1


def values_only_of_the_first(meter: LegacyMeter) -> Record:
    store(meter, 2, record(SEVEN))
    fetched = fetched_from(meter)
    assert isinstance(fetched.record, Record)
    return fetched.record


def test_when_several_distances_fit_only_the_first_system_is_read() -> None:
    meter = legacy_meter()
    for stride in (0x19, 0x40):
        set_up(meter, 1, stride, "01  00 00 00 00  03 FF FF FF  00 00 00 00  03 FF FF FF  00 00 00 00  03 FF FF FF")
    assert len(reading(meter).systems) == 1


def test_blank_memory_does_not_pass_for_a_system() -> None:
    meter = legacy_meter()
    meter.parameters[0x0619:0x0700] = bytes(0xE7)
    assert len(reading(meter).systems) == 1


def test_a_meter_with_one_system_leaves_nothing_to_doubt() -> None:
    meter = legacy_meter()
    meter.octets(0, "01")
    told = reading(meter)
    assert (len(told.systems), told.doubts) == (1, ())


def test_an_unknown_type_of_the_first_system_leaves_its_channels_out() -> None:
    meter = legacy_meter()
    meter.octets(0, "01")
    set_up(meter, 0, 0, "09")
    told = reading(meter)
    assert told.doubts == ("S1Type: неизвестный тип системы",)
    assert told.systems[0].keys() == {"Type", "Q1", "Tgood", "Tmin", "Tmax", "Tdt", "Terr", "Err"}


def test_a_flow_channel_that_the_meter_has_not_got_has_no_totals() -> None:
    meter = legacy_meter()
    meter.octets(0, "01")
    set_up(meter, 0, 0, "0A  00 00 00 00  00 07")
    values = reading(meter).systems[0]
    assert [values[key] for key in ("V2", "M2", "Du2", "Gmax2")] == [None] * 4
    assert (values["V1"], values["G2"]) == (48147.5, 9.25)


# --- reading


def test_a_reading_tells_the_keys_of_the_manual() -> None:
    first, second = reading(legacy_meter()).systems
    times = {"Tgood", "Tmin", "Tmax", "Tdt", "Terr", "Err"}
    flow = {"Du1", "Gmin1", "Gmax1", "G1", "Gv1", "V1", "M1"}
    two = {key[:-1] + "2" for key in flow}
    assert first.keys() == {"Type", "Q1", "T1", "T2", "T3", "P1", "P2", "P3"} | times | flow | two
    assert second.keys() == {"Type", "Q1", "T1", "P1"} | times | flow


def test_totals_go_by_flow_channel_and_current_values_by_place_in_the_system() -> None:
    second = reading(legacy_meter()).systems[1]
    assert (second["V1"], second["M1"], second["Du1"]) == (2500.75, 2400.625, 32)
    assert (second["G1"], second["Gv1"], second["T1"], second["P1"]) == (3.125, 3.25, 41.5, 0.625)


def test_three_flows_of_a_source_are_told() -> None:
    meter = legacy_meter()
    meter.octets(0, "01")
    set_up(meter, 0, 0, "0C  00 00 00 00  00 01 02 FF")
    meter.ram_floats(0x2250, 1.5, 2.5, 3.5)
    values = reading(meter).systems[0]
    assert (values["Type"], values["G3"], values["V3"], values["M3"]) == ("Источник", 3.5, 2500.75, 2400.625)


@pytest.mark.parametrize(("unit", "expected"), [("", 1163.5), ("Gcal", 1163.5), ("MWh", 1163.5 / 1.163)])
def test_heat_is_told_in_gcal_whatever_the_meter_counts_in(unit: str, expected: float) -> None:
    setup = replace(SETUP, energy_unit=unit)
    meter = meter_with_record()
    assert reading(meter, setup).systems[0]["Q1"] == pytest.approx(expected)
    assert values_of(fetched_from(meter, setup=setup))["Q1"] == pytest.approx(expected)


@pytest.mark.parametrize(("index", "told"), [(0, 15), (7, 150), (8, None), (0xFFFF, None)])
def test_the_first_channels_tell_an_index_of_their_diameter(index: int, told: int | None) -> None:
    meter = legacy_meter()
    meter.shorts(0x00C4, index)
    found = reading(meter)
    assert found.systems[0]["Du1"] == told
    assert found.doubts == (() if told else ("S1Du1: неизвестный диаметр",))


def test_limits_are_shares_of_the_largest_flow() -> None:
    values = reading(legacy_meter()).systems[0]
    assert values["Gmax2"] == pytest.approx(160 * 0.8)
    assert values["Gmin2"] == pytest.approx(160 * 20 * 0.0005)


def test_a_value_that_is_no_number_is_unknown_and_named() -> None:
    meter = legacy_meter()
    meter.ram_floats(0x2204, NAN)
    meter.floats(0x0210, float("inf"))
    meter.floats(0x0228, NAN)
    told = reading(meter)
    assert told.systems[0]["T2"] is told.systems[0]["Q1"] is told.systems[1]["V1"] is None
    assert set(told.doubts) == {"S1T2: не число", "S1Q1: не число", "S2V1: не число"}


def test_the_clock_is_read_as_in_the_document() -> None:
    registers = bytes.fromhex("33 FF 15 FF 14 FF 02 02 03 04") + bytes(6)
    assert decode_clock(registers) == datetime(2004, 3, 2, 14, 15, 33)


@pytest.mark.parametrize("octets", ["00" * 10, "FF" * 10, "54 00 13 00 24 00 03 26 09 18"])
def test_a_clock_that_shows_no_date_is_unknown_and_named(octets: str) -> None:
    meter = legacy_meter()
    meter.clock[0x10:0x1A] = bytes.fromhex(octets)
    told = reading(meter)
    assert told.clock is None
    assert told.doubts == ("часы прибора: недопустимая дата",)
    assert told.systems[0]["T1"] == 72.5


@pytest.mark.parametrize(
    ("errors", "faults", "told"),
    [(0, 0, "0"), (0x01, 0, "1"), (0x04, 0, "1"), (0x08, 0, "2"), (0x20, 0, "2"), (0x40, 0, "3"), (0x80, 0, "3"),
     (0, 0x0001, "4"), (0, 0x0200, "4"), (0, 0x8000, "4"), (0x49, 0x0100, "1234"), (0xFF, 0xFFFF, "1234")],
)  # fmt: skip
def test_error_bits_become_the_numbers_of_the_manual(errors: int, faults: int, told: str) -> None:
    assert decode_errors(errors, faults) == told


@pytest.mark.parametrize("block_size", [16, 31, 32, 48, 56, 64, 128, 255])
def test_no_two_requests_of_one_kind_in_a_row_ask_for_equally_many_bytes(block_size: int) -> None:
    meter = meter_with_record()
    setup = replace(SETUP, block_size=block_size)
    identity = opened(meter, setup)
    dialogues = (open_meter(setup, b"TEM-106"), read(setup, identity), rings(setup, identity))
    dialogues += (fetch(setup, identity, HOURS, 2), fetch(setup, identity, HOURS, 2))
    met = [ask for dialogue in dialogues for ask, _ in asks(dialogue, meter.answer)]
    same = [(one, other) for one, other in pairwise(met) if one.request[3:5] == other.request[3:5]]
    assert all(one.expected != other.expected for one, other in same)


@pytest.mark.parametrize("block_size", [64, 128, 255])
def test_each_fraction_comes_in_one_answer_with_its_integer_part(block_size: int) -> None:
    meter = legacy_meter()
    setup = replace(SETUP, block_size=block_size)
    asked = [ask.request[6:-1] for ask, _ in asks(read(setup, opened(meter)), meter.answer)]
    assert {struct.pack(">HB", start, 0x40) for start in (0x0208, 0x0218, 0x0228)} <= set(asked)


@pytest.mark.parametrize("block_size", [4, 8, 16, 31, 48, 63])
def test_small_blocks_tell_the_same(block_size: int) -> None:
    meter = legacy_meter()
    setup = replace(SETUP, block_size=block_size)
    met = asks(read(setup, opened(meter)), meter.answer)
    assert max(ask.expected for ask, _ in met) <= 7 + block_size
    assert reading(meter, setup) == reading(meter)


@pytest.mark.parametrize("carried_after", range(24))
def test_a_carry_between_two_small_blocks_does_not_tear_a_total(carried_after: int) -> None:
    meter = legacy_meter()
    setup = replace(SETUP, block_size=16)
    identity = opened(meter)
    parameter_reads = iter(range(1000))

    def carry(request: bytes) -> bytes:
        answer = meter.answer(request)
        if request[6] == 0x02 and next(parameter_reads) == carried_after:
            meter.floats(0x0208, 0.0)
            meter.longs(0x0238, 48148)
        return answer

    told = run(read(setup, identity), carry)
    assert told.systems[0]["V1"] in (48147.5, 48148.0)


def test_totals_that_never_stand_still_are_not_told() -> None:
    meter = legacy_meter()
    setup = replace(SETUP, block_size=16)
    identity = opened(meter)
    counter = iter(range(1000))

    def restless(request: bytes) -> bytes:
        meter.longs(0x0238, next(counter))
        return meter.answer(request)

    with pytest.raises(NoAnswer, match="меняются"):
        run(read(setup, identity), restless)


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=32, max_size=32))
def test_nothing_is_told_from_memory_that_was_not_asked_for(filling: bytes) -> None:
    meter = legacy_meter()
    meter.octets(0, "01")
    truth = reading(meter)
    covered = {0x0000: 0x10, 0x0078: 8, 0x00C4: 0x20, 0x00F4: 0x0C, 0x0208: 0xB4, 0x0600: 0x19}
    memory = bytearray(filling * 64)
    for start, length in covered.items():
        memory[start : start + length] = meter.parameters[start : start + length]
    meter.parameters[:] = memory
    assert reading(meter) == truth


# --- rings


@pytest.mark.parametrize("places", [(0, 1536, 1904), (1535, 1903, 2047), (700, 1600, 1950)])
def test_the_pointers_tell_what_is_written_next(places: tuple[int, int, int]) -> None:
    meter = legacy_meter()
    point(meter, *places)
    sizes = [(0, 1536), (1536, 368), (1904, 144)]
    assert found_rings(meter) == {t: (*size, place) for t, size, place in zip("HDM", sizes, places, strict=True)}


@pytest.mark.parametrize("pointer", [0, 0xFFFFFFFF, 0x200001, 0x200000 + 1536 * 0x100])
def test_a_pointer_that_fits_nowhere_is_replaced_by_what_the_stamps_tell(pointer: int) -> None:
    meter = legacy_meter()
    meter.longs(0x00F4, pointer)
    for place in range(1536):
        store(meter, place, record(datetime(2018, 9, 1) + timedelta(hours=place if place < 700 else place - 1536)))
    assert found_rings(meter)[RecType.HOUR] == (0, 1536, 700)


def test_the_search_among_stamps_stops_at_a_damaged_record() -> None:
    meter = legacy_meter()
    meter.longs(0x00F4, 0)
    store(meter, 0, record(SEVEN))
    store(meter, 768, b"\x12\x34\x56\x78")
    with pytest.raises(Refused, match="повреждённая запись"):
        found_rings(meter)


@pytest.mark.parametrize(("address", "octets"), [(0x0000, "01"), (0x0600, "0B"), (0x0605, "03"), (0x007F, "00")])
def test_another_meter_or_set_up_than_was_opened_is_refused(address: int, octets: str) -> None:
    meter = legacy_meter()
    identity = opened(meter)
    meter.octets(address, octets)
    with pytest.raises(Refused, match="изменились"):
        run(rings(SETUP, identity), meter.answer)


# --- records


def test_a_stamp_is_read_as_in_the_document() -> None:
    assert bcd_stamp(bytes.fromhex("08 20 03 04")) == datetime(2004, 3, 20, 8)


def test_a_probe_tells_stamp_and_powered_time_with_two_short_requests() -> None:
    meter = meter_with_record(record(SEVEN, powered_s=5400))
    met = asks(probe(SETUP, opened(meter), HOURS, 2), meter.answer)
    assert [ask.expected - 7 for ask, _ in met] == [4, 8]
    assert run(probe(SETUP, opened(meter), HOURS, 2), meter.answer) == Mark(SEVEN, 1.5)


def test_a_probe_of_an_empty_or_damaged_place_tells_nothing() -> None:
    for data in (b"\xff" * 256, b"\x00" * 256, b"\x07\x32\x09\x18"):
        assert run(probe(SETUP, opened(legacy_meter()), HOURS, 2), meter_with_record(data).answer) == Mark(None)


def test_probe_and_record_tell_the_same_powered_time() -> None:
    meter = meter_with_record(record(SEVEN, powered_s=791257))
    mark = run(probe(SETUP, opened(meter), HOURS, 2), meter.answer)
    assert mark == Mark(SEVEN, values_of(fetched_from(meter))["Tall"])  # type: ignore[arg-type]


def test_a_record_tells_the_keys_of_the_manual() -> None:
    fetched = fetched_from(meter_with_record())
    assert fetched.condition is Condition.GOOD and isinstance(fetched.record, Record)
    first, second = fetched.record.systems
    times = {"Tall", "Tgood", "Tmin", "Tmax", "Tdt", "Terr", "Err"}
    assert first.keys() == {"Q1", "M1", "V1", "M2", "V2", "T1", "T2", "T3", "P1", "P2", "P3"} | times
    assert second.keys() == {"Q1", "M1", "V1", "T1", "P1"} | times
    assert (fetched.record.rec_type, fetched.record.stamp) == (RecType.HOUR, SEVEN)


def test_times_and_sensors_of_a_record_go_by_system() -> None:
    fetched = fetched_from(meter_with_record())
    first, second = values_of(fetched), values_of(fetched, 2)
    times = ("Tgood", "Tmin", "Tmax", "Tdt", "Terr")
    assert [first[key] for key in times] == [7.5, 1, 3, 5, 7]
    assert [second[key] for key in times] == [8.5, 2, 4, 6, 8]
    assert [first[key] for key in ("T1", "T2", "T3", "P1", "P2", "P3")] == [57.5, 55.13, 10, 0.75, 0.5, 0.25]
    assert (second["T1"], second["P1"], first["Err"], second["Err"]) == (41.5, 0.62, "13", "24")


@pytest.mark.parametrize(("raw", "told"), [(0, 0.0), (15000, 150.0), (0x7FFF, 327.67), (0x8000, None), (0xFFFF, None)])
def test_a_temperature_in_the_upper_half_is_not_known(raw: int, told: float | None) -> None:
    assert hundredths(raw) == told


def test_a_sum_with_every_bit_turned_will_do() -> None:
    data = record(SEVEN)
    turned = data[:-1] + bytes((complement_sum(data[:-1]),))
    assert fetched_from(meter_with_record(turned)).condition is Condition.GOOD


def test_a_record_with_something_that_is_no_number_is_kept_without_it() -> None:
    fetched = fetched_from(meter_with_record(summed(broken(record(SEVEN), (0x08, 0xFF), (0x09, 0xFF)))))
    assert fetched.condition is Condition.GOOD
    assert values_of(fetched)["V1"] is None


@pytest.mark.parametrize("data", [b"\xff" * 256, b"\x00" * 256])
def test_an_unwritten_place_is_empty_and_read_once(data: bytes) -> None:
    meter = meter_with_record(data)
    assert fetched_from(meter) == Fetched(Condition.EMPTY)
    assert len(asks(fetch(SETUP, opened(meter), HOURS, 2), meter.answer)) == 5


def test_a_stamp_that_is_no_date_damages_a_record_even_with_a_fitting_sum() -> None:
    fetched = fetched_from(meter_with_record(summed(broken(record(SEVEN), (1, 0x32)))))
    assert fetched == Fetched(Condition.DAMAGED, reason="недопустимая дата записи")


def test_a_record_whose_sum_does_not_fit_is_kept_when_two_readings_are_equal() -> None:
    fetched = fetched_from(meter_with_record(broken(record(SEVEN), (0xFF, 0x00))))
    assert fetched.condition is Condition.UNSUMMED
    assert fetched.record and fetched.record.stamp == SEVEN


def test_a_record_whose_sum_does_not_fit_needs_both_stamps() -> None:
    fetched = fetched_from(meter_with_record(broken(record(SEVEN), (0xFF, 0x00), (0x05, 0xFF))))
    assert fetched == Fetched(Condition.DAMAGED, reason="контрольная сумма записи")


@pytest.mark.parametrize("kept", [0x08, 0x80, 0xF8])
def test_a_record_that_was_not_written_to_its_end_is_damaged_whatever_its_sum(kept: int) -> None:
    data = record(SEVEN)[:kept] + b"\xff" * (256 - kept)
    for torn in (data, summed(data)):
        assert fetched_from(meter_with_record(torn)) == Fetched(Condition.DAMAGED, reason="запись не дописана")


def test_a_record_that_reads_differently_each_time_is_damaged() -> None:
    meter = meter_with_record()
    counter = iter(range(1, 1000))

    def restless(request: bytes) -> bytes:
        meter.flash[2 * 256 + 0xF0] = next(counter) % 64
        return meter.answer(request)

    assert fetched_from(meter, restless) == Fetched(Condition.DAMAGED, reason="контрольная сумма записи")


def test_an_answer_that_is_late_by_one_request_never_passes_for_the_next() -> None:
    meter = meter_with_record()
    identity = opened(meter)
    dialogues: tuple[Callable[[], object], ...] = (
        lambda: run(read(SETUP, identity), delayed(meter.answer)) == run(read(SETUP, identity), meter.answer),
        lambda: run(fetch(SETUP, identity, HOURS, 2), delayed(meter.answer)) == fetched_from(meter),
        lambda: run(probe(SETUP, identity, HOURS, 2), delayed(meter.answer)) == Mark(SEVEN, 1.0),
    )
    assert all(dialogue() for dialogue in dialogues)


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
    meter = legacy_meter(data.draw(st.sampled_from(["TEM-104", "TEM-106"])))
    meter.parameters[:] = data.draw(st.binary(min_size=64, max_size=64)) * 32
    meter.octets(0, f"{data.draw(st.integers(0, 5)):02X}")
    if data.draw(st.booleans()):
        point(meter, 3, 1538, 1905)
    meter.ram[:] = data.draw(st.binary(min_size=146, max_size=146)) * 4
    meter.clock[:] = data.draw(st.binary(min_size=32, max_size=32)) * 4
    store(meter, 2, data.draw(st.binary(min_size=64, max_size=64)) * 4)
    try:
        identity = opened(meter)
        told = run(read(SETUP, identity), meter.answer)
        assert len(told.systems) == told.device["NumSystems"]
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
        open_meter(SETUP, b"TEM-104"),
        open_meter(SETUP, b"TEM-106"),
        read(SETUP, identity),
        rings(SETUP, identity),
        probe(SETUP, identity, HOURS, 2),
        fetch(SETUP, identity, HOURS, 2),
    ):
        queue = iter(noise)
        with pytest.raises(AgentError):
            run(dialogue, lambda _request, queue=queue: next(queue, b""))

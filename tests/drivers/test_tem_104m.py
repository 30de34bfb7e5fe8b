from __future__ import annotations

import struct
from collections.abc import Callable, Generator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers import tem_104
from drivers.tem_104m import DRIVER, fetch, open_meter, probe, read, rings
from drivers.tem_104m_decode import decode_errors
from engine.dialogue import Ask, Condition, Fetched, Identity, Mark, Ring, Setup
from engine.errors import AgentError, NoAnswer, Refused
from engine.model import Event, Reading, Record, RecType, Value
from tests.fake.dialogue_runner import asks, run
from tests.fake.disturbed_line import Answer, delayed, disturbances, disturbed
from tests.fake.tem_104m_memory import (
    ModernMeter,
    current,
    event,
    record,
    store,
    store_event,
    summed,
    typical_meter,
)

SETUP = Setup(address=1)
NAN = float("nan")
SEVEN = datetime(2018, 9, 26, 7)
HOUR = timedelta(hours=1)
HOURS = Ring(RecType.HOUR, 0, 1600, 3)
EVENTS_OF_1 = Ring(RecType.EVENT, 0xD3680 // 16, 2500, 0xD3680 // 16 + 3)
EVENTS_OF_DEVICE = Ring(RecType.EVENT, 0xFA780 // 16, 1200, 0xFA780 // 16)


def opened(meter: ModernMeter, setup: Setup = SETUP) -> Identity:
    id_bytes = run(DRIVER.ask_id(setup), meter.answer)
    assert DRIVER.accepts(id_bytes)
    return run(open_meter(setup, id_bytes), meter.answer)


def reading(meter: ModernMeter, setup: Setup = SETUP) -> Reading:
    return run(read(setup, opened(meter, setup)), meter.answer)


def system(meter: ModernMeter, number: int = 1) -> dict[str, Value]:
    return dict(reading(meter).systems[number - 1])


def next_places(meter: ModernMeter, identity: Identity | None = None) -> list[int]:
    """Of hours, days, report dates, events of the device and of systems 1 to 4, each from its first place."""
    found = run(rings(SETUP, identity or opened(meter)), meter.answer)
    return [ring.next_place - ring.first for ring in found]


def fetched(meter: ModernMeter, ring: Ring = HOURS, number: int = 2, setup: Setup = SETUP) -> Fetched:
    return run(fetch(setup, opened(meter), ring, ring.first + number), meter.answer)


def meter_with_record(data: bytes | None = None) -> ModernMeter:
    meter = typical_meter()
    store(meter, 2, data or record(SEVEN))
    return meter


def broken(data: bytes, *changes: tuple[int, int]) -> bytes:
    """The same with other bytes at some places; its sum is left as it was."""
    changed = bytearray(data)
    for place, byte in changes:
        changed[place] = byte
    return bytes(changed)


# --- identity


def test_the_written_spelling_is_that_of_the_manual() -> None:
    identity = opened(typical_meter())
    assert (identity.device_type, identity.meter_number) == ("ТЕМ-104М", "5150042")
    assert DRIVER.device_types == ("ТЕМ-104М",)


@pytest.mark.parametrize("id_bytes", [b"TEM-104M-1", b"TEM104-1", b"TSM-104", b"TEM-106", b"", b"TEM-104M "])
def test_the_id_of_another_family_is_not_accepted(id_bytes: bytes) -> None:
    assert not DRIVER.accepts(id_bytes)


def test_a_meter_of_this_map_with_the_id_of_the_older_one_is_opened_here_and_refused_there() -> None:
    meter = typical_meter("TEM-104")
    assert opened(meter).meter_number == "5150042"
    with pytest.raises(Refused):
        run(tem_104.open_meter(SETUP, b"TEM-104"), meter.answer)


def with_pointers(meter: ModernMeter) -> None:
    meter.octets(0x00F4, "00 20 05 00")


def without_clock(meter: ModernMeter) -> None:
    meter.clock = bytes(7)


def with_five_systems(meter: ModernMeter) -> None:
    meter.octets(0x0004, "05")


@pytest.mark.parametrize("change", [with_pointers, without_clock, with_five_systems])
def test_an_older_meter_with_its_own_id_is_refused(change: Callable[[ModernMeter], None]) -> None:
    meter = typical_meter("TEM-104")
    change(meter)
    with pytest.raises(Refused, match="старого образца"):
        opened(meter)


@pytest.mark.parametrize("number", [0, 0xFFFFFFFF])
def test_a_blank_serial_number_is_none(number: int) -> None:
    meter = typical_meter()
    meter.put(0x0000, "L", number)
    assert opened(meter).meter_number == reading(meter).meter_number == ""


@pytest.mark.parametrize("count", ["00", "05", "FF"])
def test_an_impossible_number_of_systems_is_asked_for_again(count: str) -> None:
    meter = typical_meter()
    identity = opened(meter)
    meter.octets(0x0004, count)
    with pytest.raises(NoAnswer, match="число систем"):
        opened(meter)
    with pytest.raises(NoAnswer, match="число систем"):
        run(read(SETUP, identity), meter.answer)


# --- where the current values are


def at_zero(meter: ModernMeter) -> ModernMeter:
    """The same values where public drivers read them."""
    both = meter.ram.pop(0x4000)
    meter.ram |= {0x0000: both[:0x73], 0x4073: both[0x73:]}
    return meter


def test_current_values_are_found_at_zero_when_4000_is_silent() -> None:
    assert reading(at_zero(typical_meter())) == reading(typical_meter())


@pytest.mark.parametrize("filling", [b"\x00", b"\xff", b"\x41", b"\x7f\x01\xc2\x42"])
def test_current_values_are_found_at_zero_when_4000_is_senseless(filling: bytes) -> None:
    meter = at_zero(typical_meter())
    meter.ram[0x4000] = bytearray((filling * 0x73)[:0x73])
    assert reading(meter) == reading(typical_meter())


def test_the_place_of_the_document_stands_when_neither_makes_sense() -> None:
    meter = typical_meter()
    meter.ram[0x4000][:4] = struct.pack("<f", NAN)
    meter.ram[0x0000] = bytearray(0x73)
    told = reading(meter)
    assert (told.systems[0]["T1"], told.systems[0]["T2"]) == (None, 55.25)
    assert told.doubts == ("S1T1: нет допустимого значения",)


def test_a_meter_without_current_values_is_asked_again() -> None:
    meter = typical_meter()
    meter.ram.clear()
    with pytest.raises(NoAnswer, match="текущих значений"):
        opened(meter)


# --- reading


def test_a_value_that_cannot_be_is_unknown_and_named() -> None:
    meter = typical_meter()
    struct.pack_into("<f", meter.ram[0x4000], 0x04, 500.0)
    struct.pack_into("<f", meter.ram[0x4000], 0x50, float("inf"))
    meter.put(0x0848, "f", NAN)
    told = reading(meter)
    assert told.systems[0]["T2"] is told.systems[0]["G1"] is told.systems[0]["V1"] is None
    assert set(told.doubts) == {f"S1{key}: нет допустимого значения" for key in ("T2", "G1", "V1")}


@pytest.mark.parametrize(("unit", "factor"), [("", 1), ("Gcal", 1), ("MWh", 1 / 1.163), ("GJ", 1 / 4.1868)])
def test_heat_is_told_in_gcal_whatever_the_user_says_that_the_meter_counts_in(unit: str, factor: float) -> None:
    setup = replace(SETUP, energy_unit=unit)
    assert reading(typical_meter(), setup).systems[0]["Q1"] == pytest.approx(831.21875 * factor)
    got = fetched(meter_with_record(), setup=setup)
    assert isinstance(got.record, Record) and got.record.systems[0]["Q1"] == pytest.approx(831.21875 * factor)


@pytest.mark.parametrize(
    ("kind", "flows", "pressures", "temperatures"),
    list(zip(range(16), (1,) * 9 + (2,) * 4 + (3,) * 3, (0, 1, 1, *(2,) * 8, 3, 3, 3, 2, 3),
             (0, 1, 1, *(2,) * 8, 3, 3, 3, 2, 3), strict=True)),
)  # fmt: skip
def test_the_type_chooses_the_channels(kind: int, flows: int, pressures: int, temperatures: int) -> None:
    meter = typical_meter()
    meter.octets(0x0080, f"{kind:02X}")
    values = system(meter)
    for letter, count in (("G", flows), ("V", flows), ("M", flows), ("P", pressures), ("T", temperatures)):
        shown = {key for key in values if key[0] == letter and key[1:].isdigit()}
        assert shown == {f"{letter}{n}" for n in range(1, count + 1)}
    assert ("Q2" in values) == (kind == 9)


def test_the_cold_of_a_system_of_heat_and_cold_is_its_second_heat() -> None:
    meter = typical_meter()
    meter.octets(0x0080, "09")
    assert system(meter)["Q2"] == pytest.approx(3.75)


def test_an_unknown_system_type_is_unknown_and_named() -> None:
    meter = typical_meter()
    meter.octets(0x0080, "10")
    told = reading(meter)
    assert told.systems[0]["Type"] is None
    assert told.doubts == ("S1Type: неизвестный тип системы",)
    assert told.systems[1]["T1"] == 90.5


def test_a_flow_channel_that_is_not_there_has_no_totals() -> None:
    meter = typical_meter()
    meter.octets(0x0085, "04")
    told = reading(meter)
    assert told.systems[0]["V1"] is told.systems[0]["M1"] is None
    assert told.systems[0]["G1"] == 10.25
    assert "Du1" not in told.systems[0]


@pytest.mark.parametrize(("number", "diameter"), [(0, 15), (7, 150), (8, None), (10, 10), (300, 300), (0xFFFF, None)])
def test_a_diameter_is_a_place_in_the_row_or_millimetres(number: int, diameter: int | None) -> None:
    meter = typical_meter()
    meter.put(0x0480, "H", number)
    assert system(meter)["Du1"] == diameter


@pytest.mark.parametrize("clock", ["00 00 00 00 00 00", "FF FF FF FF FF FF", "00 3C 09 1A 09 12", "00 00 09 1A 09 64"])
def test_a_clock_that_shows_no_date_is_unknown_and_named(clock: str) -> None:
    meter = typical_meter()
    meter.clock = bytes.fromhex(clock)
    told = reading(meter)
    assert told.clock is None
    assert told.doubts == ("часы прибора: недопустимая дата",)


@pytest.mark.parametrize(
    ("tekerr", "teherr", "told"),
    [(0, 0, "0"), (0x07, 0, "1"), (0x38, 0, "2"), (0xC0, 0, "3"), (0, 0x8000, "4"), (0xFF, 0xFFFF, "1234"),
     (0x41, 0, "13"), (0x04, 0x0200, "14")],
)  # fmt: skip
def test_error_bits_become_the_numbers_of_the_manual(tekerr: int, teherr: int, told: str) -> None:
    assert decode_errors(tekerr, teherr) == told
    meter = typical_meter()
    struct.pack_into("<BH", meter.ram[0x4000], 0x70, tekerr, teherr)
    assert system(meter)["Err"] == told


def test_four_systems_are_told() -> None:
    meter = typical_meter()
    meter.octets(0x0004, "04")
    meter.ram[0x4000] += current(t="1 2", p="3 4", gv="5", gm="6") + current(t="7 8", p="9 10", gv="11", gm="12")
    told = reading(meter)
    assert len(told.systems) == told.device["NumSystems"] == 4
    assert told.systems[3]["G1"] == 12


def test_a_set_up_that_changed_since_the_meter_was_opened_is_followed() -> None:
    meter = typical_meter()
    identity = opened(meter)
    meter.octets(0x0004, "01")
    assert len(run(read(SETUP, identity), meter.answer).systems) == 1


@pytest.mark.parametrize("block_size", [8, 16, 31, 48, 128, 255])
def test_other_blocks_tell_the_same(block_size: int) -> None:
    setup = replace(SETUP, block_size=block_size)
    assert reading(typical_meter(), setup) == reading(typical_meter())


def test_a_carry_between_integer_parts_and_fractions_does_not_tear_a_total() -> None:
    meter = typical_meter()
    identity = opened(meter)

    def carry(request: bytes) -> bytes:
        answer = meter.answer(request)
        if request[3:8] == b"\x0f\x01\x03\x08\x00":
            meter.put(0x0808, "L", 48148)
            meter.put(0x0848, "f", 0.0)
        return answer

    assert run(read(SETUP, identity), carry).systems[0]["V1"] == 48148


def test_totals_that_never_stand_still_are_not_told() -> None:
    meter = typical_meter()
    identity = opened(meter)
    counter = iter(range(1000))

    def restless(request: bytes) -> bytes:
        meter.put(0x0808, "L", next(counter))
        return meter.answer(request)

    with pytest.raises(NoAnswer, match="меняются"):
        run(read(SETUP, identity), restless)


def test_no_two_requests_in_a_row_of_one_kind_ask_for_equally_many_bytes() -> None:
    meter = typical_meter()
    meter.octets(0x0004, "04")
    meter.ram[0x4000] += current(t="1 2", p="3 4", gv="5", gm="6") * 2
    identity = opened(meter)
    for dialogue in (open_meter(SETUP, b"TEM-104M"), read(SETUP, identity), rings(SETUP, identity)):
        met = [(ask.request[3:5], ask.expected) for ask, _ in asks(dialogue, meter.answer)]
        assert all(one != other for one, other in pairwise(met))


# --- rings


def test_unwritten_rings_begin_at_their_first_places() -> None:
    meter = typical_meter()
    found = run(rings(SETUP, opened(meter)), meter.answer)
    assert [(ring.rec_type, ring.first, ring.count) for ring in found] == [
        ("H", 0, 1600), ("D", 1600, 800), ("M", 2400, 60), ("E", 0xFA78, 1200),
        ("E", 0xD368, 2500), ("E", 0xDD2C, 2500), ("E", 0xE6F0, 2500), ("E", 0xF0B4, 2500),
    ]  # fmt: skip
    assert next_places(meter) == [0] * 8


def written_events(meter: ModernMeter, ring: int, total: int, count: int) -> None:
    for number in range(max(0, total - count), total):
        store_event(meter, ring, number % count, event(SEVEN + number * HOUR, 0, 1))


@pytest.mark.parametrize("total", [1, 7, 59, 60, 61, 100])
def test_the_end_of_a_ring_is_found_among_the_stamps(total: int) -> None:
    meter = typical_meter()
    for number in range(max(0, total - 60), total):
        store(meter, 2400 + number % 60, record(SEVEN + timedelta(days=30 * number)))
    assert next_places(meter)[2] == total % 60


def test_what_is_written_since_is_noticed_with_one_look_at_each_ring() -> None:
    meter = typical_meter()
    for number in range(5):
        store(meter, number, record(SEVEN + number * HOUR))
    written_events(meter, 1, 4, 2500)
    identity = opened(meter)
    assert next_places(meter, identity)[:5] == [5, 0, 0, 0, 4]
    assert len(asks(rings(SETUP, identity), meter.answer)) == 3 + 8
    store(meter, 5, record(SEVEN + 5 * HOUR))
    store_event(meter, 1, 4, event(SEVEN + 9 * HOUR, 0, 1))
    store_event(meter, 1, 5, event(SEVEN + 9 * HOUR, 1, 0))
    assert next_places(meter, identity)[:5] == [6, 0, 0, 0, 6]


def test_a_full_ring_that_comes_round_is_followed() -> None:
    meter = typical_meter()
    for number in range(60):
        store(meter, 2400 + number, record(SEVEN + timedelta(days=30 * number)))
    identity = opened(meter)
    assert next_places(meter, identity)[2] == 0
    for number in (60, 61):
        store(meter, 2400 + number - 60, record(SEVEN + timedelta(days=30 * number)))
    assert next_places(meter, identity)[2] == 2


def test_a_clock_that_was_set_back_does_not_hide_what_is_written_since() -> None:
    meter = typical_meter()
    for number in range(5):
        store(meter, number, record(SEVEN + number * HOUR))
    identity = opened(meter)
    next_places(meter, identity)
    store(meter, 5, record(SEVEN + 2 * HOUR, 7200))
    assert next_places(meter, identity)[0] == 6


def test_more_than_can_be_followed_is_looked_for_anew() -> None:
    meter = typical_meter()
    identity = opened(meter)
    next_places(meter, identity)
    written_events(meter, 2, 200, 2500)
    assert next_places(meter, identity)[5] == 200


def test_a_place_erased_ahead_of_writing_is_still_the_next() -> None:
    meter = typical_meter()
    for number in range(60):
        store(meter, 2400 + (number + 10) % 60, record(SEVEN + timedelta(days=30 * number)))
    identity = opened(meter)
    assert next_places(meter, identity)[2] == 10
    store(meter, 2410, b"\xff" * 352)
    assert next_places(meter, identity)[2] == 10


@pytest.mark.parametrize("places", [{0}, {2, 3}, {8}, {9}, {8, 9}])
def test_single_damaged_stamps_do_not_hide_the_end(places: set[int]) -> None:
    meter = typical_meter()
    for number in range(60):
        store(meter, 2400 + (number + 10) % 60, record(SEVEN + timedelta(days=30 * number)))
    for place in places:
        store(meter, 2400 + place, b"\x01\x00\x00\x00")
    found = next_places(meter)[2]
    newest_good = max({*range(10)} - places)
    assert newest_good < found <= 10, "a damaged newest record counts as the next, never as long past"


def test_an_archive_full_of_damage_is_refused() -> None:
    meter = typical_meter()
    for number in range(60):
        store(meter, 2400 + number, b"\x01\x00\x00\x00")
    with pytest.raises(Refused, match="повреждённые"):
        next_places(meter)


def test_events_full_of_damage_are_read_from_first_to_last() -> None:
    meter = typical_meter()
    store(meter, 0, record(SEVEN))
    for number in range(2500):
        store_event(meter, 3, number, b"\x01\x00\x00\x00")
    assert next_places(meter) == [1, 0, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(("address", "octets"), [(0x0004, "01"), (0x0080, "03"), (0x0000, "00")])
def test_another_meter_or_set_up_than_was_opened_is_refused(address: int, octets: str) -> None:
    meter = typical_meter()
    identity = opened(meter)
    meter.octets(address, octets)
    with pytest.raises(Refused, match="изменились"):
        run(rings(SETUP, identity), meter.answer)


# --- records


def test_a_record_tells_the_keys_of_the_manual() -> None:
    got = fetched(meter_with_record())
    assert got.condition is Condition.GOOD and isinstance(got.record, Record)
    first, second = got.record.systems
    times = {"Tall", "Tgood", "Tmin", "Tmax", "Tdt", "Terr", "Err"}
    assert first.keys() == {"Q1", "M1", "V1", "M2", "V2", "T1", "T2", "T3", "P1", "P2", "P3"} | times
    assert second.keys() == {"Q1", "M1", "V1", "T1", "T2", "P1", "P2"} | times
    assert (first["T1"], first["P2"], first["Err"], second["Err"]) == (57.56, 0.3, "13", "4")


def test_probe_and_record_tell_the_same_stamp_and_powered_time() -> None:
    meter = meter_with_record(record(SEVEN, powered_s=791257))
    got = fetched(meter)
    assert isinstance(got.record, Record)
    met = asks(probe(SETUP, opened(meter), HOURS, 2), meter.answer)
    assert [ask.expected - 7 for ask, _ in met] == [4, 8]
    mark = run(probe(SETUP, opened(meter), HOURS, 2), meter.answer)
    assert mark == Mark(got.record.stamp, got.record.systems[0]["Tall"]) == Mark(SEVEN, 791257 / 3600)


def test_a_temperature_that_cannot_be_is_unknown() -> None:
    got = fetched(meter_with_record(summed(broken(record(SEVEN), (0x11C, 0xFF), (0x11D, 0xFF)))))
    assert isinstance(got.record, Record) and got.record.systems[0]["T1"] is None


@pytest.mark.parametrize("data", [b"\xff" * 352, b"\x00" * 352])
def test_an_unwritten_place_is_empty_and_not_read_twice(data: bytes) -> None:
    meter = meter_with_record(data)
    assert fetched(meter) == Fetched(Condition.EMPTY)
    assert len(asks(fetch(SETUP, opened(meter), HOURS, 2), meter.answer)) == 6
    assert run(probe(SETUP, opened(meter), HOURS, 2), meter.answer) == Mark(None)


@pytest.mark.parametrize("seconds", [946684799, 4102444800])
def test_a_stamp_outside_2000_to_2099_damages_a_record_even_with_a_fitting_sum(seconds: int) -> None:
    data = bytearray(record(SEVEN))
    struct.pack_into("<L", data, 0, seconds)
    assert fetched(meter_with_record(summed(data))) == Fetched(Condition.DAMAGED, reason="недопустимая дата записи")


def test_a_record_whose_sum_does_not_fit_is_kept_when_two_readings_are_equal() -> None:
    got = fetched(meter_with_record(broken(record(SEVEN), (0x15F, 0x00))))
    assert got.condition is Condition.UNSUMMED and got.record and got.record.stamp == SEVEN


def test_a_record_whose_sum_does_not_fit_needs_a_period_that_ends_after_it_began() -> None:
    later = record(SEVEN, before=SEVEN + HOUR)
    wrong_sum = Fetched(Condition.DAMAGED, reason="контрольная сумма записи")
    assert fetched(meter_with_record(broken(later, (0x15F, 0x00)))) == wrong_sum
    assert fetched(meter_with_record(summed(later))).condition is Condition.GOOD


def test_a_record_that_reads_differently_each_time_is_damaged() -> None:
    meter = meter_with_record()
    identity = opened(meter)
    counter = iter(range(1, 1000))

    def restless(request: bytes) -> bytes:
        meter.flash[2 * 352 + 0x150] = next(counter)
        return meter.answer(request)

    got = run(fetch(SETUP, identity, HOURS, 2), restless)
    assert got == Fetched(Condition.DAMAGED, reason="контрольная сумма записи")


# --- events


@pytest.mark.parametrize(
    ("mask", "told"),
    [
        (0x1, {"Code": 4, "Text": "датчик T1: обрыв или КЗ (начало)"}),
        (0x4, {"Code": 4, "Text": "датчик T3: обрыв или КЗ (начало)"}),
        (0x8, {"Code": 3, "Text": "разность температур меньше минимума (начало)"}),
        (0x20, {"Code": 1, "Flow": "2", "Text": "G2 меньше минимума (начало)"}),
        (0x200, {"Code": 2, "Flow": "3", "Text": "G3 больше максимума (начало)"}),
        (0x400, {"Code": 4, "Flow": "1", "Text": "нет теплоносителя в канале 1 (начало)"}),
        (0x4000, {"Code": 4, "Flow": "2", "Text": "возбуждение канала 2 (начало)"}),
        (0x20000, {"Code": 4, "Text": "датчик P3 (начало)"}),
        (0x40000, {"Code": 5, "Text": "обратный поток (начало)"}),
    ],
)
def test_an_event_of_a_system_tells_the_keys_of_the_manual(mask: int, told: dict[str, Value]) -> None:
    meter = typical_meter()
    store_event(meter, 1, 2, event(SEVEN, 0, mask))
    got = fetched(meter, EVENTS_OF_1)
    assert got == Fetched(Condition.GOOD, Event(SEVEN, {"Sys": 1, "State": 1, "Source": "meter"} | told))


@pytest.mark.parametrize(
    ("mask", "told"),
    [
        (0x1, {"SYS": "ПИТ", "Code": 4, "State": 1, "Text": "нет питания (начало)"}),
        (0x2, {"SYS": "ПИТ", "Code": 4, "State": 0, "Text": "нет питания (конец)"}),
        (0x4, {"Code": 6, "State": 1, "Text": "изменены общие настройки"}),
        (0x10, {"Code": 7, "State": 1, "Text": "аварийный вход (начало)"}),
        (0x2000000, {"Code": 6, "State": 1, "Text": "изменены настройки системы 4"}),
        (0x8000000, {"Code": 6, "State": 1, "Text": "изменены дата или время"}),
    ],
)
def test_an_event_of_the_device_tells_the_keys_of_the_manual(mask: int, told: dict[str, Value]) -> None:
    meter = typical_meter()
    store_event(meter, 0, 1199, event(SEVEN, 0, mask))
    got = fetched(meter, EVENTS_OF_DEVICE, 1199)
    assert got == Fetched(Condition.GOOD, Event(SEVEN, {"Sys": 0, "Source": "meter"} | told))


def test_each_ring_of_events_knows_its_system() -> None:
    meter = typical_meter()
    for ring in range(5):
        store_event(meter, ring, 0, event(SEVEN, 0, 0x8))
    identity = opened(meter)
    found = run(rings(SETUP, identity), meter.answer)[3:]
    got = [run(fetch(SETUP, identity, ring, ring.first), meter.answer).record for ring in found]
    assert [each.values["Sys"] for each in got if isinstance(each, Event)] == [0, 1, 2, 3, 4]


def test_events_beside_each_other_are_asked_for_with_other_lengths() -> None:
    meter = typical_meter()
    identity = opened(meter)
    places = [EVENTS_OF_1.after(EVENTS_OF_1.first, step) for step in range(-2, 3)]
    for dialogue in (fetch, probe):
        lengths = [asks(dialogue(SETUP, identity, EVENTS_OF_1, place), meter.answer)[0][0].expected for place in places]
        assert all(one != other for one, other in pairwise(lengths))


def test_an_event_whose_sum_does_not_fit_is_kept_when_two_readings_are_equal() -> None:
    meter = typical_meter()
    store_event(meter, 1, 2, broken(event(SEVEN, 0, 1), (0x0F, 0x00)))
    assert fetched(meter, EVENTS_OF_1).condition is Condition.UNSUMMED


def test_an_empty_or_undated_event_is_none() -> None:
    meter = typical_meter()
    assert fetched(meter, EVENTS_OF_1) == Fetched(Condition.EMPTY)
    store_event(meter, 1, 2, b"\x01" * 4 + b"\x00" * 11 + b"\x04")
    assert fetched(meter, EVENTS_OF_1) == Fetched(Condition.DAMAGED, reason="недопустимая дата записи")
    assert run(probe(SETUP, opened(meter), EVENTS_OF_1, EVENTS_OF_1.first + 2), meter.answer) == Mark(None)


# --- hostile lines


def busy_meter() -> ModernMeter:
    meter = meter_with_record()
    for number in range(2):
        store(meter, number, record(SEVEN - (2 - number) * HOUR))
    written_events(meter, 1, 3, 2500)
    return meter


def test_an_answer_that_is_late_by_one_request_never_passes_for_the_next() -> None:
    meter = busy_meter()
    identity = opened(meter)
    dialogues: tuple[Callable[[], Generator[Ask, bytes, object]], ...] = (
        lambda: read(SETUP, identity),
        lambda: rings(SETUP, identity),
        lambda: fetch(SETUP, identity, HOURS, 2),
        lambda: fetch(SETUP, identity, EVENTS_OF_1, EVENTS_OF_1.first),
    )
    for dialogue in dialogues:
        late = run(dialogue(), delayed(meter.answer))
        assert late == run(dialogue(), meter.answer)


@settings(max_examples=60, deadline=None)
@given(st.lists(disturbances(), max_size=60))
def test_a_disturbed_line_tells_the_truth_at_last(changes: list[Answer]) -> None:
    meter = busy_meter()
    identity = opened(meter)
    place = EVENTS_OF_1.first + 1

    def told(answer: Answer, tries: int) -> tuple[object, ...]:
        return (
            run(read(SETUP, identity), answer, tries=tries),
            run(rings(SETUP, identity), answer, tries=tries),
            run(fetch(SETUP, identity, HOURS, 2), answer, tries=tries),
            run(fetch(SETUP, identity, EVENTS_OF_1, place), answer, tries=tries),
        )

    assert told(disturbed(meter.answer, changes), len(changes) + 1) == told(meter.answer, 1)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_random_memory_raises_nothing_but_expected_errors(data: st.DataObject) -> None:
    meter = typical_meter(data.draw(st.sampled_from(["TEM-104M", "TEM-104"])))
    meter.parameters[:] = data.draw(st.binary(min_size=64, max_size=64)) * 64
    meter.octets(4, f"{data.draw(st.integers(0, 5)):02X}")
    meter.ram[0x4000] = bytearray(data.draw(st.binary(min_size=64, max_size=64)) * 8)
    meter.clock = data.draw(st.binary(min_size=6, max_size=6))
    meter.flash[:] = data.draw(st.binary(min_size=128, max_size=128)) * 8192
    try:
        identity = opened(meter)
        told = run(read(SETUP, identity), meter.answer)
        assert len(told.systems) == told.device["NumSystems"]
        for ring in (HOURS, EVENTS_OF_1):
            got = run(fetch(SETUP, identity, ring, ring.first + 2), meter.answer)
            assert (got.record is None) == (got.condition in (Condition.EMPTY, Condition.DAMAGED))
            assert got.record is None or 2000 <= got.record.stamp.year <= 2099
            run(probe(SETUP, identity, ring, ring.first + 2), meter.answer)
        run(rings(SETUP, identity), meter.answer)
    except AgentError:
        pass

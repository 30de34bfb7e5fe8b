"""Emulated ТЭМ-104 and ТЭМ-104-1: places and forms are those of their exchange protocols, nothing is the drivers'."""

from __future__ import annotations

import math
import struct
from datetime import datetime, timedelta

import pytest

from drivers.emulated import tem_104, tem_104_1
from drivers.emulated.faults import Fault, Faulty
from drivers.emulated.tem_104_options import LegacyOptions, SingleOptions
from drivers.emulated.tem_body import Written
from drivers.emulated.tem_options import System
from tests.fake.tem_request import IDENTIFY, flash, memory, payload, request

NOW = datetime(2026, 9, 25, 14, 30, 15)
LETTERS = "HDM"


def legacy(**options: object) -> tem_104.Meter:
    return tem_104.Meter(LegacyOptions(**options), NOW)  # type: ignore[arg-type]


def single(**options: object) -> tem_104_1.Meter:
    return tem_104_1.Meter(SingleOptions(**options), NOW)  # type: ignore[arg-type]


def single_flash(meter: tem_104_1.Meter, place: int) -> bytes:
    return payload(meter.hear(request(0x0F, 3, bytes(1) + (place * 64).to_bytes(3, "big") + b"\x40")))


def ram(meter: tem_104.Meter | tem_104_1.Meter, place: int, count: int) -> bytes:
    return payload(meter.hear(request(0x0C, 1, place.to_bytes(2, "big") + bytes((count,)))))


def numbers(data: bytes, offset: int, form: str) -> tuple[float, ...]:
    return struct.unpack_from(f">{form}", data, offset)


def stamp(data: bytes) -> datetime:
    hour, day, month, year = (int(f"{byte:02x}") for byte in data)
    return datetime(2000 + year, month, day, hour)


# --- identity and frame


@pytest.mark.parametrize(
    ("meter", "text"),
    [
        (legacy(), b"TEM-104"),
        (legacy(model="tem106-old"), b"TEM-106"),
        (single(), b"TEM104-1"),
    ],
)
def test_every_model_tells_its_id(meter: tem_104.Meter | tem_104_1.Meter, text: bytes) -> None:
    assert payload(meter.hear(IDENTIFY)) == text


@pytest.mark.parametrize("meter", [legacy(), single()], ids=["legacy", "single"])
@pytest.mark.parametrize("group", [0x00, 0x0F, 0x0C])
def test_a_request_of_another_length_or_command_gets_silence(
    meter: tem_104.Meter | tem_104_1.Meter, group: int
) -> None:
    assert meter.hear(request(group, 0x55, bytes(3))) == b""
    assert meter.hear(request(group, 1, bytes(4))) == b""
    assert meter.hear(IDENTIFY)


def test_what_is_outside_a_memory_gets_silence() -> None:
    meter = legacy()
    for wrong in (
        request(0x0C, 1, bytes((0x21, 0xFF, 1))),
        request(0x0C, 1, bytes((0x24, 0x48, 1))),
        request(0x0F, 2, bytes((127, 2))),
    ):
        assert meter.hear(wrong) == b""
    assert len(ram(meter, 0x2447, 1)) == 1
    assert single().hear(request(0x0F, 3, bytes((0, 1, 0xFF, 0xFF, 2)))) == b""


@pytest.mark.parametrize("meter", [legacy(), single()], ids=["legacy", "single"])
def test_the_disguises_tell_another_address_id_and_number(meter: tem_104.Meter | tem_104_1.Meter) -> None:
    def said(fault: str, data: bytes) -> bytes:
        others = tem_104.disguises(meter) if isinstance(meter, tem_104.Meter) else tem_104_1.disguises(meter)
        return Faulty(meter, [Fault(fault)], 0, others).hear(data)

    assert said("wrong-address", IDENTIFY)[1] == 2
    assert payload(said("other-id", IDENTIFY)) == b"TSM-104"
    place = 0x7C if isinstance(meter, tem_104.Meter) else 0
    ask_number = request(0x0F, 1, bytes((0, place, 6)))
    assert said("other-serial", ask_number) != meter.hear(ask_number)


# --- ТЭМ-104: memory


def test_the_settings_of_a_104_stand_where_the_map_says() -> None:
    meter = legacy(serial=12345678, address=1)
    assert memory(meter, 0, 1) == b"\x02"
    assert numbers(memory(meter, 0x78, 8), 0, "2L") == (1, 12345678)
    assert numbers(memory(meter, 0xC4, 8), 0, "4H") == (4, 5, 32, 25)


@pytest.mark.parametrize("stride", [0x19, 0x20, 0x40])
def test_the_systems_stand_at_the_distance_that_was_asked_for(stride: int) -> None:
    meter = legacy(systems=3, stride=stride)
    kinds = [memory(meter, 0x600 + number * stride, 1)[0] for number in range(3)]
    assert kinds == [0xA, 1, 0]
    assert memory(meter, 0x605, 2) == b"\x00\x01"
    assert memory(meter, 0x600 + stride + 0x05, 1) == b"\x02"
    assert memory(meter, 0x600 + stride + 0x0D, 1) == b"\x03"


def test_the_clock_of_a_104_leaves_out_the_registers_of_the_alarm() -> None:
    registers = payload(legacy().hear(request(0x0F, 2, bytes((0x10, 16)))))
    assert [registers[place] for place in (0, 2, 4, 7, 8, 9)] == [0x15, 0x30, 0x14, 0x25, 0x09, 0x26]
    assert payload(legacy(clock_valid=False).hear(request(0x0F, 2, bytes((0x10, 16))))) == bytes(16)


def test_the_running_integrators_stand_in_both_copies() -> None:
    meter = legacy(systems=3)
    moment = meter.moment()
    for base in (0x200, 0x300):
        data = b"".join(memory(meter, place, 64) for place in range(base, base + 0x100, 64))
        assert_integrators(data, meter)
        assert numbers(data, 0x68, "L") == (moment.powered_s,)


def assert_integrators(data: bytes, meter: tem_104.Meter, written: Written | None = None) -> None:
    moment = written.moment if written else meter.moment()
    for offset, (fractions, integers) in ((0x08, moment.volume), (0x18, moment.mass), (0x28, moment.heat)):
        assert numbers(data, offset, "4f") == fractions[:4]
        assert numbers(data, offset + 0x30, "4L") == integers[:4]
    for number, row in enumerate(moment.times_s):
        assert numbers(data, 0x6C + 0x10 * number, "4L") == row[:4]
    temperatures, pressures = numbers(data, 0xC8, "12H"), numbers(data, 0xE0, "12B")
    for number, system in enumerate(meter.options.system_list):
        channels = [channel for channel in range(4) if system.temperatures >> channel & 1]
        for slot, channel in enumerate(channels):
            assert temperatures[3 * number + slot] == pytest.approx(100 * moment.temperatures[channel], abs=0.51)
            assert pressures[3 * number + slot] == pytest.approx(100 * moment.pressures[channel], abs=0.51)


def test_current_values_stand_in_the_order_of_the_system() -> None:
    meter = legacy(systems=2)
    now = meter.moment()
    first, second = (ram(meter, 0x2200 + 0x92 * number, 0x73) for number in range(2))
    assert numbers(first, 0x00, "3f") == pytest.approx(now.temperatures[:3])
    assert numbers(first, 0x10, "3f") == pytest.approx(now.pressures[:3])
    assert numbers(first, 0x40, "2f") == now.volume_flow[:2]
    assert numbers(first, 0x50, "2f") == now.mass_flow[:2]
    assert numbers(second, 0x00, "f") == (now.temperatures[3],)
    assert numbers(second, 0x50, "f") == (now.mass_flow[2],)


def test_a_channel_of_a_104_can_be_no_number() -> None:
    meter = legacy(nan=("T2", "G1"), records=(1, 0, 0))
    data = ram(meter, 0x2200, 0x73)
    assert math.isnan(numbers(data, 0x04, "f")[0]) and math.isnan(numbers(data, 0x50, "f")[0])
    assert numbers(flash(meter, 0, 256), 0xCA, "H") == (0xFFFF,)


def test_what_is_wrong_now_stands_in_ram_while_it_lasts() -> None:
    meter = legacy(systems=1)
    seen = set()
    for _ in range(24 * 12):
        before = meter.moment().times_s
        meter.live(meter.clock + timedelta(hours=1))
        errors, faults = numbers(ram(meter, 0x2200, 0x73), 0x70, "BH")
        grown = [row[0] > earlier[0] for row, earlier in zip(meter.moment().times_s[1:], before[1:], strict=True)]
        told = [bool(errors & 0x01), bool(errors & 0x08), bool(errors & 0x40), bool(faults)]
        assert all(not now or in_hour for now, in_hour in zip(told, grown, strict=True))
        seen |= {place for place, now in enumerate(told) if now}
    assert seen


# --- ТЭМ-104: records


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("letter", LETTERS)
def test_the_flash_of_a_104_holds_what_was_written(letter: str, turned: bool) -> None:
    meter = legacy(systems=3, records=(30, 20, 10), turned_sums=turned)
    for written in meter.records(letter):
        data = flash(meter, written.place * 256, 256)
        assert (stamp(data[:4]), stamp(data[4:8])) == (written.made, written.since)
        assert_integrators(data, meter, written)
        assert sum(data[:255]) % 256 == (data[255] ^ 0xFF if turned else data[255])


def test_full_archives_of_a_104_fill_their_places_and_pointers_turn_with_them() -> None:
    counts, firsts = (1536, 368, 144), (0, 1536, 1904)
    meter = legacy(records=counts)
    pointers = numbers(memory(meter, 0xF4, 12), 0, "3L")
    for letter, first, count, pointer in zip(LETTERS, firsts, counts, pointers, strict=True):
        records = meter.records(letter)
        assert {written.place for written in records} == set(range(first, first + count))
        assert divmod(int(pointer) - 0x200000, 256) == (records[0].place, 0)


def test_errors_of_a_period_stand_in_the_record() -> None:
    meter = legacy(systems=1, records=(300, 0, 0), gaps=((NOW - timedelta(hours=9), NOW - timedelta(hours=7)),))
    seen = [0, 0]
    for written in meter.records("H"):
        data = flash(meter, written.place * 256, 256)
        errors, faults = data[0xBC], numbers(data, 0xC0, "H")[0]
        byte = written.errors[0]
        bits = (byte & 1, byte >> 2 & 1, byte >> 4 & 1)
        assert (errors & 1, errors >> 3 & 1, errors >> 6 & 1) == bits
        assert bool(faults) == bool(byte & 0xA0)
        seen = [seen[0] | errors, seen[1] | int(faults)]
    assert seen[0] & 0x49 and seen[1] & 0x8000


def test_defects_of_a_104_are_made() -> None:
    meter = legacy(records=(9, 0, 0), empty=(("H", 0),), damaged=(("H", 1), ("H", 2), ("H", 3)), pointers=False)
    *_, dated, empty = (flash(meter, written.place * 256, 256) for written in meter.records("H"))
    assert empty == b"\xff" * 256
    for written in meter.records("H"):
        data = flash(meter, written.place * 256, 256)
        assert (sum(data[:255]) % 256 == data[255]) == (written.condition == "good")
    assert dated != empty
    assert memory(meter, 0xF4, 4) == b"\xff" * 4


# --- ТЭМ-104-1


def test_the_settings_of_a_104_1_stand_where_the_map_says() -> None:
    meter = single(serial=765, system_type=5)
    assert memory(meter, 0, 7) == b"000765\x00"
    assert memory(meter, 0x41, 1) == b"\x05"
    assert memory(single(serial=7654321), 0, 7) == b"7654321"


def test_the_totals_of_a_104_1_stand_where_the_map_says() -> None:
    meter = single()
    now = meter.moment()
    data = memory(meter, 0x140, 64)
    raws = (now.volume, now.mass, now.heat)
    assert numbers(data, 4, "LfLfLf") == tuple(part for raw in raws for part in (raw[1][0], raw[0][0]))
    good, small, large, narrow, fault = (row[0] for row in now.times_s)
    assert numbers(data, 0x1C, "6L") == (now.powered_s, good, fault, narrow, large, small)


def test_current_values_and_clock_of_a_104_1_stand_where_the_map_says() -> None:
    meter = single()
    now = meter.moment()
    told = numbers(ram(meter, 0xB8, 24), 0, "6f")
    assert told == pytest.approx((now.volume_flow[0], now.mass_flow[0], *now.temperatures[:2], *now.pressures[:2]))
    assert payload(meter.hear(request(0x0F, 2, bytes((0, 7))))) == bytes.fromhex("15 30 14 05 25 09 26")


@pytest.mark.parametrize("letter", LETTERS)
def test_the_flash_of_a_104_1_holds_what_was_written(letter: str) -> None:
    meter = single(records=(30, 20, 10))
    for written in meter.records(letter):
        data, moment = single_flash(meter, written.place), written.moment
        assert stamp(data[:4]) == written.made
        raws = (moment.volume, moment.mass, moment.heat)
        assert numbers(data, 4, "LfLfLf") == tuple(part for raw in raws for part in (raw[1][0], raw[0][0]))
        good, small, large, narrow, fault = (row[0] for row in moment.times_s)
        assert numbers(data, 0x1C, "6L") == (moment.powered_s, good, fault, narrow, large, small)
        byte = written.errors[0]
        assert data[0x34] == (byte >> 4 & 1) | (byte & 1) << 1 | byte & 4
        assert bool(data[0x35]) == bool(byte & 0xA0)
        assert numbers(data, 0x36, "2H") == pytest.approx([100 * t for t in moment.temperatures[:2]], abs=0.51)
        assert sum(data[:63]) % 256 == data[63]


def test_pointers_of_a_104_1_bear_no_base() -> None:
    meter = single(records=(5, 4, 3))
    assert numbers(memory(meter, 0x1B8, 12), 0, "3L") == (5 * 64, 1540 * 64, 1907 * 64)


# --- options


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "tem-1"}, "нет модели"),
        ({"systems": 5}, "систем"),
        ({"systems": (System(0, 1, 0, 0),) * 5}, "систем"),
        ({"stride": 0x21}, "расстояние"),
        ({"records": (1537, 0, 0)}, "записей H"),
        ({"nan": ("T5",)}, "канал"),
    ],
)
def test_options_of_a_104_that_cannot_be_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        legacy(**changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"system_type": 8}, "тип"),
        ({"serial": 10_000_000}, "номер"),
        ({"systems": 2}, "систем"),
        ({"nan": ("G2",)}, "канал"),
    ],
)
def test_options_of_a_104_1_that_cannot_be_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        single(**changes)

"""Places and forms are those of the ТЭМ-106 exchange protocol; nothing here comes from the drivers."""

from __future__ import annotations

import math
import struct
from datetime import datetime, timedelta

import pytest

from drivers.emulated.tem import Meter, Options, System
from tests.fake.tem_request import memory

NOW = datetime(2026, 9, 25, 14, 30, 15)


def floats(meter: Meter, place: int, count: int) -> tuple[float, ...]:
    return struct.unpack(f">{count}f", memory(meter, place, 4 * count))


def longs(meter: Meter, place: int, count: int) -> tuple[int, ...]:
    return struct.unpack(f">{count}L", memory(meter, place, 4 * count))


@pytest.mark.parametrize("model", ["tesmart", "tem106"])
def test_current_values_stand_where_the_map_says(model: str) -> None:
    meter = Meter(Options(model), NOW)
    now = meter.moment()
    assert floats(meter, 0x200, 7) == pytest.approx(now.temperatures)
    assert floats(meter, 0x234, 7) == pytest.approx(now.pressures)
    assert floats(meter, 0x288, 6) == now.volume_flow
    assert floats(meter, 0x2A0, 6) == now.mass_flow
    for place, (fractions, integers) in ((0x300, now.volume), (0x330, now.mass), (0x360, now.heat)):
        assert floats(meter, place, 6) == fractions
        assert longs(meter, place + 0x18, 6) == integers
    assert floats(meter, 0x390, 1) + longs(meter, 0x394, 1) == now.heat_total
    assert longs(meter, 0x400, 1) == (now.powered_s,)
    for number, row in enumerate(now.times_s):
        assert longs(meter, 0x404 + 0x18 * number, 6) == row


def test_the_clock_is_bcd_from_seconds_to_years() -> None:
    assert memory(Meter(now=NOW), 0x482, 6) == bytes.fromhex("15 30 14 25 09 26")


def test_a_clock_without_time_shows_zeros_and_stamps_nothing() -> None:
    meter = Meter(Options(clock_valid=False, records=(5, 0, 0)), NOW)
    meter.live(NOW + timedelta(days=2))
    assert memory(meter, 0x482, 6) == bytes(6)
    assert len(meter.records("H")) == 5


def test_settings_of_the_user_stand_where_the_map_says() -> None:
    meter = Meter(Options("tem106", serial=12345678, commas=(6, 5, 4, 3, 2, 1)), NOW)
    assert longs(meter, 0x152, 1) == (12345678,)
    assert memory(meter, 0x172, 1) == b"\x01"
    assert memory(meter, 0x2FA, 6) == bytes((6, 5, 4, 3, 2, 1))


def test_the_three_systems_of_a_tem_106_have_their_types_and_masks() -> None:
    meter = Meter(Options("tem106"), NOW)
    image = memory(meter, 0, 0x1C)
    assert image[0] == 3
    assert image[1:4] == bytes((0, 7, 5))
    assert image[7:10] == bytes((0b0001, 0b0110, 0b1000))
    assert image[0x0D:0x10] == bytes((0b000011, 0b011100, 0b100000))
    assert image[0x13:0x16] == bytes((0b00011, 0b01100, 0b10000))
    assert image[0x19:0x1C] == bytes((0b1111, 0b111111, 0b11111))


def test_systems_can_be_given() -> None:
    meter = Meter(Options("tem106", systems=(System(4, 0b11, 0b111, 0b11),)), NOW)
    image = memory(meter, 0, 0x1C)
    assert (image[0], image[1], image[7], image[0x0D], image[0x13]) == (1, 4, 0b11, 0b111, 0b11)


def test_channels_without_a_sensor_show_what_is_programmed() -> None:
    meter = Meter(Options("tesmart"), NOW)
    assert floats(meter, 0x208, 5) == (70, 60, 50, 40, 30)
    assert floats(meter, 0x234, 7) == floats(meter, 0x74, 7)


@pytest.mark.parametrize(("flash_kb", "chip"), [(512, 0x24), (1024, 0x25)])
def test_the_id_of_the_flash_chip_fits_its_size(flash_kb: int, chip: int) -> None:
    assert memory(Meter(Options(flash_kb=flash_kb), NOW), 0x168, 2) == bytes((0x1F, chip))


def test_a_channel_can_be_no_number() -> None:
    meter = Meter(Options("tem106", nan=("T2", "P1", "G3")), NOW)
    assert [math.isnan(value) for value in floats(meter, 0x200, 7)] == [False, True] + [False] * 5
    assert [math.isnan(value) for value in floats(meter, 0x234, 7)] == [True] + [False] * 6
    assert [math.isnan(value) for value in floats(meter, 0x2A0, 6)] == [False, False, True] + [False] * 3


def test_totals_grow_by_the_mean_flow_and_times_by_the_time() -> None:
    meter = Meter(Options("tem106", commas=(4, 4, 4, 4, 4, 4)), NOW)
    flows, before = [], meter.moment()
    for minute in range(1, 121):
        meter.live(NOW + timedelta(minutes=minute))
        flows.append(meter.moment().mass_flow[0])
    after = meter.moment()
    grown = (after.mass[1][0] + after.mass[0][0] - before.mass[1][0] - before.mass[0][0]) / 100
    assert grown == pytest.approx(2 * sum(flows) / len(flows), rel=0.01)
    assert after.powered_s - before.powered_s == 7200
    assert sum(row[0] for row in after.times_s) == after.powered_s
    assert len(set(flows)) > 50


def test_heat_is_flow_times_temperature_difference() -> None:
    meter = Meter(Options("tem106", systems=2), NOW)
    before = meter.moment()
    meter.live(NOW + timedelta(hours=10))
    after = meter.moment()

    def grown(name: str, channel: int, factor: int) -> float:
        (fraction, integer), (old_fraction, old) = (
            (raw[0][channel], raw[1][channel]) for raw in (getattr(after, name), getattr(before, name))
        )
        return (integer - old + fraction - old_fraction) / factor

    t = after.temperatures
    assert grown("heat", 0, 1000) == pytest.approx(1.163e-3 * grown("mass", 0, 100) * (t[0] - t[1]), rel=0.01)
    hot_water = grown("mass", 1, 100) * (t[2] - t[4]) - grown("mass", 2, 100) * (t[3] - t[4])
    assert grown("heat", 1, 1000) == pytest.approx(1.163e-3 * hot_water, rel=0.01)


@pytest.mark.parametrize(("unit", "factor"), [("Gcal", 1 / 1.163), ("GJ", 3.6)])
def test_heat_can_be_counted_in_another_unit(unit: str, factor: float) -> None:
    of_mwh = Meter(Options("tem106"), NOW).moment().heat[1][0]
    assert Meter(Options("tem106", energy_unit=unit), NOW).moment().heat[1][0] == pytest.approx(
        of_mwh * factor, rel=1e-4
    )


def test_equal_options_make_equal_meters_and_another_seed_another_one() -> None:
    options = Options("tem106", records=(10, 5, 2))
    first, second = Meter(options, NOW), Meter(options, NOW)
    other = Meter(Options("tem106", records=(10, 5, 2), seed=1), NOW)
    assert first.records("H") == second.records("H")
    assert first.records("H") != other.records("H")


def test_life_does_not_run_backwards() -> None:
    meter = Meter(now=NOW)
    with pytest.raises(ValueError, match="before"):
        meter.live(NOW - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "tem-1"}, "нет модели"),
        ({"systems": 7}, "систем"),
        ({"systems": 0}, "систем"),
        ({"flash_kb": 256}, "КБ"),
        ({"records": (1729, 0, 0)}, "записей H"),
        ({"commas": (1, 2)}, "запятых"),
        ({"nan": ("T8",)}, "канал"),
        ({"address": 0}, "адрес"),
        ({"damaged": (("H", 0),)}, "возрастом"),
        ({"gaps": ((NOW, NOW),)}, "отключение"),
        ({"next_places": (0, 0, 999)}, "вне архива"),
    ],
)
def test_options_that_cannot_be_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Options(**changes)  # type: ignore[arg-type]

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.tem_104m1 import DRIVER, open_meter, read
from engine.dialogue import Identity, Setup
from engine.errors import AgentError, NoAnswer
from engine.model import Reading
from tests.fake.dialogue_runner import run
from tests.fake.disturbed_line import Answer, delayed, disturbances, disturbed
from tests.fake.tem_104m_memory import ModernMeter

SETUP = Setup(address=1)
RAM = (72.5, 55.25, 0.75, 0.5, 0.98, 0.99, 72, 55, 2.5, 2.25, 0.125)
EXPECTED = {
    "Q1": 831.21875, "V1": 2500.75, "M1": 2400.25, "Tgood": 27500 / 3600, "Tmin": 2, "Tmax": 3, "Tdt": 4, "Terr": 5,
    "T1": 72.5, "T2": 55.25, "P1": 0.75, "P2": 0.5, "Gv1": 2.5, "G1": 2.25,
}  # fmt: skip


def small_meter() -> ModernMeter:
    meter = ModernMeter("TEM-104M-1")
    meter.put(0x0000, "L", 1041203)
    meter.put(0x0188, "4L4f", 2500, 2400, 831, 3, 0.75, 0.25, 0.21875, 0.5)
    meter.put(0x01A8, "8L", 791255, 1800, 27500, 7200, 10800, 14400, 18000, 60)
    meter.ram[0] = bytearray(struct.pack("<11f", *RAM))
    return meter


def opened(meter: ModernMeter, setup: Setup = SETUP) -> Identity:
    id_bytes = run(DRIVER.ask_id(setup), meter.answer)
    assert DRIVER.accepts(id_bytes)
    return run(open_meter(setup, id_bytes), meter.answer)


def reading(meter: ModernMeter, setup: Setup = SETUP) -> Reading:
    return run(read(setup, opened(meter, setup)), meter.answer)


def test_only_its_own_id_is_accepted() -> None:
    assert not any(map(DRIVER.accepts, (b"TEM-104M", b"TEM-104", b"TEM104-1", b"")))


def test_one_system_is_told_and_no_archive() -> None:
    told = reading(small_meter())
    assert told.systems == (EXPECTED,)
    assert (told.meter_number, told.doubts, told.device) == ("1041203", (), {"NumSystems": 1})
    assert DRIVER.rings is DRIVER.fetch is DRIVER.probe is None


@pytest.mark.parametrize("there", [b"", b"\x00" * 44, b"\xff" * 44])
def test_current_values_are_found_at_4000_when_zero_is_silent_or_senseless(there: bytes) -> None:
    meter = small_meter()
    meter.ram = {0x4000: meter.ram[0]} | ({0: bytearray(there)} if there else {})
    assert reading(meter).systems == (EXPECTED,)


def test_a_meter_without_current_values_is_asked_again() -> None:
    meter = small_meter()
    meter.ram.clear()
    with pytest.raises(NoAnswer, match="текущих значений"):
        opened(meter)


def test_a_value_that_is_no_number_is_unknown_and_named() -> None:
    meter = small_meter()
    identity = opened(meter)
    struct.pack_into("<f", meter.ram[0], 0x04, float("nan"))
    meter.put(0x01A0, "f", float("inf"))
    meter.clock = bytes(7)
    told = run(read(SETUP, identity), meter.answer)
    assert told.systems[0]["T2"] is told.systems[0]["Q1"] is told.clock is None
    expected = {"S1T2: нет допустимого значения", "S1Q1: нет допустимого значения", "часы прибора: недопустимая дата"}
    assert set(told.doubts) == expected


def test_heat_follows_the_unit_that_the_user_gave() -> None:
    told = reading(small_meter(), replace(SETUP, energy_unit="MWh"))
    assert told.systems[0]["Q1"] == pytest.approx(831.21875 / 1.163)


@pytest.mark.parametrize("block_size", [8, 16, 31, 255])
def test_other_blocks_tell_the_same(block_size: int) -> None:
    assert reading(small_meter(), replace(SETUP, block_size=block_size)) == reading(small_meter())


def test_totals_that_never_stand_still_are_not_told() -> None:
    meter = small_meter()
    identity = opened(meter)
    counter = iter(range(1000))

    def restless(request: bytes) -> bytes:
        meter.put(0x0190, "L", next(counter))
        return meter.answer(request)

    with pytest.raises(NoAnswer, match="меняются"):
        run(read(SETUP, identity), restless)


def test_an_answer_that_is_late_by_one_request_never_passes_for_the_next() -> None:
    meter = small_meter()
    identity = opened(meter)
    assert run(read(SETUP, identity), delayed(meter.answer)).systems == (EXPECTED,)


@settings(max_examples=60, deadline=None)
@given(st.lists(disturbances(), max_size=30))
def test_a_disturbed_line_tells_the_truth_at_last(changes: list[Answer]) -> None:
    meter = small_meter()
    identity = opened(meter)
    told = run(read(SETUP, identity), disturbed(meter.answer, changes), tries=len(changes) + 1)
    assert told.systems == (EXPECTED,)


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=64, max_size=64), st.binary(min_size=44, max_size=44), st.binary(min_size=7, max_size=7))
def test_random_memory_raises_nothing_but_expected_errors(memory: bytes, ram: bytes, clock: bytes) -> None:
    meter = small_meter()
    meter.parameters[:] = memory * 64
    meter.ram[0], meter.clock = bytearray(ram), clock
    try:
        assert len(reading(meter).systems) == 1
    except AgentError:
        pass

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.rsm_05 import DRIVER, decode_clock, decode_native, decode_registers
from engine.dialogue import Setup
from engine.errors import AgentError, NoAnswer, Refused
from engine.model import Reading
from tests.fake import modbus_answer
from tests.fake.captured import answers
from tests.fake.dialogue_runner import asks, run

SETUP = Setup(device_type="РСМ-05.05", address=2)
REGISTERS = answers("rsm_05", "read_modbus")[0][3:-2]
Answer = Callable[[bytes], bytes]


def silent(_request: bytes) -> bytes:
    return b""


def native(density: float = 0.98, water: tuple[float, float] = (65.25, 12.5)) -> Answer:
    memory = bytearray(0x200)
    struct.pack_into(">3f", memory, 0x108, *water, density)
    struct.pack_into(">f", memory, 0x0B4, 12.75)
    struct.pack_into(">f", memory, 0x081, 0.125)

    def answer(request: bytes) -> bytes:
        if request[0] != 0x55:
            return b""
        place, count = int.from_bytes(request[6:8], "big"), request[8]
        body = bytes((0xAA, *request[1:5], count)) + memory[place : place + count]
        return body + bytes((255 - sum(body) % 256,))

    return answer


def modbus(registers: bytes = REGISTERS, most: int = 317, count_byte: int | None = None) -> Answer:
    def answer(request: bytes) -> bytes:
        if request[0] != 2 or modbus_answer.crc(request[:-2]) != request[-2:]:
            return b""
        first, count = struct.unpack(">HH", request[2:6])
        if count > most:
            return modbus_answer.rtu(2, b"\x83\x03")
        told = 2 * count & 0xFF if count_byte is None else count_byte
        return modbus_answer.rtu(2, bytes((3, told)) + registers[2 * first : 2 * (first + count)])

    return answer


def read(answer: Answer, setup: Setup = SETUP) -> Reading:
    id_bytes = run(DRIVER.ask_id(setup), answer)
    assert DRIVER.accepts(id_bytes)
    return run(DRIVER.read(setup, run(DRIVER.open(setup, id_bytes), answer)), answer)


def registers(*changes: tuple[int, bytes]) -> bytes:
    data = bytearray(REGISTERS)
    for place, part in changes:
        data[place : place + len(part)] = part
    return bytes(data)


# --- which interface


def asked(setup: Setup) -> list[str]:
    """Which interfaces are tried at a line where nobody answers, in order."""
    starts: list[str] = []

    def answer(request: bytes) -> bytes:
        starts.append("native" if request[0] == 0x55 else "modbus")
        return b""

    with pytest.raises(AgentError):
        run(DRIVER.ask_id(setup), answer)
    return starts


def test_auto_asks_first_what_was_met_on_the_model() -> None:
    assert asked(SETUP) == asked(replace(SETUP, device_type="РСМ-05.05П")) == ["modbus", "native"]
    assert asked(replace(SETUP, device_type="РСМ-05.03")) == ["native", "modbus"]
    assert asked(replace(SETUP, device_type="РСМ-05.07")) == ["native", "modbus"]


def test_the_user_may_choose_the_interface() -> None:
    assert asked(replace(SETUP, protocol="native")) == ["native"]
    assert asked(replace(SETUP, protocol="modbus")) == ["modbus"]


def test_address_0_is_never_asked_by_modbus() -> None:
    assert asked(replace(SETUP, address=0)) == ["native"]
    with pytest.raises(Refused, match="NetAddr"):
        next(DRIVER.ask_id(replace(SETUP, address=0, protocol="modbus")))


def test_the_question_is_put_only_where_the_user_named_the_type() -> None:
    with pytest.raises(NoAnswer):
        next(DRIVER.ask_id(replace(SETUP, device_type="auto")))


@pytest.mark.parametrize("device_type", DRIVER.device_types)
def test_either_interface_is_found_whatever_is_asked_first(device_type: str) -> None:
    setup = replace(SETUP, device_type=device_type)
    assert read(modbus(), setup).meter_number == "123456"
    assert read(native(), setup).systems[0]["T1"] == 65.25


def test_another_meter_of_the_frame_is_no_rsm() -> None:
    for density in (0.0, 65.0, float("nan")):
        with pytest.raises(Refused, match="плотности"):
            read(native(density), replace(SETUP, protocol="native"))


def test_a_meter_that_keeps_to_the_modbus_limit_is_read_in_parts() -> None:
    assert read(modbus(most=125)) == read(modbus())
    setup = replace(SETUP, protocol="modbus")
    met = asks(DRIVER.read(setup, run(DRIVER.open(setup, b"modbus in parts"), modbus())), modbus())
    lengths = [len(reply) for _, reply in met]
    assert len(met) == 3 and all(one != other for one, other in pairwise(lengths))


@pytest.mark.parametrize("count_byte", [0x7A, 0x00, 0xFF])
def test_the_count_byte_of_the_long_answer_is_not_looked_at(count_byte: int) -> None:
    assert read(modbus(count_byte=count_byte)).meter_number == "123456"


def test_a_refusal_of_every_form_is_told_with_its_code() -> None:
    with pytest.raises(Refused, match="код 3"):
        read(modbus(most=0))


# --- decode


def test_native_values_that_are_no_numbers_are_unknown_and_named() -> None:
    told = decode_native(struct.pack(">3f", float("nan"), 12.5, 0.98), b"\x7f\x80\x00\x00", b"\x00" * 5)
    assert told.systems[0] == {"T1": None, "G1": 12.5, "Gv1": None, "Dose": 0, "Density": 0.98}
    assert told.doubts == ("S1T1: не число", "S1Gv1: не число")


def test_native_answers_that_follow_one_another_differ_in_length() -> None:
    setup = replace(SETUP, protocol="native")
    identity = run(DRIVER.open(setup, b"native"), native())
    lengths = [len(reply) for _, reply in asks(DRIVER.read(setup, identity), native())]
    assert all(one != other for one, other in zip(lengths, lengths[1:] + lengths[:1], strict=True))


def test_the_error_register_shows_itself_and_only_0_is_understood() -> None:
    assert decode_registers(REGISTERS).systems[0]["Err"] == "0"
    values = decode_registers(registers((298, b"\x00\x01\x00\x02"))).systems[0]
    assert values["ErrRaw"] == "00010002"
    assert "Err" not in values, "then the time counters tell"


def test_the_volume_may_be_negative_and_is_unknown_without_its_fraction() -> None:
    assert decode_registers(registers((362, struct.pack(">if", -5, 0.5)))).systems[0]["V1"] == -4.5
    told = decode_registers(registers((366, b"\xff\xff\xff\xff")))
    assert told.systems[0]["V1"] is None and told.doubts == ("S1V1: не число",)


def test_a_counter_below_0_is_unknown() -> None:
    told = decode_registers(registers((478, b"\xff\xff\xff\xff"), (458, b"\x80\x00\x00\x00")))
    assert (told.systems[0]["Tall"], told.device["EventCnt"]) == (None, None)
    assert told.doubts == ("S1Tall: не число",)


@pytest.mark.parametrize("number", [0, -1, -(1 << 31)])
def test_a_blank_serial_number_is_none(number: int) -> None:
    assert decode_registers(registers((630, struct.pack(">i", number)))).meter_number == ""


def test_a_second_diameter_is_shown_where_there_is_one() -> None:
    assert "Du2" not in decode_registers(REGISTERS).systems[0]
    assert decode_registers(registers((554, b"\x00\x28"))).systems[0]["Du2"] == 40


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("15 0C 18 05 0D 2D 06", datetime(2021, 12, 24, 13, 45, 6)),
        ("21 12 24 05 13 45 06", datetime(2021, 12, 24, 13, 45, 6)),
        ("09 08 07 05 06 05 04", datetime(2009, 8, 7, 6, 5, 4)),
        ("22 10 11 02 12 10 10", datetime(2022, 10, 11, 12, 10, 10)),
        ("10 10 10 07 10 10 10", datetime(2010, 10, 10, 10, 10, 10)),
        ("10 10 10 00 10 10 10", datetime(2010, 10, 10, 10, 10, 10)),
        ("26 05 10 01 12 30 30", datetime(2026, 5, 10, 12, 30, 30)),
        ("17 05 10 03 12 30 30", datetime(2017, 5, 10, 12, 30, 30)),
        ("17 05 10 02 12 30 30", datetime(2023, 5, 16, 18, 48, 48)),
        ("17 05 10 01 12 30 30", None),
        ("FF 05 10 01 12 30 30", None),
        ("00 00 00 00 00 00 00", None),
        ("FF FF FF FF FF FF FF", None),
        ("64 0C 18 05 0D 2D 06", None),
    ],
)
def test_the_clock_is_bcd_or_binary_as_the_date_and_the_weekday_allow(data: str, expected: datetime | None) -> None:
    assert decode_clock(bytes.fromhex(data)) == expected


@settings(max_examples=100, deadline=None)
@given(data=st.binary(min_size=634, max_size=634))
def test_no_registers_break_the_decode(data: bytes) -> None:
    told = decode_registers(data)
    assert told.clock is None or 2000 <= told.clock.year <= 2099


@settings(max_examples=60, deadline=None)
@given(heard=st.lists(st.binary(max_size=60), max_size=12), device_type=st.sampled_from(DRIVER.device_types))
def test_noise_ends_the_dialogue_by_no_other_error_than_ours(heard: list[bytes], device_type: str) -> None:
    noise = iter(heard)
    with pytest.raises(AgentError):
        read(lambda _request: next(noise, b""), replace(SETUP, device_type=device_type))

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.modbus_frame import (
    COILS,
    DISCRETE_INPUTS,
    HOLDING_REGISTERS,
    INPUT_REGISTERS,
    PASSING,
    RTU,
    TCP,
    Framing,
    ModbusRefused,
    Request,
    ask,
    data_of,
    read,
)
from engine.dialogue import Look
from engine.errors import NoAnswer, Refused
from tests.fake.dialogue_runner import run
from tests.fake.modbus_answer import rtu, tcp

THREE = Request(unit=2, function=HOLDING_REGISTERS, first=0x10, count=3)
DATA = bytes.fromhex("11 22 33 44 55 66")
FRAMINGS = pytest.mark.parametrize("framing", [RTU, TCP], ids=["rtu", "tcp"])


def answer(framing: Framing, request: Request, data: bytes) -> bytes:
    pdu = bytes((request.function, len(data) & 0xFF)) + data
    return rtu(request.unit, pdu) if framing is RTU else tcp(request.transaction, request.unit, pdu)


def refusal(framing: Framing, request: Request, code: int) -> bytes:
    pdu = bytes((request.function | 0x80, code))
    return rtu(request.unit, pdu) if framing is RTU else tcp(request.transaction, request.unit, pdu)


def look(framing: Framing, received: bytes, request: Request = THREE) -> Look:
    return ask(request, framing).take(received)


# --- requests


def test_the_request_of_an_rsm_is_built() -> None:
    whole = ask(Request(2, HOLDING_REGISTERS, 0, 317), RTU)
    assert whole.request == bytes.fromhex("02 03 00 00 01 3D 85 B8")
    assert whole.expected == 639


@pytest.mark.parametrize(
    ("first", "count", "frame"),
    [(0, 125, "02 03 00 00 00 7D 85 D8"), (125, 125, "02 03 00 7D 00 7D 15 C0"), (250, 67, "02 03 00 FA 00 43 24 39")],
)
def test_requests_carry_their_crc(first: int, count: int, frame: str) -> None:
    assert ask(Request(2, HOLDING_REGISTERS, first, count), RTU).request == bytes.fromhex(frame)


def test_a_request_over_tcp_carries_its_transaction() -> None:
    whole = ask(Request(0x11, HOLDING_REGISTERS, 0x6B, 3, transaction=0x1501), TCP)
    assert whole.request == bytes.fromhex("15 01 00 00 00 06 11 03 00 6B 00 03")
    assert whole.expected == 15


@pytest.mark.parametrize(
    ("function", "count", "length"),
    [(COILS, 1, 1), (COILS, 8, 1), (COILS, 9, 2), (DISCRETE_INPUTS, 2000, 250), (INPUT_REGISTERS, 125, 250)],
)
def test_the_length_of_the_answer_is_known_from_the_request(function: int, count: int, length: int) -> None:
    request = Request(1, function, 0, count)
    data = bytes(range(256))[:length]
    for framing in (RTU, TCP):
        whole = answer(framing, request, data)
        assert ask(request, framing).expected == len(whole)
        assert data_of(look(framing, whole, request).payload or b"") == data


# --- answers


@FRAMINGS
def test_an_answer_is_taken_at_its_last_byte_and_not_before(framing: Framing) -> None:
    whole = answer(framing, THREE, DATA)
    assert all(look(framing, whole[:length]).payload is None for length in range(len(whole)))
    assert look(framing, whole).payload == b"\x03\x06" + DATA
    assert look(framing, whole[:-1]).reason == "неполный кадр"


@FRAMINGS
def test_noise_a_false_start_and_an_echo_are_passed_over(framing: Framing) -> None:
    whole = answer(framing, THREE, DATA)
    request = ask(THREE, framing).request
    before = (b"\x00", b"\x02", b"\x02\x03", b"\x02\x03\x06\x11", b"\x00\x00\x00\x00\x00", request, request + b"\x02")
    for noise in before:
        assert look(framing, noise + whole).payload == b"\x03\x06" + DATA
        assert look(framing, whole + noise).payload == b"\x03\x06" + DATA


@FRAMINGS
def test_the_echo_alone_is_no_answer(framing: Framing) -> None:
    request = ask(THREE, framing).request
    assert look(framing, request) == look(framing, request[:3]) == Look(None, "эхо")
    assert look(framing, b"") == Look(None)


def test_an_echo_that_has_the_form_of_an_answer_is_no_answer() -> None:
    request = Request(1, COILS, 0x0355, 17)
    frame = ask(request, RTU).request
    assert look(RTU, frame, request).payload is None
    data = b"\x01\x02\x01"
    assert data_of(look(RTU, frame + answer(RTU, request, data), request).payload or b"") == data


def test_a_damaged_rtu_answer_is_never_taken() -> None:
    whole = answer(RTU, THREE, DATA)
    for place in range(len(whole)):
        for bit in range(8):
            broken = bytearray(whole)
            broken[place] ^= 1 << bit
            assert look(RTU, bytes(broken)).payload is None
    assert look(RTU, whole[:-1] + b"\x00").reason == "контрольная сумма"


def test_the_answer_of_another_unit_is_never_taken() -> None:
    other = Request(3, HOLDING_REGISTERS, 0x10, 3, transaction=7)
    mine = Request(2, HOLDING_REGISTERS, 0x10, 3, transaction=7)
    assert look(RTU, answer(RTU, other, DATA), mine).payload is None
    assert look(TCP, answer(TCP, other, DATA), mine) == Look(None, "чужой адрес")


@FRAMINGS
def test_a_late_answer_of_another_length_is_told(framing: Framing) -> None:
    late = answer(framing, Request(2, HOLDING_REGISTERS, 0x00, 2), DATA[:4])
    assert look(framing, late) == Look(None, "другая длина")
    assert look(framing, late + answer(framing, THREE, DATA)).payload == b"\x03\x06" + DATA


def test_over_tcp_the_answer_to_another_transaction_is_never_taken() -> None:
    late = answer(TCP, Request(2, HOLDING_REGISTERS, 0, 3, transaction=6), DATA)
    mine = Request(2, HOLDING_REGISTERS, 0x10, 3, transaction=7)
    assert look(TCP, late, mine).payload is None
    assert look(TCP, late + answer(TCP, mine, DATA[::-1]), mine).payload == b"\x03\x06" + DATA[::-1]


def test_the_count_byte_of_an_overlong_answer_is_not_looked_at() -> None:
    request = Request(2, HOLDING_REGISTERS, 0, 317)
    data = bytes(number & 0xFF for number in range(634))
    for count in (0x7A, 0x00, 0xFF):
        whole = rtu(2, bytes((3, count)) + data)
        assert len(whole) == 639
        assert data_of(look(RTU, whole, request).payload or b"") == data


# --- exceptions


@FRAMINGS
@pytest.mark.parametrize("code", [1, 2, 3, 4, 8, 77])
def test_an_exception_is_an_answer_that_refuses_and_tells_its_code(framing: Framing, code: int) -> None:
    told = refusal(framing, THREE, code)
    assert look(framing, told).payload == bytes((0x83, code))
    with pytest.raises(ModbusRefused, match=f"код {code}") as caught:
        run(read(THREE, framing), lambda _request: told)
    assert caught.value.code == code
    assert isinstance(caught.value, Refused)


@FRAMINGS
@pytest.mark.parametrize("code", sorted(PASSING))
def test_an_exception_that_passes_is_asked_for_again(framing: Framing, code: int) -> None:
    told = [refusal(framing, THREE, code), answer(framing, THREE, DATA)]
    assert look(framing, told[0]) == Look(None, PASSING[code])
    with pytest.raises(NoAnswer, match=f"код {code}"):
        run(read(THREE, framing), lambda _request: told[0])
    assert run(read(THREE, framing), lambda _request: told.pop(0), tries=2) == DATA


def test_a_damaged_exception_is_never_taken() -> None:
    told = refusal(RTU, THREE, 2)
    for place in range(len(told)):
        broken = bytearray(told)
        broken[place] ^= 0x10
        assert look(RTU, bytes(broken)).payload is None


# --- whatever comes


@FRAMINGS
@settings(max_examples=60, deadline=None)
@given(before=st.binary(max_size=40), after=st.binary(max_size=20))
def test_an_answer_is_found_in_any_noise(framing: Framing, before: bytes, after: bytes) -> None:
    found = look(framing, before + answer(framing, THREE, DATA) + after)
    assert found.payload is not None
    assert found.payload == b"\x03\x06" + DATA or found.payload in before


@settings(max_examples=150, deadline=None)
@given(received=st.binary(max_size=300))
def test_noise_is_never_an_rtu_answer(received: bytes) -> None:
    assert look(RTU, received).payload is None


@settings(max_examples=60, deadline=None)
@given(received=st.lists(st.sampled_from([b"\x02", b"\x03", b"\x06", b"\x83", b"\x00"]), max_size=200))
def test_bytes_that_look_like_starts_stall_nothing(received: list[bytes]) -> None:
    noise = b"".join(received)
    assert look(RTU, noise + answer(RTU, THREE, DATA)).payload is not None

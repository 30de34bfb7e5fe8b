"""Writing a holding register: what is sent, what counts as written, and what does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.emulated.modbus import Device
from drivers.modbus import DRIVER, Layout
from drivers.modbus_frame import RTU, TCP
from drivers.modbus_write import ask_to_write
from engine.dialogue import Identity, Setup, Write
from engine.errors import NoAnswer, Refused
from engine.template import parse_template
from tests.fake import modbus_answer
from tests.fake.dialogue_runner import asks, run

TEMPLATE = parse_template("x.ini", "[values]\nS1T1=16 u16 unit °C\n")[0]
PLACE = 0x0102
BOTH = pytest.mark.parametrize("function", [6, 16])
FRAMES = pytest.mark.parametrize("frame", ["rtu", "tcp"])


def setup(frame: str = "rtu", address: int = 7) -> Setup:
    return Setup("Modbus", address, template=TEMPLATE, protocol=frame)


def valve(frame: str = "rtu", held: int = 5, address: int = 7) -> Device:
    device = Device({(3, PLACE): held}, address, frame)
    device.writable = True
    return device


def write(answer: Callable[[bytes], bytes], raw: int = 435, function: int = 6, frame: str = "rtu") -> None:
    assert DRIVER.write is not None
    identity = Identity("x", "Modbus", "", Layout([]))
    run(DRIVER.write(setup(frame), identity, Write(PLACE, raw, function)), answer)


@BOTH
def test_the_requests_are_those_of_the_protocol(function: int) -> None:
    body = {6: "06 0102 01B3", 16: "10 0102 0001 02 01B3"}[function]
    ask = ask_to_write(RTU, 7, Write(PLACE, 435, function), 1)
    assert ask.request == modbus_answer.rtu(7, bytes.fromhex(body))
    ask = ask_to_write(TCP, 7, Write(PLACE, 435, function), 0xABCD)
    assert ask.request == modbus_answer.tcp(0xABCD, 7, bytes.fromhex(body))


@BOTH
@FRAMES
def test_the_device_has_the_number_afterwards(function: int, frame: str) -> None:
    device = valve(frame)
    write(device.hear, function=function, frame=frame)
    assert device.places[3, PLACE] == 435
    assert device.writes == [(PLACE, 435)]
    assert device.requests == [(3, PLACE, 1)], "read back"


@BOTH
@FRAMES
def test_a_device_that_says_yes_and_does_not_is_found_out(function: int, frame: str) -> None:
    device = valve(frame)
    device.keeps_writes = False
    with pytest.raises(Refused, match="записано 435, а в регистре 5"):
        write(device.hear, function=function, frame=frame)


@BOTH
@FRAMES
def test_a_refusal_is_told_with_its_code(function: int, frame: str) -> None:
    device = Device({}, 7, frame)
    device.writable = True
    with pytest.raises(Refused, match="код 2"):
        write(device.hear, function=function, frame=frame)


@pytest.mark.parametrize("code", [5, 6])
def test_a_device_that_is_busy_is_asked_again(code: int) -> None:
    def busy(_request: bytes) -> bytes:
        return modbus_answer.rtu(7, bytes((0x86, code)))

    with pytest.raises(NoAnswer, match=f"код {code}"):
        write(busy)


def test_a_register_that_can_only_be_written_is_believed_by_the_answer() -> None:
    def answer(request: bytes) -> bytes:
        return request if request[1] == 6 else modbus_answer.rtu(7, bytes((0x83, 2)))

    write(answer)


def test_the_echo_of_a_line_is_not_taken_for_a_write() -> None:
    """A dead device behind an adapter that echoes: the echo of function 6 looks like its answer."""
    with pytest.raises(NoAnswer):
        write(lambda request: request)


@BOTH
def test_a_line_that_echoes_is_no_hindrance(function: int) -> None:
    device = valve()
    write(lambda request: request + device.hear(request), function=function)
    assert device.places[3, PLACE] == 435


def test_requests_over_tcp_have_numbers_of_their_own() -> None:
    assert DRIVER.write is not None
    identity = Identity("x", "Modbus", "", Layout([]))
    sent = asks(DRIVER.write(setup("tcp"), identity, Write(PLACE, 435)), valve("tcp").hear)
    assert len({ask.request[:2] for ask, _ in sent}) == len(sent) == 2


@BOTH
@FRAMES
def test_noise_and_other_frames_are_not_taken(function: int, frame: str) -> None:
    ask = ask_to_write(RTU if frame == "rtu" else TCP, 7, Write(PLACE, 435, function), 9)
    good = valve(frame).hear(ask.request)
    assert ask.take(b"\x00\xff" + good + b"\x55").payload is not None
    for place in range(len(good)):
        assert ask.take(good[:place]).payload is None
        broken = bytes((*good[:place], good[place] ^ 0x41, *good[place + 1 :]))
        assert ask.take(broken).payload is None
    framing = RTU if frame == "rtu" else TCP
    for other in (Write(PLACE, 434, 6), Write(PLACE + 1, 435, 16)):
        device = valve(frame)
        device.places[3, PLACE + 1] = 0
        assert ask.take(device.hear(ask_to_write(framing, 7, other, 9).request)).payload is None


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60), st.sampled_from((6, 16)), st.sampled_from((RTU, TCP)))
def test_no_bytes_harm_the_one_who_looks(received: bytes, function: int, framing: object) -> None:
    ask = ask_to_write(framing, 7, Write(PLACE, 435, function), 9)  # type: ignore[arg-type]
    look = ask.take(received)
    assert look.payload is None or look.payload in received


def test_over_rtu_unit_0_is_nobody() -> None:
    assert DRIVER.write is not None
    dialogue = DRIVER.write(setup(address=0), Identity("x", "Modbus", "", Layout([])), Write(PLACE, 1))
    with pytest.raises(Refused, match="NetAddr"):
        next(dialogue)

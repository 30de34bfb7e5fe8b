from __future__ import annotations

import argparse
from datetime import datetime

import pytest

from drivers import emulated
from drivers.emulated import Speaker
from drivers.emulated.modbus import Device, HeatMeter, Places, crc, put
from tests.fake.modbus_answer import rtu, tcp

NOW = datetime(2026, 9, 25, 14, 30)


def build(*arguments: str) -> Speaker:
    (family,) = (family for family in emulated.load() if "modbus" in family.models)
    parser = argparse.ArgumentParser()
    family.add_options(parser)
    return family.build("modbus", parser.parse_args(arguments), NOW)


def said(speaker: Speaker, data: bytes) -> bytes:
    return b"".join(part for _, part in speaker.pieces(data))


def request(function: int, first: int, count: int, unit: int = 1) -> bytes:
    return rtu(unit, bytes((function,)) + first.to_bytes(2, "big") + count.to_bytes(2, "big"))


def registers(*values: int) -> Places:
    return {(3, place): value for place, value in enumerate(values)}


def test_the_check_is_that_of_the_standard() -> None:
    assert crc(b"123456789") == bytes.fromhex("37 4B")


def test_registers_are_answered_over_rtu_in_any_portions() -> None:
    device = Device(registers(0x1122, 0x3344))
    whole = request(3, 0, 2)
    assert [device.hear(bytes((byte,))) for byte in whole] == [b""] * 7 + [rtu(1, bytes.fromhex("03 04 11 22 33 44"))]
    assert device.hear(whole + whole) == 2 * rtu(1, bytes.fromhex("03 04 11 22 33 44"))


def test_registers_are_answered_over_tcp_with_their_transaction() -> None:
    device = Device(registers(0x1122), frame="tcp")
    pdu = bytes.fromhex("03 00 00 00 01")
    assert device.hear(tcp(0xA1B2, 1, pdu)) == tcp(0xA1B2, 1, bytes.fromhex("03 02 11 22"))
    assert device.hear(tcp(3, 7, pdu)) == b"", "another unit"
    assert device.hear(tcp(4, 255, pdu)) == tcp(4, 255, bytes.fromhex("03 02 11 22"))


def test_bits_are_packed_from_the_lowest() -> None:
    places = {(1, place): bit for place, bit in enumerate((1, 0, 1, 1, 0, 0, 0, 0, 1))}
    assert Device(places).hear(request(1, 0, 9)) == rtu(1, bytes.fromhex("01 02 0D 01"))


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (request(3, 1, 2), 2), (request(4, 0, 1), 2), (request(3, 0, 0), 3), (request(3, 0, 126), 3),
        (request(6, 0, 1), 1),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused_with_its_code(asked: bytes, code: int) -> None:
    assert Device(registers(1, 2)).hear(asked) == rtu(1, bytes((asked[1] | 0x80, code)))


def test_noise_a_broken_request_and_another_unit_are_not_answered() -> None:
    device = Device(registers(1))
    assert device.hear(request(3, 0, 1, unit=2)) == b""
    assert device.hear(request(3, 0, 1)[:-1] + b"\x00") == b""
    device.pause()
    assert device.hear(b"\x01\x03\x00" + request(3, 0, 1)) == rtu(1, bytes.fromhex("03 02 00 01"))


def test_the_heat_meter_lives() -> None:
    meter = HeatMeter(now=NOW)
    before = meter.registers()
    meter.elapse(3600)
    after = meter.registers()
    assert after[3, 33] + 65536 * after[3, 32] > before[3, 33] + 65536 * before[3, 32]
    assert meter.clock == datetime(2026, 9, 25, 15, 30)
    assert before[3, 21] == 0x7FFF and (3, 6) not in before


def test_options_of_the_command_line_reach_the_device() -> None:
    line = build("--address", "3", "4", "--serial", "500")
    assert said(line, request(3, 0, 2, unit=4)) == rtu(4, bytes.fromhex("03 04 00 00 01 F5"))
    over_tcp = build("--frame", "tcp")
    assert said(over_tcp, tcp(1, 1, bytes.fromhex("03 00 02 00 01"))) == tcp(1, 1, bytes.fromhex("03 02 00 69"))


def test_registers_may_be_given_on_the_command_line() -> None:
    line = build(
        "--set", "input:0x10:float:CDAB=21.5", "--set", "holding:1:i16=-2", "--set", "coil:3:bit=1",
        "--set", "holding:2:bcd16=1234", "--set", "holding:4:string=AB1",
    )  # fmt: skip
    assert said(line, request(4, 16, 2)) == rtu(1, bytes.fromhex("04 04 00 00 41 AC"))
    assert said(line, request(3, 1, 2)) == rtu(1, bytes.fromhex("03 04 FF FE 12 34"))
    assert said(line, request(3, 4, 2)) == rtu(1, bytes.fromhex("03 04 41 42 31 00"))
    assert said(line, request(1, 3, 1)) == rtu(1, bytes.fromhex("01 01 01"))
    assert said(line, request(3, 0, 1)) == rtu(1, bytes.fromhex("83 02"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--set", "holding:1=5"), ("--set", "holding:1:u16=70000"), ("--set", "holding:1:u17=7"),
        ("--set", "coil:1:u16=1"),
        ("--set", "holding:1:u32:ABBA=1"), ("--set", "coil:1:bit=2"), ("--fault", "wrong-address"), ("--fault", "loud"),
    ],
)  # fmt: skip
def test_options_that_cannot_be_are_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(ValueError):
        build(*arguments)


def test_faults_of_the_line_are_made() -> None:
    line = build("--fault", "echo")
    asked = request(3, 2, 1)
    assert said(line, asked) == asked + rtu(1, bytes.fromhex("03 02 00 69"))


def test_values_are_put_where_they_are_told() -> None:
    places = Places()
    put(places, "holding", 7, "u32", 0x11223344, "CDAB")
    assert places == {(3, 7): 0x3344, (3, 8): 0x1122}

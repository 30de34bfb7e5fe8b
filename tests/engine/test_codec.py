from __future__ import annotations

import math
import struct
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.codec import (
    GCAL_PER_UNIT,
    Field,
    bcd,
    bcd_datetime,
    complement_sum,
    crc16_modbus,
    floats,
    integers,
    plain_sum,
)


@pytest.mark.parametrize(
    ("kind", "order", "expected"),
    [
        ("C", "big", (0x12, 0x34)),
        ("I", "big", (0x1234, 0x5678)),
        ("I", "little", (0x3412, 0x7856)),
        ("S", "big", (0x1234, 0x5678)),
        ("L", "big", (0x12345678, 0x9ABCDEF0)),
        ("L", "little", (0x78563412, 0xF0DEBC9A)),
    ],
)
def test_integers_are_read_in_the_order_of_their_bytes(kind: str, order: str, expected: tuple[int, ...]) -> None:
    assert integers(bytes.fromhex("FF 12 34 56 78 9A BC DE F0"), Field(1, kind, 2), order) == expected


@pytest.mark.parametrize(
    ("octets", "order", "expected"),
    [("42 B4 00 00", "big", 90.0), ("00 00 B4 42", "little", 90.0), ("BE 00 00 00", "big", -0.125)],
)
def test_floats_are_read_in_the_order_of_their_bytes(octets: str, order: str, expected: float) -> None:
    assert floats(bytes.fromhex(octets), Field(0, "F"), order) == (expected,)


@pytest.mark.parametrize("octets", ["7F C0 00 00", "FF FF FF FF", "7F 80 00 00", "FF 80 00 00"])
def test_a_float_that_is_not_finite_is_not_known(octets: str) -> None:
    assert floats(bytes.fromhex(octets) + struct.pack(">f", 1.5), Field(0, "F", 2)) == (None, 1.5)


@given(st.binary(min_size=4, max_size=4))
def test_any_four_bytes_are_a_finite_float_or_unknown(data: bytes) -> None:
    (value,) = floats(data, Field(0, "F"))
    assert value is None or math.isfinite(value)


def test_a_field_that_reaches_past_the_data_is_an_error_and_no_short_number() -> None:
    with pytest.raises(struct.error):
        integers(b"\x01\x02\x03", Field(0, "L"))
    with pytest.raises(struct.error):
        floats(b"\x01\x02\x03\x04", Field(0, "F", 2))


def test_bcd_is_exactly_the_bytes_whose_halves_are_digits() -> None:
    known = {int(f"{number:02d}", 16): number for number in range(100)}
    assert {byte: bcd(byte) for byte in range(256)} == {byte: known.get(byte) for byte in range(256)}


def test_a_stamp_of_the_document_is_read() -> None:
    assert bcd_datetime(hour=0x08, day=0x20, month=0x03, year=0x04) == datetime(2004, 3, 20, 8)
    moment = bcd_datetime(second=0x33, minute=0x15, hour=0x14, day=0x02, month=0x03, year=0x04)
    assert moment == datetime(2004, 3, 2, 14, 15, 33)


@pytest.mark.parametrize(
    "change",
    [
        {"day": 0x00},
        {"month": 0x00},
        {"month": 0x13},
        {"day": 0x32},
        {"hour": 0x24},
        {"minute": 0x60},
        {"second": 0x60},
        {"year": 0xFF},
        {"day": 0x1A},
        {"day": 0x29, "month": 0x02, "year": 0x19},
    ],
)
def test_a_moment_that_does_not_exist_is_not_known(change: dict[str, int]) -> None:
    valid = {"year": 0x18, "month": 0x09, "day": 0x26, "hour": 0x09, "minute": 0x13, "second": 0x54}
    assert bcd_datetime(**valid) is not None
    assert bcd_datetime(**{**valid, **change}) is None


def test_a_leap_day_is_known() -> None:
    assert bcd_datetime(year=0x20, month=0x02, day=0x29) == datetime(2020, 2, 29)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31, 23, 59, 59)))
def test_every_moment_of_the_century_comes_back(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    parts = {part: int(str(getattr(moment, part)), 16) for part in ("month", "day", "hour", "minute", "second")}
    assert bcd_datetime(year=int(str(moment.year - 2000), 16), **parts) == moment


def test_the_sum_of_the_worked_example() -> None:
    body = bytes.fromhex("55 01 FE 00 00 00")
    assert plain_sum(body) == 0x54
    assert complement_sum(body) == 0xAB


@given(st.binary(max_size=300))
def test_data_with_its_complement_sums_to_ff(data: bytes) -> None:
    assert plain_sum(data + bytes([complement_sum(data)])) == 0xFF


def test_heat_units_are_those_of_the_format_guide() -> None:
    assert GCAL_PER_UNIT["Gcal"] == 1
    assert 1.163 * GCAL_PER_UNIT["MWh"] == pytest.approx(1)
    assert 4.1868 * GCAL_PER_UNIT["GJ"] == pytest.approx(1)


def test_a_signed_integer_of_two_bytes_may_be_negative() -> None:
    assert integers(bytes.fromhex("E0 F8 00 80"), Field(0, "S", 2), "little") == (-1824, -32768)


def test_the_modbus_crc_of_the_worked_examples() -> None:
    assert crc16_modbus(b"123456789") == 0x4B37, "the check value that catalogues of CRCs give"
    assert crc16_modbus(bytes.fromhex("02 03 00 00 01 3D")).to_bytes(2, "little") == bytes.fromhex("85 B8")
    assert crc16_modbus(b"") == 0xFFFF


@given(st.binary(max_size=300))
def test_data_with_its_modbus_crc_leaves_no_rest(data: bytes) -> None:
    assert crc16_modbus(data + crc16_modbus(data).to_bytes(2, "little")) == 0

"""Registers to values, against arithmetic of their own: no struct, no int.from_bytes."""

from __future__ import annotations

import math
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.modbus_decode import Found, decode_cell, decode_number, decode_reading
from engine.dialogue import Setup
from engine.model import Reading, Value
from engine.template import parse_template
from engine.template.modbus_map import Cell, Template


def template(*lines: str, head: str = "", extra: str = "") -> Template:
    text = f"[template]\n{head}\n[values]\n" + "\n".join(lines) + f"\n[extra]\n{extra}\n"
    return parse_template("x.ini", text)[0]


def cell(words: str) -> Cell:
    return template(f"S1V1=0 {words}").points[0].cells[0]


def found(of: Template, *registers: int) -> Found:
    """Registers from place 0 on, as the wire brings them."""
    wire = bytes(byte for register in registers for byte in divmod(register, 256))
    cells = (each for point in of.points for each in point.reads)
    return {each: wire[2 * each.address : 2 * each.end] for each in cells if 2 * each.end <= len(wire)}


def reading(of: Template, *registers: int, energy_unit: str = "") -> Reading:
    return decode_reading(Setup(energy_unit=energy_unit), of, found(of, *registers))


def value(line: str, *registers: int, head: str = "") -> Value:
    """What one line for a channel of system 1 makes of registers from place 0 on."""
    (key,) = reading(template(line, head=head), *registers).systems[0].keys() - {"DevName"}
    return reading(template(line, head=head), *registers).systems[0][key]


# --- every type in every order

WIDTHS = {"u16": 2, "i16": 2, "bcd16": 2, "u32": 4, "i32": 4, "bcd32": 4, "u64": 8, "i64": 8}
ORDERS = {
    2: ("AB", "BA"), 4: ("ABCD", "BADC", "CDAB", "DCBA"),
    8: ("ABCDEFGH", "BADCFEHG", "GHEFCDAB", "HGFEDCBA", "EFGHABCD"),
}  # fmt: skip
CASES = [(name, order) for name, width in WIDTHS.items() for order in ORDERS[width]]
FLOATS = [(name, order) for name, width in (("float", 4), ("double", 8)) for order in ORDERS[width]]


def sent(pattern: int, order: str) -> bytes:
    """The bytes of a pattern in the order of the letters: A is the most significant one."""
    width = len(order)
    return bytes(pattern // 256 ** (width - 1 - "ABCDEFGH".index(letter)) % 256 for letter in order)


@pytest.mark.parametrize(("name", "order"), CASES)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_whole_numbers_come_through_in_every_order(name: str, order: str, data: st.DataObject) -> None:
    bits = 8 * WIDTHS[name]
    if name.startswith("bcd"):
        number = data.draw(st.integers(0, 10 ** (bits // 4) - 1))
        pattern = sum(int(digit) * 16**place for place, digit in enumerate(reversed(str(number))))
    elif name.startswith("i"):
        number = data.draw(st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1))
        pattern = number % 2**bits
    else:
        number = pattern = data.draw(st.integers(0, 2**bits - 1))
    of = cell(f"{name} {order}")
    assert decode_cell(of, {of: sent(pattern, order)}) == number


def float_pattern(negative: bool, exponent: int, fraction: int, width: int) -> tuple[int, float]:
    """The bits of a number of IEEE 754, and the number that they are by definition."""
    bits, bias = (23, 127) if width == 4 else (52, 1023)
    pattern = (negative << (8 * width - 1)) + (exponent << bits) + fraction
    base, power = (fraction, 1 - bias) if exponent == 0 else (2**bits + fraction, exponent - bias)
    return pattern, (-1.0 if negative else 1.0) * math.ldexp(base, power - bits)


@pytest.mark.parametrize(("name", "order"), FLOATS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_floats_come_through_in_every_order(name: str, order: str, data: st.DataObject) -> None:
    width, bits, top = (4, 23, 254) if name == "float" else (8, 52, 2046)
    exponent, fraction = data.draw(st.integers(0, top)), data.draw(st.integers(0, 2**bits - 1))
    pattern, number = float_pattern(data.draw(st.booleans()), exponent, fraction, width)
    of = cell(f"{name} {order}")
    told = decode_cell(of, {of: sent(pattern, order)})
    assert told is not None
    assert told == number if width == 8 else math.isclose(told, number, rel_tol=2**-23, abs_tol=2**-148)


@pytest.mark.parametrize("order", ORDERS[4])
@pytest.mark.parametrize("pattern", [0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00001, 0x7F800001])
def test_what_is_no_finite_number_is_never_a_value(pattern: int, order: str) -> None:
    of = cell(f"float {order}")
    assert decode_cell(of, {of: sent(pattern, order)}) is None


@settings(max_examples=60, deadline=None)
@given(register=st.integers(0, 0xFFFF), low=st.integers(0, 15), more=st.integers(0, 15))
def test_bits_are_counted_from_the_lowest(register: int, low: int, more: int) -> None:
    high = min(low + more, 15)
    of = cell(f"bits({low}-{high})")
    wanted = register // 2**low % 2 ** (high - low + 1)
    assert decode_cell(of, {of: bytes(divmod(register, 256))}) == wanted


def test_a_float_is_told_as_a_person_would_write_it() -> None:
    assert value("S1T1=0 float", 0x41AA, 0x6666) == 21.3
    assert value("S1T1=0 float", 0x4B80, 0x0001) == 16777218.0


# --- what makes a value unknown


@pytest.mark.parametrize(
    ("words", "registers", "doubts"),
    [
        ("u16 na 0xFFFF", (0xFFFF,), ()), ("i16 na 0x8000,0x7FFF", (0x7FFF,), ()), ("i16 na -32768", (0x8000,), ()),
        ("float na -1", (0xBF80, 0), ()), ("float na 0xF6000000", (0xF600, 0), ()), ("bcd16 na 9999", (0x9999,), ()),
        ("float", (0x7FC0, 0), ("S1T1: не число",)), ("bcd16", (0x12A4,), ("S1T1: не число",)),
        ("u16 scale 0.1 range 0..150", (1501,), ("S1T1: вне допустимых пределов",)),
        ("u32", (1,), ("S1T1: нет такого регистра",)),
        ("u16 + 1 float", (1, 0x7FC0, 0), ("S1T1: не число",)),
    ],
)  # fmt: skip
def test_a_value_that_is_not_known_is_empty_and_only_a_fault_is_a_doubt(
    words: str, registers: tuple[int, ...], doubts: tuple[str, ...]
) -> None:
    told = reading(template(f"S1T1=0 {words}"), *registers)
    assert (told.systems[0]["T1"], told.doubts) == (None, doubts)


def test_a_value_is_used_only_while_its_status_is_zero() -> None:
    of = template("S1T1=1 float status 0")
    assert reading(of, 0, 0x41AC, 0).systems[0]["T1"] == 21.5
    assert (reading(of, 11, 0x41AC, 0).systems[0]["T1"], reading(of, 11, 0x41AC, 0).doubts) == (None, ())
    assert decode_reading(Setup(), of, {of.points[0].cells[0]: b"AAAA"}).doubts == ("S1T1: нет такого регистра",)


def test_a_marker_is_compared_before_scale_and_in_the_order_of_the_value() -> None:
    assert value("S1T1=0 i16 scale 0.1 na -1", 0xFFFF) is None
    assert value("S1T1=0 i16 scale 0.1 na -1", 0xFFF6) == -1.0
    assert value("S1T1=0 u32 CDAB na 0x7FFFFFFF", 0xFFFF, 0x7FFF) is None
    assert value("S1T1=0 u32 CDAB na 0x7FFFFFFF", 0x7FFF, 0xFFFF) == 0xFFFF7FFF


# --- what a value means


def test_scale_offset_and_unit_follow_one_another() -> None:
    assert value("S1T1=0 u16 scale 0.1 offset -40 unit °C", 650) == pytest.approx(25.0)
    assert value("S1T1=0 u16 scale 0.1 unit K", 2982) == pytest.approx(25.05)
    assert value("S1P1=0 u16 scale 0.01 unit bar", 612) == pytest.approx(0.612)


def test_a_whole_and_a_part_are_added() -> None:
    assert value("S1V1=0 i32 + 2 float", 0, 1234, 0x3F40, 0) == 1234.75
    assert value("S1Q1=0 u32 + 2 u16 scale 0.001 unit MWh", 0, 10, 250) == pytest.approx(10.25 / 1.163)


@pytest.mark.parametrize(
    ("line", "head", "energy_unit", "gcal"),
    [
        ("S1Q1=0 u16", "", "", 1163), ("S1Q1=0 u16", "EnergyUnit=MWh", "", 1000), ("S1Q1=0 u16", "", "MWh", 1000),
        ("S1Q1=0 u16", "EnergyUnit=MWh", "GJ", 1163 / 4.1868), ("S1Q1=0 u16 unit kWh", "EnergyUnit=GJ", "GJ", 1.0),
    ],
)  # fmt: skip
def test_heat_is_in_gcal_by_its_own_unit_the_devices_or_the_templates(
    line: str, head: str, energy_unit: str, gcal: float
) -> None:
    told = reading(template(line, head=head), 1163, energy_unit=energy_unit)
    assert told.systems[0]["Q1"] == pytest.approx(gcal)


def test_errors_are_the_numbers_of_the_points_that_are_not_zero() -> None:
    of = template("S1Err1=0 bit(0)", "S1Err3=0 bit(2) + 0 bit(3)", "S1Err4=1 u16 na 0xFFFF")
    assert [reading(of, *registers).systems[0]["Err"] for registers in ((0, 0), (9, 0), (1, 7))] == ["0", "13", "14"]
    assert reading(of, 0, 0xFFFF).systems[0]["Err"] is None
    assert reading(of, 8, 0xFFFF).systems[0]["Err"] == "3"


def test_a_contact_is_open_or_closed() -> None:
    of = template("S1SW1=0 bit(0)", "S1SW2=0 bit(1)")
    assert {key: reading(of, 2).systems[0][key] for key in ("SW1", "SW2")} == {"SW1": "O", "SW2": "K"}


def test_values_of_the_device_and_of_each_system_stand_where_they_belong() -> None:
    of = template("SoftVer=0 u16 scale 0.01", "S2T1=1 u16", "S1T1=2 u16", head="Name=Насос", extra="Rssi=3 i16")
    told = reading(of, 105, 20, 10, 0xFFB0)
    assert told.device == {"SoftVer": 1.05, "Rssi": -80}
    assert told.systems == ({"DevName": "Насос", "T1": 10}, {"DevName": "Насос", "T1": 20})


def test_extra_values_are_rounded_as_they_ask() -> None:
    of = template("S1T1=0 u16", extra="S1U1=1 u16 scale 0.1\nS1W1=1 u16 scale 0.1 digits 0")
    assert reading(of, 0, 2304).systems[0] == {"DevName": "x", "T1": 0, "U1": 230.4, "W1": 230}
    assert reading(of, 0, 2305).systems[0] == {"DevName": "x", "T1": 0, "U1": 230.5, "W1": 231}


# --- number and clock


@pytest.mark.parametrize(
    ("words", "registers", "number"),
    [
        ("u32", (1, 0x9678), "104056"), ("u32", (0, 0), ""), ("bcd32", (0x1234, 0x5678), "12345678"),
        ("float", (0x4640, 0xE400), "12345"), ("string(6)", (0x4132, 0x3334, 0x3500), "A2345"),
        ("string(6) BA", (0x3241, 0x3433, 0x0035), "A2345"), ("string(4)", (0x412D, 0x3132), ""),
        ("string(4)", (0, 0), ""), ("u32 na 0xFFFFFFFF", (0xFFFF, 0xFFFF), ""), ("u32", (1,), ""),
    ],
)  # fmt: skip
def test_a_serial_number_is_text_that_can_name_files_or_not_known(
    words: str, registers: tuple[int, ...], number: str
) -> None:
    of = template(f"DevNumber=0 {words}")
    assert decode_number(of, found(of, *registers)) == number


MOMENT = datetime(2026, 9, 25, 14, 30, 5)
SECONDS = 1790346605
PARTS = (
    "Year=0 bits(8-15)", "Month=0 bits(0-7)", "Day=1 bits(8-15)", "Hour=1 bits(0-7)", "Minute=2 u16", "Second=3 u16",
)  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "registers"),
    [
        (("Clock=0 u32",), divmod(SECONDS, 65536)),
        (("Clock=0 u32 offset 10800",), divmod(SECONDS - 10800, 65536)),
        (("Date=0 u32", "Time=2 u32"), (*divmod(260925, 65536), *divmod(143005, 65536))),
        (("Date=0 u32", "Time=2 bcd32"), (*divmod(20260925, 65536), 0x0014, 0x3005)),
        (PARTS, (26 * 256 + 9, 25 * 256 + 14, 30, 5)),
    ],
)  # fmt: skip
def test_the_clock_is_read_in_every_form(lines: tuple[str, ...], registers: tuple[int, ...]) -> None:
    told = reading(template("S1T1=0 u16", *lines), *registers)
    assert (told.clock, told.doubts) == (MOMENT, ())


@pytest.mark.parametrize(
    "registers", [(26 * 256 + 13, 25 * 256 + 14, 30, 5), (0, 0, 0, 0), (26 * 256 + 2, 30 * 256, 0, 0)]
)
def test_a_clock_that_is_no_moment_is_not_known_and_told(registers: tuple[int, ...]) -> None:
    told = reading(template("S1T1=0 u16", *PARTS), *registers)
    assert told.clock is None
    assert told.doubts == ("часы прибора: недопустимая дата",)


def test_a_device_without_a_clock_is_no_doubt() -> None:
    assert reading(template("S1T1=0 u16"), 1).clock is None
    assert reading(template("S1T1=0 u16"), 1).doubts == ()

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import SettingsWrong
from engine.template import parse_template
from engine.template.modbus_map import COILS, DISCRETE_INPUTS, HOLDING_REGISTERS, INPUT_REGISTERS, Cell, Point, Template
from engine.template.units import FILE_UNIT, Unit

PATH = "log/User/templates/pump.ini"
ABCD, CDAB, BADC, DCBA = (0, 1, 2, 3), (2, 3, 0, 1), (1, 0, 3, 2), (3, 2, 1, 0)


def parse(text: str) -> Template:
    return parse_template(PATH, text)[0]


def point(line: str, head: str = "", section: str = "values") -> Point:
    """The one value of a template."""
    (only,) = parse(f"[template]\n{head}\n[{section}]\n{line}\n").points
    return only


def cell(line: str, head: str = "") -> Cell:
    (only,) = point(line, head).cells
    return only


def told(text: str) -> list[str]:
    """Every problem without its path."""
    with pytest.raises(SettingsWrong) as wrong:
        parse(text)
    assert all(problem.path == PATH for problem in wrong.value.problems)
    return [f"{problem.line}: {problem.text}" for problem in wrong.value.problems]


def told_of(line: str, head: str = "", section: str = "values") -> str:
    (only,) = told(f"[template]\n{head}\n[{section}]\n{line}\n")
    number, _, text = only.partition(": ")
    assert number == "4"
    return text


# --- a whole file


def test_a_template_is_read_with_everything_that_it_says() -> None:
    text = """; a comment
[Template]
Name=Насос
Manufacturer=Завод
Model=Н-1, Н-2
Source=РЭ, приложение Б
Function=input
AddressBase=1
Order=CDAB
MaxHole=4
MaxRegisters=60
PauseMs=50
EnergyUnit=MWh
[Values]
s1t1=17 float unit K
S2q1=holding 0x21 u32 ABCD scale 0.001
[extra]
S1W1=5 u16 total digits 1
"""
    heat = Cell(HOLDING_REGISTERS, 0x20, 2, "uint", ABCD, scale=0.001)
    assert parse(text) == Template(
        "Насос", "Завод", "Н-1, Н-2", "РЭ, приложение Б", 4, 60, 0.05, "MWh",
        (
            Point("T1", 1, (Cell(INPUT_REGISTERS, 16, 2, "float", CDAB),), unit=Unit(1.0, -273.15)),
            Point("Q1", 2, (heat,), unit=None),
            Point("W1", 1, (Cell(INPUT_REGISTERS, 4, 1, "uint", (0, 1)),), extra=True, digits=1, total=True),
        ),
    )  # fmt: skip
    assert (parse(text).systems, parse(text).totals) == (2, {"W1"})


def test_what_is_not_said_has_its_default() -> None:
    assert parse("[values]\nS1T1=16 float\n") == Template(
        "pump", max_hole=8, max_registers=125, pause_s=0.02, energy_unit="Gcal",
        points=(Point("T1", 1, (Cell(HOLDING_REGISTERS, 16, 2, "float", ABCD),)),),
    )  # fmt: skip


def test_every_problem_is_told_with_its_line() -> None:
    text = "[template]\nMaxHole=x\nPauze=1\n[values]\nS1T1=16 flaot\nS1Tt=1 u16\nS1T2\n[other]\nx=1\n"
    assert [problem.partition(":")[0] for problem in told(text)] == ["2", "3", "5", "6", "7", "8"]
    assert told(text)[1].endswith("возможно PauseMs")


def test_a_template_without_values_is_refused() -> None:
    assert told("[template]\nName=x\n") == ["0: нет ни одного значения в [values]"]


def test_a_value_stands_once_whatever_its_case() -> None:
    assert told("[values]\nS1T1=1 u16\ns1t1=2 u16\n") == ["3: ключ s1t1 уже есть в строке 2"]


def test_comments_and_spaces_change_nothing() -> None:
    assert parse("[values]\nS1T1=16 float\n") == parse("; x\n[values]\n# y\n\nS1T1 = 16   float\n")


# --- where a value stands


@pytest.mark.parametrize(
    ("base", "words", "function", "address"),
    [
        ("0", "16", HOLDING_REGISTERS, 16), ("0", "0x10", HOLDING_REGISTERS, 16),
        ("0", "0XfFfF", HOLDING_REGISTERS, 65535), ("0", "input 7", INPUT_REGISTERS, 7),
        ("1", "1", HOLDING_REGISTERS, 0), ("1", "65536", HOLDING_REGISTERS, 65535),
        ("40001", "40001", HOLDING_REGISTERS, 0), ("40001", "30017", INPUT_REGISTERS, 16),
        ("40001", "465536", HOLDING_REGISTERS, 65535), ("40001", "holding 40011", HOLDING_REGISTERS, 10),
    ],
)  # fmt: skip
def test_addresses_are_counted_as_the_document_counts_them(
    base: str, words: str, function: int, address: int
) -> None:
    found = cell(f"S1T1={words} u16", f"AddressBase={base}")
    assert (found.function, found.address) == (function, address)


@pytest.mark.parametrize(
    ("base", "words"),
    [
        ("0", "65536"), ("1", "0"), ("0", "-1"), ("0", "0x"), ("0", "1.5"), ("40001", "16"), ("40001", "40000"),
        ("40001", "50001"), ("40001", "465537"), ("40001", "0x9C41"), ("40001", "input 40001"),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_is_told(base: str, words: str) -> None:
    assert told_of(f"S1T1={words} u16", f"AddressBase={base}").startswith("S1T1: ")


def test_a_value_that_reaches_beyond_the_last_register_is_told() -> None:
    assert "не помещается" in told_of("S1T1=0xFFFF u32")


@pytest.mark.parametrize(("name", "function"), [("coil", COILS), ("discrete", DISCRETE_INPUTS)])
def test_single_bits_are_read_by_their_own_functions(name: str, function: int) -> None:
    assert cell(f"S1SW1={name} 5 bit") == Cell(function, 5, 1, "bit")
    assert "только bit" in told_of(f"S1SW1={name} 5 u16")


@pytest.mark.parametrize(("name", "function"), [("1", COILS), ("discrete", DISCRETE_INPUTS)])
def test_the_function_of_a_template_may_be_told_by_name_or_number(name: str, function: int) -> None:
    assert cell("S1SW1=5 bit", f"Function={name}").function == function


# --- types and orders


@pytest.mark.parametrize(
    ("name", "kind", "count"),
    [
        ("u16", "uint", 1), ("i16", "int", 1), ("u32", "uint", 2), ("i32", "int", 2), ("u64", "uint", 4),
        ("i64", "int", 4), ("float", "float", 2), ("double", "float", 4), ("bcd16", "bcd", 1), ("BCD32", "bcd", 2),
    ],
)  # fmt: skip
def test_a_type_tells_how_many_registers_are_read(name: str, kind: str, count: int) -> None:
    assert cell(f"S1T1=1 {name}") == Cell(HOLDING_REGISTERS, 1, count, kind, tuple(range(2 * count)))


def test_bits_of_a_register_are_counted_from_the_lowest() -> None:
    assert cell("S1Err1=1 bit(3)").bits == (3, 1)
    assert cell(["Day=1 bits(8-15)", "Month=1 bits(0-7)", "Year=2 u16", "Hour=3 u16", "Minute=4 u16"][0].replace(
        "Day", "S1T1")).bits == (8, 8)  # fmt: skip


@pytest.mark.parametrize("name", ["bit(16)", "bits(3)", "bit(1-2)", "bits(5-4)", "bits(0-16)", "bit", "bit()"])
def test_bits_that_cannot_be_are_told(name: str) -> None:
    assert told_of(f"S1T1=1 {name}").startswith("S1T1: ")


@pytest.mark.parametrize(("letters", "order"), [("ABCD", ABCD), ("cdab", CDAB), ("BADC", BADC), ("DCBA", DCBA)])
def test_four_bytes_come_in_four_orders(letters: str, order: tuple[int, ...]) -> None:
    assert cell(f"S1T1=1 float {letters}").order == order
    assert cell("S1T1=1 float", f"Order={letters}").order == order


@pytest.mark.parametrize(
    ("default", "two", "eight"),
    [("ABCD", "AB", "ABCDEFGH"), ("CDAB", "AB", "GHEFCDAB"), ("BADC", "BA", "BADCFEHG"), ("DCBA", "BA", "HGFEDCBA")],
)
def test_the_default_order_holds_for_numbers_of_every_width(default: str, two: str, eight: str) -> None:
    assert cell("S1T1=1 u16", f"Order={default}") == cell(f"S1T1=1 u16 {two}")
    assert cell("S1T1=1 double", f"Order={default}") == cell(f"S1T1=1 double {eight}")


def test_eight_bytes_may_have_their_halves_exchanged() -> None:
    assert cell("S1T1=1 u64 EFGHABCD").order == (4, 5, 6, 7, 0, 1, 2, 3)


@pytest.mark.parametrize("words", ["float ACBD", "float AB", "u16 ABCD", "float AABB", "u64 ABCD", "float ABDC"])
def test_an_order_that_tears_a_register_or_has_another_width_is_told(words: str) -> None:
    assert "порядок" in told_of(f"S1T1=1 {words}")


def test_a_text_keeps_the_order_of_its_registers() -> None:
    assert cell("DevNumber=1 string(5)") == Cell(HOLDING_REGISTERS, 1, 3, "text", (0, 1, 2, 3, 4, 5))
    assert cell("DevNumber=1 string(4) BA").order == BADC
    assert cell("DevNumber=1 string(4)", "Order=CDAB").order == ABCD
    assert cell("DevNumber=1 string(4)", "Order=DCBA").order == BADC
    assert "AB или BA" in told_of("DevNumber=1 string(4) CDAB")


def test_a_text_is_no_measured_value() -> None:
    assert "string не число" in told_of("S1T1=1 string(4)")
    assert "без дополнений" in told_of("DevNumber=1 string(4) + 3 string(4)")
    assert "не бывает scale" in told_of("DevNumber=1 string(4) scale 2")
    assert "такого типа нет" in told_of("DevNumber=1 string(65)")


# --- what a number means


def test_scale_and_markers_belong_to_each_part_offset_and_range_to_the_sum() -> None:
    found = point("S1V1=10 u32 na 0xFFFFFFFF + 12 float scale 0.5 na -1,-2.5,0x7F800000 offset 3 range 0..1e6 unit l")
    whole, part = found.cells
    assert (whole.scale, whole.na_raw, whole.na_numbers) == (1.0, {0xFFFFFFFF}, frozenset())
    assert (part.scale, part.na_raw, part.na_numbers) == (0.5, {0x7F800000}, {-1.0, -2.5})
    assert (found.offset, found.limits, found.unit) == (3.0, (0.0, 1e6), Unit(1e-3))


def test_a_status_register_is_counted_like_any_other() -> None:
    found = point("S1T1=input 4 float status 3", "Function=input\nAddressBase=1")
    assert found.status == Cell(INPUT_REGISTERS, 2, 1, "uint", (0, 1))
    assert found.reads == (*found.cells, found.status)
    assert point("S1T1=40004 float status 10003", "AddressBase=40001").status == Cell(DISCRETE_INPUTS, 2, 1, "bit")
    assert "нужен адрес" in told_of("S1T1=1 float status x")


def test_markers_may_stand_in_several_groups() -> None:
    assert cell("S1T1=1 u16 na 0xFFFF na 0xFFFE,5").na_raw == {0xFFFF, 0xFFFE}


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("S1T1=1 u16 na 0x10000", "не помещается"), ("S1T1=1 u16 scale 0", "нулём"),
        ("S1T1=1 u16 scale x", "нужно число"), ("S1T1=1 u16 scale", "нет значения"),
        ("S1T1=1 u16 range 5..5", "меньше второго"), ("S1T1=1 u16 range 5", "-50..200"),
        ("S1T1=1 u16 unit bar", "здесь бывают °C, K"), ("S1T1=1 u16 offset 1 offset 2", "дважды"),
        ("S1T1=1 u16 offset 1 + 2 u16", "после последнего"), ("S1T1=1 u16 +", "нужно: [функция]"),
        ("S1T1=", "нужно: [функция]"), ("S1T1=holding", "нужно: [функция]"), ("S1T1=1 u16 twice", "непонятное слово"),
        ("S1T1=1 u16 digits 1", "только в [extra]"), ("S1T1=1 u16 scale 0,1", "через точку"),
        ("S1Err1=1 u16 unit h", "unit здесь"),
        ("S1T1=" + " + ".join(["1 u16"] * 9), "больше 8"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_told(words: str, reason: str) -> None:
    assert reason in told_of(words)


@pytest.mark.parametrize(
    ("key", "unit", "factor"),
    [
        ("S1Q1", "MWh", 1 / 1.163), ("S1Q1", "кВт·ч", 1e-3 / 1.163), ("S1Q1", "GJ", 1 / 4.1868), ("S1Q1", "Гкал", 1.0),
        ("S1M1", "kg", 1e-3), ("S1V1", "л", 1e-3), ("S1V1", "m³", 1.0), ("S1P1", "bar", 0.1), ("S1P1", "kPa", 1e-3),
        ("S1P1", "кгс/см²", 0.0980665), ("S1Tall", "s", 1 / 3600), ("S1Tmin", "мин", 1 / 60), ("S1G1", "kg/h", 1e-3),
        ("S1Gv1", "l/s", 3.6), ("S1Gv2", "м3/ч", 1.0), ("S1T3", "°C", 1.0), ("S1dTmin1", "K", 1.0),
    ],
)  # fmt: skip
def test_units_become_those_of_the_files(key: str, unit: str, factor: float) -> None:
    found = point(f"{key}=1 float unit {unit}").unit
    assert found is not None
    assert (found.factor, found.shift) == (pytest.approx(factor, rel=1e-12), 0.0)


def test_kelvin_and_fahrenheit_are_shifted() -> None:
    kelvin, fahrenheit = point("S1T1=1 float unit K").unit, point("S1T1=1 float unit °F").unit
    assert kelvin and fahrenheit
    assert 300 * kelvin.factor + kelvin.shift == pytest.approx(26.85)
    assert 212 * fahrenheit.factor + fahrenheit.shift == pytest.approx(100)


def test_heat_without_a_unit_follows_the_settings_and_all_else_is_in_the_unit_of_the_files() -> None:
    assert point("S1Q1=1 float").unit is None
    assert point("S1V1=1 float").unit == FILE_UNIT


# --- keys


@pytest.mark.parametrize("key", ["DevNumber", "SoftVer", "S1Q2", "S99T3", "S2Gv9", "S1Tall", "S1Err4", "S1SW2"])
def test_keys_of_the_manual_are_known(key: str) -> None:
    assert point(f"{key.lower()}=1 u16").name == key


@pytest.mark.parametrize("key", ["S1Tt", "S1Q0", "S0T1", "S100T1", "T1", "NetAddr", "S1Err5", "S1dQ1", "S1"])
def test_keys_that_the_manual_has_not_got_belong_into_extra(key: str) -> None:
    assert "[extra]" in told_of(f"{key}=1 u16")


def test_a_likely_slip_is_told() -> None:
    assert "возможно S1Tgood" in told_of("S1Tgod=1 u16")


@pytest.mark.parametrize("key", ["S1E1", "S1Power", "Room", "S12U3"])
def test_own_keys_stand_in_extra(key: str) -> None:
    assert point(f"{key}=1 u16", section="extra").name == key


@pytest.mark.parametrize("key", ["S1T1", "s1dq1", "Online", "DateTime", "S1Ы", "S1DevType", "x_y", "Rep", "NetAddr"])
def test_extra_keys_are_never_those_of_the_files(key: str) -> None:
    assert told_of(f"{key}=1 u16", section="extra")


@pytest.mark.parametrize(
    ("keys", "sound"),
    [
        ("Clock", True), ("Date Time", True), ("Year Month Day Hour Minute Second", True),
        ("Year Month Day Hour Minute", True), ("Date", False), ("Clock Date Time", False), ("Year Month Day", False),
        ("Clock Second", False),
    ],
)  # fmt: skip
def test_the_clock_is_told_in_one_way_and_whole(keys: str, sound: bool) -> None:
    text = "[values]\n" + "".join(f"{key}={number} u16\n" for number, key in enumerate(keys.split()))
    if sound:
        assert len(parse(text).points) == len(keys.split())
    else:
        assert told(text)[0].startswith("2: часы прибора")


# --- whatever a user writes


WORDS = st.sampled_from(
    [
        "S1T1", "=", "+", "0x10", "40001", "65535", "float", "u32", "bit(3)", "bits(0-7)", "string(4)", "CDAB", "scale",
        "offset", "unit", "range", "na", "-1", "0..5", "0xFFFF", "°C", "total", "digits", "holding", "coil", "discrete",
        "1e9", "Order", "AddressBase", "[values]", "[template]", "[extra]", ";", "\n",
    ]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(words=st.lists(WORDS, max_size=30), noise=st.text(max_size=20))
def test_any_text_is_a_template_or_a_list_of_problems(words: list[str], noise: str) -> None:
    text = "[values]\n" + " ".join(words).replace(" = ", "=").replace("\n ", "\n") + noise
    try:
        template, warnings = parse_template(PATH, text)
    except SettingsWrong as wrong:
        assert wrong.problems
        assert all(problem.path == PATH and problem.text and not problem.warning for problem in wrong.problems)
    else:
        assert template.points and not warnings


NUMBERS = st.integers(0, 60000)
TYPES = st.sampled_from(["u16", "i32", "float CDAB", "double HGFEDCBA", "bcd16 BA", "bit(7)", "bits(4-9)"])


@settings(max_examples=100, deadline=None)
@given(
    parts=st.lists(st.tuples(NUMBERS, TYPES, st.floats(-1e6, 1e6).filter(bool)), min_size=1, max_size=8),
    offset=st.floats(-1e6, 1e6),
)
def test_every_line_that_the_grammar_allows_is_understood(
    parts: list[tuple[int, str, float]], offset: float
) -> None:
    text = " + ".join(f"{address} {name} scale {scale:.6f}1" for address, name, scale in parts)
    found = point(f"S1V1={text} offset {offset:.6f}")
    assert [each.address for each in found.cells] == [address for address, _, _ in parts]
    assert [each.scale for each in found.cells] == [float(f"{scale:.6f}1") for _, _, scale in parts]
    assert found.offset == float(f"{offset:.6f}")

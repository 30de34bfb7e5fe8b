"""One line of a template: `S1Q1=holding 0x0010 u32 CDAB scale 0.001 + 0x0012 float unit MWh na 0xFFFFFFFF` -> Point.

The grammar stands in docs/templates.md. A line that cannot be used raises ValueError with the reason, in Russian.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from engine.template import byte_order, units
from engine.template.keys import ENERGY, QUANTITIES, TEXTS, extra_key, find_key, names_for_hint
from engine.template.modbus_map import COILS, DISCRETE_INPUTS, HOLDING_REGISTERS, INPUT_REGISTERS, Cell, Point
from engine.template.units import FILE_UNIT

FUNCTIONS = {
    "holding": HOLDING_REGISTERS, "input": INPUT_REGISTERS, "coil": COILS, "discrete": DISCRETE_INPUTS,
}  # fmt: skip
_MODICON = {"0": COILS, "1": DISCRETE_INPUTS, "3": INPUT_REGISTERS, "4": HOLDING_REGISTERS}
_ADDRESSES = 0x10000
_WIDTHS = {"u16": 2, "i16": 2, "bcd16": 2, "u32": 4, "i32": 4, "float": 4, "bcd32": 4, "u64": 8, "i64": 8, "double": 8}
_KINDS = {"u": "uint", "i": "int", "f": "float", "d": "float", "b": "bcd"}
_TYPE_NAMES = (*_WIDTHS, "bit(0)…bit(15)", "bits(0-15)", "string(8)", "bit")
_BIT = re.compile(r"bits?\(([0-9]{1,2})(?:-([0-9]{1,2}))?\)")
_STRING = re.compile(r"string\(([0-9]{1,3})\)")
_STRING_MOST = 64
_WHOLE = re.compile(r"[0-9]{1,6}|0x[0-9a-f]{1,4}", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?(?:e[+-]?[0-9]{1,2})?", re.IGNORECASE)
_RAW = re.compile(r"0x[0-9a-f]{1,16}", re.IGNORECASE)
_LIMITS = re.compile(r"(.+?)\.\.(.+)")
_PARTS_MOST = 8


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a line need not say; `base` is AddressBase, `order` that of four bytes."""

    function: int = HOLDING_REGISTERS
    base: str = "0"
    order: str = "ABCD"


@dataclass
class _Line:
    """A line as far as it is read."""

    kind: str
    cells: list[Cell] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)


def read_point(key: str, text: str, defaults: Defaults, extra: bool) -> Point:
    """The value of one line of `[values]` or, when `extra`, of `[extra]`. ValueError says what is wrong."""
    system, name, kind = _key(key, extra)
    line = _Line(kind)
    for tokens in _split(text):
        _read_cell(line, tokens, defaults)
    return _finish(line, Point(name, system, tuple(line.cells), extra=extra), defaults)


def _key(key: str, extra: bool) -> tuple[int, str, str]:
    found = find_key(key)
    if found is not None and extra:
        raise ValueError("этот ключ есть в руководстве, его место в [values]")
    if found is not None:
        return found
    if extra:
        return extra_key(key)
    names = names_for_hint(key)
    import difflib  # for a wrong file only: a quarter of a megabyte that a right one does not cost

    close = difflib.get_close_matches(key.lower()[:40], names, n=1)
    hint = f", возможно {names[close[0]]}" if close else ""
    raise ValueError(f"неизвестное значение{hint}; своим ключам место в [extra]")


def _split(text: str) -> Iterator[list[str]]:
    """The words of each part; parts stand between plus signs."""
    part: list[str] = []
    parts = [part]
    for word in text.split():
        if word == "+":
            part = []
            parts.append(part)
        else:
            part.append(word)
    if not all(parts):
        raise ValueError("нужно: [функция] адрес тип")
    if len(parts) > _PARTS_MOST:
        raise ValueError(f"слагаемых больше {_PARTS_MOST}")
    yield from parts


def _read_cell(line: _Line, words: list[str], defaults: Defaults) -> None:
    if line.options:
        raise ValueError(f"{next(iter(line.options))} пишется один раз, после последнего слагаемого")
    words = list(words)
    function = FUNCTIONS.get(words[0].lower())
    if function is not None:
        del words[0]
    if len(words) < 2:
        raise ValueError("нужно: [функция] адрес тип")
    function, address = _place(words.pop(0), function, defaults)
    cell = _typed(words.pop(0).lower(), function, address, line.kind)
    if cell.order:
        letters = words.pop(0).upper() if words and byte_order.is_order(words[0]) else ""
        cell = replace(cell, order=_order(letters, cell, defaults.order))
    line.cells.append(_with_options(line, cell, words))


# --- where


def _place(text: str, function: int | None, defaults: Defaults) -> tuple[int, int]:
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{_shown(text)}: нужен адрес регистра, например 16 или 0x0010")
    if defaults.base == "40001":
        return _modicon(text, function)
    address = int(text, 0) if text[:2].lower() == "0x" else int(text)
    address -= int(defaults.base)
    if not 0 <= address < _ADDRESSES:
        raise ValueError(f"адрес {text}: бывает от {defaults.base} до {_ADDRESSES - 1 + int(defaults.base)}")
    return defaults.function if function is None else function, address


def _modicon(text: str, function: int | None) -> tuple[int, int]:
    """40001 is holding register 0; six digits reach further. The first digit is the function."""
    if len(text) not in (5, 6) or not text.isdigit() or text[0] not in _MODICON or not int(text[1:]):
        raise ValueError(f"адрес {_shown(text)}: при AddressBase=40001 нужно 5 или 6 цифр, например 40001 или 300017")
    told, address = _MODICON[text[0]], int(text[1:]) - 1
    if function not in (None, told) or address >= _ADDRESSES:
        raise ValueError(f"адрес {text}: первая цифра говорит о другой функции или адрес слишком велик")
    return told, address


# --- what


def _typed(name: str, function: int, address: int, kind: str) -> Cell:
    cell = _cell(name, function, address)
    if cell.end > _ADDRESSES:
        raise ValueError(f"{name} не помещается: последний адрес 0x{_ADDRESSES - 1:04X}")
    if cell.kind == "text" and kind not in TEXTS:
        raise ValueError("string не число: он только для DevNumber, SoftVer и других текстов")
    return cell


def _cell(name: str, function: int, address: int) -> Cell:
    if function in (COILS, DISCRETE_INPUTS):
        if name != "bit":
            raise ValueError("у coil и discrete тип только bit, без номера")
        return Cell(function, address, 1, "bit")
    if name in _WIDTHS:
        width = _WIDTHS[name]
        return Cell(function, address, width // 2, _KINDS[name[0]], tuple(range(width)))
    bit, string = _BIT.fullmatch(name), _STRING.fullmatch(name)
    if bit is not None:
        return Cell(function, address, 1, "bits", (0, 1), _bits(name, bit))
    if string is not None and 1 <= int(string[1]) <= _STRING_MOST:
        count = (int(string[1]) + 1) // 2
        return Cell(function, address, count, "text", tuple(range(2 * count)))
    raise ValueError(f"{_shown(name)}: такого типа нет, бывают {', '.join(_TYPE_NAMES)}")


def _bits(name: str, found: re.Match[str]) -> tuple[int, int]:
    low, high = int(found[1]), int(found[2] or found[1])
    if (found[2] is None) != name.startswith("bit("):
        raise ValueError(f"{name}: один разряд это bit(3), несколько это bits(0-7)")
    if not low <= high <= 15:
        raise ValueError(f"{name}: разряды от 0 (младший) до 15")
    return low, high - low + 1


def _order(letters: str, cell: Cell, default: str) -> tuple[int, ...]:
    width = len(cell.order)
    if cell.kind == "text":
        return byte_order.of_text(letters or ("BA" if byte_order.low_byte_first(default) else "AB"), width)
    return byte_order.own(letters, width) if letters else byte_order.default(default, width)


# --- options


def _with_options(line: _Line, cell: Cell, words: list[str]) -> Cell:
    while words:
        name = words.pop(0).lower()
        taken = _CELL_OPTIONS.get(name)
        if taken is None and name not in _POINT_OPTIONS:
            told = ", ".join((*_CELL_OPTIONS, *_POINT_OPTIONS))
            raise ValueError(f"{_shown(name)}: непонятное слово, после типа бывают порядок байт, {told}")
        if name == "total":
            line.options[name] = ""
            continue
        if not words:
            raise ValueError(f"{name}: нет значения")
        value = words.pop(0)
        if taken is not None:
            cell = taken(cell, value)
        elif name in line.options:
            raise ValueError(f"{name} стоит дважды")
        else:
            line.options[name] = value
    return cell


def _scale(cell: Cell, text: str) -> Cell:
    if cell.kind == "text":
        raise ValueError("у string не бывает scale")
    scale = _number("scale", text)
    if not scale:
        raise ValueError("scale 0: множитель не может быть нулём")
    return replace(cell, scale=scale)


def _markers(cell: Cell, text: str) -> Cell:
    raw, numbers = set(cell.na_raw), set(cell.na_numbers)
    for marker in text.split(","):
        if _RAW.fullmatch(marker):
            raw.add(int(marker, 16))
        else:
            numbers.add(_number("na", marker))
    if cell.kind == "text" or any(marker >> 16 * cell.count for marker in raw):
        raise ValueError(f"na {_shown(text)}: это значение не помещается в тип")
    return replace(cell, na_raw=frozenset(raw), na_numbers=frozenset(numbers))


_CELL_OPTIONS: dict[str, Callable[[Cell, str], Cell]] = {"scale": _scale, "na": _markers}
_POINT_OPTIONS = ("offset", "unit", "range", "status", "digits", "total")


def _finish(line: _Line, point: Point, defaults: Defaults) -> Point:
    """The point with what is told once for all its parts."""
    told = line.options
    only_extra = [name for name in ("digits", "total") if name in told]
    if only_extra and not point.extra:
        raise ValueError(f"{only_extra[0]} бывает только в [extra]")
    texts = any(cell.kind == "text" for cell in point.cells)
    if texts and (len(point.cells) > 1 or told):
        raise ValueError("string стоит один и без дополнений")
    return Point(
        point.key,
        point.system,
        point.cells,
        offset=_number("offset", told.get("offset", "0")),
        unit=_unit(line.kind, told.get("unit")),
        limits=_range(told["range"]) if "range" in told else None,
        status=_status(told["status"], defaults) if "status" in told else None,
        extra=point.extra,
        digits=_digits(told.get("digits", "3")),
        total="total" in told,
    )


def _unit(kind: str, name: str | None) -> units.Unit | None:
    if name is None:
        return None if kind == ENERGY else FILE_UNIT
    if kind not in QUANTITIES:
        raise ValueError("unit здесь не бывает: значение пишется как есть, множитель задаёт scale")
    unit = units.find(kind, name)
    if unit is None:
        raise ValueError(f"единица {_shown(name)}: здесь бывают {', '.join(units.LATIN[kind])}")
    return unit


def _range(text: str) -> tuple[float, float]:
    found = _LIMITS.fullmatch(text)
    if found is None:
        raise ValueError(f"range {_shown(text)}: нужно, например, -50..200")
    least, most = _number("range", found[1]), _number("range", found[2])
    if least >= most:
        raise ValueError(f"range {text}: первое число должно быть меньше второго")
    return least, most


def _status(text: str, defaults: Defaults) -> Cell:
    function, address = _place(text, None, defaults)
    return _cell("bit" if function in (COILS, DISCRETE_INPUTS) else "u16", function, address)


def _digits(text: str) -> int:
    if not text.isdigit() or len(text) > 1:
        raise ValueError(f"digits {_shown(text)}: нужно число от 0 до 9")
    return int(text)


def _number(option: str, text: str) -> float:
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise ValueError(f"{option} {_shown(text)}: нужно число, дробная часть через точку")
    return float(text)


def _shown(text: str) -> str:
    return text if len(text) <= 20 and text.isprintable() else "(не показано)"

"""What registers mean by a template: cells in, a Reading out. Used by `modbus`. Pure.

A cell is None where its register is missing, a float is no number, a BCD digit is none, or a marker says so:
then the whole value is not known. Nothing is guessed.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal

from engine.codec import GCAL_PER_UNIT
from engine.dialogue import Setup
from engine.model import Reading, Value
from engine.naming import is_dev_number
from engine.template.modbus_map import Cell, Point, Template

Found = Mapping[Cell, bytes]
"""What was read of each cell, registers big-endian as they came; a bit is one byte, 0 or 1."""

ERRORS = ("Err1", "Err2", "Err3", "Err4")
"""Points that make `Err`: each gives its number when it is not zero."""
CONTACTS = ("SW1", "SW2")
_PARTS = ("Year", "Month", "Day", "Hour", "Minute", "Second")
_EPOCH = datetime(1970, 1, 1)
_EXACT = Context(prec=400, rounding=ROUND_HALF_UP)
_FLOAT = {4: ">f", 8: ">d"}


def decode_reading(setup: Setup, template: Template, found: Found) -> Reading:
    """Values of all points, in the units of the files."""
    heat = GCAL_PER_UNIT[setup.energy_unit or template.energy_unit]
    values = {point: _value(point, found, heat) for point in template.points}
    device: dict[str, Value] = {point.key: value for point, value in values.items() if _is_shown(point)}
    clock_points = {point.key: value for point, value in values.items() if not point.system}
    clock = decode_clock(clock_points)
    told = {point.name: _doubt(point, found) for point, value in values.items() if value is None}
    doubts = [f"{name}: {doubt}" for name, doubt in told.items() if doubt]
    if clock is None and None not in clock_points.values() and _tells_clock(clock_points):
        doubts.append("часы прибора: недопустимая дата")
    systems = tuple(_system(values, number, template.name) for number in range(1, template.systems + 1))
    return Reading(decode_number(template, found), clock, device, systems, tuple(doubts))


def decode_number(template: Template, found: Found) -> str:
    """The serial number; "" where the template names none, or the device tells none."""
    for point in template.points:
        if not point.system and point.key == "DevNumber":
            text = str(_value(point, found, 1.0) or "")
            return text if is_dev_number(text) and text.strip("0") else ""
    return ""


def _is_shown(point: Point) -> bool:
    return not point.system and point.key not in ("DevNumber", "Clock", "Date", "Time", *_PARTS)


def _system(values: Mapping[Point, Value], number: int, name: str) -> dict[str, Value]:
    own = {point.key: value for point, value in values.items() if point.system == number}
    errors = {key: own.pop(key) for key in ERRORS if key in own}
    shown: dict[str, Value] = {"DevName": name, **own}
    shown |= {key: _contact(own[key]) for key in CONTACTS if key in own}
    if errors:
        digits = "".join(key[-1] for key in ERRORS if errors.get(key))
        shown["Err"] = digits or (None if None in errors.values() else "0")
    return shown


def _contact(value: Value) -> str | None:
    """A sensor that is closed is K, an open one O (formats guide, section 5)."""
    return None if value is None else "K" if value else "O"


def _doubt(point: Point, found: Found) -> str:
    """Why a value is not known; "" when the device itself says that there is none."""
    if any(cell not in found for cell in point.reads):
        return "нет такого регистра"
    if not _is_valid(point, found) or any(is_marked(cell, found) for cell in point.cells):
        return ""
    if any(cell.kind != "text" and decode_cell(cell, found) is None for cell in point.cells):
        return "не число"
    return "" if point.cells[0].kind == "text" else "вне допустимых пределов"


# --- one value


def _value(point: Point, found: Found, heat: float) -> Value:
    """The sum of the cells in the unit of the files; None when it is not known."""
    if point.cells[0].kind == "text":
        return _text(point.cells[0], found)
    if not _is_valid(point, found):
        return None
    numbers = [decode_cell(cell, found) for cell in point.cells]
    known = [number for number in numbers if number is not None]
    if len(known) < len(numbers):
        return None
    total = sum(known) + point.offset if point.offset else sum(known)
    if point.limits and not point.limits[0] <= total <= point.limits[1]:
        return None
    return _converted(point, total, heat)


def _is_valid(point: Point, found: Found) -> bool:
    """Whether the device itself says that the value can be used."""
    return point.status is None or decode_cell(point.status, found) == 0


def _converted(point: Point, number: float, heat: float) -> Value:
    if point.extra:
        number = _rounded(number, point.digits)
    elif point.unit is None:
        number *= heat
    elif point.unit.factor != 1.0 or point.unit.shift:
        number = number * point.unit.factor + point.unit.shift
    if isinstance(number, float) and not math.isfinite(number):
        return None
    return int(number) if isinstance(number, float) and number.is_integer() and _is_whole(point) else number


def _rounded(number: float, digits: int) -> float:
    """As a person rounds what is written: 2.2975 is 2.298."""
    step = Decimal(1).scaleb(-digits)
    return float(Decimal(repr(number)).quantize(step, context=_EXACT)) if math.isfinite(number) else number


def _is_whole(point: Point) -> bool:
    """A serial number in a float, a version, a bit: written without a point."""
    return point.extra or not point.system


def decode_cell(cell: Cell, found: Found) -> float | None:
    """The number of one cell with its scale; None where it is not available."""
    data = found.get(cell)
    if data is None:
        return None
    ordered = bytes(data[place] for place in cell.order) if cell.order else data
    number = _number(cell, ordered)
    if number is None or not math.isfinite(number) or is_marked(cell, found):
        return None
    return number * cell.scale if cell.scale != 1.0 else number


def is_marked(cell: Cell, found: Found) -> bool:
    """Whether a marker stands where the number would: the device says that it has none."""
    ordered = bytes(found[cell][place] for place in cell.order) if cell.order else found[cell]
    return _raw(cell, ordered) in cell.na_raw or _number(cell, ordered) in cell.na_numbers


def _raw(cell: Cell, ordered: bytes) -> int:
    return _bits(cell, ordered) if cell.kind in ("bits", "bit") else int.from_bytes(ordered, "big")


def _number(cell: Cell, ordered: bytes) -> float | None:
    kind = _NUMBERS.get(cell.kind)
    return kind(ordered, _raw(cell, ordered)) if kind else None


def _bits(cell: Cell, ordered: bytes) -> int:
    low, count = cell.bits
    return int.from_bytes(ordered, "big") >> low & ((1 << count) - 1)


def _unsigned(_ordered: bytes, raw: int) -> float | None:
    return raw


def _signed(ordered: bytes, _raw: int) -> float | None:
    return int.from_bytes(ordered, "big", signed=True)


def _float(ordered: bytes, _raw: int) -> float | None:
    number: float = struct.unpack(_FLOAT[len(ordered)], ordered)[0]
    return _shortest(number) if len(ordered) == 4 and math.isfinite(number) else number


def _shortest(number: float) -> float:
    """Of all numbers that are this float of 4 bytes the one with the fewest digits: 21.3, not 21.299999."""
    return float(f"{number:.7g}") if struct.pack(">f", float(f"{number:.7g}")) == struct.pack(">f", number) else number


def _bcd(ordered: bytes, _raw: int) -> float | None:
    text = ordered.hex()
    return int(text) if text.isdecimal() else None


_NUMBERS: dict[str, Callable[[bytes, int], float | None]] = {
    "uint": _unsigned, "int": _signed, "float": _float, "bcd": _bcd, "bits": _unsigned, "bit": _unsigned,
}  # fmt: skip


def _text(cell: Cell, found: Found) -> str | None:
    """The letters up to the first zero; None when there are none that can be printed."""
    data = found.get(cell)
    if data is None:
        return None
    letters = bytes(data[place] for place in cell.order).split(b"\0")[0].decode("cp1251", "replace").strip()
    return letters if letters and letters.isprintable() else None


# --- the clock


def _tells_clock(values: Mapping[str, Value]) -> bool:
    return any(key in values for key in ("Clock", "Date", *_PARTS))


def decode_clock(values: Mapping[str, Value]) -> datetime | None:
    """The device's clock out of the points that tell it; None when they are no moment between 2000 and 2099."""
    numbers = {key: int(value) for key, value in values.items() if isinstance(value, int | float)}
    try:
        moment = _moment(numbers)
    except (KeyError, ValueError, OverflowError):
        return None
    return moment if 2000 <= moment.year <= 2099 else None


def _moment(numbers: Mapping[str, int]) -> datetime:
    if "Clock" in numbers:
        return _EPOCH + timedelta(seconds=numbers["Clock"])
    if "Date" in numbers:
        (years, month, day), (hour, minute, second) = _pairs(numbers["Date"]), _pairs(numbers["Time"])
    else:
        years, month, day, hour, minute = (numbers[key] for key in _PARTS[:5])
        second = numbers.get("Second", 0)
    return datetime(years + 2000 * (years < 100), month, day, hour, minute, second)


def _pairs(number: int) -> tuple[int, int, int]:
    """20260925 or 260925 is the 25th of September 2026; 143005 is half past two and 5 seconds."""
    return number // 10000, number // 100 % 100, number % 100

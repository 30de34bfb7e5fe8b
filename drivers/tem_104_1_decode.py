"""What the bytes of a ТЭМ-104-1 mean: bytes in, values out. Used by `tem_104_1`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from drivers.tem_104_1_map import (
    CURRENT_VALUES,
    ERROR_BITS,
    LARGEST_FLOWS,
    LAST_NUMBERS,
    LAST_TYPE,
    MEMORY,
    RECORD,
    SERIAL,
    TIMES,
)
from drivers.tem_104_decode import NO_SUCH_STAMP, TORN, WRONG_SUM, hundredths, product
from drivers.tem_104_map import DIAMETERS_MM, SYSTEM_TYPES
from drivers.tem_ring import bcd_stamp, is_unwritten
from engine.codec import GCAL_PER_UNIT, Field, bcd_datetime, floats, integers, plain_sum
from engine.dialogue import Condition, Fetched
from engine.model import Reading, Record, RecType, Value

_NUMBER = re.compile(rb"[0-9A-Za-z]+")
_DOUBTS = {"Type": "неизвестный тип системы", "Du1": "неизвестный диаметр"}


@dataclass(frozen=True, slots=True)
class Layout:
    """How a meter is set up: the type of its system, and how many temperatures and pressures that has."""

    type_name: str | None
    sensors: int


def decode_layout(memory: bytes) -> Layout:
    """The system of a meter; without sensors when its type is not known."""
    (code,) = integers(memory, MEMORY["type"])
    if code > LAST_TYPE:
        return Layout(None, 0)
    name, _, sensors = SYSTEM_TYPES[code]
    return Layout(name, sensors)


def decode_serial(memory: bytes) -> str:
    """The serial number: the digits and letters that the memory begins with; "" where it is blank."""
    start, length = SERIAL
    found = _NUMBER.match(memory[start : start + length])
    return found[0].decode("ascii") if found else ""


def decode_reading(memory: bytes, ram: bytes, clock: bytes, unit: str) -> Reading:
    """Current values: parameter memory, the piece of RAM and the clock's registers."""
    layout = decode_layout(memory)
    values = {**_settings(memory, layout), **_totals(memory, MEMORY, unit), **_current(ram, layout)}
    values["Err"] = _decode_errors(memory, MEMORY)
    moment = decode_clock(clock)
    doubts = [f"S1{key}: {_DOUBTS.get(key, _unset(key))}" for key, value in values.items() if value is None]
    if moment is None:
        doubts.append("часы прибора: недопустимая дата")
    return Reading(decode_serial(memory), moment, {"NumSystems": 1}, (values,), tuple(doubts))


def _unset(key: str) -> str:
    return "неизвестный диаметр" if key in ("Gmin1", "Gmax1") else "не число"


def decode_clock(registers: bytes) -> datetime | None:
    """The clock out of its registers; None when they show no date."""
    second, minute, hour, _, day, month, year = registers
    return bcd_datetime(year=year, month=month, day=day, hour=hour, minute=minute, second=second)


def _settings(memory: bytes, layout: Layout) -> dict[str, Value]:
    (index,) = integers(memory, MEMORY["diameter"])
    (lower,), (upper,) = integers(memory, MEMORY["lower limit"]), integers(memory, MEMORY["upper limit"])
    limit = LARGEST_FLOWS[index] if index < len(LARGEST_FLOWS) else None
    return {
        "Type": layout.type_name,
        "dTmin1": integers(memory, MEMORY["dt min"])[0],
        "Du1": DIAMETERS_MM[index] if index < len(DIAMETERS_MM) else None,
        "Gmin1": product(limit, lower, 0.0005),
        "Gmax1": product(limit, upper, 0.01),
    }


def _totals(data: bytes, fields: dict[str, Field], unit: str) -> dict[str, Value]:
    """Running totals and times, out of parameter memory or a record."""
    values: dict[str, Value] = {"Q1": product(_total(data, fields, "Q"), GCAL_PER_UNIT[unit])}
    values |= {"V1": _total(data, fields, "V"), "M1": _total(data, fields, "M")}
    return values | {name: integers(data, fields[name])[0] / 3600 for name in TIMES}


def _total(data: bytes, fields: dict[str, Field], name: str) -> float | None:
    (fraction,) = floats(data, fields[f"{name} fraction"])
    return None if fraction is None else integers(data, fields[f"{name} integer"])[0] + fraction


def integer_parts(memory: bytes) -> tuple[tuple[int, ...], ...]:
    """The integer parts of all totals: while they stand still the fractions belong to them."""
    return tuple(integers(memory, MEMORY[f"{name} integer"]) for name in "VMQ")


def _current(ram: bytes, layout: Layout) -> dict[str, Value]:
    values: dict[str, Value] = {f"{key}1": floats(ram, CURRENT_VALUES[key])[0] for key in ("G", "Gv")}
    for key in ("T", "P"):
        values |= {f"{key}{n + 1}": floats(ram, CURRENT_VALUES[key])[n] for n in range(layout.sensors)}
    return values


def _decode_errors(data: bytes, fields: dict[str, Field]) -> str:
    """The manual's numbers of the errors, rising: "134"; "0" for none."""
    (errors,), (faults,) = integers(data, fields["errors"]), integers(data, fields["faults"])
    found = "".join(number for number, bit in ERROR_BITS if errors & bit) + ("4" if faults else "")
    return found or "0"


def decode_record(data: bytes, rec_type: RecType, layout: Layout, unit: str) -> Record | None:
    """A record out of its 64 bytes, its sum not looked at; None when its stamp is no date."""
    stamp = bcd_stamp(data)
    if stamp is None:
        return None
    values = _totals(data, RECORD, unit)
    temperatures, pressures = integers(data, RECORD["temperatures"]), integers(data, RECORD["pressures"])
    values |= {f"T{n + 1}": hundredths(temperatures[n]) for n in range(layout.sensors)}
    values |= {f"P{n + 1}": pressures[n] / 100 for n in range(layout.sensors)}
    values |= {"Tall": integers(data, RECORD["Tall"])[0] / 3600, "Err": _decode_errors(data, RECORD)}
    return Record(rec_type, stamp, (values,))


def sum_fits(data: bytes) -> bool:
    """Whether a record's last byte is the plain sum of all before it."""
    return plain_sum(data[:-1]) == data[-1]


def judge_record(data: bytes, confirmed: bool, rec_type: RecType, layout: Layout, unit: str) -> Fetched:
    """How far a record can be trusted. `confirmed`: it was read twice, and the bytes were equal.

    There is no second stamp to look at: without its sum a record needs totals that all are numbers.
    """
    if is_unwritten(data):
        return Fetched(Condition.EMPTY)
    record = decode_record(data, rec_type, layout, unit)
    if record is None:
        return Fetched(Condition.DAMAGED, reason=NO_SUCH_STAMP)
    if data[LAST_NUMBERS] == b"\xff" * 6:
        return Fetched(Condition.DAMAGED, reason=TORN)
    if sum_fits(data):
        return Fetched(Condition.GOOD, record)
    if confirmed and all(_total(data, RECORD, name) is not None for name in "VMQ"):
        return Fetched(Condition.UNSUMMED, record)
    return Fetched(Condition.DAMAGED, reason=WRONG_SUM)

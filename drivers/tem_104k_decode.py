"""What the bytes of ТЭМ-104-К mean: bytes in, values out. Used by `tem_104k`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from drivers.tem_104k_map import (
    BITS_BEFORE_HOURLY,
    BITS_OF_SYSTEM,
    DEAD_END,
    DIAMETERS_MM,
    EVENT_BITS,
    EVENT_DATE_SIZE,
    HOURLY,
    MEMORY,
    RECORD,
    SERIAL_SIZE,
    SYSTEM_TYPES,
)
from drivers.tem_ring import is_unwritten
from drivers.tem_states import event_values
from engine.codec import GCAL_PER_UNIT, Field, bcd_datetime, complement_sum, floats, integers
from engine.dialogue import Condition, Fetched
from engine.model import Event, Reading, Record, RecType, Value

NO_SUCH_STAMP = "недопустимая дата записи"
WRONG_SUM = "контрольная сумма записи"
_VERSION = re.compile(r"v?(\d{1,2})\.(\d{1,2})(?!\d)", re.IGNORECASE | re.ASCII)
_SERIAL = re.compile(r"[0-9A-Za-z]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Layout:
    """What the firmware tells: its version as text, and whether it keeps hours; None when that is not known."""

    version: str
    hourly: bool | None


def decode_version(data: bytes) -> Layout:
    """The firmware out of its 7 bytes: `v2.09` and zeros."""
    text = data.split(b"\0")[0].decode("ascii", "replace").strip()
    found = _VERSION.match(text)
    if found is None:
        return Layout("", None)
    return Layout(text.lstrip("vV"), (int(found[1]), int(found[2])) >= HOURLY)


def decode_serial(memory: bytes) -> str:
    """The serial number, a text; "" where it is not one of digits and Latin letters."""
    text = memory[:SERIAL_SIZE].split(b"\0")[0].decode("ascii", "replace").strip()
    return text if _SERIAL.fullmatch(text) else ""


def decode_reading(
    memory: bytes, flow: bytes, temperatures: bytes, clock: bytes, layout: Layout, energy_unit: str
) -> Reading:
    """Current values: EEPROM with its pieces, the two pieces of RAM, the clock."""
    values = {**_settings(memory), **_totals(memory, energy_unit), **_measured(memory, flow, temperatures)}
    moment = decode_clock(clock)
    doubts = [f"S1{key}: {_doubt(key)}" for key, value in values.items() if value is None]
    if moment is None:
        doubts.append("часы прибора: недопустимая дата")
    device: dict[str, Value] = {"SoftVer": layout.version or None, "NumSystems": 1}
    return Reading(decode_serial(memory), moment, device, ({**values, "Err": None},), tuple(doubts))


def _doubt(key: str) -> str:
    return {"Type": "неизвестный тип системы", "Du1": "неизвестный диаметр"}.get(key, "не число")


def decode_clock(data: bytes) -> datetime | None:
    """The clock: second, minute, hour, weekday, day, month, year in BCD; None when it is no date."""
    second, minute, hour, _, day, month, year = data
    return bcd_datetime(year=year, month=month, day=day, hour=hour, minute=minute, second=second)


def _settings(memory: bytes) -> dict[str, Value]:
    return {
        "Type": SYSTEM_TYPES.get(integers(memory, MEMORY["type"])[0]),
        "Du1": DIAMETERS_MM.get(integers(memory, MEMORY["diameter"])[0]),
        "Gmax1": floats(memory, MEMORY["G max"])[0],
    }


def _totals(memory: bytes, energy_unit: str) -> dict[str, Value]:
    heat = _total(memory, MEMORY, "Q")
    return {
        "Q1": None if heat is None else heat * GCAL_PER_UNIT[energy_unit],
        "M1": _total(memory, MEMORY, "M"),
        "V1": _total(memory, MEMORY, "V"),
        "Tgood": integers(memory, MEMORY["Tgood"])[0] / 3600,
        "Terr": integers(memory, MEMORY["Terr"])[0] / 3600,
    }


def _total(data: bytes, fields: dict[str, Field], name: str) -> float | None:
    (fraction,) = floats(data, fields[f"{name} fraction"])
    (whole,) = integers(data, fields[f"{name} integer"])
    return None if fraction is None else whole + fraction


def _measured(memory: bytes, flow: bytes, temperatures: bytes) -> dict[str, Value]:
    """Flow and temperatures; of a dead end T2 is programmed. Both pressures always are."""
    supply, back = floats(temperatures, Field(0, "F", 2))
    if back is None and integers(memory, MEMORY["type"])[0] == DEAD_END:
        (back,) = floats(memory, MEMORY["programmed T2"])
    first, second = floats(memory, MEMORY["programmed pressures"])
    return {"Gv1": floats(flow, Field(0, "F"))[0], "T1": supply, "T2": back, "P1": first, "P2": second}


# --- archive


def decode_stamp(data: bytes, hourly: bool) -> datetime | None:
    """The stamp of a record: day, month, year, and the hour where the firmware keeps hours; BCD."""
    day, month, year, hour = data[:4]
    return bcd_datetime(year=year, month=month, day=day, hour=hour if hourly else 0)


def decode_powered(data: bytes) -> float:
    """Powered time in hours out of the times without and with errors, 8 bytes in 0.01 h."""
    return sum(integers(data, Field(0, "L", 2))) / 100


def sum_fits(data: bytes) -> bool:
    """Whether the last byte is the inverted sum of all before it."""
    return complement_sum(data[:-1]) == data[-1]


def judge_record(data: bytes, confirmed: bool, rec_type: RecType, hourly: bool, energy_unit: str) -> Fetched:
    """How far a record can be trusted. `confirmed`: it was read twice, and the bytes were equal."""
    if is_unwritten(data):
        return Fetched(Condition.EMPTY)
    stamp = decode_stamp(data, hourly)
    if stamp is None:
        return Fetched(Condition.DAMAGED, reason=NO_SUCH_STAMP)
    if not sum_fits(data) and not confirmed:
        return Fetched(Condition.DAMAGED, reason=WRONG_SUM)
    record = Record(rec_type, stamp, (_recorded(data, hourly, energy_unit),))
    return Fetched(Condition.GOOD if sum_fits(data) else Condition.UNSUMMED, record)


def _recorded(data: bytes, hourly: bool, energy_unit: str) -> dict[str, Value]:
    heat = _total(data, RECORD, "Q")
    supply, back = floats(data, RECORD["T"])
    start = RECORD["Tgood"].offset
    return {
        "Q1": None if heat is None else heat * GCAL_PER_UNIT[energy_unit],
        "M1" if hourly else "V1": _total(data, RECORD, "amount"),
        "T1": supply,
        "T2": back,
        "Tall": decode_powered(data[start : start + 8]),
        "Tgood": integers(data, RECORD["Tgood"])[0] / 100,
        "Terr": integers(data, RECORD["Terr"])[0] / 100,
    }


def decode_event_stamp(data: bytes) -> datetime | None:
    """The stamp of an event: minute, hour, day, month, year in BCD."""
    minute, hour, day, month, year = data[:EVENT_DATE_SIZE]
    return bcd_datetime(year=year, month=month, day=day, hour=hour, minute=minute)


def event_size(hourly: bool) -> int:
    """How many bytes of a slot are an event: its date, two words of states, its sum."""
    return EVENT_DATE_SIZE + 2 * _state_size(hourly) + 1


def _state_size(hourly: bool) -> int:
    return 2 if hourly else 1


def judge_event(data: bytes, confirmed: bool, hourly: bool) -> Fetched:
    """How far an event can be trusted; `confirmed` as for a record."""
    if is_unwritten(data):
        return Fetched(Condition.EMPTY)
    stamp = decode_event_stamp(data)
    if stamp is None:
        return Fetched(Condition.DAMAGED, reason=NO_SUCH_STAMP)
    if not sum_fits(data) and not confirmed:
        return Fetched(Condition.DAMAGED, reason=WRONG_SUM)
    states = Field(EVENT_DATE_SIZE, "I" if hourly else "C", 2)
    before, after = integers(data, states)
    bits = EVENT_BITS if hourly else tuple(bit for bit in EVENT_BITS if bit.mask & BITS_BEFORE_HOURLY)
    event = Event(stamp, event_values(before, after, bits, int(bool((before ^ after) & BITS_OF_SYSTEM))))
    return Fetched(Condition.GOOD if sum_fits(data) else Condition.UNSUMMED, event)

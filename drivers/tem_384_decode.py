"""What the bytes of the ТЭМ family with records of 384 bytes mean: bytes in, values out. Used by `tem_384`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from drivers.tem_384_map import (
    CONFIG_SIZE,
    ENERGY_DIVISOR,
    ERROR_BITS,
    FLOW_DIVISOR,
    FLOWS_SHOWN,
    MEMORY,
    PERIOD_START,
    RECORD,
    SENSORS_SHOWN,
    STAMP,
    SYSTEM_TYPES,
    TIMES,
)
from drivers.tem_ring import bcd_stamp, is_unwritten
from engine.codec import GCAL_PER_UNIT, Field, bcd_datetime, floats, integers, plain_sum
from engine.dialogue import Condition, Fetched
from engine.errors import NoAnswer
from engine.model import Reading, Record, RecType, Value

NO_SUCH_STAMP = "недопустимая дата записи"
WRONG_SUM = "контрольная сумма записи"


@dataclass(frozen=True, slots=True)
class Channels:
    """The channels of one system, counted from 0, in the order of G1, G2; T1, T2, T3; P1, P2, P3."""

    flows: tuple[int, ...]
    temperatures: tuple[int, ...]
    pressures: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """How a meter is set up: the bytes 0000-001B, and the systems that they describe."""

    config: bytes
    systems: tuple[Channels, ...]


def decode_layout(config: bytes) -> Layout:
    """The systems of a meter. Raises NoAnswer when there are not 1 to 6 of them: nothing is guessed."""
    (count,) = integers(config, MEMORY["systems"])
    if not 1 <= count <= 6:
        raise NoAnswer("недопустимое число систем")
    flows = _channels(config, "flow masks", 6, FLOWS_SHOWN)
    temperatures = _channels(config, "temperature masks", 7, SENSORS_SHOWN)
    pressures = _channels(config, "pressure masks", 7, SENSORS_SHOWN)
    systems = tuple(map(Channels, flows, temperatures, pressures))
    return Layout(config[:CONFIG_SIZE], systems[:count])


def _channels(config: bytes, masks: str, known: int, shown: int) -> list[tuple[int, ...]]:
    return [tuple(bit for bit in range(known) if mask >> bit & 1)[:shown] for mask in integers(config, MEMORY[masks])]


def decode_serial(memory: bytes, field: Field = MEMORY["serial"]) -> str:
    """The serial number; "" where the memory is blank."""
    (number,) = integers(memory, field)
    return str(number) if number not in (0, 0xFFFFFFFF) else ""


def decode_reading(memory: bytes, energy_unit: str) -> Reading:
    """Current values. `memory` is parameter memory as `SPANS` covers it."""
    layout = decode_layout(memory)
    systems = tuple(
        {**_settings(memory, index, channels), **_current(memory, index, channels, energy_unit)}
        for index, channels in enumerate(layout.systems)
    )
    clock = _decode_clock(memory)
    doubts = [f"S{number}{key}: {_doubt(key)}" for number, values in enumerate(systems, 1) for key in _unknown(values)]
    if clock is None:
        doubts.append("часы прибора: недопустимая дата")
    return Reading(decode_serial(memory), clock, {"NumSystems": len(systems)}, systems, tuple(doubts))


def _unknown(values: dict[str, Value]) -> list[str]:
    return [key for key, value in values.items() if value is None]


def _doubt(key: str) -> str:
    return "неизвестный тип системы" if key == "Type" else "не число"


def _decode_clock(memory: bytes) -> datetime | None:
    start = MEMORY["clock"].offset
    second, minute, hour, day, month, year = memory[start : start + 6]
    return bcd_datetime(year=year, month=month, day=day, hour=hour, minute=minute, second=second)


def _settings(memory: bytes, index: int, channels: Channels) -> dict[str, Value]:
    """Type and limits of one system."""
    values: dict[str, Value] = {
        "Type": SYSTEM_TYPES.get(integers(memory, MEMORY["types"])[index]),
        "dTmin1": floats(memory, MEMORY["dt min"])[index],
    }
    for number, channel in enumerate(channels.flows, 1):
        limit = floats(memory, MEMORY["G max"])[channel]
        values[f"Du{number}"] = integers(memory, MEMORY["diameter"])[channel]
        values[f"Gmin{number}"] = _scaled(limit, integers(memory, MEMORY["lower limit"])[channel] * 0.0005)
        values[f"Gmax{number}"] = _scaled(limit, integers(memory, MEMORY["upper limit"])[channel] * 0.01)
        values[f"Fmax{number}"] = floats(memory, MEMORY["frequency max"])[channel]
        values[f"Kv{number}"] = floats(memory, MEMORY["pulse weight"])[channel]
    return values


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _current(memory: bytes, index: int, channels: Channels, energy_unit: str) -> dict[str, Value]:
    values = _totals(memory, MEMORY, index, channels, energy_unit)
    for number, channel in enumerate(channels.flows, 1):
        values[f"G{number}"] = floats(memory, MEMORY["mass flow"])[channel]
        values[f"Gv{number}"] = floats(memory, MEMORY["volume flow"])[channel]
    temperatures, pressures = _sensors(memory, "temperatures"), _sensors(memory, "pressures")
    values |= {f"T{number}": temperatures[channel] for number, channel in enumerate(channels.temperatures, 1)}
    values |= {f"P{number}": pressures[channel] for number, channel in enumerate(channels.pressures, 1)}
    return values


def _sensors(memory: bytes, name: str) -> list[float | None]:
    """Measured values; of a sensor that is not in use the programmed one, where its register is no number."""
    (in_use,) = integers(memory, MEMORY[f"{name} in use"])
    programmed = floats(memory, MEMORY[f"programmed {name}"])
    registers = floats(memory, MEMORY[name])
    return [
        programmed[channel] if register is None and not in_use >> channel & 1 else register
        for channel, register in enumerate(registers)
    ]


def _totals(
    data: bytes, fields: dict[str, Field], index: int, channels: Channels, energy_unit: str
) -> dict[str, Value]:
    """Running totals and times of one system, out of parameter memory or a record."""
    comma = integers(data, fields["comma"])
    heat = _total(data, fields, "Q", index, ENERGY_DIVISOR.get(comma[index], 1))
    values: dict[str, Value] = {"Q1": _scaled(heat, GCAL_PER_UNIT[energy_unit])}
    for number, channel in enumerate(channels.flows, 1):
        divisor = FLOW_DIVISOR.get(comma[channel], 1)
        values[f"V{number}"] = _total(data, fields, "V", channel, divisor)
        values[f"M{number}"] = _total(data, fields, "M", channel, divisor)
    for name in TIMES:
        values[name] = integers(data, fields[name])[index] / 3600
    return values


def _total(data: bytes, fields: dict[str, Field], name: str, index: int, divisor: int) -> float | None:
    fraction = floats(data, fields[f"{name} fraction"])[index]
    whole = integers(data, fields[f"{name} integer"])[index]
    return None if fraction is None else (whole + fraction) / divisor


def decode_record(data: bytes, rec_type: RecType, layout: Layout, energy_unit: str) -> Record | None:
    """A record out of its 384 bytes, its sum not looked at; None when its stamp is no date."""
    stamp = bcd_stamp(data, STAMP)
    if stamp is None:
        return None
    systems = tuple(_recorded(data, index, channels, energy_unit) for index, channels in enumerate(layout.systems))
    return Record(rec_type, stamp, systems)


def _recorded(data: bytes, index: int, channels: Channels, energy_unit: str) -> dict[str, Value]:
    values = _totals(data, RECORD, index, channels, energy_unit)
    temperatures = floats(data, RECORD["temperatures"])
    pressures = (*floats(data, RECORD["pressures"]), None)
    values |= {f"T{number}": temperatures[channel] for number, channel in enumerate(channels.temperatures, 1)}
    values |= {f"P{number}": pressures[channel] for number, channel in enumerate(channels.pressures, 1)}
    values["Tall"] = integers(data, RECORD["Tall"])[0] / 3600
    values["Err"] = decode_errors(integers(data, RECORD["errors"])[index])
    return values


def decode_errors(byte: int) -> str:
    """The manual's numbers of the errors in a record's error byte, rising: "13"; "0" for none."""
    return "".join(number for number, bits in ERROR_BITS if byte & bits) or "0"


def sum_fits(data: bytes) -> bool:
    """Whether a record's last byte is the plain sum of all before it."""
    return plain_sum(data[:-1]) == data[-1]


def judge_record(data: bytes, confirmed: bool, rec_type: RecType, layout: Layout, energy_unit: str) -> Fetched:
    """How far a record can be trusted. `confirmed`: it was read twice, and the bytes were equal."""
    if is_unwritten(data):
        return Fetched(Condition.EMPTY)
    record = decode_record(data, rec_type, layout, energy_unit)
    if record is None:
        return Fetched(Condition.DAMAGED, reason=NO_SUCH_STAMP)
    if sum_fits(data):
        return Fetched(Condition.GOOD, record)
    if confirmed and bcd_stamp(data, PERIOD_START) is not None:
        return Fetched(Condition.UNSUMMED, record)
    return Fetched(Condition.DAMAGED, reason=WRONG_SUM)

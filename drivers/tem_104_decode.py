"""What the bytes of a ТЭМ-104 of the first generation mean: bytes in, values out. Used by `tem_104`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from drivers.tem_104_map import (
    CHANNELS,
    CURRENT_VALUES,
    DAY,
    DIAMETERS_MM,
    ERROR_BITS,
    FLOW_CHANNELS,
    HOUR,
    INDEXED_DIAMETERS,
    INTEGRATORS,
    LAST_NUMBER,
    MEMORY,
    MINUTE,
    MONTH,
    PRESSURE_CHANNELS,
    PREVIOUS_STAMP,
    SECOND,
    SYSTEM,
    SYSTEM_SIZE,
    SYSTEM_STRIDES,
    SYSTEM_TYPE,
    SYSTEM_TYPES,
    TEMPERATURE_CHANNELS,
    TIMES,
    YEAR,
)
from drivers.tem_ring import bcd_stamp, is_unwritten
from engine.codec import GCAL_PER_UNIT, Field, bcd_datetime, complement_sum, floats, integers, plain_sum
from engine.dialogue import Condition, Fetched
from engine.errors import NoAnswer
from engine.model import Reading, Record, RecType, Value

NO_SUCH_STAMP = "недопустимая дата записи"
WRONG_SUM = "контрольная сумма записи"
TORN = "запись не дописана"
ONLY_THE_FIRST = "системы 2…{}: расположение настроек неизвестно, читается только система 1"


@dataclass(frozen=True, slots=True)
class System:
    """One system. `flows` are its flow channels, counted from 0, None where the meter names no such channel."""

    type_name: str | None
    flows: tuple[int | None, ...]
    sensors: int


@dataclass(frozen=True, slots=True)
class Layout:
    """How a meter is set up: the systems that are read, of the `count` that it has."""

    count: int
    systems: tuple[System, ...]

    @property
    def doubts(self) -> tuple[str, ...]:
        return (ONLY_THE_FIRST.format(self.count),) if len(self.systems) < self.count else ()


# --- set-up


def count_systems(memory: bytes) -> int:
    """Number of systems. Raises NoAnswer when it is not 1 to 4: nothing is guessed."""
    (count,) = integers(memory, MEMORY["systems"])
    if not 1 <= count <= CHANNELS:
        raise NoAnswer("недопустимое число систем")
    return count


def systems_size(count: int) -> int:
    """How many bytes from `SYSTEM` on the set-up of so many systems may take."""
    return (count - 1) * SYSTEM_STRIDES[-1] + SYSTEM_SIZE


def decode_layout(memory: bytes) -> Layout:
    """The systems of a meter; only the first when the others cannot be found for certain."""
    count = count_systems(memory)
    set_up = memory[SYSTEM : SYSTEM + systems_size(count)]
    stride = _find_stride(set_up, count) if count > 1 else SYSTEM_SIZE
    found = [_decode_system(set_up[index * stride :]) for index in range(count if stride else 1)]
    return Layout(count, tuple(found))


def _find_stride(set_up: bytes, count: int) -> int:
    """The one distance at which every system can be one, 0 if there is none or more than one."""
    fitting = [stride for stride in SYSTEM_STRIDES if _fits(set_up, count, stride)]
    return fitting[0] if len(fitting) == 1 else 0


def _fits(set_up: bytes, count: int, stride: int) -> bool:
    """Whether known types and channels of the meter stand there, and no two systems use the same flow channel.

    Memory that was never written would pass for a system of type 0 on channel 1, but for that. Channel bytes
    that a type does not use may be anything.
    """
    places = [set_up[index * stride :] for index in range(count)]
    channels = [channel for place in places for channel in _decode_system(place).flows]
    return all(map(_is_system, places)) and len(set(channels)) == len(channels)


def _is_system(data: bytes) -> bool:
    (code,) = integers(data, SYSTEM_TYPE)
    if code not in SYSTEM_TYPES:
        return False
    _, flows, sensors = SYSTEM_TYPES[code]
    used = (*integers(data, FLOW_CHANNELS)[:flows], *integers(data, TEMPERATURE_CHANNELS)[:sensors])
    return all(channel < CHANNELS for channel in (*used, *integers(data, PRESSURE_CHANNELS)[:sensors]))


def _decode_system(data: bytes) -> System:
    (code,) = integers(data, SYSTEM_TYPE)
    name, flows, sensors = SYSTEM_TYPES.get(code, (None, 0, 0))
    channels = integers(data, FLOW_CHANNELS)[:flows]
    return System(name, tuple(channel if channel < CHANNELS else None for channel in channels), sensors)


def decode_serial(memory: bytes, field: Field = MEMORY["serial"]) -> str:
    """The serial number; "" where the memory is blank."""
    (number,) = integers(memory, field)
    return str(number) if number not in (0, 0xFFFFFFFF) else ""


# --- current values


def decode_reading(memory: bytes, running: bytes, current: tuple[bytes, ...], clock: bytes, unit: str) -> Reading:
    """Current values: parameter memory, the running integrators, a piece of RAM for each system, the clock."""
    layout = decode_layout(memory)
    systems = tuple(
        {**_settings(memory, system), **_totals(running, index, system, unit), **_current(ram, system)}
        for index, (system, ram) in enumerate(zip(layout.systems, current, strict=True))
    )
    moment = decode_clock(clock)
    doubts = [f"S{n}{key}: {_doubt(key)}" for n, values in enumerate(systems, 1) for key in _unknown(values)]
    doubts += layout.doubts
    if moment is None:
        doubts.append("часы прибора: недопустимая дата")
    return Reading(decode_serial(memory), moment, {"NumSystems": len(systems)}, systems, tuple(doubts))


def _unknown(values: dict[str, Value]) -> list[str]:
    return [key for key, value in values.items() if value is None]


def _doubt(key: str) -> str:
    return {"Ty": "неизвестный тип системы", "Du": "неизвестный диаметр"}.get(key[:2], "не число")


def decode_clock(registers: bytes) -> datetime | None:
    """The clock out of the 16 registers from 10 on; None when they show no date."""
    return bcd_datetime(
        year=registers[YEAR],
        month=registers[MONTH],
        day=registers[DAY],
        hour=registers[HOUR],
        minute=registers[MINUTE],
        second=registers[SECOND],
    )


def _settings(memory: bytes, system: System) -> dict[str, Value]:
    values: dict[str, Value] = {"Type": system.type_name}
    for number, channel in enumerate(system.flows, 1):
        limit = _of(floats(memory, MEMORY["G max"]), channel)
        values[f"Du{number}"] = None if channel is None else _diameter(memory, channel)
        values[f"Gmin{number}"] = product(limit, _of(integers(memory, MEMORY["lower limit"]), channel), 0.0005)
        values[f"Gmax{number}"] = product(limit, _of(integers(memory, MEMORY["upper limit"]), channel), 0.01)
    return values


def _of(row: tuple[int, ...] | tuple[float | None, ...], channel: int | None) -> float | None:
    return None if channel is None else row[channel]


def product(*factors: float | None) -> float | None:
    """The product; not known when one of the factors is not."""
    result = 1.0
    for factor in factors:
        if factor is None:
            return None
        result *= factor
    return result


def _diameter(memory: bytes, channel: int) -> int | None:
    told = integers(memory, MEMORY["diameter"])[channel]
    if channel >= INDEXED_DIAMETERS:
        return told
    return DIAMETERS_MM[told] if told < len(DIAMETERS_MM) else None


def _current(ram: bytes, system: System) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for number in range(len(system.flows)):
        values[f"G{number + 1}"] = floats(ram, CURRENT_VALUES["G"])[number]
        values[f"Gv{number + 1}"] = floats(ram, CURRENT_VALUES["Gv"])[number]
    for key in ("T", "P"):
        values |= {f"{key}{n + 1}": floats(ram, CURRENT_VALUES[key])[n] for n in range(system.sensors)}
    (errors,), (faults,) = integers(ram, CURRENT_VALUES["errors"]), integers(ram, CURRENT_VALUES["faults"])
    return {**values, "Err": decode_errors(errors, faults)}


def decode_errors(errors: int, faults: int) -> str:
    """The manual's numbers of the errors, rising: "134"; "0" for none. Any fault, also reverse flow, is 4."""
    found = "".join(number for number, bits in ERROR_BITS if errors & bits) + ("4" if faults else "")
    return found or "0"


# --- integrators and records


def _totals(data: bytes, index: int, system: System, unit: str) -> dict[str, Value]:
    """Running totals and times of one system, out of the integrators or a record."""
    values: dict[str, Value] = {"Q1": product(_total(data, "Q", index), GCAL_PER_UNIT[unit])}
    for number, channel in enumerate(system.flows, 1):
        values[f"V{number}"] = _total(data, "V", channel)
        values[f"M{number}"] = _total(data, "M", channel)
    for name in TIMES:
        values[name] = integers(data, INTEGRATORS[name])[index] / 3600
    return values


def _total(data: bytes, name: str, index: int | None) -> float | None:
    if index is None:
        return None
    fraction = floats(data, INTEGRATORS[f"{name} fraction"])[index]
    return None if fraction is None else integers(data, INTEGRATORS[f"{name} integer"])[index] + fraction


def integer_parts(data: bytes) -> tuple[tuple[int, ...], ...]:
    """The integer parts of all totals: while they stand still the fractions belong to them."""
    return tuple(integers(data, INTEGRATORS[f"{name} integer"]) for name in "VMQ")


def decode_record(data: bytes, rec_type: RecType, layout: Layout, unit: str) -> Record | None:
    """A record out of its 256 bytes, its sum not looked at; None when its stamp is no date."""
    stamp = bcd_stamp(data)
    if stamp is None:
        return None
    systems = tuple(_recorded(data, index, system, unit) for index, system in enumerate(layout.systems))
    return Record(rec_type, stamp, systems)


def _recorded(data: bytes, index: int, system: System, unit: str) -> dict[str, Value]:
    values = _totals(data, index, system, unit)
    temperatures = integers(data, INTEGRATORS["temperatures"])[3 * index :]
    pressures = integers(data, INTEGRATORS["pressures"])[3 * index :]
    values |= {f"T{n + 1}": hundredths(temperatures[n]) for n in range(system.sensors)}
    values |= {f"P{n + 1}": pressures[n] / 100 for n in range(system.sensors)}
    values["Tall"] = integers(data, INTEGRATORS["Tall"])[0] / 3600
    values["Err"] = decode_errors(
        integers(data, INTEGRATORS["errors"])[index], integers(data, INTEGRATORS["faults"])[index]
    )
    return values


def hundredths(raw: int) -> float | None:
    """A temperature in °C. No sensor is so hot that it needs the upper half; no source tells what that half means."""
    return raw / 100 if raw < 0x8000 else None


def sum_fits(data: bytes) -> bool:
    """Whether a record's last byte is the sum of all before it, plain or with every bit turned."""
    return data[-1] in (plain_sum(data[:-1]), complement_sum(data[:-1]))


def judge_record(data: bytes, confirmed: bool, rec_type: RecType, layout: Layout, unit: str) -> Fetched:
    """How far a record can be trusted. `confirmed`: it was read twice, and the bytes were equal."""
    if is_unwritten(data):
        return Fetched(Condition.EMPTY)
    record = decode_record(data, rec_type, layout, unit)
    if record is None:
        return Fetched(Condition.DAMAGED, reason=NO_SUCH_STAMP)
    if data[LAST_NUMBER] == b"\xff\xff\xff\xff":
        return Fetched(Condition.DAMAGED, reason=TORN)
    if sum_fits(data):
        return Fetched(Condition.GOOD, record)
    if confirmed and bcd_stamp(data, PREVIOUS_STAMP) is not None:
        return Fetched(Condition.UNSUMMED, record)
    return Fetched(Condition.DAMAGED, reason=WRONG_SUM)

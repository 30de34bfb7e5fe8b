"""What the bytes of ТЭМ-104М mean: bytes in, values out. Used by `tem_104m`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from drivers.tem_104m_map import (
    CHANNEL,
    CHANNEL_PIECE,
    CURRENT,
    CURRENT_PLACES,
    DEVICE,
    DEVICE_BITS,
    DEVICE_PIECE,
    DIAMETERS_MM,
    EVENT,
    HEAT_AND_COLD,
    INTEGRATOR_PIECE,
    ORDER,
    RECORD,
    SYSTEM,
    SYSTEM_BITS,
    SYSTEM_PIECES,
    SYSTEM_TYPES,
    TEKERR_BITS,
    TIMES,
)
from drivers.tem_104m_ring import RingEnd, decode_stamp, one
from drivers.tem_ring import is_unwritten
from drivers.tem_states import event_values
from engine.codec import GCAL_PER_UNIT, complement_sum, floats, integers, plain_sum
from engine.dialogue import Condition, Fetched
from engine.errors import NoAnswer
from engine.model import Event, Reading, Record, RecType, Value

NO_SUCH_STAMP = "недопустимая дата записи"
WRONG_SUM = "контрольная сумма записи"
TEMPERATURES_C = (-100.0, 400.0)
PRESSURES_MPA = (-1.0, 100.0)
FLOWS = (-1e6, 1e6)
DENSITIES_OF_WATER = ((0.7, 1.1), (700.0, 1100.0))
"""What lies outside was not measured. The unit of the density, t or kg in a cubic metre, is not documented."""


@dataclass(frozen=True, slots=True)
class System:
    """One system: its type, its flow channels from 0 (None: no such channel), how many sensors it has."""

    kind: int
    flows: tuple[int | None, ...]
    pressures: int
    temperatures: int


@dataclass(frozen=True, slots=True)
class Layout:
    """How a meter is set up. `current_base`: where the current values of system 1 are in RAM.

    `ends` remembers where each ring ended, by its first place: a hint, every use of it is checked.
    """

    config: bytes
    systems: tuple[System, ...]
    current_base: int = CURRENT_PLACES[0]
    ends: dict[int, RingEnd] = field(default_factory=dict, compare=False)


def decode_systems_count(device: bytes) -> int:
    """How many systems there are. Raises NoAnswer when there are not 1 to 4 of them: nothing is guessed."""
    count = one(device, DEVICE["systems"])
    if not 1 <= count <= len(SYSTEM_PIECES):
        raise NoAnswer("недопустимое число систем")
    return count


def decode_layout(memory: bytes) -> Layout:
    """The systems of a meter, out of parameter memory with the pieces of device and systems."""
    pieces = SYSTEM_PIECES[: decode_systems_count(memory)]
    config = [memory[start : start + length] for start, length in (DEVICE_PIECE, *pieces)]
    return Layout(b"".join(config), tuple(map(_decode_system, config[1:])))


def _decode_system(area: bytes) -> System:
    kind = one(area, SYSTEM["type"])
    if kind >= len(SYSTEM_TYPES):
        return System(kind, (), 0, 0)
    _, flows, pressures, temperatures = SYSTEM_TYPES[kind]
    channels = integers(area, SYSTEM["flow channels"], ORDER)[:flows]
    return System(kind, tuple(channel if channel < 4 else None for channel in channels), pressures, temperatures)


def decode_serial(device: bytes) -> str:
    """The serial number; "" where the memory is blank."""
    number = one(device, DEVICE["serial"])
    return str(number) if number not in (0, 0xFFFFFFFF) else ""


def decode_clock(data: bytes) -> datetime | None:
    """The clock: second, minute, hour, day, month, year - 2000 as plain numbers; None when it is no date."""
    second, minute, hour, day, month, year = data[:6]
    try:
        return datetime(2000 + year, month, day, hour, minute, second) if year < 100 else None
    except ValueError:
        return None


def decode_reading(memory: bytes, current: tuple[bytes, ...], clock: datetime | None, energy_unit: str) -> Reading:
    """Current values: parameter memory, the structure of each system in RAM, the clock."""
    layout = decode_layout(memory)
    integrators = memory[INTEGRATOR_PIECE[0] :]
    systems = []
    for index, (system, part) in enumerate(zip(layout.systems, current, strict=True)):
        totals = _totals(integrators, index, system, energy_unit)
        systems.append({**_settings(memory, index, system), **totals, **_measured(part, system)})
    return reading_of(decode_serial(memory), clock, tuple(systems))


def reading_of(serial: str, clock: datetime | None, systems: tuple[dict[str, Value], ...]) -> Reading:
    """A reading of these systems, with a doubt for each value that is not known."""
    unknown = [(number, key) for number, values in enumerate(systems, 1) for key in values if values[key] is None]
    doubts = [f"S{number}{key}: {_doubt(key)}" for number, key in unknown]
    if clock is None:
        doubts.append("часы прибора: недопустимая дата")
    return Reading(serial, clock, {"NumSystems": len(systems)}, systems, tuple(doubts))


def _doubt(key: str) -> str:
    return {"Type": "неизвестный тип системы"}.get(key, "нет допустимого значения")


def _settings(memory: bytes, index: int, system: System) -> dict[str, Value]:
    """Type and limits of one system."""
    start, length = SYSTEM_PIECES[index]
    area = memory[start : start + length]
    channels = memory[CHANNEL_PIECE[0] : sum(CHANNEL_PIECE)]
    values: dict[str, Value] = {
        "Type": SYSTEM_TYPES[system.kind][0] if system.kind < len(SYSTEM_TYPES) else None,
        "dTmin1": one(area, SYSTEM["dt min"]),
    }
    for number, channel in enumerate(system.flows, 1):
        if channel is not None:
            limit = floats(channels, CHANNEL["G max"], ORDER)[channel]
            lower = floats(channels, CHANNEL["lower limit"], ORDER)[channel]
            upper = integers(channels, CHANNEL["upper limit"], ORDER)[channel]
            values[f"Du{number}"] = _diameter(integers(channels, CHANNEL["diameter"], ORDER)[channel])
            values[f"Gmin{number}"] = _percent(limit, lower)
            values[f"Gmax{number}"] = _percent(limit, upper)
    return values


def _diameter(number: int) -> int | None:
    """Millimetres; the small numbers are places in the maker's row of diameters."""
    if number < len(DIAMETERS_MM):
        return DIAMETERS_MM[number]
    return number if 10 <= number < 10000 else None


def _percent(limit: float | None, share: float | None) -> float | None:
    return None if limit is None or share is None else limit * share / 100


def _measured(part: bytes, system: System) -> dict[str, Value]:
    """Flows, temperatures, pressures and errors of one system, out of its structure in RAM."""
    values: dict[str, Value] = {}
    for key, count, limits in _shown(system):
        numbers = within(floats(part, CURRENT[key], ORDER)[:count], limits)
        values |= {f"{key}{n}": number for n, number in enumerate(numbers, 1)}
    values["Err"] = decode_errors(one(part, CURRENT["tekerr"]), one(part, CURRENT["teherr"]))
    return values


def _shown(system: System) -> tuple[tuple[str, int, tuple[float, float]], ...]:
    flows = len(system.flows)
    return (
        ("G", flows, FLOWS),
        ("Gv", flows, FLOWS),
        ("T", system.temperatures, TEMPERATURES_C),
        ("P", system.pressures, PRESSURES_MPA),
    )


def within(numbers: tuple[float | None, ...], limits: tuple[float, float]) -> list[float | None]:
    """The numbers; None for one outside its limits."""
    low, high = limits
    return [number if number is not None and low <= number <= high else None for number in numbers]


def makes_sense(part: bytes, system: System) -> bool:
    """Whether a piece of RAM proves to be the current values of a system: all possible, and a density of water."""
    checks = [within(floats(part, CURRENT[key], ORDER)[:count], limits) for key, count, limits in _shown(system)]
    is_water = has_density_of_water(floats(part, CURRENT["density"], ORDER))
    return is_water and all(number is not None for numbers in checks for number in numbers)


def has_density_of_water(densities: tuple[float | None, ...]) -> bool:
    """Whether one of the numbers can be the density of water."""
    known = [density for density in densities if density is not None]
    return any(low <= density <= high for density in known for low, high in DENSITIES_OF_WATER)


def _totals(data: bytes, index: int, system: System, energy_unit: str) -> dict[str, Value]:
    """Running totals and times of one system, out of the integrators or a record."""
    values: dict[str, Value] = {"Q1": _heat(data, "Q1", index, energy_unit)}
    if system.kind == HEAT_AND_COLD:
        values["Q2"] = _heat(data, "Q2", index, energy_unit)
    for number, channel in enumerate(system.flows, 1):
        values[f"V{number}"] = None if channel is None else _total(data, "V", channel)
        values[f"M{number}"] = None if channel is None else _total(data, "M", channel)
    return values | {name: integers(data, RECORD[name], ORDER)[index] / 3600 for name in TIMES}


def _heat(data: bytes, name: str, index: int, energy_unit: str) -> float | None:
    total = _total(data, name, index)
    return None if total is None else total * GCAL_PER_UNIT[energy_unit]


def _total(data: bytes, name: str, index: int) -> float | None:
    fraction = floats(data, RECORD[f"{name} fraction"], ORDER)[index]
    whole = integers(data, RECORD[f"{name} integer"], ORDER)[index]
    return None if fraction is None else whole + fraction


def decode_errors(tekerr: int, teherr: int) -> str:
    """The manual's numbers of the active errors, rising: "13"; "0" for none."""
    numbers = [number for number, bits in TEKERR_BITS if tekerr & bits]
    return "".join([*numbers, *(["4"] if teherr else [])]) or "0"


def record_sum_fits(data: bytes) -> bool:
    """Whether a record's last byte is the inverted sum of all before it."""
    return complement_sum(data[:-1]) == data[-1]


def event_sum_fits(data: bytes) -> bool:
    """Whether an event's last byte is the plain sum of all before it."""
    return plain_sum(data[:-1]) == data[-1]


def judge_record(data: bytes, confirmed: bool, rec_type: RecType, layout: Layout, energy_unit: str) -> Fetched:
    """How far a record can be trusted. `confirmed`: it was read twice, and the bytes were equal."""
    if is_unwritten(data):
        return Fetched(Condition.EMPTY)
    stamp = decode_stamp(data)
    if stamp is None:
        return Fetched(Condition.DAMAGED, reason=NO_SUCH_STAMP)
    systems = tuple(_recorded(data, index, system, energy_unit) for index, system in enumerate(layout.systems))
    record = Record(rec_type, stamp, systems)
    if record_sum_fits(data):
        return Fetched(Condition.GOOD, record)
    before = decode_stamp(data, RECORD["period"])
    if confirmed and before is not None and before <= stamp:
        return Fetched(Condition.UNSUMMED, record)
    return Fetched(Condition.DAMAGED, reason=WRONG_SUM)


def _recorded(data: bytes, index: int, system: System, energy_unit: str) -> dict[str, Value]:
    values = _totals(data, index, system, energy_unit)
    temperatures = integers(data, RECORD["temperatures"], ORDER)[3 * index : 3 * index + system.temperatures]
    pressures = integers(data, RECORD["pressures"], ORDER)[3 * index : 3 * index + system.pressures]
    values |= {f"T{n}": value for n, value in enumerate(within(_hundredths(temperatures), TEMPERATURES_C), 1)}
    values |= {f"P{n}": value for n, value in enumerate(_hundredths(pressures), 1)}
    values["Tall"] = one(data, RECORD["Tall"]) / 3600
    tekerr, teherr = integers(data, RECORD["tekerr"], ORDER)[index], integers(data, RECORD["teherr"], ORDER)[index]
    return {**values, "Err": decode_errors(tekerr, teherr)}


def _hundredths(numbers: tuple[int, ...]) -> tuple[float, ...]:
    return tuple(number / 100 for number in numbers)


def judge_event(data: bytes, confirmed: bool, system: int) -> Fetched:
    """How far an event of `system`, 0 for the device, can be trusted; `confirmed` as for a record."""
    if is_unwritten(data):
        return Fetched(Condition.EMPTY)
    stamp = decode_stamp(data, EVENT["made"])
    if stamp is None:
        return Fetched(Condition.DAMAGED, reason=NO_SUCH_STAMP)
    bits = SYSTEM_BITS if system else DEVICE_BITS
    event = Event(stamp, event_values(one(data, EVENT["before"]), one(data, EVENT["after"]), bits, system))
    if event_sum_fits(data):
        return Fetched(Condition.GOOD, event)
    return Fetched(Condition.UNSUMMED, event) if confirmed else Fetched(Condition.DAMAGED, reason=WRONG_SUM)


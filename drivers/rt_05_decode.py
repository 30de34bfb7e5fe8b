"""What the bytes of a ТЭСМАРТ РТ-05 mean: bytes in, values out. Used by `rt_05`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from drivers.rt_05_map import (
    ABSENT,
    CALCULATED,
    CIRCUIT_SIZE,
    CIRCUIT_STEP,
    CIRCUITS,
    CLOCK,
    DESIGN_OUTDOORS,
    ERRORS,
    FAULT_BITS,
    FAULTS,
    FAULTS_OF,
    FLOW,
    FLOW_FREQUENCY,
    FLOW_LIMIT,
    FLOW_MODE,
    FULL_VERSION,
    OF_CIRCUIT,
    OF_FULL_VERSION,
    OPENING,
    POWERED,
    RECORDED,
    RELAYS,
    SCHEME,
    SENSORS,
    SERIAL,
    VERSION,
    Item,
)
from drivers.tem_ring import is_unwritten
from engine.codec import Field, bcd_datetime, floats, integers
from engine.dialogue import Condition, Fetched
from engine.errors import NoAnswer
from engine.model import Event, Reading, Record, RecType, Value

SETTINGS_CHANGED = 6
"""`Code` of an event that changed a setting."""
NO_SUCH_STAMP = "недопустимая дата записи"
TENTH = 0.1
"""What one unit of a recorded temperature is worth; see the quirks of `rt_05`."""
UNKNOWN_12_BITS = -0x800


@dataclass(frozen=True, slots=True)
class Layout:
    """How a regulator is set up: by what form it is read, its circuits, its firmware, the sensors of each circuit."""

    long_form: bool
    circuits: int
    version: int
    sensors: tuple[frozenset[str], ...]

    @property
    def known_circuits(self) -> int:
        """Circuits whose memory is known."""
        return self.circuits if self.version == FULL_VERSION else 1


def _moved(field: Field, circuit: int) -> Field:
    return Field(field.offset + circuit * CIRCUIT_STEP, field.kind, field.count, field.unit)


def _integer(image: bytes, field: Field, circuit: int = 0) -> int:
    return integers(image, _moved(field, circuit), "little")[0]


def circuits_of(image: bytes) -> int:
    """How many circuits there are. Raises NoAnswer when they are not one or two: nothing is guessed."""
    count = _integer(image, CIRCUITS)
    if count not in (1, 2):
        raise NoAnswer("недопустимое число контуров")
    return count


def version_of(image: bytes) -> int:
    """The firmware in hundredths: 114 is 1.14."""
    return _integer(image, VERSION)


def decode_layout(image: bytes, long_form: bool) -> Layout:
    """The set-up out of RAM; see `circuits_of`."""
    version, count = version_of(image), circuits_of(image)
    known = count if version == FULL_VERSION else 1
    sensors = tuple(_sensors(image, circuit) if circuit < known else frozenset() for circuit in range(count))
    return Layout(long_form, count, version, sensors)


def _sensors(image: bytes, circuit: int) -> frozenset[str]:
    return frozenset(key for key, item in SENSORS.items() if not _is_absent(image, item, circuit))


def decode_serial(image: bytes) -> str:
    """The serial number; "" where the memory is blank."""
    number = _integer(image, SERIAL)
    return str(number) if number not in (0, 0xFFFFFFFF) else ""


def decode_clock(data: bytes, offset: int = CLOCK) -> datetime | None:
    """The regulator's clock."""
    second, minute, hour, _weekday, day, month, year = data[offset : offset + 7]
    return bcd_datetime(year=year, month=month, day=day, hour=hour, minute=minute, second=second)


def decode_reading(image: bytes, layout: Layout) -> Reading:
    """Current values. `image` is RAM; of another firmware than 1.14 only its begin is understood."""
    clock = decode_clock(image)
    systems = tuple(_circuit(image, circuit, layout) for circuit in range(layout.known_circuits))
    doubts = [doubt for number, values in enumerate(systems, 1) for doubt in _doubts(number, values)]
    if layout.version != FULL_VERSION:
        doubts.append(f"версия {layout.version / 100:.2f}: известна только часть карты памяти")
    if clock is None:
        doubts.append("часы прибора: недопустимая дата")
    return Reading(decode_serial(image), clock, _device(image, layout), systems, tuple(doubts))


def _device(image: bytes, layout: Layout) -> dict[str, Value]:
    return {
        "SoftVer": f"{layout.version / 100:.2f}",
        "NumSystems": layout.known_circuits,
        "Tall": _integer(image, POWERED) / 3600,
    }


def _doubts(number: int, values: dict[str, Value]) -> list[str]:
    told = [f"S{number}{key}: не число" for key, value in values.items() if value is None and key not in ("Gv1", "Err")]
    if values["Gv1"] is None:
        told.append(f"S{number}Gv1: цена единицы расхода неизвестна")
    if values["Err"] is None:
        told.append(f"S{number}Err: биты ошибок не описаны")
    return told


def _circuit(image: bytes, circuit: int, layout: Layout) -> dict[str, Value]:
    full = layout.version == FULL_VERSION
    errors, flow = _integer(image, ERRORS, circuit), _integer(image, FLOW, circuit)
    values = _values(image, SENSORS | CALCULATED, circuit)
    if full:
        values |= _values(image, OF_FULL_VERSION, circuit) | _settings(image, circuit)
    return {
        **values,
        "Gv1": None if flow else 0.0,
        "GRaw": flow,
        "Relays": f"{_integer(image, RELAYS, circuit):08b}",
        "ErrRaw": f"{errors:04X}",
        "Err": None if errors else "0",
    }


def _values(image: bytes, items: dict[str, Item], circuit: int) -> dict[str, Value]:
    """A temperature that this circuit has not got is left out."""
    return {key: _value(image, item, circuit) for key, item in items.items() if not _is_absent(image, item, circuit)}


def _is_absent(image: bytes, item: Item, circuit: int) -> bool:
    return item.field.kind == "S" and item.field.unit == "°C" and _integer(image, item.field, circuit) == ABSENT


def _value(image: bytes, item: Item, circuit: int) -> float | None:
    """Rounded to the digits that the register has: keys that the manual has not got are written with all of them."""
    if item.field.kind == "F":
        return floats(image, _moved(item.field, circuit), "little")[0]
    return round(_integer(image, item.field, circuit) * item.scale, 2)


def _settings(image: bytes, circuit: int) -> dict[str, Value]:
    outdoors = _integer(image, DESIGN_OUTDOORS, circuit)
    values: dict[str, Value] = {
        "Type": str(_integer(image, SCHEME, circuit)),
        "Tnr": outdoors - (outdoors >> 7 << 8),
    }
    if _integer(image, FLOW_MODE, circuit):
        values["Gmax1"] = float(_integer(image, FLOW_LIMIT, circuit))
        values["Fmax1"] = 1000 * _integer(image, FLOW_FREQUENCY, circuit)
    return values


# --- archive ----------------------------------------------------------------------------------------


def decode_stamp(data: bytes) -> datetime | None:
    """The stamp of a temperature record: the time and date words of DOS, years from 2000 on; None: no date."""
    time, date = int.from_bytes(data[0:2], "little"), int.from_bytes(data[2:4], "little")
    try:
        stamp = datetime(
            2000 + (date >> 9), date >> 5 & 0x0F, date & 0x1F, time >> 11, time >> 5 & 0x3F, 2 * (time & 0x1F)
        )
    except ValueError:
        return None
    return stamp if stamp.year <= 2099 else None


def decode_event_stamp(data: bytes) -> datetime | None:
    """The stamp of an event: second, minute, hour, day, month, year in BCD; None: no date."""
    second, minute, hour, day, month, year = data[:6]
    return bcd_datetime(year=year, month=month, day=day, hour=hour, minute=minute, second=second)


def judge_record(data: bytes, layout: Layout) -> Fetched:
    """A temperature record of 32 bytes. It has no sum of its own: its stamp is all that can be checked."""
    if is_unwritten(data):
        return Fetched(Condition.EMPTY)
    stamp = decode_stamp(data)
    if stamp is None:
        return Fetched(Condition.DAMAGED, reason=NO_SUCH_STAMP)
    systems = tuple(
        _recorded(data[OF_CIRCUIT[circuit] : OF_CIRCUIT[circuit] + CIRCUIT_SIZE], layout.sensors[circuit])
        for circuit in range(layout.circuits)
    )
    return Fetched(Condition.GOOD, Record(RecType.HOUR, stamp, systems))


def _recorded(data: bytes, sensors: frozenset[str]) -> dict[str, Value]:
    """The 12 bytes of one circuit; a channel without a sensor is left out, one with a fault is not known."""
    bits = int.from_bytes(data, "little")
    faults = bits >> 8 * FAULT_BITS & 0xFFFF
    values: dict[str, Value] = {}
    for place, key in enumerate(RECORDED):
        if key in sensors or key not in SENSORS:
            values[key] = None if _is_faulty(key, faults) else _recorded_temperature(bits >> 12 * place & 0xFFF)
    values["Opening"] = data[OPENING] if data[OPENING] <= 100 else None
    values["Err"] = "4" if faults else "0"
    values["Faults"] = ", ".join(text or f"бит {bit}" for bit, text in enumerate(FAULTS) if faults >> bit & 1)
    values["Raw"] = data.hex().upper()
    return values


def _is_faulty(key: str, faults: int) -> bool:
    return key in FAULTS_OF and bool(faults >> FAULTS_OF[key] & 1)


def _recorded_temperature(bits: int) -> float | None:
    number = bits - (bits >> 11 << 12)
    return None if number == UNKNOWN_12_BITS else round(number * TENTH, 1)


def judge_event(data: bytes) -> Fetched:
    """An event of 16 bytes: which setting was changed; old and new value stay raw, their places are not certain."""
    if is_unwritten(data):
        return Fetched(Condition.EMPTY)
    stamp = decode_event_stamp(data)
    if stamp is None:
        return Fetched(Condition.DAMAGED, reason=NO_SUCH_STAMP)
    parameter, rest = data[6], data[7:].hex(" ").upper()
    values: dict[str, Value] = {
        "Sys": 0,
        "Code": SETTINGS_CHANGED,
        "Source": "meter",
        "Text": f"изменён параметр {parameter}, запись: {rest}",
    }
    return Fetched(Condition.GOOD, Event(stamp, values))

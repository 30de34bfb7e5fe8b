"""ТЭМ-104М-1 (id `TEM-104M-1`): one system, little-endian, current values and integrators only.

Proved on: nothing yet, no captured frame is public; the id string is from one public driver only. Source: public
drivers written after the maker's editions of 2017-11-18 to 2018-11-12. Line and frame: `tem_frame`, clock and
order of bytes: `tem_104m`.

Quirks
- Nothing is known of its archive: there are no records, and the snapshot has no [1] and [2].
- Current values are read at 0 by two public drivers, at 4000h by a third: the first with possible values and a density
  of water is taken when the meter is opened, else 0. The mass flow at 24h is that of channel 1.
- The four counters of errors are in the order of the ТЭМ-104М (inferred). Where its error bits are is not
  sure, so `Err` is left to the growth of these counters.
- Heat is in Gcal. Settings (type, diameter, limits) are not known.
"""

from __future__ import annotations

from drivers.tem_104m_decode import (
    FLOWS,
    PRESSURES_MPA,
    TEMPERATURES_C,
    decode_clock,
    decode_serial,
    has_density_of_water,
    reading_of,
    within,
)
from drivers.tem_104m_map import CLOCK_PIECE, ORDER
from drivers.tem_frame import CLOCK, PARAMETERS, RAM, Dialogue, ask_id, read_memory
from engine.codec import GCAL_PER_UNIT, Field, floats, integers
from engine.dialogue import Driver, Identity, Setup
from engine.errors import NoAnswer
from engine.model import Reading, Value

# --- memory map -------------------------------------------------------------------------------------------

NAMEPLATE_PIECE = (0x0000, 0x08)
"""The serial number, L, is first."""
INTEGRATOR_PIECE = (0x0180, 0x4C)
WHOLE_PARTS = (0x0188, 0x0C)
INTEGRATOR = {
    "V integer": Field(0x08, "L", 1, "m³"),
    "M integer": Field(0x0C, "L", 1, "t"),
    "Q integer": Field(0x10, "L", 1, "Gcal"),
    "V fraction": Field(0x18, "F", 1, "m³"),
    "M fraction": Field(0x1C, "F", 1, "t"),
    "Q fraction": Field(0x20, "F", 1, "Gcal"),
    "Tgood": Field(0x30, "L", 1, "s"),
    "Tmin": Field(0x34, "L", 1, "s"),
    "Tmax": Field(0x38, "L", 1, "s"),
    "Tdt": Field(0x3C, "L", 1, "s"),
    "Terr": Field(0x40, "L", 1, "s"),
}
TIMES = ("Tgood", "Tmin", "Tmax", "Tdt", "Terr")

CURRENT_BASES = (0x0000, 0x4000)
CURRENT_SIZE = 0x28
CURRENT = {
    "T": Field(0x00, "F", 2, "°C"),
    "P": Field(0x08, "F", 2, "MPa"),
    "Gv": Field(0x20, "F", 1, "m³/h"),
    "G": Field(0x24, "F", 1, "t/h"),
}
DENSITY = Field(0x10, "F", 2)
LIMITS = {"T": TEMPERATURES_C, "P": PRESSURES_MPA, "Gv": FLOWS, "G": FLOWS}


# --- dialogues --------------------------------------------------------------------------------------------


def open_meter(setup: Setup, id_bytes: bytes) -> Dialogue[Identity]:
    """Serial number, and where the current values are."""
    serial = decode_serial((yield from read_memory(setup, PARAMETERS, *NAMEPLATE_PIECE)))
    base = yield from _find_current(setup)
    return Identity(id_bytes.decode("ascii"), "ТЕМ-104М", serial, base)


def _find_current(setup: Setup) -> Dialogue[int]:
    """The place of the current values in RAM. NoAnswer when nothing answers."""
    answered: list[int] = []
    for base in CURRENT_BASES:
        try:
            part = yield from read_memory(setup, RAM, base, CURRENT_SIZE, 4)
        except NoAnswer:
            continue
        if has_density_of_water(floats(part, DENSITY, ORDER)) and None not in _measured(part).values():
            return base
        answered.append(base)
    if not answered:
        raise NoAnswer("нет ответа на запрос текущих значений")
    return answered[0]


def read(setup: Setup, identity: Identity, tries: int = 3) -> Dialogue[Reading]:
    """Current values; the integer parts of totals are read once more and must have stood still."""
    base = identity.layout
    assert isinstance(base, int), "an identity goes back to the driver that made it"
    serial = decode_serial((yield from read_memory(setup, PARAMETERS, *NAMEPLATE_PIECE)))
    for _ in range(tries):
        current = yield from read_memory(setup, RAM, base, CURRENT_SIZE, 4)
        integrators = yield from read_memory(setup, PARAMETERS, *INTEGRATOR_PIECE, 4)
        clock = decode_clock((yield from read_memory(setup, CLOCK, *CLOCK_PIECE)))
        start, length = WHOLE_PARTS
        first = start - INTEGRATOR_PIECE[0]
        if (yield from read_memory(setup, PARAMETERS, start, length, 4)) == integrators[first : first + length]:
            return reading_of(serial, clock, ({**_totals(integrators, _energy_unit(setup)), **_measured(current)},))
    raise NoAnswer("показания меняются во время чтения")


def _energy_unit(setup: Setup) -> str:
    return setup.energy_unit or DRIVER.energy_unit


# --- decode -----------------------------------------------------------------------------------------------


def _totals(data: bytes, energy_unit: str) -> dict[str, Value]:
    heat = _total(data, "Q")
    values: dict[str, Value] = {"Q1": None if heat is None else heat * GCAL_PER_UNIT[energy_unit]}
    values |= {"V1": _total(data, "V"), "M1": _total(data, "M")}
    return values | {name: integers(data, INTEGRATOR[name], ORDER)[0] / 3600 for name in TIMES}


def _total(data: bytes, name: str) -> float | None:
    (fraction,) = floats(data, INTEGRATOR[f"{name} fraction"], ORDER)
    (whole,) = integers(data, INTEGRATOR[f"{name} integer"], ORDER)
    return None if fraction is None else whole + fraction


def _measured(part: bytes) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for key, field in CURRENT.items():
        numbers = within(floats(part, field, ORDER), LIMITS[key])
        values |= {f"{key}{number}": value for number, value in enumerate(numbers, 1)}
    return values


DRIVER = Driver(
    name="tem_104m1",
    device_types=("ТЕМ-104М",),
    energy_unit="Gcal",
    ask_id=ask_id,
    accepts=b"TEM-104M-1".__eq__,
    open=open_meter,
    read=read,
)

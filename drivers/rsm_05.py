"""Flow meters РСМ-05 (ТЭСМАРТ): two interfaces, both known in part only. One question finds which of them answers.

Proved on: requests that worked on live meters (native: Landromm/SerialPortComm_2; Modbus: a public script with
`GetReqRSM0505`). No captured answer is public. Line: 9600 baud, 8N1; no model is known to talk both.

Native: the frame of `tem_frame`, memory by command 0C01, floats big-endian; maps below. No serial number, clock,
totals or archive is known there, so such a meter needs a DevNumber in its settings.
Modbus RTU: 317 holding registers from 0 in one answer, more than the protocol allows; frames in `modbus_frame`.

Quirks
- `Protocol=auto` asks РСМ-05.05 and 05.05П by Modbus first, since it was met on a 05.05 and tells more, and all
  others natively first. Neither frame can be taken for the other's: header and sums do not fit.
- Modbus has no address 0: with NetAddr 0 only the native question is asked.
- A meter that refuses 317 registers by an exception is read in three answers of different lengths.
- The native question is the read of temperature, mass flow and density: no id text is known. Density tells water.
- Inferred: the time counters count seconds and the flow is in m³/h, as in the sister meters; the volume is in m³.
- The clock is BCD or binary, nothing tells which. Where both are dates the meter's weekday (1 = Monday)
  decides, then the year; see `decode_clock`.
- What the bits of the error register mean is not known: `Err` is 0 when there are none; otherwise it follows
  from the time counters, and `ErrRaw` shows the register.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from drivers import modbus_frame, tem_frame
from drivers.modbus_frame import HOLDING_REGISTERS, RTU, ModbusRefused, Request
from drivers.tem_frame import RAM, Dialogue
from engine.codec import Field, bcd, floats, integers
from engine.dialogue import Driver, Identity, Setup, Sought
from engine.errors import NoAnswer, Refused
from engine.model import Reading, Value

NATIVE, MODBUS, MODBUS_PARTS = b"native", b"modbus", b"modbus in parts"
"""What the question finds out, in place of an id."""
MODBUS_FIRST = ("РСМ-05.05", "РСМ-05.05П")

# --- native memory: address, bytes. Neighbouring answers differ in length ---------------------------

WATER = (0x0108, 12)
VOLUME_FLOW = (0x00B4, 4)
DOSE = (0x0081, 5)
"""A float; the byte behind it only makes the answer longer than the one before it."""
TEMPERATURE, MASS_FLOW, DENSITY = range(3)
"""Floats of `WATER`: °C, t/h, t/m³."""
WATER_DENSITY = (0.5, 1.2)

# --- Modbus registers as bytes of one answer, big-endian --------------------------------------------

REGISTERS = 317
PARTS = ((0, 124), (124, 125), (249, 68))
"""First register, count: each number lies in one part."""
FLOATS = {"Gv1": Field(0, "F", 1, "m³/h"), "V fraction": Field(366, "F", 1, "m³")}
LONGS = {
    "errors": Field(298, "L"),
    "V integer": Field(362, "L", 1, "m³"),
    "EventCnt": Field(458, "L"),
    "MonthCnt": Field(462, "L"),
    "DayCnt": Field(466, "L"),
    "HourCnt": Field(470, "L"),
    "Tgood": Field(474, "L", 1, "s"),
    "Tall": Field(478, "L", 1, "s"),
    "Tmin": Field(482, "L", 1, "s"),
    "Tmax": Field(486, "L", 1, "s"),
    "Terr": Field(490, "L", 1, "s"),
    "serial": Field(630, "L"),
}
DIAMETERS = Field(552, "I", 2, "mm")
SCHEME = Field(556, "I")
CLOCK = slice(567, 574)
"""Year, month, day, weekday, hour, minute, second."""
WEEKDAY = 3
FIRST_YEAR_OF_DOUBT = 2032
"""The years 2026 to 2031 are no BCD when they are binary; later ones are taken for BCD of 2020 and on."""
COUNTERS = ("EventCnt", "HourCnt", "DayCnt", "MonthCnt")
TIMES = ("Tall", "Tgood", "Tmin", "Tmax", "Terr")

Question = Callable[[Setup], Dialogue[bytes]]


# --- dialogue ---------------------------------------------------------------------------------------


def ask_id(setup: Setup) -> Dialogue[bytes]:
    """Which interface answers: `NATIVE`, `MODBUS` or `MODBUS_PARTS`. Asked only where the user named the type."""
    if setup.device_type not in DRIVER.device_types:
        raise NoAnswer("нет ответа")
    chosen: dict[str, tuple[Question, ...]] = {"native": (_ask_native,), "modbus": (_ask_modbus,)}
    questions = chosen.get(setup.protocol) or _both(setup)
    silence = NoAnswer("нет ответа")
    for question in questions:
        try:
            return (yield from question(setup))
        except NoAnswer as error:
            silence = error
    raise silence


def _both(setup: Setup) -> tuple[Question, ...]:
    if not setup.address:
        return (_ask_native,)
    return (_ask_modbus, _ask_native) if setup.device_type in MODBUS_FIRST else (_ask_native, _ask_modbus)


def _ask_native(setup: Setup) -> Dialogue[bytes]:
    least, most = WATER_DENSITY
    density = _numbers((yield from tem_frame.read_memory(setup, RAM, *WATER, step=4)))[DENSITY]
    if density is None or not least <= density <= most:
        raise Refused("это не РСМ-05: на месте плотности воды другое значение")
    return NATIVE


def _ask_modbus(setup: Setup) -> Dialogue[bytes]:
    if not setup.address:
        raise Refused("для Modbus нужен NetAddr от 1 до 247")
    try:
        yield from _read_registers(setup, MODBUS)
    except ModbusRefused:
        yield from _read_registers(setup, MODBUS_PARTS)
        return MODBUS_PARTS
    return MODBUS


def _read_registers(setup: Setup, how: object) -> Dialogue[bytes]:
    data = b""
    for first, count in PARTS if how == MODBUS_PARTS else ((0, REGISTERS),):
        data += yield from modbus_frame.read(Request(setup.address, HOLDING_REGISTERS, first, count), RTU)
    return data


def open_meter(setup: Setup, how: bytes) -> Dialogue[Identity]:
    """The serial number, where the interface tells one."""
    device_type = setup.device_type if setup.device_type in DRIVER.device_types else DRIVER.device_types[0]
    serial = "" if how == NATIVE else decode_serial((yield from _read_registers(setup, how)))
    return Identity(how.decode("ascii"), device_type, serial, how)


def read(setup: Setup, identity: Identity) -> Dialogue[Reading]:
    """Current values by the interface that answered."""
    if identity.layout != NATIVE:
        return decode_registers((yield from _read_registers(setup, identity.layout)))
    water = yield from tem_frame.read_memory(setup, RAM, *WATER, step=4)
    volume_flow = yield from tem_frame.read_memory(setup, RAM, *VOLUME_FLOW, step=4)
    dose = yield from tem_frame.read_memory(setup, RAM, *DOSE)
    return decode_native(water, volume_flow, dose)


# --- decode -----------------------------------------------------------------------------------------


def decode_native(water: bytes, volume_flow: bytes, dose: bytes) -> Reading:
    """Current values of the native memory: `WATER`, `VOLUME_FLOW`, `DOSE`."""
    numbers = _numbers(water)
    values: dict[str, Value] = {
        "T1": numbers[TEMPERATURE],
        "G1": numbers[MASS_FLOW],
        "Gv1": _numbers(volume_flow)[0],
        "Dose": _rounded(_numbers(dose)[0], 3),
        "Density": _rounded(numbers[DENSITY], 4),
    }
    return Reading("", None, {"NumSystems": 1}, (values,), _doubts(values))


def _numbers(data: bytes) -> tuple[float | None, ...]:
    return floats(data, Field(0, "F", len(data) // 4))


def _rounded(number: float | None, digits: int) -> float | None:
    """Keys that the manual has not got are written with all the digits that a value has."""
    return None if number is None else round(number, digits)


def _doubts(values: dict[str, Value]) -> tuple[str, ...]:
    return tuple(f"S1{key}: не число" for key, value in values.items() if value is None)


def decode_registers(data: bytes) -> Reading:
    """Current values of the 634 bytes of all registers."""
    longs = {name: integers(data, field)[0] for name, field in LONGS.items()}
    values = _totals(data, longs)
    doubts, clock = _doubts(values), decode_clock(data[CLOCK])
    if clock is None:
        doubts += ("часы прибора: недопустимая дата",)
    device: dict[str, Value] = {"NumSystems": 1, **{key: _count(longs[key]) for key in COUNTERS}}
    return Reading(decode_serial(data), clock, device, (_shown(data, longs["errors"]) | values,), doubts)


def _totals(data: bytes, longs: dict[str, int]) -> dict[str, Value]:
    numbers = {name: floats(data, field)[0] for name, field in FLOATS.items()}
    fraction = numbers["V fraction"]
    values: dict[str, Value] = {
        "Gv1": numbers["Gv1"],
        "V1": None if fraction is None else _signed(longs["V integer"]) + fraction,
    }
    seconds = {key: _count(longs[key]) for key in TIMES}
    return values | {key: None if count is None else count / 3600 for key, count in seconds.items()}


def _count(number: int) -> int | None:
    """The registers are signed, and nothing is counted below 0."""
    return number if number >> 31 == 0 else None


def _signed(number: int) -> int:
    return number - (number >> 31 << 32)


def _shown(data: bytes, errors: int) -> dict[str, Value]:
    """Settings, and what the error register tells."""
    values: dict[str, Value] = {f"Du{n}": mm for n, mm in enumerate(integers(data, DIAMETERS), 1) if mm}
    values |= {"Scheme": integers(data, SCHEME)[0], "ErrRaw": f"{errors:08X}"}
    return values if errors else values | {"Err": "0"}


def decode_serial(data: bytes) -> str:
    """The serial number; "" where there is none."""
    (number,) = integers(data, LONGS["serial"])
    return str(number) if 0 < number < 1 << 31 else ""


def decode_clock(data: bytes) -> datetime | None:
    """The clock of 7 bytes, as BCD or binary: the one that is a date, or that has the meter's weekday.

    Where both have it, a binary year that lies ahead of these meters means BCD; else the clock is not known.
    """
    binary, coded = _clock(list(data)), _clock([-1 if (digits := bcd(byte)) is None else digits for byte in data])
    if binary is None or coded is None or binary == coded:
        return binary or coded
    fitting = [clock for clock in (binary, coded) if clock.isoweekday() % 7 == data[WEEKDAY] % 7]
    if len(fitting) == 1:
        return fitting[0]
    return coded if binary.year >= FIRST_YEAR_OF_DOUBT else None


def _clock(numbers: list[int]) -> datetime | None:
    year, month, day, _weekday, hour, minute, second = numbers
    try:
        return datetime(2000 + year, month, day, hour, minute, second) if 0 <= year <= 99 else None
    except ValueError:
        return None


DRIVER = Driver(
    name="rsm_05",
    device_types=("РСМ-05.03", "РСМ-05.05", "РСМ-05.05П", "РСМ-05.07"),
    energy_unit="MWh",
    ask_id=ask_id,
    accepts=(NATIVE, MODBUS, MODBUS_PARTS).__contains__,
    open=open_meter,
    read=read,
    sought=(Sought("РСМ-05.03", "native"), Sought("РСМ-05.05", "modbus", called=False)),
)

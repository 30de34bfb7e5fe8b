"""Memory map of the ТЭМ family with records of 384 bytes. Used by `tem_384`.

Source: exchange protocol of ТЭМ-106, 2012-04-23. All numbers are big-endian. Offsets of
`MEMORY` are addresses of parameter memory, those of `RECORD` are inside a record.
"""

from __future__ import annotations

from drivers.tem_ring import Region
from engine.codec import Field
from engine.model import RecType

# --- memory map: parameter memory, command 0F01 -----------------------------------------------------

CONFIG_SIZE = 0x1C
"""0000-001B: systems, types, masks, sensors in use."""

MEMORY = {
    "systems": Field(0x0000, "C"),
    "types": Field(0x0001, "C", 6),
    "flow masks": Field(0x0007, "C", 6),
    "temperature masks": Field(0x000D, "C", 6),
    "pressure masks": Field(0x0013, "C", 6),
    "temperatures in use": Field(0x001A, "C"),
    "pressures in use": Field(0x001B, "C"),
    "programmed temperatures": Field(0x0024, "F", 8, "°C"),
    "dt min": Field(0x0044, "F", 6, "°C"),
    "programmed pressures": Field(0x0074, "F", 8, "MPa"),
    "pulse weight": Field(0x00D0, "F", 6, "l"),
    "frequency max": Field(0x0104, "F", 6, "Hz"),
    "G max": Field(0x0134, "F", 6, "m³/h"),
    "upper limit": Field(0x014C, "C", 6, "1 % of G max"),
    "serial": Field(0x0152, "L"),
    "temperatures": Field(0x0200, "F", 7, "°C"),
    "pressures": Field(0x0234, "F", 7, "MPa"),
    "volume flow": Field(0x0288, "F", 6, "m³/h"),
    "mass flow": Field(0x02A0, "F", 6, "t/h"),
    "diameter": Field(0x02EE, "I", 6, "mm"),
    "comma": Field(0x02FA, "C", 6),
    "V fraction": Field(0x0300, "F", 6, "m³"),
    "V integer": Field(0x0318, "L", 6, "m³"),
    "M fraction": Field(0x0330, "F", 6, "t"),
    "M integer": Field(0x0348, "L", 6, "t"),
    "Q fraction": Field(0x0360, "F", 6, "MWh"),
    "Q integer": Field(0x0378, "L", 6, "MWh"),
    "Tgood": Field(0x0404, "L", 6, "s"),
    "Tmin": Field(0x041C, "L", 6, "s"),
    "Tmax": Field(0x0434, "L", 6, "s"),
    "Tdt": Field(0x044C, "L", 6, "s"),
    "Terr": Field(0x0464, "L", 6, "s"),
    "clock": Field(0x0482, "B", 6, "s min h d m y"),
    "lower limit": Field(0x04BE, "C", 6, "0.05 % of G max"),
}

INTEGRATORS = ((0x02F8, 0x38), (0x0330, 0x30), (0x0360, 0x38))
"""Comma and V; M; Q: each fraction with its integer part in one answer."""

WHOLE_INTEGRATORS = 0x38
"""The least BlockSize with which they are in one answer."""

SPANS = (
    (0x0000, CONFIG_SIZE), (0x0024, 0x38), (0x0074, 0x20), (0x00D0, 0x18), (0x0134, 0x24), (0x0104, 0x18),
    (0x0200, 0x1C), (0x0288, 0x30), (0x0234, 0x1C), (0x02EC, 0x0C), *INTEGRATORS,
    (0x0404, 0x40), (0x0444, 0x38), (0x04BC, 0x08), (0x0480, 0x0C),
)  # fmt: skip
"""What a reading asks for: address, length. Neighbours differ in length, numbers begin at multiples of 4."""

NAMEPLATE = (0x0152, 0x18)
"""Serial number, and behind it the flash chip's JEDEC id at 0168."""

JEDEC = Field(0x0016, "I")
POINTERS = (0x04F4, 0x0C)
LEGACY_POINTERS = (0x00F0, 0x10)
"""The legacy map's pointers are the last 12 of these bytes."""

# --- memory map: archive flash, command 0F03 --------------------------------------------------------

RECORD_SIZE = 0x180
RECORD = {
    "V fraction": Field(0x004, "F", 6, "m³"),
    "V integer": Field(0x01C, "L", 6, "m³"),
    "M fraction": Field(0x034, "F", 6, "t"),
    "M integer": Field(0x04C, "L", 6, "t"),
    "Q fraction": Field(0x064, "F", 6, "MWh"),
    "Q integer": Field(0x07C, "L", 6, "MWh"),
    "Tall": Field(0x09C, "L", 1, "s"),
    "Tgood": Field(0x0A0, "L", 6, "s"),
    "Tmin": Field(0x0B8, "L", 6, "s"),
    "Tmax": Field(0x0D0, "L", 6, "s"),
    "Tdt": Field(0x0E8, "L", 6, "s"),
    "Terr": Field(0x100, "L", 6, "s"),
    "comma": Field(0x118, "C", 6),
    "temperatures": Field(0x11E, "F", 7, "°C"),
    "pressures": Field(0x13A, "F", 6, "MPa"),
    "errors": Field(0x16A, "C", 6),
}
STAMP = 0x000
PERIOD_START = 0x175
POWERED_TIME = (0x098, 0x08)
"""Powered time with the number before it: not as many bytes as the stamp, which is asked for just before."""

SMALL_FLASH = (Region(RecType.HOUR, 0, 864), Region(RecType.DAY, 864, 368), Region(RecType.MONTH, 1232, 128))
LARGE_FLASH = (Region(RecType.HOUR, 0, 1728), Region(RecType.DAY, 1728, 736), Region(RecType.MONTH, 2464, 256))
FLASH_BY_JEDEC = {0x1F24: SMALL_FLASH, 0x1F25: LARGE_FLASH}
LEGACY_RECORD_SIZE = 0x100
LEGACY_FLASH = (Region(RecType.HOUR, 0, 1536), Region(RecType.DAY, 1536, 368), Region(RecType.MONTH, 1904, 144))

# --- what the numbers mean --------------------------------------------------------------------------

SYSTEM_TYPES = {
    0: "Подача",
    1: "Обратка",
    2: "Подача + расходомер",
    4: "Двухпоточник (Открытая)",
    5: "Расходомер",
    6: "Магистраль",
    7: "ГВС с циркуляцией",
    8: "Тупиковая ГВС",
    9: "Температура",
}
ENERGY_DIVISOR = {6: 100000, 5: 10000, 4: 1000, 3: 100, 2: 10}
"""By the comma byte of the system; others 1."""
FLOW_DIVISOR = {5: 1000, 4: 100, 3: 10}
"""By the comma byte of the flow channel; others 1."""
ERROR_BITS = (("1", 0b00000011), ("2", 0b00001100), ("3", 0b00010000), ("4", 0b11100000))
"""Manual's number of an error, bits of the record's error byte: G1 G2 < min, G1 G2 > max, Δt, T P power."""
TIMES = ("Tgood", "Tmin", "Tmax", "Tdt", "Terr")
FLOWS_SHOWN, SENSORS_SHOWN = 2, 3

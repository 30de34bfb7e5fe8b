"""Memory map of the ТЭМ-104 of the first generation, records of 256 bytes. Used by `tem_104`.

Source: exchange protocol of ТЭМ-104 ("104/106"), 2007-04-03. All numbers are big-endian. Offsets of `MEMORY`
are addresses of parameter memory, those of `INTEGRATORS` are inside a record and inside the running integrators.
"""

from __future__ import annotations

from drivers.tem_ring import Region
from engine.codec import Field
from engine.model import RecType

# --- memory map: parameter memory, command 0F01 -----------------------------------------------------

MEMORY = {
    "systems": Field(0x0000, "C"),
    "serial": Field(0x007C, "L"),
    "diameter": Field(0x00C4, "I", 4),
    "G max": Field(0x00CC, "F", 4, "t/h or m³/h, by edition"),
    "upper limit": Field(0x00DC, "C", 4, "1 % of G max"),
    "lower limit": Field(0x00E0, "C", 4, "0.05 % of G max"),
}
HEAD = (0x0000, 0x10)
NETWORK = (0x0078, 0x08)
FLOWMETERS = (0x00C4, 0x20)
"""Pieces that are read: address, length."""

POINTERS = (0x00F4, 0x0C)
"""Hour, day, report date: the record that will be written next, + 200000."""

RUNNING = 0x0200
"""The integrators as they run: laid out like a record."""

RUNNING_PIECES = ((0x0208, 0x40), (0x0268, 0x24), (0x0218, 0x40), (0x028C, 0x30), (0x0228, 0x40))
"""V, M, Q: four fractions and, 30 further on, their integer parts, each in one answer; the times between them."""

WHOLE_TOTAL = 0x40
"""The least BlockSize with which they are in one answer."""

# --- memory map: set-up of one system, in parameter memory ------------------------------------------

SYSTEM = 0x0600
SYSTEM_SIZE = 0x19
SYSTEM_STRIDES = (0x19, 0x20, 0x40)
"""Distance from one system to the next: the document does not tell, drivers in the field disagree."""

SYSTEM_TYPE = Field(0x00, "C")
FLOW_CHANNELS = Field(0x05, "C", 4)
TEMPERATURE_CHANNELS = Field(0x0D, "C", 4)
PRESSURE_CHANNELS = Field(0x15, "C", 4)
"""Channels of a system, counted from 0; as many of the four as the type has."""

# --- memory map: clock, command 0F02 ----------------------------------------------------------------

CLOCK_REGISTERS = (0x10, 0x10)
SECOND, MINUTE, HOUR, DAY, MONTH, YEAR = 0x00, 0x02, 0x04, 0x07, 0x08, 0x09
"""Offsets in them; BCD. Between them are the registers of the alarm."""

# --- memory map: current values of one system, command 0C01 -----------------------------------------

CURRENT = 0x2200
CURRENT_STRIDE = 0x92
CURRENT_SIZE = 0x73
CURRENT_VALUES = {
    "T": Field(0x00, "F", 4, "°C"),
    "P": Field(0x10, "F", 4, "MPa"),
    "Gv": Field(0x40, "F", 4, "m³/h"),
    "G": Field(0x50, "F", 4, "t/h"),
    "errors": Field(0x70, "C"),
    "faults": Field(0x71, "I"),
}

# --- memory map: a record in archive flash, command 0F03 --------------------------------------------

RECORD_SIZE = 0x100
INTEGRATORS = {
    "V fraction": Field(0x08, "F", 4, "m³"),
    "M fraction": Field(0x18, "F", 4, "t"),
    "Q fraction": Field(0x28, "F", 4, "Gcal or as EnergyUnit says"),
    "V integer": Field(0x38, "L", 4, "m³"),
    "M integer": Field(0x48, "L", 4, "t"),
    "Q integer": Field(0x58, "L", 4, "Gcal or as EnergyUnit says"),
    "Tall": Field(0x68, "L", 1, "s"),
    "Tgood": Field(0x6C, "L", 4, "s"),
    "Tmin": Field(0x7C, "L", 4, "s"),
    "Tmax": Field(0x8C, "L", 4, "s"),
    "Tdt": Field(0x9C, "L", 4, "s"),
    "Terr": Field(0xAC, "L", 4, "s"),
    "errors": Field(0xBC, "C", 4),
    "faults": Field(0xC0, "I", 4),
    "temperatures": Field(0xC8, "I", 12, "0.01 °C"),
    "pressures": Field(0xE0, "C", 12, "0.01 MPa"),
}
PREVIOUS_STAMP = 0x04
LAST_NUMBER = slice(0xF8, 0xFC)
"""The last of the flows: erased flash here means that the record was not written to its end."""
POWERED_TIME = (0x64, 0x08)
"""Powered time with the number before it: not as many bytes as the stamp, which is asked for just before."""

FLASH_REGIONS = (Region(RecType.HOUR, 0, 1536), Region(RecType.DAY, 1536, 368), Region(RecType.MONTH, 1904, 144))

# --- what the numbers mean --------------------------------------------------------------------------

SYSTEM_TYPES = {
    0x0: ("Расходомер V", 1, 0),
    0x1: ("Расходомер M", 1, 1),
    0x2: ("Магистраль", 1, 1),
    0x3: ("Подача", 1, 2),
    0x4: ("Обратка", 1, 2),
    0x5: ("Тупиковая ГВС", 1, 2),
    0x6: ("Подпитка НСО", 1, 2),
    0x7: ("Подпитка источника", 1, 2),
    0x8: ("Подача + Р", 2, 2),
    0xA: ("Открытая", 2, 3),
    0xB: ("ГВС с рециркуляцией", 2, 3),
    0xC: ("Источник", 3, 3),
}
"""Name, number of flows, number of temperatures and of pressures."""

CHANNELS = 4
DIAMETERS_MM = (15, 25, 32, 40, 50, 80, 100, 150)
"""By the index of channels 1 and 2; channels 3 and 4 tell millimetres."""
INDEXED_DIAMETERS = 2

ERROR_BITS = (("1", 0b00000111), ("2", 0b00111000), ("3", 0b11000000))
"""Manual's number of an error, bits of the error byte: G1 G2 G3 < min, > max, Δt1 Δt2. Any fault is 4."""
TIMES = ("Tgood", "Tmin", "Tmax", "Tdt", "Terr")

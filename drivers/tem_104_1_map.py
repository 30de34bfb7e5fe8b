"""Memory map of the ТЭМ-104-1, records of 64 bytes. Used by `tem_104_1`.

Source: exchange protocol of ТЭМ-104-1, 2012-08-03 and 2013-11-18. All numbers are big-endian. Offsets of
`MEMORY` are addresses of parameter memory, those of `CURRENT_VALUES` and `RECORD` are inside their own piece.
"""

from __future__ import annotations

from engine.codec import Field

# --- memory map: parameter memory, command 0F01 -----------------------------------------------------

SERIAL = (0x0000, 7)
"""Text; the document says 6 characters, two drivers in the field read 7."""

MEMORY = {
    "diameter": Field(0x000A, "C"),
    "lower limit": Field(0x0024, "C", 1, "0.05 % of G max"),
    "upper limit": Field(0x0025, "C", 1, "1 % of G max"),
    "dt min": Field(0x003D, "C", 1, "°C"),
    "type": Field(0x0041, "C"),
    "V integer": Field(0x0144, "L", 1, "m³"),
    "V fraction": Field(0x0148, "F", 1, "m³"),
    "M integer": Field(0x014C, "L", 1, "t"),
    "M fraction": Field(0x0150, "F", 1, "t"),
    "Q integer": Field(0x0154, "L", 1, "Gcal or as EnergyUnit says"),
    "Q fraction": Field(0x0158, "F", 1, "Gcal or as EnergyUnit says"),
    "Tgood": Field(0x0160, "L", 1, "s"),
    "Terr": Field(0x0164, "L", 1, "s"),
    "Tdt": Field(0x0168, "L", 1, "s"),
    "Tmax": Field(0x016C, "L", 1, "s"),
    "Tmin": Field(0x0170, "L", 1, "s"),
    "errors": Field(0x0174, "C"),
    "faults": Field(0x0175, "C"),
}
NAMEPLATE = (0x0000, 0x28)
SET_UP = (0x0030, 0x14)
TOTALS = (0x0144, 0x38)
"""Pieces that are read: address, length. Totals, times and errors are in one answer."""

WHOLE_TOTALS = 0x38
"""The least BlockSize with which they are."""

POINTERS = (0x01B8, 0x0C)
"""Hour, day, report date: the record that will be written next."""

# --- memory map: clock, command 0F02, and current values, command 0C01 -------------------------------

CLOCK_REGISTERS = (0x00, 7)
"""Second, minute, hour, day of the week, day, month, year in BCD."""

CURRENT = (0x00B8, 0x18)
CURRENT_VALUES = {
    "Gv": Field(0x00, "F", 1, "m³/h"),
    "G": Field(0x04, "F", 1, "t/h"),
    "T": Field(0x08, "F", 2, "°C"),
    "P": Field(0x10, "F", 2, "MPa"),
}

# --- memory map: a record in archive flash, command 0F03 --------------------------------------------

RECORD_SIZE = 0x40
RECORD = {
    "V integer": Field(0x04, "L", 1, "m³"),
    "V fraction": Field(0x08, "F", 1, "m³"),
    "M integer": Field(0x0C, "L", 1, "t"),
    "M fraction": Field(0x10, "F", 1, "t"),
    "Q integer": Field(0x14, "L", 1, "Gcal or as EnergyUnit says"),
    "Q fraction": Field(0x18, "F", 1, "Gcal or as EnergyUnit says"),
    "Tall": Field(0x1C, "L", 1, "s"),
    "Tgood": Field(0x20, "L", 1, "s"),
    "Terr": Field(0x24, "L", 1, "s"),
    "Tdt": Field(0x28, "L", 1, "s"),
    "Tmax": Field(0x2C, "L", 1, "s"),
    "Tmin": Field(0x30, "L", 1, "s"),
    "errors": Field(0x34, "C"),
    "faults": Field(0x35, "C"),
    "temperatures": Field(0x36, "I", 2, "0.01 °C"),
    "pressures": Field(0x3A, "C", 2, "0.01 MPa"),
}
LAST_NUMBERS = slice(0x36, 0x3C)
"""Temperatures and pressures: erased flash here means that the record was not written to its end."""

POWERED_TIME = (0x18, 0x08)
"""Powered time with the number before it: not as many bytes as the stamp, which is asked for just before."""

# --- what the numbers mean --------------------------------------------------------------------------

LAST_TYPE = 0x7
"""The types are those of the ТЭМ-104 with one flow."""

LARGEST_FLOWS = (6, 16, 30, 40, 60, 160, 300, 600)
"""G max in m³/h, by the index of the diameter."""

ERROR_BITS = (("1", 0x02), ("2", 0x04), ("3", 0x01))
"""Manual's number of an error, bit of the error byte: G < min, G > max, Δt. Any fault is 4."""
TIMES = ("Tgood", "Tmin", "Tmax", "Tdt", "Terr")

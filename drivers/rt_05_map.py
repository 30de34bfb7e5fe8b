"""Memory map of the regulator ТЭСМАРТ РТ-05. Used by `rt_05`.

Source: the maker's protocol description (2008-04-15, revised 2017-07-18) and one captured memory of firmware 1.14
(zerodi/rt05-python). Up to 0x85 both agree; behind it the description contains arithmetic slips, and the places
here are those that fit the capture. Numbers are little-endian, temperatures signed in 0.01 °C.
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.tem_ring import Region
from engine.codec import Field
from engine.model import RecType

# --- RAM --------------------------------------------------------------------------------------------

CLOCK = 0x000
"""Second, minute, hour, weekday, day, month, year in BCD."""
POWERED = Field(0x00E, "L", 1, "s")
EVENT_POSITION = Field(0x012, "I")
RECORD_POSITION = Field(0x014, "L")
"""Flash addresses of the newest records."""
VERSION = Field(0x04A, "I", 1, "0.01")
SERIAL = Field(0x04C, "L")
CIRCUITS = Field(0x059, "C")
ABSENT = -0x8000
"""What the register of a sensor shows that is not there."""
CIRCUIT_STEP = 0xD7
"""From a field of the first circuit to that of the second (firmware 1.14)."""
FULL_VERSION = 114
"""The firmware whose memory behind 0x85 is known."""


@dataclass(frozen=True, slots=True)
class Item:
    """One key of a circuit: its field, and what one unit of the number is worth."""

    field: Field
    scale: float = 1.0


def _temperature(address: int) -> Item:
    return Item(Field(address, "S", 1, "°C"), 0.01)


SENSORS = {
    "T11": _temperature(0x069),
    "T2": _temperature(0x06B),
    "Tk": _temperature(0x06D),
    "Tn": _temperature(0x06F),
    "T21": _temperature(0x071),
}
"""Supply behind the regulator (T3 of a hot-water circuit), return, room, outdoors, second supply."""

CALCULATED = {
    "Tts": _temperature(0x078),
    "To": _temperature(0x07A),
    "Tp": _temperature(0x07C),
    "Treg": _temperature(0x080),
    "Tbase": _temperature(0x082),
}
"""Network, return and supply by the graph; the controlled value; what it is to be («Базовая температура»)."""

OF_FULL_VERSION = {
    "Tcorr": _temperature(0x086),
    "Valve": Item(Field(0x088, "I", 1, "s"), 0.01),
    "TnHour": _temperature(0x08A),
    "TnDay": _temperature(0x08C),
    "Manual": Item(Field(0x0BC, "C")),
    "Tconst": _temperature(0x0E7),
    "Kp": Item(Field(0x0C2, "F")),
    "Ki": Item(Field(0x0C6, "F")),
    "Kd": Item(Field(0x0CA, "F")),
    "Tdead": Item(Field(0x0DA, "I", 1, "°C"), 0.01),
    "ValveTime": Item(Field(0x0DC, "S", 1, "s")),
    "Tv": Item(Field(0x0BD, "C", 1, "°C")),
    "T3r": Item(Field(0x0BE, "C", 1, "°C")),
    "T2r": Item(Field(0x0BF, "C", 1, "°C")),
    "T1r": Item(Field(0x0C0, "C", 1, "°C")),
}
"""Correction by the week; how far the valve was driven; means of the outdoor temperature; settings, and the
temperatures that the network was designed for."""

SCHEME = Field(0x0BB, "C")
DESIGN_OUTDOORS = Field(0x0C1, "C", 1, "°C")
"""A signed byte."""
FLOW = Field(0x075, "S")
"""From the flow meter; what one unit is worth is not told."""
FLOW_MODE = Field(0x120, "C")
FLOW_FREQUENCY = Field(0x121, "C", 1, "kHz")
FLOW_LIMIT = Field(0x122, "S", 1, "m³/h")
RELAYS = Field(0x077, "C")
ERRORS = Field(0x07E, "I")

HEAD = ((0x000, 0x20), (0x04A, 0x15))
FIRST_OF_ANY = ((0x069, 0x1B),)
FIRST = ((0x069, 0x2D), (0x0BB, 0x2E), (0x120, 0x04))
SECOND = tuple((address + CIRCUIT_STEP, length) for address, length in FIRST)
"""What is read: address, length. Neighbours differ in length."""
IMAGE_SIZE = 0x200
"""What the long form reads at once."""
SHORT_LIMIT = 64
"""The most that the short form reads."""

# --- flash ------------------------------------------------------------------------------------------

EVENT_SIZE, RECORD_SIZE = 16, 32
EVENTS = Region(RecType.EVENT, 0x00000 // EVENT_SIZE, 1024)
RECORDS = Region(RecType.HOUR, 0x04000 // RECORD_SIZE, 3584)
EVENT_PARTS, RECORD_PARTS = (13, 3), (20, 12)
EVENT_STAMPS, RECORD_STAMPS = (6, 7), (4, 5)
"""In which lengths records, and by turns their stamps, are read: no answer is as long as the one before it."""
OF_CIRCUIT = (0x04, 0x10)
"""Where the 12 bytes of each circuit begin in a record."""
CIRCUIT_SIZE = 12
RECORDED = ("T11", "T2", "Tn", "Tk", "Treg", "Tbase")
"""Twelve bits each, in this order."""
OPENING = 9
FAULT_BITS = 10
FAULTS = (
    "T11", "T2", "Tн", "Tк", "T21", "нет воды", "нет подпитки", "насос 1",
    "насос 2", "насос 3", "насос 4", "аварийное открытие", "аварийное закрытие", "геркон", "", "утечка подпитки",
)  # fmt: skip
"""Bit 0 first. The first five are those of the sensors."""
FAULTS_OF = {"T11": 0, "T2": 1, "Tn": 2, "Tk": 3}

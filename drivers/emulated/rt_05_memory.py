"""Memory of a regulator РТ-05 as bytes: RAM of firmware 1.14, temperature records, events.

Places and forms: the maker's description of 2017, and a captured RAM, whose first 536 bytes the image begins with.
Numbers are little-endian, temperatures in 0.01 °C in RAM, in 0.1 °C and 12 bits in records.
"""

from __future__ import annotations

import struct
from datetime import datetime
from typing import NamedTuple

FLASH_SIZE = 0x20000
EVENTS_AT, EVENT_SIZE, EVENT_PLACES = 0x00000, 16, 1024
RECORDS_AT, RECORD_SIZE, RECORD_PLACES = 0x04000, 32, 3584
SECOND_CIRCUIT = 0xD7
ABSENT = -0x8000
_RAM_SIZE = 0x7A3
_CAPTURED = bytes.fromhex(
    "0107120526022103010712260221CB46B9056012C05600000000000020000800000000005591E9FFBEC6FFFF2612D802"
    "08000C000800200000000400000000004A006900170217052307720058D80000111100020204000400023C0000000000"
    "000000000000000000FA1C7B13FA09E0F80080CF0200001BF4261316901C00003A18ED1805039CFFC35C81F82DF80000"
    "000000C8C85C000000003C00004662000000000100000000000100D809000000000000000000000000000002000F5F46"
    "87DD0000803E0000004100000000000000000000000000000000640054000100000A000505030100007C1538FFFFF401"
    "01FF0000000000FF0000FF1C25010001000C0A0000000000001EA00500000400100E0000000000000000000000000B03"
    "00050A00000000050100000000050000000000000000050000643A180000000075140080008000800080000000000700"
    "800080008000007514701700040000782681F82DF8000000005ED0DA26000000003C0000CDFE00000000000000000000"
    "00004C0000000000000000000000000000000500145F4696E80000803E00007042000000000000000000000000000000"
    "0032005A00010000640005000400701764190000FFF401FFFF0000000000FF8813FF0000010001000D0A000000000000"
    "1EA00500000600100E0000000000000000000000000B0000050A00000000050100000000020000000000000000040000"
    "0875140000000000"
)


class Climate(NamedTuple):
    """What one circuit has at a moment, in 0.01 °C, None for no sensor; opening in %; a bit a fault."""

    supply: int
    back: int | None
    outdoors: int | None
    room: int | None
    controlled: int
    setpoint: int
    opening: int
    faults: int


class Change(NamedTuple):
    """An event: a setting got a new value."""

    parameter: int
    new: int
    old: int


def settings(serial: int, address: int, circuits: int, version: int) -> bytearray:
    """RAM with everything that does not change with time."""
    ram = bytearray(_CAPTURED.ljust(_RAM_SIZE, b"\x00"))
    struct.pack_into("<HL", ram, 0x4A, version, serial)
    ram[0x53], ram[0x59] = address, circuits
    return ram


def put_clock(ram: bytearray, clock: datetime | None) -> None:
    """The clock with its weekday; None for a clock that has lost its time."""
    moment = bytes(7)
    if clock is not None:
        numbers = (clock.second, clock.minute, clock.hour, clock.isoweekday(), clock.day, clock.month, clock.year)
        moment = bytes(map(_bcd, numbers))
    ram[0:7] = moment


def put_positions(ram: bytearray, event: int, record: int) -> None:
    """Flash addresses of the newest event and the newest temperature record."""
    struct.pack_into("<H", ram, 0x12, event)
    struct.pack_into("<L", ram, 0x14, record)


def put_powered(ram: bytearray, seconds: int) -> None:
    struct.pack_into("<L", ram, 0x0E, seconds)


def put_climate(ram: bytearray, circuit: int, climate: Climate) -> None:
    """Measured, controlled and wanted temperatures of circuit 0 or 1."""
    base = circuit * SECOND_CIRCUIT
    measured = (climate.supply, climate.back, climate.room, climate.outdoors)
    struct.pack_into("<4h", ram, base + 0x69, *(ABSENT if value is None else value for value in measured))
    struct.pack_into("<2h", ram, base + 0x80, climate.controlled, climate.setpoint)


def record(made: datetime, climates: list[Climate]) -> bytes:
    """One temperature record."""
    time = made.hour << 11 | made.minute << 5 | made.second // 2
    date = made.year - 2000 << 9 | made.month << 5 | made.day
    packed = struct.pack("<HH", time, date) + b"".join(map(_recorded, climates))
    return packed.ljust(RECORD_SIZE, b"\x00")


def _recorded(climate: Climate) -> bytes:
    pairs = ((climate.supply, climate.back), (climate.outdoors, climate.room), (climate.controlled, climate.setpoint))
    packed = b"".join(_pair(tenths(one), tenths(other)) for one, other in pairs)
    return packed + struct.pack("<BH", climate.opening, climate.faults)


def tenths(value: int | None) -> int:
    """A temperature as a record holds it; what is not there is cut down like a number."""
    return (ABSENT if value is None else value) // 10


def _pair(one: int, other: int) -> bytes:
    """Two numbers of 12 bits: the low byte, both nibbles, the high byte."""
    one, other = one & 0xFFF, other & 0xFFF
    return bytes((one & 0xFF, one >> 8 | (other & 0x0F) << 4, other >> 4))


def event(made: datetime, change: Change) -> bytes:
    """One event: stamp, setting, FF, its new and its old value."""
    moment = (made.second, made.minute, made.hour, made.day, made.month, made.year)
    return bytes(map(_bcd, moment)) + struct.pack("<BBLL", change.parameter, 0xFF, change.new, change.old)


def _bcd(number: int) -> int:
    return number // 10 % 10 << 4 | number % 10

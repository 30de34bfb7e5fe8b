"""Bytes to numbers and dates, and the checksums of the meters: once, for every family.

Nothing is guessed here: a float that is not finite and a date that does not exist are None.
Data shorter than asked for is an error of the caller and raises `struct.error`.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Order = Literal["big", "little"]

GCAL_PER_UNIT = {"Gcal": 1.0, "MWh": 1 / 1.163, "GJ": 1 / 4.1868}
"""Gcal in one unit of `EnergyUnit` (formats guide, section 3)."""

_PREFIX: dict[Order, str] = {"big": ">", "little": "<"}
_INTEGER = {"C": "B", "I": "H", "L": "I", "S": "h"}


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a memory map: `count` neighbours of one kind, the first at `offset`.

    `kind` is the letter of the makers' documents: F float of 4 bytes, L unsigned of 4 bytes,
    I unsigned of 2, S signed of 2, C one byte, B one byte of BCD. `unit` is the meter's own, "" where there is none.
    """

    offset: int
    kind: str
    count: int = 1
    unit: str = ""


def integers(data: bytes, field: Field, order: Order = "big") -> tuple[int, ...]:
    """The integers of a field of kind C, I, L or S."""
    return struct.unpack_from(f"{_PREFIX[order]}{field.count}{_INTEGER[field.kind]}", data, field.offset)


def floats(data: bytes, field: Field, order: Order = "big") -> tuple[float | None, ...]:
    """The floats (IEEE-754, 4 bytes) of a field of kind F; what is not finite is None."""
    numbers = struct.unpack_from(f"{_PREFIX[order]}{field.count}f", data, field.offset)
    return tuple(number if math.isfinite(number) else None for number in numbers)


def bcd(byte: int) -> int | None:
    """Two decimal digits of one byte: 0x26 is 26; None where a half is no digit."""
    tens, ones = byte >> 4, byte & 0x0F
    return 10 * tens + ones if tens <= 9 and ones <= 9 else None


def bcd_datetime(
    *, year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0
) -> datetime | None:
    """A moment out of BCD bytes, year 2000 + yy; None where a byte is no BCD or there is no such moment."""
    digits = (bcd(byte) for byte in (year, month, day, hour, minute, second))
    numbers = [number for number in digits if number is not None]
    if len(numbers) < 6:
        return None
    try:
        return datetime(2000 + numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5])
    except ValueError:
        return None


def plain_sum(data: bytes) -> int:
    """The low byte of the sum of all bytes: archive records of the TEM family."""
    return sum(data) & 0xFF


def complement_sum(data: bytes) -> int:
    """The low byte of the sum with every bit turned: frames of the TEM family.

    The sum of the data together with this byte is 0xFF. The documents call it "complement to zero".
    """
    return plain_sum(data) ^ 0xFF


def crc16_modbus(data: bytes) -> int:
    """CRC-16 of Modbus (polynomial A001 reflected, begins with FFFF); on the wire its low byte goes first."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC16_MODBUS[(crc ^ byte) & 0xFF]
    return crc


def _crc16_modbus_of_byte(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0xA001 if byte & 1 else 0)
    return byte


_CRC16_MODBUS = tuple(map(_crc16_modbus_of_byte, range(256)))

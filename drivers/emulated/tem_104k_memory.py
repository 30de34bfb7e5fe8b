"""Memory of the ТЭМ-104-К as bytes: EEPROM (0F01), clock (0F02), current values (0C01), records and events (0F03).

Places and forms: ТЭМ-104-К exchange protocol, editions for firmware below 2.08 and from 2.08.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import datetime

from drivers.emulated.tem_104k_options import CompactOptions
from drivers.emulated.tem_life import Moment

RECORD_SIZE = 0x30
POINTER_BASE = 0
_RAM_SIZE = 0x200


def settings(options: CompactOptions) -> bytearray:
    """EEPROM with everything that does not change with time."""
    memory = bytearray(0x200)
    memory[:7] = serial_bytes(options)
    memory[0x08] = 1
    struct.pack_into(">f", memory, 0x09, 2.5)
    struct.pack_into(">f", memory, 0x0F, 0.02)
    memory[0x18:0x1A] = bytes((1, 3))
    struct.pack_into(">2f", memory, 0x26, 0.5, 0.25)
    struct.pack_into(">f", memory, 0x34, 5.0)
    return memory


def serial_bytes(options: CompactOptions) -> bytes:
    """The serial number as text, 7 bytes."""
    return f"{options.serial_number:06d}".encode("ascii").ljust(7, b"\x00")


def put_clock(_memory: bytearray, _clock: datetime | None) -> None:
    """The clock has a memory of its own: `clock_memory`."""


def clock_memory(clock: datetime | None) -> bytes:
    """Seven bytes of the clock; None for a clock that has lost its time."""
    if clock is None:
        return bytes(7)
    registers = (clock.second, clock.minute, clock.hour, clock.isoweekday(), clock.day, clock.month, clock.year)
    return bytes(map(_bcd, registers))


def put_moment(memory: bytearray, moment: Moment, _options: CompactOptions) -> None:
    """The running integrators."""
    pairs = [part for raw in (moment.volume, moment.mass, moment.heat) for part in (raw[1][0], raw[0][0])]
    struct.pack_into(">LfLfLf", memory, 0x140, *pairs)
    struct.pack_into(">LL", memory, 0x168, *_times_s(moment))


def put_pointers(_memory: bytearray, _addresses: Sequence[int]) -> None:
    """Its pointers name another place: `put_last`."""


def put_last(memory: bytearray, day: int, event: int, hour: int | None) -> None:
    """Addresses of the last record of each archive; the first of each is not looked after."""
    struct.pack_into(">H", memory, 0x96, day)
    struct.pack_into(">H", memory, 0x9A, event)
    if hour is not None:
        struct.pack_into(">H", memory, 0x9F, hour)


def current_values(moment: Moment) -> bytes:
    """RAM as far as it is described."""
    ram = bytearray(_RAM_SIZE)
    struct.pack_into(">f", ram, 0xB4, moment.volume_flow[0])
    struct.pack_into(">2f", ram, 0x108, *moment.temperatures[:2])
    return bytes(ram)


def record(
    made: datetime, _since: datetime, moment: Moment, options: CompactOptions, _errors: Sequence[int]
) -> bytearray:
    """One archive record with its sum, 48 bytes."""
    amount = moment.volume if options.is_old else moment.mass
    hour = 0 if options.is_old else _bcd(made.hour)
    packed = bytearray(_bcd(number) for number in (made.day, made.month, made.year)) + bytes((hour,))
    for raw in (moment.heat, amount):
        packed += struct.pack(">Lf", raw[1][0], raw[0][0])
    good, wrong = (seconds // 36 for seconds in _times_s(moment))
    packed += struct.pack(">2f3L", *moment.temperatures[:2], good, wrong, 1234) + bytes(7)
    return packed + bytes((~sum(packed) & 0xFF,))


def event(options: CompactOptions, made: datetime, before: int, after: int) -> bytes:
    """One event with its sum: 8 or 10 bytes of a slot."""
    packed = bytes(map(_bcd, (made.minute, made.hour, made.day, made.month, made.year)))
    packed += struct.pack(">BB" if options.is_old else ">HH", before, after)
    return packed + bytes((~sum(packed) & 0xFF,))


def _times_s(moment: Moment) -> tuple[int, int]:
    """Without errors, with errors of any kind."""
    good = moment.times_s[0][0]
    return good, moment.powered_s - good


def _bcd(number: int) -> int:
    return number // 10 % 10 << 4 | number % 10

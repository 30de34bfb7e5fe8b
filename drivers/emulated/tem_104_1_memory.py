"""Memory of the ТЭМ-104-1 as bytes: parameters (0F01), clock (0F02), current values (0C01), records (0F03).

Places and forms: ТЭМ-104-1 exchange protocol, 2012-08-03 and 2013-11-18.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import datetime

from drivers.emulated.tem_104_memory import hundredths, stamp_bytes
from drivers.emulated.tem_104_options import SingleOptions
from drivers.emulated.tem_life import Moment

RECORD_SIZE = 0x40
POINTER_BASE = 0
_RECORD = struct.Struct(">4B LfLfLf L 5L 2B 2H 2B 3x B")
_RUNNING = struct.Struct(">LfLfLf L 5L 2B")


def settings(options: SingleOptions) -> bytearray:
    """Parameter memory with everything that does not change with time."""
    memory = bytearray(0x200)
    memory[:7] = serial_bytes(options)
    memory[0x0A] = 4
    memory[0x22:0x26] = bytes((1, 0, 10, 100))
    memory[0x3D] = 3
    memory[0x41] = options.system_type
    return memory


def serial_bytes(options: SingleOptions) -> bytes:
    """The serial number as text, 7 bytes."""
    return f"{options.serial_number:06d}".encode("ascii").ljust(7, b"\x00")


def put_clock(_memory: bytearray, _clock: datetime | None) -> None:
    """The clock has a memory of its own: `clock_memory`."""


def clock_memory(clock: datetime | None) -> bytes:
    """The registers of the clock chip; None for a clock that has lost its time."""
    if clock is None:
        return bytes(16)
    registers = (clock.second, clock.minute, clock.hour, clock.isoweekday(), clock.day, clock.month, clock.year)
    return bytes(number // 10 % 10 << 4 | number % 10 for number in registers) + bytes(9)


def put_moment(memory: bytearray, moment: Moment, _options: SingleOptions) -> None:
    """The running totals and times; what is wrong now is put in by `put_errors`."""
    packed = _RUNNING.pack(*_totals(moment), moment.powered_s, *_times(moment), 0, 0)
    memory[0x144 : 0x144 + len(packed)] = packed
    struct.pack_into(">2H2B", memory, 0x176, *_sensors(moment))


def put_errors(memory: bytearray, errors: Sequence[int]) -> None:
    memory[0x174:0x176] = bytes(_errors(errors[0]))


def put_pointers(memory: bytearray, addresses: Sequence[int]) -> None:
    """Flash addresses of the next hourly, daily and report-date record, as they stand in memory."""
    struct.pack_into(">3L", memory, 0x1B8, *addresses)


def current_values(moment: Moment) -> bytes:
    """RAM as far as it is described."""
    values = (moment.volume_flow[0], moment.mass_flow[0], *moment.temperatures[:2], *moment.pressures[:2])
    return bytes(0xB8) + struct.pack(">6f", *values) + bytes(0x30)


def record(
    made: datetime, _since: datetime, moment: Moment, _options: SingleOptions, errors: Sequence[int]
) -> bytearray:
    """One archive record with its sum, 64 bytes."""
    packed = bytearray(
        _RECORD.pack(
            *stamp_bytes(made),
            *_totals(moment),
            moment.powered_s,
            *_times(moment),
            *_errors(errors[0]),
            *_sensors(moment),
            0,
        )
    )
    packed[-1] = sum(packed) & 0xFF
    return packed


def _totals(moment: Moment) -> list[float]:
    """Integer and fraction of V, M, Q."""
    return [part for raw in (moment.volume, moment.mass, moment.heat) for part in (raw[1][0], raw[0][0])]


def _times(moment: Moment) -> tuple[int, ...]:
    """Without errors, technical fault, Δt < min, G > max, G < min."""
    good, small, large, narrow, fault = (row[0] for row in moment.times_s)
    return good, fault, narrow, large, small


def _errors(byte: int) -> tuple[int, int]:
    """Error byte and byte of faults."""
    return (byte & 0x10) >> 4 | (byte & 0x01) << 1 | byte & 0x04, byte & 0xA0


def _sensors(moment: Moment) -> tuple[int, ...]:
    temperatures = (hundredths(value) for value in moment.temperatures[:2])
    return (*temperatures, *(hundredths(value) & 0xFF for value in moment.pressures[:2]))

"""Memory of the first ТЭМ-104 as bytes: parameters (0F01), clock (0F02), current values (0C01), records (0F03).

Places and forms: ТЭМ-104 exchange protocol, 2007-04-03.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from datetime import datetime

from drivers.emulated.tem_104_options import LegacyOptions
from drivers.emulated.tem_life import Moment

RECORD_SIZE = 0x100
POINTER_BASE = 0x200000
RAM_BASE = 0x2200
_MEMORY_SIZE = 0x800
_RAM_STEP = 0x92
_INTEGRATORS = struct.Struct(">4B 4B 4f4f4f 4L4L4L L 20L 4B 4H 12H 12B 4f 3x B")
_NO_NUMBER = 0xFFFF


def settings(options: LegacyOptions) -> bytearray:
    """Parameter memory with everything that does not change with time."""
    memory = bytearray(_MEMORY_SIZE)
    memory[0] = len(options.system_list)
    memory[7] = 1
    struct.pack_into(">LL", memory, 0x78, options.address, options.serial_number)
    # Channels 1 and 2 tell the index of their diameter (50 and 80 mm), 3 and 4 millimetres.
    struct.pack_into(">4H", memory, 0xC4, 4, 5, 32, 25)
    struct.pack_into(">4f", memory, 0xCC, 60.0, 160.0, 30.0, 16.0)
    memory[0xDC:0xE0] = bytes((100, 100, 80, 50))
    memory[0xE0:0xE4] = bytes((10, 10, 20, 40))
    struct.pack_into(">2f", memory, 0xE4, 1000.0, 1000.0)
    for number, system in enumerate(options.system_list):
        place = 0x600 + number * options.stride
        memory[place] = system.kind
        for offset, mask in ((0x05, system.flows), (0x0D, system.temperatures), (0x15, system.pressures)):
            channels = _channels(mask)
            memory[place + offset : place + offset + len(channels)] = bytes(channels)
    return memory


def put_clock(_memory: bytearray, _clock: datetime | None) -> None:
    """The clock has a memory of its own: `clock_memory`."""


def clock_memory(clock: datetime | None) -> bytes:
    """The 128 bytes of the clock chip; None for a clock that has lost its time."""
    memory = bytearray(128)
    if clock is not None:
        registers = (clock.second, 0, clock.minute, 0, clock.hour, 0, clock.isoweekday())
        date = (clock.day, clock.month, clock.year)
        memory[0x10:0x1A] = bytes(map(_bcd, (*registers, *date)))
    return bytes(memory)


def put_moment(memory: bytearray, moment: Moment, options: LegacyOptions) -> None:
    """Both copies of the running integrators."""
    stamp = bytes(8)
    packed = _integrators(stamp, moment, options, [0] * 4)
    memory[0x200:0x300] = memory[0x300:0x400] = packed


def put_pointers(memory: bytearray, addresses: Sequence[int]) -> None:
    """Flash addresses of the next hourly, daily and report-date record, as they stand in memory."""
    struct.pack_into(">3L", memory, 0xF4, *addresses)


def current_values(moment: Moment, options: LegacyOptions, errors: Sequence[int]) -> bytes:
    """RAM from `RAM_BASE` on: a structure for each of four systems, its channels in the system's own order."""
    ram = bytearray(4 * _RAM_STEP)
    for number, system in enumerate(options.system_list):
        place = number * _RAM_STEP
        columns = (
            (0x00, moment.temperatures, system.temperatures),
            (0x10, moment.pressures, system.pressures),
            (0x40, moment.volume_flow, system.flows),
            (0x50, moment.mass_flow, system.flows),
        )
        struct.pack_into(">4f4f", ram, place + 0x20, *[980.0] * 4, *[75.0] * 4)
        for offset, values, mask in columns:
            for slot, channel in enumerate(_channels(mask)):
                struct.pack_into(">f", ram, place + offset + 4 * slot, values[channel])
        struct.pack_into(">BH", ram, place + 0x70, *_errors(errors[number]))
    return bytes(ram)


def record(
    made: datetime, since: datetime, moment: Moment, options: LegacyOptions, errors: Sequence[int]
) -> bytearray:
    """One archive record with its sum, 256 bytes."""
    packed = bytearray(_integrators(stamp_bytes(made) + stamp_bytes(since), moment, options, errors))
    packed[-1] = sum(packed) & 0xFF ^ (0xFF if options.turned_sums else 0)
    return packed


def _integrators(stamps: bytes, moment: Moment, options: LegacyOptions, errors: Sequence[int]) -> bytes:
    temperatures, pressures = [0] * 12, [0] * 12
    for number, system in enumerate(options.system_list):
        for slot, channel in enumerate(_channels(system.temperatures)):
            temperatures[3 * number + slot] = hundredths(moment.temperatures[channel])
        for slot, channel in enumerate(_channels(system.pressures)):
            pressures[3 * number + slot] = hundredths(moment.pressures[channel]) & 0xFF
    told = [_errors(byte) for byte in errors[:4]]
    return _INTEGRATORS.pack(
        *stamps,
        *moment.volume[0][:4], *moment.mass[0][:4], *moment.heat[0][:4],
        *moment.volume[1][:4], *moment.mass[1][:4], *moment.heat[1][:4],
        moment.powered_s,
        *(seconds for row in moment.times_s for seconds in row[:4]),
        *(error for error, _ in told), *(fault for _, fault in told),
        *temperatures, *pressures,
        *(0.0 if math.isnan(flow) else flow for flow in moment.volume_flow[:4]),
        0,
    )  # fmt: skip


def _errors(byte: int) -> tuple[int, int]:
    """Error byte and word of faults: a flow of channel 1, Δt; a temperature sensor, power."""
    errors = byte & 0x01 | (byte & 0x04) << 1 | (byte & 0x10) << 2
    return errors, (byte & 0x20) >> 2 | (byte & 0x80) << 8


def stamp_bytes(moment: datetime) -> bytes:
    return bytes((_bcd(moment.hour), _bcd(moment.day), _bcd(moment.month), _bcd(moment.year)))


def hundredths(value: float) -> int:
    return _NO_NUMBER if math.isnan(value) else round(value * 100)


def _channels(mask: int) -> list[int]:
    return [number for number in range(4) if mask >> number & 1]


def _bcd(number: int) -> int:
    return number // 10 % 10 << 4 | number % 10

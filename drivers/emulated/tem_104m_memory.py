"""Memory of the ТЭМ-104М as bytes: parameters (0F01), clock (0F02), current values (0C01), records and events (0F03).

Places and forms: ТЭМ-104М exchange protocol, 2018-10-09. Numbers are little-endian.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from datetime import datetime

from drivers.emulated.tem_104m_options import ModernOptions
from drivers.emulated.tem_life import Moment

RECORD_SIZE = 0x160
POINTER_BASE = 0
RAM_STEP = 0x73
_MEMORY_SIZE = 0x1000
_AREAS = (0x080, 0x0CD, 0x11A, 0x167)
_INTEGRATORS = struct.Struct("<2L 4L4L4L4L 4f4f4f4f 16x 2L 4L4L4L4L4L 4L4L 4B 4H 12H 12B 4H 23x B")
_NO_NUMBER = 0xFFFF


def settings(options: ModernOptions) -> bytearray:
    """Parameter memory with everything that does not change with time."""
    memory = bytearray(_MEMORY_SIZE)
    struct.pack_into("<LB", memory, 0, options.serial_number, len(options.system_list))
    memory[0x07] = options.address
    memory[0x0A] = 1
    for place, system in zip(_AREAS, options.system_list, strict=False):
        memory[place] = system.kind
        for offset, mask in ((0x05, system.flows), (0x0D, system.temperatures), (0x15, system.pressures)):
            channels = channels_of(mask)
            memory[place + offset : place + offset + len(channels)] = bytes(channels)
        memory[place + 0x27] = 3
        memory[place + 0x2A] = 1
    # Channels 1 and 2 tell the index of their diameter (50 and 80 mm), 3 and 4 millimetres.
    struct.pack_into("<4H4f4B4f", memory, 0x480, 4, 5, 32, 25, 60.0, 160.0, 30.0, 16.0, 100, 100, 80, 50, 1, 2, 0.5, 4)
    return memory


def put_clock(_memory: bytearray, _clock: datetime | None) -> None:
    """The clock has a memory of its own: `clock_memory`."""


def clock_memory(clock: datetime | None) -> bytes:
    """Six bytes of the clock; None for a clock that has lost its time."""
    if clock is None:
        return bytes(6)
    return bytes((clock.second, clock.minute, clock.hour, clock.day, clock.month, clock.year - 2000))


def put_moment(memory: bytearray, moment: Moment, options: ModernOptions) -> None:
    """The running integrators."""
    memory[0x800 : 0x800 + RECORD_SIZE] = _integrators(0, 0, moment, options, [0] * 4)


def put_pointers(_memory: bytearray, _addresses: Sequence[int]) -> None:
    """No pointer to a next record is documented."""


def current_values(moment: Moment, options: ModernOptions, errors: Sequence[int]) -> list[bytes]:
    """The structure of each system in RAM."""
    return [_current(moment, options, number, errors) for number in range(len(options.system_list))]


def _current(moment: Moment, options: ModernOptions, number: int, errors: Sequence[int]) -> bytes:
    system = options.system_list[number]
    columns = (
        (moment.temperatures, system.temperatures),
        (moment.pressures, system.pressures),
        (moment.volume_flow, system.flows),
        (moment.mass_flow, system.flows),
    )
    rows = [[values[channel] for channel in channels_of(mask)] for values, mask in columns]
    temperatures, pressures, volume_flow, mass_flow = (row + [0.0] * (4 - len(row)) for row in rows)
    water = ([980.0] * 4, [75.0] * 4)
    parts = (temperatures, pressures, *water, volume_flow, mass_flow, [0.0] * 4)
    return struct.pack("<28fBH", *(value for part in parts for value in part), *_errors(errors[number]))


def record(
    made: datetime, since: datetime, moment: Moment, options: ModernOptions, errors: Sequence[int]
) -> bytearray:
    """One archive record with its sum, 352 bytes."""
    packed = bytearray(_integrators(seconds_of(made), seconds_of(since), moment, options, errors))
    packed[-1] = ~sum(packed) & 0xFF
    return packed


def event(made: datetime, before: int, after: int) -> bytes:
    """One event with its sum, 16 bytes."""
    packed = struct.pack("<3L3x", seconds_of(made), before, after)
    return packed + bytes((sum(packed) & 0xFF,))


def seconds_of(moment: datetime) -> int:
    """Unix seconds of what the meter's clock shows, as if it were UTC."""
    passed = moment - datetime(1970, 1, 1)
    return passed.days * 86400 + passed.seconds


def channels_of(mask: int) -> list[int]:
    return [number for number in range(8) if mask >> number & 1]


def _integrators(made: int, since: int, moment: Moment, options: ModernOptions, errors: Sequence[int]) -> bytes:
    temperatures, pressures = [0] * 12, [0] * 12
    for number, system in enumerate(options.system_list):
        for slot, channel in enumerate(channels_of(system.temperatures)):
            temperatures[3 * number + slot] = _hundredths(moment.temperatures[channel], _NO_NUMBER)
        for slot, channel in enumerate(channels_of(system.pressures)):
            pressures[3 * number + slot] = _hundredths(moment.pressures[channel], 0xFF)
    told = [_errors(byte) for byte in errors[:4]]
    return _INTEGRATORS.pack(
        made, since,
        *moment.volume[1][:4], *moment.mass[1][:4], *moment.heat[1][:4], *(7,) * 4,
        *moment.volume[0][:4], *moment.mass[0][:4], *moment.heat[0][:4], *(0.5,) * 4,
        moment.powered_s, 3600,
        *(seconds for row in moment.times_s for seconds in row[:4]),
        *(60,) * 4, *(120,) * 4,
        *(error for error, _ in told), *(fault for _, fault in told),
        *temperatures, *pressures, *(250,) * 4,
        0,
    )  # fmt: skip


def _errors(byte: int) -> tuple[int, int]:
    """Error byte and word of faults, out of the bits that `tem_life` knows: G < min, G > max, Δt, fault, power."""
    return byte & 0x01 | (byte & 0x04) << 1 | (byte & 0x10) << 2, (byte & 0x20) >> 2 | (byte & 0x80) << 8


def _hundredths(value: float, unknown: int) -> int:
    return unknown if math.isnan(value) else round(value * 100)

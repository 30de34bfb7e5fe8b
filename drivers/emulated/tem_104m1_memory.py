"""Memory of the ТЭМ-104М-1 as bytes: parameters (0F01) and current values (0C01). Numbers are little-endian.

Places and forms: what public drivers of this meter read.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import datetime

from drivers.emulated.tem_104m_options import SmallOptions
from drivers.emulated.tem_life import Moment

RECORD_SIZE = 0x40
POINTER_BASE = 0


def settings(options: SmallOptions) -> bytearray:
    """Parameter memory with everything that does not change with time."""
    memory = bytearray(0x400)
    struct.pack_into("<L", memory, 0, options.serial_number)
    return memory


def put_clock(_memory: bytearray, _clock: datetime | None) -> None:
    """The clock has a memory of its own."""


def put_moment(memory: bytearray, moment: Moment, _options: SmallOptions) -> None:
    """The running integrators."""
    totals = (moment.volume, moment.mass, moment.heat)
    integers, fractions = ([raw[half][0] for raw in totals] for half in (1, 0))
    good, small, large, narrow, fault = (row[0] for row in moment.times_s)
    struct.pack_into("<3LL3fL", memory, 0x188, *integers, 9, *fractions, 0)
    struct.pack_into("<8L", memory, 0x1A8, moment.powered_s, 3600, good, small, large, narrow, fault, 60)


def put_pointers(_memory: bytearray, _addresses: Sequence[int]) -> None:
    """None is known."""


def record(
    _made: datetime, _since: datetime, _moment: Moment, _options: SmallOptions, _errors: Sequence[int]
) -> bytearray:
    """Nothing is known of its records, and nobody can read them."""
    return bytearray(RECORD_SIZE)


def current_values(moment: Moment) -> bytes:
    """RAM as far as it is described."""
    sensors = (*moment.temperatures[:2], *moment.pressures[:2], 0.98, 0.99, 75.0, 50.0)
    return struct.pack("<11f", *sensors, moment.volume_flow[0], moment.mass_flow[0], 0.25) + bytes(0x20)

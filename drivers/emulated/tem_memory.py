"""Memory of the 384-byte ТЭМ family as bytes: parameter memory (0F01) and archive records (0F03).

Places and forms: ТЭМ-106 exchange protocol, 2012-04-23. The image starts from two captured pieces of
a ТЭСМАРТ: 208 bytes from 0000 and 32 bytes from 0152.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import datetime

from drivers.emulated.tem_life import Moment
from drivers.emulated.tem_options import Options

MEMORY_SIZE = 0x800
RECORD_SIZE = 0x180
POINTER_BASE = 0x200000
_CAPTURED_0000 = bytes.fromhex(
    "01000005 05000001 04080800 00030C10 20000003 0C082000 00010300 FFFF0001"
    "12051401 42B40000 42A00000 428C0000 42700000 42480000 42200000 41F00000"
    "3F666666 00000000 40000000 40400000 40400000 40400000 40400000 46C7BA00"
    "46C7D200 46C7AA00 46C7EA00 46C7B800 46C7B600 3F333333 3ECCCCCD 3F666666"
    "3F666666 3F666666 3F666666 3F666666 3F666666 02020202 02020000 00000000"
    "00000000 00000000 0000FFFF FFFFFFFF FFFF3FCC CCCD3FCC CCCD3FCC CCCD3FCC"
    "CCCD3FCC CCCD3FCC CCCDFFFF FFFFFFFF"
)
_CAPTURED_0152 = bytes.fromhex("00074631" + "FF" * 18 + "1F25" + "FF" * 7 + "5A")
_LITRES_PER_PULSE = 2.5
_RECORD = struct.Struct(">4B 6f6L 6f6L 6f6L fL L 30L 6B 7f 6f 6f 6B 5x 4B 6x B")


def settings(options: Options) -> bytearray:
    """Parameter memory with everything that does not change with time."""
    memory = bytearray(b"\xff" * 0x200 + bytes(MEMORY_SIZE - 0x200))
    memory[: len(_CAPTURED_0000)] = _CAPTURED_0000
    memory[0x152 : 0x152 + len(_CAPTURED_0152)] = _CAPTURED_0152
    _put_systems(memory, options)
    struct.pack_into(">6f", memory, 0xD0, *[_LITRES_PER_PULSE] * 6)
    struct.pack_into(">6f", memory, 0x104, *[1000.0] * 6)
    struct.pack_into(">6f", memory, 0x134, *[30.0] * 6)
    struct.pack_into(">6B", memory, 0x14C, *[100] * 6)
    struct.pack_into(">L", memory, 0x152, options.serial_number)
    # The id of the flash chip: an AT45DB081 holds 1 MB, an AT45DB041 the half.
    memory[0x169] = 0x25 if options.flash_size_kb == 1024 else 0x24
    memory[0x172] = options.address
    struct.pack_into(">6H", memory, 0x2EE, *[50] * 6)
    memory[0x2FA:0x300] = bytes(options.commas)
    struct.pack_into(">6B", memory, 0x4BE, *[20] * 6)
    return memory


def _put_systems(memory: bytearray, options: Options) -> None:
    systems = options.system_list
    memory[0] = len(systems)
    for number, system in enumerate(systems):
        memory[0x01 + number] = system.kind
        memory[0x07 + number] = system.flows
        memory[0x0D + number] = system.temperatures
        memory[0x13 + number] = system.pressures
        for channel in range(6):
            if system.flows >> channel & 1:
                memory[0x488 + channel] = number + 1
    memory[0x19:0x1C] = bytes(options.used)


def put_moment(memory: bytearray, moment: Moment, _options: Options) -> None:
    """Current values, running totals and time counters."""
    struct.pack_into(">7f", memory, 0x200, *moment.temperatures)
    struct.pack_into(">7f", memory, 0x234, *moment.pressures)
    struct.pack_into(">6f", memory, 0x288, *moment.volume_flow)
    struct.pack_into(">6f", memory, 0x2A0, *moment.mass_flow)
    struct.pack_into(">6f", memory, 0x2D0, *(flow / 3.6 / _LITRES_PER_PULSE for flow in moment.volume_flow))
    for address, (fractions, integers) in ((0x300, moment.volume), (0x330, moment.mass), (0x360, moment.heat)):
        struct.pack_into(">6f6L", memory, address, *fractions, *integers)
    struct.pack_into(">fL", memory, 0x390, *moment.heat_total)
    struct.pack_into(">31L", memory, 0x400, moment.powered_s, *(s for row in moment.times_s for s in row))


def put_clock(memory: bytearray, clock: datetime | None) -> None:
    """The clock register; None for a clock that has lost its time."""
    register = bytes(6)
    if clock is not None:
        register = bytes(map(_bcd, (clock.second, clock.minute, clock.hour, clock.day, clock.month, clock.year)))
    memory[0x482:0x488] = register


def put_pointers(memory: bytearray, addresses: Sequence[int]) -> None:
    """Flash addresses of the next hourly, daily and report-date record, as they stand in memory."""
    struct.pack_into(">3L", memory, 0x4F4, *addresses)


def record(made: datetime, since: datetime, moment: Moment, options: Options, errors: Sequence[int]) -> bytearray:
    """One archive record with its sum, 384 bytes."""
    packed = bytearray(
        _RECORD.pack(
            *_stamp(made),
            *moment.volume[0], *moment.volume[1],
            *moment.mass[0], *moment.mass[1],
            *moment.heat[0], *moment.heat[1],
            *moment.heat_total,
            moment.powered_s,
            *(seconds for row in moment.times_s for seconds in row),
            *options.commas,
            *moment.temperatures,
            *moment.pressures[:6],
            *moment.mass_flow,
            *errors,
            *_stamp(since),
            0,
        )
    )  # fmt: skip
    packed[0x17F] = sum(packed) & 0xFF
    return packed


def _stamp(moment: datetime) -> tuple[int, int, int, int]:
    return _bcd(moment.hour), _bcd(moment.day), _bcd(moment.month), _bcd(moment.year)


def _bcd(number: int) -> int:
    return number // 10 % 10 << 4 | number % 10

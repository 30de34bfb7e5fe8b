"""What stands in a ТЭМ-104-К, written by the addresses of its protocol; every number is chosen by hand."""

from __future__ import annotations

import struct
from datetime import datetime

from tests.fake.memory_meter import MemoryMeter
from tests.fake.tem_384_memory import bcd

RECORD = 0x30
HOURS, DAYS, MONTHS, EVENTS = 0x0000, 0x9600, 0xE100, 0xE340
OLD_DAYS, OLD_MONTHS, OLD_EVENTS = 0x0000, 0x6000, 0x8000


class CompactMeter(MemoryMeter):
    """Answers for firmware, clock and RAM too; its archive is asked for with 16 bits of address."""

    def __init__(self, version: bytes = b"v2.09") -> None:
        super().__init__()
        self.version = version.ljust(7, b"\x00")
        self.flash = bytearray(b"\xff" * 0x10000)
        self.ram = bytearray(0x200)
        self.clock = bytes.fromhex("54 13 09 03 26 09 18")

    def _data(self, group: int, command: int, arguments: bytes) -> bytes | None:
        if (group, command) == (0x00, 0x00):
            return bytes.fromhex("D2 C5 CC 2D 31 30 31")
        if (group, command) == (0x00, 0x01):
            return self.version
        if (group, command) == (0x0F, 0x02):
            return self.clock[arguments[0] : arguments[0] + arguments[1]]
        if (group, command) not in ((0x0C, 0x01), (0x0F, 0x03)):
            return super()._data(group, command, arguments)
        start, length = struct.unpack(">HB", arguments)
        memory = self.ram if group == 0x0C else self.flash
        return bytes(memory[start : start + length])


def typical_meter(version: bytes = b"v2.09") -> CompactMeter:
    """A supply system of 20 mm."""
    meter = CompactMeter(version)
    meter.parameters[:7] = b"101777\x00"
    meter.octets(0x08, "01")
    meter.floats(0x09, 2.5)
    meter.octets(0x18, "01 03")
    meter.floats(0x26, 0.5, 0.25)
    meter.floats(0x34, 5)
    meter.longs(0x140, 2500)
    meter.floats(0x144, 0.75)
    meter.longs(0x148, 2400)
    meter.floats(0x14C, 0.25)
    meter.longs(0x150, 831)
    meter.floats(0x154, 0.21875)
    meter.longs(0x168, 27500, 5400)
    struct.pack_into(">f", meter.ram, 0xB4, 1.125)
    struct.pack_into(">2f", meter.ram, 0x108, 72.5, 55.25)
    return meter


def point(meter: CompactMeter, *, day: int, event: int, hour: int = 0) -> None:
    """Set the addresses of the last records."""
    meter.shorts(0x96, day)
    meter.shorts(0x9A, event)
    meter.shorts(0x9F, hour)


def record(stamp: datetime, good: int = 10000, wrong: int = 150, *, hour: int | None = None) -> bytes:
    """48 bytes of a record with a sum that fits; times in 0.01 h."""
    data = bytearray(bcd(stamp.day, stamp.month, stamp.year - 2000, stamp.hour if hour is None else hour))
    data += struct.pack(">LfLf2f3L7x", 831, 0.5, 2400, 0.25, 71.5, 54.25, good, wrong, 77)
    return bytes(data) + bytes([255 - sum(data) % 256])


def event(stamp: datetime, before: int, after: int, form: str = ">HH") -> bytes:
    data = bcd(stamp.minute, stamp.hour, stamp.day, stamp.month, stamp.year - 2000) + struct.pack(form, before, after)
    return data + bytes([255 - sum(data) % 256])


def store(meter: CompactMeter, address: int, number: int, data: bytes, size: int = RECORD) -> None:
    """A record of the archive at `address`; events with `size` 16."""
    place = address + number * size
    meter.flash[place : place + len(data)] = data

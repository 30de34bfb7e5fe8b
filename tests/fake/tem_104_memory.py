"""What stands in a ТЭМ-104 and a ТЭМ-104-1: memories and records, written by the addresses of the protocols."""

from __future__ import annotations

import struct
from datetime import datetime

from tests.fake.memory_meter import MemoryMeter
from tests.fake.tem_384_memory import bcd, summed

RECORD = 0x100
RECORD_1 = 0x40
BEGUN = datetime(2018, 9, 26, 6)


class LegacyMeter(MemoryMeter):
    """A ТЭМ-104: besides parameters and flash there are RAM from 2200 on and 128 bytes of the clock."""

    def __init__(self, id_text: str = "TEM-104", address: int = 1) -> None:
        super().__init__(id_text, address)
        self.flash = bytearray(b"\xff" * 0x80000)
        self.ram = bytearray(4 * 0x92)
        self.ram_base = 0x2200
        self.clock = bytearray(128)

    def _data(self, group: int, command: int, arguments: bytes) -> bytes | None:
        if (group, command) == (0x0C, 0x01):
            start, length = struct.unpack(">HB", arguments)
            return bytes(self.ram[start - self.ram_base : start - self.ram_base + length])
        if (group, command) == (0x0F, 0x02):
            start, length = struct.unpack(">BB", arguments)
            return bytes(self.clock[start : start + length])
        return super()._data(group, command, arguments)

    def ram_floats(self, address: int, *values: float) -> None:
        struct.pack_into(f">{len(values)}f", self.ram, address - self.ram_base, *values)


class SingleMeter(LegacyMeter):
    """A ТЭМ-104-1: RAM begins at 0, and flash is asked for with the length last."""

    def __init__(self, id_text: str = "TEM104-1", address: int = 1) -> None:
        super().__init__(id_text, address)
        self.flash = bytearray(b"\xff" * 0x20000)
        self.ram, self.ram_base = bytearray(0x100), 0

    def _data(self, group: int, command: int, arguments: bytes) -> bytes | None:
        if (group, command) == (0x0F, 0x03):
            reserved, high, low, length = struct.unpack(">BBHB", arguments)
            assert reserved == 0
            start = high << 16 | low
            return bytes(self.flash[start : start + length])
        return super()._data(group, command, arguments)


def legacy_meter(id_text: str = "TEM-104", stride: int = 0x19) -> LegacyMeter:
    """Two systems: `Открытая` on G1 G2, and `Расходомер M` on G3."""
    meter = LegacyMeter(id_text)
    meter.octets(0x0000, "02 00")
    meter.longs(0x0078, 1, 104123)
    meter.shorts(0x00C4, 4, 5, 32, 25)
    meter.floats(0x00CC, 60, 160, 30, 16)
    meter.octets(0x00DC, "64 50 64 64  0A 14 28 0A")
    set_up(meter, 0, stride, "0A  00 00 00 00  00 01 FF FF  00 00 00 00  00 01 02 FF  00 00 00 00  00 01 02 FF")
    set_up(meter, 1, stride, "01  00 00 00 00  02 FF FF FF  00 00 00 00  03 FF FF FF  00 00 00 00  03 FF FF FF")
    meter.parameters[0x0200:0x0300] = record(datetime(2018, 9, 26, 9))
    meter.ram_floats(0x2200, 72.5, 55.25, 10.125, 0, 0.75, 0.5, 0.25, 0)
    meter.ram_floats(0x2240, 10.75, 9.5, 0, 0, 10.5, 9.25, 0, 0)
    meter.ram_floats(0x2292, 41.5, 0, 0, 0, 0.625, 0, 0, 0)
    meter.ram_floats(0x22D2, 3.25, 0, 0, 0, 3.125, 0, 0, 0)
    meter.ram[0x70:0x73] = bytes.fromhex("49 00 00")
    meter.ram[0x92 + 0x70 : 0x92 + 0x73] = bytes.fromhex("00 80 08")
    meter.clock[0x10:0x1A] = bytes.fromhex("54 FF 13 FF 09 FF 03 26 09 18")
    point(meter, 3, 1538, 1905)
    return meter


def set_up(meter: LegacyMeter, index: int, stride: int, octets: str) -> None:
    meter.octets(0x0600 + index * stride, octets)


def point(meter: LegacyMeter, hour: int, day: int, month: int) -> None:
    """Set the pointers to the records that will be written next."""
    meter.longs(0x00F4, *(0x200000 + place * RECORD for place in (hour, day, month)))


def record(stamp: datetime, powered_s: int = 3600, before: datetime = BEGUN) -> bytes:
    """256 bytes of a record with a plain sum."""
    data = bytearray(RECORD)
    data[0:4] = bcd(stamp.hour, stamp.day, stamp.month, stamp.year - 2000)
    data[4:8] = bcd(before.hour, before.day, before.month, before.year - 2000)
    struct.pack_into(">4f", data, 0x08, 0.5, 0.25, 0.75, 0)
    struct.pack_into(">4f", data, 0x18, 0.125, 0.375, 0.625, 0)
    struct.pack_into(">4f", data, 0x28, 0.5, 0.25, 0, 0)
    struct.pack_into(">4I", data, 0x38, 48147, 7711, 2500, 0)
    struct.pack_into(">4I", data, 0x48, 46932, 7454, 2400, 0)
    struct.pack_into(">4I", data, 0x58, 1163, 17, 0, 0)
    struct.pack_into(">I", data, 0x68, powered_s)
    struct.pack_into(">4I", data, 0x6C, 27000, 30600, 0, 0)
    struct.pack_into(">4I", data, 0x7C, 3600, 7200, 0, 0)
    struct.pack_into(">4I", data, 0x8C, 10800, 14400, 0, 0)
    struct.pack_into(">4I", data, 0x9C, 18000, 21600, 0, 0)
    struct.pack_into(">4I", data, 0xAC, 25200, 28800, 0, 0)
    data[0xBC:0xC0] = bytes.fromhex("41 20 00 00")
    struct.pack_into(">4H", data, 0xC0, 0x0000, 0x8000, 0, 0)
    struct.pack_into(">12H", data, 0xC8, 5750, 5513, 1000, 4150, 0, 0, 0, 0, 0, 0, 0, 0)
    data[0xE0:0xEC] = bytes((75, 50, 25, 62, 0, 0, 0, 0, 0, 0, 0, 0))
    struct.pack_into(">4f", data, 0xEC, 10.75, 9.5, 3.25, 0)
    return summed(data)


def single_meter() -> SingleMeter:
    """`Подача`: one flow, two temperatures, two pressures."""
    meter = SingleMeter()
    meter.octets(0x0000, "31 30 34 33 32 31 00 FF FF FF 04")
    meter.octets(0x0022, "01 00 0A 64")
    meter.octets(0x003D, "03")
    meter.octets(0x0041, "03")
    meter.parameters[0x0144:0x017C] = record_1(datetime(2018, 9, 26, 9))[0x04:0x3C]
    meter.octets(0x0174, "05 00")
    meter.ram_floats(0xB8, 10.75, 10.5, 72.5, 55.25, 0.75, 0.5)
    meter.clock[0x00:0x07] = bytes.fromhex("54 13 09 03 26 09 18")
    point_1(meter, 3, 1538, 1905)
    return meter


def point_1(meter: SingleMeter, hour: int, day: int, month: int) -> None:
    """Set the pointers to the records that will be written next."""
    meter.longs(0x01B8, *(place * RECORD_1 for place in (hour, day, month)))


def record_1(stamp: datetime, powered_s: int = 3600) -> bytes:
    """64 bytes of a record of the ТЭМ-104-1."""
    data = bytearray(RECORD_1)
    data[0:4] = bcd(stamp.hour, stamp.day, stamp.month, stamp.year - 2000)
    struct.pack_into(">IfIfIf", data, 0x04, 48147, 0.5, 46932, 0.125, 1163, 0.25)
    struct.pack_into(">6I", data, 0x1C, powered_s, 27000, 25200, 18000, 10800, 7200)
    data[0x34:0x36] = bytes.fromhex("03 80")
    struct.pack_into(">2H2B", data, 0x36, 5750, 5513, 75, 50)
    return summed(data)


def store(meter: LegacyMeter, place: int, data: bytes) -> None:
    """Put a record, of either size, at its place."""
    size = RECORD_1 if isinstance(meter, SingleMeter) else RECORD
    meter.flash[place * size : place * size + len(data)] = data

"""What stands in a ТЭСМАРТ: parameter memory and records, written by the addresses of the protocol."""

from __future__ import annotations

import struct
from datetime import datetime

from tests.fake.memory_meter import MemoryMeter

RECORD = 0x180


def bcd(*numbers: int) -> bytes:
    return bytes(int(str(number), 16) for number in numbers)


def typical_meter(id_text: str = "TSM-104") -> MemoryMeter:
    """Two systems: hot water with circulation on G1 G2 T1-T3 P1 P2, and supply on G3 T4 T5 P3 P4 (programmed)."""
    meter = MemoryMeter(id_text)
    meter.octets(0x0000, "02  07 00 05 05 00 00  03 04 08 08 00 00  07 18 10 20 00 00  03 0C 08 20 00 00  07 1F 03")
    meter.floats(0x0024, 90, 80, 70, 60, 50, 40, 30, 20)
    meter.floats(0x0044, 5, 2, 3, 3, 3, 3)
    meter.floats(0x0074, 0.5, 0.25, 0.75, 1.5, 0.5, 0.5, 0.5, 0.5)
    meter.floats(0x00D0, 10, 20, 30, 40, 50, 60)
    meter.floats(0x0104, 1000, 2000, 3000, 4000, 5000, 6000)
    meter.floats(0x0134, 300, 160, 60, 30, 16, 6)
    meter.octets(0x014C, "64 64 32 64 64 64")
    meter.longs(0x0152, 476721)
    meter.octets(0x0168, "1F 25")
    meter.floats(0x0200, 72.5, 55.25, 51.125, 90.5, 40.25, 0, 0)
    meter.floats(0x0234, 0.75, 0.5, 0.625, float("nan"), 0, 0, 0)
    meter.floats(0x0288, -0.0625, 0.125, 10.75, 0, 0, 0)
    meter.floats(0x02A0, -0.125, 0.25, 10.5, 0, 0, 0)
    meter.shorts(0x02EE, 100, 80, 32, 25, 20, 15)
    meter.octets(0x02FA, "05 03 02 02 02 02")
    meter.floats(0x0300, 0.5, 0.25, 0.75, 0, 0, 0)
    meter.longs(0x0318, 48147250, 77118, 2500, 0, 0, 0)
    meter.floats(0x0330, 0.5, 0.75, 0.25, 0, 0, 0)
    meter.longs(0x0348, 46932050, 74547, 2400, 0, 0, 0)
    meter.floats(0x0360, 0.0, 0.5, 0, 0, 0, 0)
    meter.longs(0x0378, 11630000, 116299, 0, 0, 0, 0)
    meter.longs(0x0400, 791255, 27500, 27500, 0, 0, 0, 0)
    meter.longs(0x041C, 765616, 3600, 0, 0, 0, 0)
    meter.longs(0x0434, 7200, 10800, 0, 0, 0, 0)
    meter.longs(0x044C, 14400, 18000, 0, 0, 0, 0)
    meter.longs(0x0464, 21600, 25200, 0, 0, 0, 0)
    meter.octets(0x0482, "54 13 09 26 09 18")
    meter.octets(0x04BE, "05 05 0A 05 05 05")
    point(meter, 3, 1730, 2465)
    return meter


def point(meter: MemoryMeter, hour: int, day: int, month: int) -> None:
    """Set the pointers to the records that will be written next."""
    meter.longs(0x04F4, *(0x200000 + place * RECORD for place in (hour, day, month)))


def record(
    stamp: datetime, powered_s: int = 3600, errors: str = "13 00 00 00 00 00", begun: datetime | None = None
) -> bytes:
    """384 bytes of a record with a sum that fits."""
    data = bytearray(RECORD)
    begun = begun or stamp
    data[0:4] = bcd(stamp.hour, stamp.day, stamp.month, stamp.year - 2000)
    struct.pack_into(">6f", data, 0x004, 0.5, 0.25, 0.75, 0, 0, 0)
    struct.pack_into(">6I", data, 0x01C, 48147250, 77118, 2500, 0, 0, 0)
    struct.pack_into(">6f", data, 0x034, 0.5, 0.75, 0.25, 0, 0, 0)
    struct.pack_into(">6I", data, 0x04C, 46932050, 74547, 2400, 0, 0, 0)
    struct.pack_into(">6f", data, 0x064, 0.0, 0.5, 0, 0, 0, 0)
    struct.pack_into(">6I", data, 0x07C, 11630000, 116299, 0, 0, 0, 0)
    struct.pack_into(">I", data, 0x09C, powered_s)
    struct.pack_into(">6I", data, 0x0A0, 27500, 27500, 0, 0, 0, 0)
    struct.pack_into(">6I", data, 0x0B8, 765616, 3600, 0, 0, 0, 0)
    struct.pack_into(">6I", data, 0x0D0, 7200, 10800, 0, 0, 0, 0)
    struct.pack_into(">6I", data, 0x0E8, 14400, 18000, 0, 0, 0, 0)
    struct.pack_into(">6I", data, 0x100, 21600, 25200, 0, 0, 0, 0)
    data[0x118:0x11E] = bytes.fromhex("05 03 02 02 02 02")
    struct.pack_into(">7f", data, 0x11E, 57.5, 55.125, 51.25, 90.5, 40.25, 0, 0)
    struct.pack_into(">6f", data, 0x13A, 0.75, 0.25, 0.625, 1.5, 0, 0)
    data[0x16A:0x170] = bytes.fromhex(errors)
    data[0x175:0x179] = bcd(begun.hour, begun.day, begun.month, begun.year - 2000)
    return summed(data)


def summed(data: bytes | bytearray) -> bytes:
    return bytes(data[:-1]) + bytes([sum(data[:-1]) % 256])


def store(meter: MemoryMeter, place: int, data: bytes) -> None:
    meter.flash[place * RECORD : place * RECORD + len(data)] = data

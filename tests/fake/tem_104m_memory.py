"""What stands in a ТЭМ-104М, written by the addresses of its protocol; every number is chosen by hand."""

from __future__ import annotations

import struct
from datetime import UTC, datetime

from tests.fake.memory_meter import MemoryMeter

RECORD = 0x160
EVENT_FIRST = (0xFA780, 0xD3680, 0xDD2C0, 0xE6F00, 0xF0B40)
"""Addresses of the events of the device and of systems 1 to 4."""


class ModernMeter(MemoryMeter):
    """Answers for clock and RAM too. `ram` holds pieces by their address; between them it is silent."""

    def __init__(self, id_text: str = "TEM-104M") -> None:
        super().__init__(id_text)
        self.parameters = bytearray(0x1000)
        self.clock = bytes((54, 13, 9, 26, 9, 18, 3))
        self.ram: dict[int, bytearray] = {}

    def _data(self, group: int, command: int, arguments: bytes) -> bytes | None:
        if (group, command) == (0x0F, 0x02):
            return self.clock[arguments[0] : arguments[0] + arguments[1]]
        if (group, command) != (0x0C, 0x01):
            return super()._data(group, command, arguments)
        start, length = struct.unpack(">HB", arguments)
        for address, piece in self.ram.items():
            if address <= start and start + length <= address + len(piece):
                return bytes(piece[start - address : start - address + length])
        return None

    def put(self, address: int, form: str, *values: float) -> None:
        """Little-endian numbers into parameter memory."""
        struct.pack_into(f"<{form}", self.parameters, address, *values)


def current(*, t: str, p: str, gv: str, gm: str, tekerr: int = 0, teherr: int = 0) -> bytearray:
    """One structure of current values; rows of at most four numbers as text."""
    rows = [[float(number) for number in row.split()] for row in (t, p, "0.98 0.99 1", "72 55", gv, gm, "0.25")]
    numbers = [number for row in rows for number in row + [0.0] * (4 - len(row))]
    return bytearray(struct.pack("<28fBH", *numbers, tekerr, teherr))


def typical_meter(id_text: str = "TEM-104M") -> ModernMeter:
    """Two systems: open on channels 1, 2 with T1-T3, P1-P3, and supply on channel 3 with T1 T2, P1 P2."""
    meter = ModernMeter(id_text)
    meter.put(0x0000, "LB", 5150042, 2)
    meter.octets(0x000A, "01 01")
    meter.octets(0x0080, "0B 00000000 0001FFFF 00000000 000102FF 00000000 000102FF")
    meter.octets(0x00A7, "03 00 00 01")
    meter.octets(0x00CD, "03 00000000 02FFFFFF 00000000 0304FFFF 00000000 0304FFFF")
    meter.octets(0x00F4, "02 00 00 01")
    meter.put(0x0480, "4H4f4B4f", 6, 5, 32, 25, 300, 160, 30, 16, 100, 50, 80, 100, 0.25, 1, 2, 4)
    meter.parameters[0x800:0x960] = record(datetime(2018, 9, 26, 9), powered_s=791255)
    meter.ram[0x4000] = current(t="72.5 55.25 5", p="0.75 0.5 0.25", gv="10.5 9.25", gm="10.25 9", tekerr=0x41)
    meter.ram[0x4000] += current(t="90.5 40.25", p="0.625 1.5", gv="2.5", gm="2.25")
    return meter


def unix(stamp: datetime) -> int:
    """Seconds of what the meter's clock shows, counted as UTC."""
    return int(stamp.replace(tzinfo=UTC).timestamp())


def record(stamp: datetime, powered_s: int = 3600, before: datetime | None = None) -> bytes:
    """352 bytes of a record with a sum that fits; open system: G1 < min and Δt, supply: fault of T1."""
    data = bytearray(RECORD)
    struct.pack_into("<2L", data, 0x000, unix(stamp), unix(before or stamp))
    struct.pack_into("<4L4L4L4L", data, 0x008, 48147, 7711, 2500, 0, 46932, 7454, 2400, 0, 831, 12, 0, 0, 3, 4, 0, 0)
    struct.pack_into("<4f4f", data, 0x048, 0.5, 0.25, 0.75, 0, 0.125, 0.75, 0.25, 0)
    struct.pack_into("<4f4f", data, 0x068, 0.21875, 0.5, 0, 0, 0.75, 0.25, 0, 0)
    struct.pack_into("<2L", data, 0x098, powered_s, 1800)
    for place, first, second in ((0xA0, 27500, 36000), (0xB0, 7200, 3600), (0xC0, 10800, 900)):
        struct.pack_into("<4L", data, place, first, second, 0, 0)
    for place, first, second in ((0xD0, 14400, 1800), (0xE0, 18000, 2700), (0xF0, 60, 0), (0x100, 120, 0)):
        struct.pack_into("<4L", data, place, first, second, 0, 0)
    data[0x110:0x114] = bytes((0x41, 0, 0, 0))
    struct.pack_into("<4H", data, 0x114, 0, 0x0008, 0, 0)
    struct.pack_into("<12H", data, 0x11C, 5756, 5513, 5107, 9050, 4025, 0, 0, 0, 0, 0, 0, 0)
    data[0x134:0x140] = bytes((70, 30, 25, 62, 150, 0, 0, 0, 0, 0, 0, 0))
    return summed(data)


def summed(data: bytes | bytearray) -> bytes:
    return bytes(data[:-1]) + bytes([255 - sum(data[:-1]) % 256])


def event(stamp: datetime, before: int, after: int) -> bytes:
    data = struct.pack("<3L3x", unix(stamp), before, after)
    return data + bytes([sum(data) % 256])


def store(meter: MemoryMeter, place: int, data: bytes) -> None:
    """A record at its number from the start of the flash."""
    meter.flash[place * RECORD : place * RECORD + len(data)] = data


def store_event(meter: MemoryMeter, ring: int, number: int, data: bytes) -> None:
    """An event in the ring of the device (0) or of a system."""
    address = EVENT_FIRST[ring] + 16 * number
    meter.flash[address : address + len(data)] = data

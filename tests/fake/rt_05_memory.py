"""A regulator РТ-05 that is nothing but its memory: the captured RAM, and flash written by the maker's description."""

from __future__ import annotations

import struct
from datetime import datetime

from tests.fake.captured import answers

RAM = answers("rt_05", "ram")[0][7:-1]
ABSENT = -0x8000


def bcd(*numbers: int) -> bytes:
    return bytes(int(str(number), 16) for number in numbers)


class Regulator:
    """Answers under address 1. `short` and `long` tell which forms of the read of RAM it knows."""

    def __init__(self, short: bool = True, long: bool = True) -> None:
        self.ram = bytearray(RAM)
        self.flash = bytearray(b"\xff" * 0x20000)
        self.short = short
        self.long = long

    def put(self, address: int, form: str, *numbers: float) -> None:
        struct.pack_into(f"<{form}", self.ram, address, *numbers)

    def answer(self, request: bytes) -> bytes:
        start, address, turned, group, command, length = request[:6]
        assert (start, address + turned, len(request)) == (0x55, 0xFF, 7 + length)
        assert sum(request) % 256 == 0xFF
        data = self._data((group, command, length), request[6:-1])
        if address not in (0, 1) or data is None:
            return b""
        size = 2 if (group, command, length) == (0x0F, 1, 6) else 1
        body = bytes((0xAA, 1, 0xFE, group, command)) + len(data).to_bytes(size, "big") + data
        return body + bytes((255 - sum(body) % 256,))

    def _data(self, command: tuple[int, int, int], data: bytes) -> bytes | None:
        if command == (0, 0, 0):
            return b"ART-05\x00"
        if command == (0x0F, 1, 3) and self.short:
            place, count = struct.unpack(">HB", data)
            return bytes(self.ram[place : place + count]) if count <= 64 else None
        if command == (0x0F, 1, 6) and self.long:
            place, count = struct.unpack(">IH", data)
            return bytes(self.ram[place : place + count])
        if command == (0x0F, 3, 5):
            count, place = struct.unpack(">BI", data)
            return bytes(self.flash[place : place + count]) if count <= 64 else None
        return None

    def store(self, place: int, data: bytes) -> None:
        """A record of 32 bytes or an event of 16 at its place, counted from the begin of the flash."""
        self.flash[place * len(data) : (place + 1) * len(data)] = data


def twelve_bits(*numbers: int) -> bytes:
    bits = "".join(f"{number & 0xFFF:012b}" for number in reversed(numbers))
    return int(bits, 2).to_bytes(len(numbers) * 12 // 8, "little")


def record(stamp: datetime, first: bytes = b"", second: bytes = b"") -> bytes:
    """A temperature record; a circuit is 12 bytes."""
    date = f"{stamp.year - 2000:07b}{stamp.month:04b}{stamp.day:05b}"
    time = f"{stamp.hour:05b}{stamp.minute:06b}{stamp.second // 2:05b}"
    circuits = first.ljust(12, b"\x00") + second.ljust(12, b"\x00")
    return struct.pack("<HH", int(time, 2), int(date, 2)) + circuits + bytes(4)


def circuit(*tenths: int, opening: int = 0, faults: int = 0) -> bytes:
    """T11, T2, Tн, Tк, controlled value and setpoint in tenths of a degree."""
    return twelve_bits(*tenths) + struct.pack("<BH", opening, faults)


def event(stamp: datetime, parameter: int, rest: str = "FF 18 00 00 00 00 00 00 00") -> bytes:
    moment = (stamp.second, stamp.minute, stamp.hour, stamp.day, stamp.month, stamp.year - 2000)
    return bcd(*moment) + bytes((parameter,)) + bytes.fromhex(rest)

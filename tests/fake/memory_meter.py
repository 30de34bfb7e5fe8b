"""A meter that is nothing but its memory: it answers the frames of the ТЭМ family out of byte arrays.

It knows neither the drivers' encode nor their decode nor their map: what a frame looks like is written
here a second time, by the protocol's table, so that a wrong offset cannot pass twice.
"""

from __future__ import annotations

import struct


class MemoryMeter:
    """Answers `identify`, reads of parameter memory and of flash; silent to everything else."""

    def __init__(self, id_text: str = "TSM-104", address: int = 1) -> None:
        self.id_text = id_text
        self.address = address
        self.parameters = bytearray(0x800)
        self.flash = bytearray(b"\xff" * 0x100000)
        self.requests: list[bytes] = []

    def answer(self, request: bytes) -> bytes:
        self.requests.append(request)
        start, address, turned, group, command, length = request[:6]
        assert (start, address + turned, len(request)) == (0x55, 0xFF, 7 + length)
        assert sum(request) % 256 == 0xFF
        if address not in (0, self.address):
            return b""
        data = self._data(group, command, request[6:-1])
        return b"" if data is None else self.frame(group, command, data)

    def frame(self, group: int, command: int, data: bytes) -> bytes:
        body = struct.pack("6B", 0xAA, self.address, 255 - self.address, group, command, len(data)) + data
        return body + struct.pack("B", 255 - sum(body) % 256)

    def _data(self, group: int, command: int, arguments: bytes) -> bytes | None:
        if (group, command) == (0x00, 0x00):
            return self.id_text.encode()
        if (group, command) == (0x0F, 0x01):
            start, length = struct.unpack(">HB", arguments)
            return bytes(self.parameters[start : start + length])
        if (group, command) == (0x0F, 0x03):
            length, start = struct.unpack(">BI", arguments)
            return bytes(self.flash[start : start + length])
        return None

    def floats(self, address: int, *values: float) -> None:
        struct.pack_into(f">{len(values)}f", self.parameters, address, *values)

    def longs(self, address: int, *values: int) -> None:
        struct.pack_into(f">{len(values)}I", self.parameters, address, *values)

    def shorts(self, address: int, *values: int) -> None:
        struct.pack_into(f">{len(values)}H", self.parameters, address, *values)

    def octets(self, address: int, text: str) -> None:
        data = bytes.fromhex(text)
        self.parameters[address : address + len(data)] = data

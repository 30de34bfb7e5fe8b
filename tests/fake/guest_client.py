"""A client of a transparent port: sends requests that it knows, and compares every answer to the byte."""

from __future__ import annotations

import itertools
import socket
import struct
import time
from collections.abc import Iterator

from drivers.emulated import Speaker
from tests.fake.tem_request import IDENTIFY, flash_request, memory_request

PATIENCE_S = 15.0
REQUESTS = (
    IDENTIFY,
    *(memory_request(place, 64) for place in range(0, 0x400, 64)),
    *(flash_request(place, 255) for place in range(0, 0x4000, 1024)),
)


class GuestClient:
    """`twin` is a meter like the one behind the port; its answers are what must come. `first` of them all."""

    def __init__(self, port: int, twin: Speaker, host: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection((host, port), PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._wanted = [(each, b"".join(part for _, part in twin.pieces(each))) for each in REQUESTS]
        self.first = self._wanted[0]
        self._turn: Iterator[tuple[bytes, bytes]] = itertools.cycle(self._wanted)

    def exchange(self) -> float:
        """One request and its whole answer; the seconds that it took. AssertionError when a byte differs."""
        request, wanted = next(self._turn)
        begun_s = time.perf_counter()
        self.socket.sendall(request)
        answer = self.hear(len(wanted))
        took_s = time.perf_counter() - begun_s
        assert answer == wanted, f"asked {request.hex(' ')}, got {answer.hex(' ')}, wanted {wanted.hex(' ')}"
        return took_s

    def hear(self, size: int) -> bytes:
        """So many bytes; less when the port closes first."""
        heard = bytearray()
        while len(heard) < size:
            part = self.socket.recv(size - len(heard))
            if not part:
                break
            heard += part
        return bytes(heard)

    def is_refused(self) -> bool:
        """Whether the port hangs up without a word."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def reset(self) -> None:
        """Vanish with RST, as a program that crashes with unread bytes does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def __enter__(self) -> GuestClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

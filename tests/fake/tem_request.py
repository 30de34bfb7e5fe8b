"""Requests and answers of the ТЭМ frame, made by the rule of the documents for tests of emulated meters."""

from __future__ import annotations

from typing import Protocol

IDENTIFY = bytes.fromhex("55 01 FE 00 00 00 AB")


class Hearing(Protocol):
    def hear(self, data: bytes) -> bytes: ...


def request(group: int, command: int, data: bytes = b"", address: int = 1) -> bytes:
    frame = bytes((0x55, address, 0xFF - address, group, command, len(data))) + data
    return frame + bytes((0xFF - sum(frame) % 256,))


def memory_request(place: int, count: int, address: int = 1) -> bytes:
    return request(0x0F, 1, place.to_bytes(2, "big") + bytes((count,)), address)


def flash_request(place: int, count: int, address: int = 1) -> bytes:
    return request(0x0F, 3, bytes((count,)) + place.to_bytes(4, "big"), address)


def payload(answer: bytes) -> bytes:
    """The data of one whole answer; anything else is an AssertionError."""
    assert answer[0] == 0xAA and answer[1] ^ answer[2] == 0xFF, answer.hex(" ")
    assert len(answer) == 7 + answer[5] and sum(answer) % 256 == 0xFF, answer.hex(" ")
    return answer[6:-1]


def memory(meter: Hearing, place: int, count: int) -> bytes:
    return payload(meter.hear(memory_request(place, count)))


def flash(meter: Hearing, place: int, count: int) -> bytes:
    return b"".join(payload(meter.hear(flash_request(at, 64))) for at in range(place, place + count, 64))

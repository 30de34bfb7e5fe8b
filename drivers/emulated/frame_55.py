"""Requests of the 55/AA frame with any command, cut out of what is on a line, and the answers to them.

    55 AA NN GG CC LL dd.. SS    request: address, inverted address, group, command, length, data, sum
    AA AA NN GG CC LL dd.. SS    answer; the sum of a whole frame is FF in the low byte
"""

from __future__ import annotations


def next_request(heard: bytearray) -> bytes | None:
    """Cuts off the next valid request, for whatever address; drops what cannot begin one."""
    while heard:
        size = 7 + heard[5] if len(heard) > 5 else 7
        if heard[0] != 0x55 or (len(heard) > 2 and heard[1] ^ heard[2] != 0xFF):
            del heard[0]
        elif len(heard) < size:
            return None
        elif sum(heard[:size]) & 0xFF == 0xFF:
            request = bytes(heard[:size])
            del heard[:size]
            return request
        else:
            del heard[0]
    return None


def answer(address: int, command: bytes, data: bytes, length_size: int = 1) -> bytes:
    """The answer with `data`, whose length stands in so many bytes; `command` is group and command."""
    frame = bytes((0xAA, address, address ^ 0xFF)) + command + len(data).to_bytes(length_size, "big") + data
    return frame + bytes((~sum(frame) & 0xFF,))

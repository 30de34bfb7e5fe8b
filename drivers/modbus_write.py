"""Modbus frames that write one holding register: functions 6 and 16, over RTU and TCP. Used by `modbus`.

Source: Modbus application protocol 1.1b3, 6.6 and 6.12. One letter a byte, framed as in `modbus_frame`:

    function 6    request  06 aa vv           answer  06 aa vv      a  place, v  value
    function 16   request  10 aa nn 2 vv      answer  10 aa nn      n  number of registers, here 1
    exception     86 e, 90 e

The right answer is known to the last byte, so nothing else is taken for it.

Quirks
- Over RTU the answer to function 6 is the request once more, so on a line that echoes the echo looks like it. What
  was written is therefore read back, and only what is read counts as written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from drivers.modbus_frame import CHECKSUM, EXCEPTION, NOISE, PASSING, RTU, TORN, Framing
from engine.codec import crc16_modbus
from engine.dialogue import Ask, Look, Write
from engine.errors import Refused

SEVERAL = 16
WRITE_ONLY = (1, 2)
"""Exceptions to reading back that mean: this register can only be written."""


@dataclass(frozen=True, slots=True)
class _Wire:
    """Both sides of one write on the wire. `exception` begins every refusal, `size` is how long one is."""

    request: bytes
    answer: bytes
    exception: bytes
    size: int
    rtu: bool


def ask_to_write(framing: Framing, unit: int, write: Write, transaction: int) -> Ask:
    """The request; the payload is the answer's PDU, of an exception too."""
    wire = _wire(framing, unit, write, transaction)
    return Ask(wire.request, _taking(wire), len(wire.answer))


def check_held(write: Write, data: bytes) -> None:
    """Raises Refused when the register holds another number than was written."""
    held = int.from_bytes(data, "big")
    if held != write.raw:
        raise Refused(f"записано {write.raw}, а в регистре {held}")


def _wire(framing: Framing, unit: int, write: Write, transaction: int) -> _Wire:
    place, value = write.register.to_bytes(2, "big"), write.raw.to_bytes(2, "big")
    several = write.function == SEVERAL
    pdu = bytes((write.function,)) + place + (b"\x00\x01\x02" + value if several else value)
    answer = pdu[:5]
    refusal = bytes((write.function | EXCEPTION,))
    if framing is RTU:
        head = bytes((unit,))
        return _Wire(_summed(head + pdu), _summed(head + answer), head + refusal, 5, rtu=True)
    number = (transaction & 0xFFFF).to_bytes(2, "big") + bytes(2)
    exception = number + b"\x00\x03" + bytes((unit,)) + refusal
    return _Wire(_mbap(number, unit, pdu), _mbap(number, unit, answer), exception, 9, rtu=False)


def _mbap(number: bytes, unit: int, pdu: bytes) -> bytes:
    return number + (1 + len(pdu)).to_bytes(2, "big") + bytes((unit,)) + pdu


def _summed(body: bytes) -> bytes:
    return body + crc16_modbus(body).to_bytes(2, "little")


def _taking(wire: _Wire) -> Callable[[bytes], Look]:
    """The `take` of this write: the answer's PDU, or that of an exception."""

    def take(received: bytes) -> Look:
        if wire.answer in received:
            return Look(wire.answer[1:-2] if wire.rtu else wire.answer[7:])
        return next(_refusals(received, wire), None) or Look(None, _why_not(received, wire))

    return take


def _refusals(received: bytes, wire: _Wire) -> Iterator[Look]:
    place = received.find(wire.exception)
    while place >= 0:
        frame = received[place : place + wire.size]
        if len(frame) == wire.size:
            pdu = frame[1:-2] if wire.rtu else frame[7:]
            if wire.rtu and crc16_modbus(frame):
                yield Look(None, CHECKSUM)
            else:
                yield Look(None, PASSING[pdu[1]]) if pdu[1] in PASSING else Look(pdu)
        place = received.find(wire.exception, place + 1)


def _why_not(received: bytes, wire: _Wire) -> str:
    if not received:
        return ""
    begun = any(wire.answer.startswith(received[-length:]) for length in range(1, len(wire.answer)))
    return TORN if begun else NOISE

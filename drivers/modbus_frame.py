"""Modbus frames that read: RTU on a serial line, MBAP over TCP; functions 1 to 4.

Source: Modbus application protocol 1.1b3, Modbus over serial line 1.02, Modbus messaging on TCP/IP 1.0b.
One letter a byte, `d` repeated as often as was asked for:

    RTU request     u f aa nn cc          u  unit (slave address), f  function 01 to 04
    RTU answer      u f l d … cc          a  first place, n  number of places, both big-endian
    RTU exception   u F e cc              l  number of data bytes, F  function + 80, e  exception code
    MBAP            tt 00 00 ss u …       c  CRC-16 with its low byte first; t  transaction, s  bytes from u on
                                             instead of the CRC

What `take` hands on is the protocol's PDU, the bytes from f to the end of d or e; `data_of` opens it.

Quirks
- An RTU answer does not repeat the places that were asked for: a late answer to the previous request looks
  like the answer to this one when both asked for equally many. Over TCP the transaction tells them apart.
- An answer of 8 bytes may look like its own request; it is then taken for an echo.
- More than 125 registers break the protocol, and their length does not fit into l, which then is not
  looked at: the length is known from the request (РСМ-05.05 answers 317 registers at once).
- Unit 0 is a broadcast on a serial line and never answered.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import TypeVar

from engine.codec import crc16_modbus
from engine.dialogue import Ask, Look
from engine.errors import Refused

COILS, DISCRETE_INPUTS, HOLDING_REGISTERS, INPUT_REGISTERS = 1, 2, 3, 4
EXCEPTION = 0x80
LONGEST_REGISTERS = 125
LONGEST_BITS = 2000

NOISE = "шум"
ECHO = "эхо"
TORN = "неполный кадр"
CHECKSUM = "контрольная сумма"
OTHER_ADDRESS = "чужой адрес"
OTHER_COMMAND = "чужая команда"
OTHER_LENGTH = "другая длина"
_TELLING = (NOISE, TORN, CHECKSUM, OTHER_LENGTH, OTHER_COMMAND, OTHER_ADDRESS)
"""Of several reasons the later in this row tells more; one of `PASSING` tells most."""

PASSING = {
    5: "Modbus, код 5: запрос принят, ответ ещё не готов",
    6: "Modbus, код 6: прибор занят",
    10: "Modbus, код 10: шлюз не нашёл пути к прибору",
    11: "Modbus, код 11: прибор за шлюзом не ответил",
}
"""Exceptions that say "ask again": they are no answer."""

REFUSALS = {
    1: "функция не поддерживается",
    2: "нет такого адреса",
    3: "недопустимое число",
    4: "неисправность прибора",
    8: "ошибка памяти прибора",
}

Result = TypeVar("Result")
Dialogue = Generator[Ask, bytes, Result]


class ModbusRefused(Refused):
    """The device answered with an exception; `code` is its number, as the protocol counts them."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Modbus, код {code}: {REFUSALS.get(code, 'отказ')}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Request:
    """What is read: `count` registers or bits of `unit` from `first` on.

    `transaction` is of TCP only; two requests that follow one another need different ones.
    """

    unit: int
    function: int
    first: int
    count: int
    transaction: int = 0

    @property
    def pdu(self) -> bytes:
        return bytes((self.function, *self.first.to_bytes(2, "big"), *self.count.to_bytes(2, "big")))

    @property
    def data_length(self) -> int:
        """How many bytes of data the answer holds."""
        return 2 * self.count if self.function in (HOLDING_REGISTERS, INPUT_REGISTERS) else (self.count + 7) // 8

    @property
    def answer_length(self) -> int:
        """How many bytes the answer's PDU has."""
        return 2 + self.data_length


@dataclass(frozen=True, slots=True)
class Framing:
    """How a PDU stands on the wire: `encode` a request, `judge` what may be an answer, its `overhead` in bytes.

    `judge` is given the bytes from a place where an answer may begin.
    """

    encode: Callable[[Request], bytes]
    judge: Callable[[bytes, Request], Look]
    starts: Callable[[bytes, Request], Iterator[int]]
    overhead: int


def ask(request: Request, framing: Framing) -> Ask:
    """One request and how to know its answer; the payload is the answer's PDU."""
    frame = framing.encode(request)
    return Ask(frame, answer_to(frame, request, framing), framing.overhead + request.answer_length)


def answer_to(frame: bytes, request: Request, framing: Framing) -> Callable[[bytes], Look]:
    """The `take` of one request.

    Every place where an answer can begin is tried anew: neither noise nor a false start can stall it.
    An echo of the request is passed over.
    """

    def take(received: bytes) -> Look:
        echo = received.find(frame)
        beside = range(echo, echo + len(frame)) if echo >= 0 else range(0)
        refused = []
        for place in framing.starts(received, request):
            if place in beside:
                continue
            look = framing.judge(received[place:], request)
            if look.payload is not None:
                return look
            refused.append(look)
        if not refused or frame.startswith(received):
            return Look(None, _without_a_start(received, frame))
        return max(refused, key=lambda look: _weight(look.reason))

    return take


def read(request: Request, framing: Framing) -> Dialogue[bytes]:
    """The data of what `request` reads. Raises ModbusRefused, a Refused that knows the exception's code."""
    return data_of((yield ask(request, framing)))


def data_of(pdu: bytes) -> bytes:
    """The data of an answer's PDU: registers big-endian, bits from the lowest on. Raises ModbusRefused."""
    if pdu[0] & EXCEPTION:
        raise ModbusRefused(pdu[1])
    return pdu[2:]


def _weight(reason: str) -> int:
    return _TELLING.index(reason) if reason in _TELLING else len(_TELLING)


def _without_a_start(received: bytes, frame: bytes) -> str:
    if not received:
        return ""
    return ECHO if frame.startswith(received) else NOISE


def _judge_pdu(pdu: bytes, request: Request) -> Look:
    """A whole and undamaged PDU."""
    if pdu[0] == request.function | EXCEPTION:
        return Look(None, PASSING[pdu[1]]) if pdu[1] in PASSING else Look(pdu)
    if pdu[0] != request.function:
        return Look(None, OTHER_COMMAND)
    if len(pdu) != request.answer_length or not _count_fits(pdu[1], request):
        return Look(None, OTHER_LENGTH)
    return Look(pdu)


def _count_fits(count: int, request: Request) -> bool:
    return request.data_length > 0xFF or count == request.data_length


# --- RTU


def _encode_rtu(request: Request) -> bytes:
    body = bytes((request.unit,)) + request.pdu
    return body + crc16_modbus(body).to_bytes(2, "little")


def _starts_rtu(received: bytes, request: Request) -> Iterator[int]:
    """Places of the unit's number that are followed by the function, as far as they have come."""
    functions = (request.function, request.function | EXCEPTION)
    place = received.find(request.unit)
    while place >= 0:
        if len(received) == place + 1 or received[place + 1] in functions:
            yield place
        place = received.find(request.unit, place + 1)


def _judge_rtu(candidate: bytes, request: Request) -> Look:
    if len(candidate) < 5:
        return Look(None, TORN)
    exception = bool(candidate[1] & EXCEPTION)
    if not exception and not _count_fits(candidate[2], request):
        return Look(None, OTHER_LENGTH if _is_whole_rtu(candidate) else NOISE)
    size = 5 if exception else 3 + request.answer_length
    if len(candidate) < size:
        return Look(None, TORN)
    frame = candidate[:size]
    if crc16_modbus(frame):
        return Look(None, CHECKSUM)
    return _judge_pdu(frame[1:-2], request)


def _is_whole_rtu(candidate: bytes) -> bool:
    """Whether this is a sound answer, of the length that it tells itself."""
    size = 5 + candidate[2]
    return len(candidate) >= size and not crc16_modbus(candidate[:size])


RTU = Framing(_encode_rtu, _judge_rtu, _starts_rtu, overhead=3)


# --- TCP

_MBAP_SIZE = 7


def _encode_tcp(request: Request) -> bytes:
    pdu = request.pdu
    header = (request.transaction & 0xFFFF).to_bytes(2, "big") + bytes(2) + (1 + len(pdu)).to_bytes(2, "big")
    return header + bytes((request.unit,)) + pdu


def _starts_tcp(received: bytes, request: Request) -> Iterator[int]:
    """Places of the transaction that are followed by protocol 0 and a length, as far as they have come."""
    begin = (request.transaction & 0xFFFF).to_bytes(2, "big") + bytes(2)
    for place in range(len(received)):
        head = received[place : place + 4]
        if begin.startswith(head):
            yield place


def _judge_tcp(candidate: bytes, request: Request) -> Look:
    size = 6 + int.from_bytes(candidate[4:6], "big") if len(candidate) >= 6 else _MBAP_SIZE
    if size not in (_MBAP_SIZE, _MBAP_SIZE + 2, _MBAP_SIZE + request.answer_length):
        return Look(None, OTHER_LENGTH if len(candidate) >= size else NOISE)
    if len(candidate) < max(size, _MBAP_SIZE + 2):
        return Look(None, TORN)
    frame = candidate[:size]
    if frame[6] != request.unit:
        return Look(None, OTHER_ADDRESS)
    return _judge_pdu(frame[_MBAP_SIZE:], request)


TCP = Framing(_encode_tcp, _judge_tcp, _starts_tcp, overhead=_MBAP_SIZE)

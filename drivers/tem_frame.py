"""The frame that every meter of the ТЭМ family talks: ТЭМ-104, ТЭМ-106, ТЭСМАРТ, ТЭСМА and their sisters.

Source: exchange protocols of ТЭМ-104 (2007), ТЭМ-106 (2012), ТЭМ-104-1 (2013), ТЭМ-104М and ТЭМ-104-К
(2018) by the maker; the identify reply of a ТЭСМАРТ is a real capture (tests/captures/tem_384/id).
Line: 8 data bits, no parity, 1 stop bit, 9600 unless set otherwise. Pauses inside a frame are under 0.5 s.

One letter a byte, `d` repeated `l` times; request and answer differ in the first byte only:

    s a i g c l d … k      s  55 request, AA answer          a  network address, i = FF - a
                           g  group, c command in the group  l  number of data bytes
                           d  data                           k  checksum: the sum of all bytes ends in FF

Quirks
- An answer does not repeat the memory address that was asked for, so a late answer to the previous
  request looks like the answer to this one. Lines and modems keep the order of answers; therefore two
  requests that follow one another never ask for equally many bytes (`split`), and a late one is
  recognised by its length.
- Address 0 is answered by any meter, under its own address. No meter tells an error: it stays silent.
- The documents print the place of the checksum as 5+l. It is 6+l.
- A length of 0 means 256 on some meters only, and long answers are lost by some modems: at most 255 are
  asked for, and 64 unless the user sets otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import TypeVar

from engine.codec import complement_sum, plain_sum
from engine.dialogue import Ask, Look, Setup

REQUEST_START = 0x55
ANSWER_START = 0xAA
HEADER_SIZE = 6
FRAME_SIZE = HEADER_SIZE + 1
ID_LENGTHS = range(1, 33)
"""Id strings of 7, 8 and 10 bytes are known; what is longer is none."""

NOISE = "шум"
ECHO = "эхо"
TORN = "неполный кадр"
CHECKSUM = "контрольная сумма"
OTHER_ADDRESS = "чужой адрес"
OTHER_COMMAND = "чужая команда"
OTHER_LENGTH = "другая длина"
_TELLING = (NOISE, TORN, CHECKSUM, OTHER_LENGTH, OTHER_COMMAND, OTHER_ADDRESS)
"""Of several reasons the later in this row tells more."""

Result = TypeVar("Result")
Dialogue = Generator[Ask, bytes, Result]


@dataclass(frozen=True, slots=True)
class Memory:
    """A kind of memory: the command that reads it, and how its request names address and length."""

    group: int
    command: int
    request: Callable[[int, int], bytes]


def _address_16(address: int, length: int) -> bytes:
    return bytes((*address.to_bytes(2, "big"), length))


PARAMETERS = Memory(0x0F, 0x01, _address_16)
CLOCK = Memory(0x0F, 0x02, lambda address, length: bytes((address, length)))
FLASH = Memory(0x0F, 0x03, lambda address, length: bytes((length, *address.to_bytes(4, "big"))))
FLASH_LENGTH_LAST = Memory(0x0F, 0x03, lambda address, length: bytes((0, *address.to_bytes(3, "big"), length)))
"""ТЭМ-104-1."""
FLASH_16 = Memory(0x0F, 0x03, _address_16)
"""ТЭМ-104-К."""
RAM = Memory(0x0C, 0x01, _address_16)


def encode(address: int, group: int, command: int, data: bytes = b"") -> bytes:
    """A request. The address is 0 (any) to 255; at most 255 bytes of data."""
    body = bytes((REQUEST_START, address, 0xFF - address, group, command, len(data))) + data
    return body + bytes((complement_sum(body),))


def answer_to(request: bytes, lengths: range, length_size: int = 1) -> Callable[[bytes], Look]:
    """The `take` of one request: finds the answer whose number of data bytes is one of `lengths`.

    Every start byte that has come is tried anew, so neither noise nor a false start can stall it,
    and it keeps nothing between two calls. An echo of the request is passed over. `length_size` is the
    number of bytes, big-endian, in which the answer tells its length: one but for some of the RT-05.
    """

    def take(received: bytes) -> Look:
        places = _starts(received, request)
        found = [_judge(received[place:], request, lengths, HEADER_SIZE - 1 + length_size) for place in places]
        whole = next((look for look in found if look.payload is not None), None)
        if whole is not None:
            return whole
        if found:
            return max(found, key=lambda look: _TELLING.index(look.reason))
        return Look(None, _without_a_start(received, request))

    return take


def _starts(received: bytes, request: bytes) -> Iterator[int]:
    """Places of start bytes that are followed by an address and its complement, as far as they have come."""
    echo = received.find(request)
    place = received.find(ANSWER_START)
    while place >= 0:
        if echo <= place < echo + len(request) and echo >= 0:
            place = echo + len(request) - 1
        elif len(received) < place + 3 or received[place + 1] ^ received[place + 2] == 0xFF:
            yield place
        place = received.find(ANSWER_START, place + 1)


def _judge(candidate: bytes, request: bytes, lengths: range, header: int) -> Look:
    length = int.from_bytes(candidate[5:header], "big")
    if len(candidate) < header + length + 1:
        return Look(None, TORN)
    frame = candidate[: header + length + 1]
    if plain_sum(frame) != 0xFF:
        return Look(None, CHECKSUM)
    if request[1] not in (0, frame[1]):
        return Look(None, OTHER_ADDRESS)
    if frame[3:5] != request[3:5]:
        return Look(None, OTHER_COMMAND)
    if length not in lengths:
        return Look(None, OTHER_LENGTH)
    return Look(frame[header:-1], sender=frame[1])


def _without_a_start(received: bytes, request: bytes) -> str:
    if not received:
        return ""
    return ECHO if request.startswith(received) else NOISE


def ask(setup: Setup, group: int, command: int, data: bytes, lengths: range) -> Ask:
    """One request to the meter of `setup`, and how to know its answer."""
    request = encode(setup.address, group, command, data)
    return Ask(request, answer_to(request, lengths), FRAME_SIZE + lengths[-1])


def ask_id(setup: Setup) -> Dialogue[bytes]:
    """The bytes by which a meter names its model: `TSM-104`."""
    return (yield ask(setup, 0x00, 0x00, b"", ID_LENGTHS))


def split(length: int, size: int, step: int = 1, previous: int = 0) -> tuple[int, ...]:
    """Lengths of the blocks, at most `size` each, in which `length` bytes are read.

    No block is as long as the one before it, `previous` being the one before the first. All but the
    last are multiples of `step`, the size of the numbers that are read, so that no number is torn
    between two answers. A `size` under two steps has no room for different lengths, one under a step
    none for whole numbers.
    """
    step = step if size >= step else 1
    blocks: list[int] = []
    while length:
        block = length if length <= size else size - size % step
        if block == previous and block > step:
            block -= (block % step) or step
        blocks.append(block)
        length, previous = length - block, block
    return tuple(blocks)


def read_memory(
    setup: Setup, memory: Memory, address: int, length: int, step: int = 1, previous: int = 0
) -> Dialogue[bytes]:
    """`length` bytes from `address`, in blocks of at most `setup.block_size`; see `split`."""
    data = bytearray()
    for block in split(length, _block_limit(setup), step, previous):
        request = memory.request(address + len(data), block)
        data += yield ask(setup, memory.group, memory.command, request, range(block, block + 1))
    return bytes(data)


def read_pieces(
    setup: Setup, memory: Memory, spans: tuple[tuple[int, int], ...], step: int = 4
) -> Dialogue[tuple[bytes, ...]]:
    """Several pieces of one memory, each (address, length); they may overlap.

    A span that `setup.block_size` allows comes in one answer, so its numbers belong together.
    """
    pieces = []
    previous = 0
    for address, length in spans:
        pieces.append((yield from read_memory(setup, memory, address, length, step, previous)))
        previous = split(length, _block_limit(setup), step, previous)[-1]
    return tuple(pieces)


def read_spans(
    setup: Setup, memory: Memory, spans: tuple[tuple[int, int], ...], step: int = 4
) -> Dialogue[bytes]:
    """The pieces of `read_pieces` laid out at their own addresses.

    What was not read is FF, which is no float: it cannot pass as a value of 0.
    """
    image = bytearray(b"\xff" * max(address + length for address, length in spans))
    for (address, length), data in zip(spans, (yield from read_pieces(setup, memory, spans, step)), strict=True):
        image[address : address + length] = data
    return bytes(image)


def _block_limit(setup: Setup) -> int:
    return min(max(setup.block_size, 1), 0xFF)

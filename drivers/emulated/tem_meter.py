"""What every emulated meter of the ТЭМ family has: the frame, a clock that can be set, a history.

    55 AA NN GG CC LL dd.. SS    request: address, inverted address, group, command, length, data, sum
    AA AA NN GG CC LL dd.. SS    answer; the sum of a whole frame is FF in the low byte

A meter answers its own address and 0, always with its own, and is silent on anything wrong: the family has
no error replies. A family names its commands and gives their data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar, Protocol, TypeVar

from drivers.emulated import Piece, Speaker
from drivers.emulated.tem_body import Body, BodyOptions, Written
from drivers.emulated.tem_life import Moment
from drivers.emulated.tem_options import Options

Own = TypeVar("Own", bound=Options)
Command = tuple[int, int]
"""Group and command."""


class MeterOptions(BodyOptions, Protocol):
    """What a meter must know of itself; `tem_options.Options` says what each means."""

    @property
    def address(self) -> int: ...
    @property
    def reply_address(self) -> int | None: ...
    @property
    def longest(self) -> int: ...


class TemMeter:
    """One meter at the end of a line. `commands` tells the number of data bytes of each request it knows."""

    commands: ClassVar[Mapping[Command, int]]

    def __init__(self, options: MeterOptions, body: Body) -> None:
        self._address = options.address if options.reply_address is None else options.reply_address
        self._own_address = options.address
        self._longest = options.longest
        self._body = body
        self._heard = bytearray()

    def data(self, command: Command, data: bytes) -> bytes | None:
        """The data of an answer to a request whose data are `data`; None for silence."""
        raise NotImplementedError

    @property
    def clock(self) -> datetime:
        return self._body.clock

    def set_clock(self, clock: datetime) -> None:
        """The clock is set, forward or back; nothing else happens."""
        self._body.set_clock(clock)

    def live(self, now: datetime) -> None:
        """Lives until its clock shows `now`; ValueError when that is before `clock`."""
        self._body.live(now)

    def elapse(self, seconds: float) -> None:
        """Lives for so many seconds."""
        self._body.live(self.clock + timedelta(seconds=seconds))

    def power_off(self, until: datetime) -> None:
        """No power until its clock shows `until`: nothing is counted or written meanwhile."""
        self._body.power_off(until)

    def records(self, rec_type: str) -> list[Written]:
        """What the flash holds of the archive "H", "D" or "M", oldest first."""
        return self._body.records(rec_type)

    def next_place(self, rec_type: str) -> int:
        """The record number that is written next, counted from the start of the flash."""
        return self._body.next_place(rec_type)

    def moment(self) -> Moment:
        """The current values, as they stand in memory."""
        return self._body.moment()

    def hear(self, data: bytes) -> bytes:
        """Takes what is on the line, in any portions; returns the answers to whole requests, b"" for none."""
        self._heard += data
        answers = bytearray()
        while (request := self._next_request()) is not None:
            answers += self._answer(request)
        return bytes(answers)

    def pieces(self, data: bytes) -> list[Piece]:
        answer = self.hear(data)
        return [(0.0, answer)] if answer else []

    def pause(self) -> None:
        self._heard.clear()

    def _next_request(self) -> bytes | None:
        """Cuts off the next valid frame, for whatever address; drops what cannot begin one."""
        heard = self._heard
        while heard:
            if not self._may_begin_request(heard):
                del heard[0]
                continue
            size = 7 + self.commands[heard[3], heard[4]] if len(heard) > 4 else 0
            if not size or len(heard) < size:
                return None
            if sum(heard[:size]) & 0xFF == 0xFF:
                request = bytes(heard[:size])
                del heard[:size]
                return request
            del heard[0]
        return None

    def _answer(self, request: bytes) -> bytes:
        if request[1] not in (self._own_address, 0):
            return b""
        data = self.data((request[3], request[4]), request[6:-1])
        if data is None:
            return b""
        frame = bytes((0xAA, self._address, self._address ^ 0xFF, request[3], request[4], len(data))) + data
        return frame + bytes((~sum(frame) & 0xFF,))

    def _may_begin_request(self, heard: bytearray) -> bool:
        """Whether the bytes so far can be the begin of a request; looks at each as soon as it is there."""
        if heard[0] != 0x55 or (len(heard) > 2 and heard[1] ^ heard[2] != 0xFF):
            return False
        if len(heard) > 3 and all(group != heard[3] for group, _ in self.commands):
            return False
        length = self.commands.get((heard[3], heard[4])) if len(heard) > 4 else None
        return len(heard) <= 4 or (length is not None and (len(heard) == 5 or heard[5] == length))

    def part(self, memory: bytes | bytearray, address: int, count: int, overlay: Mapping[int, int]) -> bytes | None:
        """`count` bytes of a memory, `overlay` on top; None for what the meter does not give."""
        if not 1 <= count <= self._longest or address + count > len(memory):
            return None
        part = bytearray(memory[address : address + count])
        for place, byte in overlay.items():
            if address <= place < address + count:
                part[place - address] = byte
        return bytes(part)


def disguised(options: Own, twin: Callable[[Own], Speaker], other_id: bytes) -> dict[str, Speaker]:
    """A meter with a wrong address, another id, another serial number: for the faults of these names.

    `twin` makes another talker over the same memory.
    """
    return {
        "wrong-address": twin(replace(options, reply_address=options.address % 240 + 1)),
        "other-id": twin(replace(options, identity=other_id)),
        "other-serial": twin(replace(options, serial=(options.serial_number + 1) & 0xFFFFFFFF)),
    }

"""Emulated flow meters РСМ-05: memory by the 55/AA frame (`frame_55`), or 634 bytes of registers by Modbus RTU.

    AD 03 aa aa nn nn cc cc      request: address, function 3, first register, count, CRC with its low byte first
    AD 03 LL dd.. cc cc          answer; LL is the low byte of the number of data bytes
    AD 83 ee cc cc               exception: 1 other function, 2 no such register, 3 too many

Both are known in part only: what readers of other people ask for is there, all other bytes are 0.
"""

from __future__ import annotations

import argparse
import math
import struct
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from drivers.emulated import Family, Piece, Speaker
from drivers.emulated.frame_55 import answer, next_request
from drivers.emulated.plain_options import add_plain
from drivers.emulated.tem_command_line import line_of

NATIVE, MODBUS = "native", "modbus"
MODELS = {"rsm0503": NATIVE, "rsm0505": MODBUS, "rsm0505p": MODBUS, "rsm0507": NATIVE}
_DEFAULT_NOW = datetime(2026, 9, 25, 14, 30)
_PUT_TO_WORK = datetime(2020, 9, 1)
_REGISTERS = 317
_READ_RAM = b"\x0c\x01"


@dataclass(frozen=True, slots=True)
class Options:
    """`most` is how many registers are told at once; `bcd` how the clock counts; `errors` the error register."""

    protocol: str = MODBUS
    serial: int = 123456
    address: int = 1
    most: int = _REGISTERS
    bcd: bool = False
    errors: int = 0
    clock_valid: bool = True
    reply_address: int | None = None

    def __post_init__(self) -> None:
        for wrong, text in (
            (self.protocol not in (NATIVE, MODBUS), f"протокол: {NATIVE} или {MODBUS}"),
            (not 0 <= self.serial < 1 << 31, "заводской номер: от 0 до 2147483647"),
            (not 1 <= self.address <= 240, "сетевой адрес: от 1 до 240"),
            (not 1 <= self.most <= _REGISTERS, "регистров за раз: от 1 до 317"),
        ):
            if wrong:
                raise ValueError(text)


class Moment(NamedTuple):
    """What the meter knows: m³/h, t/h, °C, t/m³, m³ whole and fraction, working time in s."""

    volume_flow: float
    mass_flow: float
    temperature: float
    density: float
    volume: tuple[int, float]
    dose: float
    working_s: int


class Meter:
    """One flow meter at the end of a line. `now` is what its clock shows at first."""

    def __init__(self, options: Options | None = None, now: datetime = _DEFAULT_NOW) -> None:
        self.options = options or Options()
        self.clock = now
        self._heard = bytearray()

    def moment(self) -> Moment:
        """The current values; each is a multiple of a power of two, so a float of 4 bytes holds it."""
        working_s = int((self.clock - _PUT_TO_WORK).total_seconds())
        wave = math.floor(256 * math.sin(math.tau * working_s / 86_400)) / 256
        quarters = working_s // 900
        return Moment(
            12 + 4 * wave, 11.75 + 4 * wave, 65 + 8 * wave, 0.98046875, (quarters * 3, quarters % 8 / 8), 0.5, working_s
        )

    def elapse(self, seconds: float) -> None:
        self.clock += timedelta(seconds=seconds)

    def pieces(self, data: bytes) -> list[Piece]:
        told = self.hear(data)
        return [(0.0, told)] if told else []

    def hear(self, data: bytes) -> bytes:
        """Takes what is on the line, in any portions; returns the answers to whole requests, b"" for none."""
        self._heard += data
        return self._hear_native() if self.options.protocol == NATIVE else self._hear_modbus()

    def pause(self) -> None:
        self._heard.clear()

    @property
    def _reply_address(self) -> int:
        return self.options.reply_address or self.options.address

    def _hear_native(self) -> bytes:
        answers = bytearray()
        while (request := next_request(self._heard)) is not None:
            if request[1] in (0, self.options.address) and request[3:5] == _READ_RAM and request[5] == 3:
                place, count = int.from_bytes(request[6:8], "big"), request[8]
                answers += answer(self._reply_address, _READ_RAM, self._memory()[place : place + count])
        return bytes(answers)

    def _memory(self) -> bytes:
        memory, now = bytearray(0x200), self.moment()
        struct.pack_into(">f", memory, 0x0081, now.dose)
        struct.pack_into(">f", memory, 0x00B4, now.volume_flow)
        struct.pack_into(">3f", memory, 0x0108, now.temperature, now.mass_flow, now.density)
        return bytes(memory)

    def _hear_modbus(self) -> bytes:
        answers = bytearray()
        while len(self._heard) >= 8:
            request = bytes(self._heard[:8])
            if _crc(request[:6]) != request[6:]:
                del self._heard[0]
                continue
            del self._heard[:8]
            if request[0] == self.options.address:
                body = bytes((self._reply_address,)) + self._pdu(request[1], *struct.unpack(">HH", request[2:6]))
                answers += body + _crc(body)
        return bytes(answers)

    def _pdu(self, function: int, first: int, count: int) -> bytes:
        if function != 3:
            return bytes((function | 0x80, 1))
        if not 1 <= count <= self.options.most:
            return b"\x83\x03"
        if first + count > _REGISTERS:
            return b"\x83\x02"
        return bytes((3, 2 * count & 0xFF)) + self.registers()[2 * first : 2 * (first + count)]

    def registers(self) -> bytes:
        """All registers as they are now."""
        data, now = bytearray(2 * _REGISTERS), self.moment()
        hours = now.working_s // 3600
        struct.pack_into(">f", data, 0, now.volume_flow)
        struct.pack_into(">L", data, 298, self.options.errors)
        struct.pack_into(">lf", data, 362, *now.volume)
        struct.pack_into(">4l", data, 458, 17, hours // 720, hours // 24, hours)
        struct.pack_into(">5l", data, 474, now.working_s - 900, now.working_s, 200, 300, 400)
        struct.pack_into(">3H", data, 552, 32, 0, 1)
        data[567:574] = self._clock()
        struct.pack_into(">l", data, 630, self.options.serial)
        return bytes(data)

    def _clock(self) -> bytes:
        if not self.options.clock_valid:
            return bytes(7)
        now = self.clock
        numbers = (now.year - 2000, now.month, now.day, now.isoweekday(), now.hour, now.minute, now.second)
        return bytes(number // 10 << 4 | number % 10 if self.options.bcd else number for number in numbers)


def _crc(data: bytes) -> bytes:
    register = 0xFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ 0xA001 if register & 1 else register >> 1
    return register.to_bytes(2, "little")


def disguises(meter: Meter) -> dict[str, Speaker]:
    """The same meter with a wrong address, by another protocol, with another serial number."""
    own = meter.options
    other = NATIVE if own.protocol == MODBUS else MODBUS
    return {
        "wrong-address": Meter(replace(own, reply_address=own.address % 240 + 1), meter.clock),
        "other-id": Meter(replace(own, protocol=other), meter.clock),
        "other-serial": Meter(replace(own, serial=own.serial + 1), meter.clock),
    }


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_plain(parser)
    parser.add_argument("--protocol", choices=(NATIVE, MODBUS), help="протокол; обычно — по модели")
    parser.add_argument("--most", type=int, default=_REGISTERS, metavar="N", help="регистров за один запрос")
    parser.add_argument("--bcd-clock", action="store_true", help="часы в двоично-десятичном коде")
    parser.add_argument("--errors", type=int, default=0, metavar="N", help="регистр ошибок")
    parser.add_argument("--zero-clock", action="store_true", help="часы прибора стоят на нулях")


def _build(model: str, arguments: argparse.Namespace, now: datetime) -> Speaker:
    serial = Options().serial if arguments.serial is None else arguments.serial
    own = Options(
        arguments.protocol or MODELS[model],
        most=arguments.most,
        bcd=arguments.bcd_clock,
        errors=arguments.errors,
        clock_valid=not arguments.zero_clock,
    )
    meters = [
        Meter(replace(own, serial=serial + index, address=address), now)
        for index, address in enumerate(arguments.address)
    ]
    return line_of(meters, disguises, arguments)


FAMILY = Family(name="РСМ-05", models=tuple(MODELS), add_options=_add_options, build=_build)

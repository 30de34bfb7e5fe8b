"""Emulated ТЭМ-05М: a block of 344 bytes, by itself every few seconds or when it is woken by 33 81 7E 32.

The image is a captured block (2016-12-08) whose clock, serial number and totals go on.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from drivers.emulated import Family, Piece, Speaker
from drivers.emulated.plain_options import add_plain
from drivers.emulated.tem_command_line import line_of

WAKE_UP = bytes.fromhex("33817E32")
_DEFAULT_NOW = datetime(2026, 9, 25, 14, 30)
_PUT_TO_WORK = datetime(2025, 9, 1)
_MOST_WAITING = 3
_CAPTURED = bytes.fromhex(
    "270048002200070812162A0A508066954A2107021164813A283E250048220812000000000000C0CE00248703ED770300"
    "00000000000000000000000000003004101773EC00010000000000000000000000000000000000000000000000000000"
    "0004D7022DAC014F07018AE70000000000000000000020AA3300584D1300405500052028240C00230000000000000000"
    "000000000000000000000000000000000000000000000000000030382F31322F31369C2500006B220000401B00002FAA"
    "029F0400FDDA00000000000000008010CC08E803FE06B903A8016666000001006666666666666666666666663E25CA43"
    "26654868666666666666666666666666666666666666666666666666666666666666666666666666666666661E059919"
    "3333CC4C66661E05D901D106ED362A581E0599193333CC4C66661E0599193333CC4C66661E0599193333CC4C66661E05"
    "99193333CC4C6666"
)


@dataclass(frozen=True, slots=True)
class Options:
    """`period_s` is the pause from block to block, 0 for a meter that waits to be woken. `sealed`: its sum fits."""

    serial: int = 38246
    period_s: float = 2.0
    channels: int = 1
    sealed: bool = True
    clock_valid: bool = True

    def __post_init__(self) -> None:
        for wrong, text in (
            (not 0 < self.serial <= 0xFFFF, "заводской номер: от 1 до 65535"),
            (self.channels not in (1, 2), "каналов один или два"),
            (not (self.period_s == 0 or 1 <= self.period_s <= 60), "период: 0 или от 1 до 60 с"),
        ):
            if wrong:
                raise ValueError(text)


class Moment(NamedTuple):
    """Raw numbers as they stand in the block; channel 2 has the same. Working time in minutes."""

    flow: int
    heat: int
    volume: int
    mass: int
    supply: int
    back: int
    working_min: int


class Meter:
    """One meter at the end of a line. `now` is what its clock shows at first."""

    def __init__(self, options: Options | None = None, now: datetime = _DEFAULT_NOW) -> None:
        self.options = options or Options()
        self.clock = now
        self._heard = b""
        self._phase_s = 0.0
        self._waiting: list[bytes] = []

    def moment(self) -> Moment:
        """The current values."""
        passed_s = (self.clock - _PUT_TO_WORK).total_seconds()
        hours, wave = passed_s / 3600, math.sin(math.tau * passed_s / 86_400)
        flow, drop = 20_000 + int(6000 * wave), 1972
        volume = int(hours * 200) & 0xFFFFFF
        return Moment(
            flow, int(volume * 0.0229) & 0xFFFFFF, volume, int(volume * 0.983), 6500, 6500 - drop, int(passed_s // 60)
        )

    def block(self) -> bytes:
        """What it sends now."""
        block, now = bytearray(_CAPTURED), self.moment()
        for place, number in zip((0, 2, 4, 7, 8, 9), _clock(self.clock), strict=True):
            block[place] = _bcd(number) if self.options.clock_valid else 0
        block[0x0E:0x10] = self.options.serial.to_bytes(2, "little")
        block[0x11] = 0x41 if self.options.channels == 2 else 0x21
        block[0x18:0x1C] = bytes((now.working_min % 60,)) + (now.working_min // 60).to_bytes(3, "little")
        for start in (0x20, 0x2F)[: self.options.channels]:
            for offset, number in ((0, now.flow), (6, now.heat), (9, now.volume), (12, now.mass)):
                block[start + offset : start + offset + 3] = number.to_bytes(3, "little")
        block[0x3E] = 0
        block[0x7E] = (sum(block[0x0E:0x7E]) + (not self.options.sealed)) & 0xFF
        block[0xAA:0xB2] = self.clock.strftime("%d/%m/%y").encode("ascii")
        for place, number in ((0xCE, now.supply), (0xD0, now.back), (0xEC, now.working_min // 60 & 0xFFFF)):
            block[place : place + 2] = number.to_bytes(2, "little")
        return bytes(block)

    def elapse(self, seconds: float) -> None:
        """Lives for so many seconds; blocks that nobody heard meanwhile are gone but for the last ones."""
        self.clock += timedelta(seconds=seconds)
        self._phase_s += seconds
        if self.options.period_s and self._phase_s >= self.options.period_s:
            due, self._phase_s = divmod(self._phase_s, self.options.period_s)
            self._waiting += [self.block()] * min(int(due), _MOST_WAITING)
            self._waiting = self._waiting[-_MOST_WAITING:]

    def pieces(self, data: bytes) -> list[Piece]:
        """What it says now: blocks that are due, and one more when it was woken. `data` may be empty."""
        told, self._waiting = self._waiting, []
        self._heard = (self._heard + data)[-len(WAKE_UP) :]
        if self._heard == WAKE_UP:
            self._heard = b""
            told.append(self.block())
        return [(0.0, block) for block in told]

    def pause(self) -> None:
        self._heard = b""


def _clock(clock: datetime) -> tuple[int, ...]:
    return clock.second, clock.minute, clock.hour, clock.day, clock.month, clock.year


def _bcd(number: int) -> int:
    return number // 10 % 10 << 4 | number % 10


def disguises(meter: Meter) -> dict[str, Speaker]:
    """Another meter instead: this family has neither address nor id."""
    own = meter.options
    other = Options(own.serial % 0xFFFF + 1, own.period_s, own.channels, own.sealed, own.clock_valid)
    return {name: Meter(other, meter.clock) for name in ("wrong-address", "other-id", "other-serial")}


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_plain(parser)
    parser.add_argument("--period", type=float, default=2.0, metavar="С", help="пауза между посылками; 0 — по запросу")
    parser.add_argument("--channels", type=int, default=1, metavar="N", help="каналов расхода, 1 или 2")
    parser.add_argument("--no-sums", action="store_true", help="контрольная сумма блока не верна")
    parser.add_argument("--zero-clock", action="store_true", help="часы прибора стоят на нулях")


def _build(_model: str, arguments: argparse.Namespace, now: datetime) -> Speaker:
    if len(arguments.address) > 1:
        raise ValueError("у ТЭМ-05М нет адреса: на линии один прибор")
    serial = Options().serial if arguments.serial is None else arguments.serial
    options = Options(serial, arguments.period, arguments.channels, not arguments.no_sums, not arguments.zero_clock)
    return line_of([Meter(options, now)], disguises, arguments)


FAMILY = Family(name="ТЭМ-05М", models=("tem05m",), add_options=_add_options, build=_build)

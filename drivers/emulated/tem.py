"""Emulated meters with the ТЭМ frame and 384-byte records: ТЭСМАРТ (`TSM-104`) and ТЭМ-106 (`TEM-106`).

Commands: 00 00 identify, 0F 01 parameter memory, 0F 03 archive flash. Frame: `tem_meter`.
"""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import ClassVar

from drivers.emulated import Family, Speaker, tem_memory
from drivers.emulated.tem_body import Body, Written
from drivers.emulated.tem_command_line import add_common, common, line_of
from drivers.emulated.tem_life import Moment
from drivers.emulated.tem_meter import Command, TemMeter, disguised
from drivers.emulated.tem_options import MODELS, Options, System

__all__ = ["FAMILY", "Meter", "Moment", "Options", "System", "Written", "disguises"]

_IDENTIFY, _MEMORY, _FLASH = (0x00, 0x00), (0x0F, 0x01), (0x0F, 0x03)
_SERIAL_ADDRESS = 0x152
_DEFAULT_NOW = datetime(2026, 9, 25, 14, 30)


class Meter(TemMeter):
    """A ТЭСМАРТ or ТЭМ-106. `now` is what its clock shows at first."""

    commands: ClassVar = {_IDENTIFY: 0, _MEMORY: 3, _FLASH: 5}

    def __init__(self, options: Options | None = None, now: datetime = _DEFAULT_NOW, body: Body | None = None) -> None:
        self.options = options or Options()
        super().__init__(self.options, body or Body(self.options, now, tem_memory))
        self._overlay: dict[int, int] = {}

    def twin(self, options: Options) -> Meter:
        """Another talker over the same memory: with the id, serial number and addresses of `options`."""
        twin = Meter(options, body=self._body)
        twin._overlay = dict(enumerate(options.serial_number.to_bytes(4, "big"), _SERIAL_ADDRESS))
        return twin

    def data(self, command: Command, data: bytes) -> bytes | None:
        if command == _IDENTIFY:
            return self.options.id_bytes
        if command == _MEMORY:
            return self.part(self._body.memory, int.from_bytes(data[:2], "big"), data[2], self._overlay)
        return self.part(self._body.flash, int.from_bytes(data[1:], "big"), data[0], {})


def disguises(meter: Meter) -> dict[str, Speaker]:
    """The same meter with a wrong address, another id, another serial number: for the faults of these names."""
    other_id = b"TEM-106" if meter.options.id_bytes != b"TEM-106" else b"TSM-104"
    return disguised(meter.options, meter.twin, other_id)


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_common(parser, channels="T1…T7, P1…P7, G1…G6")
    add = parser.add_argument
    add("--systems", type=int, metavar="N", help="число систем, 1…6")
    add("--flash", type=int, choices=(512, 1024), help="память архивов, КБ")
    add("--commas", type=int, nargs=6, default=[4] * 6, metavar="C", help="коды множителей итогов")


def _build(model: str, arguments: argparse.Namespace, now: datetime) -> Speaker:
    first = Options(model, arguments.serial).serial_number
    meters = [
        Meter(
            Options(
                model,
                serial=first + index,
                systems=arguments.systems,
                flash_kb=arguments.flash,
                commas=tuple(arguments.commas),
                **common(arguments, now, index),
            ),
            now,
        )
        for index in range(len(arguments.address))
    ]
    return line_of(meters, disguises, arguments)


FAMILY = Family(name="ТЭМ, записи по 384 байта", models=MODELS, add_options=_add_options, build=_build)

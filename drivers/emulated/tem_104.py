"""Emulated meters of the first ТЭМ-104 generation: ТЭМ-104 (`TEM-104`), the older ТЭМ-106 (`TEM-106`).

Commands: 00 00 identify, 0F 01 parameter memory, 0F 02 clock, 0F 03 archive flash, 0C 01 current values.
Frame: `tem_meter`.
"""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import ClassVar

from drivers.emulated import Family, Speaker, tem_104_memory
from drivers.emulated.tem_104_options import MODELS, MOST_SYSTEMS, STRIDES, LegacyOptions
from drivers.emulated.tem_body import Body
from drivers.emulated.tem_command_line import add_common, common, line_of
from drivers.emulated.tem_meter import Command, TemMeter, disguised

_IDENTIFY, _MEMORY, _CLOCK, _FLASH, _RAM = (0x00, 0x00), (0x0F, 0x01), (0x0F, 0x02), (0x0F, 0x03), (0x0C, 0x01)
_SERIAL_ADDRESS = 0x7C
_DEFAULT_NOW = datetime(2026, 9, 25, 14, 30)


class Meter(TemMeter):
    """A ТЭМ-104 with up to four systems. `now` is what its clock shows at first."""

    commands: ClassVar = {_IDENTIFY: 0, _MEMORY: 3, _CLOCK: 2, _FLASH: 5, _RAM: 3}

    def __init__(
        self, options: LegacyOptions | None = None, now: datetime = _DEFAULT_NOW, body: Body | None = None
    ) -> None:
        self.options = options or LegacyOptions()
        super().__init__(self.options, body or Body(self.options, now, tem_104_memory))
        self._overlay: dict[int, int] = {}

    def twin(self, options: LegacyOptions) -> Meter:
        """Another talker over the same memory: with the id, serial number and addresses of `options`."""
        twin = Meter(options, body=self._body)
        twin._overlay = dict(enumerate(options.serial_number.to_bytes(4, "big"), _SERIAL_ADDRESS))
        return twin

    def data(self, command: Command, data: bytes) -> bytes | None:
        if command == _IDENTIFY:
            return self.options.id_bytes
        if command == _FLASH:
            return self.part(self._body.flash, int.from_bytes(data[1:], "big"), data[0], {})
        address, count = int.from_bytes(data[:-1], "big"), data[-1]
        if command == _MEMORY:
            return self.part(self._body.memory, address, count, self._overlay)
        if command == _CLOCK:
            clock = self.clock if self.options.clock_valid else None
            return self.part(tem_104_memory.clock_memory(clock), address, count, {})
        return self._current(address - tem_104_memory.RAM_BASE, count)

    def _current(self, place: int, count: int) -> bytes | None:
        ram = tem_104_memory.current_values(self.moment(), self.options, self._body.errors())
        return self.part(ram, place, count, {}) if place >= 0 else None


def disguises(meter: Meter) -> dict[str, Speaker]:
    """The same meter with a wrong address, another id, another serial number: for the faults of these names."""
    return disguised(meter.options, meter.twin, b"TSM-104")


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_common(parser, channels="T1…T4, P1…P4, G1…G4", energy_unit="Gcal")
    add = parser.add_argument
    add("--systems", type=int, metavar="N", help=f"число систем, 1…{MOST_SYSTEMS}")
    add("--stride", type=int, choices=STRIDES, default=STRIDES[0], help="расстояние между настройками систем")
    add("--turned-sums", action="store_true", help="суммы записей с обращёнными битами")


def _build(model: str, arguments: argparse.Namespace, now: datetime) -> Speaker:
    first = LegacyOptions(model, arguments.serial).serial_number
    meters = [
        Meter(
            LegacyOptions(
                model,
                serial=first + index,
                systems=arguments.systems,
                stride=arguments.stride,
                turned_sums=arguments.turned_sums,
                **common(arguments, now, index),
            ),
            now,
        )
        for index in range(len(arguments.address))
    ]
    return line_of(meters, disguises, arguments)


FAMILY = Family(name="ТЭМ, записи по 256 байт", models=MODELS, add_options=_add_options, build=_build)

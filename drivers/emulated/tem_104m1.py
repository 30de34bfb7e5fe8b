"""Emulated ТЭМ-104М-1 (`TEM-104M-1`): one system, no archive that is known.

Commands: 00 00 identify, 0F 01 parameter memory, 0F 02 clock, 0C 01 current values. Frame: `tem_meter`.
"""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import ClassVar

from drivers.emulated import Family, Speaker, tem_104m1_memory, tem_104m_memory
from drivers.emulated.tem_104m_options import SmallOptions
from drivers.emulated.tem_body import Body
from drivers.emulated.tem_command_line import add_common, common, line_of
from drivers.emulated.tem_meter import Command, TemMeter, disguised

_IDENTIFY, _MEMORY, _CLOCK, _RAM = (0x00, 0x00), (0x0F, 0x01), (0x0F, 0x02), (0x0C, 0x01)
_RAM_BASE = 0x4000
_DEFAULT_NOW = datetime(2026, 9, 25, 14, 30)


class Meter(TemMeter):
    """A ТЭМ-104М-1. `now` is what its clock shows at first."""

    commands: ClassVar = {_IDENTIFY: 0, _MEMORY: 3, _CLOCK: 2, _RAM: 3}

    def __init__(
        self, options: SmallOptions | None = None, now: datetime = _DEFAULT_NOW, body: Body | None = None
    ) -> None:
        self.options = options or SmallOptions()
        super().__init__(self.options, body or Body(self.options, now, tem_104m1_memory))

    def twin(self, options: SmallOptions) -> Meter:
        """Another talker over the same memory: with the id, serial number and addresses of `options`."""
        return Meter(options, body=self._body)

    def data(self, command: Command, data: bytes) -> bytes | None:
        if command == _IDENTIFY:
            return self.options.id_bytes
        address, count = int.from_bytes(data[:-1], "big"), data[-1]
        if command == _MEMORY:
            serial = dict(enumerate(self.options.serial_number.to_bytes(4, "little")))
            return self.part(self._body.memory, address, count, serial)
        if command == _CLOCK:
            clock = self.clock if self.options.clock_valid else None
            return self.part(tem_104m_memory.clock_memory(clock), address, count, {})
        base = _RAM_BASE if self.options.current_at_4000 else 0
        ram = tem_104m1_memory.current_values(self.moment())
        return self.part(ram, address - base, count, {}) if address >= base else None


def disguises(meter: Meter) -> dict[str, Speaker]:
    """The same meter with a wrong address, another id, another serial number: for the faults of these names."""
    return disguised(meter.options, meter.twin, b"TSM-104")


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_common(parser, channels="T1, T2, P1, P2, G1", energy_unit="Gcal")
    parser.set_defaults(records=[0, 0, 0])
    parser.add_argument("--current-at-4000", action="store_true", help="текущие значения по адресу 4000h, а не 0")


def _build(_model: str, arguments: argparse.Namespace, now: datetime) -> Speaker:
    first = SmallOptions(serial=arguments.serial).serial_number
    at_4000 = arguments.current_at_4000
    meters = [
        Meter(SmallOptions(serial=first + index, current_at_4000=at_4000, **common(arguments, now, index)), now)
        for index in range(len(arguments.address))
    ]
    return line_of(meters, disguises, arguments)


FAMILY = Family(name="ТЭМ-104М-1", models=("tem104m1",), add_options=_add_options, build=_build)

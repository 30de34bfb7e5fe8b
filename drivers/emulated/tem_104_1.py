"""Emulated ТЭМ-104-1 (`TEM104-1`): one system, records of 64 bytes.

Commands: 00 00 identify, 0F 01 parameter memory, 0F 02 clock, 0F 03 archive flash (the length last),
0C 01 current values. Frame: `tem_meter`.
"""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import ClassVar

from drivers.emulated import Family, Speaker, tem_104_1_memory
from drivers.emulated.tem_104_options import SingleOptions
from drivers.emulated.tem_body import Body
from drivers.emulated.tem_command_line import add_common, common, line_of
from drivers.emulated.tem_meter import Command, TemMeter, disguised

_IDENTIFY, _MEMORY, _CLOCK, _FLASH, _RAM = (0x00, 0x00), (0x0F, 0x01), (0x0F, 0x02), (0x0F, 0x03), (0x0C, 0x01)
_DEFAULT_NOW = datetime(2026, 9, 25, 14, 30)


class Meter(TemMeter):
    """A ТЭМ-104-1. `now` is what its clock shows at first."""

    commands: ClassVar = {_IDENTIFY: 0, _MEMORY: 3, _CLOCK: 2, _FLASH: 5, _RAM: 3}

    def __init__(
        self, options: SingleOptions | None = None, now: datetime = _DEFAULT_NOW, body: Body | None = None
    ) -> None:
        self.options = options or SingleOptions()
        super().__init__(self.options, body or Body(self.options, now, tem_104_1_memory))

    def twin(self, options: SingleOptions) -> Meter:
        """Another talker over the same memory: with the id, serial number and addresses of `options`."""
        return Meter(options, body=self._body)

    def data(self, command: Command, data: bytes) -> bytes | None:
        if command == _IDENTIFY:
            return self.options.id_bytes
        address, count = int.from_bytes(data[:-1], "big"), data[-1]
        if command == _FLASH:
            return self.part(self._body.flash, address & 0xFFFFFF, count, {})
        if command == _MEMORY:
            return self._parameters(address, count)
        if command == _CLOCK:
            clock = self.clock if self.options.clock_valid else None
            return self.part(tem_104_1_memory.clock_memory(clock), address, count, {})
        return self.part(tem_104_1_memory.current_values(self.moment()), address, count, {})

    def _parameters(self, address: int, count: int) -> bytes | None:
        memory = bytearray(self._body.memory)
        tem_104_1_memory.put_errors(memory, self._body.errors())
        return self.part(memory, address, count, dict(enumerate(tem_104_1_memory.serial_bytes(self.options))))


def disguises(meter: Meter) -> dict[str, Speaker]:
    """The same meter with a wrong address, another id, another serial number: for the faults of these names."""
    return disguised(meter.options, meter.twin, b"TSM-104")


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_common(parser, channels="T1, T2, P1, P2, G1", energy_unit="Gcal")
    parser.add_argument("--type", type=int, default=3, metavar="N", help="тип системы, 0…7")


def _build(_model: str, arguments: argparse.Namespace, now: datetime) -> Speaker:
    first = SingleOptions(serial=arguments.serial).serial_number
    meters = [
        Meter(
            SingleOptions(serial=first + index, system_type=arguments.type, **common(arguments, now, index)),
            now,
        )
        for index in range(len(arguments.address))
    ]
    return line_of(meters, disguises, arguments)


FAMILY = Family(name="ТЭМ-104-1", models=("tem104-1",), add_options=_add_options, build=_build)

"""Emulated ТЭМ-104М (`TEM-104M`): up to four systems, records of 352 bytes, five rings of events.

Commands: 00 00 identify, 0F 01 parameter memory, 0F 02 clock, 0F 03 archive flash, 0C 01 current values.
Frame: `tem_meter`.
"""

from __future__ import annotations

import argparse
from datetime import datetime
from random import Random
from typing import ClassVar

from drivers.emulated import Family, Speaker, tem_104m_memory
from drivers.emulated.tem_104m_options import EVENT_RINGS, MODELS, MOST_SYSTEMS, ModernOptions
from drivers.emulated.tem_body import Body
from drivers.emulated.tem_command_line import add_common, common, line_of
from drivers.emulated.tem_events import SLOT, EventLog
from drivers.emulated.tem_meter import Command, TemMeter, disguised

_IDENTIFY, _MEMORY, _CLOCK, _FLASH, _RAM = (0x00, 0x00), (0x0F, 0x01), (0x0F, 0x02), (0x0F, 0x03), (0x0C, 0x01)
_RAM_BASE = 0x4000
_POWER_LOST, _POWER_BACK = 0x1, 0x2
_DEVICE_BITS = (0x4, 0x10, 0x20, 0x100000, 0x200000, 0x400000, 0x2000000, 0x4000000, 0x8000000, 0x10000000)
_SYSTEM_BITS = (*(1 << bit for bit in range(19)), 0x11, 0x88)
_DEFAULT_NOW = datetime(2026, 9, 25, 14, 30)


class Meter(TemMeter):
    """A ТЭМ-104М. `now` is what its clock shows at first; `logs` are its events: the device, systems 1 to 4."""

    commands: ClassVar = {_IDENTIFY: 0, _MEMORY: 3, _CLOCK: 2, _FLASH: 5, _RAM: 3}

    def __init__(
        self, options: ModernOptions | None = None, now: datetime = _DEFAULT_NOW, body: Body | None = None
    ) -> None:
        self.options = options or ModernOptions()
        made = body or Body(self.options, now, tem_104m_memory)
        super().__init__(self.options, made)
        self.logs = [] if body else [self._log(made.flash, number, now) for number in range(len(EVENT_RINGS))]

    def _log(self, flash: bytearray, number: int, now: datetime) -> EventLog:
        address, count = EVENT_RINGS[number]
        bits = _SYSTEM_BITS if number else _DEVICE_BITS
        log = EventLog(flash, address // SLOT, count, bits, tem_104m_memory.event)
        log.fill(Random(f"events/{self.options.seed}/{number}"), self.options.events[number], now)
        return log

    def twin(self, options: ModernOptions) -> Meter:
        """Another talker over the same memory: with the id, serial number and addresses of `options`."""
        return Meter(options, body=self._body)

    def power_off(self, until: datetime) -> None:
        device = self.logs[0]
        device.note(self.clock, device.states & ~_POWER_BACK | _POWER_LOST)
        super().power_off(until)
        device.note(until, device.states & ~_POWER_LOST | _POWER_BACK)

    def data(self, command: Command, data: bytes) -> bytes | None:
        if command == _IDENTIFY:
            return self.options.id_bytes
        if command == _FLASH:
            return self.part(self._body.flash, int.from_bytes(data[1:], "big"), data[0], {})
        address, count = int.from_bytes(data[:-1], "big"), data[-1]
        if command == _MEMORY:
            serial = dict(enumerate(self.options.serial_number.to_bytes(4, "little")))
            return self.part(self._body.memory, address, count, serial)
        if command == _CLOCK:
            clock = self.clock if self.options.clock_valid else None
            return self.part(tem_104m_memory.clock_memory(clock), address, count, {})
        return self._current(address, count)

    def _current(self, address: int, count: int) -> bytes | None:
        first, *others = tem_104m_memory.current_values(self.moment(), self.options, self._body.errors())
        at_zero = self.options.current_at_zero
        if address < _RAM_BASE:
            return self.part(first if at_zero else bytes(0x400), address, count, {})
        ram = b"".join((bytes(len(first)) if at_zero else first, *others))
        return self.part(ram, address - _RAM_BASE, count, {})


def disguises(meter: Meter) -> dict[str, Speaker]:
    """The same meter with a wrong address, another id, another serial number: for the faults of these names."""
    return disguised(meter.options, meter.twin, b"TSM-104")


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_common(parser, channels="T1…T4, P1…P4, G1…G4", energy_unit="Gcal")
    add = parser.add_argument
    add("--systems", type=int, metavar="N", help=f"число систем, 1…{MOST_SYSTEMS}")
    names = ("ПРИБОР", "S1", "S2", "S3", "S4")
    add("--events", type=int, nargs=5, default=[40, 60, 60, 0, 0], metavar=names, help="событий в архивах")
    add("--current-at-zero", action="store_true", help="текущие значения системы 1 по адресу 0, а не 4000h")
    add("--old-id", action="store_true", help="ответ TEM-104, как у прибора старого образца")


def _build(_model: str, arguments: argparse.Namespace, now: datetime) -> Speaker:
    first = ModernOptions(serial=arguments.serial).serial_number
    meters = [
        Meter(
            ModernOptions(
                serial=first + index,
                systems=arguments.systems,
                events=tuple(arguments.events),
                current_at_zero=arguments.current_at_zero,
                identity=b"TEM-104" if arguments.old_id else None,
                **common(arguments, now, index),
            ),
            now,
        )
        for index in range(len(arguments.address))
    ]
    return line_of(meters, disguises, arguments)


FAMILY = Family(name="ТЭМ-104М", models=MODELS, add_options=_add_options, build=_build)

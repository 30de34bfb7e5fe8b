"""Emulated ТЭМ-104-К (`ТЕМ-101` in cp1251) with firmware from 2.08 and below: one system, records of 48 bytes, events.

Commands: 00 00 identify, 00 01 firmware, 0F 01 EEPROM, 0F 02 clock, 0F 03 archive (16-bit address),
0C 01 current values. Frame: `tem_meter`.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from datetime import datetime
from functools import partial
from random import Random
from typing import ClassVar

from drivers.emulated import Family, Speaker, tem_104k_memory
from drivers.emulated.tem_104k_options import MODELS, CompactOptions
from drivers.emulated.tem_body import Body
from drivers.emulated.tem_command_line import add_common, common, line_of
from drivers.emulated.tem_events import SLOT, EventLog
from drivers.emulated.tem_meter import Command, TemMeter, disguised
from drivers.emulated.tem_options import DAY, HOUR

_IDENTIFY, _VERSION = (0x00, 0x00), (0x00, 0x01)
_MEMORY, _CLOCK, _FLASH, _RAM = (0x0F, 0x01), (0x0F, 0x02), (0x0F, 0x03), (0x0C, 0x01)
_BITS_OLD = (0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x14)
_BITS = (*(1 << bit for bit in range(12)), 0x108)
_DEFAULT_NOW = datetime(2026, 9, 25, 14, 30)


class Meter(TemMeter):
    """A ТЭМ-104-К. `now` is what its clock shows at first; `log` are its events."""

    commands: ClassVar = {_IDENTIFY: 0, _VERSION: 0, _MEMORY: 3, _CLOCK: 2, _FLASH: 3, _RAM: 3}

    def __init__(
        self,
        options: CompactOptions | None = None,
        now: datetime = _DEFAULT_NOW,
        body: Body | None = None,
        log: EventLog | None = None,
    ) -> None:
        self.options = options or CompactOptions()
        made = body or Body(self.options, now, tem_104k_memory)
        super().__init__(self.options, made)
        self.log = log or self._new_log(made.flash, now)

    def _new_log(self, flash: bytearray, now: datetime) -> EventLog:
        address, count = self.options.event_ring
        bits = _BITS_OLD if self.options.is_old else _BITS
        log = EventLog(flash, address // SLOT, count, bits, partial(tem_104k_memory.event, self.options))
        log.fill(Random(f"events/{self.options.seed}"), self.options.events, now)
        return log

    def twin(self, options: CompactOptions) -> Meter:
        """Another talker over the same memory: with the id, serial number and addresses of `options`."""
        return Meter(options, body=self._body, log=self.log)

    def data(self, command: Command, data: bytes) -> bytes | None:
        if command == _IDENTIFY:
            return self.options.id_bytes
        if command == _VERSION:
            return self.options.version.ljust(7, b"\x00")
        address, count = int.from_bytes(data[:-1], "big"), data[-1]
        if command == _FLASH:
            return self.part(self._body.flash, address, count, {})
        if command == _MEMORY:
            return self._parameters(address, count)
        if command == _CLOCK:
            clock = self.clock if self.options.clock_valid else None
            return self.part(tem_104k_memory.clock_memory(clock), address, count, {})
        return self.part(tem_104k_memory.current_values(self.moment()), address, count, {})

    def _parameters(self, address: int, count: int) -> bytes | None:
        memory = bytearray(self._body.memory)
        if self.options.pointers:
            hour = None if self.options.is_old else self._last(HOUR)
            log = self.log
            event = SLOT * self._pointed(log.first, log.count, log.next_place, bool(log.events()))
            tem_104k_memory.put_last(memory, self._last(DAY), event, hour)
        else:
            tem_104k_memory.put_last(memory, 0xFFFF, 0x0001, 0xFFFF)
        return self.part(memory, address, count, dict(enumerate(tem_104k_memory.serial_bytes(self.options))))

    def _last(self, letter: str) -> int:
        first, count = self.options.rings[letter]
        place = self._pointed(first, count, self.next_place(letter), bool(self.records(letter)))
        return place * tem_104k_memory.RECORD_SIZE

    def _pointed(self, first: int, count: int, following: int, is_written: bool) -> int:
        """The newest place, or the next one when nothing is written or the meter means that one."""
        if self.options.next_is_last or not is_written:
            return following
        return first + (following - 1 - first) % count


def disguises(meter: Meter) -> dict[str, Speaker]:
    """The same meter with a wrong address, another id, another serial number: for the faults of these names."""
    return disguised(meter.options, meter.twin, b"TSM-104")


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_common(parser, channels="T1, T2, G1", energy_unit="Gcal")
    parser.add_argument("--events", type=int, default=60, metavar="N", help="событий в архиве")
    parser.add_argument("--next-is-last", action="store_true", help="«последняя» запись прибора — следующая")


def _build(model: str, arguments: argparse.Namespace, now: datetime) -> Speaker:
    meters = [Meter(_options(model, arguments, now, index), now) for index in range(len(arguments.address))]
    return line_of(meters, disguises, arguments)


def _options(model: str, arguments: argparse.Namespace, now: datetime, index: int) -> CompactOptions:
    told = common(arguments, now, index)
    if model == MODELS[1]:
        # It keeps no hours, so what was said of hours falls away.
        told |= {"records": (0, *told["records"][1:]), "empty": (), "damaged": ()}
    made = CompactOptions(
        model, serial=arguments.serial, events=arguments.events, next_is_last=arguments.next_is_last, **told
    )
    return replace(made, serial=made.serial_number + index)


FAMILY = Family(name="ТЭМ-104-К", models=MODELS, add_options=_add_options, build=_build)

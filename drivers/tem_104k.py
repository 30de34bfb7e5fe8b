"""ТЭМ-104-К (id `ТЕМ-101` in cp1251): one system with one flow channel, two generations of firmware.

Proved on: no live meter; the answers to identify and version stand in the maker's document. Source: exchange protocol
of ТЭМ-104-К, editions for firmware below 2.08 and from 2.08. A public driver reads the same current values.
Line and frame: `tem_frame`; 9600, 57600 or 115200; address 1 to 32. Memory map: `tem_104k_map`, decode:
`tem_104k_decode`. Big-endian.

Quirks
- Firmware from 2.08 keeps hours, and mass in its records; before it there are only days and report dates, with
  volume, and no hour in their stamps. Where the version cannot be read there is no archive.
- Stamps are day, month, year, hour: unlike any sister.
- The meter tells no mass flow, no lower limit and no current error. Both pressures are programmed.
- `Terr` is the time with errors of any kind; `Tall` is that and the time without errors, as a public driver has it.
- The document gives the address of the "last" record of hours, days and events. Whether that is the newest or the
  next is told by the stamps around it. Report dates have none: their end is looked for among the stamps.
- A record's sum is "complement to zero", taken as the inverted sum that frames have; so is that of an event, and
  that an event has a slot of 16 bytes follows from size and count of its archive. What does not fit is read twice,
  and equal bytes with a valid stamp are kept as UNSUMMED.
- In which direction the bit of power turns is not told: such an event has no State.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import cycle

from drivers.tem_104k_decode import (
    Layout,
    decode_event_stamp,
    decode_powered,
    decode_reading,
    decode_serial,
    decode_stamp,
    decode_version,
    event_size,
    judge_event,
    judge_record,
    sum_fits,
)
from drivers.tem_104k_map import (
    CLOCK_PIECE,
    EVENT_DATE_SIZE,
    EVENT_SLOT,
    FLOW_PIECE,
    INTEGRATORS_PIECE,
    LAST,
    MEMORY,
    POINTERS_PIECE,
    POWERED_TIME,
    RECORD_SIZE,
    REGIONS,
    REGIONS_BEFORE_HOURLY,
    SERIAL_SIZE,
    SETTINGS_PIECE,
    TEMPERATURES_PIECE,
)
from drivers.tem_frame import CLOCK, FLASH_16, PARAMETERS, RAM, Dialogue, ask, ask_id, read_memory, read_spans
from drivers.tem_ring import Region, StampAt, find_next_place, is_unwritten, place_of
from engine.codec import integers
from engine.dialogue import Driver, Fetched, Identity, Mark, Ring, Setup
from engine.errors import Refused
from engine.model import Reading, RecType

ID = b"\xd2\xc5\xcc-101"
VERSION_SIZE = 7
TOTAL_SIZE = 8
"""An integer part and its fraction: neighbours, so blocks of a multiple of 8 keep them together."""
RECORD_BLOCK = 0x20
"""A record is asked for in two unequal blocks, so that a late answer to another record is known by its length."""


def open_meter(setup: Setup, _id_bytes: bytes) -> Dialogue[Identity]:
    """Firmware and serial number."""
    layout = decode_version((yield ask(setup, 0x00, 0x01, b"", range(VERSION_SIZE, VERSION_SIZE + 1))))
    serial = decode_serial((yield from read_memory(setup, PARAMETERS, 0, SERIAL_SIZE)))
    return Identity("ТЕМ-101", "ТЕМ-104-К", serial, layout)


def read(setup: Setup, identity: Identity) -> Dialogue[Reading]:
    """Current values."""
    memory = yield from read_spans(setup, PARAMETERS, (SETTINGS_PIECE, INTEGRATORS_PIECE), TOTAL_SIZE)
    flow = yield from read_memory(setup, RAM, *FLOW_PIECE, 4)
    temperatures = yield from read_memory(setup, RAM, *TEMPERATURES_PIECE, 4)
    clock = yield from read_memory(setup, CLOCK, *CLOCK_PIECE)
    return decode_reading(memory, flow, temperatures, clock, _layout(identity), _energy_unit(setup))


def _energy_unit(setup: Setup) -> str:
    return setup.energy_unit or DRIVER.energy_unit


def _layout(identity: Identity) -> Layout:
    assert isinstance(identity.layout, Layout), "an identity goes back to the driver that made it"
    return identity.layout


def _is_hourly(identity: Identity) -> bool:
    hourly = _layout(identity).hourly
    if hourly is None:
        raise Refused("версия ПО прибора не прочитана: устройство архива неизвестно")
    return hourly


# --- archives


def rings(setup: Setup, identity: Identity) -> Dialogue[tuple[Ring, ...]]:
    """Hours if the firmware keeps them, days, report dates, events.

    Refused: another meter than was opened, unreadable firmware, or the end of an archive is not found.
    """
    hourly = _is_hourly(identity)
    if decode_serial((yield from read_memory(setup, PARAMETERS, 0, SERIAL_SIZE))) != identity.meter_number:
        raise Refused("прибор изменился")
    memory = bytes(POINTERS_PIECE[0]) + (yield from read_memory(setup, PARAMETERS, *POINTERS_PIECE))
    stamps = _Stamps(setup, hourly)
    found = []
    for region in REGIONS if hourly else REGIONS_BEFORE_HOURLY:
        place = yield from _next_place(region, _pointed(region, memory), stamps.of(region))
        found.append(Ring(region.rec_type, region.first, region.count, place))
    return tuple(found)


def _pointed(region: Region, memory: bytes) -> int | None:
    """The place that the meter calls the last; None when there is none or it is outside its archive."""
    if region.rec_type not in LAST:
        return None
    place = place_of(integers(memory, MEMORY[LAST[region.rec_type]])[0], _place_size(region.rec_type), 0)
    return place if region.holds(place) else None


def _place_size(rec_type: RecType) -> int:
    return EVENT_SLOT if rec_type is RecType.EVENT else RECORD_SIZE


class _Stamps:
    """Reads stamps, each by turns with one byte more: a late answer is known by its length."""

    def __init__(self, setup: Setup, hourly: bool) -> None:
        self._setup = setup
        self._hourly = hourly
        self._more = cycle((0, 1))

    def of(self, region: Region) -> StampAt:
        """The stamps of one archive; Refused for a damaged one."""
        return lambda place: self._stamp(region.rec_type, place)

    def _stamp(self, rec_type: RecType, place: int) -> Dialogue[datetime | None]:
        is_event = rec_type is RecType.EVENT
        length = EVENT_DATE_SIZE if is_event else 4
        address = place * _place_size(rec_type)
        data = yield from read_memory(self._setup, FLASH_16, address, length + next(self._more))
        stamp = decode_event_stamp(data) if is_event else decode_stamp(data, self._hourly)
        if stamp is None and not is_unwritten(data[:length]):
            raise Refused("не найдена последняя запись архива: повреждённая запись")
        return stamp


def _next_place(region: Region, pointed: int | None, stamp_at: StampAt) -> Dialogue[int]:
    """By the meter's pointer, else by the stamps. Events whose end is not to be seen are read from first to last."""
    if pointed is not None:
        return (yield from _beside(region, pointed, stamp_at))
    try:
        return (yield from find_next_place(region, stamp_at))
    except Refused:
        if region.rec_type is RecType.EVENT:
            return region.first
        raise


def _beside(region: Region, pointed: int, stamp_at: StampAt) -> Dialogue[int]:
    """The pointed place itself when the oldest record or nothing stands there, else the one behind it."""
    ring = Ring(region.rec_type, region.first, region.count, pointed)
    try:
        there = yield from stamp_at(pointed)
        if there is None:
            return pointed
        before = yield from stamp_at(ring.after(pointed, -1))
        if before is not None and before > there:
            after = yield from stamp_at(ring.after(pointed))
            if after is not None and after >= there:
                return pointed
    except Refused:
        pass  # a damaged record tells nothing: the document's words stand, the pointed one is the newest
    return ring.after(pointed)


def probe(setup: Setup, identity: Identity, ring: Ring, place: int) -> Dialogue[Mark]:
    """Stamp and powered time of the record at `place`, 12 bytes in all; of an event its stamp."""
    address = place * _place_size(ring.rec_type)
    if ring.rec_type is RecType.EVENT:
        data = yield from read_memory(setup, FLASH_16, address, EVENT_DATE_SIZE + place % 2)
        return Mark(decode_event_stamp(data))
    stamp = decode_stamp((yield from read_memory(setup, FLASH_16, address, 4)), _is_hourly(identity))
    if stamp is None:
        return Mark(None)
    start, length = POWERED_TIME
    return Mark(stamp, decode_powered((yield from read_memory(setup, FLASH_16, address + start, length))))


def fetch(setup: Setup, identity: Identity, ring: Ring, place: int) -> Dialogue[Fetched]:
    """The record or event at `place`, read a second time when its sum does not fit."""
    hourly = _is_hourly(identity)
    is_event = ring.rec_type is RecType.EVENT
    data = yield from _read_place(setup, ring.rec_type, hourly, place)
    confirmed = False
    if not sum_fits(data) and not is_unwritten(data):
        first, data = data, (yield from _read_place(setup, ring.rec_type, hourly, place))
        confirmed = first == data
    if is_event:
        return judge_event(data, confirmed, hourly)
    return judge_record(data, confirmed, ring.rec_type, hourly, _energy_unit(setup))


def _read_place(setup: Setup, rec_type: RecType, hourly: bool, place: int) -> Dialogue[bytes]:
    if rec_type is RecType.EVENT:
        size = event_size(hourly)
        return (yield from read_memory(setup, FLASH_16, place * EVENT_SLOT, size + place % 2))[:size]
    in_two = replace(setup, block_size=min(setup.block_size, RECORD_BLOCK))
    return (yield from read_memory(in_two, FLASH_16, place * RECORD_SIZE, RECORD_SIZE))


DRIVER = Driver(
    name="tem_104k",
    device_types=("ТЕМ-104-К",),
    energy_unit="Gcal",
    ask_id=ask_id,
    accepts=ID.__eq__,
    open=open_meter,
    read=read,
    rings=rings,
    probe=probe,
    fetch=fetch,
)

"""ТЭМ-104-1 (id `TEM104-1`): one system, one flow, two temperatures and pressures, records of 64 bytes.

Proved on: no live meter and no capture; all follows the exchange protocol of ТЭМ-104-1 of 2012-08-03 and
2013-11-18 and what drivers in the field make of it. Line and frame: `tem_frame`; RS-485 at 9600 or 19200,
address 1 to 32. Memory map: `tem_104_1_map`, decode: `tem_104_1_decode`. Big-endian.

Quirks
- Flash is asked for in a form of its own: a zero, three bytes of address, the length last.
- The serial number is text: its leading digits and letters, at most 7.
- Energy: the document says MWh; drivers in the field take it for Gcal, as it is in the ТЭМ-104.
- The record's times 2C and 30 have names (Gmax, Gmin) and descriptions that contradict one another. The names
  are followed: in the running counters the same two stand in that order.
- The time "in errors" of the running counters stands where the record has that of technical faults: it is Terr.
- Temperatures and pressures of parameter memory are not used, their unit is not certain; RAM tells them as floats.
- Pointers bear no base, by the driver that is in use; one with the base of the other families is taken too.
- Days end at 1DBFF and report dates fill 1DC00-1FFFF: it follows from the numbers of records, the addresses in
  print contradict the size of the flash.
- A record has one stamp only. One whose sum does not fit is read twice; equal bytes with a valid stamp and
  totals that are numbers are kept as UNSUMMED.
- A record is read in two pieces of different length, so that a late answer is not taken for the next record's.
- Fraction and integer part belong together only inside one answer. With a BlockSize of 56 or more they are;
  with less they are read until the integer parts have stood still.
"""

from __future__ import annotations

from drivers.tem_104_1_decode import (
    Layout,
    decode_layout,
    decode_reading,
    decode_serial,
    integer_parts,
    judge_record,
    sum_fits,
)
from drivers.tem_104_1_map import (
    CLOCK_REGISTERS,
    CURRENT,
    NAMEPLATE,
    POINTERS,
    POWERED_TIME,
    RECORD_SIZE,
    SET_UP,
    TOTALS,
    WHOLE_TOTALS,
)
from drivers.tem_104_map import FLASH_REGIONS
from drivers.tem_frame import (
    CLOCK,
    FLASH_LENGTH_LAST,
    PARAMETERS,
    RAM,
    Dialogue,
    ask_id,
    read_memory,
    read_pieces,
    read_spans,
)
from drivers.tem_ring import POINTER_BASE, bcd_mark, bcd_stamps, find_next_place, is_unwritten, place_of
from engine.codec import Field, integers
from engine.dialogue import Driver, Fetched, Identity, Mark, Ring, Setup
from engine.errors import NoAnswer, Refused
from engine.model import Reading

ID = b"TEM104-1"


def open_meter(setup: Setup, id_bytes: bytes) -> Dialogue[Identity]:
    """Serial number and type of the system."""
    memory = yield from read_spans(setup, PARAMETERS, (NAMEPLATE, SET_UP))
    return Identity(id_bytes.decode("ascii"), "ТЕМ-104-1", decode_serial(memory), decode_layout(memory))


def read(setup: Setup, _identity: Identity) -> Dialogue[Reading]:
    """Current values, with type and serial number as they are now."""
    memory = yield from read_spans(setup, PARAMETERS, (NAMEPLATE, SET_UP, TOTALS))
    if setup.block_size < WHOLE_TOTALS:
        memory = yield from _settle(setup, memory)
    ram = yield from read_memory(setup, RAM, *CURRENT, 4)
    clock = yield from read_memory(setup, CLOCK, *CLOCK_REGISTERS)
    return decode_reading(memory, ram, clock, _energy_unit(setup))


def _settle(setup: Setup, memory: bytes, tries: int = 3) -> Dialogue[bytes]:
    """Read the totals again until the integer parts after the fractions are those before them, as here they are."""
    start, length = TOTALS
    for _ in range(tries):
        again = memory[:start] + (yield from read_memory(setup, PARAMETERS, start, length, 4))
        if integer_parts(again) == integer_parts(memory):
            return memory
        memory = again
    raise NoAnswer("показания меняются во время чтения")


def _energy_unit(setup: Setup) -> str:
    return setup.energy_unit or DRIVER.energy_unit


def _layout(identity: Identity) -> Layout:
    assert isinstance(identity.layout, Layout), "an identity goes back to the driver that made it"
    return identity.layout


def rings(setup: Setup, identity: Identity) -> Dialogue[tuple[Ring, ...]]:
    """Hours, days, report dates. Refused: another meter or type of system than was opened."""
    memory = yield from read_spans(setup, PARAMETERS, (NAMEPLATE, SET_UP))
    if decode_layout(memory) != identity.layout or decode_serial(memory) != identity.meter_number:
        raise Refused("прибор или настройка его системы изменились")
    pointers = integers((yield from read_memory(setup, PARAMETERS, *POINTERS)), Field(0, "L", 3))
    stamp_at = bcd_stamps(setup, FLASH_LENGTH_LAST, RECORD_SIZE)
    found = []
    for region, pointer in zip(FLASH_REGIONS, pointers, strict=True):
        place = place_of(pointer, RECORD_SIZE, POINTER_BASE if pointer >= POINTER_BASE else 0)
        if place is None or not region.holds(place):
            place = yield from find_next_place(region, stamp_at)
        found.append(Ring(region.rec_type, region.first, region.count, place))
    return tuple(found)


def probe(setup: Setup, _identity: Identity, _ring: Ring, place: int) -> Dialogue[Mark]:
    """Stamp and powered time of the record at `place`, 12 bytes in all."""
    return (yield from bcd_mark(setup, FLASH_LENGTH_LAST, place * RECORD_SIZE, POWERED_TIME))


def fetch(setup: Setup, identity: Identity, ring: Ring, place: int) -> Dialogue[Fetched]:
    """The record at `place`, read a second time when its sum does not fit."""
    data = yield from _read_record(setup, place)
    confirmed = False
    if not sum_fits(data) and not is_unwritten(data):
        first, data = data, (yield from _read_record(setup, place))
        confirmed = first == data
    return judge_record(data, confirmed, ring.rec_type, _layout(identity), _energy_unit(setup))


def _read_record(setup: Setup, place: int) -> Dialogue[bytes]:
    address = place * RECORD_SIZE
    spans = ((address, 4), (address + 4, RECORD_SIZE - 4))
    return b"".join((yield from read_pieces(setup, FLASH_LENGTH_LAST, spans)))


DRIVER = Driver(
    name="tem_104_1",
    device_types=("ТЕМ-104-1",),
    energy_unit="Gcal",
    ask_id=ask_id,
    accepts=ID.__eq__,
    open=open_meter,
    read=read,
    rings=rings,
    probe=probe,
    fetch=fetch,
)

"""ТЭМ-104 of the first generation (id `TEM-104`), and the older ТЭМ-106 with the same map (id `TEM-106`).

Proved on: no live meter and no capture; all follows the exchange protocol of ТЭМ-104 of 2007-04-03 and what
drivers in the field make of it. Line and frame: `tem_frame`. Memory map: `tem_104_map`, decode: `tem_104_decode`.
Big-endian; up to 4 systems and 4 flow channels; records of 256 bytes.

Quirks
- A ТЭМ-106 is taken only when its pointers fit this map and none fits that of `tem_384`, which has the same id.
- One document prints for the ТЭМ-104М an id that could be read as `TEM-104`. A meter none of whose pointers
  fits, and whose first clock registers show a date in plain binary, is refused as one.
- The documents tell the place of the first system's set-up only. The distance to the next is 19, 20 or 40 (hex):
  the one at which every system has a known type, channels 0 to 3 and flow channels of its own. Where that decides
  nothing, only system 1 is read, and `Reading.doubts` says so.
- Integrators count by flow channel, current values stand in the order of the system's own channels: so one
  driver in the field reads them, no document says it for systems after the first.
- Energy: the document says MWh; on site it was seen to be Gcal, as the maker's own program shows.
- The lower limit of a flow is in steps of 0.05 % of G max: one table prints 0.5 %, its own notes 0.05 %.
- The third flow of `Источник` is told as G3, Gv3, V3, M3, Du3, which the manual has not got.
- Frequency and pulse weight are left out: the places for them contradict one another.
- A record's sum is plain by one document, with every bit turned by another: either will do. A record whose sum
  does not fit is read twice; equal bytes with two valid stamps are kept as UNSUMMED.
- Days are places 1536-1903: sources that print 78000 for the first report date contradict their own counts.
- Fraction and integer part belong together only inside one answer. With a BlockSize of 64 they are; with less
  they are read until the integer parts have stood still.
- The search by date of later firmware is not needed: the pointers tell the same.
"""

from __future__ import annotations

from drivers.tem_104_decode import (
    Layout,
    count_systems,
    decode_layout,
    decode_reading,
    decode_serial,
    integer_parts,
    judge_record,
    sum_fits,
    systems_size,
)
from drivers.tem_104_map import (
    CLOCK_REGISTERS,
    CURRENT,
    CURRENT_SIZE,
    CURRENT_STRIDE,
    FLASH_REGIONS,
    FLOWMETERS,
    HEAD,
    NETWORK,
    POINTERS,
    POWERED_TIME,
    RECORD_SIZE,
    RUNNING,
    RUNNING_PIECES,
    SYSTEM,
    WHOLE_TOTAL,
)
from drivers.tem_384_map import LARGE_FLASH, SMALL_FLASH
from drivers.tem_384_map import POINTERS as POINTERS_384
from drivers.tem_384_map import RECORD_SIZE as RECORD_SIZE_384
from drivers.tem_frame import CLOCK, FLASH, PARAMETERS, RAM, Dialogue, ask_id, read_memory, read_pieces, read_spans
from drivers.tem_ring import Region, bcd_mark, bcd_stamps, find_next_place, is_unwritten, place_of
from engine.codec import Field, integers
from engine.dialogue import Driver, Fetched, Identity, Mark, Ring, Setup
from engine.errors import NoAnswer, Refused
from engine.model import Reading

DEVICE_TYPE_BY_ID = {b"TEM-104": "ТЕМ-104", b"TEM-106": "ТЕМ-106/1"}


def open_meter(setup: Setup, id_bytes: bytes) -> Dialogue[Identity]:
    """Serial number and set-up. Refused: a meter of another family that has the same id."""
    legacy = _places((yield from read_memory(setup, PARAMETERS, *POINTERS)), RECORD_SIZE)
    if id_bytes == b"TEM-106":
        yield from _refuse_the_larger_map(setup, legacy)
    elif not any(region.holds(place) for region in FLASH_REGIONS for place in legacy):
        yield from _refuse_the_binary_clock(setup)
    memory = yield from _read_set_up(setup)
    return Identity(
        id_bytes.decode("ascii"), DEVICE_TYPE_BY_ID[id_bytes], decode_serial(memory), decode_layout(memory)
    )


def _refuse_the_larger_map(setup: Setup, legacy: tuple[int | None, ...]) -> Dialogue[None]:
    """A pointer that fits proves a map. This one only when all fit here and none fits there."""
    if all(map(Region.holds, FLASH_REGIONS, legacy)):
        start, length = POINTERS_384
        data = yield from read_memory(setup, PARAMETERS, start - 8, length + 8)
        places = _places(data[8:], RECORD_SIZE_384)
        if not any((*map(Region.holds, SMALL_FLASH, places), *map(Region.holds, LARGE_FLASH, places))):
            return
    raise Refused("ТЭМ-106 с картой памяти нового образца")


def _refuse_the_binary_clock(setup: Setup) -> Dialogue[None]:
    second, minute, hour, day, month, year = yield from read_memory(setup, CLOCK, 0, 6)
    if max(second, minute) < 60 and hour < 24 and 1 <= day <= 31 and 1 <= month <= 12 and 1 <= year <= 99:
        raise Refused("часы как у ТЭМ-104М, указателей записей нет")


def _places(pointers: bytes, record_size: int) -> tuple[int | None, ...]:
    return tuple(place_of(pointer, record_size) for pointer in integers(pointers, Field(0, "L", 3)))


def _read_set_up(setup: Setup) -> Dialogue[bytes]:
    """Parameter memory as far as it tells serial number, limits and systems."""
    head = yield from read_memory(setup, PARAMETERS, *HEAD)
    spans = (NETWORK, FLOWMETERS, (SYSTEM, systems_size(count_systems(head))))
    memory = yield from read_spans(setup, PARAMETERS, spans)
    return head + memory[len(head) :]


def read(setup: Setup, _identity: Identity) -> Dialogue[Reading]:
    """Current values, with set-up and serial number as they are now."""
    memory = yield from _read_set_up(setup)
    running = yield from _read_integrators(setup)
    systems = range(len(decode_layout(memory).systems))
    spans = tuple((CURRENT + index * CURRENT_STRIDE, CURRENT_SIZE) for index in systems)
    current = yield from read_pieces(setup, RAM, spans)
    clock = yield from read_memory(setup, CLOCK, *CLOCK_REGISTERS)
    return decode_reading(memory, running, current, clock, _energy_unit(setup))


def _read_integrators(setup: Setup, tries: int = 3) -> Dialogue[bytes]:
    """The running integrators at the offsets of a record; fractions and integer parts of one moment."""
    data = yield from _read_integrators_once(setup)
    if setup.block_size >= WHOLE_TOTAL:
        return data
    for _ in range(tries):
        before, data = integer_parts(data), (yield from _read_integrators_once(setup))
        if integer_parts(data) == before:
            return data
    raise NoAnswer("показания меняются во время чтения")


def _read_integrators_once(setup: Setup) -> Dialogue[bytes]:
    pieces = yield from read_pieces(setup, PARAMETERS, RUNNING_PIECES)
    image = bytearray(RECORD_SIZE)
    for (address, length), piece in zip(RUNNING_PIECES, pieces, strict=True):
        start = address - RUNNING
        if length == WHOLE_TOTAL:
            image[start : start + 0x10], image[start + 0x30 : start + 0x40] = piece[:0x10], piece[0x30:]
        else:
            image[start : start + length] = piece
    return bytes(image)


def _energy_unit(setup: Setup) -> str:
    return setup.energy_unit or DRIVER.energy_unit


def _layout(identity: Identity) -> Layout:
    assert isinstance(identity.layout, Layout), "an identity goes back to the driver that made it"
    return identity.layout


def rings(setup: Setup, identity: Identity) -> Dialogue[tuple[Ring, ...]]:
    """Hours, days, report dates. Refused: another meter or set-up than was opened."""
    memory = yield from _read_set_up(setup)
    if decode_layout(memory) != identity.layout or decode_serial(memory) != identity.meter_number:
        raise Refused("прибор или настройка его систем изменились")
    places = _places((yield from read_memory(setup, PARAMETERS, *POINTERS)), RECORD_SIZE)
    stamp_at = bcd_stamps(setup, FLASH, RECORD_SIZE)
    found = []
    for region, place in zip(FLASH_REGIONS, places, strict=True):
        if place is None or not region.holds(place):
            place = yield from find_next_place(region, stamp_at)
        found.append(Ring(region.rec_type, region.first, region.count, place))
    return tuple(found)


def probe(setup: Setup, _identity: Identity, _ring: Ring, place: int) -> Dialogue[Mark]:
    """Stamp and powered time of the record at `place`, 12 bytes in all."""
    return (yield from bcd_mark(setup, FLASH, place * RECORD_SIZE, POWERED_TIME))


def fetch(setup: Setup, identity: Identity, ring: Ring, place: int) -> Dialogue[Fetched]:
    """The record at `place`, read a second time when its sum does not fit."""
    data = yield from read_memory(setup, FLASH, place * RECORD_SIZE, RECORD_SIZE)
    confirmed = False
    if not sum_fits(data) and not is_unwritten(data):
        first, data = data, (yield from read_memory(setup, FLASH, place * RECORD_SIZE, RECORD_SIZE))
        confirmed = first == data
    return judge_record(data, confirmed, ring.rec_type, _layout(identity), _energy_unit(setup))


DRIVER = Driver(
    name="tem_104",
    device_types=("ТЕМ-104", "ТЕМ-106/1"),
    energy_unit="Gcal",
    ask_id=ask_id,
    accepts=DEVICE_TYPE_BY_ID.__contains__,
    open=open_meter,
    read=read,
    rings=rings,
    probe=probe,
    fetch=fetch,
)

"""ТЭМ-104 ТЭСМАРТ (id `TSM-104`), ТЭМ-106 (id `TEM-106`) and ТЭСМА-106: the family with records of 384 bytes.

Proved on: real captures of a ТЭСМАРТ (identify, parameters 0000-00CF, 0152-0171); the rest follows the
exchange protocol of ТЭМ-106 of 2012-04-23 and has not met a live meter. Line and frame: `tem_frame`.
Memory map: `tem_384_map`, decode: `tem_384_decode`. Big-endian; up to 6 systems, 6 flow channels,
7 temperatures, 7 pressures; heat in MWh.

Quirks
- A system's channels are the set bits of its masks, bit 0 = channel 1, in rising order: at most two flows,
  three temperatures, three pressures become G1 G2, T1…T3, P1…P3. Further bits and bits of channels that
  the map has not got are left out. A record holds only six pressures: the seventh is not known there.
- A sensor that is not in use is programmed: the meter shows the programmed value in the same register.
  Where that is not a number the programmed value itself is taken.
- Totals are (integer + fraction) / k, k by the "comma" byte of the channel. No capture shows such a byte.
- Fraction and integer part belong together only inside one answer. With a BlockSize of 56 or more they
  are; with less they are read until the integer part has stood still around the fraction.
- The record's sum is not described for this family (a plain sum in its sisters). A record whose sum does
  not fit is read twice; equal bytes with two valid stamps are kept as UNSUMMED.
- An older ТЭМ-106 has the map of the legacy ТЭМ-104 under the same id: `open` refuses it.
- There are two sizes of flash. The 1 MB places are inferred: everything doubled.
- Changed masks or another meter on the line: `read` follows at once, `rings` refuses until it is opened anew.
"""

from __future__ import annotations

from drivers.tem_384_decode import (
    Layout,
    decode_layout,
    decode_reading,
    decode_serial,
    judge_record,
    sum_fits,
)
from drivers.tem_384_map import (
    CONFIG_SIZE,
    FLASH_BY_JEDEC,
    INTEGRATORS,
    JEDEC,
    LARGE_FLASH,
    LEGACY_FLASH,
    LEGACY_POINTERS,
    LEGACY_RECORD_SIZE,
    MEMORY,
    NAMEPLATE,
    POINTERS,
    POWERED_TIME,
    RECORD_SIZE,
    SMALL_FLASH,
    SPANS,
    WHOLE_INTEGRATORS,
)
from drivers.tem_frame import FLASH, PARAMETERS, Dialogue, ask_id, read_memory, read_spans
from drivers.tem_ring import Region, bcd_mark, bcd_stamps, find_next_place, is_unwritten, place_of
from engine.codec import Field, integers
from engine.dialogue import Driver, Fetched, Identity, Mark, Ring, Setup
from engine.errors import NoAnswer, Refused
from engine.model import Reading

DEVICE_TYPE_BY_ID = {b"TSM-104": "ТЕМ-104", b"TEM-106": "ТЕМ-106/1"}


def open_meter(setup: Setup, id_bytes: bytes) -> Dialogue[Identity]:
    """Serial number and set-up. Refused: a ТЭМ-106 with the legacy map."""
    if id_bytes == b"TEM-106":
        yield from _refuse_the_legacy_map(setup)
    layout = decode_layout((yield from read_memory(setup, PARAMETERS, 0, CONFIG_SIZE)))
    nameplate = yield from read_memory(setup, PARAMETERS, *NAMEPLATE)
    serial = decode_serial(nameplate, Field(0, "L"))
    return Identity(id_bytes.decode("ascii"), DEVICE_TYPE_BY_ID[id_bytes], serial, layout)


def _refuse_the_legacy_map(setup: Setup) -> Dialogue[None]:
    """A pointer that fits proves a map. Legacy only when none fits here and all fit there."""
    places = _places((yield from read_memory(setup, PARAMETERS, *POINTERS)), RECORD_SIZE)
    if any((*map(Region.holds, SMALL_FLASH, places), *map(Region.holds, LARGE_FLASH, places))):
        return
    legacy = (yield from read_memory(setup, PARAMETERS, *LEGACY_POINTERS))[-POINTERS[1] :]
    if all(map(Region.holds, LEGACY_FLASH, _places(legacy, LEGACY_RECORD_SIZE))):
        raise Refused("ТЭМ-106 с картой памяти старого образца")


def _places(pointers: bytes, record_size: int) -> tuple[int | None, ...]:
    return tuple(place_of(pointer, record_size) for pointer in integers(pointers, Field(0, "L", 3)))


def read(setup: Setup, _identity: Identity) -> Dialogue[Reading]:
    """Current values, with masks and serial number as they are now."""
    memory = yield from read_spans(setup, PARAMETERS, SPANS)
    if setup.block_size < WHOLE_INTEGRATORS:
        memory = yield from _settle(setup, memory)
    return decode_reading(memory, _energy_unit(setup))


def _settle(setup: Setup, memory: bytes, tries: int = 3) -> Dialogue[bytes]:
    """Read the integrators again until the integer parts before and after the fractions are equal."""
    for _ in range(tries):
        before = _integer_parts(memory)
        again = yield from read_spans(setup, PARAMETERS, INTEGRATORS)
        start = INTEGRATORS[0][0]
        memory = memory[:start] + again[start:] + memory[len(again) :]
        if _integer_parts(memory) == before:
            return memory
    raise NoAnswer("показания меняются во время чтения")


def _integer_parts(memory: bytes) -> tuple[tuple[int, ...], ...]:
    return tuple(integers(memory, MEMORY[f"{name} integer"]) for name in "VMQ")


def _energy_unit(setup: Setup) -> str:
    return setup.energy_unit or DRIVER.energy_unit


def _layout(identity: Identity) -> Layout:
    assert isinstance(identity.layout, Layout), "an identity goes back to the driver that made it"
    return identity.layout


def rings(setup: Setup, identity: Identity) -> Dialogue[tuple[Ring, ...]]:
    """Hours, days, report dates. Refused: another meter or set-up than was opened; flash size not known."""
    config = yield from read_memory(setup, PARAMETERS, 0, CONFIG_SIZE)
    nameplate = yield from read_memory(setup, PARAMETERS, *NAMEPLATE)
    if config != _layout(identity).config or decode_serial(nameplate, Field(0, "L")) != identity.meter_number:
        raise Refused("прибор или настройка его систем изменились")
    places = _places((yield from read_memory(setup, PARAMETERS, *POINTERS)), RECORD_SIZE)
    flash = _choose_flash(places, integers(nameplate, JEDEC)[0])
    stamp_at = bcd_stamps(setup, FLASH, RECORD_SIZE)
    found = []
    for region, place in zip(flash, places, strict=True):
        if place is None or not region.holds(place):
            place = yield from find_next_place(region, stamp_at)
        found.append(Ring(region.rec_type, region.first, region.count, place))
    return tuple(found)


def _choose_flash(places: tuple[int | None, ...], jedec: int) -> tuple[Region, ...]:
    """By the pointers when all three fit one size (days lie apart in the two), else by the chip's id."""
    for flash in (SMALL_FLASH, LARGE_FLASH):
        if all(map(Region.holds, flash, places)):
            return flash
    if jedec not in FLASH_BY_JEDEC:
        raise Refused("размер архива прибора неизвестен: указатели записей негодны")
    return FLASH_BY_JEDEC[jedec]


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
    name="tem_384",
    device_types=("ТЕМ-104", "ТЕМ-106/1", "ТЭСМА-106/1", "ТЭСМА-106/2"),
    energy_unit="MWh",
    ask_id=ask_id,
    accepts=DEVICE_TYPE_BY_ID.__contains__,
    open=open_meter,
    read=read,
    rings=rings,
    probe=probe,
    fetch=fetch,
)

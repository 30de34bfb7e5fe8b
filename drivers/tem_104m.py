"""ТЭМ-104М and ТЭМ-104М2 (id `TEM-104M`): little-endian sisters of ТЭМ-104, with records of 352 bytes and events.

Proved on: nothing yet, no captured frame is public. Source: exchange protocol of ТЭМ-104М (2018-09-12 / 2018-10-09);
the order of bytes is that of two independent public drivers, the document is silent about it.
Line and frame: `tem_frame`; RS-232 up to 115200, RS-485 9600 or 19200; address 1 to 32. A meter that is set to
Modbus does not answer. Memory map: `tem_104m_map`, decode: `tem_104m_decode`. Up to 4 systems.

Quirks
- The document prints the id with 7 bytes but 8 letters. If 7 were true, it would be `TEM-104` as of the older meter:
  that id is opened here when the clock at 0 is a plain date, the systems are possible and the older meter's pointers
  are not there.
- Stamps are Unix seconds. The meter has no time zone: they are its own clock counted as if it were UTC.
- Integrators count in Gcal whatever the display shows (inferred). Fraction and integer part lie too far apart for one
  answer, so the integer parts are read again, last, and must have stood still.
- Current values: the document has the structure of system 1 at 4000h, public drivers read it at 0. The first with
  possible values and a density of water is taken when the meter is opened, else the document's. Sensors and flows
  stand there by their place in the system (inferred).
- Flow channels are counted from 0 as in the older meter (inferred); one above 3 has no totals.
- Pressures of a record are taken as 0.01 MPa, as a public driver does; the document prints 0.1.
- Du is a place in the maker's row below 8, else millimetres. A third flow is G3, Gv3, V3, M3. Q2 is the cold of
  Тепло/Холод. A record's Err is that of its moment.
- No pointer to the next record is known, so the end of each ring is looked for among the stamps and remembered; from
  then on only the bytes at that place are watched. A break of the stamps is believed to be the end when powered time
  breaks there too; else the clock was set there, and the end is looked for by powered time. Events have none. Single
  places with a damaged stamp are passed over. An event ring whose end is not found is read from its first place to its
  last.
- There are five rings of events: the device, and systems 1 to 4. The bit for sensors 3 and for changed general
  settings, printed twice as 1, is taken as 4.
"""

from __future__ import annotations

from dataclasses import replace

from drivers.tem_104m_decode import (
    Layout,
    decode_clock,
    decode_layout,
    decode_reading,
    decode_serial,
    decode_systems_count,
    event_sum_fits,
    judge_event,
    judge_record,
    makes_sense,
    record_sum_fits,
)
from drivers.tem_104m_map import (
    CHANNEL_PIECE,
    CLOCK_PIECE,
    CURRENT_BASES,
    CURRENT_PLACES,
    CURRENT_SIZE,
    DEVICE,
    DEVICE_PIECE,
    EVENT_REGIONS,
    EVENT_SIZE,
    INTEGRATOR_PIECE,
    POINTERS_OF_LEGACY,
    RECORD_REGIONS,
    RECORD_SIZE,
    SYSTEM_PIECES,
    WHOLE_PARTS,
)
from drivers.tem_104m_ring import Watch, decode_stamp, one, read_powered_s
from drivers.tem_frame import CLOCK, FLASH, PARAMETERS, RAM, Dialogue, ask_id, read_memory, read_spans
from drivers.tem_ring import is_unwritten, place_of
from engine.codec import Field, integers
from engine.dialogue import Driver, Fetched, Identity, Mark, Ring, Setup
from engine.errors import NoAnswer, Refused
from engine.model import Reading, RecType

LEGACY_ID = b"TEM-104"
IDS = (b"TEM-104M", LEGACY_ID)
LEGACY_RECORD_SIZE = 0x100
LEGACY_PLACES = 2048


def open_meter(setup: Setup, id_bytes: bytes) -> Dialogue[Identity]:
    """Serial number and set-up. Refused: the older ТЭМ-104, which may have the same id."""
    if id_bytes == LEGACY_ID:
        yield from _refuse_the_legacy_meter(setup)
    layout = decode_layout((yield from _read_config(setup)))
    opened = replace(layout, current_base=(yield from _find_current(setup, layout)))
    return Identity(id_bytes.decode("ascii"), "ТЕМ-104М", decode_serial(layout.config), opened)


def _refuse_the_legacy_meter(setup: Setup) -> Dialogue[None]:
    pointers = yield from read_memory(setup, PARAMETERS, *POINTERS_OF_LEGACY)
    places = [place_of(pointer, LEGACY_RECORD_SIZE) for pointer in integers(pointers, Field(0, "L", 3), "big")]
    clock = yield from read_memory(setup, CLOCK, *CLOCK_PIECE)
    device = yield from read_memory(setup, PARAMETERS, *DEVICE_PIECE)
    has_pointers = any(place is not None and 0 <= place < LEGACY_PLACES for place in places)
    if has_pointers or decode_clock(clock) is None or not 1 <= one(device, DEVICE["systems"]) <= len(SYSTEM_PIECES):
        raise Refused("ТЭМ-104 с картой памяти старого образца")


def _read_config(setup: Setup) -> Dialogue[bytes]:
    """The pieces of the device and of each system, at their own addresses."""
    device = yield from read_memory(setup, PARAMETERS, *DEVICE_PIECE)
    spans = SYSTEM_PIECES[: decode_systems_count(device)]
    memory = yield from read_spans(setup, PARAMETERS, spans)
    return device + memory[len(device) :]


def _find_current(setup: Setup, layout: Layout) -> Dialogue[int]:
    """Where the current values of system 1 are. NoAnswer when nothing answers."""
    answered: list[int] = []
    for base in CURRENT_BASES:
        try:
            part = yield from read_memory(setup, RAM, base, CURRENT_SIZE, 4)
        except NoAnswer:
            continue
        if makes_sense(part, layout.systems[0]):
            return base
        answered.append(base)
    if not answered:
        raise NoAnswer("нет ответа на запрос текущих значений")
    return answered[0]


def read(setup: Setup, identity: Identity, tries: int = 3) -> Dialogue[Reading]:
    """Current values, with systems and serial number as they are now."""
    config = yield from _read_config(setup)
    places = (_layout(identity).current_base, *CURRENT_PLACES[1:])[: decode_systems_count(config)]
    for _ in range(tries):
        current = yield from read_spans(setup, RAM, tuple((place, CURRENT_SIZE) for place in places))
        memory = yield from read_spans(setup, PARAMETERS, (CHANNEL_PIECE, INTEGRATOR_PIECE))
        clock = decode_clock((yield from read_memory(setup, CLOCK, *CLOCK_PIECE)))
        start, length = WHOLE_PARTS
        if (yield from read_memory(setup, PARAMETERS, start, length, 4)) == memory[start : start + length]:
            parts = tuple(current[place : place + CURRENT_SIZE] for place in places)
            return decode_reading(config + memory[len(config) :], parts, clock, _energy_unit(setup))
    raise NoAnswer("показания меняются во время чтения")


def _energy_unit(setup: Setup) -> str:
    return setup.energy_unit or DRIVER.energy_unit


def _layout(identity: Identity) -> Layout:
    assert isinstance(identity.layout, Layout), "an identity goes back to the driver that made it"
    return identity.layout


# --- archives


def rings(setup: Setup, identity: Identity) -> Dialogue[tuple[Ring, ...]]:
    """Hours, days, report dates, events of the device and of systems 1 to 4.

    Refused: another meter or set-up than was opened, or the end of hours, days or report dates is not found.
    """
    layout = _layout(identity)
    if decode_layout((yield from _read_config(setup))).config != layout.config:
        raise Refused("прибор или настройка его систем изменились")
    watch = Watch(setup, layout.ends)
    found = []
    numbers = (*(0 for _ in RECORD_REGIONS), *range(1, len(EVENT_REGIONS) + 1))
    for number, region in zip(numbers, (*RECORD_REGIONS, *EVENT_REGIONS), strict=True):
        place = yield from watch.next_place(region)
        found.append(Ring(region.rec_type, region.first, region.count, place, number))
    return tuple(found)


def probe(setup: Setup, _identity: Identity, ring: Ring, place: int) -> Dialogue[Mark]:
    """Stamp and powered time of the record at `place`, 12 bytes in all; of an event its stamp."""
    if ring.rec_type is RecType.EVENT:
        return Mark(decode_stamp((yield from read_memory(setup, FLASH, place * EVENT_SIZE, 4 + place % 2))))
    stamp = decode_stamp((yield from read_memory(setup, FLASH, place * RECORD_SIZE, 4)))
    if stamp is None:
        return Mark(None)
    return Mark(stamp, (yield from read_powered_s(setup, place)) / 3600)


def fetch(setup: Setup, identity: Identity, ring: Ring, place: int) -> Dialogue[Fetched]:
    """The record or event at `place`, read a second time when its sum does not fit."""
    is_event = ring.rec_type is RecType.EVENT
    read_place, sum_fits = (_read_event, event_sum_fits) if is_event else (_read_record, record_sum_fits)
    data = yield from read_place(setup, place)
    confirmed = False
    if not sum_fits(data) and not is_unwritten(data):
        first, data = data, (yield from read_place(setup, place))
        confirmed = first == data
    if is_event:
        return judge_event(data, confirmed, _system_of(ring))
    return judge_record(data, confirmed, ring.rec_type, _layout(identity), _energy_unit(setup))


def _read_record(setup: Setup, place: int) -> Dialogue[bytes]:
    return (yield from read_memory(setup, FLASH, place * RECORD_SIZE, RECORD_SIZE))


def _read_event(setup: Setup, place: int) -> Dialogue[bytes]:
    """16 bytes at even places, 17 at odd ones: a late answer to the place before is known by its length."""
    return (yield from read_memory(setup, FLASH, place * EVENT_SIZE, EVENT_SIZE + place % 2))[:EVENT_SIZE]


def _system_of(ring: Ring) -> int:
    return [region.first for region in EVENT_REGIONS].index(ring.first)


DRIVER = Driver(
    name="tem_104m",
    device_types=("ТЕМ-104М",),
    energy_unit="Gcal",
    ask_id=ask_id,
    accepts=IDS.__contains__,
    open=open_meter,
    read=read,
    rings=rings,
    probe=probe,
    fetch=fetch,
)

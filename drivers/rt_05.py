"""Temperature regulator ТЭСМАРТ РТ-05, АРТ-05 (id `ART-05`): one or two circuits, temperature and event archives.

Proved on: a captured exchange (identify, whole RAM of firmware 1.14); the rest follows the maker's description
(2008, revised 2017). Line and frame: `tem_frame`, 9600 8N1. Memory map: `rt_05_map`, decode: `rt_05_decode`.
It is not Modbus, whatever others say.

Quirks
- RAM is read in two forms by the same command 0F01. The short one has 3 bytes (address, count up to 64) and the
  answer tells its length in one byte; the long one has 6 (address 4, count 2) and the answer tells its length in two.
  Which form an answer has can only be known from the request. The short one is described, the long one captured:
  the short one is asked first, the long one first with a BlockSize over 64; what answered is remembered.
- Firmware other than 1.14: only the memory up to 0x85, so one circuit. The second one is 0xD7 bytes further on
  (inferred from the capture).
- A regulator shows -327.68 for a sensor that is not there: the channel is left out, in records too.
- A recorded temperature has 12 bits, and nothing tells their worth. Signed 0.1 °C is inferred: it alone, of the
  steps that are used, holds -35 to 135 °C, which a regulator must. `Raw` keeps the record's bytes as they are.
- Temperature records come every 10 s to 8 h, as set in the regulator; they are kept as RecType=H.
- Records have no sum. Both archives are circles; the pointers in RAM name the newest record, not the next.
- Where old and new value stand in an event is open: its bytes are told as they are.
- The network address that is stored need not be the one that answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from itertools import cycle

from drivers.rt_05_decode import (
    Layout,
    circuits_of,
    decode_event_stamp,
    decode_layout,
    decode_reading,
    decode_serial,
    decode_stamp,
    judge_event,
    judge_record,
    version_of,
)
from drivers.rt_05_map import (
    EVENT_PARTS,
    EVENT_POSITION,
    EVENT_SIZE,
    EVENT_STAMPS,
    EVENTS,
    FIRST,
    FIRST_OF_ANY,
    FULL_VERSION,
    HEAD,
    IMAGE_SIZE,
    RECORD_PARTS,
    RECORD_POSITION,
    RECORD_SIZE,
    RECORD_STAMPS,
    RECORDS,
    SECOND,
    SHORT_LIMIT,
)
from drivers.tem_frame import FLASH, PARAMETERS, Dialogue, answer_to, ask, ask_id, encode, read_spans
from drivers.tem_ring import Region, StampAt, find_next_place, is_unwritten, place_of
from engine.codec import integers
from engine.dialogue import Ask, Driver, Fetched, Identity, Mark, Ring, Setup
from engine.errors import NoAnswer, Refused
from engine.model import Reading, RecType

Spans = tuple[tuple[int, int], ...]
LONG_FRAME_SIZE = 8


def open_meter(setup: Setup, id_bytes: bytes) -> Dialogue[Identity]:
    """Serial number, circuits, firmware, and the form in which RAM is read."""
    forms = (True, False) if setup.block_size > SHORT_LIMIT else (False, True)
    silence = NoAnswer("нет ответа")
    for long_form in forms:
        try:
            image = yield from _read_image(setup, long_form)
        except NoAnswer as error:
            silence = error
            continue
        layout = decode_layout(image, long_form)
        return Identity(id_bytes.rstrip(b"\x00").decode("ascii"), "RT-05", decode_serial(image), layout)
    raise silence


def read(setup: Setup, identity: Identity) -> Dialogue[Reading]:
    """Current values, with circuits and sensors as they are now."""
    long_form = _layout(identity).long_form
    image = yield from _read_image(setup, long_form)
    return decode_reading(image, decode_layout(image, long_form))


def _layout(identity: Identity) -> Layout:
    assert isinstance(identity.layout, Layout), "an identity goes back to the driver that made it"
    return identity.layout


def _read_image(setup: Setup, long_form: bool) -> Dialogue[bytes]:
    """RAM as far as it is understood; what was not read is FF."""
    if long_form:
        return (yield ask_long(setup, 0, IMAGE_SIZE))
    limited = replace(setup, block_size=min(setup.block_size, SHORT_LIMIT))
    head = yield from read_spans(limited, PARAMETERS, HEAD, step=1)
    circuits = yield from read_spans(limited, PARAMETERS, _circuit_spans(head), step=1)
    return head + circuits[len(head) :]


def _circuit_spans(head: bytes) -> Spans:
    if version_of(head) != FULL_VERSION:
        return FIRST_OF_ANY
    return FIRST + SECOND if circuits_of(head) == 2 else FIRST


def ask_long(setup: Setup, address: int, length: int) -> Ask:
    """A read of RAM in the long form."""
    data = address.to_bytes(4, "big") + length.to_bytes(2, "big")
    request = encode(setup.address, PARAMETERS.group, PARAMETERS.command, data)
    return Ask(request, answer_to(request, range(length, length + 1), length_size=2), LONG_FRAME_SIZE + length)


# --- archive


def rings(setup: Setup, identity: Identity) -> Dialogue[tuple[Ring, ...]]:
    """Temperature records and events. Refused: another regulator, or another set of sensors, than was opened."""
    layout = _layout(identity)
    image = yield from _read_image(setup, layout.long_form)
    if decode_serial(image) != identity.meter_number or decode_layout(image, layout.long_form) != layout:
        raise Refused("регулятор или состав его датчиков изменились")
    records = place_of(integers(image, RECORD_POSITION, "little")[0], RECORD_SIZE, base=0)
    events = place_of(integers(image, EVENT_POSITION, "little")[0], EVENT_SIZE, base=0)
    return ((yield from _ring(setup, RECORDS, records)), (yield from _ring(setup, EVENTS, events)))


def _ring(setup: Setup, region: Region, newest: int | None) -> Dialogue[Ring]:
    ring = Ring(region.rec_type, region.first, region.count, region.first, regular=False)
    if newest is not None and region.holds(newest):
        return replace(ring, next_place=ring.after(newest))
    return replace(ring, next_place=(yield from find_next_place(region, _stamp_reader(setup, region.rec_type))))


def _stamp_reader(setup: Setup, rec_type: RecType) -> StampAt:
    """The stamp of a place, for the search; by turns in two lengths, so that a late answer is known by its own."""
    turns = cycle((0, 1))

    def stamp_at(place: int) -> Dialogue[datetime | None]:
        data = yield from _read_stamp(setup, rec_type, place, next(turns))
        stamp = _decode_stamp(rec_type, data)
        if stamp is None and not is_unwritten(data):
            raise Refused("не найдена последняя запись архива: повреждённая запись")
        return stamp

    return stamp_at


def _read_stamp(setup: Setup, rec_type: RecType, place: int, turn: int) -> Dialogue[bytes]:
    if rec_type is RecType.EVENT:
        return (yield from _read_flash(setup, place * EVENT_SIZE, EVENT_STAMPS[turn : turn + 1]))
    return (yield from _read_flash(setup, place * RECORD_SIZE, RECORD_STAMPS[turn : turn + 1]))


def _decode_stamp(rec_type: RecType, data: bytes) -> datetime | None:
    return decode_event_stamp(data) if rec_type is RecType.EVENT else decode_stamp(data)


def probe(setup: Setup, _identity: Identity, ring: Ring, place: int) -> Dialogue[Mark]:
    """The stamp of what is at `place`; neither tells a powered time."""
    data = yield from _read_stamp(setup, ring.rec_type, place, place % 2)
    return Mark(_decode_stamp(ring.rec_type, data))


def fetch(setup: Setup, identity: Identity, ring: Ring, place: int) -> Dialogue[Fetched]:
    """The record or event at `place`."""
    if ring.rec_type is RecType.EVENT:
        return judge_event((yield from _read_flash(setup, place * EVENT_SIZE, EVENT_PARTS)))
    return judge_record((yield from _read_flash(setup, place * RECORD_SIZE, RECORD_PARTS)), _layout(identity))


def _read_flash(setup: Setup, address: int, lengths: Iterable[int]) -> Dialogue[bytes]:
    data = b""
    for length in lengths:
        request = FLASH.request(address + len(data), length)
        data += yield ask(setup, FLASH.group, FLASH.command, request, range(length, length + 1))
    return data


DRIVER = Driver(
    name="rt_05",
    device_types=("RT-05",),
    energy_unit="Gcal",
    ask_id=ask_id,
    accepts=lambda id_bytes: id_bytes.rstrip(b"\x00") == b"ART-05",
    open=open_meter,
    read=read,
    rings=rings,
    probe=probe,
    fetch=fetch,
)

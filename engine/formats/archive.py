"""Archive files `www/<DevNumber>/…` and the same blocks in drops (formats guide, section 6; manual 11.4).

A file is a row of blocks, each ended by its empty line: `[0]` names the device, `[1]`, `[2]`, … are
records. A block is there whole or not at all; whatever follows the last whole one is none. Further empty
lines between two blocks say nothing: they stand where damage was.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from engine.formats import fields
from engine.formats.values import clean, read_stamp, read_value, stamp_text
from engine.model import Event, Record, RecType

_LINE = rb"(?!RecType=|DateTime=)[A-Za-z][A-Za-z0-9]*=[^\x00-\x1f\x7f]*\n"
_STAMPED = rb"RecType=[HDME]\nDateTime=\d\d\.\d\d\.\d\d \d\d:\d\d:\d\d\n"
# A second RecType in a block means that two were torn into one.
_BLOCK = re.compile(
    rb"\[(?:(0)\]\n(?:" + _LINE + rb")+|([1-9]\d{0,8})\]\n" + _STAMPED + rb"(?:" + _LINE + rb")*)\n"
)
_EMPTY_LINES = re.compile(rb"\n*")
_EVENT_DATE = re.compile(r"^(RecType=E\nDateTime=)(\d\d)\.(\d\d)\.(\d\d) ", re.MULTILINE | re.ASCII)
_TYPE_AT = len("RecType=")
_STAMP_AT = len("RecType=H\nDateTime=")
_STAMP_LENGTH = len("dd.mm.yy HH:MM:SS")
_POWERED = "\nS1Tall="
_NEWLINE = "\n"


@dataclass(frozen=True, slots=True)
class Head:
    """`[0]` of an archive file: whose records follow. `event_date` is told by files of events only."""

    dev_name: str
    dev_type: str
    dev_number: str
    num_systems: int
    event_date: str | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """One whole block with its empty line. `start` and `end` count bytes of the file; number 0 is the head."""

    start: int
    end: int
    number: int
    text: str


def head_text(head: Head) -> str:
    """The block `[0]`."""
    lines = [
        "[0]",
        f"DevName={clean(head.dev_name)}",
        f"DevType={clean(head.dev_type)}",
        f"DevNumber={clean(head.dev_number)}",
        f"NumSystems={head.num_systems}",
        "QUnit=Gcal",
    ]
    if head.event_date is not None:
        lines.append(f"EventDate={clean(head.event_date)}")
    return "\n".join(lines) + "\n\n"


def record_text(number: int, record: Record) -> str:
    """One block of an H, D or M record. ValueError when its year is outside 2000 to 2099."""
    return f"[{number}]\n{record_fields(record)}\n"


def event_text(number: int, event: Event, event_date: str) -> str:
    """One block of an event, its date in the order `event_date`: `ymd` or `dmy`."""
    return f"[{number}]\nRecType=E\nDateTime={stamp_text(event.stamp, event_date)}\n{event_fields(event)}\n"


def event_fields(event: Event) -> str:
    """The lines of an event behind its DateTime: with it they are what makes it the same one."""
    own = fields.listed(event.values, fields.EVENT_MANUAL, always=fields.EVENT_MANUAL)
    added = fields.listed(event.values, fields.EVENT_EXTRA)
    return own + added + fields.unlisted(event.values, fields.EVENT_MANUAL + fields.EVENT_EXTRA)


def record_fields(record: Record) -> str:
    """The lines of a record without its number and empty line."""
    if record.rec_type is RecType.EVENT or len(record.systems) > fields.MAX_SYSTEMS:
        raise ValueError(f"not a record of H, D or M: {record.rec_type.value}, {len(record.systems)} systems")
    parts = [f"RecType={record.rec_type.value}\nDateTime={stamp_text(record.stamp)}\n"]
    for number, system in enumerate(record.systems, 1):
        parts.append(fields.listed(system, fields.RECORD_KEYS, f"S{number}"))
        parts.append(fields.unlisted(system, fields.RECORD_KEYS, f"S{number}"))
    if record.repeat > 1:
        parts.append(f"Rep={record.repeat}\n")
    return "".join(parts)


def blocks(data: bytes, offset: int = 0) -> Iterator[Block]:
    """Whole blocks of `data` from the byte `offset`, which begins one, up to the first that is not whole."""
    while found := _BLOCK.match(data, _behind_empty_lines(data, offset)):
        text = _decoded(found)
        if text is None or (found[1] and found.start()):
            return
        yield Block(found.start(), found.end(), int(found[1] or found[2]), text)
        offset = found.end()


def whole_length(data: bytes) -> int:
    """Length up to the end of the last whole block before anything torn; 0 when there is none."""
    length = 0
    for block in blocks(data):
        length = block.end
    return length


def after_damage(data: bytes, offset: int) -> int | None:
    """Where whole records begin again after damage at `offset`; None when only a tail is damaged."""
    at = data.find(b"[", offset)
    while at >= 0:
        found = _BLOCK.match(data, at)
        if found and found[2] and _decoded(found) is not None:
            return at
        at = data.find(b"[", at + 1)
    return None


def blocks_past_damage(data: bytes, offset: int | None = 0) -> Iterator[Block]:
    """Every whole block from `offset` on, whatever stands between them; none where `offset` is None."""
    while offset is not None:
        for block in blocks(data, offset):
            yield block
            offset = block.end
        offset = after_damage(data, offset)


def block_key(block: Block) -> tuple[str, str, str]:
    """What makes a record the same one: RecType, DateTime as text, `S1Tall` as text.

    The key of an event is its type and everything it says. ValueError for the head.
    """
    body = _body(block)
    rec_type = body[_TYPE_AT]
    if rec_type == RecType.EVENT:
        return rec_type, body, ""
    return rec_type, body[_STAMP_AT : _STAMP_AT + _STAMP_LENGTH], _powered(body)


def read_head(block: Block) -> Head:
    """The device that a file belongs to; ValueError when the block does not name one."""
    if block.number != 0:
        raise ValueError(f"block {block.number} is not the head")
    told = dict(_fields(block))
    missing = {"DevName", "DevType", "DevNumber", "NumSystems"} - told.keys()
    if missing:
        raise ValueError(f"the head lacks {', '.join(sorted(missing))}")
    return Head(
        told["DevName"], told["DevType"], told["DevNumber"], int(told["NumSystems"]), told.get("EventDate") or None
    )


def read_record(block: Block) -> Record:
    """The record of a block; ValueError for the head, an event, or a date that there is not."""
    _body(block)
    return read_record_fields(_fields(block))


def read_record_fields(told: Iterable[tuple[str, str]]) -> Record:
    """The record of keys and texts, wherever they were read."""
    own, systems = fields.by_system(told)
    rec_type, stamp, repeat = own.get("RecType"), own.get("DateTime"), own.get("Rep", 1)
    if rec_type not in ("H", "D", "M") or not isinstance(stamp, str) or not isinstance(repeat, int):
        raise ValueError(f"not a record of H, D or M: {rec_type}, {stamp}, {repeat}")
    return Record(RecType(rec_type), read_stamp(stamp), systems, repeat)


def read_event(block: Block, event_date: str) -> Event:
    """The event of a block whose date has the order `event_date`; ValueError for any other block."""
    told = dict(_fields(block))
    if told.pop("RecType", "") != RecType.EVENT:
        raise ValueError(f"block {block.number} is not an event")
    stamp = read_stamp(told.pop("DateTime"), event_date)
    return Event(stamp, {key: read_value(key, text) for key, text in told.items()})


def numbered(text: str, number: int) -> str:
    """The same block under another number; nothing else changes."""
    return f"[{number}]\n{text.partition(_NEWLINE)[2]}"


def convert_event_date(text: str, from_order: str, to_order: str) -> str:
    """Blocks of events with the date in another order (`ymd`, `dmy`); other records stay as they are."""
    return text if from_order == to_order else _EVENT_DATE.sub(r"\1\4.\3.\2 ", text)


def _behind_empty_lines(data: bytes, offset: int) -> int:
    empty = _EMPTY_LINES.match(data, offset)
    return empty.end() if empty else offset


def _decoded(found: re.Match[bytes]) -> str | None:
    try:
        return found.group().decode()
    except UnicodeDecodeError:
        return None


def _body(block: Block) -> str:
    if block.number == 0:
        raise ValueError("the head is not a record")
    return block.text.partition(_NEWLINE)[2]


def _powered(body: str) -> str:
    at = body.find(_POWERED)
    return "" if at < 0 else body[at + len(_POWERED) : body.index("\n", at + 1)]


def _fields(block: Block) -> list[tuple[str, str]]:
    return fields.pairs(block.text.split("\n")[1:])

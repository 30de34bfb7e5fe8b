"""Rows of one table out of a drop: a line for each system of each record, a line for each event. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from engine.formats import fields
from engine.formats.archive import event_fields, read_event, read_record
from engine.formats.drop import Drop, RecordFile
from engine.formats.values import value_text
from engine.model import Record, RecType, Values

FIXED = ("DevNumber", "DevType", "RecType", "DateTime", "Rep", "System")
_VALUES = tuple(dict.fromkeys((*fields.RECORD_KEYS, *fields.EVENT_MANUAL, *fields.EVENT_EXTRA)))
COLUMNS = (*FIXED, *(key for key in _VALUES if key != "Sys"), "Other")
"""`DateTime` is ISO 8601 without a zone, as the meter stamps it; `Other` holds keys that have no column."""

Row = tuple[str, ...]


def rows_of(drop: Drop) -> Iterator[tuple[str, Row]]:
    """Each row with what makes its record the same one in every drop, variant and server."""
    for (dev_number, rec_type), records in drop.records.items():
        if rec_type is RecType.EVENT:
            yield from _event_rows(dev_number, records)
        else:
            yield from _record_rows(dev_number, records)


def _record_rows(dev_number: str, records: RecordFile) -> Iterator[tuple[str, Row]]:
    for block in records.blocks:
        record = read_record(block)
        powered = value_text("Tall", record.systems[0].get("Tall")) if record.systems else ""
        for number, system in enumerate(record.systems, 1):
            identity = f"{dev_number};{record.rec_type.value};{record.stamp.isoformat()};{powered};{number}"
            yield identity, _row(dev_number, records.head.dev_type, record, str(number), system)


def _event_rows(dev_number: str, records: RecordFile) -> Iterator[tuple[str, Row]]:
    for block in records.blocks:
        event = read_event(block, records.head.event_date or "ymd")
        identity = f"{dev_number};E;{event.stamp.isoformat()};{event_fields(event)}"
        head = (dev_number, records.head.dev_type, "E", event.stamp.isoformat(), "", _text(event.values, "Sys"))
        yield identity, (*head, *_cells(event.values))


def _row(dev_number: str, dev_type: str, record: Record, number: str, system: Values) -> Row:
    repeat = str(record.repeat) if record.repeat > 1 else ""
    head = (dev_number, dev_type, record.rec_type.value, record.stamp.isoformat(), repeat, number)
    return (*head, *_cells(system))


def _cells(values: Values) -> Row:
    known = tuple(_text(values, key) for key in COLUMNS[len(FIXED) : -1])
    rest = [key for key in values if key not in _VALUES]
    return (*known, " ".join(f"{key}={_text(values, key)}" for key in rest))


def _text(values: Values, key: str) -> str:
    return value_text(key, values.get(key))

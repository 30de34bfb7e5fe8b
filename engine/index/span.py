"""From when to when the records of an archive file are: its two ends are read, never the whole file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from engine import files
from engine.formats import archive
from engine.formats.archive import Block
from engine.formats.values import read_stamp

END_BYTES = 32 * 1024
"""Many records; even the longest one fits several times."""

Span = tuple[datetime | None, datetime | None]


def span_of(path: Path) -> Span:
    """Earliest and latest stamp at the ends of a file; (None, None) where no record is whole. Raises OSError.

    Records stand in the order in which they were stored: one that came late into the middle does not count.
    """
    with open(path, "rb", opener=files.open_regular) as file:
        head = file.read(END_BYTES)
        size = file.seek(0, os.SEEK_END)
        tail = b""
        if size > END_BYTES:
            file.seek(size - END_BYTES)
            tail = file.read(END_BYTES)
    order = _event_date(head)
    stamps = [*_stamps(head, 0, order), *_stamps(tail, archive.after_damage(tail, 0), order)]
    return (min(stamps), max(stamps)) if stamps else (None, None)


def _event_date(head: bytes) -> str | None:
    for block in archive.blocks(head):
        try:
            return archive.read_head(block).event_date
        except ValueError:
            return None
    return None


def _stamps(data: bytes, offset: int | None, order: str | None) -> Iterator[datetime]:
    for block in archive.blocks_past_damage(data, offset):
        if block.number and (stamp := _stamp(block, order)):
            yield stamp


def _stamp(block: Block, order: str | None) -> datetime | None:
    """The third line is the stamp in every whole block of a record; None when there is no such date."""
    try:
        return read_stamp(block.text.split("\n", 3)[2].partition("=")[2], order or "dmy")
    except ValueError:
        return None

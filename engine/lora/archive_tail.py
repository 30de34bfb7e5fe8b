"""The newest records of a device, read from the ends of its archive files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from engine import files, naming
from engine.formats import archive, fields
from engine.formats.values import read_stamp
from engine.lora.queue import Waiting, newest
from engine.model import RecType

RECORD_BYTES = 8 * 1024
"""No record of six systems is longer."""
TAIL_LIMIT_BYTES = 4 << 20
MOST_FILES = 3


def newest_records(root: Path, dev_number: str, rec_type: RecType, count: int) -> list[Waiting]:
    """At most `count`, the latest first. A device without an archive has none. Raises OSError."""
    folder = root / naming.archive_folder(dev_number)
    if not count or not folder.is_dir():
        return []
    names = sorted((path for path in folder.iterdir() if naming.archive_kind(path.name) is rec_type), reverse=True)
    found: list[Waiting] = []
    for path in names[:MOST_FILES]:
        with suppress(FileNotFoundError):
            found += _records(path, dev_number, min(TAIL_LIMIT_BYTES, count * RECORD_BYTES))
        if len(found) >= count:
            break
    return newest(found, count)


def _records(path: Path, dev_number: str, tail_bytes: int) -> Iterator[Waiting]:
    with open(path, "rb", opener=files.open_regular) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - tail_bytes))
        data = file.read(tail_bytes)
    for block in archive.blocks_past_damage(data, 0 if size <= tail_bytes else archive.after_damage(data, 0)):
        if block.number:
            yield from _record(dev_number, block)


def _record(dev_number: str, block: archive.Block) -> Iterator[Waiting]:
    """None where a disk has changed a digit of the date: that costs one record, and no more."""
    record = Waiting(dev_number, tuple(fields.pairs(block.text.split("\n")[1:])))
    try:
        read_stamp(dict(record.fields)["DateTime"])
    except ValueError:
        return
    yield record

"""What a statement is made of, read from the files: records of the archive, facts of the snapshot; what one lacked."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from engine import files, naming
from engine.formats import archive
from engine.formats.snapshot import SnapshotView, read_snapshot
from engine.model import Record, RecType, Values
from engine.report.plan import Device
from engine.report.rows import Period, covered, rows_of
from engine.report.statement import MISSING, NOTES, Statement, Subject, make_statement

ARCHIVE_LIMIT_BYTES = 256 * 1024 * 1024
SNAPSHOT_LIMIT_BYTES = 1024 * 1024
SHEET_LIMIT_BYTES = 16 * 1024 * 1024


def archive_names(root: Path, dev_number: str, kind: RecType) -> list[str]:
    """The archive files of this kind in the order of time."""
    folder = root / naming.archive_folder(dev_number)
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return sorted(name for name in names if naming.archive_kind(name) is kind)


def last_whole_day(root: Path, dev_number: str, before: date) -> date | None:
    """The last day before `before` that a day record closes; None when there is none."""
    for name in reversed(archive_names(root, dev_number, RecType.DAY)):
        days = (covered(record.stamp, RecType.DAY).date() for record in _records(root, dev_number, name))
        if last := max((day for day in days if day < before), default=None):
            return last
    return None


def system_count(root: Path, dev_number: str, kind: RecType) -> int:
    """How many systems the newest record has; 0 when there is none."""
    for name in reversed(archive_names(root, dev_number, kind)):
        counts = [len(record.systems) for record in _records(root, dev_number, name)]
        if counts:
            return counts[-1]
    return 0


def statement_of(root: Path, device: Device, system: int, period: Period) -> Statement:
    """The statement of one system, counted from 1. Raises OSError."""
    data = rows_of(_of_period(root, device.dev_number, period), system, period)
    view = _snapshot(root, device.dev_number)
    facts = view.systems[system - 1] if view and system <= len(view.systems) else {}
    dev_type = (view.device.get("DevType") if view else None) or _head_type(root, device.dev_number, period.kind)
    return make_statement(_subject(device, str(dev_type), system, facts), data)


def has_holes(xlsx: Path) -> bool:
    """Whether days that may come yet were missing when a statement was made: its own file tells, no list is kept.

    A note tells of them, too: before the first row. A damaged file is as good as none. Raises OSError.
    """
    data = files.read_limited(xlsx, SHEET_LIMIT_BYTES)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            texts = [book.read(name) for name in book.namelist()]
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
        return True
    return any(word.encode() in text for word in (MISSING, NOTES) for text in texts)


def _subject(device: Device, dev_type: str, system: int, facts: Values) -> Subject:
    return Subject(
        dev_type,
        device.dev_number,
        system,
        facts,
        device.address,
        device.responsible,
        device.fields,
        device.report_day,
        device.report_records,
    )


def _of_period(root: Path, dev_number: str, period: Period) -> Iterator[Record]:
    """Records of the period and, before them, those of the newest older file that has any."""
    end = period.last + 2 * period.step
    names = [name for name in archive_names(root, dev_number, period.kind) if name <= _name(period, end)]
    first = _name(period, period.first)
    for name in reversed([name for name in names if name < first]):
        older = list(_records(root, dev_number, name))
        if older:
            yield from older
            break
    for name in names:
        if name >= first:
            yield from _records(root, dev_number, name)


def _name(period: Period, moment: date) -> str:
    return f"H-{moment:%Y-%m}.txt" if period.kind is RecType.HOUR else f"D-{moment:%Y}.txt"


def _records(root: Path, dev_number: str, name: str) -> Iterator[Record]:
    """Damage is passed over: what it took is missing in the statement, too."""
    data = files.read_limited(root / naming.archive_folder(dev_number) / name, ARCHIVE_LIMIT_BYTES)
    for block in archive.blocks_past_damage(data):
        if block.number:
            yield from _record(block)


def _record(block: archive.Block) -> Iterator[Record]:
    try:
        yield archive.read_record(block)
    except ValueError:
        return


def _head_type(root: Path, dev_number: str, kind: RecType) -> str:
    for name in reversed(archive_names(root, dev_number, kind)):
        data = files.read_limited(root / naming.archive_folder(dev_number) / name, ARCHIVE_LIMIT_BYTES)
        for block in archive.blocks(data):
            return archive.read_head(block).dev_type if block.number == 0 else ""
    return ""


def _snapshot(root: Path, dev_number: str) -> SnapshotView | None:
    try:
        return read_snapshot(files.read_limited(root / naming.snapshot_path(dev_number), SNAPSHOT_LIMIT_BYTES).decode())
    except (OSError, ValueError):
        return None  # settings of the system are not printed then; the records are what counts

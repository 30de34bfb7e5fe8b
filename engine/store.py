"""The archive of one device on the disk: `www/<DevNumber>/` and the agent's ledger of it in `var/`.

Files only grow at the end, by whole records. One thread writes here; a line may ask `has` meanwhile.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from threading import RLock

from engine import files, naming
from engine.dialogue import Mark
from engine.findings import Cursor
from engine.formats import archive, gaps
from engine.formats.archive import Block, Head
from engine.formats.values import read_stamp, stamp_text, value_text
from engine.ledger import Ledger, ledger_text, read_ledger
from engine.model import Record, RecType

KEPT_INDEXES = 3
"""Archive files of one device whose keys are held in memory: this month's hours, the days, the report dates."""
SMALL_FILE_LIMIT = 4 * 1024 * 1024


@dataclass
class Index:
    """What a file holds: its length, its last number, and the powered times of each stamp."""

    length: int
    last_number: int
    powered: dict[str, tuple[str, ...]]
    last_stamp: datetime | None

    def add(self, block: Block) -> None:
        """Take note of one more block."""
        self.length = block.end
        self.last_number = block.number
        if block.number:
            _, stamp, powered = archive.block_key(block)
            self.powered[stamp] = (*self.powered.get(stamp, ()), powered)
            self.last_stamp = read_stamp(stamp)


class Shelf:
    """Everything that is kept of one device. `told` gets what a person should know, in Russian.

    An `OSError` comes out of every writing method: nothing is torn then, and the same call may be made again.
    """

    def __init__(self, root: Path, dev_number: str, told: Callable[[str], None]) -> None:
        self.dev_number = dev_number
        self.unsummed = 0
        self._root = root
        self._told = told
        self._folder = root / naming.archive_folder(dev_number)
        self._ledger_path = root / naming.VAR / "meters" / f"{dev_number}.txt"
        self._removed_path = root / naming.VAR / "removed" / f"{dev_number}.txt"
        self._indexes: OrderedDict[Path, Index] = OrderedDict()
        self._unsynced: set[Path] = set()
        self._lock = RLock()
        self._removed = frozenset(_read_text(self._removed_path).split())
        self._saved = self._load_ledger()
        self.ledger = self._saved

    # --- records

    def keep(self, record: Record, head: Head) -> bool:
        """Store a record; False when it is stored already, or went by ArchiveLimit and is not wanted again."""
        path = self._path(record)
        if path.name in self._removed:
            return False
        with self._lock:
            return self._keep(path, record, head)

    def _keep(self, path: Path, record: Record, head: Head) -> bool:
        index = self._index(path)
        stamp, powered = stamp_text(record.stamp), _powered_text(record)
        seen = index.powered.get(stamp, ()) if index else ()
        if powered in seen:
            return False
        record = replace(record, repeat=len(seen) + 1)
        if index is None:
            self._begin_file(path, record, head)
        else:
            self._append(path, index, record)
        return True

    def has(self, rec_type: RecType, mark: Mark) -> bool:
        """Whether the record with this stamp and powered time is stored, or went by ArchiveLimit."""
        if mark.stamp is None:
            return False
        path = self._root / naming.archive_path(self.dev_number, rec_type, mark.stamp)
        if path.name in self._removed:
            return True
        with self._lock:
            index = self._index(path)
            seen = index.powered.get(stamp_text(mark.stamp), ()) if index else ()
        return value_text("Tall", mark.powered_h) in seen

    def is_empty(self, rec_type: RecType) -> bool:
        """Whether no record of this kind was ever stored."""
        return not self._files(rec_type) and not any(naming.archive_kind(name) is rec_type for name in self._removed)

    def last_stamp(self, rec_type: RecType) -> datetime | None:
        """Stamp of the record that was stored last in the newest file; None when there is none."""
        paths = self._files(rec_type)
        with self._lock:
            index = self._index(paths[-1]) if paths else None
        return index.last_stamp if index else None

    def sync(self) -> None:
        """Put every record and the ledger on the disk. Only after it a record counts as kept."""
        for path in tuple(self._unsynced):
            files.sync(path)
            self._unsynced.discard(path)
        if self.ledger != self._saved:
            files.write_whole(self._ledger_path, ledger_text(self.ledger).encode(), synced=True)
            self._saved = self.ledger

    def remove(self, name: str) -> None:
        """Give up a whole file (ArchiveLimit). It is remembered first: its records are never fetched or sent again."""
        path = self._folder / name
        self._removed |= {name}
        files.write_whole(self._removed_path, "\n".join(sorted(self._removed)).encode() + b"\n", synced=True)
        rec_type = naming.archive_kind(name)
        with self._lock:
            index = self._index(path) if rec_type is not RecType.EVENT else None
            self._indexes.pop(path, None)
        if index and rec_type:
            stamps = sorted(map(read_stamp, index.powered))
            self._change_gaps(lambda old: gaps.add(old, gaps.Gap(rec_type, stamps[0], stamps[-1], gaps.OVER_LIMIT)))
        files.remove(path)
        files.sync(self._folder)

    def forget_unsaved(self) -> None:
        """After a failed write: go back to what is surely on the disk. Records are known by their files."""
        with self._lock:
            self._indexes.clear()
        self.ledger = self._saved

    # --- the ledger

    def belongs_to(self, meter_number: str) -> bool:
        """Whether this archive takes records of that meter; an archive that has none yet takes it as its own."""
        if not self.ledger.meter_number:
            self.ledger = replace(self.ledger, meter_number=meter_number)
        return self.ledger.meter_number == meter_number

    def move(self, rec_type: RecType, cursor: Cursor) -> None:
        """Everything before `cursor` in the meter's ring has been dealt with."""
        self.ledger = self.ledger.moved(rec_type, cursor)

    # --- gaps

    def note_missing(self, rec_type: RecType, before: datetime, after: datetime) -> None:
        """Tell in `gaps.txt` what the meter itself has not got between two neighbouring records."""
        span = gaps.missing_between(rec_type, before, after)
        if span:
            self._change_gaps(lambda old: _under_damage(old, gaps.Gap(rec_type, *span, gaps.NOT_IN_METER)))

    def note_damaged(self, rec_type: RecType, place: int, stamp: datetime | None) -> None:
        """Tell in `gaps.txt` that a record cannot be read, and remember its place."""
        self.ledger = self.ledger.with_damaged(rec_type, {**self.ledger.damaged.get(rec_type, {}), place: stamp})
        if stamp:
            self._change_gaps(lambda old: gaps.add(old, gaps.Gap(rec_type, stamp, stamp, gaps.DAMAGED)))

    def note_healed(self, rec_type: RecType, place: int, stamp: datetime) -> None:
        """The record of this stamp was read at last."""
        left = {other: told for other, told in self.ledger.damaged.get(rec_type, {}).items() if other != place}
        self.ledger = self.ledger.with_damaged(rec_type, left)
        self._change_gaps(lambda old: gaps.remove(old, rec_type, stamp))

    def _change_gaps(self, change: Callable[[tuple[gaps.Gap, ...]], tuple[gaps.Gap, ...]]) -> None:
        path = self._root / naming.gaps_path(self.dev_number)
        old, foreign = gaps.read_gaps(_read_text(path))
        new = change(old)
        if new != old:
            files.write_whole(path, gaps.gaps_text(new, foreign).encode(), synced=True)

    # --- files

    def _path(self, record: Record) -> Path:
        return self._root / naming.archive_path(self.dev_number, record.rec_type, record.stamp)

    def _files(self, rec_type: RecType) -> list[Path]:
        names = [path for path in self._folder.glob("*.txt") if naming.archive_kind(path.name) is rec_type]
        return sorted(names)

    def _begin_file(self, path: Path, record: Record, head: Head) -> None:
        data = (archive.head_text(head) + archive.record_text(1, record)).encode()
        files.write_whole(path, data, synced=True)
        self._remember(path, _indexed(data))

    def _append(self, path: Path, index: Index, record: Record) -> None:
        number = index.last_number + 1
        text = archive.record_text(number, record)
        length = files.append_whole(path, text.encode())
        self._unsynced.add(path)
        index.add(Block(index.length, length, number, text))

    def _index(self, path: Path) -> Index | None:
        """The index of a file, None when there is no file. A tail that the power cut tore is cut off first."""
        if path not in self._indexes:
            if not path.is_file():
                return None
            index = self._read_index(path)
            if not index.length:
                files.remove(path)
                return None
            self._remember(path, index)
        self._indexes.move_to_end(path)
        return self._indexes[path]

    def _read_index(self, path: Path) -> Index:
        data = path.read_bytes()
        index = _indexed(data)
        if index.length < len(data):
            self._cut_tail(path, data, index.length)
        return index

    def _cut_tail(self, path: Path, data: bytes, length: int) -> None:
        """Records behind damage are in the meter still, or lost: its rings are looked through once more."""
        if archive.after_damage(data, length) is not None:
            self.ledger = replace(self.ledger, cursors={})
        self._told(f"{path.name}: отрезан оборванный конец, {len(data) - length} байт")
        files.cut(path, length)

    def _remember(self, path: Path, index: Index) -> None:
        self._indexes[path] = index
        while len(self._indexes) > KEPT_INDEXES:
            self._indexes.popitem(last=False)

    def _load_ledger(self) -> Ledger:
        text = _read_text(self._ledger_path)
        try:
            return read_ledger(text) if text else Ledger()
        except ValueError as error:
            self._told(f"{self._ledger_path.name}: {error}; архив прибора будет просмотрен заново")
            return Ledger()


def _indexed(data: bytes) -> Index:
    index = Index(0, 0, {}, None)
    for block in archive.blocks(data):
        index.add(block)
    return index


def _powered_text(record: Record) -> str:
    return value_text("Tall", record.systems[0].get("Tall")) if record.systems else ""


def _under_damage(old: tuple[gaps.Gap, ...], gap: gaps.Gap) -> tuple[gaps.Gap, ...]:
    """A record that is there but damaged is not one that the meter has not got."""
    new = gaps.add(old, gap)
    for damage in old:
        if damage.reason == gaps.DAMAGED:
            new = gaps.add(new, damage)
    return new


def _read_text(path: Path) -> str:
    try:
        return files.read_limited(path, SMALL_FILE_LIMIT).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""

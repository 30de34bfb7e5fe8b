"""The archive of one device on the disk: `www/<DevNumber>/` and the agent's ledger of it in `var/`.

Files only grow at the end, by whole records. One thread writes here; a line may ask `has` meanwhile.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
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
from engine.model import Entry, Event, Record, RecType

KEPT_INDEXES = 3
"""Archive files of one device whose keys are held in memory: this month's hours, the days, the report dates."""
SMALL_FILE_LIMIT = 4 * 1024 * 1024


@dataclass
class Index:
    """What a file holds: its length, its last number, and what tells apart the entries of one stamp.

    That is the powered time of a record and all that an event says. `event_date` is that of a file of events.
    """

    length: int = 0
    last_number: int = 0
    marks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    last_stamp: datetime | None = None
    event_date: str | None = None

    def add(self, block: Block) -> None:
        """Take note of one more block."""
        self.length = block.end
        self.last_number = block.number
        if not block.number:
            self.event_date = archive.read_head(block).event_date
            return
        stamp, mark = self._identity(block)
        self.marks[stamp] = (*self.marks.get(stamp, ()), mark)
        self.last_stamp = read_stamp(stamp)

    def _identity(self, block: Block) -> tuple[str, str]:
        if self.event_date is not None:
            event = archive.read_event(block, self.event_date)
            return stamp_text(event.stamp), archive.event_fields(event)
        _, stamp, powered = archive.block_key(block)
        return stamp, powered


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

    def keep(self, entry: Entry, head: Head, event_date: str = "ymd") -> bool:
        """Store a record or event; False when it is stored already, or went by ArchiveLimit and is not wanted again.

        `head` opens a new file; one of events is written with its dates in the order `event_date` from then on.
        """
        path = self._path(entry)
        if path.name in self._removed:
            return False
        with self._lock:
            index = self._index(path)
            stamp, mark = stamp_text(entry.stamp), _identity(entry)
            seen = index.marks.get(stamp, ()) if index else ()
            if mark in seen:
                return False
            if isinstance(entry, Record):
                entry = replace(entry, repeat=len(seen) + 1)
            if index is None:
                self._begin_file(path, entry, replace(head, event_date=event_date) if _is_event(entry) else head)
            else:
                self._append(path, index, entry)
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
            seen = index.marks.get(stamp_text(mark.stamp), ()) if index else ()
        return (mark.text or value_text("Tall", mark.powered_h)) in seen

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
            index = self._index(path)
            self._indexes.pop(path, None)
        if index and rec_type:
            stamps = sorted(map(read_stamp, index.marks))
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

    def _path(self, entry: Entry) -> Path:
        return self._root / naming.archive_path(self.dev_number, entry.rec_type, entry.stamp)

    def _files(self, rec_type: RecType) -> list[Path]:
        names = [path for path in self._folder.glob("*.txt") if naming.archive_kind(path.name) is rec_type]
        return sorted(names)

    def _begin_file(self, path: Path, entry: Entry, head: Head) -> None:
        data = (archive.head_text(head) + _block_text(1, entry, head.event_date)).encode()
        files.write_whole(path, data, synced=True)
        self._remember(path, _indexed(data))

    def _append(self, path: Path, index: Index, entry: Entry) -> None:
        number = index.last_number + 1
        text = _block_text(number, entry, index.event_date)
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
    index = Index()
    for block in archive.blocks(data):
        index.add(block)
    return index


def _identity(entry: Entry) -> str:
    if isinstance(entry, Event):
        return archive.event_fields(entry)
    return value_text("Tall", entry.systems[0].get("Tall")) if entry.systems else ""


def _is_event(entry: Entry) -> bool:
    return entry.rec_type is RecType.EVENT


def _block_text(number: int, entry: Entry, event_date: str | None) -> str:
    if isinstance(entry, Event):
        return archive.event_text(number, entry, event_date or "ymd")
    return archive.record_text(number, entry)


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

"""The archive of one device on the disk: `www/<DevNumber>/` and the agent's ledger of it in `var/`.

Files only grow at the end, by whole records. One thread writes here; a line may ask `has` meanwhile.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import RLock

from engine import files, naming
from engine.archive.findings import Cursor
from engine.archive.ledger import Ledger, ledger_text, read_ledger
from engine.archive.shelf_index import Index, block_text, indexed, mark_text, text_of_mark
from engine.dialogue import Mark
from engine.formats import archive, gaps
from engine.formats.archive import Block, Head
from engine.keeper.shelf_gaps import GapsFile
from engine.keeper.shelf_mending import apply, repair_of
from engine.keeper.shelf_removed import Removed
from engine.model import Entry, Record, RecType

KEPT_INDEXES = 3
"""Archive files of one device whose keys are held in memory: this month's hours, the days, the report dates."""
SMALL_FILE_LIMIT = 4 * 1024 * 1024


class Shelf:
    """Everything that is kept of one device. `told` gets what a person should know, in Russian.

    An `OSError` comes out of every writing method: nothing is torn then, and the same call may be made again.
    """

    def __init__(self, root: Path, dev_number: str, told: Callable[[str], None]) -> None:
        self.dev_number = dev_number
        self._root = root
        self._told = told
        self._folder = root / naming.archive_folder(dev_number)
        self._ledger_path = root / naming.VAR / "meters" / f"{dev_number}.txt"
        removed_path = root / naming.VAR / "removed" / f"{dev_number}.txt"
        self._damaged_folder = root / naming.VAR / "damaged" / dev_number
        self._indexes: OrderedDict[Path, Index] = OrderedDict()
        self._unsynced: set[Path] = set()
        self._adopted: set[Path] = set()
        self._lock = RLock()
        self._is_anew = False
        self._gaps = GapsFile(root / naming.gaps_path(dev_number), self._is_stored)
        self._removed = Removed(self._folder, removed_path, self._gaps.add)
        self._saved = self._load_ledger()
        self.ledger = self._saved

    # --- records

    def keep(self, entry: Entry, head: Head, event_date: str = "ymd") -> bool:
        """Store a record or event; False when it is stored already, or went by ArchiveLimit and is not wanted again.

        `head` opens a new file; one of events is written with its dates in the order `event_date` from then on.
        """
        path = self._path(entry)
        if path.name in self._removed.names:
            return False
        with self._lock:
            index = self._mended(path, head)
            is_new = not (index and index.marks.has(entry.stamp, mark_text(entry)))
            if is_new:
                is_event = entry.rec_type is RecType.EVENT
                self._put(path, index, entry, replace(head, event_date=event_date) if is_event else head)
        self._gaps.fill(entry.rec_type, entry.stamp)
        return is_new

    def has(self, rec_type: RecType, mark: Mark) -> bool:
        """Whether the entry that this mark tells is stored, or went by ArchiveLimit. For any thread."""
        if mark.stamp is None:
            return False
        path = self._root / naming.archive_path(self.dev_number, rec_type, mark.stamp)
        if path.name in self._removed.names:
            return True
        with self._lock, suppress(OSError):  # what cannot be looked at is fetched, and storing it tells why
            index = self._index(path)
            return index is not None and index.marks.has(mark.stamp, text_of_mark(mark))
        return False

    def is_empty(self, rec_type: RecType) -> bool:
        """Whether no record of this kind was ever stored."""
        return not self._files(rec_type) and rec_type not in map(naming.archive_kind, self._removed.names)

    def last_stamp(self, rec_type: RecType, before: datetime = datetime.max) -> datetime | None:
        """The latest stamp earlier than `before` of all that are stored; None when there is none."""
        for path in self._files(rec_type, before):
            with self._lock:
                index = self._index(path)
            earlier = [stamp for stamp in index.marks.stamps() if stamp < before] if index else []
            if earlier:
                return max(earlier)
        return None

    def has_stamp(self, rec_type: RecType, stamp: datetime) -> bool:
        """Whether any record of this stamp is stored, or went by ArchiveLimit."""
        path = self._root / naming.archive_path(self.dev_number, rec_type, stamp)
        return path.name in self._removed.names or self._is_stored(rec_type, stamp)

    def last_record(self, rec_type: RecType, before: datetime = datetime.max) -> Record | None:
        """Of the newest file with any that are earlier than `before` the one stored last; None when there is none."""
        for path in self._files(rec_type, before):
            for block in reversed(list(archive.blocks(path.read_bytes()))):
                with suppress(ValueError):  # one that cannot be read, or the head
                    record = archive.read_record(block)
                    if record.stamp < before:
                        return record
        return None

    def sync(self) -> None:
        """Put every record and the ledger on the disk. Only after it a record counts as kept."""
        for path in tuple(self._unsynced):
            with suppress(FileNotFoundError):  # somebody took the file away, there is nothing left to keep
                files.sync(path)
            self._unsynced.discard(path)
        self._gaps.settle()
        self._save_ledger()

    def _save_ledger(self) -> None:
        if self.ledger != self._saved:
            files.write_whole(self._ledger_path, ledger_text(self.ledger).encode(), synced=True)
            self._saved = self.ledger

    def remove(self, name: str) -> None:
        """Give up a whole file (ArchiveLimit): its records are never fetched or sent again.

        Needs no room on the disk; `settle` writes it down. One that somebody took away is not given up.
        """
        path = self._folder / name
        with self._lock:
            index = self._index(path)
            self._indexes.pop(path, None)
            self._unsynced.discard(path)
        if index:
            self._removed.give_up(name, index.marks.stamps())

    def settle(self) -> None:
        """Tell in `gaps.txt` and in `var/` what was given up. `OSError` while there is no room for it."""
        self._removed.settle()

    def forget_unsaved(self) -> None:
        """After a failed write: go back to what is surely on the disk. Records are known by their files."""
        with self._lock:
            self._indexes.clear()
        self.ledger = replace(self._saved, meter_number=self.ledger.meter_number)

    # --- the ledger

    def belongs_to(self, meter_number: str) -> bool:
        """Whether this archive takes records of that meter; an archive that has none yet takes it as its own."""
        if not self.ledger.meter_number:
            self.ledger = replace(self.ledger, meter_number=meter_number)
        return self.ledger.meter_number == meter_number

    def cursor(self, rec_type: RecType, ring: str = "") -> Cursor | None:
        """Where the last walk through the ring stopped; None when the record before it is not stored any more."""
        cursor = self.ledger.cursors.get(ring or rec_type)
        if cursor is None or cursor.mark.stamp is None or self.has(rec_type, cursor.mark):
            return cursor
        return None

    def is_anew(self) -> bool:
        """Whether the file mended last calls for a walk through the rings from their begin; told once."""
        anew, self._is_anew = self._is_anew, False
        return anew

    def move(self, rec_type: RecType, cursor: Cursor) -> None:
        """Everything before `cursor` in the meter's ring has been dealt with, unless all is looked through anew."""
        if not self._is_anew:
            self.ledger = self.ledger.moved(rec_type, cursor)

    # --- gaps

    def note_missing(self, rec_type: RecType, before: datetime, after: datetime) -> None:
        """Tell in `gaps.txt` what the meter itself has not got between two neighbouring records."""
        span = gaps.missing_between(rec_type, before, after)
        if span:
            self._gaps.add_under_damage(gaps.Gap(rec_type, *span, gaps.NOT_IN_METER))

    def note_damaged(self, rec_type: RecType, place: int, stamp: datetime | None) -> None:
        """Tell in `gaps.txt` that a record cannot be read, and remember its place."""
        self.ledger = self.ledger.with_damaged(rec_type, {**self.ledger.damaged.get(rec_type, {}), place: stamp})
        if stamp:
            self._gaps.add(gaps.Gap(rec_type, stamp, stamp, gaps.DAMAGED))

    def note_healed(self, rec_type: RecType, place: int, stamp: datetime) -> None:
        """The record of this stamp was read at last."""
        self.ledger = self.ledger.without_damaged(rec_type, place)
        self._gaps.heal(rec_type, stamp)

    def note_lost(self, rec_type: RecType, place: int, stamp: datetime) -> None:
        """The damaged record of this stamp is in the meter no more: its place can be read and holds another one."""
        self.ledger = self.ledger.without_damaged(rec_type, place)
        self._gaps.lose(rec_type, stamp)

    # --- files

    def _path(self, entry: Entry) -> Path:
        return self._root / naming.archive_path(self.dev_number, entry.rec_type, entry.stamp)

    def _files(self, rec_type: RecType, before: datetime = datetime.max) -> list[Path]:
        """The newest first. One whose name tells of a later time than `before` holds nothing earlier."""
        newest = naming.archive_path(self.dev_number, rec_type, before).rpartition("/")[2]
        kinds = (path for path in self._folder.glob("*.txt") if naming.archive_kind(path.name) is rec_type)
        return sorted((path for path in kinds if path.name <= newest), reverse=True)

    def _is_stored(self, rec_type: RecType, stamp: datetime) -> bool:
        with self._lock:
            index = self._index(self._root / naming.archive_path(self.dev_number, rec_type, stamp))
        return bool(index and index.marks.count(stamp))

    def _put(self, path: Path, index: Index | None, entry: Entry, head: Head) -> None:
        if isinstance(entry, Record):
            entry = replace(entry, repeat=1 + (index.marks.count(entry.stamp) if index else 0))
        if index is None:
            self._begin_file(path, entry, head)
        else:
            self._append(path, index, entry)

    def _begin_file(self, path: Path, entry: Entry, head: Head) -> None:
        data = (archive.head_text(head) + block_text(1, entry, head.event_date)).encode()
        files.write_whole(path, data, synced=True)
        self._remember(path, indexed(data))

    def _append(self, path: Path, index: Index, entry: Entry) -> None:
        number = index.last_number + 1
        text = block_text(number, entry, index.event_date)
        length = files.append_whole(path, text.encode())
        self._unsynced.add(path)
        index.add(Block(index.length, length, number, text))

    def _index(self, path: Path) -> Index | None:
        """What a file holds up to a torn or damaged place; None when there is no file."""
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            self._indexes.pop(path, None)
            return None
        index = self._indexes.get(path)
        if index is None or index.size != size:
            index = indexed(path.read_bytes())
            self._adopt(path)
        self._remember(path, index)
        return index

    def _mended(self, path: Path, head: Head) -> Index | None:
        """The index of a file that can be added to: damage and a tail that the power cut tore are mended first."""
        index = self._index(path)
        if index and index.length < index.size:
            self._mend(path, head)
            index = self._index(path)
        if index is None or not index.length:
            return None
        index.length = index.size  # an end of empty lines is one that was mended
        return index

    def _mend(self, path: Path, head: Head) -> None:
        """Records that the damage took may be in the meter still: its rings are looked through once more."""
        data = path.read_bytes()
        repair = repair_of(data, None if naming.archive_kind(path.name) is RecType.EVENT else head)
        aside = self._damaged_folder / path.name
        if repair.is_damage:
            files.write_whole(aside, data, synced=True)
            self.ledger, self._is_anew = replace(self.ledger, cursors={}), True
            self._save_ledger()
        if told := repair.told(path.name, str(aside.relative_to(self._root))):
            self._told(told)
        self._indexes.pop(path, None)
        apply(repair, path)

    def _adopt(self, path: Path) -> None:
        """What an earlier run appended may not be on the disk yet: it is synced before a ledger that counts on it."""
        if path not in self._adopted:
            self._adopted.add(path)
            self._unsynced.add(path)

    def _remember(self, path: Path, index: Index) -> None:
        self._indexes[path] = index
        self._indexes.move_to_end(path)
        while len(self._indexes) > KEPT_INDEXES:
            self._indexes.popitem(last=False)

    def _load_ledger(self) -> Ledger:
        try:
            text = files.read_limited(self._ledger_path, SMALL_FILE_LIMIT).decode("utf-8", "replace")
            return read_ledger(text) if text else Ledger()
        except FileNotFoundError:
            return Ledger()
        except ValueError as error:
            self._told(f"{self._ledger_path.name}: {error}; архив прибора будет просмотрен заново")
            return Ledger()

"""What a command reads of a device's archive instead of the ordinary catch-up, and what it finds (#14, #152).

Nothing stored is altered or removed, and the cursor of the catch-up stays where it is. Used by the main thread.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from engine import naming
from engine.archive.catchup import Catchup
from engine.archive.findings import Damaged, Finding, Found, Healed, Newest
from engine.archive.reread import differences
from engine.archive.shelf_index import mark_text
from engine.formats import archive
from engine.formats.archive import Block, Head
from engine.formats.values import stamp_text
from engine.keeper.shelf import Shelf
from engine.keeper.shelving import Shelved, shelve
from engine.model import Entry, Record

MOST_TOLD = 1000
"""What differs is told by so many lines, and counted beyond."""


class Errand:
    """`walks` makes the catch-up; it is made anew when the device was lost. `told` gets a line for each difference.

    `complete`: everything was read. `remaining` of `total` places have still to be looked at.
    """

    def __init__(self, root: Path, walks: Callable[[], Catchup], told: Callable[[str], None]) -> None:
        self.complete = False
        self.remaining = self.total = 0
        self.added: Counter[str] = Counter()
        self.met: Counter[str] = Counter()
        self.differing = 0
        self.damaged = 0
        self.given_up = 0
        self._root = root
        self._walks = walks
        self._told = told
        self._lines = 0
        self._path: Path | None = None
        self._blocks: dict[tuple[str, str], Block] = {}

    def begin(self) -> Catchup:
        """The catch-up, from its beginning."""
        self.met.clear()
        self.differing = self.damaged = self.given_up = 0
        return self._walks()

    def shelve(self, shelf: Shelf, finding: Finding, head: Head, event_date: str) -> Shelved:
        """Store what is missing and compare what is not. Raises OSError: then the same finding may come again."""
        if isinstance(finding, Found):
            return self._store(shelf, finding, head, event_date)
        if isinstance(finding, Damaged):
            self._note_damage(shelf, finding)
        elif isinstance(finding, Newest | Healed):
            return shelve(shelf, finding, head, event_date)
        return Shelved()

    def _store(self, shelf: Shelf, found: Found, head: Head, event_date: str) -> Shelved:
        record = found.record
        kept = shelf.keep(record, head, event_date)
        self.met[record.rec_type.value] += 1
        if kept:
            self.added[record.rec_type.value] += 1
            self._tell(f"добавлена {_name(record)}")
        elif isinstance(record, Record):
            self._compare(shelf, record)
        return Shelved(kept, found.unsummed, record if found.newest else None)

    def _compare(self, shelf: Shelf, record: Record) -> None:
        stored = self._stored(shelf, record)
        if stored is None:
            self.given_up += 1
            return
        told = list(differences(stored, record))
        if told:
            self.differing += 1
            self._tell(f"расходится {_name(record)}: {'; '.join(told)}")

    def _note_damage(self, shelf: Shelf, damage: Damaged) -> None:
        self.damaged += 1
        stamp = damage.stamp
        self._tell(f"не читается {damage.rec_type.value} {stamp_text(stamp) if stamp else '?'}: {damage.reason}")
        if stamp and not shelf.has_stamp(damage.rec_type, stamp):
            shelf.note_damaged(damage.rec_type, damage.place, stamp)

    def _stored(self, shelf: Shelf, record: Record) -> Record | None:
        """The record of the archive that this one must be. Files only grow: one that was met is there still."""
        path = self._root / naming.archive_path(shelf.dev_number, record.rec_type, record.stamp)
        key = stamp_text(record.stamp), mark_text(record)
        if path != self._path or key not in self._blocks:
            self._path, self._blocks = path, _blocks_of(path)
        with suppress(KeyError, ValueError):
            return archive.read_record(self._blocks[key])
        return None

    def _tell(self, text: str) -> None:
        self._lines += 1
        if self._lines <= MOST_TOLD:
            self._told(text)
        elif self._lines == MOST_TOLD + 1:
            self._told("дальше записи не перечисляются, только считаются")


def _name(entry: Entry) -> str:
    return f"{entry.rec_type.value} {stamp_text(entry.stamp)}"


def _blocks_of(path: Path) -> dict[tuple[str, str], Block]:
    """By stamp and powered time. Texts take a third of the memory that records would."""
    found: dict[tuple[str, str], Block] = {}
    with suppress(FileNotFoundError):
        for block in archive.blocks(path.read_bytes()):
            if block.number:
                found[archive.block_key(block)[1:]] = block
    return found

"""What an archive file holds: entries known by what tells them apart, and the text of a further one. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from engine.dialogue import Mark
from engine.formats import archive
from engine.formats.archive import Block
from engine.formats.values import read_stamp, stamp_text, value_text
from engine.model import Entry, Event


@dataclass
class Index:
    """The whole blocks of a file: their length, their last number, and the marks that each stamp has.

    A mark is the powered time of a record and all that an event says. `size` is that of the file, more than
    `length` when a torn or damaged rest follows. `event_date` is that of a file of events.
    """

    size: int = 0
    length: int = 0
    last_number: int = 0
    marks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    last_stamp: datetime | None = None
    event_date: str | None = None

    def add(self, block: Block) -> None:
        """Take note of one more block. One that is no entry of ours stays where it is and is counted, no more."""
        self.length = block.end
        self.size = max(self.size, block.end)
        self.last_number = block.number
        try:
            self._note(block)
        except ValueError:
            return

    def marks_at(self, stamp: datetime) -> tuple[str, ...]:
        """The marks of everything that bears this stamp."""
        return self.marks.get(stamp_text(stamp), ())

    def _note(self, block: Block) -> None:
        if not block.number:
            self.event_date = archive.read_head(block).event_date
            return
        stamp, mark = self._identity(block)
        self.last_stamp = read_stamp(stamp)
        self.marks[stamp] = (*self.marks.get(stamp, ()), mark)

    def _identity(self, block: Block) -> tuple[str, str]:
        if self.event_date is not None:
            event = archive.read_event(block, self.event_date)
            return stamp_text(event.stamp), archive.event_fields(event)
        _, stamp, powered = archive.block_key(block)
        return stamp, powered


def indexed(data: bytes) -> Index:
    """The index of a whole file. Without a head nothing in it is of use."""
    index = Index(size=len(data))
    for block in archive.blocks(data):
        if block.number and not index.length:
            break
        index.add(block)
    return index


def mark_text(entry: Entry) -> str:
    """What tells this entry from others with its stamp."""
    if isinstance(entry, Event):
        return archive.event_fields(entry)
    return value_text("Tall", entry.systems[0].get("Tall")) if entry.systems else ""


def text_of_mark(mark: Mark) -> str:
    """The same of a place in a meter that was only probed."""
    return mark.text or value_text("Tall", mark.powered_h)


def block_text(number: int, entry: Entry, event_date: str | None) -> str:
    """The block of an entry, its empty line included."""
    if isinstance(entry, Event):
        return archive.event_text(number, entry, event_date or "ymd")
    return archive.record_text(number, entry)

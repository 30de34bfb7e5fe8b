"""What an archive file holds: entries known by what tells them apart, and the text of a further one. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from engine.dialogue import Mark
from engine.formats import archive
from engine.formats.archive import Block
from engine.formats.values import read_stamp, stamp_text, value_text
from engine.model import Entry, Event

_END = "\0"


class Marks:
    """What tells the entries of a file apart: the stamp of each, with its mark.

    The mark of a record is its powered time, that of an event all that it says. One text holds them all: as a
    dictionary of strings a month of hours would take ten times the memory, and a search in so short a text is quick.
    """

    def __init__(self) -> None:
        self._text = bytearray(_END.encode())

    def add(self, stamp: str, mark: str) -> None:
        self._text += _line(stamp, mark)

    def has(self, stamp: datetime, mark: str) -> bool:
        """Whether there is an entry of this stamp and mark."""
        return _END.encode() + _line(stamp_text(stamp), mark) in self._text

    def count(self, stamp: datetime) -> int:
        """How many entries bear this stamp."""
        return self._text.count(f"{_END}{stamp_text(stamp)}\t".encode())

    def stamps(self) -> Iterator[datetime]:
        """The stamp of every entry."""
        return (read_stamp(line.partition("\t")[0]) for line in self._text.decode().split(_END)[1:-1])


def _line(stamp: str, mark: str) -> bytes:
    return f"{stamp}\t{mark.replace(_END, '')}{_END}".encode()


@dataclass
class Index:
    """The whole blocks of a file: their length, their last number, and the marks of their entries.

    `size` is that of the file, more than `length` when a torn or damaged rest follows. `event_date` is that of a file
    of events.
    """

    size: int = 0
    length: int = 0
    last_number: int = 0
    marks: Marks = field(default_factory=Marks)
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

    def _note(self, block: Block) -> None:
        if not block.number:
            self.event_date = archive.read_head(block).event_date
            return
        stamp, mark = self._identity(block)
        read_stamp(stamp)  # or it is no entry of ours
        self.marks.add(stamp, mark)

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

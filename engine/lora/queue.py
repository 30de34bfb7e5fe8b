"""Which records are to be sent, newest first, and the notes of those that were. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.formats.values import read_stamp


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record of a device as its archive tells it."""

    dev_number: str
    fields: tuple[tuple[str, str], ...]

    @property
    def stamp(self) -> datetime:
        return read_stamp(dict(self.fields)["DateTime"])

    @property
    def note(self) -> str:
        """What stands for it among those that were sent."""
        told = dict(self.fields)
        return ";".join((self.dev_number, told["RecType"], told["DateTime"], told.get("Rep", "1")))


def newest(records: Iterable[Waiting], count: int) -> list[Waiting]:
    """So many with the latest stamps, the latest first."""
    return sorted(records, key=lambda record: record.stamp, reverse=True)[:count] if count else []


def unsent(records: Sequence[Waiting], sent: frozenset[str]) -> list[Waiting]:
    """Those that were not sent: days before hours, the latest of every device first."""
    waiting = [record for record in records if record.note not in sent]
    return sorted(sorted(waiting, key=lambda record: record.stamp, reverse=True), key=_kind)


def _kind(record: Waiting) -> int:
    return "MDH".index(dict(record.fields)["RecType"])


def notes_text(sent: Iterable[str]) -> bytes:
    """The file of notes."""
    return "".join(f"{note}\n" for note in sorted(sent)).encode()


def read_notes(data: bytes) -> frozenset[str]:
    """The notes of a file; a torn line is none."""
    lines = data.decode("utf-8", "replace").split("\n")[:-1]
    return frozenset(line for line in lines if line.count(";") == 3)

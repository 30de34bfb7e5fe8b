"""How one device stands, for `status.txt`. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Note(StrEnum):
    """What a note is about: each is taken back by whoever made it."""

    NUMBER = "number"
    SNAPSHOT = "snapshot"
    ARCHIVE = "archive"


@dataclass
class Standing:
    """`online` is None before the first news. `caught_up`: nothing that the meter has is left to be read.

    `readings` are those that succeeded, `missed` those that did not.
    """

    online: bool | None = None
    read_at: datetime | None = None
    reason: str = ""
    failures: int = 0
    remaining: int = 0
    total: int = 0
    caught_up: bool = False
    stored: int = 0
    unsummed: int = 0
    readings: int = 0
    missed: int = 0
    doubts: Counter[str] = field(default_factory=Counter)
    notes: dict[Note, str] = field(default_factory=dict)

    @property
    def note(self) -> str:
        """What a person has to know or to mend, empty when there is nothing."""
        return "; ".join(filter(None, (self.notes.get(about) for about in Note)))

    @property
    def is_hindered(self) -> bool:
        """Whether the archive cannot go on before somebody mends something."""
        return bool(self.notes.get(Note.NUMBER) or self.notes.get(Note.ARCHIVE))

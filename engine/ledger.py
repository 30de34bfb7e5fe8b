"""What the agent remembers of one meter's archive between starts: `var/meters/<DevNumber>.txt`. Pure text.

It is a hint that saves reading: if it is lost, the meter's rings are looked through again and the archive
itself tells what is stored already. Only the number of the meter that the archive began with stands here alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from engine.dialogue import Mark
from engine.findings import Cursor
from engine.model import RecType

TITLE = "meter ledger 1"


@dataclass(frozen=True, slots=True)
class Ledger:
    """`meter_number`: whose records the archive holds. `damaged`: place -> the stamp that it should bear."""

    meter_number: str = ""
    cursors: Mapping[RecType, Cursor] = field(default_factory=dict)
    damaged: Mapping[RecType, Mapping[int, datetime | None]] = field(default_factory=dict)

    def moved(self, rec_type: RecType, cursor: Cursor) -> Ledger:
        """The ledger after everything before `cursor` has been dealt with."""
        return replace(self, cursors={**self.cursors, rec_type: cursor})

    def with_damaged(self, rec_type: RecType, places: Mapping[int, datetime | None]) -> Ledger:
        """The ledger with these places of one ring to be tried again."""
        return replace(self, damaged={**self.damaged, rec_type: dict(places)})


def ledger_text(ledger: Ledger) -> str:
    """The whole file: the title, the meter, a line for each cursor and each damaged place."""
    lines = [TITLE, f"meter;{ledger.meter_number}"]
    for rec_type, cursor in sorted(ledger.cursors.items()):
        powered = "" if cursor.mark.powered_h is None else repr(cursor.mark.powered_h)
        lines.append(f"cursor;{rec_type.value};{cursor.place};{_stamp_text(cursor.mark.stamp)};{powered}")
    for rec_type, places in sorted(ledger.damaged.items()):
        lines += [f"damaged;{rec_type.value};{place};{_stamp_text(stamp)}" for place, stamp in sorted(places.items())]
    return "\n".join(lines) + "\n"


def read_ledger(text: str) -> Ledger:
    """The ledger of a file. ValueError when it is not one: then the archive is looked through again."""
    title, *lines = text.splitlines()
    if title != TITLE:
        raise ValueError(f"not a ledger: {title[:40]!r}")
    meter_number = ""
    cursors: dict[RecType, Cursor] = {}
    damaged: dict[RecType, dict[int, datetime | None]] = {}
    for line in lines:
        kind, *parts = line.split(";")
        if kind == "meter":
            (meter_number,) = parts
        elif kind == "cursor":
            rec_type, place, stamp, powered = parts
            cursors[RecType(rec_type)] = Cursor(int(place), Mark(_stamp(stamp), float(powered) if powered else None))
        elif kind == "damaged":
            rec_type, place, stamp = parts
            damaged.setdefault(RecType(rec_type), {})[int(place)] = _stamp(stamp)
        else:
            raise ValueError(f"not a line of a ledger: {line[:40]!r}")
    return Ledger(meter_number, cursors, damaged)


def _stamp_text(stamp: datetime | None) -> str:
    return stamp.isoformat() if stamp else ""


def _stamp(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None

"""What the agent remembers of one meter's archive between starts: `var/meters/<DevNumber>.txt`. Pure text.

It is a hint that saves reading: if it is lost, the meter's rings are looked through again and the archive
itself tells what is stored already. Only the number of the meter that the archive began with stands here alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from engine.archive.findings import Cursor
from engine.dialogue import Mark
from engine.formats.values import read_stamp, stamp_text
from engine.model import RecType

TITLE = "meter ledger 1"


@dataclass(frozen=True, slots=True)
class Ledger:
    """`meter_number`: whose records the archive holds. `damaged`: place -> the stamp that it should bear.

    `cursors` are by the key of their ring: `H`, `E2`.
    """

    meter_number: str = ""
    cursors: Mapping[str, Cursor] = field(default_factory=dict)
    damaged: Mapping[RecType, Mapping[int, datetime | None]] = field(default_factory=dict)

    def moved(self, rec_type: RecType, cursor: Cursor) -> Ledger:
        """The ledger after everything before `cursor` has been dealt with."""
        return replace(self, cursors={**self.cursors, cursor.ring or rec_type.value: cursor})

    def with_damaged(self, rec_type: RecType, places: Mapping[int, datetime | None]) -> Ledger:
        """The ledger with these places of one ring to be tried again."""
        return replace(self, damaged={**self.damaged, rec_type: dict(places)})

    def without_damaged(self, rec_type: RecType, place: int) -> Ledger:
        """The ledger with this place not to be tried again."""
        places = self.damaged.get(rec_type, {})
        return self.with_damaged(rec_type, {other: stamp for other, stamp in places.items() if other != place})


def ledger_text(ledger: Ledger) -> str:
    """The whole file: the title, the meter, a line for each cursor and each damaged place."""
    lines = [TITLE, f"meter;{ledger.meter_number}"]
    for ring, cursor in sorted(ledger.cursors.items()):
        mark = cursor.mark
        powered = "" if mark.powered_h is None else repr(mark.powered_h)
        told = mark.text.replace("\n", "\t")
        lines.append(f"cursor;{ring};{cursor.place};{_stamp_text(mark.stamp)};{powered};{told}")
    for rec_type, places in sorted(ledger.damaged.items()):
        lines += [f"damaged;{rec_type.value};{place};{_stamp_text(stamp)}" for place, stamp in sorted(places.items())]
    return "\n".join(lines) + "\n"


def read_ledger(text: str) -> Ledger:
    """The ledger of a file. ValueError when it is not one: then the archive is looked through again."""
    title, *lines = text.rstrip("\n").split("\n")
    if title != TITLE:
        raise ValueError(f"not a ledger: {title[:40]!r}")
    meter_number = ""
    cursors: dict[str, Cursor] = {}
    damaged: dict[RecType, dict[int, datetime | None]] = {}
    for line in lines:
        kind, *parts = line.split(";", 5)
        if kind == "meter":
            (meter_number,) = parts
        elif kind == "cursor":
            ring, place, stamp, powered, told = parts
            mark = Mark(_stamp(stamp), float(powered) if powered else None, told.replace("\t", "\n"))
            number = ring[len(RecType(ring[:1])) :]
            cursors[ring] = Cursor(int(place), mark, ring if number and int(number) else "")
        elif kind == "damaged":
            rec_type, place, stamp = parts
            damaged.setdefault(RecType(rec_type), {})[int(place)] = _stamp(stamp)
        else:
            raise ValueError(f"not a line of a ledger: {line[:40]!r}")
    return Ledger(meter_number, cursors, damaged)


def _stamp_text(stamp: datetime | None) -> str:
    return stamp_text(stamp) if stamp else ""


def _stamp(text: str) -> datetime | None:
    return read_stamp(text) if text else None

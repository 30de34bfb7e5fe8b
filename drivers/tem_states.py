"""Events of meters of the ТЭМ family that note the word of states before and after: ТЭМ-104М, ТЭМ-104-К.

A bit that became 1 is an event that began, one that became 0 is one that ended. One record may tell
several at once: then `Code` holds all their numbers and `State` stands only when they agree. Neither
meter tells a sensor's short circuit from a break, so TK, TO, GK and GO stay empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from engine.model import Value, Values

TOO_LITTLE, TOO_MUCH, DT, FAULT, REVERSE, SETTINGS, INPUT_OUTPUT = range(1, 8)
"""`Code`: 1 to 4 as in `Err`, then reverse flow, changed settings, inputs and outputs."""

POWER = "ПИТ"
"""`SYS` of an event of power, in the manual's word."""

EPOCH = datetime(1970, 1, 1)
FIRST_YEAR, LAST_YEAR = 2000, 2099
"""What two digits of a year can tell; any other stamp is damaged."""


class Kind(Enum):
    """What a bit says: that something lasts, that it is over, that it happened at once, or one knows not which."""

    LASTS = "lasts"
    IS_OVER = "is over"
    AT_ONCE = "at once"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Bit:
    """One bit of a word of states. `channel` is the flow channel of its system, "" for none."""

    mask: int
    code: int
    text: str
    channel: str = ""
    sys: str = ""
    kind: Kind = Kind.LASTS


def event_values(before: int, after: int, bits: tuple[Bit, ...], system: int) -> Values:
    """The keys of an event of `system`, 0 for the device."""
    changed = [bit for bit in bits if (before ^ after) & bit.mask]
    values: dict[str, Value] = {}
    if flow := "".join(sorted({bit.channel for bit in changed})):
        values["Flow"] = flow
    if sys := "".join(sorted({bit.sys for bit in changed})):
        values["SYS"] = sys
    values["Sys"] = system
    if codes := "".join(sorted({str(bit.code) for bit in changed})):
        values["Code"] = int(codes)
    states = {_state(bit, after) for bit in changed}
    if len(states) == 1 and None not in states:
        values["State"] = states.pop()
    return {**values, "Source": "meter", "Text": _text(before, after, bits)}


def _text(before: int, after: int, bits: tuple[Bit, ...]) -> str:
    turned = before ^ after
    parts = [_told(bit, after) for bit in bits if turned & bit.mask]
    unknown = turned & ~sum(bit.mask for bit in bits)
    if unknown:
        parts.append(f"неизвестный признак {unknown:X}h: стало {after & unknown:X}h")
    return "; ".join(dict.fromkeys(parts)) or f"без изменений, состояние {after:X}h"


def _state(bit: Bit, after: int) -> int | None:
    if bit.kind is Kind.UNCLEAR:
        return None
    return int(bool(after & bit.mask) ^ (bit.kind is Kind.IS_OVER))


def _told(bit: Bit, after: int) -> str:
    state = _state(bit, after)
    if state is None:
        return f"{bit.text} (признак стал {int(bool(after & bit.mask))})"
    if bit.kind is Kind.AT_ONCE:
        return bit.text if state else f"{bit.text} (признак снят)"
    return f"{bit.text} ({'начало' if state else 'конец'})"


def unix_stamp(seconds: int) -> datetime | None:
    """The moment of a Unix stamp as the meter's own clock showed it; None outside 2000 to 2099."""
    stamp = EPOCH + timedelta(seconds=seconds)
    return stamp if FIRST_YEAR <= stamp.year <= LAST_YEAR else None

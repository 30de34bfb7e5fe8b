"""`www/<DevNumber>/gaps.txt`: what the archive has not got and why (formats guide, section 6).

One line a span: `RecType;first;last;reason`, both stamps as `DateTime` of a record, both missing.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from engine.formats.values import clean, read_stamp, stamp_text
from engine.model import RecType

NOT_IN_METER = "нет в приборе"
DAMAGED = "повреждена"
OVER_LIMIT = "удалено по ArchiveLimit"

_ORDER = tuple(RecType)
_STEP = {RecType.HOUR: timedelta(hours=1), RecType.DAY: timedelta(days=1), RecType.EVENT: timedelta(seconds=1)}


@dataclass(frozen=True, slots=True)
class Gap:
    """Records of one archive from `first` to `last`, both among the missing."""

    rec_type: RecType
    first: datetime
    last: datetime
    reason: str


def gaps_text(gaps: Iterable[Gap], foreign: Iterable[str] = ()) -> str:
    """The whole file; `foreign` are lines that `read_gaps` did not understand."""
    lines = [f"{gap.rec_type.value};{stamp_text(gap.first)};{stamp_text(gap.last)};{clean(gap.reason)}" for gap in gaps]
    return "".join(f"{line}\n" for line in (*lines, *foreign))


def read_gaps(text: str) -> tuple[tuple[Gap, ...], tuple[str, ...]]:
    """The gaps of a file, and its lines that tell none: they are kept, not swallowed."""
    gaps: list[Gap] = []
    foreign: list[str] = []
    for line in text.split("\n"):
        if not line.strip():
            continue
        try:
            gaps.append(_read_gap(line))
        except ValueError:
            foreign.append(line)
    return tuple(gaps), tuple(foreign)


def add(gaps: Iterable[Gap], gap: Gap) -> tuple[Gap, ...]:
    """`gaps` and one more. Where another reason stood for the same stamps the new one replaces it."""
    kept = [part for old in gaps for part in _outside(old, gap)]
    return _merged([*kept, gap])


def remove(gaps: tuple[Gap, ...], rec_type: RecType, stamp: datetime) -> tuple[Gap, ...]:
    """`gaps` without one stamp, because its record was read at last."""
    return remove_all(gaps, [(rec_type, stamp)])


def remove_all(gaps: tuple[Gap, ...], stored: Collection[tuple[RecType, datetime]]) -> tuple[Gap, ...]:
    """`gaps` without the stamps of all these records."""
    left = list(gaps)
    for rec_type, stamp in stored:
        got = Gap(rec_type, stamp, stamp, "")
        left = [part for old in left for part in _outside(old, got)]
    return _merged(left) if stored else gaps


def add_under_damage(gaps: tuple[Gap, ...], gap: Gap) -> tuple[Gap, ...]:
    """`gaps` and one more that replaces no damage: what is there but damaged is not what the meter has not got."""
    new = add(gaps, gap)
    for damage in gaps:
        if damage.reason == DAMAGED:
            new = add(new, damage)
    return new


def lose(gaps: tuple[Gap, ...], rec_type: RecType, stamp: datetime) -> tuple[Gap, ...]:
    """`gaps` after a damaged record was written over in the meter: it is missing still, for another reason."""
    told = (gap for gap in gaps if gap.rec_type is rec_type and gap.first <= stamp <= gap.last)
    if any(gap.reason == DAMAGED for gap in told):
        return add(gaps, Gap(rec_type, stamp, stamp, NOT_IN_METER))
    return gaps


def stamp_after(rec_type: RecType, stamp: datetime, steps: int = 1) -> datetime:
    """The stamp that many steps further: hours, days, months (on the last day of a shorter one), seconds for events."""
    if rec_type is not RecType.MONTH:
        return stamp + steps * _STEP[rec_type]
    year, month = divmod(stamp.year * 12 + stamp.month - 1 + steps, 12)
    return stamp.replace(year=year, month=month + 1, day=min(stamp.day, monthrange(year, month + 1)[1]))


def missing_between(rec_type: RecType, before: datetime, after: datetime) -> tuple[datetime, datetime] | None:
    """First and last stamp that should stand between two neighbours; None when nothing is missing.

    Steps are an hour, a day at the same hour, a month on the same day (or the last of a shorter month).
    Events have no step, and after a clock that was set back nothing can be said.
    """
    if rec_type is RecType.EVENT or after <= before:
        return None
    count = _steps_below(rec_type, before, after)
    return (stamp_after(rec_type, before, 1), stamp_after(rec_type, before, count)) if count else None


def _read_gap(line: str) -> Gap:
    rec_type, first, last, reason = line.rstrip("\r").split(";", 3)
    gap = Gap(RecType(rec_type), read_stamp(first), read_stamp(last), reason)
    if gap.last < gap.first:
        raise ValueError("a gap that ends before it begins")
    return gap


def _outside(old: Gap, cut: Gap) -> list[Gap]:
    """What is left of `old`, in steps counted from its first stamp."""
    if old.rec_type is not cut.rec_type or old.last < cut.first or cut.last < old.first:
        return [old]
    parts = []
    if old.first < cut.first:
        steps = _steps_below(old.rec_type, old.first, cut.first)
        parts.append(replace(old, last=stamp_after(old.rec_type, old.first, steps)))
    if cut.last < old.last:
        steps = _steps_below(old.rec_type, old.first, cut.last + timedelta(seconds=1)) + 1
        parts.append(replace(old, first=min(stamp_after(old.rec_type, old.first, steps), old.last)))
    return parts


def _merged(gaps: list[Gap]) -> tuple[Gap, ...]:
    """Sorted, and spans of one reason that touch made one."""
    done: list[Gap] = []
    for gap in sorted(gaps, key=lambda gap: (_ORDER.index(gap.rec_type), gap.reason, gap.first)):
        if done and _touch(done[-1], gap):
            done[-1] = replace(done[-1], last=max(done[-1].last, gap.last))
        else:
            done.append(gap)
    return tuple(sorted(done, key=lambda gap: (_ORDER.index(gap.rec_type), gap.first, gap.reason)))


def _touch(left: Gap, right: Gap) -> bool:
    same = left.rec_type is right.rec_type and left.reason == right.reason
    return same and right.first <= stamp_after(left.rec_type, left.last, 1)


def _steps_below(rec_type: RecType, anchor: datetime, end: datetime) -> int:
    """How many steps after `anchor` still come before `end`; negative when `end` is not after `anchor`."""
    if rec_type is not RecType.MONTH:
        return -((anchor - end) // _STEP[rec_type]) - 1
    steps = (end.year - anchor.year) * 12 + end.month - anchor.month
    return steps if stamp_after(rec_type, anchor, steps) < end else steps - 1

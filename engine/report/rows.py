"""Rows of a statement from the records of an archive (formats guide, section 8).

A row bears the day or hour that it covers: the stamp minus one second. Amounts are differences of running totals
between records, whatever lies between them; a day without a record is a row without values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from engine.model import Record, RecType, Value, Values

COUNTERS = ("Q1", "Q2", "M1", "M2", "V1", "V2", "Tall", "Tgood", "Tmin", "Tmax", "Tdt", "Terr")
"""Running totals, whose differences are amounts."""

_TIMES = ("Tall", "Tgood")
_FLOWS = ("M1", "M2", "V1", "V2")
_NOISE_DECIMALS = 6
"""Files tell three decimals: what stands further behind a difference is the noise of binary fractions."""


@dataclass(frozen=True, slots=True)
class Period:
    """What a statement covers: from the begin of `first` to the end of the day or hour that begins at `last`."""

    kind: RecType
    first: datetime
    last: datetime

    @property
    def step(self) -> timedelta:
        return timedelta(hours=1) if self.kind is RecType.HOUR else timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Row:
    """One day or hour. `values` are what its closing record says, empty when there is none.

    `amounts` holds growth by the key of its counter (`Q1` in Gcal, `M1` in t, `Tgood` in hours), for `steps` days
    or hours that end with this one: more than 1 after missing ones, 0 when nothing is known to count from. `restarted`:
    the counters began anew.
    """

    begin: datetime
    values: Values = field(default_factory=dict)
    amounts: Mapping[str, float] = field(default_factory=dict)
    steps: int = 0
    restarted: bool = False

    @property
    def is_missing(self) -> bool:
        return not self.values


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of a period without a hole, and the totals that stood at its begin, empty when not known."""

    period: Period
    rows: tuple[Row, ...]
    before: Values


def covered(stamp: datetime, kind: RecType) -> datetime:
    """The begin of the day or hour that a record of this stamp covers."""
    inside = stamp - timedelta(seconds=1)
    if kind is RecType.HOUR:
        return inside.replace(minute=0, second=0, microsecond=0)
    return inside.replace(hour=0, minute=0, second=0, microsecond=0)


def rows_of(records: Iterable[Record], system: int, period: Period) -> Rows:
    """The rows of one system, counted from 1, from records in any order: of two of one day the later closes it."""
    closing: dict[datetime, Record] = {}
    before: Record | None = None
    for record in records:
        if record.rec_type is not period.kind or not _values(record, system):
            continue
        begin = covered(record.stamp, period.kind)
        if begin < period.first:
            before = _later(before, record)
        elif begin <= period.last:
            closing[begin] = _later(closing.get(begin), _slim(record, system))
    return _filled(closing, before, system, period)


def _filled(closing: Mapping[datetime, Record], before: Record | None, system: int, period: Period) -> Rows:
    start = _values(before, system) if before else {}
    last, last_begin = start, covered(before.stamp, period.kind) if before else None
    rows: list[Row] = []
    begin = period.first
    while begin <= period.last:
        record = closing.get(begin)
        if record is None:
            rows.append(Row(begin))
        else:
            values = record.systems[0]
            rows.append(_row(begin, values, last, last_begin, period.step))
            last, last_begin = values, begin
        begin += period.step
    return Rows(period, tuple(rows), start)


def _row(begin: datetime, values: Values, last: Values, last_begin: datetime | None, step: timedelta) -> Row:
    if last_begin is None:
        return Row(begin, values)
    if _began_anew(values, last):
        return Row(begin, values, restarted=True)
    grown = ((key, _growth(_number(values.get(key)), _number(last.get(key)))) for key in COUNTERS)
    amounts = {key: growth for key, growth in grown if growth is not None}
    return Row(begin, values, amounts, round((begin - last_begin) / step))


def _growth(now: float | None, then: float | None) -> float | None:
    return None if now is None or then is None else round(now - then, _NOISE_DECIMALS)


def _began_anew(values: Values, last: Values) -> bool:
    """Time counters only grow. Where a meter has none, masses and volumes tell."""
    timed = [key for key in _TIMES if _number(values.get(key)) is not None and _number(last.get(key)) is not None]
    return any(_is_less(values.get(key), last.get(key)) for key in timed or _FLOWS)


def _is_less(now: Value, then: Value) -> bool:
    first, second = _number(now), _number(then)
    return first is not None and second is not None and first < second


def _number(value: Value) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _values(record: Record, system: int) -> Values:
    return record.systems[system - 1] if system <= len(record.systems) else {}


def _slim(record: Record, system: int) -> Record:
    """A year of hours is held in memory: of one system, and without the growth that the meter's neighbour gave."""
    values = {key: value for key, value in _values(record, system).items() if key[0] != "d"}
    return Record(record.rec_type, record.stamp, (values,), record.repeat)


def _later(one: Record | None, other: Record) -> Record:
    """Of the same stamp the one that was stored as its repetition."""
    return other if one is None or (other.stamp, other.repeat) >= (one.stamp, one.repeat) else one

"""Rows of a statement from the records of an archive (formats guide, section 8).

A row bears the day or hour that it covers: the stamp minus one second. Amounts are differences of running totals
between records, whatever lies between them; a day without a record is a row without values. A counter that a record
does not know is carried by itself: its next amount counts from where it was known last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from engine.model import Record, RecType, Value, Values

COUNTERS = ("Q1", "Q2", "M1", "M2", "V1", "V2", "Tall", "Tgood", "Tmin", "Tmax", "Tdt", "Terr")
"""Running totals, whose differences are amounts."""
TOGETHER: tuple[tuple[str, ...], ...] = (("M1", "M2"), ("Q1", "M1", "M2"), ("Tall", "Tgood"))
"""Counters whose amounts are set against each other: that must be the growth of one and the same time."""

_ALONE = tuple((key,) for key in COUNTERS)

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
    or hours that end with this one: more than 1 after missing ones, 0 when nothing is known to count from. `longer`:
    the days or hours of a counter that was not known in the record before. `restarted`: the counters began anew.
    """

    begin: datetime
    values: Values = field(default_factory=dict)
    amounts: Mapping[str, float] = field(default_factory=dict)
    steps: int = 0
    restarted: bool = False
    longer: Mapping[str, int] = field(default_factory=dict)
    jointly: Mapping[tuple[str, ...], Mapping[str, float]] = field(default_factory=dict)

    @property
    def is_missing(self) -> bool:
        return not self.values

    def span(self, key: str) -> int:
        """How many days or hours the amount of this counter is for."""
        return self.longer.get(key, self.steps)

    def together(self, *keys: str) -> list[float | None]:
        """Amounts of one of `TOGETHER`, of one and the same time; None where one is not known for it."""
        alike = self.amounts if len({self.span(key) for key in keys}) == 1 else {}
        grown = self.jointly.get(keys, alike)
        return [grown.get(key) for key in keys]


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
    for record in records:
        if record.rec_type is not period.kind or not _values(record, system):
            continue
        begin = covered(record.stamp, period.kind)
        if begin <= period.last:
            closing[begin] = _later(closing.get(begin), _slim(record, system))
    return _filled(closing, period)


def _filled(closing: Mapping[datetime, Record], period: Period) -> Rows:
    last = _Last()
    for begin in sorted(begin for begin in closing if begin < period.first):
        last.take(begin, closing[begin].systems[0])
    start = dict(last.values)
    rows: list[Row] = []
    begin = period.first
    while begin <= period.last:
        if begin in closing:
            values = closing[begin].systems[0]
            rows.append(_row(begin, values, last, period.step))
            last.take(begin, values)
        else:
            rows.append(Row(begin))
        begin += period.step
    return Rows(period, tuple(rows), start)


class _Last:
    """What was known last: `values` of each key; `told`: of counters, the record that knew them, all of a group."""

    def __init__(self) -> None:
        self.begin: datetime | None = None
        self.values: dict[str, Value] = {}
        self.told: dict[tuple[str, ...], tuple[datetime, Values]] = {}

    def take(self, begin: datetime, values: Values) -> None:
        """Nothing counts from before the counters began anew."""
        if _began_anew(values, self.values):
            self.values, self.told = {}, {}
        self.begin = begin
        self.values |= {key: value for key, value in values.items() if value is not None or key not in self.values}
        for group in (*_ALONE, *TOGETHER):
            if all(_number(values.get(key)) is not None for key in group):
                self.told[group] = (begin, values)


def _row(begin: datetime, values: Values, last: _Last, step: timedelta) -> Row:
    if last.begin is None:
        return Row(begin, values)
    if _began_anew(values, last.values):
        return Row(begin, values, restarted=True)
    steps = round((begin - last.begin) / step)
    spans = {group: round((begin - since) / step) for group, (since, _) in last.told.items()}
    grown = {group: _grown(group, values, then) for group, (_, then) in last.told.items()}
    amounts = {key: number for group in _ALONE for key, number in grown.get(group, {}).items()}
    longer = {key: spans[key,] for key in amounts if spans[key,] != steps}
    jointly = {group: grown[group] for group in TOGETHER if spans.get(group, steps) != steps}
    return Row(begin, values, amounts, steps, longer=longer, jointly=jointly)


def _grown(group: tuple[str, ...], now: Values, then: Values) -> dict[str, float]:
    """The growth of all of a group; empty when one of them is not known."""
    pairs = [(key, _number(now.get(key)), _number(then.get(key))) for key in group]
    grown = {key: round(new - old, _NOISE_DECIMALS) for key, new, old in pairs if new is not None and old is not None}
    return grown if len(grown) == len(group) else {}


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

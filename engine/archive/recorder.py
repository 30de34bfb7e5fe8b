"""Hour and day records made out of readings, for a device that has running totals but no archive. Pure.

A record bears the end of its period by the agent's clock. Its totals are those of the first reading at or after
that moment, if it comes soon enough; else the record is missing. Temperatures and pressures are the mean of the
readings in the period. An hour that comes twice when clocks are set back in autumn is recorded once.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from engine.formats.values import stamp_fits
from engine.model import Reading, Record, RecType, Value, Values

LATEST_S = 600.0
"""A reading so long after the full hour, or two poll intervals, still tells the totals of that hour."""
PERIODS = {RecType.HOUR: timedelta(hours=1), RecType.DAY: timedelta(days=1)}

_TOTAL = re.compile(r"[QMV][1-9]|Tall|Tgood|Tmin|Tmax|Tdt|Terr")
_MEASURED = re.compile(r"[TP][1-9]")


@dataclass
class _Mean:
    sum: float = 0.0
    count: int = 0

    def add(self, value: float) -> None:
        self.sum += value
        self.count += 1

    @property
    def value(self) -> float | None:
        return self.sum / self.count if self.count else None


@dataclass
class _Period:
    """What was read since `begin`: means by system, counted from 0, and key."""

    begin: datetime
    means: dict[tuple[int, str], _Mean] = field(default_factory=dict)


class Recorder:
    """Records of one device. `extra_totals` are keys of running totals that the manual has not got."""

    def __init__(self, extra_totals: frozenset[str] = frozenset()) -> None:
        self._extra_totals = extra_totals
        self._periods: dict[RecType, _Period] = {}

    def is_total(self, key: str) -> bool:
        """Whether the values of this key run."""
        return key in self._extra_totals or _TOTAL.fullmatch(key) is not None

    def take(self, reading: Reading, at: datetime, interval_s: float) -> tuple[Record, ...]:
        """The records that a reading completes. `at` is local time; the device is read every `interval_s`."""
        moment = at.replace(tzinfo=None)
        made = [self._take(rec_type, reading, moment, interval_s) for rec_type in PERIODS]
        return tuple(record for record in made if record is not None)

    def _take(self, rec_type: RecType, reading: Reading, moment: datetime, interval_s: float) -> Record | None:
        begin = _begin(rec_type, moment)
        before = self._periods.get(rec_type)
        record = None
        if before is None or before.begin != begin:
            self._periods[rec_type] = _Period(begin)
            soon = (moment - begin).total_seconds() <= max(LATEST_S, 2 * interval_s)
            if soon and (before is None or before.begin < begin):
                whole = before is not None and begin - before.begin == PERIODS[rec_type]
                record = self._record(rec_type, begin, reading, before if whole else None)
        _add(self._periods[rec_type], reading)
        return record

    def _record(self, rec_type: RecType, stamp: datetime, reading: Reading, period: _Period | None) -> Record | None:
        """None when nothing is known that a record could tell."""
        means = period.means if period else {}
        systems = tuple(self._values(number, values, means) for number, values in enumerate(reading.systems))
        known = any(value is not None for values in systems for value in values.values())
        return Record(rec_type, stamp, systems) if known and stamp_fits(stamp) else None

    def _values(self, number: int, values: Values, means: dict[tuple[int, str], _Mean]) -> Values:
        own: dict[str, Value] = {key: value for key, value in values.items() if self.is_total(key)}
        nothing = _Mean()
        return own | {key: means.get((number, key), nothing).value for key in values if _MEASURED.fullmatch(key)}


def _begin(rec_type: RecType, moment: datetime) -> datetime:
    """The last boundary at or before a moment: full hour, or midnight."""
    hour = moment.hour if rec_type is RecType.HOUR else 0
    return moment.replace(hour=hour, minute=0, second=0, microsecond=0)


def _add(period: _Period, reading: Reading) -> None:
    for number, values in enumerate(reading.systems):
        for key, value in values.items():
            if _MEASURED.fullmatch(key) and isinstance(value, int | float) and math.isfinite(value):
                period.means.setdefault((number, key), _Mean()).add(value)

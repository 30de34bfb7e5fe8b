"""What follows from two neighbouring values of a running counter: growth in a period, and active errors."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from decimal import ROUND_HALF_UP, Context, Decimal

from engine.model import Entry, Event, Reading, Record, Value, Values

TOTALS = ("Q1", "M1", "V1", "Q2", "M2", "V2", "Tall", "Tgood", "Tmin", "Tmax", "Tdt", "Terr")
"""Keys of a record that run (manual 11.4); each has its growth under the key with `d` before it."""

ERROR_COUNTERS = (("Tmin", "1"), ("Tmax", "2"), ("Tdt", "3"), ("Terr", "4"))
"""Time counter of an error -> the manual's number of that error (9, result table)."""

_STEP = Decimal("0.001")
_EXACT = Context(prec=400, rounding=ROUND_HALF_UP)
"""Every finite float fits: one absurd total must not stop an archive."""


def with_growth(entry: Entry, before: Entry | None, totals: Iterable[str] = TOTALS) -> Entry:
    """The entry with the growth of each of `totals` since the one before it in the meter; None: unknown.

    An event has no totals. Growth is taken between the totals as they are printed, so that neighbouring
    records of a file always add up, whether or not the agent was restarted between them.
    """
    if isinstance(entry, Event):
        return entry
    earlier: tuple[Values, ...] = before.systems if isinstance(before, Record) else ()
    systems = tuple(
        {**values, **_growths(values, earlier[number] if number < len(earlier) else {}, totals)}
        for number, values in enumerate(entry.systems)
    )
    return replace(entry, systems=systems)


def _growths(values: Values, earlier: Values, totals: Iterable[str]) -> Values:
    return {f"d{key}": _difference(values[key], earlier.get(key)) for key in totals if key in values}


def _difference(now: Value, before: Value) -> float | None:
    if not isinstance(now, int | float) or not isinstance(before, int | float):
        return None
    if not math.isfinite(now) or not math.isfinite(before):
        return None
    return float(_EXACT.subtract(_printed(now), _printed(before)))


def _printed(value: float) -> Decimal:
    return Decimal(repr(value)).quantize(_STEP, context=_EXACT)


def with_errors(reading: Reading, before: Reading | None) -> Reading:
    """The reading with `Err` for each system whose meter tells none: errors whose time counter grew.

    Before there are two readings of the same device nothing is known: None.
    """
    known = before is not None and before.meter_number == reading.meter_number
    earlier: tuple[Values, ...] = before.systems if before is not None and known else ()
    systems = tuple(
        values if "Err" in values else {**values, "Err": _active(values, earlier[number : number + 1])}
        for number, values in enumerate(reading.systems)
    )
    return replace(reading, systems=systems)


def _active(values: Values, earlier: tuple[Values, ...]) -> str | None:
    """Errors whose counter grew; "0" only if every counter is known to stand still."""
    counters = [(key, digit) for key, digit in ERROR_COUNTERS if key in values]
    if not earlier or not counters:
        return None
    growth = {digit: _difference(values[key], earlier[0].get(key)) for key, digit in counters}
    grown = "".join(digit for digit, hours in growth.items() if hours is not None and hours > 0)
    return grown or (None if None in growth.values() else "0")

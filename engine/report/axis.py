"""Where a graph's lines and labels go, in numbers from 0 to 1: nothing of paper or pixels here."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count, groupby
from typing import NamedTuple

from engine.model import RecType

TICKS = 5
LABELS_MOST = 16
MARKS_MOST = 62
"""With more points than that, marks would run into each other."""

_HOUR, _YEAR = timedelta(hours=1), timedelta(days=366)
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


class Scale(NamedTuple):
    """`ticks` in rising order, the first and the last at the ends of the axis."""

    ticks: tuple[float, ...]
    decimals: int

    def place(self, value: float) -> float:
        return (value - self.ticks[0]) / (self.ticks[-1] - self.ticks[0])


def scale_of(points: Sequence[float]) -> Scale:
    """Round numbers that hold all points between them."""
    low, high = min(points), max(points)
    if high - low < 1e-9:
        low, high = low - 1.0, high + 1.0
    step = _round_step((high - low) / TICKS)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9) + (1 if _mantissa(step) == 2.5 else 0))
    return Scale(tuple(round(number * step, 9) for number in range(first, last + 1)), decimals)


def strokes(points: Sequence[float | None], scale: Scale) -> Iterator[list[tuple[float, float]]]:
    """Unbroken pieces of a curve: a missing point is a hole, not a line across it."""
    width = max(1, len(points) - 1)
    numbered = ((number, point) for number, point in enumerate(points))
    for known, piece in groupby(numbered, lambda pair: pair[1] is not None):
        if known:
            yield [(number / width, scale.place(point)) for number, point in piece if point is not None]


def labels(begins: Sequence[datetime], kind: RecType) -> list[tuple[int, str]]:
    """Which places are named under the axis, and how: hours at round ones, whole days at midnight."""
    step = next(step for step in _label_steps(kind) if len(begins) <= step * LABELS_MOST)
    places = range(0, len(begins), step)
    if kind is not RecType.HOUR:
        shape = "%m.%Y" if kind is RecType.MONTH else _day_shape(begins)
        return [(place, begins[place].strftime(shape)) for place in places]
    hours = ((place, begins[place]) for place in range(len(begins)))
    midnight = begins[0].replace(hour=0)
    named = [(place, begin) for place, begin in hours if round((begin - midnight) / _HOUR) % step == 0]
    return [(place, begin.strftime("%d.%m" if begin.hour == 0 else "%H:00")) for place, begin in named]


def _label_steps(kind: RecType) -> Iterator[int]:
    if kind is RecType.HOUR:
        yield from (1, 2, 3, 6, 12)
        yield from (24 * days for days in count(1))
    elif kind is RecType.MONTH:
        yield from (1, 2, 3, 6)
        yield from (12 * years for years in count(1))
    else:
        yield from count(1)


def _day_shape(begins: Sequence[datetime]) -> str:
    return "%d.%m" if begins[-1] - begins[0] < _YEAR else "%d.%m.%y"


def _round_step(rough: float) -> float:
    power: float = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in _STEPS if step * power >= rough * (1 - 1e-9))


def _mantissa(step: float) -> float:
    return round(step / 10.0 ** math.floor(math.log10(step) + 1e-9), 6)

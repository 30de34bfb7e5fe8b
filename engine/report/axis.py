"""Where a graph's lines and labels go, in numbers from 0 to 1: nothing of paper or pixels here."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

TICKS = 5
LABELS_MOST = 16
MARKS_MOST = 62
"""With more points than that, marks would run into each other."""

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


def labelled(count: int) -> range:
    """Which of so many rows are named under the axis."""
    return range(0, count, max(1, math.ceil(count / LABELS_MOST)))


def _round_step(rough: float) -> float:
    power: float = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in _STEPS if step * power >= rough * (1 - 1e-9))


def _mantissa(step: float) -> float:
    return round(step / 10.0 ** math.floor(math.log10(step) + 1e-9), 6)

"""Forecast (#11): a temperature that will cross its limit within an hour if it goes on as it does now. Pure.

A straight line is laid through the readings of the last half hour by least squares. It says something when there are
enough readings over a long enough time, and the line fell by more than readings scatter.
"""

from __future__ import annotations

from collections import deque

from engine.alert.change import Sight, Subject, What

WINDOW_S = 1800.0
SHORTEST_S = 600.0
POINTS_LEAST = 5
POINTS_MOST = 60
FALL_LEAST_C = 0.5
AHEAD_S = 3600.0
CALM_S = 7200.0
"""The warning ends when the limit is farther away than this."""


class Trend:
    """Readings of one temperature. `at_s` is monotonic."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, float]] = deque(maxlen=POINTS_MOST)

    def add(self, at_s: float, value: float) -> None:
        """A reading; those that come closer than the window can hold are left out."""
        if not self._points or at_s - self._points[-1][0] >= WINDOW_S / POINTS_MOST:
            self._points.append((at_s, value))
        while at_s - self._points[0][0] > WINDOW_S:
            self._points.popleft()

    def slope(self) -> float | None:
        """°C per second, by least squares; None when nothing can be said."""
        span_s = self._points[-1][0] - self._points[0][0] if self._points else 0.0
        if len(self._points) < POINTS_LEAST or span_s < SHORTEST_S:
            return None
        count = len(self._points)
        mean_s = sum(at for at, _ in self._points) / count
        mean = sum(value for _, value in self._points) / count
        spread = sum((at - mean_s) ** 2 for at, _ in self._points)
        return sum((at - mean_s) * (value - mean) for at, value in self._points) / spread

    def fell(self) -> bool:
        """Whether the line fell by more than readings scatter."""
        slope = self.slope()
        return slope is not None and -slope * (self._points[-1][0] - self._points[0][0]) >= FALL_LEAST_C


def forecast_sight(subject: Subject, trend: Trend, value: float, least: float, *, warned: bool) -> Sight | None:
    """What the trend of a temperature says of its limit; None when nothing can be said. `subject.what` is FORECAST."""
    assert subject.what is What.FORECAST
    slope = trend.slope()
    if slope is None:
        return None
    left_s = (value - least) / -slope if slope < 0 else float("inf")
    if value >= least and left_s <= (CALM_S if warned else AHEAD_S) and trend.fell():
        return Sight(subject, "1", False, _warning_text(subject, value, least, slope, left_s))
    text = f"система {subject.system}: {subject.place} {value:.2f} °C, прогноз снят, контрольная {least:.2f} °C"
    return Sight(subject, "0", True, text)


def _warning_text(subject: Subject, value: float, least: float, slope: float, left_s: float) -> str:
    return (
        f"система {subject.system}: прогноз: {subject.place} сейчас {value:.2f} °C, снижается на "
        f"{-slope * 3600:.1f} °C/ч; если так продолжится, через {max(1.0, left_s / 60):.0f} мин будет ниже контрольной "
        f"{least:.2f} °C"
    )

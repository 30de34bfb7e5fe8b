"""The law: proportional-integral in the velocity form, tuned by what is known of the plant.

Each step adds to the output instead of computing it anew, so there is no sum that could wind up behind a limit, and
whoever set the output before (a person, an earlier run) is followed without a bump. The proportional part sees the
measurement only: a new setpoint does not kick the valve.

Tuning is lambda tuning (Rivera, Morari, Skogestad 1986; Skogestad's rule for the integral time, 2003): the loop is
made `CAUTION` times slower than all that delays it, so one setting bears a plant whose gain and dead time vary by 3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

CAUTION = 4.0
LONGEST_INTEGRAL = 4.0
"""Of a slow plant the integral time is bounded to so many closed-loop times: else a disturbance stays for hours."""


@dataclass(frozen=True, slots=True)
class Plant:
    """What is regulated: how much the measurement changes for 1 of output (negative: it falls), lag and dead time."""

    response: float
    lag_s: float
    delay_s: float


@dataclass(frozen=True, slots=True)
class Bounds:
    """What no output ever exceeds, and how much it may change in a second."""

    low: float
    high: float
    rate_per_s: float

    def clamped(self, value: float) -> float:
        return min(max(value, self.low), self.high)


@dataclass(frozen=True, slots=True)
class Tuning:
    """`gain` is output for 1 of measurement, `integral_s` the integral time."""

    gain: float
    integral_s: float


@dataclass(frozen=True, slots=True)
class State:
    """The output, and the measurement that it was computed by; None: none yet, so the next one is no change."""

    output: float
    measured: float | None = None


def tuning(plant: Plant, step_s: float) -> Tuning:
    """For steps that are so far apart: what is seen late is answered gently."""
    late_s = plant.delay_s + step_s
    closed_s = CAUTION * late_s + late_s
    integral_s = min(plant.lag_s, LONGEST_INTEGRAL * closed_s)
    return Tuning(integral_s / (plant.response * closed_s), integral_s)


def moved(bounds: Bounds, output: float, wanted: float, step_s: float) -> float:
    """As far towards `wanted` as the limits and the rate allow within `step_s`; from outside the limits, inwards."""
    most = bounds.rate_per_s * max(step_s, 0.0)
    return output + min(max(bounds.clamped(wanted) - output, -most), most)


def step(
    plant: Plant, bounds: Bounds, dead_band: float, state: State, setpoint: float, measured: float | None, step_s: float
) -> State:
    """The state after a step of `step_s`. A measurement that is not known (None, NaN, infinite) changes nothing."""
    if measured is None or not math.isfinite(measured) or step_s <= 0.0:
        return state
    error = setpoint - measured
    if abs(error) <= dead_band:
        return State(moved(bounds, state.output, state.output, step_s), measured)
    tuned = tuning(plant, step_s)
    change = measured - (measured if state.measured is None else state.measured)
    wanted = state.output + tuned.gain * (error * step_s / tuned.integral_s - change)
    return State(moved(bounds, state.output, wanted, step_s), measured)

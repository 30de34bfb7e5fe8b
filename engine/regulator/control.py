"""What a regulator does at a step: by its mode, by its law, or what is safe while the measurement is not known."""

from __future__ import annotations

from dataclasses import dataclass

from engine.regulator.law import Bounds, Plant, State, moved, step
from engine.settings.regulator import AUTO, MANUAL, RegulatorSettings

CATCH_UP = 2.0
"""A step that is late moves the output no further than so many periods, so a pause is not made up for by a jump."""


@dataclass(frozen=True, slots=True)
class Sight:
    """The last measurement that was known, and its age; None: there was none. `is_new`: no step has used it yet."""

    measured: float | None = None
    age_s: float | None = None
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """`doing` is for people; `acted`: a step was done, the next is counted from it; `writes`: the device is told."""

    state: State
    doing: str
    acted: bool = True
    writes: bool = True


def bounds_of(own: RegulatorSettings) -> Bounds:
    return Bounds(own.output_min, own.output_max, own.rate_per_s)


def is_lost(own: RegulatorSettings, sight: Sight) -> bool:
    """Whether the measurement is too old to go by."""
    return sight.measured is None or sight.age_s is None or sight.age_s > own.max_age_s


def decide(own: RegulatorSettings, state: State, sight: Sight, step_s: float) -> Decision:
    """The state after this step, `step_s` after the one before."""
    if own.mode == MANUAL and own.output is not None:
        return _towards(own, state, own.output, step_s, "выход задан вручную")
    if own.mode != AUTO:
        return Decision(State(state.output), "выход не меняется: Mode=hold", writes=False)
    if is_lost(own, sight):
        return _safe(own, state, step_s)
    return _regulate(own, state, sight, step_s)


def _safe(own: RegulatorSettings, state: State, step_s: float) -> Decision:
    why = f"показания нет дольше {own.max_age_s} с"
    if own.safe_output is None:
        return Decision(State(state.output), f"{why}: выход не меняется", writes=False)
    return _towards(own, state, own.safe_output, step_s, f"{why}: выход идёт к Safe={own.safe_output:g}")


def _towards(own: RegulatorSettings, state: State, wanted: float, step_s: float, doing: str) -> Decision:
    in_time_s = min(step_s, CATCH_UP * own.period_s)
    return Decision(State(moved(bounds_of(own), state.output, wanted, in_time_s)), doing)


def _regulate(own: RegulatorSettings, state: State, sight: Sight, step_s: float) -> Decision:
    assert own.setpoint is not None and own.response, "checked with the settings"
    assert sight.measured is not None
    if not sight.is_new:
        return Decision(state, _doing(own, state, sight.measured), acted=False)
    plant = Plant(own.response, own.lag_s, own.delay_s)
    after = step(plant, bounds_of(own), own.band, state, own.setpoint, sight.measured, min(step_s, own.max_age_s))
    return Decision(after, _doing(own, after, sight.measured))


def _doing(own: RegulatorSettings, state: State, measured: float) -> str:
    assert own.setpoint is not None and own.response
    error = own.setpoint - measured
    if abs(error) <= own.band:
        return "желаемое достигнуто"
    opening = error / own.response > 0
    if state.output >= own.output_max if opening else state.output <= own.output_min:
        return "выход на пределе, желаемое не достигнуто"
    return "регулирует"

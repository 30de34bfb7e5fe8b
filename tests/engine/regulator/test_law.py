"""The law of the regulator: what it never exceeds, and how it settles on plants that it does not know exactly."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.regulator.law import Bounds, Plant, State, moved, step, tuning

ASSUMED = Plant(response=0.15, lag_s=10.0, delay_s=5.0)
"""The one setting that every plant below is regulated with."""
BOUNDS = Bounds(0.0, 100.0, 1.0)
BAND = 0.08
BEFORE, WANTED = 4.0, 8.0
TICK_S = 0.25
SPREAD = (1 / math.sqrt(3), 1.0, math.sqrt(3))
"""A factor of three in all, around what was assumed."""

NUMBERS = st.floats(-1000, 1000)


@st.composite
def bounds(draw: st.DrawFn) -> Bounds:
    low = draw(st.floats(0, 100))
    return Bounds(low, low + draw(st.floats(0.5, 1000)), draw(st.floats(0.001, 100)))


@st.composite
def plants(draw: st.DrawFn) -> Plant:
    response = draw(st.floats(0.001, 100)) * draw(st.sampled_from((1, -1)))
    return Plant(response, draw(st.floats(0.1, 1000)), draw(st.floats(0, 1000)))


MEASUREMENTS = st.lists(
    st.tuples(st.one_of(st.none(), st.just(math.nan), st.just(math.inf), NUMBERS), st.floats(0, 300)), max_size=20
)


@settings(max_examples=200, deadline=None)
@given(plants(), bounds(), st.floats(0, 1), NUMBERS, st.floats(0, 10), MEASUREMENTS)
def test_no_output_is_ever_beyond_the_limits_or_faster_than_the_rate(
    plant: Plant, limits: Bounds, begin: float, setpoint: float, band: float, seen: list[tuple[float | None, float]]
) -> None:
    state = State(min(limits.low + begin * (limits.high - limits.low), limits.high))
    for measured, step_s in seen:
        after = step(plant, limits, band, state, setpoint, measured, step_s)
        slack = 1e-9 * (1 + abs(limits.high))
        assert limits.low - slack <= after.output <= limits.high + slack
        assert abs(after.output - state.output) <= limits.rate_per_s * step_s + slack
        state = after


@settings(max_examples=100, deadline=None)
@given(plants(), bounds(), NUMBERS, st.floats(0.5, 100), st.integers(1, 500), st.floats(0.5, 60))
def test_however_long_it_was_at_a_limit_it_leaves_it_with_the_step_in_which_the_error_turns(
    plant: Plant, limits: Bounds, setpoint: float, error: float, steps: int, step_s: float
) -> None:
    state = State(limits.high)
    below = setpoint - math.copysign(error, plant.response)
    beyond = setpoint + math.copysign(error, plant.response)
    for _ in range(steps):
        state = step(plant, limits, 0.0, state, setpoint, below, step_s)
    assert state.output == limits.high
    assert step(plant, limits, 0.0, state, setpoint, beyond, step_s).output < limits.high


@pytest.mark.parametrize("unknown", [None, math.nan, math.inf, -math.inf])
def test_a_measurement_that_is_not_known_is_not_zero_but_nothing(unknown: float | None) -> None:
    state = State(40.0, 3.9)
    assert step(ASSUMED, BOUNDS, BAND, state, 8.0, unknown, 10.0) == state


def test_inside_the_dead_band_nothing_moves() -> None:
    state = State(40.0, 7.0)
    assert step(ASSUMED, BOUNDS, 0.5, state, 8.0, 7.6, 10.0) == State(40.0, 7.6)
    assert step(ASSUMED, BOUNDS, 0.5, state, 8.0, 7.4, 10.0).output != 40.0


def test_a_new_setpoint_does_not_kick_the_valve() -> None:
    """The first step is the integral part alone: the error times the step, by gain and integral time."""
    tuned = tuning(ASSUMED, 10.0)
    after = step(ASSUMED, Bounds(0, 100, 100), BAND, State(40.0, 4.0), 5.0, 4.0, 10.0)
    assert after.output == pytest.approx(40.0 + tuned.gain * 1.0 * 10.0 / tuned.integral_s)


def test_a_plant_that_falls_when_the_valve_opens_is_regulated_the_other_way() -> None:
    falling = Plant(-0.15, 10.0, 5.0)
    assert step(falling, BOUNDS, BAND, State(40.0, 4.0), 8.0, 4.0, 10.0).output < 40.0


def test_from_outside_the_limits_it_goes_inwards_no_faster_than_the_rate() -> None:
    assert moved(Bounds(10, 90, 1.0), 0.0, 50.0, 3.0) == 3.0
    assert moved(Bounds(10, 90, 1.0), 100.0, 95.0, 30.0) == 90.0


# --- whole loops


@dataclass
class Loop:
    """A plant of first order with dead time behind a register of 0.1, and the law with the one setting."""

    response: float
    delay_s: float
    lag_s: float = ASSUMED.lag_s
    every_s: float = 10.0
    stuck_from_s: float = math.inf
    stuck_until_s: float = math.inf
    lost_from_s: float = math.inf
    lost_until_s: float = math.inf
    begin: float = BEFORE
    wanted: float = WANTED
    now_s: float = 0.0
    outputs: list[float] = field(default_factory=list)
    history: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        output = self.begin / self.response
        self.state = State(output)
        self.flow = self.begin
        self._valve = output
        self._on_the_way = deque([output] * round(self.delay_s / TICK_S))
        self._step_at_s = 0.0

    def run(self, until_s: float) -> None:
        while self.now_s < until_s:
            if self.now_s >= self._step_at_s:
                self._regulate(self.wanted)
                self._step_at_s += self.every_s
            self._flow_on()
            self.now_s += TICK_S
            self.history.append(self.flow)

    def _regulate(self, setpoint: float) -> None:
        lost = self.lost_from_s <= self.now_s < self.lost_until_s
        if lost:  # the fail-safe holds, and forgets what was measured
            self.state = State(self.state.output)
        self.state = step(ASSUMED, BOUNDS, BAND, self.state, setpoint, None if lost else self.flow, self.every_s)
        self.outputs.append(self.state.output)

    def _flow_on(self) -> None:
        if not self.stuck_from_s <= self.now_s < self.stuck_until_s:
            self._valve = round(self.state.output, 1)
        self._on_the_way.append(self._valve)
        self.flow += TICK_S / self.lag_s * (self.response * self._on_the_way.popleft() - self.flow)

    @property
    def overshoot(self) -> float:
        """In per cent of the step."""
        return (max(self.history) - self.wanted) / (self.wanted - self.begin) * 100

    @property
    def settled_s(self) -> float:
        """Since when it has been inside the dead band."""
        outside = [place for place, flow in enumerate(self.history) if abs(flow - self.wanted) > BAND]
        return (outside[-1] + 1) * TICK_S if outside else 0.0


@pytest.mark.parametrize("every_s", [1.0, 10.0, 60.0])
@pytest.mark.parametrize("delay", SPREAD)
@pytest.mark.parametrize("gain", SPREAD)
def test_one_setting_settles_on_plants_of_three_gains_and_three_dead_times(
    gain: float, delay: float, every_s: float
) -> None:
    loop = Loop(ASSUMED.response * gain, ASSUMED.delay_s * delay, every_s=every_s)
    loop.run(4000.0)
    print(f"step {every_s:g} s, gain {loop.response:.3f}, dead time {loop.delay_s:.1f} s: "
          f"overshoot {max(loop.overshoot, 0):.1f} %, settled after {loop.settled_s:.0f} s")  # fmt: skip
    assert loop.overshoot <= 5.0
    assert loop.settled_s < 60 * (ASSUMED.delay_s + every_s)


@pytest.mark.parametrize(
    ("gain", "delay"), [(1.0, 1.0), (3.0, 1.0), (1.0, 3.0)], ids=["as told", "gain x3", "delay x3"]
)
@pytest.mark.parametrize("every_s", [1.0, 10.0, 60.0])
def test_three_times_the_gain_or_the_dead_time_that_was_told_is_borne(
    gain: float, delay: float, every_s: float
) -> None:
    loop = Loop(ASSUMED.response * gain, ASSUMED.delay_s * delay, every_s=every_s)
    loop.run(4000.0)
    print(f"step {every_s:g} s: overshoot {max(loop.overshoot, 0):.1f} %, settled after {loop.settled_s:.0f} s")
    assert loop.overshoot <= 5.0
    assert loop.settled_s < 60 * (ASSUMED.delay_s + every_s)


@pytest.mark.parametrize("delay", [1 / 3, 0.58, 1.0])
@pytest.mark.parametrize("gain", [1 / 3, 0.58, 1.0])
def test_with_the_greatest_gain_and_the_longest_dead_time_told_nothing_overshoots(gain: float, delay: float) -> None:
    loop = Loop(ASSUMED.response * gain, ASSUMED.delay_s * delay, begin=2.0, wanted=4.0)
    loop.run(4000.0)
    print(f"gain {loop.response:.3f}, dead time {loop.delay_s:.1f} s: settled after {loop.settled_s:.0f} s")
    assert loop.overshoot <= 0.5
    assert loop.settled_s < 1000


def test_a_stuck_valve_is_borne_and_forgotten() -> None:
    """While it is stuck the output goes to its limit and no further; once free it comes back without hunting."""
    loop = Loop(ASSUMED.response, ASSUMED.delay_s, stuck_from_s=30.0, stuck_until_s=1500.0)
    loop.run(1500.0)
    assert abs(loop.flow - WANTED) > BAND
    assert max(loop.outputs) == BOUNDS.high
    loop.run(5000.0)
    assert abs(loop.flow - WANTED) <= BAND
    assert max(loop.history) <= BOUNDS.high * loop.response + 1e-9
    turns = sum(
        (b - a) * (c - b) < 0 for a, b, c in zip(loop.outputs, loop.outputs[1:], loop.outputs[2:], strict=False)
    )
    assert turns <= 3


def test_a_lost_meter_moves_nothing_and_its_return_no_bump() -> None:
    loop = Loop(ASSUMED.response, ASSUMED.delay_s, lost_from_s=60.0, lost_until_s=600.0)
    loop.run(600.0)
    assert len(set(loop.outputs[6:60])) == 1
    loop.run(3000.0)
    assert loop.overshoot <= 5.0
    assert abs(loop.flow - WANTED) <= BAND

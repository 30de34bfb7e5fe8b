"""What a regulator does by its mode, and what a device tells of its register."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model import Reading
from engine.regulator.control import Sight, decide, is_lost
from engine.regulator.law import State
from engine.regulator.register import held, is_mapped
from engine.settings.regulator import RegulatorSettings, Source
from engine.template import parse_template

OWN = RegulatorSettings(True, Source("1", 1, "G1"), setpoint=12.0, response=0.2, max_age_s=60)


@given(
    st.sampled_from(("auto", "hold", "manual")), st.none() | st.floats(10, 90), st.floats(10, 90),
    st.none() | st.floats(0, 100), st.none() | st.floats(0, 200), st.booleans(), st.floats(0, 1000),
)  # fmt: skip
def test_in_no_mode_is_an_output_beyond_the_limits_or_faster_than_the_rate(
    mode: str, safe: float | None, output: float, measured: float | None, age_s: float | None, new: bool, step_s: float
) -> None:
    own = replace(OWN, mode=mode, safe_output=safe, output=50.0, output_min=10.0, output_max=90.0)
    after = decide(own, State(output), Sight(measured, age_s, new), step_s).state.output
    assert 10.0 <= after <= 90.0
    assert abs(after - output) <= own.rate_per_s * step_s + 1e-9


def test_an_old_measurement_is_not_gone_by() -> None:
    assert not is_lost(OWN, Sight(0.0, 60.0))
    assert is_lost(OWN, Sight(0.0, 60.1))
    assert is_lost(OWN, Sight())


def test_after_a_loss_the_next_measurement_is_no_change_of_the_old_one() -> None:
    decision = decide(OWN, State(40.0, 11.0), Sight(11.0, 100.0), 10.0)
    assert decision.state == State(40.0, None)
    assert not decision.writes


def test_a_long_pause_is_not_made_up_for_by_a_jump() -> None:
    own = replace(OWN, mode="manual", output=100.0)
    assert decide(own, State(0.0), Sight(), 3600.0).state.output == 20.0


@pytest.mark.parametrize(
    ("line", "value", "raw"),
    [
        ("S1Valve=40 u16 scale 0.1", 43.5, 435), ("S1Valve=40 u16", 65535, 65535), ("S1Valve=40 i16", -1, 65535),
        ("S1Valve=40 u16 scale 0.1", None, None), ("S1Valve=40 u16 scale 0.1", "", None),
        ("S1Valve=41 u16", 5, None), ("S1Valve=input 40 u16", 5, None), ("S1Valve=40 u32", 5, None),
    ],
)  # fmt: skip
def test_a_register_is_read_back_where_the_template_names_it(line: str, value: object, raw: int | None) -> None:
    template, _ = parse_template("x.ini", f"[extra]\n{line}\n")
    reading = Reading("", None, {}, ({"Valve": value},))  # type: ignore[dict-item]
    assert held(template, 40, reading) == raw
    assert is_mapped(template, 40) or raw is None


def test_without_a_template_nothing_is_read_back() -> None:
    assert held(None, 40, Reading("", None, {}, ())) is None


@pytest.mark.parametrize(("output", "raw"), [(0, 0), (43.5, 435), (43.54, 435), (43.56, 436), (100, 1000)])
def test_an_output_becomes_the_nearest_number_of_the_register(output: float, raw: int) -> None:
    assert replace(OWN, scale=0.1).raw(output) == raw

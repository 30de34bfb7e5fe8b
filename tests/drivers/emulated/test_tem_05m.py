"""The driver of ТЭМ-05М against the emulated meter, also through the bus of a line."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from drivers.emulated.faults import Fault, Faulty
from drivers.emulated.tem_05m import WAKE_UP, Meter, Options, disguises
from drivers.tem_05m import DRIVER, take
from engine.dialogue import Identity, Setup
from engine.model import Reading
from tests.fake.dialogue_runner import run

NOW = datetime(2026, 9, 25, 14, 30, 15)
SETUP = Setup(device_type="ТЭМ-05М")


def meter(**options: object) -> Meter:
    return Meter(Options(**options), NOW)  # type: ignore[arg-type]


def heard(one: Meter | Faulty, seconds: float = 4.5) -> object:
    """A line on which so many seconds go by after each request."""

    def answer(request: bytes) -> bytes:
        told = b"".join(part for _, part in one.pieces(request))
        one.elapse(seconds)
        return told + b"".join(part for _, part in one.pieces(b""))

    return answer


def opened(one: Meter | Faulty, tries: int = 1) -> Identity:
    answer = heard(one)
    assert callable(answer)
    id_bytes = run(DRIVER.ask_id(SETUP), answer, tries=tries)
    assert DRIVER.accepts(id_bytes)
    return run(DRIVER.open(SETUP, id_bytes), answer)


def reading(one: Meter | Faulty, tries: int = 1) -> Reading:
    answer = heard(one)
    assert callable(answer)
    return run(DRIVER.read(SETUP, opened(one, tries)), answer, tries=tries)


@pytest.mark.parametrize("period_s", [0, 1, 2, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_block_is_read_right_however_it_comes(period_s: float, channels: int) -> None:
    one = meter(period_s=period_s, channels=channels, serial=4711)
    told = reading(one)
    assert told.meter_number == "4711" and told.doubts == ()
    assert told.clock is not None and NOW <= told.clock <= one.clock
    one.clock = told.clock
    values, truth = told.systems[0], one.moment()
    assert ("V2" in values) == (channels == 2)
    expected = {"Gv1": truth.flow / 10_000, "V1": truth.volume / 100, "M1": truth.mass / 100,
                "Q1": truth.heat / 1000 / 1.163, "T1": truth.supply / 100, "T2": truth.back / 100,
                "Tall": truth.working_min / 60}  # fmt: skip
    assert {key: values[key] for key in expected} == pytest.approx(expected)


def test_a_meter_whose_sum_never_fits_is_read_from_two_blocks_and_doubted() -> None:
    told = reading(meter(sealed=False, period_s=1))
    assert told.meter_number == "38246"
    assert "контрольная сумма блока" in told.doubts


def test_a_meter_that_lost_its_time_tells_none() -> None:
    assert reading(meter(clock_valid=False)).clock is None


@pytest.mark.parametrize("fault", ["noise", "echo", "false-start"])
def test_noise_and_echoes_do_no_harm(fault: str) -> None:
    one = meter(period_s=0)
    assert reading(Faulty(one, [Fault(fault)], 0, disguises(one))).meter_number == "38246"


@pytest.mark.parametrize("fault", ["cut:2", "silent:2"])
def test_a_block_that_was_cut_is_waited_for_again(fault: str) -> None:
    one = meter(period_s=0)
    assert reading(Faulty(one, [Fault.parse(fault)], 0, disguises(one)), tries=3).meter_number == "38246"


def test_blocks_that_nobody_heard_are_gone_but_for_the_last_ones() -> None:
    one = meter(period_s=2)
    one.elapse(600)
    assert len(one.pieces(b"")) == 3
    assert one.pieces(b"") == []


def test_the_wake_up_is_known_in_any_portions() -> None:
    one = meter(period_s=0)
    assert one.pieces(WAKE_UP[:3]) == []
    ((_, block),) = one.pieces(WAKE_UP[3:])
    assert take(block).payload == block
    one.pieces(WAKE_UP[:3])
    one.pause()
    assert one.pieces(WAKE_UP[3:]) == []


def test_totals_only_grow() -> None:
    one = meter()
    before = one.moment()
    for _ in range(50):
        one.clock += timedelta(hours=1)
        now = one.moment()
        assert now.volume > before.volume and now.heat >= before.heat and now.mass > before.mass
        before = now


@pytest.mark.parametrize("wrong", [{"serial": 0}, {"channels": 3}, {"period_s": 0.5}])
def test_options_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        meter(**wrong)

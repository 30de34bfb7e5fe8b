"""The driver of РТ-05 against the emulated regulator: what the regulator knows is what is read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from drivers.emulated.rt_05 import Regulator, disguises
from drivers.emulated.rt_05_memory import Climate
from drivers.emulated.rt_05_options import Options
from drivers.rt_05 import DRIVER
from engine.archive.ring_walk import RingWalk
from engine.dialogue import Identity, Ring, Setup
from engine.errors import NoAnswer
from engine.model import Event, Record, RecType, Value
from tests.fake.dialogue_runner import run
from tests.fake.ring_reader import damaged, rings_of, stored, walked

NOW = datetime(2026, 9, 25, 14, 30, 15)
SETUP = Setup(address=1)


def regulator(**options: object) -> Regulator:
    return Regulator(Options(**options), NOW)  # type: ignore[arg-type]


def opened(meter: Regulator, setup: Setup = SETUP) -> Identity:
    id_bytes = run(DRIVER.ask_id(setup), meter.hear)
    assert DRIVER.accepts(id_bytes)
    return run(DRIVER.open(setup, id_bytes), meter.hear)


def ring_of(meter: Regulator, identity: Identity, rec_type: RecType) -> Ring:
    (ring,) = (ring for ring in rings_of(DRIVER, SETUP, identity, meter.hear) if ring.rec_type is rec_type)
    return ring


def raw(value: Value, worth: float) -> int | None:
    assert value is None or isinstance(value, int | float)
    return None if value is None else round(value / worth)


def assert_recorded(values: Mapping[str, Value], climate: Climate) -> None:
    known = {"T11": climate.supply, "T2": climate.back, "Tn": climate.outdoors, "Tk": climate.room}
    for bit, (key, hundredths) in enumerate(known.items()):
        faulty = climate.faults >> bit & 1
        expected = None if hundredths is None or faulty else hundredths // 10
        assert raw(values.get(key), 0.1) == expected, key
        assert (key in values) == (hundredths is not None)
    assert raw(values["Treg"], 0.1) == climate.controlled // 10
    assert raw(values["Tbase"], 0.1) == climate.setpoint // 10
    assert values["Opening"] == climate.opening
    assert values["Err"] == ("4" if climate.faults else "0")


def assert_read_right(meter: Regulator, walk: RingWalk | None = None) -> None:
    identity = opened(meter)
    ring = ring_of(meter, identity, RecType.HOUR)
    findings = walked(DRIVER, SETUP, identity, ring, meter.hear, walk)
    truth = meter.records()
    good = [written for written in truth if written.good]
    assert damaged(findings) == [written.place for written in truth if not written.good]
    told = stored(findings)
    assert [entry.stamp for entry in told] == [written.made for written in good]
    for entry, written in zip(told, good, strict=True):
        assert isinstance(entry, Record)
        for values, climate in zip(entry.systems, written.climates, strict=True):
            assert_recorded(values, climate)


@pytest.mark.parametrize("forms", ["both", "short", "long"])
@pytest.mark.parametrize("circuits", [1, 2])
def test_current_values_are_read_right(forms: str, circuits: int) -> None:
    meter = regulator(forms=forms, circuits=circuits, serial=55662)
    identity = opened(meter)
    told = run(DRIVER.read(SETUP, identity), meter.hear)
    assert (told.meter_number, told.clock, len(told.systems)) == ("55662", NOW, circuits)
    for values, climate in zip(told.systems, meter.climates(NOW), strict=True):
        assert raw(values["T11"], 0.01) == climate.supply
        assert raw(values.get("T2"), 0.01) == climate.back
        assert raw(values.get("Tn"), 0.01) == climate.outdoors
        assert raw(values.get("Tk"), 0.01) == climate.room
        assert (raw(values["Treg"], 0.01), raw(values["Tbase"], 0.01)) == (climate.controlled, climate.setpoint)


@pytest.mark.parametrize("period_s", [10, 3600, 14400])
def test_every_record_is_read_right(period_s: int) -> None:
    assert_read_right(regulator(records=60, period_s=period_s))


def test_a_full_ring_that_has_turned_is_read_right() -> None:
    meter = regulator(records=3584, events=1024, turned=True, circuits=1)
    meter.live(NOW + timedelta(hours=7))
    assert_read_right(meter)


def test_damaged_records_are_told_and_the_others_read() -> None:
    assert_read_right(regulator(records=40, damaged=(3, 17)))


def test_every_event_is_read_right() -> None:
    meter = regulator(events=70, turned=True)
    identity = opened(meter)
    ring = ring_of(meter, identity, RecType.EVENT)
    told = stored(walked(DRIVER, SETUP, identity, ring, meter.hear))
    truth = meter.events()
    assert [entry.stamp for entry in told] == [event.made for event in truth]
    for entry, event in zip(told, truth, strict=True):
        change = event.change
        rest = b"\xff" + change.new.to_bytes(4, "little") + change.old.to_bytes(4, "little")
        assert isinstance(entry, Event)
        assert entry.values["Text"] == f"изменён параметр {change.parameter}, запись: {rest.hex(' ').upper()}"


@pytest.mark.parametrize(("records", "turned"), [(0, False), (5, False), (3584, True)])
def test_lost_pointers_are_found_again(records: int, turned: bool) -> None:
    history = {"records": records, "events": min(records, 1024), "turned": turned}
    meter, lost = (regulator(pointers=pointers, **history) for pointers in (True, False))
    assert rings_of(DRIVER, SETUP, opened(lost), lost.hear) == rings_of(DRIVER, SETUP, opened(meter), meter.hear)


def test_what_is_written_while_the_walk_goes_on_is_read_too() -> None:
    meter = regulator(records=30)
    identity, walk = opened(meter), RingWalk(None, None)
    findings = walked(DRIVER, SETUP, identity, ring_of(meter, identity, RecType.HOUR), meter.hear, walk)
    meter.elapse(5 * 3600)
    findings += walked(DRIVER, SETUP, identity, ring_of(meter, identity, RecType.HOUR), meter.hear, walk)
    assert [entry.stamp for entry in stored(findings)] == [written.made for written in meter.records()]
    assert len(stored(findings)) == 35


def test_another_address_and_another_id_are_not_taken() -> None:
    others = disguises(regulator())
    with pytest.raises(NoAnswer, match="чужой адрес"):
        run(DRIVER.ask_id(SETUP), lambda request: b"".join(part for _, part in others["wrong-address"].pieces(request)))
    told = b"".join(part for _, part in others["other-id"].pieces(bytes.fromhex("55 01 FE 00 00 00 AB")))
    assert not DRIVER.accepts(told[6:-1])


@pytest.mark.parametrize(
    "wrong", [{"circuits": 3}, {"records": 3585}, {"events": -1}, {"period_s": 7}, {"forms": "x"}, {"damaged": (200,)}]
)
def test_options_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        regulator(**wrong)

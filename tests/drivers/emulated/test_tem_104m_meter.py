"""Emulated ТЭМ-104М and ТЭМ-104М-1 read by their drivers: everything that they know of themselves arrives."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from drivers import tem_104m, tem_104m1
from drivers.emulated import tem_104m as emulated
from drivers.emulated import tem_104m1 as emulated_small
from drivers.emulated.tem_104m_options import EVENT_RINGS, ModernOptions, SmallOptions
from drivers.emulated.tem_events import Noted
from drivers.emulated.tem_life import Moment
from drivers.emulated.tem_options import System
from engine.archive.ring_walk import RingWalk
from engine.dialogue import Identity, Ring, Setup
from engine.model import Entry, Event, Reading, Record, RecType, Value
from tests.fake.dialogue_runner import run
from tests.fake.ring_reader import damaged, rings_of, stored, walked
from tests.fake.tem_request import IDENTIFY, flash_request, payload

NOW = datetime(2026, 9, 25, 14, 30, 15)
SETUP = Setup(address=1)
DRIVER = tem_104m.DRIVER
TIMES = ("Tgood", "Tmin", "Tmax", "Tdt", "Terr")
HOUR = timedelta(hours=1)
COUNTS = {"H": 1600, "D": 800, "M": 60}


def opened(meter: emulated.Meter) -> Identity:
    return run(DRIVER.open(SETUP, run(DRIVER.ask_id(SETUP), meter.hear)), meter.hear)


def reading(meter: emulated.Meter) -> Reading:
    return run(DRIVER.read(SETUP, opened(meter)), meter.hear)


def rings(meter: emulated.Meter) -> tuple[Ring, ...]:
    return rings_of(DRIVER, SETUP, opened(meter), meter.hear)


def read_ring(meter: emulated.Meter, ring: Ring) -> list[Entry]:
    return stored(walked(DRIVER, SETUP, opened(meter), ring, meter.hear))


def channels(mask: int) -> list[int]:
    return [number for number in range(4) if mask >> number & 1]


def totals(moment: Moment, number: int, system: System) -> dict[str, float]:
    """Running totals and times of one system, as the meter knows them."""
    (heat_fractions, heat_integers), mass, volume = moment.heat, moment.mass, moment.volume
    values = {"Q1": heat_integers[number] + heat_fractions[number]}
    for place, channel in enumerate(channels(system.flows), 1):
        values[f"V{place}"] = volume[1][channel] + volume[0][channel]
        values[f"M{place}"] = mass[1][channel] + mass[0][channel]
    return values | {name: row[number] / 3600 for name, row in zip(TIMES, moment.times_s, strict=True)}


def sensors(moment: Moment, system: System) -> dict[str, float]:
    values = {f"T{n}": moment.temperatures[c] for n, c in enumerate(channels(system.temperatures), 1)}
    return values | {f"P{n}": moment.pressures[c] for n, c in enumerate(channels(system.pressures), 1)}


def assert_within(told: Mapping[str, Value], expected: Mapping[str, float], step: float) -> None:
    for key, value in expected.items():
        assert isinstance(told[key], int | float) and told[key] == pytest.approx(value, abs=step), key


def errors(byte: int) -> str:
    """The manual's numbers, out of the bits of the emulated life."""
    numbers = (("1", 0x01), ("2", 0x04), ("3", 0x10), ("4", 0xA0))
    return "".join(number for number, bits in numbers if byte & bits) or "0"


# --- current values


@pytest.mark.parametrize("options", [ModernOptions(systems=n) for n in (1, 2, 3, 4)] + [
    ModernOptions(current_at_zero=True), ModernOptions(identity=b"TEM-104"), ModernOptions(longest=64, address=17),
])  # fmt: skip
def test_every_current_value_arrives(options: ModernOptions) -> None:
    meter = emulated.Meter(options, NOW)
    setup = Setup(address=options.address)
    identity = run(DRIVER.open(setup, run(DRIVER.ask_id(setup), meter.hear)), meter.hear)
    told = run(DRIVER.read(setup, identity), meter.hear)
    moment = meter.moment()
    assert (told.clock, told.doubts, told.meter_number) == (NOW, (), "1040515")
    assert len(told.systems) == len(options.system_list)
    for number, (values, system) in enumerate(zip(told.systems, options.system_list, strict=True)):
        assert_within(values, totals(moment, number, system), 1e-6)
        assert_within(values, sensors(moment, system), 1e-6)
        flows = channels(system.flows)
        assert_within(values, {f"G{n}": moment.mass_flow[c] for n, c in enumerate(flows, 1)}, 1e-6)
        assert_within(values, {f"Gv{n}": moment.volume_flow[c] for n, c in enumerate(flows, 1)}, 1e-6)
        assert values["Err"] == "0"


def test_a_channel_that_is_no_number_and_a_lost_clock_are_unknown() -> None:
    meter = emulated.Meter(ModernOptions(nan=("T2",), clock_valid=False), NOW)
    told = reading(meter)
    assert told.clock is None
    assert [values["T2"] for values in told.systems if "T2" in values] == [None, None], "two systems share it"


def test_errors_of_the_moment_are_told() -> None:
    meter = emulated.Meter(ModernOptions(), NOW)
    seen: set[str] = set()
    for _ in range(6 * 24 * 10):
        meter.elapse(600)
        expected = [errors(byte) for byte in meter._body.errors()[:3]]
        if not set(expected) <= seen:
            assert [values["Err"] for values in reading(meter).systems] == expected
            seen |= set(expected)
    assert {"0", "1", "2", "3", "4"} <= seen


# --- records


@pytest.mark.parametrize("records", [(0, 0, 0), (1, 1, 1), (130, 45, 20), (1600, 30, 60)])
def test_every_record_arrives(records: tuple[int, int, int]) -> None:
    options = ModernOptions(records=records)
    meter = emulated.Meter(options, NOW)
    for ring in rings(meter)[:3]:
        assert ring.next_place == meter.next_place(ring.rec_type)
        truth = meter.records(ring.rec_type)
        if len(truth) > 200:
            continue
        got = read_ring(meter, ring)
        assert [record.stamp for record in got] == [written.made for written in truth]
        for record, written in zip(got, truth, strict=True):
            assert isinstance(record, Record) and record.rec_type is ring.rec_type
            for number, (values, system) in enumerate(zip(record.systems, options.system_list, strict=True)):
                assert_within(values, totals(written.moment, number, system), 1e-6)
                assert_within(values, sensors(written.moment, system), 0.00501)
                assert values["Tall"] == written.moment.powered_s / 3600
                assert values["Err"] == errors(written.errors[number])


@pytest.mark.parametrize("place", [0, 1, 799, 1598, 1599])
def test_the_end_of_a_full_ring_is_found_wherever_it_is(place: int) -> None:
    meter = emulated.Meter(ModernOptions(records=(1600, 0, 0), next_places=(place, 0, 0)), NOW)
    assert rings(meter)[0].next_place == place == meter.next_place("H")


def test_growth_and_new_records_follow_as_the_meter_lives() -> None:
    meter = emulated.Meter(ModernOptions(records=(10, 2, 1)), NOW)
    identity = opened(meter)
    walk = RingWalk(None, None)
    ring = rings_of(DRIVER, SETUP, identity, meter.hear)[0]
    first = stored(walked(DRIVER, SETUP, identity, ring, meter.hear, walk))
    for _ in range(3):
        meter.elapse(3600)
        ring = rings_of(DRIVER, SETUP, identity, meter.hear)[0]
        first += stored(walked(DRIVER, SETUP, identity, ring, meter.hear, walk))
    assert [record.stamp for record in first] == [written.made for written in meter.records("H")]
    assert all(isinstance(record, Record) and record.systems[0]["dTall"] == 1.0 for record in first[1:])


def test_a_clock_that_is_set_back_loses_no_record() -> None:
    meter = emulated.Meter(ModernOptions(records=(10, 0, 0)), NOW)
    identity = opened(meter)
    walk = RingWalk(None, None)
    got: list[Entry] = []
    for step in range(6):
        ring = rings_of(DRIVER, SETUP, identity, meter.hear)[0]
        got += stored(walked(DRIVER, SETUP, identity, ring, meter.hear, walk))
        if step == 2:
            meter.set_clock(meter.clock - 2 * HOUR)
        meter.elapse(3600)
    assert [record.stamp for record in got] == [written.made for written in meter.records("H")][: len(got)]
    assert len(got) == 15


def test_erased_and_damaged_records_are_not_stored_as_good() -> None:
    options = ModernOptions(records=(40, 0, 0), empty=(("H", 3),), damaged=(("H", 7), ("H", 12), ("H", 20)))
    meter = emulated.Meter(options, NOW)
    findings = walked(DRIVER, SETUP, opened(meter), rings(meter)[0], meter.hear)
    good = {written.made for written in meter.records("H") if written.condition == "good"}
    got = [record.stamp for record in stored(findings)]
    assert good <= set(got) and len(got) == len(set(got))
    assert len(got) + len(damaged(findings)) == 39, "nothing is passed over but what is erased"


def test_sums_of_another_kind_do_not_lose_the_archive() -> None:
    meter = emulated.Meter(ModernOptions(records=(5, 0, 0), sums=False), NOW)
    assert len(read_ring(meter, rings(meter)[0])) == 5


# --- events


def assert_tells(event: Entry, noted: Noted, system: int) -> None:
    assert isinstance(event, Event) and event.stamp == noted.made.replace(microsecond=0)
    turned = noted.before ^ noted.after
    assert (event.values["Sys"], event.values["Source"]) == (system, "meter")
    assert str(event.values["Text"]).count(";") == turned.bit_count() - 1 or turned == 3
    if turned.bit_count() == 1 and not (system == 0 and turned == 2):
        assert event.values["State"] == int(bool(noted.after & turned))


@pytest.mark.parametrize("events", [(0, 0, 0, 0, 0), (1, 2, 3, 4, 5), (60, 70, 80, 90, 100)])
def test_every_event_of_every_ring_arrives(events: tuple[int, ...]) -> None:
    meter = emulated.Meter(ModernOptions(events=events), NOW)
    found = rings(meter)[3:]
    assert [(ring.first * 16, ring.count) for ring in found] == list(EVENT_RINGS)
    for system, (ring, log) in enumerate(zip(found, meter.logs, strict=True)):
        assert ring.rec_type is RecType.EVENT and ring.next_place == log.next_place
        got = read_ring(meter, ring)
        assert len(got) == len(log.events())
        for event, noted in zip(got, log.events(), strict=True):
            assert_tells(event, noted, system)


def test_the_end_of_a_full_ring_of_events_is_found() -> None:
    meter = emulated.Meter(ModernOptions(events=(1200, 2500, 0, 2499, 2500)), NOW)
    assert [ring.next_place for ring in rings(meter)[3:]] == [log.next_place for log in meter.logs]


def test_power_that_fails_is_two_events() -> None:
    meter = emulated.Meter(ModernOptions(), NOW)
    meter.power_off(NOW + HOUR)
    lost, back = read_ring(meter, rings(meter)[3])
    assert isinstance(lost, Event) and isinstance(back, Event)
    assert (lost.stamp, lost.values["SYS"], lost.values["State"]) == (NOW, "ПИТ", 1)
    assert (back.stamp, back.values["SYS"], back.values["State"]) == (NOW + HOUR, "ПИТ", 0)


def test_erased_and_damaged_events_do_not_hide_the_others() -> None:
    meter = emulated.Meter(ModernOptions(events=(0, 30, 0, 0, 0)), NOW)
    meter.logs[1].erase(4)
    meter.logs[1].damage(9)
    got = {event.stamp for event in read_ring(meter, rings(meter)[4])}
    good = {noted.made for noted in meter.logs[1].events() if noted.condition == "good"}
    assert good <= got and [noted.condition for noted in meter.logs[1].events()].count("good") == 28


# --- the emulated meter itself; offsets are those of the protocol


def test_the_flash_ends_where_the_events_of_the_device_end() -> None:
    meter = emulated.Meter(ModernOptions(events=(1200, 0, 0, 0, 0)), NOW)
    assert payload(meter.hear(flash_request(0xFF280, 16))) == b"\xff" * 16
    data = payload(meter.hear(flash_request(0xFF270, 16)))
    assert data != b"\xff" * 16 and sum(data[:15]) % 256 == data[15]


def test_records_bear_the_inverted_sum() -> None:
    meter = emulated.Meter(ModernOptions(records=(1, 0, 0)), NOW)
    data = b"".join(payload(meter.hear(flash_request(at, 32))) for at in range(0, 352, 32))
    assert sum(data) % 256 == 255
    assert int.from_bytes(data[:4], "little") == 1790344800, "2026-09-25 14:00:00 as if it were UTC"


@pytest.mark.parametrize("events", [(1201, 0, 0, 0, 0), (0, 2501, 0, 0, 0), (0, 0, 0, 0), (-1, 0, 0, 0, 0)])
def test_more_events_than_there_is_room_for_are_refused(events: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="событий"):
        ModernOptions(events=events)


@pytest.mark.parametrize("arguments", [[], ["--old-id", "--current-at-zero", "--systems", "4", "--events", *"12345"]])
def test_the_command_line_makes_a_meter_that_the_driver_reads(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    emulated.FAMILY.add_options(parser)
    faults = ["--address", "1", "2", "--fault", "noise", "--fault", "echo"]
    line = emulated.FAMILY.build("tem104m", parser.parse_args([*arguments, *faults]), NOW)

    def answer(data: bytes) -> bytes:
        return b"".join(part for _, part in line.pieces(data))

    identity = run(DRIVER.open(SETUP, run(DRIVER.ask_id(SETUP), answer)), answer)
    assert run(DRIVER.read(SETUP, identity), answer).clock == NOW


# --- ТЭМ-104М-1


@pytest.mark.parametrize("at_4000", [False, True])
def test_every_value_of_the_small_meter_arrives(at_4000: bool) -> None:
    driver = tem_104m1.DRIVER
    meter = emulated_small.Meter(SmallOptions(current_at_4000=at_4000), NOW)
    identity = run(driver.open(SETUP, run(driver.ask_id(SETUP), meter.hear)), meter.hear)
    told = run(driver.read(SETUP, identity), meter.hear)
    system, moment = meter.options.system_list[0], meter.moment()
    assert (told.clock, told.meter_number, told.doubts) == (NOW, "1041203", ())
    assert_within(told.systems[0], totals(moment, 0, system) | sensors(moment, system), 1e-6)
    assert_within(told.systems[0], {"G1": moment.mass_flow[0], "Gv1": moment.volume_flow[0]}, 1e-6)


def test_the_command_line_makes_a_small_meter() -> None:
    parser = argparse.ArgumentParser()
    emulated_small.FAMILY.add_options(parser)
    meter = emulated_small.FAMILY.build("tem104m1", parser.parse_args(["--serial", "55"]), NOW)
    (_, answer), = meter.pieces(IDENTIFY)
    assert payload(answer) == b"TEM-104M-1"

"""The drivers of ТЭМ-104 and ТЭМ-104-1 against emulated meters: what the meter knows is what is read."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

import drivers
from drivers import emulated, tem_104, tem_104_1
from drivers.emulated import tem, tem_104_options
from drivers.emulated.tem_104 import Meter as LegacyMeter
from drivers.emulated.tem_104_1 import Meter as SingleMeter
from drivers.emulated.tem_body import Written
from drivers.emulated.tem_life import Moment
from drivers.emulated.tem_options import System
from engine.archive.findings import Damaged, Finding, Found, Newest
from engine.archive.ring_walk import RingWalk
from engine.dialogue import Driver, Fetched, Identity, Mark, Setup
from engine.line.device import identify
from engine.model import Reading, Record, Value
from tests.fake.dialogue_runner import run

NOW = datetime(2026, 9, 25, 14, 30, 15)
SETUP = Setup(address=1)
Meter = LegacyMeter | SingleMeter
TIMES = ("Tgood", "Tmin", "Tmax", "Tdt", "Terr")
ERRORS = (("1", 0x01), ("2", 0x04), ("3", 0x10), ("4", 0xA0))


def legacy(**options: Any) -> LegacyMeter:
    return LegacyMeter(tem_104_options.LegacyOptions(**options), NOW)


def single(**options: Any) -> SingleMeter:
    return SingleMeter(tem_104_options.SingleOptions(**options), NOW)


def driver_of(meter: Meter) -> Driver:
    return tem_104.DRIVER if isinstance(meter, LegacyMeter) else tem_104_1.DRIVER


def opened(meter: Meter, setup: Setup = SETUP) -> Identity:
    return run(driver_of(meter).open(setup, meter.options.id_bytes), meter.hear)


def reading(meter: Meter, setup: Setup = SETUP) -> Reading:
    return run(driver_of(meter).read(setup, opened(meter, setup)), meter.hear)


# --- what the meter knows, by the tables of the protocols


def channels(mask: int) -> list[int]:
    return [number for number in range(4) if mask >> number & 1]


def totals(moment: Moment, index: int, system: System) -> dict[str, Value]:
    def total(raw: tuple[tuple[float, ...], tuple[int, ...]], place: int) -> float:
        return raw[1][place] + raw[0][place]

    values: dict[str, Value] = {"Q1": total(moment.heat, index)}
    for number, channel in enumerate(channels(system.flows), 1):
        values[f"V{number}"], values[f"M{number}"] = total(moment.volume, channel), total(moment.mass, channel)
    return values | {key: row[index] / 3600 for key, row in zip(TIMES, moment.times_s, strict=True)}


def recorded(meter: Meter, written: Written) -> list[dict[str, Value]]:
    found = []
    for index, system in enumerate(meter.options.system_list):
        moment = written.moment
        values = totals(moment, index, system) | {"Tall": moment.powered_s / 3600}
        for number, channel in enumerate(channels(system.temperatures), 1):
            values[f"T{number}"] = round(100 * moment.temperatures[channel]) / 100
            values[f"P{number}"] = round(100 * moment.pressures[channel]) / 100
        errors = "".join(digit for digit, bits in ERRORS if written.errors[index] & bits)
        found.append({**values, "Err": errors or "0"})
    return found


def current(meter: Meter) -> list[dict[str, Value]]:
    moment, found = meter.moment(), []
    for index, system in enumerate(meter.options.system_list):
        values = totals(moment, index, system)
        for number, channel in enumerate(channels(system.flows), 1):
            values[f"G{number}"], values[f"Gv{number}"] = moment.mass_flow[channel], moment.volume_flow[channel]
        for number, channel in enumerate(channels(system.temperatures), 1):
            values[f"T{number}"], values[f"P{number}"] = moment.temperatures[channel], moment.pressures[channel]
        found.append(values)
    return found


def assert_same(told: Mapping[str, Value], known: Mapping[str, Value]) -> None:
    for key, value in known.items():
        assert told[key] == (value if isinstance(value, str) else pytest.approx(value, rel=1e-6)), key


# --- identity


@pytest.mark.parametrize(
    ("meter", "name", "device_type"),
    [
        (legacy(), "tem_104", "ТЕМ-104"),
        (legacy(model="tem106-old", records=(3, 3, 3)), "tem_104", "ТЕМ-106/1"),
        (single(), "tem_104_1", "ТЕМ-104-1"),
        (tem.Meter(tem.Options("tem106", records=(3, 3, 3)), NOW), "tem_384", "ТЕМ-106/1"),
        (tem.Meter(tem.Options("tem106"), NOW), "tem_384", "ТЕМ-106/1"),
        (tem.Meter(tem.Options("tesmart"), NOW), "tem_384", "ТЕМ-104"),
    ],
)
@pytest.mark.parametrize("wanted", ["auto", "ТЕМ-104", "ТЕМ-106/1", "ТЕМ-104-1"])
def test_every_meter_finds_its_driver_whatever_its_device_type_says(
    meter: Meter | tem.Meter, name: str, device_type: str, wanted: str
) -> None:
    known = tuple(driver for driver in drivers.load() if driver.ask_id is tem_104.DRIVER.ask_id)
    driver, identity = run(identify(known, Setup(device_type=wanted, address=1)), meter.hear)
    assert (driver.name, identity.device_type) == (name, device_type)
    assert identity.meter_number == str(meter.options.serial_number)


# --- reading


@pytest.mark.parametrize("block_size", [8, 32, 64, 200])
@pytest.mark.parametrize(
    "meter",
    [*(legacy(systems=number) for number in (1, 2, 3, 4)),
     legacy(systems=4, stride=0x20), legacy(systems=3, stride=0x40),
     *(single(system_type=kind) for kind in (0, 1, 3, 7))],
)  # fmt: skip
def test_current_values_are_read_right(meter: Meter, block_size: int) -> None:
    told = reading(meter, Setup(address=1, block_size=block_size))
    assert told.clock == NOW and told.doubts == ()
    assert len(told.systems) == len(meter.options.system_list)
    for values, known in zip(told.systems, current(meter), strict=True):
        assert_same(values, known)


def test_the_current_errors_are_those_whose_times_run() -> None:
    meter = legacy(systems=1)
    seen = set()
    for _ in range(24 * 11):
        meter.live(meter.clock + timedelta(hours=1))
        before = meter.moment().times_s
        meter.live(meter.clock + timedelta(seconds=1))
        running = [number for number in range(1, 5) if meter.moment().times_s[number][0] > before[number][0]]
        told = reading(meter).systems[0]["Err"]
        assert told == ("".join(map(str, running)) or "0")
        seen.add(told)
    assert len(seen) > 2


@pytest.mark.parametrize("meter", [legacy(clock_valid=False, nan=("T2",)), single(clock_valid=False, nan=("T2",))])
def test_what_the_meter_does_not_know_is_doubted(meter: Meter) -> None:
    told = reading(meter)
    assert told.clock is told.systems[0]["T2"] is None
    assert told.doubts == ("S1T2: не число", "часы прибора: недопустимая дата")


# --- archives


def walked(meter: Meter, letter: str, setup: Setup = SETUP) -> list[Finding]:
    """Everything that a walk through one archive finds, by the driver's own dialogues."""
    driver, identity = driver_of(meter), opened(meter, setup)
    assert driver.rings and driver.fetch and driver.probe
    (ring,) = (ring for ring in run(driver.rings(setup, identity), meter.hear) if ring.rec_type == letter)
    walk = RingWalk(None, None)
    findings = walk.refresh(ring)
    while task := walk.task():
        dialogue = driver.probe if task.probe else driver.fetch
        result: Fetched | Mark = run(dialogue(setup, identity, task.ring, task.place), meter.hear)  # type: ignore[arg-type]
        findings += walk.answer(result)
    return findings


def stored(findings: list[Finding]) -> list[tuple[Record, bool]]:
    found = [(finding.record, finding.unsummed) for finding in findings if isinstance(finding, Found)]
    assert all(isinstance(record, Record) for record, _ in found)
    return found  # type: ignore[return-value]


@pytest.mark.parametrize("letter", "HDM")
@pytest.mark.parametrize(
    "meter",
    [
        legacy(systems=3, records=(200, 100, 60)),
        legacy(systems=1, records=(200, 368, 144), turned_sums=True),
        legacy(model="tem106-old", systems=4, records=(120, 60, 12), stride=0x40),
        legacy(systems=2, records=(120, 60, 12), sums=False),
        single(records=(300, 368, 144)),
        single(records=(100, 50, 12), sums=False, system_type=1),
    ],
    ids=["three systems", "full rings", "old 106", "wrong sums", "single", "single, wrong sums"],
)
def test_every_record_is_read_right(meter: Meter, letter: str) -> None:
    found = stored(walked(meter, letter))
    known = meter.records(letter)
    assert [record.stamp for record, _ in found] == [written.made for written in known]
    for (record, unsummed), written in zip(found, known, strict=True):
        assert unsummed != meter.options.sums
        for values, wanted in zip(record.systems, recorded(meter, written), strict=True):
            assert_same(values, wanted)


@pytest.mark.parametrize("make", [legacy, single])
def test_a_full_ring_of_hours_that_came_round_is_read_in_order(make: Any) -> None:
    meter = make(records=(1536, 0, 0), next_places=(700, 0, 0))
    found = stored(walked(meter, "H"))
    assert [record.stamp for record, _ in found] == [written.made for written in meter.records("H")]


@pytest.mark.parametrize("make", [legacy, single])
def test_bad_pointers_are_replaced_by_what_the_stamps_tell(make: Any) -> None:
    meter = make(records=(400, 368, 12), pointers=False)
    for letter in "HDM":
        assert [r.stamp for r, _ in stored(walked(meter, letter))] == [w.made for w in meter.records(letter)]


@pytest.mark.parametrize("make", [legacy, single])
def test_empty_and_damaged_places_are_passed_over_and_told(make: Any) -> None:
    off = (NOW - timedelta(hours=20), NOW - timedelta(hours=17))
    damaged = (("H", 3), ("H", 9), ("H", 14))
    meter = make(records=(40, 0, 0), empty=(("H", 6),), damaged=damaged, gaps=(off,))
    findings, known = walked(meter, "H"), meter.records("H")
    good = [written.made for written in known if written.condition == "good"]
    told = {record.stamp: unsummed for record, unsummed in stored(findings)}
    assert told == dict.fromkeys(good, False)
    # A changed byte in a counter fails the sum only: it is damage because the sums of the others fit.
    lost = [finding.place for finding in findings if isinstance(finding, Damaged)]
    assert lost == [known[-1 - age].place for age in (14, 9, 3)]
    assert any(isinstance(finding, Newest) for finding in findings)


# --- the command line


@pytest.mark.parametrize(
    ("model", "arguments", "number"),
    [
        ("tem104", ("--systems", "4", "--stride", "64", "--turned-sums", "--serial", "77"), "77"),
        ("tem106-old", ("--fault", "echo"), "106007"),
        ("tem104-1", ("--type", "7", "--gaps", "2", "--damaged", "3", "--fault", "noise:3"), "104321"),
    ],
)
def test_meters_of_the_command_line_are_read(model: str, arguments: tuple[str, ...], number: str) -> None:
    (family,) = (family for family in emulated.load() if model in family.models)
    parser = argparse.ArgumentParser()
    family.add_options(parser)
    speaker = family.build(model, parser.parse_args(arguments), NOW)
    driver = tem_104_1.DRIVER if model == "tem104-1" else tem_104.DRIVER

    def answer(data: bytes) -> bytes:
        return b"".join(part for _, part in speaker.pieces(data))

    identity = run(driver.open(SETUP, run(driver.ask_id(SETUP), answer)), answer)
    assert run(driver.read(SETUP, identity), answer).meter_number == identity.meter_number == number

"""Emulated ТЭМ-104-К of both generations read by the driver: everything that they know of themselves arrives."""

from __future__ import annotations

import argparse
from datetime import datetime

import pytest

from drivers.emulated.tem_104k import FAMILY, Meter
from drivers.emulated.tem_104k_options import CompactOptions
from drivers.tem_104k import DRIVER
from engine.dialogue import Identity, Ring, Setup
from engine.model import Entry, Event, Record
from tests.fake.dialogue_runner import run
from tests.fake.ring_reader import damaged, rings_of, stored, walked
from tests.fake.tem_request import payload, request

NOW = datetime(2026, 9, 25, 14, 30, 15)
SETUP = Setup(address=1)
MODELS = ("tem104k", "tem104k-old")


def opened(meter: Meter) -> Identity:
    return run(DRIVER.open(SETUP, run(DRIVER.ask_id(SETUP), meter.hear)), meter.hear)


def rings(meter: Meter) -> dict[str, Ring]:
    return {ring.rec_type: ring for ring in rings_of(DRIVER, SETUP, opened(meter), meter.hear)}


def read_ring(meter: Meter, ring: Ring) -> list[Entry]:
    return stored(walked(DRIVER, SETUP, opened(meter), ring, meter.hear))


@pytest.mark.parametrize("model", MODELS)
def test_every_current_value_arrives(model: str) -> None:
    meter = Meter(CompactOptions(model), NOW)
    told, moment = run(DRIVER.read(SETUP, opened(meter)), meter.hear), meter.moment()
    (values,) = told.systems
    assert (told.clock, told.meter_number, told.doubts) == (NOW, "101777", ())
    assert told.device["SoftVer"] == meter.options.version.decode()[1:]
    for key, (fractions, integers) in (("Q1", moment.heat), ("M1", moment.mass), ("V1", moment.volume)):
        assert values[key] == integers[0] + fractions[0]
    assert values["Gv1"] == moment.volume_flow[0]
    assert (values["T1"], values["T2"]) == moment.temperatures[:2]
    assert values["Tgood"] == moment.times_s[0][0] / 3600
    assert values["Terr"] == (moment.powered_s - moment.times_s[0][0]) / 3600


@pytest.mark.parametrize(
    "options",
    [
        CompactOptions(),
        CompactOptions(records=(1, 1, 1), events=1),
        CompactOptions(records=(90, 40, 12), events=70),
        CompactOptions(records=(90, 40, 12), events=70, next_is_last=True),
        CompactOptions(records=(90, 400, 12), events=460),
        CompactOptions(records=(90, 400, 12), events=460, next_is_last=True),
        CompactOptions(records=(90, 40, 12), events=70, pointers=False),
        CompactOptions(records=(90, 40, 12), events=70, sums=False),
        CompactOptions("tem104k-old"),
        CompactOptions("tem104k-old", records=(0, 40, 12), events=70),
        CompactOptions("tem104k-old", records=(0, 40, 3), events=70, pointers=False),
        CompactOptions("tem104k-old", records=(0, 400, 12), events=1000, next_is_last=True),
    ],
)
def test_every_record_and_event_arrives(options: CompactOptions) -> None:
    meter = Meter(options, NOW)
    found = rings(meter)
    assert set(found) == set("DME" if options.is_old else "HDME")
    for letter, ring in found.items():
        if letter == "E":
            assert ring.next_place == meter.log.next_place
            assert_events(read_ring(meter, ring), meter)
        else:
            assert ring.next_place == meter.next_place(letter)
            assert_records(read_ring(meter, ring), meter, letter)


def assert_records(got: list[Entry], meter: Meter, letter: str) -> None:
    truth = meter.records(letter)
    assert len(got) == len(truth)
    for record, written in zip(got, truth, strict=True):
        assert isinstance(record, Record)
        made = written.made.replace(hour=0) if meter.options.is_old else written.made
        (values,), moment = record.systems, written.moment
        key, amount = ("V1", moment.volume) if meter.options.is_old else ("M1", moment.mass)
        assert record.stamp == made
        assert values[key] == amount[1][0] + amount[0][0]
        assert values["Q1"] == moment.heat[1][0] + moment.heat[0][0]
        assert (values["T1"], values["T2"]) == moment.temperatures[:2]
        assert values["Tgood"] == moment.times_s[0][0] // 36 / 100
        assert values["Tall"] == pytest.approx(moment.powered_s / 3600, abs=0.02)


def assert_events(got: list[Entry], meter: Meter) -> None:
    assert len(got) == len(meter.log.events())
    for event, noted in zip(got, meter.log.events(), strict=True):
        assert isinstance(event, Event) and event.stamp == noted.made.replace(second=0)
        turned = noted.before ^ noted.after
        assert str(event.values["Text"]).count(";") == turned.bit_count() - 1
        if turned.bit_count() == 1 and turned != 1:
            assert event.values["State"] == int(bool(noted.after & turned))


@pytest.mark.parametrize("place", [0, 1, 399, 798, 799])
@pytest.mark.parametrize("next_is_last", [False, True])
def test_the_end_of_a_full_ring_is_found_wherever_it_is(place: int, next_is_last: bool) -> None:
    options = CompactOptions(records=(800, 0, 0), next_places=(place, 0, 0), next_is_last=next_is_last)
    assert rings(Meter(options, NOW))["H"].next_place == place


def test_new_records_are_seen_as_the_meter_lives() -> None:
    meter = Meter(CompactOptions(records=(3, 1, 1)), NOW)
    for hours in range(4, 8):
        meter.elapse(3600)
        assert rings(meter)["H"].next_place == hours


def test_erased_and_damaged_records_are_not_stored_as_good() -> None:
    options = CompactOptions(records=(40, 0, 0), empty=(("H", 3),), damaged=(("H", 7), ("H", 12), ("H", 20)))
    meter = Meter(options, NOW)
    findings = walked(DRIVER, SETUP, opened(meter), rings(meter)["H"], meter.hear)
    good = {written.made for written in meter.records("H") if written.condition == "good"}
    got = [record.stamp for record in stored(findings)]
    assert good <= set(got) and len(got) == len(set(got))
    assert len(got) + len(damaged(findings)) == 39, "nothing is passed over but what is erased"


def test_the_answers_to_identify_and_version_are_those_of_the_document() -> None:
    meter = Meter(CompactOptions(), NOW)
    assert meter.hear(request(0, 0)).hex(" ").upper() == "AA 01 FE 00 00 07 D2 C5 CC 2D 31 30 31 2D"
    assert meter.hear(request(0, 1)).hex(" ").upper() == "AA 01 FE 00 01 07 76 32 2E 30 39 00 00 0F"


def test_the_memory_of_the_archive_ends_with_the_events() -> None:
    meter = Meter(CompactOptions(events=460), NOW)
    assert payload(meter.hear(request(0x0F, 3, bytes.fromhex("FF F0 10")))) != b"\xff" * 16
    assert meter.hear(request(0x0F, 3, bytes.fromhex("FF F0 11"))) == b""


@pytest.mark.parametrize(("model", "events"), [("tem104k", 461), ("tem104k-old", 1001), ("tem104k", -1)])
def test_more_events_than_there_is_room_for_are_refused(model: str, events: int) -> None:
    with pytest.raises(ValueError, match="событий"):
        CompactOptions(model, events=events)


@pytest.mark.parametrize("model", MODELS)
def test_the_command_line_makes_a_meter_that_the_driver_reads(model: str) -> None:
    parser = argparse.ArgumentParser()
    FAMILY.add_options(parser)
    defects = ["--empty", "2", "--damaged", "3", "--gaps", "1", "--serial", "424242"]
    meter = FAMILY.build(model, parser.parse_args(defects), NOW)

    def answer(data: bytes) -> bytes:
        return b"".join(part for _, part in meter.pieces(data))

    identity = run(DRIVER.open(SETUP, run(DRIVER.ask_id(SETUP), answer)), answer)
    assert identity.meter_number == "424242"
    assert len(rings_of(DRIVER, SETUP, identity, answer)) == (3 if model == "tem104k-old" else 4)

"""Walks that a command orders: all of a ring, the newest of it, the records of some days; and what differs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import cast

import pytest

from engine.archive.catchup import Catchup
from engine.archive.findings import Finding, Found
from engine.archive.reread import all_of_it, days_of, differences, newest_of
from engine.model import Record, RecType
from tests.fake.ring_meter import BEGIN, RingMeter


def walked(meter: RingMeter, catchup: Catchup) -> list[Record]:
    """What the walk of the meter's ring finds, in its order."""
    findings: list[Finding] = catchup.refresh((meter.ring(),))
    while task := catchup.task():
        findings += catchup.answer(task, meter.answer(task))
    assert not catchup.remaining
    return [cast(Record, each.record) for each in findings if isinstance(each, Found)]


def stamps(records: list[Record]) -> list[datetime]:
    return [record.stamp for record in records]


@pytest.mark.parametrize("written", [0, 1, 7, 20, 33])
def test_all_of_it_is_what_the_meter_holds_oldest_first(written: int) -> None:
    meter = RingMeter(20)
    meter.write(written)
    assert stamps(walked(meter, all_of_it())) == stamps(meter.held())


@pytest.mark.parametrize(("written", "most"), [(33, 5), (3, 5), (20, 20), (33, 0), (1, 1)])
def test_the_newest_are_so_many_and_know_their_growth(written: int, most: int) -> None:
    meter = RingMeter(20)
    meter.write(written)
    found = walked(meter, newest_of({RecType.HOUR: most}))
    assert stamps(found) == stamps(meter.held())[max(0, min(written, 20) - most) :]
    if written > most:
        assert all(record.systems[0]["dQ1"] == 2.0 for record in found)


def test_other_archives_are_left_alone() -> None:
    meter = RingMeter(20)
    meter.write(10)
    assert walked(meter, newest_of({RecType.DAY: 5})) == []
    assert walked(meter, days_of((RecType.DAY,), BEGIN.date(), BEGIN.date())) == []
    assert meter.fetched == meter.probed == []


def test_the_records_of_some_days_are_fetched_and_no_others() -> None:
    meter = RingMeter(200)
    meter.write(150)
    found = walked(meter, days_of((RecType.HOUR,), date(2018, 9, 3), date(2018, 9, 4)))
    wanted = [record for record in meter.written if record.stamp.date() in (date(2018, 9, 3), date(2018, 9, 4))]
    assert stamps(found) == stamps(wanted) and len(wanted) == 48
    assert len(set(meter.fetched)) < 60, "a stamp is enough to pass a place"


def test_days_are_found_on_both_sides_of_a_clock_that_was_set_back() -> None:
    meter = RingMeter(200)
    meter.write(60)
    meter.clock -= timedelta(hours=30)
    meter.write(60)
    found = walked(meter, days_of((RecType.HOUR,), date(2018, 9, 2), date(2018, 9, 2)))
    wanted = [record.stamp for record in meter.written if record.stamp.date() == date(2018, 9, 2)]
    assert stamps(found) == wanted
    assert len(wanted) > len(set(wanted)), "the same hours twice"


def test_only_what_the_meter_itself_tells_can_differ() -> None:
    stored = Record(RecType.HOUR, BEGIN, ({"Q1": 1.0, "dQ1": None, "T1": 70.0, "Tall": 5.0},))
    read = replace(stored, systems=({"Q1": 1.0, "dQ1": 0.5, "T1": 70.004, "Tall": 5.0},))
    assert list(differences(stored, read)) == [], "neither growth nor what is rounded away"
    read = replace(stored, systems=({"Q1": 1.001, "T1": None, "Tall": 5.0, "P1": 0.3}, {"Q1": 2.0}))
    assert list(differences(stored, read)) == [
        "S1Q1 в архиве «1.000», в приборе «1.001»",
        "S1T1 в архиве «70.00», в приборе «»",
        "S1P1 в архиве «», в приборе «0.30»",
        "S2Q1 в архиве «», в приборе «2.000»",
    ]

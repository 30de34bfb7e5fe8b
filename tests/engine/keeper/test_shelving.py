"""From the places of a meter's ring to files and gaps: what is told of records that were lost, or turned up."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from engine.archive.catchup import Catchup
from engine.formats.archive import Head
from engine.keeper.shelf import Shelf
from engine.keeper.shelving import catchup_of, shelve
from engine.model import RecType
from tests.fake.ring_meter import RingMeter

NUMBER = "440020"
HEAD = Head("ТЕМ-104", "ТЕМ-104", NUMBER, 1)


class Desk:
    """A meter and the shelf of its archive; `contact` is a new one, `go_on` the same one later."""

    def __init__(self, root: Path, places: int) -> None:
        self.root = root
        self.meter = RingMeter(places)
        self.contact()

    def contact(self) -> None:
        self.shelf = Shelf(self.root, NUMBER, print)
        self.catchup: Catchup = catchup_of(self.shelf)
        self.go_on()

    def go_on(self) -> None:
        findings = self.catchup.refresh((self.meter.ring(),))
        while task := self.catchup.task():
            findings += self.catchup.answer(task, self.meter.answer(task))
        for finding in findings:
            shelve(self.shelf, finding, HEAD, "ymd")
        self.shelf.sync()

    def write(self, records: int) -> None:
        """So many hours pass, in contact."""
        for _ in range(records):
            self.meter.write()
            self.go_on()

    def gaps(self) -> list[str]:
        path = self.root / "www" / NUMBER / "gaps.txt"
        return path.read_text("utf-8").splitlines() if path.exists() else []


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, places=30)


def test_a_damaged_record_that_the_meter_has_written_over_stays_a_gap(desk: Desk) -> None:
    desk.meter.write(10)
    desk.meter.damaged.add(desk.meter.first + 5)
    desk.contact()
    assert desk.gaps() == ["H;01.09.18 06:00:00;01.09.18 06:00:00;повреждена"]
    desk.write(28)
    desk.contact()
    assert desk.gaps() == ["H;01.09.18 06:00:00;01.09.18 06:00:00;нет в приборе"]
    assert desk.shelf.ledger.damaged == {RecType.HOUR: {}}


def test_so_it_does_when_the_record_that_stands_there_now_was_not_stored_before(desk: Desk) -> None:
    desk.meter.write(10)
    desk.meter.damaged.add(desk.meter.first + 5)
    desk.contact()
    desk.meter.write(28)
    desk.contact()
    assert desk.gaps() == ["H;01.09.18 06:00:00;01.09.18 06:00:00;нет в приборе"]
    assert desk.shelf.ledger.damaged == {RecType.HOUR: {}}


def test_a_damaged_record_that_is_read_at_last_is_no_gap(desk: Desk) -> None:
    desk.meter.write(10)
    desk.meter.damaged.add(desk.meter.first + 5)
    desk.contact()
    desk.meter.damaged.clear()
    desk.contact()
    assert desk.gaps() == []


def test_hours_that_are_stored_after_a_jump_of_the_clock_are_no_gap(desk: Desk) -> None:
    desk.meter.write(3)
    right = desk.meter.clock
    desk.meter.clock += timedelta(days=300)
    desk.meter.write(2)
    desk.meter.clock = right + timedelta(hours=2)
    desk.meter.write(3)
    desk.contact()
    desk.write(2)
    assert desk.gaps() == [
        "H;01.09.18 04:00:00;01.09.18 05:00:00;нет в приборе",
        "H;01.09.18 11:00:00;28.06.19 03:00:00;нет в приборе",
    ]


def test_a_walk_from_the_beginning_looks_for_the_record_before_among_earlier_ones(desk: Desk) -> None:
    """The cursor was lost with the ledger: nothing tells what stood before the first record that is new."""
    desk.meter.write(3)
    right = desk.meter.clock
    desk.meter.clock += timedelta(days=300)
    desk.meter.write(1)
    desk.contact()
    (desk.root / f"var/meters/{NUMBER}.txt").unlink()
    desk.meter.clock = right + timedelta(hours=40)
    desk.meter.write(30)
    desk.contact()
    assert desk.gaps()[0] == "H;01.09.18 04:00:00;02.09.18 19:00:00;нет в приборе"

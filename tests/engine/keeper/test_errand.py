"""An archive read by a command: nothing stored is altered, what is missing is added, what differs is told."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.archive.catchup import Catchup
from engine.archive.findings import Finding
from engine.archive.reread import all_of_it
from engine.dialogue import Identity
from engine.formats.archive import blocks
from engine.keeper import Keeper
from engine.keeper import errand as errand_module
from engine.keeper.errand import Errand
from engine.model import Reading, Record
from engine.news import Archived, Contact, Missed
from tests.fake.failing_disk import FailingDisk
from tests.fake.keeper_orders import KeeperOrders
from tests.fake.ring_meter import RingMeter
from tests.fake.toy_driver import CLOCK, device_settings

NUMBER = "440020"
READ_AT = datetime(2026, 11, 22, 6, 5, 30, tzinfo=UTC)
FILE = Path(f"www/{NUMBER}/H-2018-09.txt")


class Scene:
    """A keeper, a meter with one ring, and a line that carries out what the keeper orders, when it is asked to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.orders = KeeperOrders()
        self.settings = device_settings(dev_number=NUMBER)
        self.keeper = Keeper(root, self.settings, self.orders)
        self.meter = RingMeter(20)
        self.told: list[str] = []
        self.errand = Errand(root, all_of_it, self.told.append)

    def contact(self, *, first: bool = True) -> None:
        reading = Reading(NUMBER, CLOCK, {}, ({"Q1": 1.0},))
        identity = Identity("toy", "ТЕМ-104", NUMBER, None)
        self.keeper.contact(Contact(self.settings, identity, reading, READ_AT, first))

    def run(self, most: int = 1000) -> None:
        """Carry out the newest order for so many places, one piece of news for each."""
        _, catchup, walk = self.orders.catchups[-1]
        self._tell(catchup, walk, catchup.refresh((self.meter.ring(),)))
        for _ in range(most):
            task = catchup.task()
            if task is None:
                break
            self._tell(catchup, walk, catchup.answer(task, self.meter.answer(task)))

    def _tell(self, catchup: Catchup, walk: int, findings: list[Finding]) -> None:
        news = Archived("a.ini", walk, tuple(findings), catchup.remaining, catchup.total, catchup.task() is None)
        self.keeper.archived(news)

    def catch_up(self) -> None:
        self.contact()
        self.run()
        assert self.keeper.standing.caught_up

    @property
    def file(self) -> bytes:
        return (self.root / FILE).read_bytes()

    def stored(self) -> list[str]:
        return [block.text.split("DateTime=")[1][:17] for block in list(blocks(self.file))[1:]]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_what_is_stored_is_compared_and_stays_to_the_byte(scene: Scene) -> None:
    scene.meter.write(12)
    scene.catch_up()
    before = scene.file
    ledger = scene.keeper.shelf and scene.keeper.shelf.ledger
    changed = scene.meter.places[12]
    assert changed is not None
    scene.meter.places[12] = Record(changed.rec_type, changed.stamp, ({**changed.systems[0], "Q1": 99.0},))
    scene.keeper.send(scene.errand)
    scene.run()
    assert scene.errand.complete and scene.errand.met == {"H": 12} and scene.errand.differing == 1
    assert scene.told == ["расходится H 01.09.18 03:00:00: S1Q1 в архиве «6.000», в приборе «99.000»"]
    assert scene.file == before
    assert scene.keeper.shelf and scene.keeper.shelf.ledger == ledger


def test_the_cursor_of_the_catch_up_stays_where_it_is_meanwhile(scene: Scene) -> None:
    scene.meter.write(12)
    scene.catch_up()
    assert scene.keeper.shelf
    ledger = scene.keeper.shelf.ledger
    scene.keeper.send(scene.errand)
    scene.run(most=8)
    assert 0 < scene.errand.met["H"] < 12
    assert scene.keeper.shelf.ledger == ledger, "a restart at this moment reads nothing twice"


def test_what_is_missing_is_added_at_the_end(scene: Scene) -> None:
    scene.meter.write(12)
    scene.catch_up()
    whole = list(blocks(scene.file))
    (scene.root / FILE).write_bytes(b"".join(block.text.encode() for block in whole if block.number not in (3, 4)))
    scene.keeper.send(scene.errand)
    scene.run()
    assert scene.errand.added == {"H": 2}
    assert scene.told == ["добавлена H 01.09.18 03:00:00", "добавлена H 01.09.18 04:00:00"]
    assert scene.stored()[-2:] == ["01.09.18 03:00:00", "01.09.18 04:00:00"]
    assert len(set(scene.stored())) == 12


def test_a_record_of_the_same_stamp_and_another_powered_time_is_another_record(scene: Scene) -> None:
    scene.meter.write(5)
    scene.catch_up()
    changed = scene.meter.places[11]
    assert changed is not None
    scene.meter.places[11] = Record(changed.rec_type, changed.stamp, ({"Q1": 4.0, "Tall": 77.0},))
    scene.keeper.send(scene.errand)
    scene.run()
    assert scene.errand.added == {"H": 1}
    assert scene.file.decode().count("Rep=2") == 1


def test_the_ordinary_catch_up_goes_on_when_it_is_done(scene: Scene) -> None:
    scene.meter.write(5)
    scene.catch_up()
    scene.keeper.send(scene.errand)
    scene.run()
    sent = len(scene.orders.catchups)
    scene.meter.write(2)
    scene.run()
    assert scene.keeper.standing.caught_up
    assert len(scene.stored()) == 7 and sent == 3


def test_a_device_that_was_lost_is_read_anew_from_the_beginning(scene: Scene) -> None:
    scene.meter.write(12)
    scene.contact()
    scene.keeper.send(scene.errand)
    scene.run(most=8)
    assert 0 < len(scene.stored()) < 12
    scene.keeper.missed(Missed("a.ini", "нет ответа", 10, True))
    scene.run()
    assert not scene.errand.complete, "news of the walk before count no more"
    scene.contact()
    scene.run()
    assert scene.errand.complete
    assert scene.errand.met == {"H": 12} and scene.errand.added == {"H": 12}
    assert len(set(scene.stored())) == len(scene.stored()) == 12


def test_it_begins_with_the_first_contact(scene: Scene) -> None:
    scene.meter.write(3)
    scene.keeper.send(scene.errand)
    assert scene.orders.catchups == []
    scene.contact()
    scene.run()
    assert scene.errand.complete and scene.errand.added == {"H": 3}


def test_one_that_is_given_up_gives_way_to_the_catch_up(scene: Scene) -> None:
    scene.meter.write(12)
    scene.contact()
    scene.keeper.send(scene.errand)
    scene.run(most=6)
    scene.keeper.send(None)
    scene.run()
    assert scene.keeper.standing.caught_up and not scene.errand.complete
    assert len(set(scene.stored())) == 12


def test_a_damaged_place_of_a_stored_record_is_told_and_is_no_gap(scene: Scene) -> None:
    scene.meter.write(12)
    scene.catch_up()
    scene.meter.damaged = {15}
    scene.keeper.send(scene.errand)
    scene.run()
    assert scene.errand.damaged == 1
    assert scene.told == ["не читается H 01.09.18 06:00:00: контрольная сумма записи"]
    assert not (scene.root / f"www/{NUMBER}/gaps.txt").exists()


def test_a_damaged_place_of_a_missing_record_is_a_gap(scene: Scene) -> None:
    scene.meter.write(12)
    scene.meter.damaged = {15}
    scene.keeper.send(scene.errand)
    scene.contact()
    scene.run()
    assert "01.09.18 06:00:00" in (scene.root / f"www/{NUMBER}/gaps.txt").read_text()


def test_what_went_by_the_limit_is_counted_and_not_stored_again(scene: Scene) -> None:
    scene.meter.write(12)
    scene.catch_up()
    assert scene.keeper.shelf
    scene.keeper.shelf.remove(FILE.name)
    (scene.root / FILE).unlink(missing_ok=True)
    scene.keeper.send(scene.errand)
    scene.run()
    assert scene.errand.given_up == 12 and not scene.errand.added
    assert not (scene.root / FILE).exists()


def test_lines_have_a_limit(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errand_module, "MOST_TOLD", 3)
    scene.meter.write(12)
    scene.keeper.send(scene.errand)
    scene.contact()
    scene.run()
    assert len(scene.told) == 4 and "только считаются" in scene.told[3]
    assert scene.errand.added == {"H": 12}


def test_a_full_disk_holds_it_and_loses_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.meter.write(12)
    scene.catch_up()
    (scene.root / FILE).unlink()
    disk = FailingDisk(monkeypatch)
    scene.keeper.send(scene.errand)
    disk.fail(0, for_good=True)
    scene.run(most=6)
    assert scene.keeper.standing.is_hindered and not scene.errand.complete
    disk.recover()
    scene.keeper.tick(1000.0)
    scene.keeper.tick(2000.0)
    scene.run()
    assert scene.errand.complete and len(set(scene.stored())) == 12

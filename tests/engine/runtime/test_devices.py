"""News find their keeper, keepers find their line, and a number has one holder."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from engine.archive.catchup import Catchup
from engine.archive.findings import Cursor, Found, mark_of
from engine.dialogue import Condition, Fetched, Identity
from engine.model import Reading, Record, RecType
from engine.news import Archived, Contact, Missed
from engine.runtime.devices import Devices
from engine.runtime.lines import Lines
from engine.settings import DeviceSettings, Settings
from tests.fake.agent_settings import serial_device, settings_of

READ_AT = datetime(2026, 11, 22, 6, 5, 30, tzinfo=UTC)


class FakeWorker:
    """What a line is told of archives."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, int]] = []
        self.dropped: list[str] = []

    def begin_archive(self, file: str, _catchup: Catchup, walk: int) -> None:
        self.begun.append((file, walk))

    def drop_archive(self, file: str) -> None:
        self.dropped.append(file)


class FakeLines:
    """Lines that poll whatever is enabled."""

    def __init__(self) -> None:
        self.worker = FakeWorker()
        self.files: set[str] = set()
        self.crashed: set[str] = set()

    def apply(self, settings: Settings) -> None:
        self.files = {device.file for device in settings.devices if device.enabled and settings.agent.auto_poll}

    def worker_of(self, file: str) -> FakeWorker | None:
        return self.worker if file in self.files else None

    def has_crashed(self, file: str) -> bool:
        return file in self.crashed


class Scene:
    """Devices on lines that do nothing."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lines = FakeLines()
        self.journaled: list[str] = []
        self.devices = Devices(root, cast(Lines, self.lines), self.journaled.append, lambda moment: moment)

    def apply(self, *devices: DeviceSettings, **agent: object) -> None:
        self.devices.apply(settings_of(*devices, agent=agent))

    def contact(self, settings: DeviceSettings, number: str = "440020", *, first: bool = True, t1: float = 1.0) -> None:
        reading = Reading(number, None, {}, ({"T1": t1},))
        identity = Identity("toy", "ТЕМ-104", number, None)
        self.devices.take(Contact(settings, identity, reading, READ_AT, first))

    def found(self, file: str, hour: int, *, remaining: int = 0) -> None:
        """A record of the walk that goes on now."""
        entry = Record(RecType.HOUR, datetime(2018, 9, 25, hour), ({"Tall": float(hour)},))
        finding = Found(entry, Cursor(hour, mark_of(Fetched(Condition.GOOD, entry))), None, False, True)
        walk = next(walk for begun, walk in reversed(self.lines.worker.begun) if begun == file)
        self.devices.take(Archived(file, walk, (finding,), remaining, 1, remaining == 0))

    def stored(self, number: str = "440020") -> int:
        path = self.root / f"www/{number}/H-2018-09.txt"
        return path.read_text().count("RecType=H") if path.exists() else 0

    def shown(self, number: str = "440020") -> str:
        return (self.root / f"log/User/txt/{number}.txt").read_text()


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


A, B = serial_device("a.ini"), serial_device("b.ini")


def test_news_go_to_the_keeper_of_their_device(scene: Scene) -> None:
    scene.apply(A, B)
    scene.contact(A, "1")
    scene.devices.take(Missed("b.ini", "нет ответа", 10, True))
    scene.found("a.ini", 5)
    standings = {file: keeper.standing for file, keeper in scene.devices.keepers.items()}
    assert (standings["a.ini"].online, standings["b.ini"].online) == (True, False)
    assert scene.stored("1") == 1


@pytest.mark.parametrize("change", ["removed", "disabled", "AutoPoll=0"])
def test_news_of_a_device_that_nobody_polls_any_more_are_of_yesterday(scene: Scene, change: str) -> None:
    scene.apply(A)
    scene.contact(A)
    disabled = serial_device("a.ini", enabled=False)
    if change == "removed":
        scene.apply()
    elif change == "disabled":
        scene.apply(disabled)
    else:
        scene.apply(A, auto_poll=False)
    before = scene.shown()
    scene.contact(A, t1=99.0)
    scene.contact(disabled, t1=99.0)
    scene.devices.take(Missed("a.ini", "нет ответа", 1, False))
    assert scene.shown() == before
    assert all(keeper.standing.online is None for keeper in scene.devices.keepers.values())
    assert scene.devices.polled() == []


def test_a_device_whose_settings_are_the_same_keeps_its_keeper(scene: Scene) -> None:
    scene.apply(A, B)
    before = scene.devices.keepers
    scene.apply(A, serial_device("b.ini", net_addr=3))
    assert scene.devices.keepers["a.ini"] is before["a.ini"]
    assert scene.devices.keepers["b.ini"] is not before["b.ini"]


def test_what_a_device_stored_is_synced_before_another_keeper_takes_over(scene: Scene) -> None:
    scene.apply(A)
    scene.contact(A)
    scene.found("a.ini", 5)
    changed = serial_device("a.ini", retries=1)
    scene.apply(changed)
    assert (scene.root / "var/meters/440020.txt").exists()
    scene.contact(changed)
    scene.found("a.ini", 5)
    assert scene.stored() == 1


def test_of_two_devices_with_one_number_the_first_file_has_it_whoever_answered_first(scene: Scene) -> None:
    scene.apply(A, B)
    scene.contact(B, t1=2.0)
    scene.found("b.ini", 5)
    scene.contact(A, t1=1.0)
    assert scene.lines.worker.dropped == ["b.ini"], "its archive is left at once, not with its next reading"
    scene.contact(B, t1=2.0, first=False)
    assert "T1=1.00" in scene.shown()
    assert "уже занят файлом a.ini" in scene.devices.keepers["b.ini"].standing.note
    scene.found("a.ini", 6)
    assert scene.stored() == 2


def test_numbers_that_differ_by_case_only_are_one(scene: Scene) -> None:
    scene.apply(A, B)
    scene.contact(A, "abc")
    scene.contact(B, "ABC")
    assert "уже занят файлом a.ini" in scene.devices.keepers["b.ini"].standing.note


@pytest.mark.parametrize(
    "change", [(B,), (serial_device("a.ini", enabled=False), B), (serial_device("a.ini", dev_number="7"), B)]
)
def test_a_number_whose_holder_is_gone_is_free(scene: Scene, change: tuple[DeviceSettings, ...]) -> None:
    scene.apply(A, B)
    scene.contact(A)
    scene.contact(B)
    scene.apply(*change)
    for settings in change[:-1]:
        scene.contact(settings)
    scene.contact(B, first=False, t1=2.0)
    assert scene.devices.keepers["b.ini"].standing.note == ""
    assert "T1=2.00" in scene.shown()
    scene.found("b.ini", 5)
    assert scene.stored() == 1


def test_a_meter_that_moved_behind_another_file_takes_its_number_along(scene: Scene) -> None:
    scene.apply(A, B)
    scene.contact(A, "1")
    scene.contact(A, "2")
    scene.contact(B, "1", t1=5.0)
    assert scene.devices.keepers["b.ini"].standing.note == ""
    assert "T1=5.00" in scene.shown("1")


def test_a_cycle_is_complete_when_every_polled_device_was_read_and_caught_up(scene: Scene) -> None:
    scene.apply(A, B, serial_device("c.ini", enabled=False))
    assert not scene.devices.cycle_is_complete()
    scene.contact(A, "1")
    scene.found("a.ini", 5, remaining=1)
    scene.devices.take(Missed("b.ini", "нет ответа", 1, False))
    assert not scene.devices.cycle_is_complete()
    scene.found("a.ini", 6)
    assert scene.devices.cycle_is_complete()
    assert not scene.devices.all_answer()


@pytest.mark.parametrize("number", ["", "../x"])
def test_a_device_that_needs_a_person_keeps_no_cycle_waiting(scene: Scene, number: str) -> None:
    scene.apply(A)
    scene.contact(A, number)
    assert scene.devices.cycle_is_complete()
    assert scene.devices.all_answer()


def test_a_line_with_a_bug_keeps_no_cycle_waiting(scene: Scene) -> None:
    scene.apply(A)
    scene.lines.crashed = {"a.ini"}
    assert scene.devices.cycle_is_complete()
    assert not scene.devices.all_answer()


def test_with_polling_off_a_cycle_is_complete_and_nobody_answered(scene: Scene) -> None:
    scene.apply(A, auto_poll=False)
    assert scene.devices.cycle_is_complete()
    assert not scene.devices.all_answer()


def test_the_archive_of_a_number_is_the_keeper_s_own_while_it_has_one(scene: Scene) -> None:
    scene.apply(A)
    scene.contact(A)
    assert scene.devices.shelf_of("440020") is scene.devices.keepers["a.ini"].shelf
    assert scene.devices.shelf_of("777").dev_number == "777"


def test_progress_names_a_device_as_well_as_it_can(scene: Scene) -> None:
    scene.apply(A)
    assert [scene.devices.number_of(file) for file in ("a.ini", "gone.ini")] == ["a.ini", "gone.ini"]
    scene.contact(A)
    assert scene.devices.number_of("a.ini") == "440020"


def test_the_order_of_dates_follows_the_settings(scene: Scene) -> None:
    scene.apply(event_date="dmy")
    assert scene.devices.event_date() == "dmy"


def test_everything_that_ticks_and_syncs_does_so_for_every_device(scene: Scene) -> None:
    scene.apply(A, B)
    for settings, number in ((A, "1"), (B, "2")):
        scene.contact(settings, number)
        scene.found(settings.file, 5)
    scene.devices.tick(1e6)
    scene.devices.sync()
    assert {path.name for path in (scene.root / "var/meters").iterdir()} == {"1.txt", "2.txt"}

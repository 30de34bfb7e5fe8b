"""The agent's snapshot of itself: the facts of the manual's card, written when they change, not more often."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine import naming
from engine.formats.snapshot import read_snapshot
from engine.runtime.own_snapshot import LOOK_S, WRITE_S, OwnSnapshot
from engine.runtime.part import Part
from engine.runtime.sweep import sweep
from engine.settings import Server
from tests.fake.agent_process import section_of
from tests.fake.agent_settings import server, settings_of
from tests.fake.failing_disk import FailingDisk
from tests.fake.house import TestHouse


class Modem(Part):
    """A part that knows something of its own."""

    told: Mapping[str, str] = {}

    def facts(self) -> Mapping[str, str]:
        return self.told


class Scene:
    def __init__(self, root: Path) -> None:
        self.test = TestHouse(root)
        self.modem = Modem(self.test.house)
        self.part = OwnSnapshot(self.test.house, (self.modem,))
        self.path = root / "log/User/txt/0.txt"
        self.now_s = 0.0

    def apply(self, servers: tuple[Server, ...] = (), **agent: Any) -> None:
        settings = settings_of(agent=agent, servers=servers)
        self.test.house.devices.apply(settings)
        self.part.apply(settings, self.now_s)
        self.turn(0.0)

    def turn(self, seconds: float) -> None:
        self.now_s += seconds
        self.part.tick(self.now_s)

    @property
    def shown(self) -> dict[str, str]:
        return section_of(self.path.read_text(encoding="utf-8"), "0")

    def written_by(self, seconds: float) -> bool:
        """Whether the file is another one after this time."""
        before = self.path.stat().st_ino, self.path.read_bytes()
        self.turn(seconds)
        return (self.path.stat().st_ino, self.path.read_bytes()) != before


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_it_shows_the_facts_of_the_card(scene: Scene) -> None:
    scene.apply(servers=(server(host="94.230.6.211"), server("server3", host="dispatch.example")))
    assert scene.shown == {
        "DevName": "ТСМ-СМАРТ", "DevType": "ТСМ-И", "DevNumber": "0", "Number": "1", "Online": "1", "AutoPoll": "1",
        "ReportState": "Активирован", "ReportDay": "29", "ErrorsToMail": "0", "ReportInterval": "3600",
        "SyncPort": "0", "Timezone": "Europe/Moscow", "ModemState": "Модем не в сети",
        "IP1": "94.230.6.211", "IP2": "", "IP3": "dispatch.example", "Date": "22.11.26", "Time": "09:05:30",
        "ErrText": "",
    }  # fmt: skip


def test_it_shows_what_is_set(scene: Scene) -> None:
    scene.apply(
        number=203, name="ТСМ-И", report_day=5, mail=True, alert_interval_s=4000, sync_port="/dev/ttyS1",
        timezone="Asia/Omsk", modem_port="/dev/ttyUSB1003", auto_poll=False,
    )  # fmt: skip
    shown = scene.shown
    assert (shown["Number"], shown["DevName"], shown["ReportDay"], shown["ErrorsToMail"]) == ("203", "ТСМ-И", "5", "1")
    assert (shown["ReportInterval"], shown["SyncPort"], shown["Timezone"]) == ("4000", "ttyS1", "Asia/Omsk")
    assert (shown["ModemState"], shown["AutoPoll"]) == ("", "0"), "of a modem nothing is known yet"


def test_a_part_adds_what_it_knows(scene: Scene) -> None:
    scene.modem.told = {"ModemState": "В сети", "Flow": "10.299"}
    scene.apply(modem_port="/dev/ttyUSB1003")
    assert (scene.shown["ModemState"], scene.shown["Flow"]) == ("В сети", "10.299")


def test_it_is_a_snapshot_like_others_and_lives_through_a_start(scene: Scene) -> None:
    scene.apply()
    view = read_snapshot(scene.path.read_text(encoding="utf-8"))
    assert view.device["DevType"] == "ТСМ-И" and view.extra["Online"] == 1 and not view.systems
    sweep(scene.path.parents[3])
    assert scene.path.exists()


def test_time_alone_is_no_reason_to_write(scene: Scene) -> None:
    scene.apply()
    scene.test.now = None
    assert not any(scene.written_by(WRITE_S) for _ in range(5))


def test_what_changes_all_the_time_is_written_once_a_minute(scene: Scene) -> None:
    scene.apply()
    written = 0
    for turn in range(int(5 * WRITE_S)):
        scene.modem.told = {"Flow": str(turn)}
        written += scene.written_by(1.0)
    assert 4 <= written <= 5


def test_new_settings_are_shown_at_once(scene: Scene) -> None:
    scene.apply()
    scene.now_s += 1.0
    scene.apply(name="новое имя")
    assert scene.shown["DevName"] == "новое имя"


def test_one_that_was_deleted_is_made_again(scene: Scene) -> None:
    scene.apply()
    scene.path.unlink()
    scene.turn(LOOK_S)
    assert scene.shown["DevNumber"] == "0"


def test_at_the_end_it_is_off_line(scene: Scene) -> None:
    scene.part.stop()
    assert not scene.path.exists(), "nothing is known yet"
    scene.apply()
    scene.part.stop()
    assert scene.shown["Online"] == "0"


def test_a_full_disk_is_told_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = FailingDisk(monkeypatch)
    disk.fail(0, for_good=True)
    scene.apply()
    for _ in range(30):
        scene.turn(WRITE_S)
    assert scene.test.journaled == [f"{naming.SNAPSHOTS}/0.txt: не записан: нет места на диске"]
    disk.recover()
    scene.turn(WRITE_S)
    assert scene.path.exists()

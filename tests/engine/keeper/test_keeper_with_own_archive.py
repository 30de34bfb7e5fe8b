"""A device that keeps no archive: its keeper stores what the agent records itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine import files
from engine.dialogue import Identity
from engine.formats.archive import blocks
from engine.keeper import Keeper
from engine.keeper.standing import Note
from engine.model import Reading
from engine.news import Contact
from tests.fake.keeper_orders import KeeperOrders
from tests.fake.toy_driver import device_settings

START = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
IDENTITY = Identity("Насос", "Modbus", "", None)


class Desk:
    """A keeper of a Modbus device that is read every minute."""

    def __init__(self, root: Path, *, has_archive: bool = False) -> None:
        self.root = root
        self.orders = KeeperOrders()
        self.settings = device_settings(dev_number="7", dev_type="Modbus")
        self.keeper = Keeper(root, self.settings, self.orders)
        self.has_archive = has_archive
        self.read = 0

    def poll(self, begin: datetime, minutes: int, number: str = "") -> None:
        for minute in range(minutes):
            reading = Reading(number, None, {}, ({"Q1": 10.0 + self.read / 60, "T1": 60.0},))
            moment = begin + timedelta(minutes=minute)
            news = Contact(self.settings, IDENTITY, reading, moment, not self.read, "", self.has_archive, 60.0)
            self.keeper.contact(news)
            self.read += 1

    def stored(self) -> list[str]:
        return [block.text for path in self._archives() for block in blocks(path.read_bytes()) if block.number]

    def _archives(self) -> list[Path]:
        return sorted((self.root / "www/7").glob("[HD]-*.txt"))

    def shown(self) -> str:
        return (self.root / "log/User/txt/7.txt").read_text()


def stamps(texts: list[str]) -> list[str]:
    return [text.split("DateTime=")[1][:17] for text in texts]


def test_hours_are_recorded_and_the_newest_is_shown(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.poll(START, 150)
    first, second = (START + timedelta(minutes=minutes) for minutes in (30, 90))
    wanted = [desk.orders.local(moment) for moment in (first, second)]
    assert stamps(desk.stored()) == [f"{moment:%d.%m.%y %H:00:00}" for moment in wanted if moment]
    assert "S1Q1=11.500\nS1dQ1=1.000\n" in desk.stored()[-1]
    assert f"[1]\nRecType=H\nDateTime={stamps(desk.stored())[-1]}\n" in desk.shown()
    assert desk.keeper.standing.stored == 2


def test_after_a_restart_the_snapshot_shows_the_last_record_at_once(tmp_path: Path) -> None:
    Desk(tmp_path).poll(START, 40)
    again = Desk(tmp_path)
    again.poll(START + timedelta(minutes=45), 1)
    assert "[1]\nRecType=H\n" in again.shown()
    assert len(again.stored()) == 1


def test_a_device_with_an_archive_of_its_own_is_left_alone(tmp_path: Path) -> None:
    desk = Desk(tmp_path, has_archive=True)
    desk.poll(START, 150)
    assert desk.stored() == []


def test_another_meter_behind_the_same_settings_is_not_recorded(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.poll(START, 40, number="111")
    desk.keeper.sync()
    other = Desk(tmp_path)
    other.poll(START + timedelta(minutes=60), 90, number="222")
    assert len(other.stored()) == 1
    assert "начат прибором 111" in other.keeper.standing.note


def test_a_full_disk_is_told_and_loses_no_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(tmp_path)
    desk.poll(START, 25)
    with monkeypatch.context() as full:
        full.setattr(files, "write_whole", _full)
        desk.poll(START + timedelta(minutes=25), 10)
        assert "архив" in desk.keeper.standing.notes[Note.ARCHIVE]
    desk.poll(START + timedelta(minutes=35), 5)
    assert len(desk.stored()) == 1
    assert not desk.keeper.standing.notes[Note.ARCHIVE]


def _full(*_: object, **__: object) -> bool:
    raise OSError(28, "full")

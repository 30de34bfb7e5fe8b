"""The host's clock: `Set=` once, `SyncPort=` from a meter, NTP only looked at. No test sets a real clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine import clock, files, naming
from engine.clock.setting import ClockRefused
from engine.command import CommandFailed
from engine.dialogue import Identity
from engine.model import Reading
from engine.news import Contact, Missed
from engine.runtime.timekeeping import NOTE, SET_AGAIN_S, Timekeeping
from engine.settings import DeviceSettings, Settings
from tests.fake.agent_settings import serial_device, settings_of, tcp_device
from tests.fake.house import TestHouse

SET = "1122093026"
INI = "; Мои часы\r\n[time]\r\nSet=1122093026\r\nSyncPort=\r\n".encode("cp1251")
EMPTY = "; Мои часы\r\n[time]\r\nSet=\r\nSyncPort=\r\n".encode("cp1251")


IDENTITY = Identity("TEM-104", "ТЕМ-104", "440020", None)


class Scene:
    """The part beside a clock that may be set, refuse, or follow NTP."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.moments: list[datetime] = []
        self.refusal = ""
        self.ntp = False
        monkeypatch.setattr(clock, "set_host_clock", self._set)
        monkeypatch.setattr(clock, "follows_ntp", lambda: self.ntp)
        self.root = root
        self.ini = root / naming.AGENT_INI
        self.ini.parent.mkdir(parents=True)
        (root / naming.VAR).mkdir()
        self.begin()

    def begin(self) -> None:
        """As after a restart."""
        self.test = TestHouse(self.root)
        self.part = Timekeeping(self.test.house)

    def _set(self, moment: datetime) -> None:
        if self.refusal:
            raise ClockRefused(self.refusal)
        self.moments.append(moment)

    def apply(self, *devices: DeviceSettings, time_set: str = "", sync_port: str = "", **agent: Any) -> Settings:
        settings = settings_of(*devices, agent={"time_set": time_set, "sync_port": sync_port, **agent})
        self.part.apply(settings, 0.0)
        return settings

    def ask(self, device: DeviceSettings, *ahead_s: float) -> None:
        """Readings of a meter whose clock is ahead, one after another."""
        for seconds in ahead_s:
            host = datetime(2026, 11, 22, 9, tzinfo=UTC)
            shown = datetime(2026, 11, 22, 12) + timedelta(seconds=seconds)
            reading = Reading("440020", shown, {}, ())
            self.part.take(Contact(device, IDENTITY, reading, host, first=False))

    def told(self) -> str:
        return "\n".join(self.part.lines())


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(tmp_path, monkeypatch)


# --- by hand


def test_set_is_tried_once_told_and_emptied(scene: Scene) -> None:
    scene.ini.write_bytes(INI)
    scene.apply(time_set=SET)
    scene.part.tick(0.0)
    assert scene.moments == [datetime(2026, 11, 22, 6, 30, tzinfo=UTC)]
    assert scene.ini.read_bytes() == EMPTY
    assert scene.test.touched == [naming.AGENT_INI]
    assert f"Set={SET}: часы поставлены на 22.11.26 09:30:00" in scene.told()
    assert scene.test.journaled == [f"Set={SET}: часы поставлены на 22.11.26 09:30:00"]
    scene.apply()
    scene.part.tick(100.0)
    assert len(scene.moments) == 1
    assert not (scene.root / NOTE).exists()
    assert "часы поставлены" in scene.told(), "it is told as long as the agent runs"


@pytest.mark.parametrize(
    ("value", "refusal", "ntp", "why"),
    [
        (SET, "нет права ставить часы этого устройства", False, "нет права"),
        (SET, "", True, "ведёт NTP"),
        ("1122093005", "", False, "год раньше 2026"),
    ],
)
def test_a_refused_setting_is_emptied_too_and_the_reason_told(
    scene: Scene, value: str, refusal: str, ntp: bool, why: str
) -> None:
    scene.ini.write_bytes(INI.replace(SET.encode(), value.encode()))
    scene.refusal, scene.ntp = refusal, ntp
    scene.apply(time_set=value)
    scene.part.tick(0.0)
    assert scene.moments == []
    assert scene.ini.read_bytes() == EMPTY
    assert f"Set={value}: часы не поставлены: " in scene.told()
    assert why in scene.told()


def test_a_crash_in_between_never_repeats_it(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    class PowerIsGone(BaseException):
        pass

    def die(_moment: datetime) -> None:
        raise PowerIsGone

    scene.ini.write_bytes(INI)
    monkeypatch.setattr(scene.part, "_set_clock", die)
    scene.apply(time_set=SET)
    with pytest.raises(PowerIsGone):
        scene.part.tick(0.0)
    scene.begin()
    scene.apply(time_set=SET)
    scene.part.tick(0.0)
    assert scene.moments == []
    assert scene.ini.read_bytes() == EMPTY
    assert "уже испробовано до перезапуска" in scene.told()


def test_the_same_value_is_tried_again_when_it_was_empty_in_between(scene: Scene) -> None:
    for _ in range(2):
        scene.ini.write_bytes(INI)
        scene.apply(time_set=SET)
        scene.part.tick(0.0)
        scene.apply()
    assert len(scene.moments) == 2


def test_settings_that_come_again_with_it_set_nothing_twice(scene: Scene) -> None:
    """The file may be refused for another error, so that its last good settings stay in force."""
    scene.ini.write_bytes(b"[time]\nSet=\n[broken\n")
    for now_s in (0.0, 50.0, 100.0):
        scene.apply(time_set=SET, poll_interval_s=int(now_s) + 1)
        scene.part.tick(now_s)
    assert len(scene.moments) == 1
    assert scene.ini.read_bytes() == b"[time]\nSet=\n[broken\n"


def test_what_cannot_be_noted_is_not_tried(scene: Scene) -> None:
    (scene.root / NOTE).mkdir()
    scene.ini.write_bytes(INI)
    scene.apply(time_set=SET)
    scene.part.tick(0.0)
    assert scene.moments == []
    assert "ещё не испробовано" in scene.told()
    (scene.root / NOTE).rmdir()
    scene.part.tick(5.0)
    assert scene.moments == [], "not at every tick"
    scene.part.tick(10.0)
    assert len(scene.moments) == 1


def test_an_upload_at_the_same_moment_wins(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = files.replace_unchanged
    newer = INI.replace("Мои".encode("cp1251"), "Новые".encode("cp1251"))

    def upload_first(path: Path, before: bytes, after: bytes) -> bool:
        path.write_bytes(newer)
        monkeypatch.setattr(files, "replace_unchanged", whole)
        return whole(path, before, after)

    scene.ini.write_bytes(INI)
    monkeypatch.setattr(files, "replace_unchanged", upload_first)
    scene.apply(time_set=SET)
    scene.part.tick(0.0)
    assert scene.ini.read_bytes() == newer
    assert "ещё не стёрто: файл сейчас меняют" in scene.told()
    scene.part.tick(10.0)
    assert scene.ini.read_bytes() == newer.replace(SET.encode(), b"")
    assert len(scene.moments) == 1


def test_the_command_does_the_same_and_fails_with_the_reason(scene: Scene) -> None:
    scene.apply()
    assert scene.part.set_by_command(SET) == "часы поставлены на 22.11.26 09:30:00"
    assert scene.test.journaled == ["часы поставлены на 22.11.26 09:30:00, по команде set-time"]
    with pytest.raises(CommandFailed, match="часы не поставлены: нужно ммддЧЧММгг"):
        scene.part.set_by_command("now")
    scene.refusal = "нет права"
    with pytest.raises(CommandFailed, match="нет права"):
        scene.part.set_by_command(SET)
    assert len(scene.moments) == 1


# --- by a meter

DEVICE = serial_device("a.ini", port="/dev/ttyS1")


def test_the_meter_on_the_line_sets_the_clock(scene: Scene) -> None:
    scene.apply(DEVICE, sync_port="/dev/ttyS1")
    assert "время прибора ещё не известно" in scene.told()
    before = datetime.now(UTC)
    scene.ask(DEVICE, 7200, 7200)
    (moment,) = scene.moments
    assert timedelta() <= moment - before - timedelta(seconds=7200) < timedelta(seconds=10)
    assert scene.test.journaled == ["часы поставлены по прибору a.ini, сдвиг +2 ч 0 мин"]


def test_a_clock_that_is_right_is_left_alone(scene: Scene) -> None:
    scene.apply(DEVICE, sync_port="/dev/ttyS1")
    scene.ask(DEVICE, 20, -20, 20)
    assert scene.moments == []
    assert "прибор a.ini; расхождение не больше 30 с" in scene.told()


def test_a_silence_between_two_readings_counts_from_the_beginning(scene: Scene) -> None:
    scene.apply(DEVICE, sync_port="/dev/ttyS1")
    scene.ask(DEVICE, 95)
    scene.part.take(Missed("a.ini", "нет ответа", 1, lost=False))
    scene.ask(DEVICE, 95)
    assert scene.moments == []


def test_a_meter_never_fights_with_ntp(scene: Scene) -> None:
    scene.ntp = True
    scene.apply(DEVICE, sync_port="/dev/ttyS1")
    scene.ask(DEVICE, 95, 95)
    assert scene.moments == []
    assert "часы ведёт NTP" in scene.told()
    assert "прибор расходится с часами на +95 с; прибор часы не переводит" in scene.told()


def test_a_clock_that_may_not_be_set_is_told_once_and_tried_again_later(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now_s[0])
    scene.refusal = "нет права ставить часы этого устройства"
    scene.apply(DEVICE, sync_port="/dev/ttyS1")
    scene.ask(DEVICE, 95, 95, 95)
    assert len(scene.test.journaled) == 1
    assert "часы не поставлены: нет права" in scene.told()
    scene.refusal = ""
    scene.ask(DEVICE, 95)
    assert scene.moments == [], "not at every reading"
    now_s[0] += SET_AGAIN_S
    scene.ask(DEVICE, 95)
    assert len(scene.moments) == 1
    assert "нет права" not in scene.told()


@pytest.mark.parametrize(
    "device",
    [
        serial_device("a.ini", port="/dev/ttyS0"),
        serial_device("a.ini", port="/dev/ttyS1", enabled=False),
        tcp_device("a.ini"),
    ],
)
def test_a_line_that_nobody_polls_gives_no_time_and_that_is_told(scene: Scene, device: DeviceSettings) -> None:
    scene.apply(device, sync_port="/dev/ttyS1")
    scene.ask(device, 95, 95)
    assert scene.moments == []
    assert "SyncPort=/dev/ttyS1: этот порт не опрашивает ни один прибор" in scene.told()


def test_of_several_meters_on_the_line_that_of_the_speed_gives_the_time(scene: Scene) -> None:
    other = serial_device("b.ini", port="/dev/ttyS1", baud=19200)
    scene.apply(DEVICE, other, sync_port="/dev/ttyS1", sync_baud=19200)
    scene.ask(DEVICE, 95, 95)
    assert scene.moments == []
    scene.ask(other, 95, 95)
    assert len(scene.moments) == 1


def test_a_port_is_known_by_any_of_its_names(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "by-id").symlink_to("/dev/ttyS1")
    scene.apply(DEVICE, sync_port=str(tmp_path / "by-id"))
    scene.ask(DEVICE, 95, 95)
    assert len(scene.moments) == 1


def test_without_any_wish_only_ntp_is_looked_at(scene: Scene) -> None:
    scene.apply(DEVICE)
    scene.ask(DEVICE, 95, 95)
    assert scene.moments == []
    assert scene.part.lines() == ["NTP часы не ведёт"]

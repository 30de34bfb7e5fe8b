"""The static index of a running agent: its states, and how rarely it is written."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from io import StringIO
from pathlib import Path

import pytest

from engine import naming
from engine.console import Progress
from engine.errors import Problem
from engine.formats.snapshot import SnapshotView, snapshot_text
from engine.formats.status import StatusView
from engine.keeper import Keeper
from engine.runtime.agent import Agent
from engine.runtime.index_page import IndexPage
from tests.fake.agent_settings import serial_device
from tests.fake.keeper_orders import KeeperOrders
from tests.fake.leaks import nothing_left

NOW = datetime(2026, 9, 25, 14, 30, 7)


def view(**changed: object) -> StatusView:
    usual: dict[str, object] = {
        "name": "ТСМ-СМАРТ", "number": 7, "now": NOW, "started": NOW, "settings_since": NOW,
    }  # fmt: skip
    return StatusView(**{**usual, **changed})  # type: ignore[arg-type]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / naming.ARCHIVES).mkdir()
    return tmp_path


def keeper_of(root: Path, dev_number: str = "440020", **changed: object) -> Keeper:
    return Keeper(root, serial_device("kotelnaya.ini", dev_number=dev_number, **changed), KeeperOrders())


def page(root: Path) -> str:
    return (root / naming.INDEX).read_text(encoding="utf-8")


def put_snapshot(root: Path, **extra: object) -> None:
    shown = SnapshotView({"DevType": "ТЕМ-104"}, ({"T1": 68.2, "T2": None},), extra=extra)  # type: ignore[arg-type]
    path = root / naming.snapshot_path("440020")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(snapshot_text(shown), encoding="utf-8")


def test_a_device_on_line_shows_its_last_reading_values_and_errors(root: Path) -> None:
    keeper = keeper_of(root)
    keeper.standing.online, keeper.standing.read_at = True, NOW
    put_snapshot(root, ErrText="расход меньше Gmin")
    IndexPage(root).show(view(), [keeper])
    for part in ("№440020", "на связи", "25.09.26 14:30:07", "T1\u00a068,20\u00a0°C", "расход меньше Gmin"):
        assert part in page(root)
    assert "T2" not in page(root)


def test_nothing_stale_is_shown_of_a_device_off_line(root: Path) -> None:
    keeper = keeper_of(root)
    keeper.standing.online, keeper.standing.read_at, keeper.standing.reason = False, NOW, "нет ответа"
    put_snapshot(root)
    IndexPage(root).show(view(), [keeper])
    assert "не на связи (нет ответа)" in page(root) and "25.09.26 14:30:07" in page(root)
    assert "68,20" not in page(root)


@pytest.mark.parametrize("text", ["", "garbage", "\0\0"])
def test_a_snapshot_that_is_torn_or_not_there_leaves_the_state(root: Path, text: str) -> None:
    keeper = keeper_of(root)
    keeper.standing.online = True
    (root / naming.SNAPSHOTS).mkdir(parents=True)
    if text:
        (root / naming.snapshot_path("440020")).write_text(text)
    IndexPage(root).show(view(), [keeper])
    assert "на связи" in page(root)


def test_a_device_without_a_number_is_shown_by_its_file(root: Path) -> None:
    IndexPage(root).show(view(), [keeper_of(root, "")])
    assert "<h3>kotelnaya.ini</h3>" in page(root)


def test_a_device_that_is_switched_off_says_so(root: Path) -> None:
    IndexPage(root).show(view(), [keeper_of(root, enabled=False)])
    assert "выключен" in page(root)


def test_errors_of_settings_are_told_without_what_they_are(root: Path) -> None:
    problems = [Problem("log/User/ftp.ini", 3, "Password: secret"), Problem("a", 1, "warned", True)]
    IndexPage(root).show(view(problems=problems), [])
    assert "есть ошибки (1)" in page(root) and "secret" not in page(root)


def test_that_time_passes_is_no_reason_to_write(root: Path) -> None:
    index = IndexPage(root)
    index.show(view(), [keeper_of(root)])
    before = (root / naming.INDEX).stat()
    index.show(view(now=NOW.replace(hour=20)), [keeper_of(root)])
    after = (root / naming.INDEX).stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)
    index.show(view(stopped=True), [keeper_of(root)])
    assert "ТСМ-смарт остановлен" in page(root)


def test_an_agent_shows_its_index_from_start_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ftp = tmp_path / naming.FTP_INI
    ftp.parent.mkdir(parents=True)
    ftp.write_text("[internal]\nEnabled=0\n")
    shown: list[bool] = []
    show = IndexPage.show

    def noting(index: IndexPage, what: StatusView, keepers: Iterable[Keeper]) -> None:
        shown.append(what.stopped)
        show(index, what, keepers)

    monkeypatch.setattr(IndexPage, "show", noting)
    with nothing_left():
        Agent(tmp_path, (), lambda _name: None, Progress(StringIO())).once()
    assert shown == [False, True]
    assert "ТСМ-смарт остановлен" in page(tmp_path)


def test_a_disk_that_takes_nothing_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    IndexPage(tmp_path).show(view(), [])
    assert "www/index.html: файла нет" in capsys.readouterr().err

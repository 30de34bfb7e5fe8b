"""`status.txt` is written when something has changed: a flash card wears."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from engine import naming
from engine.formats.status import StatusView
from engine.runtime.status_file import LONGEST_S, StatusFile
from tests.fake.failing_disk import FailingDisk

NOW = datetime(2026, 11, 22, 9, 5, 30)
VIEW = StatusView("Котельная", 7, NOW, NOW, NOW)


def at(seconds: float) -> StatusView:
    return replace(VIEW, now=NOW + timedelta(seconds=seconds))


def test_what_changed_is_written_at_once(tmp_path: Path) -> None:
    status = StatusFile(tmp_path)
    status.show(VIEW, 100.0)
    status.show(replace(VIEW, sections={"Приборы": ("a.ini: на связи",)}), 100.1)
    assert "a.ini: на связи" in (tmp_path / naming.STATUS).read_text()


def test_time_alone_is_written_once_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status = StatusFile(tmp_path)
    status.show(VIEW, 100.0)
    disk = FailingDisk(monkeypatch)
    for second in range(int(LONGEST_S)):
        status.show(at(second), 100.0 + second)
    assert disk.steps == []
    status.show(at(LONGEST_S), 100.0 + LONGEST_S)
    assert "09:06:30" in (tmp_path / naming.STATUS).read_text()


def test_a_status_that_was_deleted_is_written_again(tmp_path: Path) -> None:
    status = StatusFile(tmp_path)
    status.show(VIEW, 100.0)
    (tmp_path / naming.STATUS).unlink()
    status.show(VIEW, 101.0)
    assert (tmp_path / naming.STATUS).exists()


def test_a_disk_that_takes_nothing_is_told_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    disk = FailingDisk(monkeypatch)
    disk.fail(0, for_good=True)
    status = StatusFile(tmp_path)
    status.show(VIEW, 100.0)
    assert capsys.readouterr().err == "log/User/status.txt: нет места на диске\n"
    disk.recover()
    status.show(VIEW, 101.0)
    assert (tmp_path / naming.STATUS).exists()


def test_a_name_that_no_encoding_takes_does_not_stop_it(tmp_path: Path) -> None:
    StatusFile(tmp_path).show(replace(VIEW, name="имя \udcff"), 100.0)
    assert (tmp_path / naming.STATUS).read_text().startswith("имя")

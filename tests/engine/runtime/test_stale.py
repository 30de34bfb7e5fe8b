"""Snapshots that nobody renews are not shown as current."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine import naming
from engine.formats.snapshot import SnapshotView, snapshot_text
from engine.runtime.stale import Stale

CURRENT = SnapshotView({"DevNumber": "1", "Date": "25.09.26"}, ({"Q1": 1.0, "Type": "Подача"},), extra={"Online": 1})


def keeper(dev_number: str, online: bool | None) -> Any:
    return SimpleNamespace(dev_number=dev_number, standing=SimpleNamespace(online=online))


def show(root: Path, *numbers: str) -> None:
    for number in numbers:
        path = root / naming.snapshot_path(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(snapshot_text(CURRENT), encoding="utf-8")


def current(root: Path) -> list[str]:
    folder = root / naming.SNAPSHOTS
    return sorted(
        path.stem
        for path in folder.glob("*.txt")
        if "\nOnline=1\n" in path.read_text(encoding="utf-8", errors="replace")
    )


def test_what_no_device_on_line_renews_is_shown_off_line(tmp_path: Path) -> None:
    show(tmp_path, "1", "2", "3", naming.AGENT_NUMBER)
    Stale(tmp_path).look([keeper("1", True), keeper("2", False)])
    assert current(tmp_path) == [naming.AGENT_NUMBER, "1"]
    text = (tmp_path / naming.snapshot_path("3")).read_text(encoding="utf-8")
    assert "\nS1Q1=\n" in text and "\nDate=\n" in text and "\nS1Type=Подача\n" in text


def test_nothing_is_judged_before_every_device_has_answered_or_is_lost(tmp_path: Path) -> None:
    show(tmp_path, "1", "2")
    stale = Stale(tmp_path)
    stale.look([keeper("1", True), keeper("", None)])
    assert current(tmp_path) == ["1", "2"]
    stale.look([keeper("1", True), keeper("2", True)])
    assert current(tmp_path) == ["1", "2"]
    stale.look([keeper("1", True)])
    assert current(tmp_path) == ["1"]


def test_nothing_is_written_while_the_same_devices_are_on_line(tmp_path: Path) -> None:
    stale = Stale(tmp_path)
    stale.look([keeper("1", True)])
    show(tmp_path, "2")
    stale.look([keeper("1", True)])
    assert current(tmp_path) == ["2"]


def test_what_is_no_snapshot_is_left_alone(tmp_path: Path) -> None:
    show(tmp_path, "1")
    torn = tmp_path / naming.snapshot_path("2")
    torn.write_bytes(b"\xff\x00[0")
    Stale(tmp_path).look([])
    assert torn.read_bytes() == b"\xff\x00[0"
    assert current(tmp_path) == []


def test_a_snapshot_that_cannot_be_read_is_told_and_hinders_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show(tmp_path, "2")
    (tmp_path / naming.snapshot_path("1")).symlink_to("2.txt")
    Stale(tmp_path).look([])
    assert current(tmp_path) == []
    assert "1.txt: " in capsys.readouterr().err

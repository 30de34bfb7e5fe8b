"""Pieces of drops that nobody finished do not fill the inbox for ever; whole drops are nobody's to remove."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.runtime.inbox import sweep_inbox
from tests.fake.deep_folders import BEYOND_PATH_MAX, deep_folders, level

NOW = datetime(2026, 9, 25, 14, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def put(root: Path, name: str, age: timedelta) -> Path:
    path = root / "log/Ftp" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"half")
    moment = (NOW - age).timestamp()
    os.utime(path, (moment, moment))
    return path


@pytest.mark.parametrize("name", ["7_00000001_dos.zip.part", "7_00000001_DOS.ZIP.PART", "kotelnaya/deep/x.part"])
def test_a_piece_older_than_a_day_goes(tmp_path: Path, name: str) -> None:
    path = put(tmp_path, name, 25 * HOUR)
    assert sweep_inbox(tmp_path, NOW) == 1
    assert not path.exists()


@pytest.mark.parametrize(
    ("name", "age"),
    [
        ("7_00000001_dos.zip.part", 23 * HOUR),
        ("7_00000001_dos.zip.part", -2 * HOUR),
        ("7_00000001_dos.zip", 1000 * HOUR),
        ("part", 1000 * HOUR),
    ],
    ids=["young", "from the future", "whole", "another name"],
)
def test_everything_else_stays(tmp_path: Path, name: str, age: timedelta) -> None:
    path = put(tmp_path, name, age)
    assert sweep_inbox(tmp_path, NOW) == 0
    assert path.read_bytes() == b"half"


def test_nothing_outside_the_inbox_is_touched(tmp_path: Path) -> None:
    outside = put(tmp_path, "../User/x.part", 48 * HOUR)
    (tmp_path / "log/Ftp").mkdir(exist_ok=True)
    (tmp_path / "log/Ftp/link").symlink_to(outside.parent)
    assert sweep_inbox(tmp_path, NOW) == 0
    assert outside.exists()


def test_folders_of_any_depth_are_looked_through(tmp_path: Path) -> None:
    inbox = tmp_path / "log/Ftp"
    with deep_folders(inbox, BEYOND_PATH_MAX, (1100, "x.part"), (1100, "x"), (BEYOND_PATH_MAX, "y.part")):
        assert sweep_inbox(tmp_path, NOW) == 1
        assert [path.name for path in level(inbox, 1100).iterdir() if path.name != "a"] == ["x"]


def test_without_an_inbox_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert sweep_inbox(tmp_path, NOW) == 0

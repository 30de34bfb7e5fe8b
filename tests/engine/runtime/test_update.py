"""What is told of updates by file: the version, the last result, and a file that nobody will take."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from engine.runtime.update import LOOK_S, Update
from engine.version import VERSION
from tests.fake.house import TestHouse

WRITTEN = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)


def part_of(root: Path, *, key: bool = True) -> tuple[Update, TestHouse]:
    for folder in ("var", "log/Ftp"):
        (root / folder).mkdir(parents=True)
    key_path = root / "update.pub"
    if key:
        key_path.touch()
    house = TestHouse(root)
    return Update(house.house, key_path), house


def write_result(root: Path, text: str, seconds: int = 0) -> None:
    path = root / "var/update.txt"
    path.write_text(text, encoding="utf-8")
    moment_s = WRITTEN.timestamp() + seconds
    os.utime(path, (moment_s, moment_s))


def look_for_waiting(part: Update) -> None:
    for job in part.jobs():
        job()


def test_without_any_update_only_the_version_is_told(tmp_path: Path) -> None:
    part, house = part_of(tmp_path)
    part.tick(0.0)
    look_for_waiting(part)
    assert part.lines() == [f"версия {VERSION}"]
    assert house.journaled == []


def test_a_result_that_comes_is_told_with_its_moment_and_once_in_the_journal(tmp_path: Path) -> None:
    part, house = part_of(tmp_path)
    part.tick(0.0)
    write_result(tmp_path, "a.update: установлена версия 1.0.1\n")
    part.tick(LOOK_S)
    part.tick(2 * LOOK_S)
    assert part.lines()[1:] == ["обновление 22.11.26 08:30:00: a.update: установлена версия 1.0.1"]
    assert house.journaled == ["обновление: a.update: установлена версия 1.0.1"]


def test_what_was_there_at_the_start_is_shown_and_not_told_anew(tmp_path: Path) -> None:
    part, house = part_of(tmp_path)
    write_result(tmp_path, "a.update: установлена версия 1.0.1\n")
    part.tick(0.0)
    assert len(part.lines()) == 2
    write_result(tmp_path, "b.update: не установлено: подпись не подходит\n", seconds=60)
    part.tick(LOOK_S)
    assert house.journaled == ["обновление: b.update: не установлено: подпись не подходит"]


def test_a_result_of_any_content_is_one_line(tmp_path: Path) -> None:
    part, _ = part_of(tmp_path)
    write_result(tmp_path, "[Приборы\x1b]\r\nвсё хорошо\n")
    part.tick(0.0)
    assert len(part.lines()) == 2
    assert not any(character in part.lines()[1] for character in "\r\n\x1b")


def test_a_result_that_is_no_file_is_told_and_breaks_nothing(tmp_path: Path) -> None:
    part, _ = part_of(tmp_path)
    (tmp_path / "var/update.txt").symlink_to("/etc/passwd")
    part.tick(0.0)
    assert part.lines()[1].startswith("var/update.txt: ")
    assert "root" not in part.lines()[1]


def test_a_file_that_nobody_will_take_is_told_while_there_is_no_key(tmp_path: Path) -> None:
    part, _ = part_of(tmp_path, key=False)
    (tmp_path / "log/Ftp/tsm-smart_1.0.1_arm64.update").touch()
    (tmp_path / "log/Ftp/7_00000001_linux.zip").touch()
    look_for_waiting(part)
    assert part.lines()[1].startswith(
        "log/Ftp/tsm-smart_1.0.1_arm64.update не установится: обновление файлом не включено"
    )
    (tmp_path / "update.pub").touch()
    look_for_waiting(part)
    assert len(part.lines()) == 1

"""What the files of a user say of lines, good files and bad ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import naming
from engine.config import Config
from engine.runtime.known_lines import MODEM, SYNC_PORT, Known, read_known
from engine.search.proposal import Named
from tests.fake.agent_process import put


def known(root: Path) -> Known:
    return read_known(root, lambda path: {"/dev/ttyUSB1000": "/dev/ttyUSB0"}.get(path, path))


def test_an_empty_folder_names_nothing(tmp_path: Path) -> None:
    assert known(tmp_path) == Known((), {}, "Europe/Moscow")
    assert list(tmp_path.iterdir()) == []


def test_a_device_that_is_polled_keeps_its_line(tmp_path: Path) -> None:
    put(tmp_path, "devices/a.ini", "[device]\nPort=ttyS1\nNetAddr=5\nDevNumber=12\n")
    assert known(tmp_path).named == (Named("a.ini", "12", "/dev/ttyS1", 5),)
    assert known(tmp_path).reserved == {"/dev/ttyS1": "его опрашивает a.ini"}


def test_a_device_that_is_switched_off_is_named_and_leaves_its_line_free(tmp_path: Path) -> None:
    put(tmp_path, "devices/a.ini", "[device]\nPort=ttyS1\nEnabled=0\n")
    assert known(tmp_path) == Known((Named("a.ini", "", "/dev/ttyS1", 0),), {}, "Europe/Moscow")


def test_a_device_behind_tcp_has_no_line(tmp_path: Path) -> None:
    put(tmp_path, "devices/a.ini", "[device]\nConnection=TCP\nNetIP=10.0.0.1\nDevNumber=7\n")
    assert known(tmp_path) == Known((Named("a.ini", "7", "", 0),), {}, "Europe/Moscow")


def test_a_line_is_known_by_its_real_name(tmp_path: Path) -> None:
    put(tmp_path, "devices/a.ini", "[device]\nPort=ttyUSB1000\n")
    assert list(known(tmp_path).reserved) == ["/dev/ttyUSB0"]


def test_modem_and_time_have_their_lines(tmp_path: Path) -> None:
    put(tmp_path, "agent.ini", "[agent]\nTimezone=Asia/Omsk\n[modem]\nPort=ttyUSB1000\n[time]\nSyncPort=ttyS0\n")
    assert known(tmp_path) == Known((), {"/dev/ttyUSB0": MODEM, "/dev/ttyS0": SYNC_PORT}, "Asia/Omsk")


def test_a_file_with_errors_keeps_the_line_that_it_names(tmp_path: Path) -> None:
    put(tmp_path, "devices/a.ini", "[device]\nPort=ttyS1\nNetAddr=5\nBaud=9601\nDevNumber=12\n")
    assert known(tmp_path).named == (Named("a.ini", "12", "/dev/ttyS1", 5),)
    assert known(tmp_path).reserved == {"/dev/ttyS1": "его называет файл с ошибкой a.ini"}


@pytest.mark.parametrize(
    "text", ["", "Port=ttyS1\n", "[device]\nPort=/etc/passwd\nNetAddr=-1\nDevNumber=№1\n", "\0" * 9]
)
def test_a_file_that_says_nothing_of_use_keeps_no_line(tmp_path: Path, text: str) -> None:
    put(tmp_path, "devices/a.ini", text)
    assert known(tmp_path) == Known((Named("a.ini", "", "", None),), {}, "Europe/Moscow")


def test_a_file_that_was_spoilt_keeps_both_lines(tmp_path: Path) -> None:
    put(tmp_path, "devices/a.ini", "[device]\nPort=ttyS1\n")
    put(tmp_path, "agent.ini", "[modem]\nPort=ttyS7\n")
    Config(tmp_path).load()
    put(tmp_path, "devices/a.ini", "[device]\nPort=ttyS2\nBaud=1\n")
    put(tmp_path, "agent.ini", "[modem]\nPort=no\n")
    assert set(known(tmp_path).reserved) == {"/dev/ttyS1", "/dev/ttyS2", "/dev/ttyS7"}


def test_nothing_is_written(tmp_path: Path) -> None:
    put(tmp_path, "devices/a.ini", "[device]\nPort=ttyS1\nBaud=1\n")
    known(tmp_path)
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {f"{naming.DEVICES}/a.ini"}

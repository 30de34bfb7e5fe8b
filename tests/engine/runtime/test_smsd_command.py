"""`agent.py smsd-conf`: for the modem that is in force, and nothing where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

import agent

MODEM = "[modem]\nPort=/dev/ttyUSB3\nBaud=57600\nSpool=var/sms\n"


def put(root: Path, text: str, path: str = "log/User/agent.ini") -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


def told(root: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert agent.main(["--root", str(root), "smsd-conf"]) == 0
    return capsys.readouterr().out


def test_the_modem_of_the_settings_is_told_with_full_paths(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path, MODEM)
    lines = told(tmp_path, capsys).splitlines()
    assert {"device = /dev/ttyUSB3", "baudrate = 57600", f"outgoing = {tmp_path}/var/sms/outgoing"} <= set(lines)


def test_the_spool_of_smstools_itself_stays_where_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path, "[modem]\nPort=ttyS1\n")
    assert "outgoing = /var/spool/sms/outgoing" in told(tmp_path, capsys).splitlines()


@pytest.mark.parametrize("text", ["", "[agent]\nNumber=7\n", "[modem]\nPort=\n"])
def test_without_a_modem_nothing_is_told(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path, text)
    assert told(tmp_path, capsys) == ""


def test_before_the_first_start_nothing_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(tmp_path, capsys) == ""


def test_while_the_file_is_refused_the_last_good_one_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path, "[modem]\nPort=ttyS9\nBuad=1\n")
    put(tmp_path, MODEM, "var/good/log/User/agent.ini")
    assert "device = /dev/ttyUSB3" in told(tmp_path, capsys)

"""A command on the shell: its file, its answer as it grows, what it ends with."""

from __future__ import annotations

import os
import threading
import time
from io import StringIO
from pathlib import Path

import pytest

from engine.console import commands as commands_module
from engine.console.commands import CommandConsole, follow, put_command
from engine.naming import COMMANDS


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands_module, "LOOK_S", 0.005)


def test_a_command_file_holds_the_line_and_no_two_have_one_name(tmp_path: Path) -> None:
    folder = tmp_path / COMMANDS
    first, second = put_command(tmp_path, "read 440020"), put_command(tmp_path, "read 440020")
    assert first != second and first.startswith("read-")
    assert (folder / first).read_text() == "read 440020\n"
    assert sorted(path.name for path in folder.iterdir()) == sorted((first, second)), "nothing half made is left"
    (folder / first).unlink()
    (folder / first).with_suffix(".out").touch()
    assert put_command(tmp_path, "read 440020") not in (first, second), "that answer belongs to another"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root writes for others")
def test_a_command_of_root_belongs_to_whom_the_folder_belongs(tmp_path: Path) -> None:
    folder = tmp_path / COMMANDS
    folder.mkdir(parents=True)
    os.chown(folder, 12345, 23456)
    status = (folder / put_command(tmp_path, "push")).stat()
    assert (status.st_uid, status.st_gid) == (12345, 23456)


def grow(out: Path, pieces: list[str]) -> threading.Thread:
    def write() -> None:
        for piece in pieces:
            time.sleep(0.03)
            with out.open("a", encoding="utf-8") as file:
                file.write(piece)

    thread = threading.Thread(target=write, name="grow")
    thread.start()
    return thread


def followed(tmp_path: Path, stream: StringIO, *pieces: str) -> CommandConsole:
    console = CommandConsole(stream)
    name = put_command(tmp_path, "read 1")
    thread = grow((tmp_path / COMMANDS / name).with_suffix(".out"), list(pieces))
    follow(tmp_path, name, console, lambda: True)
    thread.join()
    assert not (tmp_path / COMMANDS / name).with_suffix(".out").exists()
    return console


def test_the_answer_is_shown_by_whole_lines_as_it_grows(tmp_path: Path) -> None:
    stream = StringIO()
    console = followed(tmp_path, stream, "# read 1\nпер", "вая\n… 5 %\n", "вторая\nDO", "NE\n")
    assert stream.getvalue() == "# read 1\nпервая\n… 5 %\nвторая\n"
    assert console.failure == ""


def test_a_failure_is_told_apart(tmp_path: Path) -> None:
    console = followed(tmp_path, StringIO(), "FAILED: нет ответа\n")
    assert console.failure == "нет ответа"


def test_on_a_terminal_progress_is_one_line(tmp_path: Path) -> None:
    stream = Terminal()
    followed(tmp_path, stream, "# x\n… 5 %\n… 6 %\nготово\nDONE\n")
    assert stream.getvalue() == "# x\n\r\x1b[K… 5 %\r\x1b[K… 6 %\r\x1b[Kготово\n"
    stream = Terminal()
    followed(tmp_path, stream, "… 5 %\nFAILED: нет\n")
    assert stream.getvalue() == "\r\x1b[K… 5 %\r\x1b[K", "a fresh line for what comes next"


def test_an_agent_that_is_gone_gives_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands_module, "ASK_S", 0.02)
    console = CommandConsole(StringIO())
    name = put_command(tmp_path, "read 1")
    follow(tmp_path, name, console, lambda: False)
    assert console.failure == "агент остановился"
    assert not (tmp_path / COMMANDS / name).exists(), "it is not carried out when nobody waits for it any more"


def test_whoever_waits_for_another_command_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands_module, "WAITING_S", 0.01)
    stream = StringIO()
    followed(tmp_path, stream, "", "", "DONE\n")
    assert stream.getvalue() == "# ждёт: агент занят другой командой\n"


def test_a_closed_pipe_is_no_reason_to_stop() -> None:
    stream = StringIO()
    console = CommandConsole(stream)
    stream.close()
    console.take("x\ny")
    console.take("DONE")
    assert console.failure == ""

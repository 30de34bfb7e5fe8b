"""A command on the shell: to the agent that runs, by itself, or not at all."""

from __future__ import annotations

import threading
import time
from io import StringIO
from pathlib import Path

import pytest

from engine import naming
from engine.command import CommandFailed
from engine.console.commands import CommandConsole
from engine.runtime.root_lock import RootLock, RootTaken
from engine.runtime.shell_command import agent_runs, run_command


def nobody(name: str) -> None:
    raise AssertionError(f"nobody is to carry out {name}")


def test_whether_an_agent_runs_is_told_by_its_lock(tmp_path: Path) -> None:
    assert not agent_runs(tmp_path)
    lock = RootLock(tmp_path)
    lock.take()
    assert agent_runs(tmp_path)
    lock.release()
    assert not agent_runs(tmp_path)


def test_whoever_only_looks_keeps_no_agent_from_starting(tmp_path: Path) -> None:
    looking, agent = RootLock(tmp_path), RootLock(tmp_path)
    looking.take()
    look = threading.Timer(0.03, looking.release)
    look.name = "look"
    look.start()
    agent.take()
    look.join()
    with pytest.raises(RootTaken):
        looking.take()
    agent.release()


def test_without_an_agent_a_command_carries_itself_out(tmp_path: Path) -> None:
    console, obeyed = CommandConsole(StringIO()), []

    def obey(name: str) -> None:
        path = tmp_path / naming.COMMANDS / name
        obeyed.append(path.read_text())
        path.with_suffix(".out").write_text("DONE\n")
        path.unlink()
        console.take("DONE")

    run_command(tmp_path, ["archive", "440020", "h"], obey, console)
    assert obeyed == ["archive 440020 H\n"] and console.failure == ""
    assert list((tmp_path / naming.COMMANDS).iterdir()) == []


@pytest.mark.parametrize("words", [["pause"], ["pause", "1h"], ["resume"], ["set-time", "1122093026"]])
def test_what_only_an_agent_can_keep_to_says_so(tmp_path: Path, words: list[str]) -> None:
    with pytest.raises(CommandFailed, match="агент не запущен"):
        run_command(tmp_path, words, nobody, CommandConsole(StringIO()))


def test_words_that_cannot_be_understood_go_nowhere(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="нужно: read НОМЕР"):
        run_command(tmp_path, ["read"], nobody, CommandConsole(StringIO()))
    assert list(tmp_path.iterdir()) == []


def test_an_agent_that_runs_gets_it_and_its_answer_is_shown(tmp_path: Path) -> None:
    lock = RootLock(tmp_path)
    lock.take()
    stream, folder = StringIO(), tmp_path / naming.COMMANDS

    def answer() -> None:
        end_s = time.monotonic() + 30
        while not (found := list(folder.glob("read-*.txt"))):
            assert time.monotonic() < end_s
            time.sleep(0.01)
        found[0].with_suffix(".out").write_text("# read 440020\nFAILED: нет ответа\n")
        found[0].unlink()

    agent = threading.Thread(target=answer, name="agent")
    agent.start()
    console = CommandConsole(stream)
    run_command(tmp_path, ["read", "440020"], nobody, console)
    agent.join()
    lock.release()
    assert (stream.getvalue(), console.failure) == ("# read 440020\n", "нет ответа")
    assert list(folder.iterdir()) == []


def test_a_folder_that_takes_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("a file where a folder should be")
    with pytest.raises(CommandFailed, match="команда не передана агенту: на месте папки стоит файл"):
        run_command(tmp_path, ["push"], nobody, CommandConsole(StringIO()))

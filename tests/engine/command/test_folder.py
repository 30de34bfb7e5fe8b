"""Command files on the disk: complete ones, answers that grow, what an earlier run has left."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.command import folder as folder_module
from engine.command.folder import EMPTY_QUIET_S, QUIET_S, CommandFolder
from engine.naming import COMMANDS


def anybody(_name: str) -> bool:
    return True


@pytest.fixture
def folder(tmp_path: Path) -> CommandFolder:
    (tmp_path / COMMANDS).mkdir(parents=True)
    return CommandFolder(tmp_path)


def test_a_file_is_complete_when_it_has_been_quiet(folder: CommandFolder) -> None:
    path = folder.path / "x.txt"
    path.write_text("rea")
    assert folder.next(10.0, anybody) is None
    path.write_text("read 4400")
    assert folder.next(10.0 + QUIET_S, anybody) is None, "it has grown since"
    assert folder.next(11.0 + QUIET_S, anybody) == "x.txt"


def test_an_empty_file_may_be_filled_yet(folder: CommandFolder) -> None:
    (folder.path / "x.txt").touch()
    assert folder.next(0.0, anybody) is None
    assert folder.next(EMPTY_QUIET_S - 0.1, anybody) is None
    assert folder.next(EMPTY_QUIET_S, anybody) == "x.txt"


def test_they_come_by_their_names_and_only_those_that_are_accepted(folder: CommandFolder) -> None:
    for name in ("b.txt", "a.TXT", "c.out", ".d.txt", "e.ini", "0.txt"):
        (folder.path / name).write_text("push")
    assert folder.next(0.0, anybody) is None
    assert folder.next(QUIET_S, anybody) == "0.txt"
    folder.remove("0.txt")
    assert folder.next(QUIET_S, anybody) == "a.TXT"
    assert folder.next(QUIET_S, lambda name: name == "b.txt") == "b.txt"
    assert folder.next(QUIET_S, lambda _name: False) is None


def test_answers_by_the_thousand_hide_no_command(folder: CommandFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "MOST_FILES", 3)
    for name in ("1.out", "2.out", "3.out", "4.out", "x.txt", "5.out", "6.out", "7.out", "8.out"):
        (folder.path / name).write_text("push")
    assert folder.next(0.0, anybody) is None
    assert folder.next(QUIET_S, anybody) == "x.txt"


def test_a_folder_in_the_folder_is_no_command(folder: CommandFolder) -> None:
    (folder.path / "a.txt").mkdir()
    (folder.path / "a.out").touch()
    (folder.path / "b.txt").write_text("push")
    assert folder.end_interrupted() == ["a.txt"]
    assert folder.next(0.0, anybody) is None
    assert folder.next(QUIET_S, anybody) == "b.txt"


def test_a_folder_that_is_not_there_has_no_commands(tmp_path: Path) -> None:
    assert CommandFolder(tmp_path).next(0.0, anybody) is None
    assert CommandFolder(tmp_path).end_interrupted() == []


def test_a_link_and_a_long_file_are_not_read(folder: CommandFolder) -> None:
    (folder.path / "x.txt").symlink_to("/etc/passwd")
    (folder.path / "y.txt").write_bytes(b"x" * 100_000)
    for name in ("x.txt", "y.txt"):
        with pytest.raises(OSError):
            folder.text(name)


def test_an_answer_grows_by_lines_and_what_was_there_before_is_gone(folder: CommandFolder) -> None:
    out = folder.path / "x.out"
    out.write_text("DONE\n")
    answer = folder.answer("x.txt")
    answer.begin()
    assert out.read_text() == ""
    answer.tell("раз")
    answer.tell("два\nтри\x07\r")
    assert out.read_text() == "раз\nдва\nтри\n"
    answer.end("нет\nответа")
    assert out.read_text().splitlines()[-1] == "FAILED: нет ответа"


def test_an_answer_has_a_limit_and_its_end_always_fits(folder: CommandFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "ANSWER_LIMIT_BYTES", 20)
    answer = folder.answer("x.txt")
    answer.begin()
    for _ in range(10):
        answer.tell("12345678")
    answer.end()
    assert (folder.path / "x.out").read_text() == "12345678\n12345678\n# дальше не записано\nDONE\n"


def test_the_newest_answers_stay(folder: CommandFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "MOST_ANSWERS", 2)
    for place, name in enumerate(("c", "a", "d", "b")):
        (folder.path / f"{name}.out").touch()
        os.utime(folder.path / f"{name}.out", (place, place))
    (folder.path / "b.txt").touch()
    (folder.path / "other.txt").touch()
    folder.remove("b.txt")
    assert sorted(path.name for path in folder.path.iterdir()) == ["b.out", "d.out", "other.txt"]


def put(folder: CommandFolder, out: str, *, command_first: bool = True) -> None:
    """A command file and an answer, one written after the other."""
    texts = {"x.txt": "rebuild 440020\n", "x.out": out}
    for place, name in enumerate(sorted(texts, reverse=command_first)):
        (folder.path / name).write_text(texts[name])
        if name == "x.out":
            stamp_ns = (folder.path / "x.out").stat().st_mtime_ns + (1 if place else -10_000_000_000)
            os.utime(folder.path / "x.out", ns=(stamp_ns, stamp_ns))


@pytest.mark.parametrize("out", ["", "# rebuild 440020\n", "# rebuild 440020\nдобавл", "DONE but not alone\n"])
def test_what_an_earlier_run_has_begun_is_ended_and_not_run_again(folder: CommandFolder, out: str) -> None:
    put(folder, out)
    assert folder.end_interrupted() == ["x.txt"]
    lines = (folder.path / "x.out").read_text().splitlines()
    assert lines[-1] == "FAILED: прервано перезапуском" and lines[:-1] == out.splitlines()
    assert not (folder.path / "x.txt").exists()
    assert folder.end_interrupted() == []


@pytest.mark.parametrize("out", ["DONE\n", "# read 1\nFAILED: нет ответа\n"])
def test_an_answer_that_was_ended_is_true(folder: CommandFolder, out: str) -> None:
    put(folder, out)
    assert folder.end_interrupted() == []
    assert (folder.path / "x.out").read_text() == out
    assert not (folder.path / "x.txt").exists()


def test_a_new_command_beside_an_old_answer_is_not_run_and_does_not_pass_for_done(folder: CommandFolder) -> None:
    put(folder, "DONE\n", command_first=False)
    assert folder.end_interrupted() == ["x.txt"]
    assert (folder.path / "x.out").read_text() == "DONE\nFAILED: прервано перезапуском\n"


def test_a_command_that_nobody_began_is_left_to_be_run(folder: CommandFolder) -> None:
    (folder.path / "x.txt").write_text("push")
    assert folder.end_interrupted() == []
    assert (folder.path / "x.txt").exists()

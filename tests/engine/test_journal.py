"""The journal keeps the last 200 kB, line by line, and is never a reason to stop."""

from __future__ import annotations

import io
import sys
from datetime import datetime
from pathlib import Path

import pytest

from engine import naming
from engine.journal import KEPT_BYTES, LIMIT_BYTES, LINE_CHARACTERS, Journal, to_stderr
from tests.fake.failing_disk import FailingDisk

NOW = datetime(2026, 11, 22, 9, 5, 30)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / naming.JOURNAL
    path.parent.mkdir(parents=True)
    return path


def journal_of(path: Path, now: datetime | None = NOW) -> Journal:
    return Journal(path.parents[2], lambda: now)


def test_a_line_has_its_moment_and_stands_on_stderr_too(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal_of(path).write("440020: на связи")
    assert path.read_text() == "22.11.26 09:05:30 440020: на связи\n"
    assert capsys.readouterr().err == path.read_text()


def test_without_a_believable_clock_the_moment_is_left_open(path: Path) -> None:
    journal_of(path, None).write("агент запущен")
    assert path.read_text() == "--.--.-- --:--:-- агент запущен\n"


def test_a_text_of_several_lines_is_one_line(path: Path) -> None:
    journal_of(path).write("one\n\ttwo\r\n three")
    assert path.read_text() == "22.11.26 09:05:30 one two three\n"


def test_lines_are_added_behind_those_of_an_earlier_run(path: Path) -> None:
    for text in ("first", "second"):
        journal_of(path).write(text)
    assert [line[18:] for line in path.read_text().splitlines()] == ["first", "second"]


def test_one_line_is_never_longer_than_its_limit(path: Path) -> None:
    journal_of(path).write("я" * 1_000_000)
    assert len(path.read_text()) <= LINE_CHARACTERS + 20


def test_the_journal_never_outgrows_its_limit_and_keeps_whole_newest_lines(path: Path) -> None:
    journal = journal_of(path)
    for number in range(700):
        journal.write(f"{number} {'x' * 500}")
        assert path.stat().st_size <= LIMIT_BYTES + LINE_CHARACTERS
    lines = path.read_text().splitlines()
    numbers = [int(line.split()[2]) for line in lines]
    assert numbers == list(range(numbers[0], 700))
    assert sum(map(len, lines)) > KEPT_BYTES / 2


def test_a_file_that_is_one_endless_line_is_cut_as_well(path: Path) -> None:
    path.write_bytes(b"x" * (3 * LIMIT_BYTES))
    journal_of(path).write("newest")
    assert path.stat().st_size <= KEPT_BYTES
    assert path.read_text().endswith(" newest\n")


def test_a_disk_that_takes_nothing_stops_nobody(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    FailingDisk(monkeypatch).fail(0, for_good=True)
    journal_of(path).write("важно")
    error = capsys.readouterr().err
    assert "важно" in error
    assert "log/User/journal.txt: нет места на диске" in error


def test_a_folder_that_is_not_there_stops_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Journal(tmp_path, lambda: NOW).write("важно")
    assert "важно" in capsys.readouterr().err


def test_a_disk_that_fails_while_the_journal_is_shortened_stops_nobody(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(b"x\n" * LIMIT_BYTES)
    FailingDisk(monkeypatch).fail(1, for_good=True)
    journal_of(path).write("важно")
    assert path.read_bytes().endswith("важно\n".encode())


class Gone(io.StringIO):
    """A pipe whose reader has left."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        del text
        raise self.error


@pytest.mark.parametrize("error", [BrokenPipeError(), ValueError("I/O operation on closed file")])
def test_nobody_at_the_other_end_of_stderr_stops_nobody(
    path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(sys, "stderr", Gone(error))
    to_stderr("lost\n")
    journal_of(path).write("важно")
    assert "важно" in path.read_text()


def test_a_text_that_no_encoding_takes_is_written_as_far_as_it_goes(path: Path) -> None:
    journal_of(path).write("имя \udcff файла")
    assert path.read_text() == "22.11.26 09:05:30 имя ? файла\n"

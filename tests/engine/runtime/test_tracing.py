"""A trace in the form of a capture; it never stands in the way of polling."""

from __future__ import annotations

import io
import sys
import threading
from pathlib import Path

import pytest

from engine.runtime import tracing
from engine.runtime.tracing import Trace


def test_without_a_target_nobody_is_asked_to_trace() -> None:
    with Trace(None) as trace:
        assert trace.of_line("/dev/ttyS0") is None


def test_exchanges_are_added_to_a_file_under_the_name_of_their_line(tmp_path: Path) -> None:
    path = tmp_path / "trace.txt"
    path.write_text("before\n")
    with Trace(str(path)) as trace:
        first, second = trace.of_line("/dev/ttyS0"), trace.of_line("192.0.2.1:10001")
        assert first and second
        first(">> 55")
        first("<< AA")
        second(">> 01")
        first("# шум")
    assert path.read_text() == "before\n# /dev/ttyS0\n>> 55\n<< AA\n# 192.0.2.1:10001\n>> 01\n# /dev/ttyS0\n# шум\n"


def test_a_trace_can_be_watched_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with Trace("-") as trace:
        write = trace.of_line("/dev/ttyS0")
        assert write
        write(">> 55")
    assert capsys.readouterr().err == "# /dev/ttyS0\n>> 55\n"
    sys.stderr.write("still open\n")


def test_lines_of_several_ports_never_mix(tmp_path: Path) -> None:
    path = tmp_path / "trace.txt"
    with Trace(str(path)) as trace:

        def talk(name: str) -> None:
            write = trace.of_line(name)
            assert write
            for _ in range(200):
                write(f">> {name} {'00 ' * 20}")

        threads = [threading.Thread(target=talk, args=(f"port{number}",)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    name = ""
    lines = path.read_text().splitlines()
    for line in lines:
        if line.startswith("# "):
            name = line[2:]
        else:
            assert line.split()[1] == name
    assert sum(line.startswith(">> ") for line in lines) == 800


def test_a_trace_that_reached_its_limit_ends_and_stays_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "LIMIT_CHARACTERS", 100)
    path = tmp_path / "trace.txt"
    with Trace(str(path)) as trace:
        write = trace.of_line("/dev/ttyS0")
        assert write
        for _ in range(50):
            write(">> 55 01 FE")
    assert path.stat().st_size <= 100
    assert path.read_text().endswith(">> 55 01 FE\n")


class Full(io.StringIO):
    """A disk without room."""

    writes = 0

    def write(self, text: str) -> int:
        del text
        Full.writes += 1
        raise OSError(28, "No space left on device")


def test_a_disk_that_takes_nothing_ends_the_trace_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Full())
    with Trace("-") as trace:
        write = trace.of_line("/dev/ttyS0")
        assert write
        write(">> 55")
        write(">> 55")
    assert Full.writes == 1

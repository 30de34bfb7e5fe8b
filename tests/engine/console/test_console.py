"""Progress renews one line on a terminal, and is plain lines now and then in a pipe."""

from __future__ import annotations

import io

import pytest

from engine import console
from engine.console import PLAIN_PERIOD_S, TERMINAL_PERIOD_S, Progress


class Stream(io.StringIO):
    """A pipe, or a terminal if it is told so."""

    def __init__(self, terminal: bool = False) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now_s = [1000.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now_s[0])
    return now_s


def test_a_pipe_gets_plain_lines_and_not_too_many(clock: list[float]) -> None:
    stream = Stream()
    progress = Progress(stream)
    for remaining in range(100, 50, -1):
        progress.report("440020", remaining, 100)
        clock[0] += PLAIN_PERIOD_S / 10
    lines = stream.getvalue().splitlines()
    assert len(lines) == 5
    assert lines[0] == "440020: архив 0 из 100 (0 %)"
    assert "\r" not in stream.getvalue()


def test_a_terminal_gets_one_line_that_renews_itself(clock: list[float]) -> None:
    stream = Stream(terminal=True)
    progress = Progress(stream)
    progress.report("440020", 100, 100)
    clock[0] += TERMINAL_PERIOD_S
    progress.report("440020", 50, 100)
    progress.end()
    progress.end()
    assert stream.getvalue().startswith("\r\x1b[K440020: архив 0 из 100 (0 %)\r\x1b[K440020: архив 50 из 100 (50 %)")
    assert stream.getvalue().endswith("\n")
    assert stream.getvalue().count("\n") == 1, "the next text begins on a fresh line"


def test_a_line_on_a_terminal_never_grows_over_its_edge(clock: list[float]) -> None:
    stream = Stream(terminal=True)
    progress = Progress(stream)
    for number in range(50):
        clock[0] += 1
        progress.report(f"device{number}", 5, 10)
    assert max(map(len, stream.getvalue().split("\r\x1b[K"))) <= 200


@pytest.mark.parametrize(
    ("after_s", "left", "text"), [(10.0, 50, "ещё 10 с"), (100.0, 50, "ещё 2 мин"), (10.0, 90, "ещё 2 мин")]
)
def test_the_time_left_follows_from_the_time_spent(clock: list[float], after_s: float, left: int, text: str) -> None:
    stream = Stream()
    progress = Progress(stream)
    progress.report("440020", 100, 100)
    clock[0] += after_s
    progress.report("440020", left, 100)
    assert text in stream.getvalue().splitlines()[-1]


@pytest.mark.usefixtures("clock")
def test_the_end_of_an_archive_is_told_at_once() -> None:
    stream = Stream()
    progress = Progress(stream)
    progress.report("440020", 10, 100)
    progress.report("440020", 0, 100)
    assert stream.getvalue().splitlines()[-1] == "440020: архив прочитан, просмотрено 100"


def test_an_archive_without_anything_missing_is_not_worth_a_word(clock: list[float]) -> None:
    stream = Stream()
    progress = Progress(stream)
    for _ in range(5):
        clock[0] += 60
        progress.report("440020", 0, 0)
    progress.end()
    assert stream.getvalue() == ""


def test_a_second_catch_up_is_timed_anew(clock: list[float]) -> None:
    stream = Stream()
    progress = Progress(stream)
    progress.report("440020", 100, 100)
    progress.report("440020", 0, 100)
    clock[0] += 10_000
    progress.report("440020", 10, 10)
    clock[0] += PLAIN_PERIOD_S
    progress.report("440020", 5, 10)
    assert "ещё 5 с" in stream.getvalue().splitlines()[-1]


def test_several_devices_share_the_line(clock: list[float]) -> None:
    stream = Stream()
    progress = Progress(stream)
    progress.report("1", 5, 10)
    clock[0] += PLAIN_PERIOD_S
    progress.report("2", 9, 10)
    assert stream.getvalue().splitlines()[-1] == "1: архив 5 из 10 (50 %); 2: архив 1 из 10 (10 %)"


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("error", [BrokenPipeError(), ValueError("closed")])
def test_nobody_who_watches_is_no_reason_to_stop(error: Exception) -> None:
    class Gone(Stream):
        def write(self, text: str) -> int:
            del text
            raise error

    progress = Progress(Gone(terminal=True))
    progress.report("440020", 5, 10)
    progress.end()


def test_of_many_devices_those_come_first_that_are_still_being_read(clock: list[float]) -> None:
    stream = Stream()
    progress = Progress(stream)
    for number in range(40):
        progress.report(str(100 + number), 5, 10)
        progress.report(str(100 + number), 0, 10)
    clock[0] += 100.0
    progress.report("999", 5, 10)
    last = stream.getvalue().splitlines()[-1]
    assert last.startswith("999: архив 5 из 10") and last.endswith("; и ещё 31")


def test_what_turns_out_to_be_missing_later_spoils_no_estimate(clock: list[float]) -> None:
    stream = Stream()
    progress = Progress(stream)
    progress.report("1", 100, 100)
    clock[0] += PLAIN_PERIOD_S
    progress.report("1", 1000, 1000)
    clock[0] += 100.0
    progress.report("1", 900, 1000)
    assert "ещё 15 мин" in stream.getvalue().splitlines()[-1]

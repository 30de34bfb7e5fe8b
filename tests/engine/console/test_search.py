"""What a person sees of a search, on a terminal and in a pipe."""

from __future__ import annotations

import io

from engine.console.search import PLAIN_PERIOD_S, SearchConsole


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_facts_are_lines() -> None:
    stream = io.StringIO()
    console = SearchConsole(stream, Clock())
    console.tell("one")
    console.tell("two")
    console.end()
    assert stream.getvalue() == "one\ntwo\n"


def test_in_a_pipe_progress_is_a_line_now_and_then() -> None:
    stream, clock = io.StringIO(), Clock()
    console = SearchConsole(stream, clock)
    for _ in range(20):
        clock.now_s += PLAIN_PERIOD_S / 10
        console.look("/dev/ttyS1", "скорость 9600")
        console.look("/dev/ttyS2", "скорость 19200, адрес 5")
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert lines[1] == "ищу: ttyS1: скорость 9600; ttyS2: скорость 19200, адрес 5"


def test_on_a_terminal_progress_stands_below_the_facts() -> None:
    stream, clock = Terminal(), Clock()
    console = SearchConsole(stream, clock)
    clock.now_s += 1
    console.look("/dev/ttyS1", "скорость 9600")
    console.tell("fact")
    console.end()
    assert stream.getvalue() == "\r\x1b[KttyS1: скорость 9600\r\x1b[Kfact\n"


def test_a_line_that_has_ended_is_shown_no_more() -> None:
    stream, clock = Terminal(), Clock()
    console = SearchConsole(stream, clock)
    clock.now_s += 1
    console.look("/dev/ttyS1", "скорость 9600")
    shown = stream.getvalue()
    clock.now_s += 1
    console.look("/dev/ttyS1", "")
    assert stream.getvalue() == shown
    console.end()
    assert stream.getvalue() == f"{shown}\r\x1b[K"


def test_nobody_listening_is_no_reason_to_stop() -> None:
    stream = io.StringIO()
    console = SearchConsole(stream, Clock())
    stream.close()
    console.tell("fact")

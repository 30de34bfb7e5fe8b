"""Lines of words and commands: no text crashes the parser, what is written is read the same."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import naming
from engine.command import (
    Archive,
    Autoconfig,
    Command,
    Export,
    Factory,
    Pause,
    Push,
    Read,
    Rebuild,
    Report,
    Resume,
    SetTime,
    Trace,
)
from engine.command.words import (
    LIMIT_LINES,
    LONGEST_PAUSE_S,
    LONGEST_TRACE_S,
    duration_text,
    parse,
    parse_file,
    usages,
    write,
)
from engine.errors import Problem
from engine.model import RecType

FIRST, LAST = date(2018, 9, 1), date(2018, 9, 26)

numbers = st.from_regex(r"[0-9A-Za-z]{1,20}", fullmatch=True)
days = st.dates(date(2000, 1, 1), date(2098, 12, 31))
periods = st.tuples(days, days).map(sorted)
paths = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=40).map(lambda text: f"/{text}")
commands: st.SearchStrategy[Command] = st.one_of(
    st.just(Resume()),
    st.just(Push()),
    st.just(Pause()),
    st.integers(1, LONGEST_PAUSE_S).map(Pause),
    numbers.map(Read),
    numbers.map(Rebuild),
    st.builds(Archive, numbers, st.sampled_from([None, RecType.HOUR, RecType.DAY])),
    st.builds(lambda n, kind, p: Archive(n, kind, *p), numbers, st.sampled_from([None, *RecType]), periods),
    st.builds(lambda n, kind, p: Report(n, kind, *p), numbers, st.sampled_from([RecType.HOUR, RecType.DAY]), periods),
    st.lists(st.sampled_from(["ttyS1", "ttyUSB1000", "/dev/ttyS0"]), max_size=3).map(tuple).map(Autoconfig),
    st.sampled_from([path.rpartition("/")[2] for path in naming.RESTORED]).map(Factory),
    st.builds(Trace, numbers, st.integers(1, LONGEST_TRACE_S)),
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)).map(lambda moment: SetTime(f"{moment:%m%d%H%M%y}")),
    paths.map(Export),
)  # fmt: skip


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("pause", Pause()),
        ("pause 1h", Pause(3600)),
        ("PAUSE 90S", Pause(90)),
        ("  resume  ", Resume()),
        ("read 440020", Read("440020")),
        ("archive 440020", Archive("440020")),
        ("archive 440020 d", Archive("440020", RecType.DAY)),
        ("archive 440020 H 01.09.2018 26.09.2018", Archive("440020", RecType.HOUR, FIRST, LAST)),
        ("archive 440020 01.09.2018 26.09.2018", Archive("440020", None, FIRST, LAST)),
        ("rebuild 440020", Rebuild("440020")),
        ("report 440020 01.09.2018 26.09.2018", Report("440020", RecType.DAY, FIRST, LAST)),
        ("report 440020  H   01.09.2018 26.09.2018", Report("440020", RecType.HOUR, FIRST, LAST)),
        ("autoconfig", Autoconfig()),
        ("autoconfig ttyS1 /dev/ttyUSB0", Autoconfig(("ttyS1", "/dev/ttyUSB0"))),
        ("factory FTP.ini", Factory("ftp.ini")),
        ("trace 440020 60s", Trace("440020", 60)),
        ("set-time 1122093026", SetTime("1122093026")),
        ("push", Push()),
        ("export /media/my drive", Export("/media/my drive")),
    ],
)
def test_every_command_of_the_guide_is_understood(line: str, command: Command) -> None:
    assert parse(line) == command


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "неизвестная команда"),
        ("reboot", "неизвестная команда «reboot»; есть pause, resume"),
        ("pause 1", "срок не понятен: «1»"),
        ("pause 0h", "срок не понятен"),
        ("pause 32d", "не больше 31d"),
        ("resume now", "лишнее «now»"),
        ("read", "не хватает слов; нужно: read НОМЕР"),
        ("read ../../etc", "номер прибора не понятен"),
        ("read 1 2", "лишнее «2»"),
        ("archive", "нет номера прибора"),
        ("archive 1 X", "«X» не понятно"),
        ("archive 1 M", "для M нужны две даты"),
        ("archive 1 H 01.09.2018", "нужны две даты"),
        ("archive 1 H 31.02.2018 01.03.2018", "дата не понятна: «31.02.2018»"),
        ("archive 1 26.09.2018 01.09.2018", "конец 01.09.2018 раньше начала 26.09.2018"),
        ("archive 1 01.09.1918 26.09.1918", "такого года в архивах нет"),
        ("report 1 E 01.09.2018 26.09.2018", "«E» не понятно"),
        ("autoconfig passwd/../x", "не порт"),
        ("factory passwd", "заводской копии «passwd» нет, она есть у agent.ini"),
        ("trace 1 2h", "срок не понятен"),
        ("set-time 1322093026", "время не понятно"),
        ("set-time", "не хватает слов"),
        ("export", "нет пути"),
        ("export media", "нужен полный путь"),
        ("read 1\x00", "непечатаемые знаки"),
        ("export /" + "x" * 500, "строка длиннее"),
    ],
)
def test_what_is_wrong_is_said(line: str, told: str) -> None:
    with pytest.raises(ValueError) as wrong:
        parse(line)
    assert told in str(wrong.value)


@settings(max_examples=300)
@given(commands)
def test_a_written_command_is_read_the_same(command: Command) -> None:
    assert parse(write(command)) == command
    assert parse_file("x.txt", f"# first\n\n\t{write(command)} \n;last\n") == ((command,), ())


@settings(max_examples=200)
@given(st.text(max_size=300) | st.tuples(st.sampled_from(list(usages())), st.text(max_size=60)).map(" ".join))
def test_no_text_breaks_the_parser(text: str) -> None:
    found, problems = parse_file("x.txt", text)
    assert found or problems
    for problem in problems:
        assert problem.path == "x.txt" and problem.line <= text.count("\n") + 1
        assert "\n" not in str(problem)


def test_every_bad_line_of_a_file_is_told_with_its_number() -> None:
    _, problems = parse_file("x.txt", "read 1\nbad\n\n# no\npause soon\n")
    assert [(each.path, each.line) for each in problems] == [("x.txt", 2), ("x.txt", 5)]
    assert str(problems[0]).startswith("x.txt:2: неизвестная команда")


def test_a_file_without_a_command_and_one_with_too_many_are_told() -> None:
    assert parse_file("x.txt", "# nothing\n") == ((), (Problem("x.txt", 0, "в файле нет ни одной команды"),))
    found, problems = parse_file("x.txt", "push\n" * (LIMIT_LINES + 1))
    assert found == () and problems[0].line == LIMIT_LINES + 1
    assert len(parse_file("x.txt", "push\n" * LIMIT_LINES)[0]) == LIMIT_LINES


@pytest.mark.parametrize(("duration_s", "text"), [(1, "1s"), (90, "90s"), (120, "2m"), (5400, "90m"), (86400, "1d")])
def test_a_duration_is_told_in_the_largest_unit_that_fits(duration_s: int, text: str) -> None:
    assert duration_text(duration_s) == text

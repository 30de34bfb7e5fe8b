"""The text dialect of the files that a user edits (formats guide, section 1): text -> lines, with every problem.

No content of a line is repeated in a problem: it may hold a password.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from engine.errors import Problem

LIMIT_BYTES = 256 * 1024
"""No file of the user is longer."""

_SECTION = re.compile(r"\[([^\[\]]+)\][ \t]*")
_PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,29}")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_UNREADABLE = "\ufffd"


@dataclass(frozen=True, slots=True)
class Line:
    """One `Key=Value` as it stands in the file; `number` counts from 1, spaces around the value are gone."""

    number: int
    section: str
    key: str
    value: str


def decode(data: bytes) -> str:
    """UTF-8 with or without BOM, else cp1251; CRLF becomes LF. Bytes that cp1251 lacks become U+FFFD."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1251", errors="replace")
    return text.replace("\r\n", "\n")


def parse_ini(path: str, text: str) -> tuple[list[Line], list[Problem]]:
    """Every `Key=Value` line in order, and every problem of form, each with its line.

    A line with a problem of its own is left out, except a doubled key: both of its lines are given. A section that
    is not closed counts as opened, so that its keys are not told a second time.
    """
    lines: list[Line] = []
    problems: list[Problem] = []
    firsts: dict[tuple[str, str], int] = {}
    section = ""
    for number, content in significant_lines(text):
        found = control_problem(path, number, content)
        if found is None and content.startswith("["):
            section, found = _section(path, number, content)
        elif found is None:
            line, found = _key_line(path, number, section, content)
            if line is not None:
                lines.append(line)
                found = _doubled(path, line, firsts)
        if found is not None:
            problems.append(found)
    return lines, problems


def significant_lines(text: str) -> Iterator[tuple[int, str]]:
    """What is neither empty nor a comment, with its line number; spaces at the end are gone."""
    for number, content in enumerate(text.split("\n"), start=1):
        if content.strip(" \t") and not content.lstrip(" \t").startswith((";", "#")):
            yield number, content.rstrip(" \t")


def section_lines(text: str) -> dict[str, tuple[int, str]]:
    """Line number and spelling of the first header of each section, by its name in lower case."""
    found: dict[str, tuple[int, str]] = {}
    for number, content in significant_lines(text):
        header = _SECTION.fullmatch(content)
        if header is not None:
            found.setdefault(header[1].lower(), (number, header[1]))
    return found


def control_problem(path: str, number: int, content: str) -> Problem | None:
    """A character that no text editor writes: the file is damaged or no text file."""
    found = _CONTROL.search(content)
    if found is not None:
        return Problem(path, number, f"недопустимый символ с кодом {ord(found[0])}: файл повреждён или не текстовый")
    if _UNREADABLE in content or any("\ud800" <= letter <= "\udfff" for letter in content):
        return Problem(path, number, "символ не читается ни в UTF-8, ни в cp1251")
    return None


def shown_name(name: str) -> str:
    """A key as it may be shown: quoted by itself when it looks like one, else only named as such."""
    return name if _PLAIN_NAME.fullmatch(name) else "(имя не показано)"


def replace_value(text: str, section: str, key: str, value: str) -> str:
    """The same text with one value set and everything else as it was; a key that is missing is added.

    A key that stands twice is set in its first line.
    """
    rows = text.split("\n")
    lines, _ = parse_ini("", text)
    for line in lines:
        if (line.section.lower(), line.key.lower()) == (section.lower(), key.lower()):
            row = rows[line.number - 1]
            rows[line.number - 1] = f"{row[: row.index('=')].rstrip()}={value}"
            return "\n".join(rows)
    header = section_lines(text).get(section.lower())
    if header is not None:
        rows.insert(header[0], f"{key}={value}")
        return "\n".join(rows)
    ending = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{ending}[{section}]\n{key}={value}\n"


def _section(path: str, number: int, content: str) -> tuple[str, Problem | None]:
    header = _SECTION.fullmatch(content)
    if header is not None:
        return header[1], None
    closed = "]" in content
    text = "секция записана неверно, нужно [имя]" if closed else "секция не закрыта, нужно [имя]"
    return content[1:].partition("]")[0].strip(), Problem(path, number, text)


def _key_line(path: str, number: int, section: str, content: str) -> tuple[Line | None, Problem | None]:
    if content[0] in " \t":
        return None, Problem(path, number, "строка начинается с пробела")
    before, equals, after = content.partition("=")
    key, value = before.removesuffix(" "), after.removeprefix(" ")
    if not equals or not key:
        return None, Problem(path, number, "строка не читается, нужно Ключ=Значение")
    if key != key.strip() or value != value.strip():
        return None, Problem(path, number, "вокруг знака = больше одного пробела")
    if not section:
        return None, Problem(path, number, "ключ стоит до первой секции")
    return Line(number, section, key, value), None


def _doubled(path: str, line: Line, firsts: dict[tuple[str, str], int]) -> Problem | None:
    first = firsts.setdefault((line.section.lower(), line.key.lower()), line.number)
    if first == line.number:
        return None
    return Problem(path, line.number, f"ключ {shown_name(line.key)} уже есть в строке {first}")

"""The small files beside the settings: mail in ssmtp's two formats, and the list of the LCD. Form only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeVar

from engine.dialect import textfile
from engine.errors import Problem, SettingsWrong

_LCD_NAME = re.compile(r"(?:[0-9A-Za-z]{1,20}\.)?[A-Za-z][A-Za-z0-9]{0,29}")
_SECONDS = re.compile(r"[0-9]{1,4}")
_SSMTP_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_PORT = re.compile(r"[0-9]{1,5}")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Alias:
    """One line of `revaliases` (manual 7.5, figure 7.11): who sends, under which address, through which server.

    `mailhub` is `host`, or `host:port`, or empty where the line names none.
    """

    local: str
    address: str
    mailhub: str


@dataclass(frozen=True, slots=True)
class LcdLine:
    """One parameter of `lcd.info`; `device` is the number before the point, empty for every device in turn."""

    device: str
    name: str
    caption: str
    seconds: int
    shown: bool


def parse_ssmtp(path: str, text: str) -> dict[str, str]:
    """`ssmtp.conf`: values by key in lower case, the last of a repeated key as ssmtp does. `SettingsWrong`."""
    values: dict[str, str] = {}
    problems: list[Problem] = []
    for number, content in textfile.significant_lines(text):
        name, equals, value = (part.strip() for part in content.partition("="))
        damage = textfile.control_problem(path, number, content)
        if damage is None and equals and _SSMTP_NAME.fullmatch(name):
            values[name.lower()] = value
        else:
            problems.append(damage or Problem(path, number, "строка не читается, нужно ключ=значение"))
    return _unless_wrong(values, problems)


def parse_revaliases(path: str, text: str) -> tuple[Alias, ...]:
    """`revaliases`: `local:address:host[:port]` lines. `SettingsWrong`."""
    aliases: list[Alias] = []
    problems: list[Problem] = []
    for number, content in textfile.significant_lines(text):
        parts = [part.strip() for part in content.split(":", 3)]
        damage = textfile.control_problem(path, number, content)
        if damage is None and _is_alias(parts):
            aliases.append(Alias(parts[0], parts[1], ":".join(parts[2:])))
        else:
            problems.append(damage or Problem(path, number, "строка не читается, нужно root:адрес почты:сервер:порт"))
    return _unless_wrong(tuple(aliases), problems)


def parse_lcd(path: str, text: str) -> tuple[LcdLine, ...]:
    """`lcd.info`: `Name=Caption;seconds;state` lines (formats guide, section 9). `SettingsWrong`."""
    lines: list[LcdLine] = []
    problems: list[Problem] = []
    for number, content in textfile.significant_lines(text):
        line = _lcd_line(content)
        damage = textfile.control_problem(path, number, content)
        if line is not None and damage is None:
            lines.append(line)
        else:
            problems.append(damage or Problem(path, number, "строка не читается, нужно Имя=Подпись;секунды;0 или 1"))
    return _unless_wrong(tuple(lines), problems)


def check_form(path: str, text: str) -> str:
    """A file in the INI dialect whose keys are checked elsewhere: its text as it is. `SettingsWrong`."""
    return _unless_wrong(text, textfile.parse_ini(path, text)[1])


def _unless_wrong(value: _T, problems: list[Problem]) -> _T:
    if problems:
        raise SettingsWrong(tuple(problems))
    return value


def _is_alias(parts: list[str]) -> bool:
    if not 2 <= len(parts) <= 4 or not all(parts) or any(" " in part or "\t" in part for part in parts):
        return False
    return "@" in parts[1] and (len(parts) < 4 or _PORT.fullmatch(parts[3]) is not None)


def _lcd_line(content: str) -> LcdLine | None:
    name, equals, rest = content.partition("=")
    parts = [part.strip() for part in rest.rsplit(";", 2)]
    name = name.removesuffix(" ")
    if not equals or len(parts) != 3 or not _LCD_NAME.fullmatch(name):
        return None
    caption, seconds, state = parts
    if not _SECONDS.fullmatch(seconds) or int(seconds) == 0 or state not in ("0", "1"):
        return None
    device, _, parameter = name.rpartition(".")
    return LcdLine(device, parameter, caption, int(seconds), state == "1")

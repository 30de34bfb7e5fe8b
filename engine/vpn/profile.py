"""`client.ovpn`: read, checked, and written anew so that no word of it can be taken for another directive. Pure.

What OpenVPN gets is never the text that came: it is made of checked words, each quoted, one directive a line, and every
file that was named or stood in the text is a file beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.dialect.textfile import decode
from engine.errors import Problem, SettingsWrong
from engine.vpn.directives import ALLOWED, FILES, REFUSED

LIMIT_BYTES = 256 * 1024
MOST_PROBLEMS = 50
_MOST_WORDS = 16
_LINE_CHARACTERS = 250
"""OpenVPN takes 256 with the end of the line (`OPTION_LINE_SIZE`)."""

_FILE_NAME = re.compile(r"(?:\./)?([A-Za-z0-9_][A-Za-z0-9_.+-]{0,63})")
_TAG = re.compile(r"<([a-z0-9-]{1,40})>")
_SHOWN = re.compile(r"[a-z0-9-]{1,40}")
_WORD = re.compile(
    r"""\s*(?:[#;].*|"((?:[^"\\]|\\.)*)"(?=\s|$)|'([^']*)'(?=\s|$)|((?:[^\s"'\\]|\\.)(?:[^\s\\]|\\.)*)|$)"""
)


@dataclass(frozen=True, slots=True)
class Named:
    """A file that the text names, and where."""

    name: str
    line: int


@dataclass(slots=True)
class Profile:
    """What is left of a checked text: lines for OpenVPN; `named` and `inline` files by the name in the copy."""

    lines: list[str] = field(default_factory=list)
    named: dict[str, Named] = field(default_factory=dict)
    inline: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)


class _Wrong(Exception):
    """This line is refused; the text says why."""


def read_profile(path: str, content: bytes) -> Profile:
    """`path` is how problems name the file. `SettingsWrong` with all problems."""
    if len(content) > LIMIT_BYTES:
        raise SettingsWrong((Problem(path, 0, f"файл больше {LIMIT_BYTES // 1024} кБ"),))
    profile, problems = Profile(), []
    for number, line, body in _logical(decode(content)):
        try:
            _take(profile, number, line, body)
        except _Wrong as wrong:
            problems.append(Problem(path, number, str(wrong)))
    if not problems and not any(line.startswith('"remote"') for line in profile.lines):
        problems.append(Problem(path, 0, "нет ни одной строки remote: соединяться не с кем"))
    if problems:
        raise SettingsWrong(tuple(problems[:MOST_PROBLEMS]))
    return profile


def _logical(text: str) -> Iterator[tuple[int, str, str | None]]:
    """Lines with their numbers; of a block (`<ca>` to `</ca>`) its first line and all that stands between.

    `<connection>` holds directives: its lines are lines like others.
    """
    lines = enumerate(text.split("\n"), 1)
    for number, line in lines:
        tag = _TAG.fullmatch(line.strip())
        if tag is None or tag[1] == "connection":
            yield number, line.strip(), None
            continue
        body: list[str] = []
        for _, inner in lines:
            if inner.strip() == f"</{tag[1]}>":
                yield number, line.strip(), "".join(f"{each}\n" for each in body)
                break
            body.append(inner.rstrip("\r"))
        else:
            yield number, line.strip(), None


def _take(profile: Profile, number: int, line: str, body: str | None) -> None:
    if tag := _TAG.fullmatch(line):
        _take_block(profile, tag[1], body)
        return
    if line == "</connection>":
        profile.lines.append(line)
        return
    words = _words(line)
    if not words:
        return
    name, given = words[0].removeprefix("--"), tuple(words[1:])
    if name in FILES:
        _take_file(profile, number, name, given)
    elif name in ALLOWED:
        if not ALLOWED[name](given):
            raise _Wrong(f"{name}: такие значения не допускаются")
        _add(profile, (name, *given))
    else:
        raise _Wrong(_refusal(name))


def _refusal(name: str) -> str:
    shown = name if _SHOWN.fullmatch(name) else "нечитаемая строка"
    reason = REFUSED.get(name) or ("нужны пароли из файла" if name == "static-challenge" else "не из допускаемых")
    return f"{shown}: {reason}, строка не допускается"


def _take_block(profile: Profile, name: str, body: str | None) -> None:
    if name == "connection":
        profile.lines.append("<connection>")
        return
    if name not in FILES:
        raise _Wrong(_refusal(name))
    if body is None:
        raise _Wrong(f"<{name}>: нет конца </{name}>")
    if "\0" in body:
        raise _Wrong(f"<{name}>: это не текст")
    copy = f"inline-{name}-{len(profile.inline)}"
    profile.inline[copy] = body
    _add(profile, (name, copy))


def _take_file(profile: Profile, number: int, name: str, given: tuple[str, ...]) -> None:
    if not given:
        raise _Wrong(f"{name}: нет имени файла, а спросить некого")
    found = _FILE_NAME.fullmatch(given[0])
    if found is None:
        raise _Wrong(f"{name}: файл должен лежать в log/VPN/, имя без папки и пробелов")
    if not FILES[name](given[1:]):
        raise _Wrong(f"{name}: такие значения не допускаются")
    profile.named.setdefault(found[1], Named(found[1], number))
    _add(profile, (name, f"file-{found[1]}", *given[1:]))


def _add(profile: Profile, words: tuple[str, ...]) -> None:
    line = " ".join(f'"{_escaped(word)}"' for word in words)
    if len(line.encode()) > _LINE_CHARACTERS:
        raise _Wrong(f"{words[0]}: строка слишком длинная")
    profile.lines.append(line)


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace('"', '\\"')


def _words(line: str) -> list[str]:
    """The words of a line as OpenVPN splits it; a comment ends it."""
    if any((character < " " and character != "\t") or character == "\x7f" for character in line):
        raise _Wrong("управляющие символы в строке")
    words: list[str] = []
    at = 0
    while at < len(line):
        found = _WORD.match(line, at)
        if found is None:
            raise _Wrong("строка не читается: кавычки")
        word = next((group for group in found.groups() if group is not None), None)
        if word is None:
            break
        words.append(word if found[2] is not None else re.sub(r"\\(.)", r"\1", word))
        at = found.end()
    if len(words) > _MOST_WORDS:
        raise _Wrong("слишком много слов в строке")
    return words

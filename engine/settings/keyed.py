"""A settings file read by the table of keys: text -> values by section and field, with every problem and its line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.dialect import device_types, textfile
from engine.dialect.key import Key
from engine.dialect.textfile import Line
from engine.errors import Problem
from engine.settings import keys

_SHOWN_DIGITS = 8
_HINTS_MOST = 100
"""A file that is no settings file at all has thousands of unknown keys: looking for likenesses would take long."""


@dataclass(slots=True)
class Keyed:
    """What a settings file says. Keys that are absent have their defaults in `values`.

    `values` is by section, then by field; `several` holds keys with a pattern: (field, what the pattern caught) ->
    value. `lines` tells where a key stands, `broken` which keys have a value that is not allowed, both
    by section and name as in the table; a broken key has its default in `values`.
    """

    path: str
    values: dict[str, dict[str, Any]]
    several: dict[tuple[str, tuple[str, ...]], Any] = field(default_factory=dict)
    lines: dict[tuple[str, str], int] = field(default_factory=dict)
    broken: set[tuple[str, str]] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def sound(self, section: str, *names: str) -> bool:
        """Whether none of these keys is broken, so that what they say together can be judged."""
        return not any((section, name) in self.broken for name in names)

    def tell(self, section: str, name: str, text: str, *, warning: bool = False) -> None:
        """A problem at the line of a key, or of the file as a whole where the key does not stand."""
        line = self.lines.get((section, name), 0)
        self.problems.append(Problem(self.path, line, text, warning))


def read(file_kind: str, path: str, text: str) -> Keyed:
    """Read a file of the kind `keys.AGENT`, `keys.FTP` or `keys.DEVICE`; never raises on a text."""
    lines, form = textfile.parse_ini(path, text)
    keyed = Keyed(path, _defaults(file_kind))
    keyed.problems += form + _unknown_sections(file_kind, path, text)
    known = keys.sections(file_kind)
    for line in lines:
        if line.section.lower() in known:
            _take(file_kind, keyed, line)
    return keyed


def _defaults(file_kind: str) -> dict[str, dict[str, Any]]:
    values: dict[str, dict[str, Any]] = {section: {} for section in keys.sections(file_kind)}
    for key in keys.KEYS[file_kind]:
        if key.pattern is None:
            values[key.section][key.field] = key.kind.take(key.default)
    return values


def _unknown_sections(file_kind: str, path: str, text: str) -> list[Problem]:
    known = keys.sections(file_kind)
    wanted = ", ".join(f"[{name}]" for name in known)
    return [
        Problem(path, number, f"неизвестная секция [{textfile.shown_name(name)}], бывают {wanted}")
        for folded, (number, name) in textfile.section_lines(text).items()
        if folded not in known
    ]


def _take(file_kind: str, keyed: Keyed, line: Line) -> None:
    found = keys.find(file_kind, line.section, line.key)
    if found is None:
        text = f"неизвестный ключ {textfile.shown_name(line.key)} в [{line.section.lower()}]"
        hinted = _hint(file_kind, line, text) if len(keyed.problems) < _HINTS_MOST else text
        keyed.problems.append(Problem(keyed.path, line.number, hinted))
        return
    key, caught = found
    keyed.lines.setdefault((key.section, key.name), line.number)
    try:
        value = key.kind.take(line.value)
    except ValueError:
        keyed.broken.add((key.section, key.name))
        text = f"{line.key}: {_shown_value(key, line.value)}нужно {key.kind.allowed}"
        keyed.problems.append(Problem(keyed.path, line.number, text))
        return
    if key.pattern is None:
        keyed.values[key.section][key.field] = value
    elif value is not None:
        keyed.several[key.field, caught] = value


def _shown_value(key: Key, value: str) -> str:
    """A number out of range helps to see what is wrong; anything else might be a secret in the wrong place."""
    if key.kind.secret or not value.isascii() or not value.isdigit() or len(value) > _SHOWN_DIGITS:
        return ""
    return f"стоит {value}, "


def _hint(file_kind: str, line: Line, text: str) -> str:
    section = line.section.lower()
    names = {key.name.lower(): key.name for key in keys.KEYS[file_kind] if key.section == section}
    look_alike = {device_types.fold(name): name for name in names.values()}.get(device_types.fold(line.key))
    if look_alike is not None:
        return f"ключ {look_alike} набран кириллицей, нужна латиница"
    elsewhere = sorted({key.section for key in keys.KEYS[file_kind] if key.name.lower() == line.key.lower()})
    if elsewhere:
        return f"{text}, он бывает в " + ", ".join(f"[{name}]" for name in elsewhere)
    import difflib  # for a wrong file only: a quarter of a megabyte that a right one does not cost

    close = difflib.get_close_matches(line.key.lower()[:40], names, n=1)
    return f"{text}, возможно {names[close[0]]}" if close else text

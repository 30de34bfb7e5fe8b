"""Renews the tables of keys and commands in the guides from the tables of the program.

`engine/settings/keys.py` gives the keys, `engine/command/words.py` the commands.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from engine.command.words import usages  # noqa: E402
from engine.settings import keys  # noqa: E402

GUIDES = {
    PROJECT / "docs/formats.md": ("section", "key", "default", "allowed", "meaning"),
    PROJECT / "docs/guide.ru.md": ("раздел", "ключ", "по умолчанию", "что можно", "что значит"),
}
"""Each guide with the heading of its tables of keys."""


def table(kind: str, heading: Sequence[str]) -> str:
    """The keys of one kind of file as a Markdown table."""
    rows = []
    before = ""
    for row in keys.documentation_table(kind):
        section = "" if row.section == before else row.section
        before = row.section
        rows.append((section, f"`{row.key}`", row.default, row.allowed, row.meaning))
    return _markdown(heading, rows)


def command_table() -> str:
    """Every command, how it is written and what it does, as a Markdown table."""
    return _markdown(("команда", "что делает"), [(f"`{usage.form}`", usage.does) for usage in usages().values()])


def renewed(text: str, heading: Sequence[str]) -> str:
    """A guide with every table made anew between its marks; one that it has not got is not put in."""
    for kind in keys.KEYS:
        text = _between(text, f"keys of {kind}", table(kind, heading))
    return _between(text, "commands", command_table())


def _between(text: str, mark: str, content: str) -> str:
    begin, end = f"<!-- {mark} -->\n", f"<!-- end of {mark} -->"
    head, found, rest = text.partition(begin)
    return f"{head}{begin}{content}\n{end}{rest.partition(end)[2]}" if found else text


def _markdown(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    for guide, titles in GUIDES.items():
        guide.write_text(renewed(guide.read_text("utf-8"), titles), "utf-8")

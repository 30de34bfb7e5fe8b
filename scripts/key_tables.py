"""Renews the tables of keys in docs/formats.md from the one table in engine/settings/keys.py."""

from __future__ import annotations

import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from engine.settings import keys  # noqa: E402

GUIDE = PROJECT / "docs/formats.md"


def table(kind: str) -> str:
    """The keys of one kind of file as a Markdown table."""
    rows = ["| section | key | default | allowed | meaning |", "| --- | --- | --- | --- | --- |"]
    before = ""
    for row in keys.documentation_table(kind):
        section = "" if row.section == before else row.section
        before = row.section
        cells = (section, f"`{row.key}`", row.default, row.allowed, row.meaning)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def renewed(text: str) -> str:
    """The guide with every table made anew between its marks."""
    for kind in keys.KEYS:
        begin, end = f"<!-- keys of {kind} -->\n", f"<!-- end of keys of {kind} -->"
        head, _, rest = text.partition(begin)
        text = f"{head}{begin}{table(kind)}\n{end}{rest.partition(end)[2]}"
    return text


if __name__ == "__main__":
    GUIDE.write_text(renewed(GUIDE.read_text("utf-8")), "utf-8")

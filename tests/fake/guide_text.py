"""What stands in a guide, for tests that try it: blocks with their marks, links; and the texts of the program."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).resolve().parents[2]
GUIDE = PROJECT / "docs/guide.ru.md"
HOLE = "…"
"""Stands in a message for what the program puts in."""

_BLOCK = re.compile(r"^(?:<!-- (\w+)(?: (\S+))? -->\n)?```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_SHELL_VALUE = re.compile(r"\$(?:\{[^}]*\}|\([^)]*\)+|\w+|\*)")


class Block(NamedTuple):
    """A fenced block; `mark` and `path` are those of the comment right before it."""

    mark: str
    path: str
    language: str
    text: str


def blocks(text: str) -> list[Block]:
    """Every fenced block in order."""
    return [Block(*(part or "" for part in found.groups())) for found in _BLOCK.finditer(text)]


def marked(mark: str) -> list[Block]:
    """The blocks of the guide with one mark; there is at least one."""
    found = [block for block in blocks(GUIDE.read_text("utf-8")) if block.mark == mark]
    assert found, mark
    return found


def links(text: str) -> list[str]:
    """Where it leads to, outside of blocks."""
    return _LINK.findall(_FENCED.sub("", text))


def anchors(text: str) -> set[str]:
    """The names that a page of Markdown gives its headings."""
    titles = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title) for title in _HEADING.findall(_FENCED.sub("", text)))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def between(text: str, mark: str) -> str:
    """What stands between a mark and its end."""
    return text.partition(f"<!-- {mark} -->")[2].partition(f"<!-- end of {mark} -->")[0]


def quoted(text: str) -> list[str]:
    """What stands in «…», the outer ones where they are nested."""
    found, depth, begin = [], 0, 0
    for place, letter in enumerate(text):
        if letter == "«":
            begin = place + 1 if depth == 0 else begin
            depth += 1
        elif letter == "»":
            depth -= 1
            if depth == 0:
                found.append(text[begin:place])
    assert depth == 0, "unpaired «»"
    return found


@cache
def program_texts() -> tuple[str, ...]:
    """Every text of the program with a HOLE for each value that is put in; docstrings are none."""
    sources = (*PROJECT.glob("engine/**/*.py"), *PROJECT.glob("drivers/*.py"), PROJECT / "agent.py")
    shell = re.findall(r'"([^"\n]*[а-я][^"\n]*)"', (PROJECT / "scripts/update").read_text("utf-8"))
    told = {_one_hole(_SHELL_VALUE.sub(HOLE, text)) for text in shell}
    return tuple(sorted(told.union(*map(texts_of, sources))))


def texts_of(source: Path) -> set[str]:
    """The texts of one module, whole ones only."""
    tree = ast.parse(source.read_text("utf-8"))
    skipped = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    skipped |= {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and node.body
        if isinstance(node.body[0], ast.Expr)
    }
    return {_one_hole(text) for node in ast.walk(tree) if id(node) not in skipped for text in _text_of(node)}


def _text_of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else HOLE for part in node.values)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def _one_hole(text: str) -> str:
    return re.sub(f"{HOLE}+", HOLE, text.replace("{}", HOLE))

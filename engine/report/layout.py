"""How a table fits a page: widths of columns, several bands when there are too many of them. Lengths in mm."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from engine.report.columns import Column
from engine.report.statement import Line

PAGE_WIDTH, PAGE_HEIGHT, MARGIN = 297.0, 210.0, 10.0
WIDTH = PAGE_WIDTH - 2 * MARGIN
BOTTOM = PAGE_HEIGHT - MARGIN - 4.0
ROW_HEIGHT, ROW_HEIGHT_LEAST = 4.2, 3.5
HEAD_LINE = 3.5
LABEL_WIDTH, NOTE_WIDTH = 28.0, 30.0
PADDING = 1.0
_WIDER_MOST = 1.5
_LETTER = 1.9
"""Of the heading's font, as wide as its words need on the average."""


class Band(NamedTuple):
    """Columns that stand beside each other on one page, from `begin` on, each with its width."""

    begin: int
    widths: tuple[float, ...]

    @property
    def end(self) -> int:
        return self.begin + len(self.widths)


def bands(columns: Sequence[Column], *, notes: bool) -> list[Band]:
    """The columns in as few bands as their least widths allow, about equally full; at least one band."""
    room = WIDTH - LABEL_WIDTH - (NOTE_WIDTH if notes else 0.0)
    widths = _least(columns)
    count = len(_filled(widths, room))
    even = _filled(widths, min(room, sum(widths) / count + max(widths, default=0.0)))
    begin, found = 0, []
    for members in even if len(even) == count else _filled(widths, room):
        stretch = min(_WIDER_MOST, room / sum(members)) if members else 1.0
        found.append(Band(begin, tuple(width * stretch for width in members)))
        begin += len(members)
    return found


def _least(columns: Sequence[Column]) -> list[float]:
    """Of a column, and of a group the room for the longest word of its title."""
    widths: list[float] = []
    for group, count in groups(columns):
        own = [column.width for column in columns[len(widths) : len(widths) + count]]
        word = max(map(len, group.split()), default=0) * _LETTER + 2 * PADDING
        widths += [width * max(1.0, word / sum(own)) for width in own]
    return widths


def _filled(widths: Sequence[float], room: float) -> list[list[float]]:
    found: list[list[float]] = [[]]
    for width in widths:
        if found[-1] and sum(found[-1]) + width > room + 1e-6:
            found.append([])
        found[-1].append(width)
    return found


def groups(columns: Sequence[Column]) -> Iterator[tuple[str, int]]:
    """The upper line of the heading: each group with the number of its columns."""
    for group, members in groupby(columns, lambda column: column.group):
        yield group, len(list(members))


def group_widths(columns: Sequence[Column], widths: Sequence[float]) -> Iterator[tuple[str, float]]:
    """Each group with the room of its columns."""
    begin = 0
    for group, members in groups(columns):
        yield group, sum(widths[begin : begin + members])
        begin += members


def row_height(count: int, room: float) -> float:
    """Lower rows where all of them then stand on one page."""
    needed = room / max(1, count)
    return needed if ROW_HEIGHT_LEAST <= needed < ROW_HEIGHT else ROW_HEIGHT


def kept_together(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """A row with the totals that follow it: no page begins with a total."""
    together: list[Line] = []
    for line in lines:
        if together and not line.strong:
            yield together
            together = []
        together.append(line)
    if together:
        yield together


def wrapped(text: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """The words of a text in lines of this width; a word that is longer has a line of its own."""
    lines: list[str] = []
    for word in text.split():
        if lines and measure(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines or [""]

"""How a table fits a page: widths of columns, several bands when there are too many of them. Lengths in mm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from engine.model import RecType
from engine.report.columns import Column

PAGE_WIDTH, PAGE_HEIGHT, MARGIN = 297.0, 210.0, 10.0
WIDTH = PAGE_WIDTH - 2 * MARGIN
BOTTOM = PAGE_HEIGHT - MARGIN - 4.0
ROW_HEIGHT = 4.2
NOTE_WIDTH = 30.0
COLUMN_LEAST, COLUMN_MOST = 14.0, 26.0


class Band(NamedTuple):
    """Columns that stand beside each other on one page: `begin` to `end` of the statement's, each `width` wide."""

    begin: int
    end: int
    width: float


def label_width(kind: RecType) -> float:
    return 28.0 if kind is RecType.HOUR else 24.0


def bands(count: int, kind: RecType, *, notes: bool) -> list[Band]:
    """So many columns in as few bands as their least width allows; at least one band."""
    room = WIDTH - label_width(kind) - (NOTE_WIDTH if notes else 0.0)
    most = int(room // COLUMN_LEAST)
    needed = max(1, -(-count // most))
    each = max(1, -(-count // needed))
    begins = range(0, max(count, 1), each)
    return [Band(begin, min(begin + each, count), min(COLUMN_MOST, room / each)) for begin in begins]


def groups(columns: Sequence[Column]) -> Iterator[tuple[str, int]]:
    """The upper line of the heading: each group with the number of its columns."""
    for group, members in groupby(columns, lambda column: column.group):
        yield group, len(list(members))

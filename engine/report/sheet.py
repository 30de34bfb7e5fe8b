"""A statement as .xlsx, numbers as numbers. Written row by row: a year of hours needs no more memory than a month."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime, timedelta

import xlsxwriter  # type: ignore[import-untyped]

from engine.model import RecType
from engine.report import layout
from engine.report.columns import Cell
from engine.report.result import SIGNATURES
from engine.report.statement import MISSING, NOTES, Line, Statement

A4 = 9
"""As the library counts sizes of paper."""


class Sheet:
    """One worksheet that is filled from the top; it prints as the PDF does, landscape and as wide as a page."""

    def __init__(self, workbook: xlsxwriter.Workbook) -> None:
        shapes = ["General", "0.00", "0.00", "0.000"]
        self._plain = [workbook.add_format({"num_format": shape}) for shape in shapes]
        self._strong = [workbook.add_format({"num_format": shape, "bold": True}) for shape in shapes]
        self._day = workbook.add_format({"num_format": "dd.mm.yyyy", "align": "left"})
        self._hour = workbook.add_format({"num_format": "dd.mm.yyyy hh:mm", "align": "left"})
        self._sheet = workbook.add_worksheet("Отчет")
        self._sheet.set_column(0, 0, 18)
        self._sheet.set_column(1, 40, 13)
        self._sheet.set_landscape()
        self._sheet.set_paper(A4)
        self._sheet.fit_to_pages(1, 0)
        self._row = 0

    def put(self, cells: Sequence[Cell], *, strong: bool = False, first: int = 0) -> None:
        """One row: a number where there is one, else text."""
        formats = self._strong if strong else self._plain
        for column, cell in enumerate(cells, first):
            if cell.number is not None:
                self._sheet.write_number(self._row, column, round(cell.number, 6), formats[cell.places])
            elif cell.text:
                self._sheet.write_string(self._row, column, cell.text, formats[0])
        self._row += 1

    def put_row(self, begin: datetime, kind: RecType, cells: Sequence[Cell]) -> None:
        """A row of the table: its day or hour as a date, so that it can be sorted and drawn."""
        self._sheet.write_datetime(self._row, 0, begin, self._hour if kind is RecType.HOUR else self._day)
        self.put(cells, first=1)

    def keep_above(self, lines: int) -> None:
        """What was put last stays in sight, and stands on each printed page."""
        self._sheet.freeze_panes(self._row, 1)
        self._sheet.repeat_rows(self._row - lines, self._row - 1)

    def put_text(self, *texts: str, strong: bool = False) -> None:
        self.put([Cell(text) for text in texts], strong=strong)


def xlsx_of(statement: Statement) -> bytes:
    """The whole file; the same statement gives the same bytes."""
    target = io.BytesIO()
    workbook = xlsxwriter.Workbook(target, {"constant_memory": True, "strings_to_formulas": False})
    last: datetime = statement.data.period.last
    workbook.set_properties({"title": statement.title, "created": last.replace(hour=0) + timedelta(days=1)})
    sheet = Sheet(workbook)
    sheet.put_text(statement.title, strong=True)
    for text in statement.heading:
        sheet.put_text(text)
    _put_columns(sheet, statement)
    for line in statement.lines():
        if line.begin is None:
            sheet.put([Cell(line.label), *_cells(line)], strong=line.strong)
        else:
            sheet.put_row(line.begin, statement.data.period.kind, _cells(line))
    _put_result(sheet, statement)
    workbook.close()
    return target.getvalue()


def _put_columns(sheet: Sheet, statement: Statement) -> None:
    upper: list[str] = []
    for group, count in layout.groups(statement.columns):
        upper += [group, *[""] * (count - 1)]
    notes = [NOTES] if statement.has_notes else []
    sheet.put_text("", *upper, strong=True)
    sheet.put_text("Дата", *[column.title for column in statement.columns], *notes, strong=True)
    sheet.keep_above(2)


def _cells(line: Line) -> list[Cell]:
    return [*([Cell(MISSING)] if line.gap else line.cells), Cell(line.note)]


def _put_result(sheet: Sheet, statement: Statement) -> None:
    sheet.put_text()
    sheet.put_text("Результирующая таблица", statement.span, strong=True)
    for line in statement.result:
        left, right = ([Cell(item.caption), Cell(item.sign), item.value] for item in line)
        sheet.put([*left, Cell(""), *right])
    sheet.put_text()
    sheet.put_text(*SIGNATURES)

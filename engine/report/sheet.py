"""A statement as .xlsx, numbers as numbers. Written row by row: a year of hours needs no more memory than a month."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime, timedelta

import xlsxwriter  # type: ignore[import-untyped]

from engine.report import layout
from engine.report.columns import Cell
from engine.report.result import SIGNATURES
from engine.report.statement import MISSING, Line, Statement


class Sheet:
    """One worksheet that is filled from the top. `plain` and `strong` give the formats by number of decimals."""

    def __init__(self, workbook: xlsxwriter.Workbook) -> None:
        shapes = ["General", "0.00", "0.00", "0.000"]
        self._plain = [workbook.add_format({"num_format": shape}) for shape in shapes]
        self._strong = [workbook.add_format({"num_format": shape, "bold": True}) for shape in shapes]
        self._sheet = workbook.add_worksheet("Отчет")
        self._sheet.set_column(0, 0, 18)
        self._sheet.set_column(1, 40, 13)
        self._row = 0

    def put(self, cells: Sequence[Cell], *, strong: bool = False) -> None:
        """One row: a number where there is one, else text."""
        formats = self._strong if strong else self._plain
        for column, cell in enumerate(cells):
            if cell.number is not None:
                self._sheet.write_number(self._row, column, round(cell.number, 6), formats[cell.places])
            elif cell.text:
                self._sheet.write_string(self._row, column, cell.text, formats[0])
        self._row += 1

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
        sheet.put(_cells(line), strong=line.strong)
    _put_result(sheet, statement)
    workbook.close()
    return target.getvalue()


def _put_columns(sheet: Sheet, statement: Statement) -> None:
    upper: list[str] = []
    for group, count in layout.groups(statement.columns):
        upper += [group, *[""] * (count - 1)]
    notes = ["Примечание"] if statement.has_notes else []
    sheet.put_text("", *upper, strong=True)
    sheet.put_text("Дата", *[column.title for column in statement.columns], *notes, strong=True)


def _cells(line: Line) -> list[Cell]:
    return [Cell(line.label), *([Cell(MISSING)] if line.gap else line.cells), Cell(line.note)]


def _put_result(sheet: Sheet, statement: Statement) -> None:
    sheet.put_text()
    sheet.put_text("Результирующая таблица", statement.span, strong=True)
    for line in statement.result:
        left, right = ([Cell(item.caption), Cell(item.sign), item.value] for item in line)
        sheet.put([*left, Cell(""), *right])
    sheet.put_text()
    sheet.put_text(*SIGNATURES)

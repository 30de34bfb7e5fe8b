"""A statement as PDF. The library lives in the child process only; the same statement gives the same bytes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, timedelta
from pathlib import Path

from engine.report import layout
from engine.report.graphs import draw_graphs
from engine.report.layout import Band
from engine.report.library import FPDF, WrapMode, XPos, YPos
from engine.report.result import SIGNATURES, ResultItem, ResultLine
from engine.report.statement import MISSING, NOTES, Line, Statement

FAMILY = "DejaVu"
TEXT_PT, SMALL_PT, LEAST_PT, TITLE_PT = 8.0, 6.5, 4.5, 11.0
GREY = 225
_GAP_LEAST = 40.0
_ROUNDING = 0.01


class Paper(FPDF):
    """Landscape A4, each page numbered."""

    def __init__(self, fonts: Path) -> None:
        super().__init__(orientation="landscape", unit="mm", format="A4")
        self.add_font(FAMILY, "", fonts / "DejaVuSans.ttf")
        self.add_font(FAMILY, "B", fonts / "DejaVuSans-Bold.ttf")
        self.set_margin(layout.MARGIN)
        self.set_auto_page_break(False)
        self.set_line_width(0.15)
        self.set_fill_color(GREY)
        self.brief = ""

    def footer(self) -> None:
        """A page that lies alone says what it belongs to."""
        self.set_y(-layout.MARGIN)
        self.set_font(FAMILY, "", SMALL_PT)
        self.cell(0, 4, self.brief, align="L", new_x=XPos.LMARGIN)
        self.cell(0, 4, f"стр. {self.page_no()} из {{nb}}", align="R")

    def heading(self, width: float, height: float, lines: Sequence[str]) -> None:
        """A filled box with lines in its middle; the next box stands to its right."""
        left, top = self.get_x(), self.get_y()
        self.rect(left, top, width, height, style="DF")
        for number, line in enumerate(lines):
            self.set_xy(left, top + (height - len(lines) * layout.HEAD_LINE) / 2 + number * layout.HEAD_LINE)
            self.fitted(width, layout.HEAD_LINE, line, "B", "C", boxed=False)
        self.set_xy(left + width, top)

    def words(self, text: str, width: float) -> list[str]:
        """A heading's words in lines of this width."""
        self.set_font(FAMILY, "B", TEXT_PT)
        return layout.wrapped(text, width - 2 * layout.PADDING, self.get_string_width)

    def fitted(self, width: float, height: float, text: str, style: str = "", align: str = "R", fill: bool = False,
               boxed: bool = True) -> None:  # fmt: skip
        """A cell whose text is made smaller until it fits, and then cut: nothing runs into the neighbour."""
        room, size = width - 2 * layout.PADDING, TEXT_PT
        self.set_font(FAMILY, style, size)
        needed = self.get_string_width(text)
        if needed > room:
            size = max(LEAST_PT, math.floor(2 * size * room / needed) / 2)
            self.set_font(FAMILY, style, size)
            while text and self.get_string_width(text) > room:
                text = text[:-2] + "…" if len(text) > 2 else ""
        self.cell(width, height, text, border=1 if boxed else 0, align=align, fill=fill)


def pdf_of(statement: Statement, fonts: Path) -> bytes:
    """The whole document."""
    paper = Paper(fonts)
    period = statement.data.period
    paper.set_creation_date((period.last + timedelta(days=1)).replace(hour=0, tzinfo=UTC))
    paper.set_title(f"{statement.title}, {statement.span}")
    paper.set_lang("ru-RU")
    paper.brief = statement.brief
    paper.add_page()
    _draw_heading(paper, statement)
    for number, band in enumerate(layout.bands(statement.columns, notes=statement.has_notes)):
        if number:
            paper.add_page()
        _draw_table(paper, statement, band)
    paper.add_page()
    _draw_result(paper, statement)
    if curves := statement.graphs():
        paper.add_page()
        _draw_titles(paper, "Графики", statement)
        draw_graphs(paper, curves)
    return bytes(paper.output())


def _draw_heading(paper: Paper, statement: Statement) -> None:
    paper.set_font(FAMILY, "B", TITLE_PT)
    _wrapped(paper, 6, statement.title)
    paper.set_font(FAMILY, "", TEXT_PT + 1)
    for line in statement.heading:
        _wrapped(paper, 4.6, line)
    paper.ln(1.5)


def _wrapped(paper: Paper, height: float, text: str) -> None:
    paper.multi_cell(0, height, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT, wrapmode=_mode(paper, text))


def _mode(paper: Paper, text: str) -> WrapMode:
    """A word that is longer than the page is cut anywhere."""
    longest = max(text.split() or [""], key=len)
    return WrapMode.CHAR if paper.get_string_width(longest) > layout.WIDTH - 4 * layout.PADDING else WrapMode.WORD


def _draw_table(paper: Paper, statement: Statement, band: Band) -> None:
    _draw_columns(paper, statement, band)
    height = layout.row_height(statement.line_count, layout.BOTTOM - paper.get_y())
    for together in layout.kept_together(statement.lines()):
        if paper.get_y() + len(together) * height > layout.BOTTOM + _ROUNDING:
            paper.add_page()
            _draw_columns(paper, statement, band)
        for line in together:
            _draw_line(paper, statement, band, line, height)


def _draw_columns(paper: Paper, statement: Statement, band: Band) -> None:
    columns, top = statement.columns[band.begin : band.end], paper.get_y()
    groups = [(width, paper.words(group, width)) for group, width in layout.group_widths(columns, band.widths)]
    upper = max((len(lines) for _, lines in groups), default=1) * layout.HEAD_LINE + 0.7
    paper.heading(layout.LABEL_WIDTH, upper + layout.ROW_HEIGHT, ["Дата"])
    left = paper.get_x()
    for width, lines in groups:
        paper.heading(width, upper, lines)
    if statement.has_notes:
        paper.heading(layout.NOTE_WIDTH, upper + layout.ROW_HEIGHT, [NOTES])
    paper.set_xy(left, top + upper)
    for column, width in zip(columns, band.widths, strict=True):
        paper.heading(width, layout.ROW_HEIGHT, [column.title])
    paper.set_xy(layout.MARGIN, top + upper + layout.ROW_HEIGHT)


def _draw_line(paper: Paper, statement: Statement, band: Band, line: Line, height: float) -> None:
    style = "B" if line.strong else ""
    paper.fitted(layout.LABEL_WIDTH, height, line.label, style, "L", fill=line.strong)
    notes = layout.NOTE_WIDTH if statement.has_notes else 0.0
    if line.gap:
        paper.fitted(max(_GAP_LEAST, sum(band.widths) + notes), height, MISSING, align="C")
    else:
        for cell, width in zip(line.cells[band.begin : band.end], band.widths, strict=True):
            paper.fitted(width, height, cell.text, style, fill=line.strong)
        if notes:
            paper.fitted(notes, height, line.note, style, "L", fill=line.strong)
    paper.ln(height)


def _draw_titles(paper: Paper, title: str, statement: Statement) -> None:
    paper.set_font(FAMILY, "B", TITLE_PT)
    _wrapped(paper, 6, title)
    paper.set_font(FAMILY, "", TEXT_PT + 1)
    _wrapped(paper, 5, statement.brief)
    paper.ln(1.5)


def _draw_result(paper: Paper, statement: Statement) -> None:
    _draw_titles(paper, "Результирующая таблица", statement)
    for line in statement.result:
        _draw_result_line(paper, line)
    paper.ln(10)
    for signature in SIGNATURES:
        paper.fitted(44, 6, signature, align="L", boxed=False)
        paper.line(paper.get_x(), paper.get_y() + 5, paper.get_x() + 80, paper.get_y() + 5)
        paper.set_x(paper.get_x() + layout.WIDTH / 2 - 44)


def _draw_result_line(paper: Paper, line: ResultLine) -> None:
    for item in line:
        _draw_item(paper, item)
    paper.ln(5.2)


def _draw_item(paper: Paper, item: ResultItem) -> None:
    sign = 22.0 if item.sign else 0.0
    value = 34.0 if item.sign else 70.0
    paper.fitted(layout.WIDTH / 2 - sign - value, 5.2, item.caption, align="L")
    if item.sign:
        paper.fitted(sign, 5.2, item.sign, "B", "C")
    paper.fitted(value, 5.2, item.value.text)

"""A statement as PDF. The library lives in the child process only; the same statement gives the same bytes."""

from __future__ import annotations

from datetime import UTC, timedelta
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import WrapMode, XPos, YPos

from engine.report import layout
from engine.report.graphs import draw_graphs
from engine.report.layout import Band
from engine.report.result import SIGNATURES, ResultItem, ResultLine
from engine.report.statement import MISSING, Line, Statement

FAMILY = "DejaVu"
TEXT_PT, SMALL_PT, TITLE_PT = 8.0, 6.5, 11.0
GREY = 225
_PADDING = 1.0
_GAP_LEAST = 40.0


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

    def footer(self) -> None:
        self.set_y(-layout.MARGIN)
        self.set_font(FAMILY, "", SMALL_PT)
        self.cell(0, 4, f"стр. {self.page_no()}", align="R")

    def fitted(self, width: float, height: float, text: str, style: str = "", align: str = "R", fill: bool = False,
               boxed: bool = True) -> None:  # fmt: skip
        """A cell whose text is made smaller until it fits, and then cut: nothing runs into the neighbour."""
        size = TEXT_PT
        self.set_font(FAMILY, style, size)
        while size > 4.5 and self.get_string_width(text) > width - 2 * _PADDING:
            size -= 0.5
            self.set_font(FAMILY, style, size)
        while text and self.get_string_width(text) > width - 2 * _PADDING:
            text = text[:-2] + "…" if len(text) > 2 else ""
        self.cell(width, height, text, border=1 if boxed else 0, align=align, fill=fill)


def pdf_of(statement: Statement, fonts: Path) -> bytes:
    """The whole document."""
    paper = Paper(fonts)
    period = statement.data.period
    paper.set_creation_date((period.last + timedelta(days=1)).replace(hour=0, tzinfo=UTC))
    paper.set_title(f"{statement.title}, {statement.span}")
    paper.set_lang("ru-RU")
    paper.add_page()
    _draw_heading(paper, statement)
    parts = layout.bands(len(statement.columns), period.kind, notes=statement.has_notes)
    for number, band in enumerate(parts):
        if number:
            paper.add_page()
        _draw_table(paper, statement, band)
    paper.add_page()
    _draw_result(paper, statement)
    if curves := statement.graphs():
        paper.add_page()
        draw_graphs(paper, statement.data, curves)
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
    return WrapMode.CHAR if paper.get_string_width(longest) > layout.WIDTH - 4 * _PADDING else WrapMode.WORD


def _draw_table(paper: Paper, statement: Statement, band: Band) -> None:
    _draw_columns(paper, statement, band)
    for line in statement.lines():
        if paper.get_y() + layout.ROW_HEIGHT > layout.BOTTOM:
            paper.add_page()
            _draw_columns(paper, statement, band)
        _draw_line(paper, statement, band, line)


def _draw_columns(paper: Paper, statement: Statement, band: Band) -> None:
    columns, height = statement.columns[band.begin : band.end], layout.ROW_HEIGHT
    label, top = layout.label_width(statement.data.period.kind), paper.get_y()
    paper.fitted(label, 2 * height, "Дата", "B", "C", fill=True)
    left = paper.get_x()
    for group, count in layout.groups(columns):
        paper.fitted(count * band.width, height, group, "B", "C", fill=True)
    if statement.has_notes:
        paper.fitted(layout.NOTE_WIDTH, 2 * height, "Примечание", "B", "C", fill=True)
    paper.set_xy(left, top + height)
    for column in columns:
        paper.fitted(band.width, height, column.title, "B", "C", fill=True)
    paper.set_xy(layout.MARGIN, top + 2 * height)


def _draw_line(paper: Paper, statement: Statement, band: Band, line: Line) -> None:
    style, height = "B" if line.strong else "", layout.ROW_HEIGHT
    paper.fitted(layout.label_width(statement.data.period.kind), height, line.label, style, "L", fill=line.strong)
    notes = layout.NOTE_WIDTH if statement.has_notes else 0.0
    if line.gap:
        paper.fitted(max(_GAP_LEAST, (band.end - band.begin) * band.width + notes), height, MISSING, align="C")
    else:
        for cell in line.cells[band.begin : band.end]:
            paper.fitted(band.width, height, cell.text, style, fill=line.strong)
        if notes:
            paper.fitted(notes, height, line.note, style, "L", fill=line.strong)
    paper.ln(height)


def _draw_result(paper: Paper, statement: Statement) -> None:
    paper.set_font(FAMILY, "B", TITLE_PT)
    _wrapped(paper, 6, "Результирующая таблица")
    paper.set_font(FAMILY, "", TEXT_PT + 1)
    _wrapped(paper, 5, f"{statement.title.partition('. ')[2]}   {statement.span}")
    paper.ln(1.5)
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

"""Graphs of a statement, drawn as lines; curves differ by stroke and mark, so that black and white print tells them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.report import axis, layout
from engine.report.axis import Scale
from engine.report.curves import Curve, Graph
from engine.report.library import FPDF

FAMILY = "DejaVu"
LABEL_PT = 6.5
_GAP = 14.0
_LEFT = 16.0
_GREY = 200
_MARK = 0.7
_NAME_HEIGHT = 2.6


class Pen(NamedTuple):
    """`dash` and `gap` in mm, 0 for an unbroken line; `mark`: square, circle, cross."""

    dash: float
    gap: float
    mark: str


class Frame(NamedTuple):
    left: float
    top: float
    width: float
    height: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        return self.left + x * self.width, self.top + (1.0 - y) * self.height


PENS = (Pen(0, 0, "square"), Pen(3, 1.5, "circle"), Pen(0.6, 1.0, "cross"))


def draw_graphs(paper: FPDF, graphs: Sequence[Graph]) -> None:
    """All of them on the present page, one under the other."""
    top = paper.get_y()
    height = (layout.BOTTOM - top) / max(2, len(graphs))
    for number, graph in enumerate(graphs):
        frame = Frame(layout.MARGIN + _LEFT, top + number * height + 9, layout.WIDTH - _LEFT - 8, height - _GAP - 6)
        _draw_graph(paper, frame, graph)


def _draw_graph(paper: FPDF, frame: Frame, graph: Graph) -> None:
    scale = axis.scale_of([point for curve in graph.curves for point in curve.points if point is not None])
    _draw_legend(paper, frame, graph)
    _draw_grid(paper, frame, scale)
    _draw_dates(paper, frame, graph)
    paper.rect(frame.left, frame.top, frame.width, frame.height)
    for curve, pen in zip(graph.curves, PENS, strict=False):
        _draw_curve(paper, frame, curve, scale, pen)
    _name_ends(paper, frame, graph, scale)


def _draw_legend(paper: FPDF, frame: Frame, graph: Graph) -> None:
    paper.set_font(FAMILY, "B", 9)
    paper.text(frame.left, frame.top - 3.5, graph.title)
    title_width = paper.get_string_width(graph.title)
    paper.set_font(FAMILY, "", 8)
    x, y = frame.left + max(60.0, title_width + 12), frame.top - 4.5
    for curve, pen in zip(graph.curves, PENS, strict=False):
        _stroke(paper, [(x, y), (x + 14, y)], pen)
        _draw_mark(paper, x + 7, y, pen.mark)
        paper.text(x + 16, y + 1, curve.name)
        x += 34


def _draw_grid(paper: FPDF, frame: Frame, scale: Scale) -> None:
    paper.set_font(FAMILY, "", LABEL_PT)
    for tick in scale.ticks:
        (left, y), (right, _) = frame.at(0, scale.place(tick)), frame.at(1, scale.place(tick))
        paper.set_draw_color(_GREY)
        paper.line(left, y, right, y)
        text = f"{tick:.{scale.decimals}f}"
        paper.text(left - 1.5 - paper.get_string_width(text), y + 0.8, text)
    paper.set_draw_color(0)


def _draw_dates(paper: FPDF, frame: Frame, graph: Graph) -> None:
    width = max(1, len(graph.begins) - 1)
    for number, text in axis.labels(graph.begins, graph.kind):
        x, y = frame.at(number / width, 0)
        paper.set_draw_color(_GREY)
        paper.line(x, frame.top, x, y)
        paper.set_draw_color(0)
        paper.line(x, y, x, y + 1)
        paper.text(x - paper.get_string_width(text) / 2, y + 4, text)


def _draw_curve(paper: FPDF, frame: Frame, curve: Curve, scale: Scale, pen: Pen) -> None:
    marked = len(curve.points) <= axis.MARKS_MOST
    for stroke in axis.strokes(curve.points, scale):
        points = [frame.at(x, y) for x, y in stroke]
        if len(points) > 1:
            _stroke(paper, points, pen)
        if marked or len(points) == 1:
            for x, y in points:
                _draw_mark(paper, x, y, pen.mark)


def _name_ends(paper: FPDF, frame: Frame, graph: Graph, scale: Scale) -> None:
    """The name of each curve beside its last point, where there is room for it."""
    used: list[float] = []
    for curve in graph.curves:
        last = curve.points[-1]
        if last is None:
            continue
        x, y = frame.at(1, scale.place(last))
        if all(abs(y - other) > _NAME_HEIGHT for other in used):
            paper.text(x + 1.5, y + 0.9, curve.name)
            used.append(y)


def _stroke(paper: FPDF, points: list[tuple[float, float]], pen: Pen) -> None:
    paper.set_line_width(0.35)
    paper.set_dash_pattern(pen.dash, pen.gap)
    paper.polyline(points)
    paper.set_dash_pattern()
    paper.set_line_width(0.15)


def _draw_mark(paper: FPDF, x: float, y: float, mark: str) -> None:
    if mark == "square":
        paper.set_fill_color(0)
        paper.rect(x - _MARK, y - _MARK, 2 * _MARK, 2 * _MARK, style="F")
    elif mark == "circle":
        paper.set_fill_color(255)
        paper.circle(x, y, _MARK, style="DF")
    else:
        paper.line(x - _MARK, y - _MARK, x + _MARK, y + _MARK)
        paper.line(x - _MARK, y + _MARK, x + _MARK, y - _MARK)

"""Curves of a statement's graphs: a point for each row, or for each day or month of a long period. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from engine.model import RecType
from engine.report.columns import number_of
from engine.report.rows import Row, Rows

POINTS_MOST = 800
"""A month of hours. With more of them curves would be blots, in which no stroke is told from another."""

Value = Callable[[Row], float | None]


class Curve(NamedTuple):
    """`points`: a number for each place of the graph, None where there is none."""

    name: str
    points: tuple[float | None, ...]


class Graph(NamedTuple):
    """`begins`: what each place stands for. `kind`: whether that is an hour, a day or a month."""

    title: str
    curves: tuple[Curve, ...]
    begins: tuple[datetime, ...]
    kind: RecType


class _Places(NamedTuple):
    """Rows by the place of the graph that they belong to."""

    kind: RecType
    rows: dict[datetime, list[Row]]
    note: str = ""


def graphs_of(data: Rows) -> tuple[Graph, ...]:
    """Mass, or volume where no mass is measured, and temperature; what the system has not got is left out."""
    places = _places(data)
    flow, unit = ("M", "Масса, тонн") if any("M1" in row.values for row in data.rows) else ("V", "Объем, м³")
    step = "" if not places.note else " за час" if data.period.kind is RecType.HOUR else " за сутки"
    told: tuple[tuple[str, dict[str, Value]], ...] = (
        (f"{unit}{step}{places.note}", {f"{flow}{number}": own_amount(f"{flow}{number}") for number in (1, 2)}),
        (f"Температура, °C{places.note}", {f"T{number}": number_of(f"T{number}") for number in (1, 2, 3)}),
    )
    graphs = (Graph(title, _curves(places, values), tuple(places.rows), places.kind) for title, values in told)
    return tuple(graph for graph in graphs if graph.curves)


def own_amount(key: str) -> Value:
    """The growth of a counter in this very day or hour: what grew in several ones would be a peak that never was."""
    return lambda row: row.amounts.get(key) if row.span(key) == 1 else None


def _curves(places: _Places, values: dict[str, Value]) -> tuple[Curve, ...]:
    curves = (Curve(name, tuple(_mean(value, rows) for rows in places.rows.values())) for name, value in values.items())
    return tuple(curve for curve in curves if any(point is not None for point in curve.points))


def _mean(value: Value, rows: Sequence[Row]) -> float | None:
    known = [number for row in rows if (number := value(row)) is not None]
    return sum(known) / len(known) if known else None


def _places(data: Rows) -> _Places:
    kind = data.period.kind
    if len(data.rows) <= POINTS_MOST:
        return _Places(kind, {row.begin: [row] for row in data.rows})
    if kind is RecType.HOUR:
        return _Places(RecType.DAY, _by(data.rows, lambda row: row.begin.replace(hour=0)), ", в среднем по суткам")
    return _Places(RecType.MONTH, _by(data.rows, lambda row: row.begin.replace(day=1)), ", в среднем по месяцам")


def _by(rows: Sequence[Row], place: Callable[[Row], datetime]) -> dict[datetime, list[Row]]:
    found: dict[datetime, list[Row]] = {}
    for row in rows:
        found.setdefault(place(row), []).append(row)
    return found

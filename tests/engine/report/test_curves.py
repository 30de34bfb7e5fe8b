from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from engine.model import RecType
from engine.report import axis
from engine.report.curves import Graph
from tests.fake.statement_data import statement

AUGUST = datetime(2018, 8, 1)
DAY = {"Q1": 1.0, "M1": 10.0, "M2": 9.0, "T1": 70.0, "T2": 50.0, "Tgood": 24.0, "Tall": 24.0}


def points(graph: Graph, name: str) -> tuple[float | None, ...]:
    return next(curve.points for curve in graph.curves if curve.name == name)


def test_what_grew_in_missing_days_makes_no_peak() -> None:
    mass, heat = statement(AUGUST, [DAY, None, {**DAY, "M1": 20.0}, DAY]).graphs()
    assert points(mass, "M1") == (10.0, None, None, 10.0)
    assert points(heat, "T1") == (70.0, None, 70.0, 70.0)


def test_a_year_of_hours_is_drawn_by_days_and_says_so() -> None:
    hours = [None if 48 <= number < 72 else {**DAY, "M1": float(number % 24)} for number in range(366 * 24)]
    mass, heat = statement(datetime(2020, 1, 1), hours, RecType.HOUR).graphs()
    assert (mass.title, heat.title) == (
        "Масса, тонн за час, в среднем по суткам", "Температура, °C, в среднем по суткам",
    )  # fmt: skip
    assert len(mass.begins) == len(points(mass, "M1")) == 366 and mass.kind is RecType.DAY
    assert points(mass, "M1")[0] == 11.5
    assert points(mass, "M1")[2] is None and points(heat, "T1")[2] is None
    assert points(mass, "M1")[3] == 12.0  # the hour 0 counts three days: it is no point


def test_many_years_of_days_are_drawn_by_months() -> None:
    mass, _ = statement(datetime(2016, 1, 1), [DAY] * 1096).graphs()
    assert mass.title == "Масса, тонн за сутки, в среднем по месяцам"
    assert len(mass.begins) == 36 and points(mass, "M1") == (10.0,) * 36


def test_a_month_of_hours_keeps_its_hours() -> None:
    mass, _ = statement(AUGUST, [DAY] * 744, RecType.HOUR).graphs()
    assert (mass.title, len(mass.begins), mass.kind) == ("Масса, тонн", 744, RecType.HOUR)


@pytest.mark.parametrize(
    ("kind", "count", "named"),
    [
        (RecType.DAY, 31, ["01.08", "03.08", "05.08"]),
        (RecType.DAY, 800, ["01.08.18", "20.09.18", "09.11.18"]),
        (RecType.HOUR, 12, ["01.08", "01:00", "02:00"]),
        (RecType.HOUR, 72, ["01.08", "06:00", "12:00", "18:00", "02.08"]),
        (RecType.HOUR, 744, ["01.08", "03.08", "05.08"]),
    ],
)
def test_places_are_named_at_round_hours_and_days(kind: RecType, count: int, named: list[str]) -> None:
    step = timedelta(hours=1) if kind is RecType.HOUR else timedelta(days=1)
    begins = [AUGUST + number * step for number in range(count)]
    labels = axis.labels(begins, kind)
    assert [text for _, text in labels][: len(named)] == named
    assert len(labels) <= axis.LABELS_MOST


def test_months_are_named_with_their_year() -> None:
    begins = [datetime(2016 + number // 12, number % 12 + 1, 1) for number in range(36)]
    assert [text for _, text in axis.labels(begins, RecType.MONTH)][:3] == ["01.2016", "04.2016", "07.2016"]

"""Records and statements for the tests of reports: amounts become running totals, as a meter stores them."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from engine import naming
from engine.formats import archive
from engine.formats.archive import Head
from engine.model import Record, RecType, Value
from engine.report.rows import Period, rows_of
from engine.report.statement import Statement, Subject, make_statement

Day = Mapping[str, float]
"""Amounts (`M1`, `Q1`, `Tgood`) and means (`T1`, `P1`) of one day or hour."""

FACTS: dict[str, Value] = {
    "Type": "Открытая система", "Formula": "Q = M1(h1 - h3) - M2(h2 - h3)", "Du1": 32, "Du2": 32, "Gmin1": 0.08,
    "Gmin2": 0.08, "Gmax1": 30.0, "Gmax2": 30.0, "dTmin1": 2.0,
}  # fmt: skip


def records(first: datetime, days: Sequence[Day | None], kind: RecType = RecType.DAY, **start: float) -> list[Record]:
    """The record that ends before `first`, then one for each day; None is a day whose record is lost, amounts none."""
    step = timedelta(hours=1) if kind is RecType.HOUR else timedelta(days=1)
    totals = {"Q1": 100.0, "M1": 1000.0, "M2": 900.0, "Tgood": 500.0, "Tall": 510.0, **start}
    found = [Record(kind, first, (dict(totals),))]
    for number, day in enumerate(days, 1):
        for key in totals:
            totals[key] = round(totals[key] + (day or {}).get(key, 0.0), 6)
        if day is not None:
            means = {key: value for key, value in day.items() if key not in totals}
            found.append(Record(kind, first + number * step, ({**totals, **means},)))
    return found


def period(first: datetime, count: int, kind: RecType = RecType.DAY) -> Period:
    step = timedelta(hours=1) if kind is RecType.HOUR else timedelta(days=1)
    return Period(kind, first, first + (count - 1) * step)


def statement(
    first: datetime, days: Sequence[Day | None], kind: RecType = RecType.DAY, facts: Mapping[str, Value] | None = None,
    fields: tuple[str, ...] = (), address: str = "Москва, пр. Московский, д. 13", report_day: int | None = None,
    report_records: int | None = None,
) -> Statement:  # fmt: skip
    data = rows_of(records(first, days, kind), 1, period(first, len(days), kind))
    told = FACTS if facts is None else facts
    named = ("ТЭСМА-106/2", "440020", 1, told, address, "Иванов Иван Иванович", fields, report_day, report_records)
    return make_statement(Subject(*named), data)


# Manual, figure 9.2: Q, M1, M2, T1, T2, T3, P1. 476.3052: it prints 476.305 and a difference of 100.32.
FIGURE_9_2 = [
    (0.000, 0.000, 0.000, 71.90, 54.63, 50.60, 0.70),
    (0.000, 0.000, 0.000, 71.97, 54.71, 50.68, 0.70),
    (0.000, 0.000, 0.000, 72.03, 54.77, 50.74, 0.70),
    (4.692, 259.947, 214.519, 72.03, 54.76, 50.75, 0.70),
    (10.423, 577.554, 476.987, 72.01, 54.74, 50.72, 0.70),
    (10.406, 576.630, 476.3052, 72.00, 54.72, 50.70, 0.70),
    (10.387, 575.548, 475.295, 71.97, 54.70, 50.67, 0.70),
    (10.369, 574.607, 474.410, 71.95, 54.68, 50.65, 0.70),
]


def figure_9_2() -> list[Day]:
    names = ("Q1", "M1", "M2", "T1", "T2", "T3", "P1")
    return [{**dict(zip(names, row, strict=True)), "Tgood": 24.0, "Tall": 24.0} for row in FIGURE_9_2]


# Manual, figure 11.5: M1, M2, t1, t2, P1, P2 from 24.11.2017
FIGURE_11_5 = [
    (615.5, 615.5, 70.59, 56.89, 0.50, 0.44), (628.8, 628.8, 71.27, 57.50, 0.51, 0.44),
    (632.6, 632.7, 70.67, 57.25, 0.51, 0.44), (707.1, 707.1, 69.23, 56.87, 0.51, 0.44),
    (778.4, 778.0, 69.92, 57.92, 0.51, 0.44), (767.4, 766.6, 70.19, 57.06, 0.50, 0.44),
    (781.4, 780.6, 69.63, 57.74, 0.50, 0.44), (790.8, 790.3, 68.35, 56.94, 0.51, 0.44),
    (797.4, 797.0, 68.57, 57.34, 0.51, 0.44), (815.3, 814.2, 68.51, 57.65, 0.51, 0.44),
    (819.1, 817.6, 70.44, 59.27, 0.52, 0.45), (816.9, 815.6, 70.10, 58.86, 0.52, 0.45),
    (816.5, 815.1, 70.52, 59.10, 0.52, 0.45),
]  # fmt: skip


def figure_11_5() -> list[Day]:
    names = ("M1", "M2", "T1", "T2", "P1", "P2")
    return [{**dict(zip(names, row, strict=True)), "Tgood": 24.0, "Tall": 24.0} for row in FIGURE_11_5]


_DAY: Day = {"Q1": 1.0, "M1": 10.0, "M2": 9.0, "T1": 70.0, "T2": 50.0, "Tgood": 24.0, "Tall": 24.0}


def store(
    root: Path, days: int, first: datetime = datetime(2020, 6, 20), kind: RecType = RecType.DAY,
    lost: Container[int] = (),
) -> None:  # fmt: skip
    """Archive files of device 440020 with so many equal days or hours, without those of the numbers `lost`."""
    texts: dict[str, list[str]] = {}
    for record in records(first, [None if number in lost else _DAY for number in range(days)], kind):
        path = naming.archive_path("440020", kind, record.stamp)
        blocks = texts.setdefault(path, [archive.head_text(Head("ТСМ", "ТСМ", "440020", 1))])
        blocks.append(archive.record_text(len(blocks), record))
    for path, blocks in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("".join(blocks), encoding="utf-8")

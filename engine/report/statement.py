"""A statement as it is laid out: heading, table with totals, result table, graphs. Pure; drawn elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from engine.model import RecType, Values
from engine.report.columns import Cell, Column, chosen, counter_title, standard
from engine.report.curves import Graph, graphs_of
from engine.report.result import ResultLine, result_lines
from engine.report.rows import Row, Rows

TITLE = "Ведомость учёта параметров ресурсопотребления"
MISSING = "нет данных"
NOTES = "Примечание"
"""Above the notes, where there is any."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose statement it is: what the settings and the snapshot tell of the device and of one of its systems."""

    dev_type: str
    dev_number: str
    system: int
    facts: Values
    address: str = ""
    responsible: str = ""
    fields: tuple[str, ...] = ()
    report_day: int | None = None
    report_records: int | None = None

    @property
    def is_open(self) -> bool:
        return "открыт" in str(self.facts.get("Type") or "").casefold()


class Line(NamedTuple):
    """One line of the table. `gap`: there is no data, and nothing but that is said. `strong`: a total.

    `begin`: of the day or hour that it covers, None for a total.
    """

    label: str
    cells: Sequence[Cell]
    note: str = ""
    gap: bool = False
    strong: bool = False
    begin: datetime | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """Everything that is printed. `lines` may be taken any number of times."""

    subject: Subject
    data: Rows
    columns: tuple[Column, ...]
    result: tuple[ResultLine, ...]
    has_notes: bool

    @property
    def title(self) -> str:
        return f"{TITLE}. Прибор {self.subject.dev_type} №{self.subject.dev_number}"

    @property
    def span(self) -> str:
        return f"с {day_text(self.data.period.first)} по {day_text(self.data.period.last)}"

    @property
    def heading(self) -> tuple[str, ...]:
        """The lines under the title."""
        kind = "Среднечасовые" if self.data.period.kind is RecType.HOUR else "Среднесуточные"
        facts = self.subject.facts
        system = f"Система {self.subject.system}: {facts.get('Type') or ''}".rstrip(": ")
        lines = [f"{kind} статистические данные {self.span}", f"Адрес установки: {self.subject.address}"]
        lines.append("   ".join(part for part in (system, str(facts.get("Formula") or "")) if part))
        if self.subject.responsible:
            lines.append(f"Ответственное лицо: {self.subject.responsible}")
        told = (("Отчетный день", self.subject.report_day), ("Число записей", self.subject.report_records))
        if settings := [f"{caption}: {number}" for caption, number in told if number is not None]:
            lines.append("   ".join(settings))
        return tuple(lines)

    @property
    def brief(self) -> str:
        """Whose statement it is and of when, in one line: what each page of it says."""
        return f"{self.title.partition('. ')[2]}, система {self.subject.system}, {self.span}"

    @property
    def line_count(self) -> int:
        """How many lines `lines` gives."""
        months = len({_month(row) for row in self.data.rows})
        return len(self.data.rows) + (months if months > 1 else 0) + 1

    def lines(self) -> Iterator[Line]:
        """Rows in order, after each month its total where there are several, and the total of all."""
        months = [(month, list(rows)) for month, rows in groupby(self.data.rows, _month)]
        for month, rows in months:
            yield from map(self._line, rows)
            if len(months) > 1:
                yield self._total(f"Итого {month:%m.%Y}:", rows)
        yield self._total("Итого:", self.data.rows)

    def graphs(self) -> tuple[Graph, ...]:
        """Mass, or volume where no mass is measured, and temperature; what the system has not got is left out."""
        return graphs_of(self.data)

    def _line(self, row: Row) -> Line:
        label = begin_text(row.begin, self.data.period.kind)
        if row.is_missing:
            return Line(label, (), gap=True, begin=row.begin)
        cells = [column.write(column.value(row)) for column in self.columns]
        return Line(label, cells, note_text(row, self.data.period.kind), begin=row.begin)

    def _total(self, label: str, rows: Sequence[Row]) -> Line:
        return Line(label, [column.write(column.total(rows)) for column in self.columns], strong=True)


def make_statement(subject: Subject, data: Rows) -> Statement:
    """The standard view, or the user's own columns where he has chosen some."""
    otherwise = data.before or subject.facts
    columns = chosen(subject.fields) or standard(data.rows, is_open=subject.is_open, otherwise=otherwise)
    heading = (subject.dev_type, subject.dev_number)
    has_notes = any(note_text(row, data.period.kind) for row in data.rows)
    return Statement(subject, data, columns, result_lines(heading, subject.facts, data), has_notes)


def day_text(moment: datetime) -> str:
    return moment.strftime("%d.%m.%Y")


def begin_text(begin: datetime, kind: RecType) -> str:
    """How a row names what it covers."""
    return begin.strftime("%d.%m.%Y %H:00" if kind is RecType.HOUR else "%d.%m.%Y")


def note_text(row: Row, kind: RecType) -> str:
    """What a person must know of a row's amounts; empty when they are of this very day or hour."""
    if row.is_missing:
        return ""
    if not row.steps:
        return "счёт начат заново" if row.restarted else "нет записи до нее"
    unit = "ч" if kind is RecType.HOUR else "сут."
    spans = {row.span(key) for key in row.amounts} or {row.steps}
    whole = min(spans)
    parts = [f"за {whole} {unit}"] if whole > 1 else []
    for span in sorted(spans - {whole}):
        keys = ", ".join(counter_title(key) for key in row.amounts if row.span(key) == span)
        parts.append(f"{keys} за {span} {unit}")
    return ", ".join(parts)


def _month(row: Row) -> datetime:
    return row.begin.replace(day=1, hour=0)

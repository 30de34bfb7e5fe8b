"""The result table of a statement (manual, figure 9.6): settings, totals at both ends, hours of errors."""

from __future__ import annotations

from typing import NamedTuple

from engine.formats.values import value_text
from engine.model import Value, Values
from engine.report.columns import Cell, amount, faulty_hours, shortened, summed
from engine.report.rows import Rows

SIGNATURES = ("Подпись Потребителя", "Подпись Поставщика")


class ResultItem(NamedTuple):
    """A caption, the manual's sign for it, its value."""

    caption: str
    sign: str
    value: Cell


class ResultLine(NamedTuple):
    left: ResultItem
    right: ResultItem


def result_lines(device: tuple[str, str], facts: Values, data: Rows) -> tuple[ResultLine, ...]:
    """`device` is type and number, `facts` what the snapshot tells of the system. What is not known stays empty."""
    left = _settings(facts, "1") + _times(data) + _mass(data, "1") + _errors(data, ("1", "2"))
    right = _settings(facts, "2") + _heat(data) + _mass(data, "2") + _errors(data, ("3", "4"))
    first = ResultLine(ResultItem("Тип прибора", "", Cell(device[0])), ResultItem("Номер прибора", "", Cell(device[1])))
    second = ResultLine(
        ResultItem("Тип системы", "", Cell(str(facts.get("Type") or ""))),
        ResultItem("Разность температур мин, град.С", "dTmin", _fact(facts, "dTmin1")),
    )
    return first, second, *(ResultLine(*pair) for pair in zip(left, right, strict=True))


def _settings(facts: Values, pipe: str) -> list[ResultItem]:
    return [
        ResultItem("Диаметр, мм", f"Ду{pipe}", _fact(facts, f"Du{pipe}")),
        ResultItem("Минимальный расход, м³/ч", f"Gmin{pipe}", _fact(facts, f"Gmin{pipe}")),
        ResultItem("Максимальный расход, м³/ч", f"Gmax{pipe}", _fact(facts, f"Gmax{pipe}")),
        ResultItem("Импульсн. коэфф., л/имп.", f"Kv{pipe}", _fact(facts, f"Kv{pipe}")),
        ResultItem("Частота, Гц", f"Fmax{pipe}", _fact(facts, f"Fmax{pipe}")),
    ]


def _times(data: Rows) -> list[ResultItem]:
    return [
        ResultItem("Общее время работы системы, ч", "Tобщ", _grown(data, "Tall")),
        ResultItem("Интегр. времени нач.пер, ч", "Tнар.н.п", _at_begin(data, "Tgood")),
        ResultItem("Интегр. времени кон.пер, ч", "Tнар.к.п", _at_end(data, "Tgood")),
        ResultItem("Наработка за пер., ч", "Tнар", _grown(data, "Tgood")),
    ]


def _heat(data: Rows) -> list[ResultItem]:
    return [
        ResultItem("Время работы в ошибке, ч", "Tошиб", shortened(_faulty_hours(data))),
        ResultItem("Энергия за период, Гкал", "Q", _grown(data, "Q1")),
        ResultItem("Интегр. энергии нач.пер, Гкал", "Q.н.п", _at_begin(data, "Q1")),
        ResultItem("Интегр. энергии кон.пер, Гкал", "Q.к.п", _at_end(data, "Q1")),
    ]


def _mass(data: Rows, pipe: str) -> list[ResultItem]:
    key = f"M{pipe}"
    return [
        ResultItem("Интегр. расхода за период, тонн", key, _grown(data, key)),
        ResultItem("Интегр. расхода нач.пер, тонн", f"{key}.н.п", _at_begin(data, key)),
        ResultItem("Интегр. расхода кон.пер, тонн", f"{key}.к.п", _at_end(data, key)),
    ]


_ERRORS = {
    "1": ("dTGmin", "Tmin", "расход меньше Gmin"),
    "2": ("dTGmax", "Tmax", "расход больше Gmax"),
    "3": ("dTdt", "Tdt", "dT меньше dTmin"),
    "4": ("dTerr", "Terr", "тех. неисправность"),
}


def _errors(data: Rows, numbers: tuple[str, ...]) -> list[ResultItem]:
    told = ((number, *_ERRORS[number]) for number in numbers)
    return [
        ResultItem(f"Время работы в ошибке {number}, ч ({text})", sign, _grown(data, counter))
        for number, sign, counter, text in told
    ]


def _fact(facts: Values, key: str) -> Cell:
    value = facts.get(key)
    text = value_text(key, value)
    return Cell(text, float(value) if isinstance(value, int | float) else None, 2 if "." in text else 0)


def _grown(data: Rows, key: str) -> Cell:
    return shortened(summed(amount(key))(data.rows))


def _at_begin(data: Rows, key: str) -> Cell:
    return shortened(_number(data.before.get(key)))


def _at_end(data: Rows, key: str) -> Cell:
    known = (number for row in reversed(data.rows) if (number := _number(row.values.get(key))) is not None)
    return shortened(next(known, None))


def _faulty_hours(data: Rows) -> float | None:
    """Of the time of which both are known."""
    hours = summed(faulty_hours)(data.rows)
    return None if hours is None else round(hours, 6)


def _number(value: Value) -> float | None:
    return float(value) if isinstance(value, int | float) else None

"""Columns of a statement: what stands in a row, how it is written, what its total is (manual 9; formats guide 8)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from engine.formats.values import value_text
from engine.model import Value
from engine.report.rows import COUNTERS, Row

UNUSED = "---"
"""The half of dM that a row does not use, as the manual prints it."""


class Cell(NamedTuple):
    """`number` is what a spreadsheet gets, shown with `places` decimals; None where there is none."""

    text: str
    number: float | None = None
    places: int = 0


class Column(NamedTuple):
    """`group` stands above neighbouring columns. `total` makes a number of all rows, None where there is none.

    `width` is the least in mm in which the field's usual numbers are printed in full size.
    """

    key: str
    group: str
    title: str
    value: Callable[[Row], Value]
    write: Callable[[Value], Cell]
    total: Callable[[Sequence[Row]], Value]
    width: float = 16.0


def standard(rows: Iterable[Row], *, is_open: bool, otherwise: Iterable[str] = ()) -> tuple[Column, ...]:
    """The manual's columns (figure 9.2) as far as the system has such channels. Volumes stand in for masses.

    `otherwise` are its channels when no row has any data.
    """
    there = _channels(rows) or set(otherwise)
    keys: list[str] = [*_if("Q1" in there, "Q")]
    if is_open and {"Q1", "M1", "M2", "T1", "T2"} <= there:
        keys += ["Qот", "Qгвс"]
    flows = ("M1", "M2") if there & {"M1", "M2"} else ("V1", "V2")
    keys += [f"d{key}" for key in flows if key in there]
    keys += _if({"M1", "M2"} <= there, "dM+", "dM-")
    keys += [key for key in ("T1", "T2", "T3") if key in there]
    keys += _if({"T1", "T2"} <= there, "dT")
    keys += [key for key in ("P1", "P2", "P3") if key in there]
    keys += _if("Tgood" in there, "dTgood")
    return tuple(_column(key) for key in keys)


def chosen(fields: Iterable[str]) -> tuple[Column, ...]:
    """The user's own list («Мои отчеты»): names as in the archive, `dX` the amount, `X` the running total."""
    keys: list[str] = []
    for field in fields:
        if field != "DateTime":
            keys += ["dM+", "dM-"] if field == "dM" else [field]
    return tuple(_column(key) for key in keys)


def amount(key: str) -> Callable[[Row], float | None]:
    """The growth of a counter in a row."""
    return lambda row: row.amounts.get(key)


def own(key: str) -> Callable[[Row], Value]:
    """What the closing record itself says."""
    return lambda row: row.values.get(key)


def number_of(key: str) -> Callable[[Row], float | None]:
    def number(row: Row) -> float | None:
        value = row.values.get(key)
        return float(value) if isinstance(value, int | float) else None

    return number


def mass_difference(row: Row) -> float | None:
    """dM = M1 - M2 in t."""
    return _minus(*row.together("M1", "M2"))


def temperature_difference(row: Row) -> float | None:
    """dT = T1 - T2 in °C."""
    return _minus(number_of("T1")(row), number_of("T2")(row))


def hot_water_heat(row: Row) -> float | None:
    """Qгвс = (M1 - M2)·(T1 - T2)/1000 in Gcal: what leaves the open system with its water."""
    return _heat_of(mass_difference(row), row)


def heating_heat(row: Row) -> float | None:
    """Qот = Q - Qгвс in Gcal."""
    heat, *masses = row.together("Q1", "M1", "M2")
    return _minus(heat, _heat_of(_minus(*masses), row))


def faulty_hours(row: Row) -> float | None:
    """Tall - Tgood: all hours without those that count as good."""
    return _minus(*row.together("Tall", "Tgood"))


def counter_title(key: str) -> str:
    """How a counter is called where amounts are printed."""
    return {"Q1": "Q", **_TIME_TITLES}.get(key, key)


def summed(value: Callable[[Row], float | None]) -> Callable[[Sequence[Row]], float | None]:
    """The sum of what is known, before any rounding; None when nothing is."""

    def total(rows: Sequence[Row]) -> float | None:
        known = [number for row in rows if (number := value(row)) is not None]
        return sum(known) if known else None

    return total


def mean(key: str, weight: str = "") -> Callable[[Sequence[Row]], float | None]:
    """The mean weighted by the mass that flowed; the plain one where none did, or none is measured."""

    def total(rows: Sequence[Row]) -> float | None:
        known = [(number, row.amounts.get(weight)) for row in rows if (number := number_of(key)(row)) is not None]
        pairs = [(number, mass) for number, mass in known if mass is not None and mass > 0]
        if pairs:
            return sum(number * mass for number, mass in pairs) / sum(mass for _, mass in pairs)
        return sum(number for number, _ in known) / len(known) if known else None

    return total


def three(value: Value) -> Cell:
    return _cell(value, "Q1", 3)


def two(value: Value) -> Cell:
    return _cell(value, "T1", 2)


def shortened(value: Value) -> Cell:
    """Two decimals, zeros at the end dropped: the manual prints 100.2, 6369 and 0."""
    cell = two(value)
    return cell._replace(text=cell.text.rstrip("0").rstrip(".")) if "." in cell.text else cell


def _heat_part(value: Value) -> Cell:
    """The manual prints 3.91 and 0.000 in one column."""
    return two(value) if value else three(value)


def _cell(value: Value, like: str, places: int) -> Cell:
    if not isinstance(value, int | float):
        return Cell("" if value is None else str(value))
    return Cell(value_text(like, float(value)), float(value), places)


def _plain(value: Value) -> Cell:
    return Cell(value_text("", value))


def _half(sign: int) -> Callable[[Row], Value]:
    """One half of dM: its number, `---` in the half that is not used. No difference belongs to the minus."""

    def half(row: Row) -> Value:
        difference = mass_difference(row)
        if difference is None:
            return None
        return abs(difference) if (difference > 0) == (sign > 0) else UNUSED

    return half


def _half_total(sign: int) -> Callable[[Sequence[Row]], Value]:
    def total(rows: Sequence[Row]) -> Value:
        known = [number for row in rows if (number := mass_difference(row)) is not None]
        return sum((abs(number) for number in known if number * sign > 0), 0.0) if known else None

    return total


def _nothing(_rows: Sequence[Row]) -> Value:
    return None


def _latest(key: str) -> Callable[[Sequence[Row]], Value]:
    return lambda rows: next((row.values[key] for row in reversed(rows) if row.values.get(key) is not None), None)


def _mean_difference(rows: Sequence[Row]) -> Value:
    return _minus(mean("T1", "M1")(rows), mean("T2", "M2")(rows))


def _heat_of(mass: float | None, row: Row) -> float | None:
    degrees = temperature_difference(row)
    return None if mass is None or degrees is None else mass * degrees / 1000


def _minus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else round(one - other, 9)


def _if(condition: bool, *keys: str) -> list[str]:
    return list(keys) if condition else []


def _channels(rows: Iterable[Row]) -> set[str]:
    return {key for row in rows for key, value in row.values.items() if value is not None}


_GROUPS = {
    "Q": "Энергия, Гкал", "M": "Масса, тонн", "V": "Объем, м³", "T": "Температура, град. С", "P": "Давление, МПа",
}  # fmt: skip
_TIMES = ("Tall", "Tgood", "Tmin", "Tmax", "Tdt", "Terr")
_TIME_TITLES = {"Tgood": "Tнар", "Tall": "Tобщ", "Tmin": "TGmin", "Tmax": "TGmax"}
_DERIVED: dict[str, Column] = {
    column.key: column
    for column in (
        Column("Q", _GROUPS["Q"], "Q", amount("Q1"), three, summed(amount("Q1"))),
        Column("Qот", _GROUPS["Q"], "Qот", heating_heat, _heat_part, summed(heating_heat), 15.0),
        Column("Qгвс", _GROUPS["Q"], "Qгвс", hot_water_heat, _heat_part, summed(hot_water_heat), 15.0),
        Column("dM+", "dM, тонн", "+", _half(1), shortened, _half_total(1)),
        Column("dM-", "dM, тонн", "−", _half(-1), shortened, _half_total(-1)),
        Column("dT", _GROUPS["T"], "dT", temperature_difference, two, _mean_difference, 11.5),
        Column("T1", _GROUPS["T"], "T1", own("T1"), two, mean("T1", "M1"), 11.5),
        Column("T2", _GROUPS["T"], "T2", own("T2"), two, mean("T2", "M2"), 11.5),
    )
}


def _column(key: str) -> Column:
    if key in _DERIVED:
        return _DERIVED[key]
    counter = key.removeprefix("d")
    if counter in COUNTERS:
        return _counter(counter, of_total=key == counter)
    if key[0] in "TP":
        return Column(key, _GROUPS[key[0]], key, own(key), two, mean(key), 11.5 if key[0] == "T" else 10.5)
    return Column(key, "Состояние", key, own(key), _plain, _nothing)


def _counter(key: str, *, of_total: bool) -> Column:
    title = _TIME_TITLES.get(key, key)
    group = "Наработка, ч" if key in _TIMES else _GROUPS[key[0]]
    write = two if key in _TIMES else three
    if of_total:
        return Column(key, f"Интегр. {group[0].lower()}{group[1:]}", title, own(key), write, _latest(key), 20.5)
    width = 20.5 if key[0] in "MV" else 16.0
    return Column(f"d{key}", group, title, amount(key), write, summed(amount(key)), width)

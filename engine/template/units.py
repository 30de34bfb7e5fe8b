"""Units of meters and how they become those of the files: Q in Gcal, M in t, V in m³, G in t/h, T in °C, P in MPa.

Factors are exact by definition: 1 cal = 4.1868 J (so 1 Gcal = 1.163 MWh), 1 kgf/cm² = 98066.5 Pa,
1 atm = 101325 Pa, 0 °C = 273.15 K. The millimetre of mercury is the conventional one, 133.322 Pa.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unit:
    """A value in the files' unit is `number * factor + shift`."""

    factor: float
    shift: float = 0.0


FILE_UNIT = Unit(1.0)

_ENERGY = {
    "Gcal": 1.0, "Mcal": 1e-3, "kcal": 1e-6, "GWh": 1000 / 1.163, "MWh": 1 / 1.163, "kWh": 1e-3 / 1.163,
    "Wh": 1e-6 / 1.163, "TJ": 1000 / 4.1868, "GJ": 1 / 4.1868, "MJ": 1e-3 / 4.1868, "kJ": 1e-6 / 4.1868,
    "Гкал": 1.0, "Мкал": 1e-3, "ккал": 1e-6, "ГВтч": 1000 / 1.163, "МВтч": 1 / 1.163, "кВтч": 1e-3 / 1.163,
    "Втч": 1e-6 / 1.163, "ГДж": 1 / 4.1868, "МДж": 1e-3 / 4.1868, "кДж": 1e-6 / 4.1868,
}  # fmt: skip
_MASS = {"t": 1.0, "kg": 1e-3, "т": 1.0, "кг": 1e-3}
_VOLUME = {"m3": 1.0, "l": 1e-3, "ml": 1e-6, "dm3": 1e-3, "м3": 1.0, "л": 1e-3, "дм3": 1e-3}
_MASS_FLOW = {
    "t/h": 1.0, "kg/h": 1e-3, "kg/min": 0.06, "kg/s": 3.6, "t/s": 3600.0,
    "т/ч": 1.0, "кг/ч": 1e-3, "кг/мин": 0.06, "кг/с": 3.6, "т/с": 3600.0,
}  # fmt: skip
_VOLUME_FLOW = {
    "m3/h": 1.0, "m3/min": 60.0, "m3/s": 3600.0, "l/h": 1e-3, "l/min": 0.06, "l/s": 3.6,
    "м3/ч": 1.0, "м3/мин": 60.0, "м3/с": 3600.0, "л/ч": 1e-3, "л/мин": 0.06, "л/с": 3.6,
}  # fmt: skip
_PRESSURE = {
    "MPa": 1.0, "kPa": 1e-3, "Pa": 1e-6, "bar": 0.1, "mbar": 1e-4, "kgf/cm2": 0.0980665, "at": 0.0980665,
    "atm": 0.101325, "psi": 0.00689475729316836, "mmHg": 1.33322e-4,
    "МПа": 1.0, "кПа": 1e-3, "Па": 1e-6, "бар": 0.1, "мбар": 1e-4, "кгс/см2": 0.0980665, "ат": 0.0980665,
    "атм": 0.101325,
}  # fmt: skip
_TIME = {
    "h": 1.0, "min": 1 / 60, "s": 1 / 3600, "d": 24.0, "ч": 1.0, "мин": 1 / 60, "с": 1 / 3600, "сут": 24.0,
}  # fmt: skip
_TEMPERATURE = {
    **dict.fromkeys(("°C", "C", "°С", "С"), FILE_UNIT),
    **dict.fromkeys(("K", "К"), Unit(1.0, -273.15)),
    **dict.fromkeys(("°F", "F"), Unit(5 / 9, -32 * 5 / 9)),
}
_DIFFERENCE = {
    **dict.fromkeys(("°C", "C", "°С", "С", "K", "К"), FILE_UNIT), **dict.fromkeys(("°F", "F"), Unit(5 / 9)),
}  # fmt: skip


_FOLDING: dict[int, str | None] = {
    ord("³"): "3", ord("²"): "2", ord("·"): None, ord("*"): None, ord("^"): None, ord("⋅"): None,
}  # fmt: skip


def _fold(name: str) -> str:
    """Case, raised digits and the sign between W and h do not count: `кВт·ч` is `КВтч`."""
    return name.casefold().translate(_FOLDING)


def _table(units: dict[str, float] | dict[str, Unit]) -> dict[str, Unit]:
    return {_fold(name): unit if isinstance(unit, Unit) else Unit(unit) for name, unit in units.items()}


KINDS: dict[str, dict[str, Unit]] = {
    "energy": _table(_ENERGY),
    "mass": _table(_MASS),
    "volume": _table(_VOLUME),
    "mass flow": _table(_MASS_FLOW),
    "volume flow": _table(_VOLUME_FLOW),
    "pressure": _table(_PRESSURE),
    "time": _table(_TIME),
    "temperature": _table(_TEMPERATURE),
    "difference": _table(_DIFFERENCE),
}
"""Units by the kind of quantity, each under its name as `find` folds it."""

LATIN: dict[str, tuple[str, ...]] = {
    "energy": ("Gcal", "Mcal", "kcal", "GWh", "MWh", "kWh", "Wh", "TJ", "GJ", "MJ", "kJ"),
    "mass": ("t", "kg"),
    "volume": ("m3", "l", "ml"),
    "mass flow": ("t/h", "kg/h", "kg/min", "kg/s", "t/s"),
    "volume flow": ("m3/h", "m3/min", "m3/s", "l/h", "l/min", "l/s"),
    "pressure": ("MPa", "kPa", "Pa", "bar", "mbar", "kgf/cm2", "atm", "psi", "mmHg"),
    "time": ("h", "min", "s", "d"),
    "temperature": ("°C", "K", "°F"),
    "difference": ("°C", "K", "°F"),
}
"""One spelling of each unit, as it is told to a user."""


def find(kind: str, name: str) -> Unit | None:
    """The unit of this name among those of one kind of quantity; Latin and Russian spellings, None if there is none."""
    return KINDS[kind].get(_fold(name))

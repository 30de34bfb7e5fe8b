from __future__ import annotations

import pytest

from engine.template import units


@pytest.mark.parametrize("kind", sorted(units.KINDS))
def test_the_unit_of_the_files_changes_nothing(kind: str) -> None:
    first = {"temperature": "°C", "difference": "°C", "time": "h"}.get(kind, units.LATIN[kind][0])
    assert units.find(kind, first) == units.FILE_UNIT


@pytest.mark.parametrize(
    ("kind", "latin", "russian"),
    [
        ("energy", "MWh", "МВт·ч"), ("energy", "kWh", "кВт*ч"), ("energy", "GJ", "ГДж"), ("mass", "kg", "кг"),
        ("volume", "m3", "м³"), ("volume flow", "l/s", "л/с"), ("mass flow", "t/h", "т/ч"), ("pressure", "bar", "бар"),
        ("pressure", "kgf/cm2", "кгс/см²"), ("time", "min", "мин"), ("temperature", "°C", "°С"),
        ("temperature", "K", "к"),
    ],
)  # fmt: skip
def test_a_unit_may_be_named_in_russian(kind: str, latin: str, russian: str) -> None:
    assert units.find(kind, russian) == units.find(kind, latin) is not None


def test_every_unit_that_a_user_is_told_exists() -> None:
    for kind, names in units.LATIN.items():
        assert all(units.find(kind, name) for name in names)


def test_a_unit_of_another_quantity_is_none() -> None:
    assert units.find("energy", "m3") is None
    assert units.find("volume", "") is None


def test_units_of_heat_agree_with_one_another() -> None:
    def gcal(name: str) -> float:
        unit = units.find("energy", name)
        assert unit is not None
        return unit.factor

    assert gcal("MWh") == pytest.approx(3.6 * gcal("GJ"), rel=1e-12)
    assert gcal("kWh") == pytest.approx(860 / 1e6, rel=3e-4)
    assert gcal("kJ") * 4186.8 == pytest.approx(gcal("Mcal"), rel=1e-12)

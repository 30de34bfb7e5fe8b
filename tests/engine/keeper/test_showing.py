"""What a snapshot adds to a reading: whose values they are, and the manual's formula of a system."""

from __future__ import annotations

import pytest

from engine.dialogue import Identity
from engine.keeper.showing import snapshot_view
from engine.model import Reading, Values
from engine.settings import parse_device

SETTINGS, _ = parse_device("log/User/devices/a.ini", "[device]\nPort=ttyS0\n")


def shown(system: Values) -> Values:
    identity = Identity("TEM-106", "ТЕМ-106/1", "440020", None)
    view = snapshot_view(SETTINGS, identity, Reading("440020", None, {}, (system,)), "440020", None)
    return view.systems[0]


@pytest.mark.parametrize(
    ("type_", "formula"),
    [
        ("ГВС с циркуляцией", "Q = M1(h1 - h3) - M2(h2 - h3)"),
        ("Обратка", "Q = M(h1 - h2)"),
        ("Подача + расходомер", "Q = M1(h1 - h2)"),
    ],
)
def test_the_formula_is_the_manuals(type_: str, formula: str) -> None:
    assert shown({"Type": type_})["Formula"] == formula


@pytest.mark.parametrize("type_", ["Подача", "Температура", None])
def test_a_formula_that_the_manual_does_not_show_is_not_guessed(type_: str | None) -> None:
    assert "Formula" not in shown({"Type": type_})


def test_a_formula_of_the_meter_itself_stands() -> None:
    assert shown({"Type": "Обратка", "Formula": "Q = M1(h1 - h2)"})["Formula"] == "Q = M1(h1 - h2)"

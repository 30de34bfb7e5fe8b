"""The templates that come with the agent."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.modbus import plan
from engine.config.shipped import Shipped
from engine.settings import read_file
from engine.template.modbus_map import Template

PROJECT = Path(__file__).parents[2]
PATHS = sorted((PROJECT / "etc/templates").glob("*.ini"))


def load(path: Path) -> Template:
    template, warnings = read_file(f"etc/templates/{path.name}", path.read_bytes())
    assert isinstance(template, Template) and not warnings
    return template


def test_there_are_templates_and_none_has_a_problem() -> None:
    assert len(PATHS) >= 6
    assert Shipped(PROJECT / "etc").problems() == []


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_template_says_whose_registers_it_tells_and_where_they_are_published(path: Path) -> None:
    template = load(path)
    assert template.name and template.model and len(template.source) > 20
    assert Shipped(PROJECT / "etc").find(path.stem.upper()) == template


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_template_is_proved_by_an_exchange(path: Path) -> None:
    assert (PROJECT / "tests/captures/modbus" / path.stem / "exchange.txt").exists()


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_template_takes_few_requests(path: Path) -> None:
    assert len(plan(load(path))) <= 4

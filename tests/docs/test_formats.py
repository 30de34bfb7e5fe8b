"""The tables of keys and commands in the guides are those of the program."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

PROJECT = Path(__file__).resolve().parents[2]


def _tables() -> ModuleType:
    spec = importlib.util.spec_from_file_location("key_tables", PROJECT / "scripts/key_tables.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["formats.md", "guide.ru.md"])
def test_the_tables_of_keys_are_those_of_the_program(name: str) -> None:
    tables, path = _tables(), PROJECT / "docs" / name
    text = path.read_text("utf-8")
    assert tables.renewed(text, tables.GUIDES[path]) == text, "run scripts/key_tables.py"
    assert "| `PollInterval` | 60 |" in text
    assert all(f"<!-- end of keys of {kind} -->" in text for kind in tables.keys.KEYS)


def test_the_table_of_commands_is_that_of_the_program() -> None:
    assert f"<!-- commands -->\n{_tables().command_table()}\n" in (PROJECT / "docs/guide.ru.md").read_text("utf-8")

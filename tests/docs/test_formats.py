"""The guide's tables of keys are those of the program."""

from __future__ import annotations

import importlib.util
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def test_the_tables_of_keys_are_those_of_the_program() -> None:
    spec = importlib.util.spec_from_file_location("key_tables", PROJECT / "scripts/key_tables.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = (PROJECT / "docs/formats.md").read_text("utf-8")
    assert module.renewed(text) == text, "run scripts/key_tables.py"
    assert "| `PollInterval` | 60 |" in text

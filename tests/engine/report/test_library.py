from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from engine.model import RecType
from engine.report.child import CODE
from engine.report.letter import Ask, ask_text, read_answer
from engine.report.plan import Device
from tests.fake.faulty_clock import FaultyClock
from tests.fake.statement_data import store

ORDER = (RecType.DAY, date(2020, 7, 28), date(2020, 8, 27))
LOADED = """
import sys
from engine.report import making
assert not {"fpdf", "xlsxwriter", "fontTools"} & set(sys.modules), "nothing is drawn yet"
from engine.report import pages, sheet
assert {"fpdf", "xlsxwriter"} <= set(sys.modules)
print({"PIL", "asyncio", "cryptography", "endesive", "numpy", "uharfbuzz"} & set(sys.modules) or "")
"""
AFTERWARDS = """
import sys
import unittest.mock as before
import engine.report.library
assert sys.modules["unittest.mock"] is before, "what was there before is there again"
import fontTools.varLib.instancer as instancer
assert instancer.instantiateVariableFont
import PIL.Image
"""


def run(root: Path, clock: FaultyClock, seed: int) -> list[bytes]:
    """PDF and .xlsx of one order, made by a process of its own."""
    ask = Ask(str(root), (Device("440020", "Москва"),), date(2020, 8, 28), 31, *ORDER)
    environment = {**clock.environment(), "PYTHONHASHSEED": str(seed)}
    done = subprocess.run(
        [sys.executable, "-m", "engine.report"],
        cwd=CODE, env=environment, input=ask_text(ask).encode(), capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    [made] = read_answer(done.stdout.decode()).made
    return [(root / made).read_bytes(), (root / made).with_suffix(".xlsx").read_bytes()]


def test_two_processes_on_different_days_make_the_same_bytes(tmp_path: Path) -> None:
    made = []
    for seed, shown in enumerate((datetime(2020, 8, 28, 4, tzinfo=UTC), datetime(2027, 1, 3, 23, 59, tzinfo=UTC))):
        root = tmp_path / str(seed)
        store(root, 69)
        made.append(run(root, FaultyClock(tmp_path / "clock", shown), seed))
    assert made[0] == made[1]


@pytest.mark.parametrize("told", [LOADED, AFTERWARDS])
def test_what_statements_never_use_is_not_loaded_and_can_be_loaded_afterwards(told: str) -> None:
    """What the library would load besides takes a third of the time of a statement."""
    done = subprocess.run([sys.executable, "-c", told], cwd=CODE, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, b"", b"")

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

from engine.model import RecType
from engine.report.child import CODE
from engine.report.letter import Ask, ask_text, read_answer
from engine.report.plan import Device
from tests.fake.statement_data import store

MEMORY_LIMIT_KIB = 120 * 1024
MEASURED = """
import resource, subprocess, sys
subprocess.run([sys.argv[1], "-m", "engine.report"], check=True)
sys.stderr.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
"""
"""A small process in between: what a child is told to have needed begins with what its parent had."""


def test_a_year_of_hours_needs_no_more_memory_than_it_may(tmp_path: Path) -> None:
    store(tmp_path, 366 * 24, datetime(2020, 1, 1), RecType.HOUR)
    ask = Ask(str(tmp_path), (Device("440020"),), date(2021, 1, 2), 31, RecType.HOUR, date(2020, 1, 1),
              date(2020, 12, 31))  # fmt: skip
    told = [sys.executable, "-c", MEASURED, sys.executable]
    done = subprocess.run(told, cwd=CODE, input=ask_text(ask).encode(), capture_output=True, check=True, timeout=300)
    assert len(read_answer(done.stdout.decode()).made) == 1
    assert int(done.stderr) < MEMORY_LIMIT_KIB


def test_the_agent_itself_never_loads_the_libraries_of_reports() -> None:
    told = "import agent, sys; sys.exit(bool({'fpdf', 'xlsxwriter', 'PIL', 'fontTools'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", told], cwd=CODE, check=False, timeout=60).returncode == 0

from __future__ import annotations

import os
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


def test_a_year_of_hours_needs_no_more_memory_than_it_may(tmp_path: Path) -> None:
    store(tmp_path, 366 * 24, datetime(2020, 1, 1), RecType.HOUR)
    ask = Ask(str(tmp_path), (Device("440020"),), date(2021, 1, 2), 31, RecType.HOUR, date(2020, 1, 1),
              date(2020, 12, 31))  # fmt: skip
    with (tmp_path / "answer").open("w+b") as answer:
        process = subprocess.Popen(
            [sys.executable, "-m", "engine.report"], cwd=CODE, stdin=subprocess.PIPE, stdout=answer
        )
        assert process.stdin is not None
        process.stdin.write(ask_text(ask).encode())
        process.stdin.close()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        answer.seek(0)
        made = read_answer(answer.read().decode()).made
    assert process.returncode == 0 and len(made) == 1
    assert used.ru_maxrss < MEMORY_LIMIT_KIB


def test_the_agent_itself_never_loads_the_libraries_of_reports() -> None:
    told = "import agent, sys; sys.exit(bool({'fpdf', 'xlsxwriter', 'PIL', 'fontTools'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", told], cwd=CODE, check=False, timeout=60).returncode == 0

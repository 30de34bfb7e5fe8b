"""What a statement costs: the whole process that makes it, from its start to its end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from statistics import median
from typing import NamedTuple

from engine.model import RecType
from engine.report.child import CODE
from engine.report.letter import Ask, ask_text
from engine.report.plan import Device
from tests.fake.statement_data import store

RUNS = 7


class Cost(NamedTuple):
    cpu_s: float
    peak_mib: float


def statements(root: Path) -> Iterable[tuple[str, str]]:
    """A month of days, which every device gets each night, and the longest report of hours."""
    store(root, 69)
    days = Ask(str(root), (Device("440020"),), date(2020, 8, 28), 31, RecType.DAY, date(2020, 7, 28), date(2020, 8, 27))
    found = [_cost(days) for _ in range(RUNS + 1)][1:]
    cpu = sorted(cost.cpu_s for cost in found)
    told = f"{median(cpu):.2f} s ({cpu[0]:.2f} to {cpu[-1]:.2f}), peak {max(cost.peak_mib for cost in found):.0f} MiB"
    yield f"statement of 31 days with graphs, PDF and .xlsx, the whole process: CPU, median of {RUNS}", told
    store(root, 366 * 24, datetime(2020, 1, 1), RecType.HOUR)
    year = days._replace(kind=RecType.HOUR, first=date(2020, 1, 1), last=date(2020, 12, 31))
    cost = _cost(year)
    yield "statement of a year of hours (8784 rows): CPU, peak memory", f"{cost.cpu_s:.1f} s, {cost.peak_mib:.0f} MiB"


def _cost(ask: Ask) -> Cost:
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.report"], cwd=CODE, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    assert process.stdin is not None
    process.stdin.write(ask_text(ask).encode())
    process.stdin.close()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"engine.report: {process.returncode}")
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)

"""`agent.py read-drops` in a process of its own: how much memory it needs for few drops and for very many."""

from __future__ import annotations

import csv
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from engine.formats.archive import Head, record_text
from engine.formats.drop import DropInfo, drop_ini, pack, records_text
from engine.model import Record, RecType
from engine.naming import drop_name

PROJECT = Path(__file__).parents[3]
METERS, HOURS_EACH, SYSTEMS = 10, 4, 2
BEGIN = datetime(2000, 1, 1)
GROWTH_LIMIT_KB = 10_000
"""The cache of the database, which few drops do not fill: the same for thousands and for a hundred thousand."""

MEASURED = """
import re, sys
import agent
code = agent.main(sys.argv[1:])
print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
sys.exit(code)
"""


class Run(NamedTuple):
    """What a run told, needed at most, and took."""

    told: str
    peak_kb: int
    took_s: float


def make(folder: Path, drops: int) -> None:
    """Drops of four hours of one of ten meters each; every record is a new one."""
    folder.mkdir()
    for seq in range(1, drops + 1):
        number, first = str(440000 + seq % METERS), seq // METERS * HOURS_EACH
        info = DropInfo(1, seq, "linux", "01.01.26 00:00:00", "ymd", "utf-8")
        records = records_text(Head("ТЕМ-106/1", "ТЕМ-106/1", number, SYSTEMS), map(hour, range(first, first + 4)))
        members = [("drop.ini", [drop_ini(info).encode()]), (f"{number}_H.txt", [records.encode()])]
        (folder / drop_name(1, seq, "linux")).write_bytes(pack(members))


def hour(number: int) -> str:
    values = {"Q1": number * 1.0, "M1": number * 1.5, "V1": number * 1.6, "T1": 70.0, "Tall": float(number)}
    return record_text(1, Record(RecType.HOUR, BEGIN + timedelta(hours=number), (values,) * SYSTEMS))


def read(folder: Path, output: Path) -> Run:
    begun_s = time.monotonic()
    command = [sys.executable, "-c", MEASURED, "read-drops", str(folder), "-o", str(output)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (0, "")
    told, peak = done.stdout.splitlines()
    return Run(told, int(peak), time.monotonic() - begun_s)


def test_memory_does_not_grow_with_the_number_of_drops(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """3,000 of them, and with `--long` 100,000."""
    peaks = []
    for drops in (10, 100_000 if request.config.option.long else 3000):
        make(tmp_path / str(drops), drops)
        run = read(tmp_path / str(drops), tmp_path / "t.csv")
        print(f"\n{drops} drops: peak {run.peak_kb} kB, {run.took_s:.1f} s")
        rows = drops * HOURS_EACH * SYSTEMS
        assert run.told == f"посылок {drops}, строк {rows}, повторов 0, не прочитано 0"
        with (tmp_path / "t.csv").open(encoding="utf-8-sig", newline="") as file:
            assert sum(1 for _ in csv.reader(file)) == rows + 1
        peaks.append(run.peak_kb)
    assert peaks[1] - peaks[0] < GROWTH_LIMIT_KB

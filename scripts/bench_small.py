"""How soon it works, what it writes, and whether a long archive costs more than a short one."""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from engine import naming
from scripts.bench_agent import DAYS, LONG_S, METERS, meters
from tests.fake.agent_process import AGENT, AgentProcess, configure, eventually, run_agent, server_text
from tests.fake.debian_servers import vsftpd

RUNS = 5
WATCHED_S = 60.0
SECONDS_OF_DAY = 86400
USUAL_INTERVAL_S = 60
HOURS_OF_MONTH = 25 * 24
MONTHS = 12


def start(base: Path) -> Iterator[tuple[str, str]]:
    """From exec to the first reading in a snapshot, and what of it is the interpreter with its imports."""
    with meters(2, 2) as (_, devices):
        configure(base / "root", devices=devices)
        took = [_first_reading_s(base / "root") for _ in range(RUNS)]
    bare = [_seconds([sys.executable, "-c", "pass"]) for _ in range(RUNS)]
    imports = [_seconds([sys.executable, str(AGENT), "--help"]) for _ in range(RUNS)]
    yield f"start to first reading of ten meters, median of {RUNS}", _spread(took)
    yield "of it the interpreter alone", _spread(bare)
    yield "of it the interpreter and every import of the agent", _spread(imports)


def _first_reading_s(root: Path) -> float:
    shutil.rmtree(root / naming.SNAPSHOTS, ignore_errors=True)
    with AgentProcess(root) as agent:
        return eventually(lambda: any((root / naming.SNAPSHOTS).glob("44*.txt")), "a reading", agent)


def writes(base: Path) -> Iterator[tuple[str, str]]:
    """Bytes that reach the disk's cache for each reading, once everything is stored and nothing new comes."""
    with meters(24, 2) as (speakers, devices):
        configure(base / "root", devices=devices)
        with AgentProcess(base / "root") as agent:
            eventually(lambda: agent.status().count("архив полон") == METERS, "archives", agent, LONG_S)
            before = _written(agent.pid)
            begin_s = time.monotonic()
            time.sleep(WATCHED_S)
            spent_s = time.monotonic() - begin_s
            after = _written(agent.pid)
    del speakers
    readings = METERS * spent_s
    told, paged = (after[key] - before[key] for key in ("wchar", "write_bytes"))
    daily = told / readings * METERS * SECONDS_OF_DAY / USUAL_INTERVAL_S
    figure = f"{told / readings:.0f}, {paged / readings:.0f} in pages"
    yield "bytes written for one reading (ten meters, PollInterval=1)", figure
    yield "the same for a day of ten meters at PollInterval=60", f"{daily / 1e6:.1f} MB"


def _written(pid: int) -> Mapping[str, int]:
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return {key: int(value) for key, _, value in (line.partition(": ") for line in lines)}


def year(base: Path) -> Iterator[tuple[str, str]]:
    """A cycle with everything delivered and nothing new, and a statement, on archives of a month and of a year."""
    with meters(HOURS_OF_MONTH, DAYS) as (_, devices), vsftpd(base) as far:
        ftp = "[internal]\nEnabled=0\n" + server_text("server1", far.port, far.user, far.password)
        for name in ("month", "year"):
            configure(base / name, ftp="[internal]\nEnabled=0\n", devices=devices)
            _command_s(base / name, "once")
        _lengthen(base / "year")
        for name, number in (("month", 1), ("year", 2)):
            configure(base / name, agent={"Number": number}, ftp=ftp, devices=devices)
            _command_s(base / name, "once")
        took = _by_turns(base, "once")
        reports = _by_turns(base, "report", "440020", "H", "18.10.2026", "24.10.2026")
        sizes = {name: sum(path.stat().st_size for path in (base / name / "www").rglob("*.txt")) for name in took}
    for name, seconds in took.items():
        size = f"{sizes[name] / 1e6:.0f} MB"
        what = f"`once` on ten archives of a {name} ({size}), everything delivered, median of {RUNS}"
        yield what, _spread(seconds)
    yield "a year to a month", _ratio(took)
    for name, seconds in reports.items():
        what = f"statement of a week of hours on the archive of a {name}, the whole command, median of {RUNS}"
        yield what, _spread(seconds)
    yield "the statement: a year to a month", _ratio(reports)


def _by_turns(base: Path, *command: str) -> dict[str, list[float]]:
    """Seconds that the command took on either root."""
    took: dict[str, list[float]] = {"month": [], "year": []}
    for _ in range(RUNS):
        for name, seconds in took.items():
            seconds.append(_command_s(base / name, *command))
    return took


def _ratio(took: Mapping[str, list[float]]) -> str:
    return f"{statistics.median(took['year']) / statistics.median(took['month']):.2f}"


def _lengthen(root: Path) -> None:
    """Months before, made of the one that is there: the same records under other dates."""
    for path in list((root / "www").glob("*/H-2026-10.txt")):
        text = path.read_text(encoding="utf-8")
        for back in range(1, MONTHS):
            yyyy, mm = divmod(2026 * 12 + 9 - back, 12)
            moved = re.sub(r"(DateTime=\d\d)\.10\.26", rf"\1.{mm + 1:02}.{yyyy % 100:02}", text)
            path.with_name(f"H-{yyyy}-{mm + 1:02}.txt").write_text(moved, encoding="utf-8")


def _command_s(root: Path, *command: str) -> float:
    begin_s = time.monotonic()
    done = run_agent(root, *command, timeout_s=LONG_S)
    assert done.returncode == 0, done.stderr
    return time.monotonic() - begin_s


def _seconds(command: list[str]) -> float:
    begin_s = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""})
    return time.monotonic() - begin_s


def _spread(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"

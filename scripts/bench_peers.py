"""Other programs to measure beside: each in an environment of its own in `.bench/`, and the ratio to them."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from tests.fake.agent_process import PROJECT

OURS = "the agent"
RUNS = 5


def python_of(name: str, *packages: str) -> Path:
    """The interpreter of `.bench/<name>`, made with these packages when it is not there yet."""
    folder = PROJECT / ".bench" / name
    python, mark = folder / "bin/python", folder / "packages.txt"
    wanted = "\n".join(packages)
    if not mark.exists() or mark.read_text() != wanted:
        print(f"setting up {folder} with {', '.join(packages)}", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        quiet = ["--quiet", "--quiet", "--disable-pip-version-check"]
        subprocess.run([str(python), "-m", "pip", "install", *quiet, *packages], check=True)
        mark.write_text(wanted)
    return python


def by_turns(subjects: Mapping[str, Callable[[], float]], runs: int = RUNS) -> dict[str, list[float]]:
    """Each of them once, then each once more: what else the machine does meets all of them."""
    values: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(runs):
        for name, measure in subjects.items():
            values[name].append(measure())
    return values


def beside(what: str, values: Mapping[str, list[float]], unit: str, digits: int = 0) -> Iterator[tuple[str, str]]:
    """A line for each subject; behind a peer's stands how many times its figure the agent's is, turn by turn."""
    ours = values[OURS]
    for name, theirs in values.items():
        figure = spread(theirs, unit, digits)
        if name != OURS:
            ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
            figure += f"; the agent's to it: {spread(ratios, '', 3)}"
        yield f"{what}: {name}, median of {len(theirs)}", figure


def spread(values: list[float], unit: str, digits: int) -> str:
    """The median, and the least and the largest of them."""
    low, middle, high = min(values), statistics.median(values), max(values)
    unit = f" {unit}" if unit else ""
    return f"{middle:.{digits}f}{unit} ({low:.{digits}f} to {high:.{digits}f})"


def own_environment() -> dict[str, str]:
    """For a child that runs our own code."""
    return {**os.environ, "PYTHONPATH": str(PROJECT)}


def pss_mib(pid: int) -> float:
    """Memory of a process and all that it started, what they share divided among those that share it."""
    total = 0
    for each in _family(pid):
        text = Path(f"/proc/{each}/smaps_rollup").read_text()
        total += next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return total / 1024


def used_s(pid: int) -> float:
    """CPU time of a process and of all that it started and that are still there."""
    # The clock of another process, as <linux/posix-timers.h> numbers it: /proc counts in hundredths of a second.
    return sum(time.clock_gettime(~each << 3 | 2) for each in _family(pid))


def _family(pid: int) -> list[int]:
    """A process and its descendants, also those that began a session of their own."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(FileNotFoundError, ProcessLookupError):
                parents.setdefault(int(_fields(int(folder.name))[1]), []).append(int(folder.name))
    found = [pid]
    for each in found:
        found += parents.get(each, [])
    return found


def _fields(pid: int) -> list[str]:
    """Of `/proc/<pid>/stat` what stands behind the name: state, parent, …"""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()

"""Runs the measurements that are named (all without a name), prints a table and writes it into a file."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from scripts import bench_agent, bench_lend, bench_line, bench_report, bench_scale, bench_small  # noqa: E402

FIGURES: dict[str, Callable[[Path], Iterable[tuple[str, str]]]] = {
    "delivery": bench_agent.delivery,
    "reload": bench_agent.reload,
    "memory": bench_agent.memory,
    "report": bench_report.statements,
    "line": bench_line.catch_up,
    "scale": bench_scale.scale,
    "start": bench_small.start,
    "writes": bench_small.writes,
    "year": bench_small.year,
    "lend": bench_lend.transparent,
    "archive": bench_line.whole_archive,
}
LONG = ("archive",)
"""Takes twenty minutes: only when it is named."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="|".join(FIGURES))
    parser.add_argument("--into", type=Path, default=PROJECT / "bench.md", help="the file that gets the table")
    options = parser.parse_args()
    if unknown := set(options.names) - set(FIGURES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    lines = ["| command | what | figure |", "| --- | --- | --- |"]
    for name in options.names or [name for name in FIGURES if name not in LONG]:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            for what, figure in FIGURES[name](Path(folder)):
                lines.append(f"| `./scripts/bench {name}` | {what} | {figure} |")
                print(f"{what}: {figure}", flush=True)
    machine = f"{os.cpu_count()} cores {platform.machine()}, Linux {platform.release()}"
    text = "\n".join([*lines, "", f"{machine}, Python {platform.python_version()}, {datetime.now():%d.%m.%Y}.", ""])
    options.into.write_text(text, encoding="utf-8")
    print(f"\n{text}\nwritten into {options.into}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

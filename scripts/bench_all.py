"""Runs the measurements that are named (all without a name), prints a table and writes it into a file."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from scripts import (  # noqa: E402
    bench_agent,
    bench_fleet,
    bench_ftp,
    bench_idle,
    bench_lend,
    bench_line,
    bench_modbus,
    bench_report,
    bench_scale,
    bench_small,
    bench_upload,
)

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
    "modbus": bench_modbus.readings,
    "ftp": bench_ftp.servers,
    "upload": bench_upload.uploads,
    "idle": bench_idle.idle,
    "archive": bench_line.whole_archive,
    "fleet": bench_fleet.fleet,
}
LONG = ("archive", "fleet")
"""Take twenty minutes and ten: only when they are named."""
FAILURES = (OSError, AssertionError, RuntimeError, subprocess.SubprocessError)
"""What one measurement may end with, a peer that cannot be had among it; the others are made all the same."""


def main() -> int:
    options = _options()
    lines = ["| command | what | figure |", "| --- | --- | --- |"]
    failed = []
    for name in options.names or [name for name in FIGURES if name not in LONG]:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            try:
                for what, figure in FIGURES[name](Path(folder)):
                    lines.append(f"| `./scripts/bench {name}` | {what} | {figure} |")
                    print(f"{what}: {figure}", flush=True)
            except FAILURES as error:
                failed.append(name)
                print(f"{name} failed: {error}", file=sys.stderr, flush=True)
    machine = f"{os.cpu_count()} cores {platform.machine()}, Linux {platform.release()}"
    text = "\n".join([*lines, "", f"{machine}, Python {platform.python_version()}, {datetime.now():%d.%m.%Y}.", ""])
    options.into.write_text(text, encoding="utf-8")
    print(f"\n{text}\nwritten into {options.into}")
    if failed:
        print(f"not measured: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    known = "".join(f"  {name:10}{(measure.__doc__ or '').splitlines()[0]}\n" for name, measure in FIGURES.items())
    parser = argparse.ArgumentParser(
        prog="bench",
        description=__doc__,
        epilog=f"{known}\nWithout a name all but {', '.join(LONG)}: half an hour.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to measure")
    parser.add_argument("--into", type=Path, default=PROJECT / "bench.md", help="the file that gets the table")
    options = parser.parse_args()
    if unknown := set(options.names) - set(FIGURES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    sys.exit(main())

"""What the guide shows to those who receive drops works as it stands there."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from pathlib import Path

from engine.formats.archive import Head, head_text, record_text
from engine.formats.drop import DropInfo, drop_ini, pack, records_text
from engine.model import Record, RecType
from engine.naming import drop_name

PROJECT = Path(__file__).parents[2]
HEAD = Head("ТЕМ-104", "ТЕМ-104", "440020", 1)


def test_the_example_of_section_7_reads_a_drop_and_an_archive(tmp_path: Path) -> None:
    record = record_text(1, Record(RecType.HOUR, datetime(2026, 9, 25, 13), ({"Q1": 1.5, "Tall": 7.0},)))
    info = DropInfo(1, 1, "linux", "25.09.26 13:00:00", "ymd", "utf-8")
    members = {"drop.ini": drop_ini(info), "440020_H.txt": records_text(HEAD, [record])}
    files = {
        f"drops/{drop_name(1, 1, 'linux')}": pack([(name, [text.encode()]) for name, text in members.items()]),
        "www/440020/H-2026-09.txt": (head_text(HEAD) + record).encode(),
    }
    for path, data in files.items():
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_bytes(data)
    section = (PROJECT / "docs/formats.md").read_text("utf-8").partition("**Reading.**")[2].partition("## 8.")[0]
    example = section.partition("```python\n")[2].partition("```")[0] + "print(head.number, len(records))\n"
    command = [sys.executable, "-c", example]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(PROJECT)}, capture_output=True, encoding="utf-8", check=False
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "1 drops, 1 rows, 0 not read",
        "440020 H 2026-09-25 13:00:00 1.5",
        "0 1",
    ]
    assert len((tmp_path / "table.csv").read_text("utf-8-sig").splitlines()) == 2

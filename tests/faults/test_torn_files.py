"""The power fails in the middle of a record: what is torn is cut off, read again from the meter, and delivered once."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fake.kill_bench import Bench, bench

HOURS_WRITTEN = 3

CUTS = {
    "nothing of it": b"[",
    "the first byte": b"",
    "inside its number": b"]\n",
    "inside the type": b"ype=",
    "inside the stamp": b":00:00\n",
    "inside a key": b"1Q1=",
    "a key without a value": b"\nS1dQ1",
    "inside a value": b".",
    "all but the empty line": b"\n\n",
}
"""What the cut is made at: before the first such bytes behind the last record's begin, or, for newlines, at its end."""


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Three hours were stored after the ledger was kept that stands in `var/ledger before`; nothing is delivered."""
    with bench(tmp_path_factory.mktemp("past").resolve()) as built:
        built.configure(delivers=False)
        built.once()
        shutil.copy(built.ledger, built.root / "var/ledger before")
        built.write(HOURS_WRITTEN)
        built.once()
        built.check_archive()
        yield built


def last_record(path: Path) -> tuple[bytes, int]:
    """The file, and where its last record begins."""
    data = path.read_bytes()
    return data, data.rindex(b"\n[") + 1


def cut_at(data: bytes, begin: int, mark: bytes) -> int:
    if not mark:
        return begin + 1
    if mark.strip():
        return data.index(mark, begin) + (mark == b".")
    return len(data) - 3 + len(mark)


@pytest.mark.parametrize("ledger_is_old", [True, False], ids=["ledger not kept", "ledger kept"])
@pytest.mark.parametrize("where", CUTS)
def test_a_torn_record_is_read_again_and_delivered_once(past: Bench, where: str, ledger_is_old: bool) -> None:
    agent = past.copy(f"cut-{sorted(CUTS).index(where)}-{ledger_is_old:d}")
    data, begin = last_record(agent.newest_hours)
    length = cut_at(data, begin, CUTS[where])
    assert begin <= length < len(data)
    agent.newest_hours.write_bytes(data[:length])
    if ledger_is_old:
        shutil.copy(agent.root / "var/ledger before", agent.ledger)
    agent.configure()
    agent.once()
    assert agent.newest_hours.read_bytes() == data
    agent.check_archive()
    agent.check_delivered()


@pytest.mark.parametrize("zeros", [1, 5000])
@pytest.mark.parametrize("kept", [0, 1, 100])
def test_zeros_at_the_end_are_cut_off(past: Bench, kept: int, zeros: int) -> None:
    """What a file system makes of a length that reached the disk before the bytes did."""
    agent = past.copy(f"zeros-{kept}-{zeros}")
    data, begin = last_record(agent.newest_hours)
    agent.newest_hours.write_bytes(data[: begin + kept] + bytes(zeros))
    shutil.copy(agent.root / "var/ledger before", agent.ledger)
    agent.configure()
    agent.once()
    assert agent.newest_hours.read_bytes() == data
    agent.check_archive()
    agent.check_delivered()


def test_every_archive_may_be_torn_at_once(past: Bench) -> None:
    agent = past.copy("all-torn")
    for path in (agent.root / "www").glob("*/[HDM]*.txt"):
        path.write_bytes(path.read_bytes()[:-5])
    agent.configure()
    agent.once()
    agent.check_archive()
    agent.check_delivered()


@pytest.mark.parametrize("left", [b"", b"[0]\nDevName=", bytes(700)], ids=["empty", "half a head", "zeros"])
def test_a_file_of_which_nothing_is_left_is_read_again(past: Bench, left: bytes) -> None:
    agent = past.copy(f"head-{len(left)}")
    data = agent.newest_hours.read_bytes()
    agent.newest_hours.write_bytes(left)
    agent.configure()
    agent.once()
    assert agent.newest_hours.read_bytes() == data
    agent.check_delivered()


@pytest.mark.parametrize("left", [b"", bytes(3000), "[0]\nDevName=ТЕМ-1".encode(), b"\xff\xfe"])
def test_a_torn_snapshot_is_made_anew_and_never_sent(past: Bench, left: bytes) -> None:
    agent = past.copy(f"snapshot-{len(left)}")
    path = agent.root / "log/User/txt" / f"{agent.meter.number}.txt"
    path.write_bytes(left)
    agent.configure()
    agent.once()
    shown = path.read_text("utf-8")
    assert shown.startswith("[0]\nDevName=") and "\nErrText=" in shown
    assert all(drop.snapshots[path.name].startswith("[0]\nDevName=") for drop in agent.drops().values())


def test_what_a_crash_left_half_written_is_cleared_away(past: Bench) -> None:
    agent = past.copy("temporaries")
    folders = ("log/User", "log/User/devices", "log/User/txt", f"www/{agent.meter.number}", "var/meters", "var/good")
    for folder in folders:
        (agent.root / folder / ".x1y2z3.tmp").write_bytes(b"half")
    agent.configure()
    agent.once()
    assert [path for path in agent.root.rglob("*") if path.name.endswith(".tmp")] == []


@pytest.mark.parametrize("torn", [b"22.11.26 10:0", b"22.11.26 10:00:00 \xd0", bytes(40)], ids=["cut", "rune", "zeros"])
def test_a_torn_line_of_the_journal_does_not_grow_into_the_next(past: Bench, torn: bytes) -> None:
    agent = past.copy(f"journal-{len(torn)}")
    path = agent.root / "log/User/journal.txt"
    before = path.read_bytes()
    path.write_bytes(before + torn)
    agent.configure()
    agent.once()
    assert path.read_bytes().startswith(before)
    for line in path.read_text("utf-8").splitlines():
        assert re.match(r"\d\d\.\d\d\.\d\d \d\d:\d\d:\d\d \S", line), line

"""`etc/fleet/drops_to_table.py` on a Dask of its own: the same table as the single process makes."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path

import pytest

from engine.formats.drop import read_drop
from engine.naming import drop_name
from engine.read_drops import merge_drops
from engine.read_drops.rows import COLUMNS
from tests.fake.dask_cluster import cluster
from tests.fake.fleet_drops import make_fleet

PROJECT = Path(__file__).parents[3]
FLEET = PROJECT / "scripts/fleet"
SETUP_S, PATIENCE_S = 600, 180
AGENTS, DROPS = 25, 500


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter of the environment with Dask in it."""
    done = subprocess.run([str(FLEET)], capture_output=True, encoding="utf-8", timeout=SETUP_S, check=False)
    if done.returncode:
        pytest.skip(f"Dask cannot be had here: {done.stderr[-300:]}")
    return PROJECT / ".fleet/bin/python"


def table(python: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(python), str(PROJECT / "etc/fleet/drops_to_table.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=PATIENCE_S, check=False, cwd="/")


def rows_of(path: Path) -> list[tuple[str, ...]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file, delimiter=";")
    assert tuple(header) == COLUMNS
    return [tuple(row) for row in rows]


def lone(folder: Path) -> None:
    """Cases that stand alone: only the second variant, both damaged, other case of letters, a copy, no drop at all."""
    first = folder / "a/00001"
    whole = (first / drop_name(1, 1, "linux")).read_bytes()
    (folder / "a/00002/2_00000001_LINUX.ZIP").write_bytes(whole[:40])
    (folder / "a/00002/2_00000001_DOS.ZIP").write_bytes((first / drop_name(1, 2, "linux")).read_bytes())
    for variant in ("linux", "dos"):
        (first / drop_name(1, 900, variant)).write_bytes(whole[:50])
    (first / drop_name(1, 901, "dos")).write_bytes(whole)
    (folder / "mirror").mkdir()
    (folder / "mirror" / drop_name(1, 1, "linux")).write_bytes(whole)
    (first / "1_00000902_linux.zip.part").write_bytes(whole)
    (first / "notes.txt").write_text("no drop")


def test_the_table_is_that_of_one_process_row_for_row(
    python: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    made = make_fleet(tmp_path / "drops", AGENTS, DROPS)
    lone(tmp_path / "drops")
    single = merge_drops([tmp_path / "drops"], tmp_path / "single.csv")
    told_single = capfd.readouterr().err
    assert made.bad > 3 and (single.drops, single.rows) == (made.drops + 3, made.rows)
    cut_up = ("--format", "csv", "--workers", 2, "--batch", 60, "--part", 100)
    done = table(python, tmp_path / "drops", "-o", tmp_path / "table", *cut_up)
    summary = f"посылок {single.drops}, строк {single.rows}, повторов {single.doubles}, не прочитано {single.bad}\n"
    assert (done.returncode, done.stdout) == (1, summary)
    told = [line for line in done.stderr.splitlines() if "не прочитана" in line]
    assert sorted(told) == sorted(told_single.splitlines()) and len(told) == single.bad
    assert "Shuffle" not in done.stderr
    parts = [rows_of(path) for path in sorted((tmp_path / "table").glob("part-*.csv"))]
    assert len(parts) > 2 and all(parts)
    for part in parts:
        keys = [(dev_number, rec_type, stamp, system) for dev_number, _, rec_type, stamp, _, system, *_ in part]
        assert keys == sorted(keys)
    assert sorted(row for part in parts for row in part) == sorted(rows_of(tmp_path / "single.csv"))
    assert (tmp_path / "table/TABLE.txt").read_text(encoding="utf-8") == summary
    assert sorted(path.name for path in tmp_path.iterdir()) == ["drops", "single.csv", "table"]
    again = table(python, tmp_path / "drops", "-o", tmp_path / "table")
    assert (again.returncode, again.stdout) == (2, "")


def test_a_cluster_elsewhere_gets_the_program_and_makes_parquet(
    python: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Its workers know nothing of this project."""
    if not request.config.option.long:
        pytest.skip("12 s: only with --long")
    made = make_fleet(tmp_path / "drops", 10, 100)
    with cluster(python, tmp_path / "cluster", workers=2) as address:
        done = table(python, tmp_path / "drops", "-o", tmp_path / "table", "--scheduler", address)
    assert done.returncode == (1 if made.bad else 0), done.stderr
    counts = f"посылок {made.drops}, строк {made.rows}, повторов {made.doubles}, не прочитано {made.bad}\n"
    assert done.stdout == counts
    code = "import sys, pyarrow.parquet as p; t = p.read_table(sys.argv[1]); print(t.num_rows, *t.column_names)"
    parts = [str(path) for path in (tmp_path / "table").glob("*.parquet")]
    assert len(parts) == 1
    read = subprocess.run([python, "-c", code, *parts], capture_output=True, encoding="utf-8", check=True)
    assert read.stdout.split() == [str(made.rows), *COLUMNS]


CHOICE = """
import sys
sys.path.insert(0, sys.argv[1])
import pandas
from drops_to_table import Found, read_many, write_part
places = ("1;0000000001;b;0000000001", "0;0000000002;b;0000000001", "0;0000000001;b;0000000002")
lines = [("440001", "440001;H;1", place, place) for place in places]
print(write_part(pandas.DataFrame(lines, columns=["Device", "Identity", "Place", "Cells"]), 0, sys.argv[2], "csv"))
frame, told = read_many([Found(sys.argv[2] + "/1_00000001_linux.zip", "")])
print(len(frame), told.drops, told.gone)
"""


def test_of_several_sources_the_variant_without_losses_counts_and_what_is_not_there_is_counted(
    python: Path, tmp_path: Path
) -> None:
    command = [str(python), "-c", CHOICE, str(PROJECT / "etc/fleet"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=PATIENCE_S, check=True)
    assert done.stdout == "Part(rows=1, doubles=2)\n0 0 1\n"
    assert (tmp_path / "part-00000.csv").read_text("utf-8-sig").splitlines()[1:] == ['"0;0000000001;b;0000000002"']


def test_the_drops_of_the_generator_are_drops(tmp_path: Path) -> None:
    make_fleet(tmp_path, 2, 20)
    drop = read_drop((tmp_path / "b/00002" / drop_name(2, 1, "linux")).read_bytes())
    ((key, records),) = drop.records.items()
    assert key[0] == "440002" and len(records.blocks) == 4

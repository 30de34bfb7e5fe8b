"""Drops of many servers become one table: every record once, whatever was repeated on the way."""

from __future__ import annotations

import csv
import io
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import agent
from engine import read_drops
from engine.formats.archive import Head, event_text, record_text
from engine.formats.drop import DropInfo, drop_ini, encode, encoding_of, pack, records_text
from engine.model import Event, Record, RecType
from engine.naming import drop_name
from engine.read_drops import Merged, merge_drops
from engine.read_drops.rows import COLUMNS

HEAD = Head("ТЕМ-106/1", "ТЕМ-106/1", "440020", 2)
BEGIN = datetime(2026, 1, 1)


def hour(number: int) -> Record:
    values = {"Q1": float(number), "T1": 70.0, "Tall": float(number)}
    return Record(RecType.HOUR, BEGIN + timedelta(hours=number), (values, {"M1": 1.5, "X9": 7}))


def drop(folder: Path, seq: int, hours: range, *, variant: str = "linux", events: tuple[Event, ...] = ()) -> None:
    info = DropInfo(1, seq, variant, "01.01.26 00:00:00", "ymd", encoding_of(variant, "cp1251"))
    texts = {"drop.ini": drop_ini(info)}
    texts["440020_H.txt"] = records_text(HEAD, [record_text(1, hour(number)) for number in hours])
    if events:
        head = Head("ТЕМ-106/1", "ТЕМ-106/1", "440020", 2, "ymd")
        texts["440020_E.txt"] = records_text(head, [event_text(1, event, "ymd") for event in events])
    members = [(name, [encode(text, variant, "cp1251")]) for name, text in texts.items()]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / drop_name(1, seq, variant)).write_bytes(pack(members))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def test_variants_servers_and_repeats_give_each_record_once(tmp_path: Path) -> None:
    for server in ("one", "two"):
        for variant in ("linux", "dos"):
            drop(tmp_path / server, 1, range(5), variant=variant)
            drop(tmp_path / server, 2, range(5, 8), variant=variant)
    drop(tmp_path / "two/taken away", 1, range(5))
    output = tmp_path / "table.csv"
    merged = merge_drops([tmp_path / "one", tmp_path / "two"], output)
    assert (merged.drops, merged.rows, merged.bad) == (5, 16, 0)
    table = rows(output)
    assert [row["DateTime"] for row in table if row["System"] == "1"] == [hour(n).stamp.isoformat() for n in range(8)]
    assert (table[0]["Q1"], table[0]["T1"], table[1]["M1"], table[1]["Other"]) == ("0.000", "70.00", "1.500", "X9=7")


def test_a_dos_drop_that_stands_alone_is_read(tmp_path: Path) -> None:
    drop(tmp_path / "in", 1, range(3), variant="dos")
    assert merge_drops([tmp_path / "in"], tmp_path / "t.csv").rows == 6


def test_events_have_their_own_columns(tmp_path: Path) -> None:
    event = Event(BEGIN, {"SW1": "ОБР", "SYS": "ПИТ", "Sys": 2, "Code": 4, "State": 1, "Text": "питание"})
    drop(tmp_path / "in", 1, range(1), events=(event,))
    merge_drops([tmp_path / "in"], tmp_path / "t.csv")
    (row,) = (row for row in rows(tmp_path / "t.csv") if row["RecType"] == "E")
    assert (row["System"], row["SW1"], row["SYS"], row["Code"]) == ("2", "ОБР", "ПИТ", "4")


def test_a_damaged_drop_is_told_and_the_others_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drop(tmp_path, 1, range(3))
    drop(tmp_path, 2, range(3, 6))
    broken = tmp_path / drop_name(1, 1, "linux")
    broken.write_bytes(broken.read_bytes()[:-30])
    assert merge_drops([tmp_path], tmp_path / "t.csv") == Merged(drops=1, rows=6, doubles=0, bad=1)
    assert broken.name in capsys.readouterr().err


def test_parquet_needs_pyarrow_and_then_holds_the_same(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is optional and is not installed")
    drop(tmp_path / "in", 1, range(3))
    merge_drops([tmp_path / "in"], tmp_path / "t.parquet")
    table = parquet.read_table(tmp_path / "t.parquet")
    assert (table.num_rows, table.column_names) == (6, list(COLUMNS))


def test_where_one_variant_is_damaged_the_other_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for variant in ("linux", "dos"):
        drop(tmp_path / "in", 1, range(3), variant=variant)
    broken = tmp_path / "in" / drop_name(1, 1, "linux")
    broken.write_bytes(broken.read_bytes()[:-30])
    assert merge_drops([tmp_path / "in"], tmp_path / "t.csv") == Merged(drops=1, rows=6, doubles=0, bad=1)
    assert broken.name in capsys.readouterr().err


@pytest.mark.parametrize("variant", ["linux", "dos"])
def test_a_name_in_capital_letters_is_a_drop_too(tmp_path: Path, variant: str) -> None:
    drop(tmp_path / "in", 1, range(3), variant=variant)
    lower = tmp_path / "in" / drop_name(1, 1, variant)
    lower.rename(lower.with_name(lower.name.upper()))
    assert merge_drops([tmp_path / "in"], tmp_path / "t.csv").rows == 6


def test_a_drop_that_is_taken_away_meanwhile_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seq in (1, 2):
        drop(tmp_path / "in", seq, range(seq * 3, seq * 3 + 3))
    gone = tmp_path / "in" / drop_name(1, 1, "linux")
    whole = Path.open

    def opened(path: Path, *arguments: Any, **options: Any) -> Any:
        gone.unlink(missing_ok=True)
        return whole(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", opened)
    assert merge_drops([tmp_path / "in"], tmp_path / "t.csv") == Merged(drops=1, rows=6)


def test_a_table_is_whole_or_the_former_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "t.csv"
    drop(tmp_path / "in", 1, range(3))
    merge_drops([tmp_path / "in"], output)
    former = output.read_bytes()
    drop(tmp_path / "in", 2, range(3, 6))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(read_drops._Csv, "write", _interrupted)
        merge_drops([tmp_path / "in"], output)
    assert output.read_bytes() == former
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "t.csv"]
    assert merge_drops([tmp_path / "in"], output).rows == 12


def _interrupted(*_arguments: object) -> None:
    raise KeyboardInterrupt


def test_a_table_that_cannot_be_made_is_told_before_anything_is_read(tmp_path: Path) -> None:
    drop(tmp_path / "in", 1, range(3))
    with pytest.raises(IsADirectoryError):
        merge_drops([tmp_path / "in"], tmp_path)
    with pytest.raises(FileNotFoundError):
        merge_drops([tmp_path / "in"], tmp_path / "nowhere/t.csv")


def test_a_terminal_is_shown_how_far_it_is(tmp_path: Path) -> None:
    for seq in range(1, 5):
        drop(tmp_path / "in", seq, range(seq, seq + 1))
    (tmp_path / "in" / drop_name(1, 4, "linux")).write_bytes(b"no drop")
    terminal, pipe = Terminal(), io.StringIO()
    merge_drops([tmp_path / "in"], tmp_path / "t.csv", progress=terminal)
    merge_drops([tmp_path / "in"], tmp_path / "t.csv", progress=pipe)
    shown = terminal.getvalue().split("\r")
    assert shown[1].startswith("[") and " из 4, строк " in shown[1]
    assert shown[-1] == f"[{'#' * 40}] 4 из 4, строк 6\n"
    assert pipe.getvalue() == ""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_parquet_without_pyarrow_is_told_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    drop(tmp_path / "in", 1, range(3))
    monkeypatch.setattr(read_drops, "_read", _interrupted)
    with pytest.raises(ImportError):
        merge_drops([tmp_path / "in"], tmp_path / "t.parquet")


def test_the_command_says_in_russian_what_is_in_its_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there, missing = tmp_path / "in", tmp_path / "missing"
    there.mkdir()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for folder, output, told in (
        (missing, tmp_path / "t.csv", f"{missing}: такой папки нет\n"),
        (there, missing / "t.csv", f"{missing}: такой папки нет\n"),
        (there, there, f"{there}: на месте файла стоит папка\n"),
        (there, tmp_path / "t.parquet", "для таблицы .parquet нужен пакет pyarrow\n"),
    ):
        assert agent.main(["read-drops", str(folder), "-o", str(output)]) == agent.EXIT_PROBLEM
        assert capsys.readouterr().err == told

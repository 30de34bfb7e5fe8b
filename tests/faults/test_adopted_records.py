"""A record that was appended before a crash may be in the memory of the system only: the next run syncs it first."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from engine import files
from engine.archive.findings import Cursor
from engine.dialogue import Mark
from engine.formats.archive import Head
from engine.keeper.shelf import Shelf
from engine.model import Record, RecType

HEAD = Head("ТЕМ-104", "ТЕМ-104", "440020", 1)


def record(hour: int) -> Record:
    return Record(RecType.HOUR, datetime(2026, 9, 1, hour), ({"Q1": float(hour), "Tall": float(hour)},))


def shelf(root: Path) -> Shelf:
    return Shelf(root, "440020", lambda _: None)


def test_a_ledger_never_counts_on_a_record_that_is_not_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = shelf(tmp_path)
    for hour in (1, 2):
        before.keep(record(hour), HEAD)
    done: list[str] = []
    sync, put_in_place = files.sync, files.put_in_place

    def told_sync(path: Path) -> None:
        done.append(path.name)
        sync(path)

    def told_put_in_place(temporary: Path, path: Path, *, synced: bool) -> None:
        done.append(path.name)
        put_in_place(temporary, path, synced=synced)

    monkeypatch.setattr(files, "sync", told_sync)
    monkeypatch.setattr(files, "put_in_place", told_put_in_place)
    after = shelf(tmp_path)
    mark = Mark(datetime(2026, 9, 1, 2), 2.0)
    assert after.has(RecType.HOUR, mark)
    after.move(RecType.HOUR, Cursor(12, mark))
    after.sync()
    assert "H-2026-09.txt" in done and "440020.txt" in done
    assert done.index("H-2026-09.txt") < done.index("440020.txt")


def test_a_cursor_is_believed_only_while_its_record_stands(tmp_path: Path) -> None:
    kept = shelf(tmp_path)
    for hour in (1, 2):
        kept.keep(record(hour), HEAD)
    kept.move(RecType.HOUR, Cursor(12, Mark(datetime(2026, 9, 1, 2), 2.0)))
    kept.sync()
    assert shelf(tmp_path).cursor(RecType.HOUR) == Cursor(12, Mark(datetime(2026, 9, 1, 2), 2.0))
    path = tmp_path / "www/440020/H-2026-09.txt"
    path.write_bytes(path.read_bytes()[:-1])
    assert shelf(tmp_path).cursor(RecType.HOUR) is None

"""ArchiveLimit on a real folder: what went is told, remembered, and never stored again."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from engine.dialogue import Mark
from engine.formats.archive import Head
from engine.formats.gaps import OVER_LIMIT, read_gaps
from engine.keeper.shelf import Shelf
from engine.model import Record, RecType
from engine.runtime.limit import keep_limit

HEAD = Head("ТЕМ-104", "ТЕМ-104", "476721", 1)


def filled(root: Path) -> Shelf:
    shelf = Shelf(root, "476721", lambda _text: None)
    for day in range(90):
        stamp = datetime(2026, 1, 1, 5) + timedelta(days=day)
        shelf.keep(Record(RecType.HOUR, stamp, ({"Q1": 1.0, "Tall": float(day)},)), HEAD)
    shelf.sync()
    return shelf


def test_what_went_is_told_and_never_comes_back(tmp_path: Path) -> None:
    shelf, told = filled(tmp_path), list[str]()
    size = (tmp_path / "www/476721/H-2026-03.txt").stat().st_size
    keep_limit(tmp_path, size + 500, lambda _number: shelf, lambda _path, _size: True, told.append)
    assert sorted(path.name for path in (tmp_path / "www/476721").iterdir()) == ["H-2026-03.txt", "gaps.txt"]
    assert [text.split(":")[0] for text in told] == ["476721/H-2026-01.txt", "476721/H-2026-02.txt"]
    gaps, _ = read_gaps((tmp_path / "www/476721/gaps.txt").read_text())
    assert {gap.reason for gap in gaps} == {OVER_LIMIT}
    assert (gaps[0].first, gaps[-1].last) == (datetime(2026, 1, 1, 5), datetime(2026, 2, 28, 5))
    for again in (shelf, Shelf(tmp_path, "476721", lambda _text: None)):
        gone = Record(RecType.HOUR, datetime(2026, 1, 3, 5), ({"Q1": 1.0, "Tall": 2.0},))
        assert not again.keep(gone, HEAD)
        assert again.has(RecType.HOUR, Mark(gone.stamp, 2.0))


def test_a_file_that_no_server_has_is_told_as_such(tmp_path: Path) -> None:
    shelf, told = filled(tmp_path), list[str]()
    keep_limit(tmp_path, 10, lambda _number: shelf, lambda _path, _size: False, told.append)
    assert all(text.endswith("на серверы не доставлен") for text in told)


def test_within_the_limit_nothing_is_touched(tmp_path: Path) -> None:
    shelf, told = filled(tmp_path), list[str]()
    keep_limit(tmp_path, 10_000_000, lambda _number: shelf, lambda _path, _size: True, told.append)
    assert not told
    assert len(list((tmp_path / "www/476721").iterdir())) == 3

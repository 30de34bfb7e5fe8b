"""The pages of a real folder: what is looked at, what is written, and when."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from engine import files
from engine.formats import archive
from engine.formats.archive import Head
from engine.formats.index.device import NO_BREAK
from engine.formats.index.tree import AgentState, DeviceState
from engine.index import Index
from engine.index.span import END_BYTES, span_of
from engine.model import Event, Record, RecType
from tests.fake.pages import links_of

HEAD = Head("ТЭМ-104", "ТЕМ-104", "440020", 1)
FIRST = datetime(2026, 9, 1, 1)
AGENT = AgentState("ТСМ-СМАРТ", 1, "ТСМ-смарт работает", (), (DeviceState("440020", "ТЕМ-104", "на связи"),))


def hours(count: int, first: datetime = FIRST) -> str:
    records = (
        Record(RecType.HOUR, first + timedelta(hours=step), ({"Q1": 1.0 * step, "T1": 70.0},)) for step in range(count)
    )
    return archive.head_text(HEAD) + "".join(
        archive.record_text(number, record) for number, record in enumerate(records, 1)
    )


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    put(tmp_path / "www/440020/H-2026-09.txt", hours(30))
    put(tmp_path / "www/440020/gaps.txt", "H;03.09.26 04:00:00;03.09.26 09:00:00;нет в приборе\nчужая строка\n")
    put(tmp_path / "www/Otchety250926/from25082026to24092026_440020s1.pdf", "%PDF")
    put(tmp_path / "www/Прочее/a.txt", "a")
    return tmp_path


def shown(root: Path, agent: AgentState = AGENT, index: Index | None = None) -> list[OSError]:
    problems: list[OSError] = []
    (index or Index(root, problems.append)).show(agent)
    return problems


def pages(root: Path) -> dict[str, str]:
    return {path.relative_to(root / "www").as_posix(): path.read_text() for path in (root / "www").rglob("index.html")}


# --- spans


def test_the_span_of_a_small_file_is_that_of_its_records(tmp_path: Path) -> None:
    path = put(tmp_path / "H.txt", hours(3))
    assert span_of(path) == (FIRST, FIRST + timedelta(hours=2))


def test_only_the_ends_of_a_large_file_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = hours(20_000)
    path = put(tmp_path / "H.txt", text)
    assert len(text) > 20 * END_BYTES
    read: list[int] = []
    blocks = archive.blocks

    def counting(data: bytes, offset: int = 0) -> object:
        read.append(len(data))
        return blocks(data, offset)

    monkeypatch.setattr(archive, "blocks", counting)
    assert span_of(path) == (FIRST, FIRST + timedelta(hours=19_999))
    assert max(read) <= END_BYTES


@pytest.mark.parametrize("extra", [-1, 0, 1, 5, END_BYTES - 1, END_BYTES, END_BYTES + 1])
def test_a_file_as_long_as_what_is_read_of_it_loses_no_end(tmp_path: Path, extra: int) -> None:
    text, last = hours(1), FIRST
    while len(text) < END_BYTES + extra:
        last += timedelta(hours=1)
        text += archive.record_text(2, Record(RecType.HOUR, last, ({"Q1": 1.0},)))
    assert span_of(put(tmp_path / "H.txt", text)) == (FIRST, last)


@pytest.mark.parametrize("text", ["", "[0]\n", archive.head_text(HEAD), "\0" * 100_000, hours(1)[:-1]])
def test_a_file_without_a_whole_record_has_no_span(tmp_path: Path, text: str) -> None:
    assert span_of(put(tmp_path / "H.txt", text)) == (None, None)


def test_damage_hides_only_what_it_touches(tmp_path: Path) -> None:
    text = hours(10)
    middle = text.index("[5]")
    path = put(tmp_path / "H.txt", text[:middle] + "\0\0\0" + text[middle + 3 :] + "[11]\nRecType=H\nDateT")
    assert span_of(path) == (FIRST, FIRST + timedelta(hours=9))


@pytest.mark.parametrize("order", ["ymd", "dmy"])
def test_events_are_read_in_the_order_of_dates_that_their_file_says(tmp_path: Path, order: str) -> None:
    stamp = datetime(2026, 9, 5, 4, 3, 2)
    head = Head("ТЭМ-104", "ТЕМ-104", "440020", 1, order)
    text = archive.head_text(head) + archive.event_text(1, Event(stamp, {"Sys": 0, "Text": "питание"}), order)
    assert span_of(put(tmp_path / "E.txt", text)) == (stamp, stamp)


def test_a_date_that_there_is_not_does_not_count(tmp_path: Path) -> None:
    text = hours(3).replace("DateTime=01.09.26 03", "DateTime=41.09.26 03")
    assert span_of(put(tmp_path / "H.txt", text)) == (FIRST, FIRST + timedelta(hours=1))


# --- pages


def test_every_folder_has_its_page(root: Path) -> None:
    assert shown(root) == []
    made = pages(root)
    assert sorted(made) == ["440020/index.html", "Otchety250926/index.html", "index.html", "Прочее/index.html"]
    assert "01.09.26 01:00 – 02.09.26 06:00" in made["440020/index.html"].replace(NO_BREAK, " ")
    assert "03.09.26 04:00 – 03.09.26 09:00" in made["440020/index.html"].replace(NO_BREAK, " ")
    assert "1 пропуск<" in made["index.html"] and "Отчёты от 25.09.26" in made["index.html"]


def test_every_link_leads_to_a_file(root: Path) -> None:
    shown(root)
    for name, text in pages(root).items():
        for link in links_of(text):
            assert ((root / "www" / name).parent / link).is_file(), (name, link)


def test_what_is_hidden_a_link_or_no_file_is_not_shown(root: Path) -> None:
    put(root / "secret", "x")
    put(root / "www/440020/.x.tmp", "x")
    (root / "www/440020/link.txt").symlink_to(root / "secret")
    os.mkfifo(root / "www/440020/pipe")
    (root / "www/outside").symlink_to(root)
    (root / "www/.hidden").mkdir()
    assert shown(root) == []
    made = pages(root)
    assert not [name for name in ("link.txt", "pipe", ".x.tmp") if name in made["440020/index.html"]]
    assert "outside" not in made["index.html"] and "hidden" not in made["index.html"]
    assert not (root / "index.html").exists()


def test_a_name_that_is_no_text_does_not_stop_the_page(root: Path) -> None:
    (Path(os.fsdecode(os.fsencode(root) + b"/www/440020/\xff.txt"))).write_text("x")
    assert shown(root) == []
    assert "%FF.txt" in pages(root)["440020/index.html"]


def test_a_page_is_written_only_when_it_has_changed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = Index(root, lambda _error: None)
    index.show(AGENT)
    written: list[str] = []
    whole = files.write_whole

    def noting(path: Path, data: bytes, *, synced: bool) -> bool:
        written.append(path.relative_to(root).as_posix())
        assert not synced
        return whole(path, data, synced=synced)

    monkeypatch.setattr(files, "write_whole", noting)
    index.show(AGENT)
    assert written == []
    put(root / "www/440020/H-2026-09.txt", hours(31))
    index.show(AGENT)
    assert written == ["www/440020/index.html", "www/index.html"]


def test_a_page_that_was_taken_away_comes_back_and_a_new_run_writes_nothing_anew(root: Path) -> None:
    index = Index(root, lambda _error: None)
    index.show(AGENT)
    (root / "www/index.html").unlink()
    index.show(AGENT)
    before = {name: (root / "www" / name).stat().st_mtime_ns for name in pages(root)}
    assert "index.html" in before
    shown(root)
    assert {name: (root / "www" / name).stat().st_mtime_ns for name in pages(root)} == before


def test_a_file_is_looked_into_again_only_when_it_has_changed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = Index(root, lambda _error: None)
    index.show(AGENT)
    opened: list[str] = []
    regular = files.open_regular

    def noting(path: str, flags: int) -> int:
        opened.append(Path(path).name)
        return regular(path, flags)

    monkeypatch.setattr(files, "open_regular", noting)
    index.show(AGENT)
    assert opened == []
    put(root / "www/440020/H-2026-09.txt", hours(31))
    index.show(AGENT)
    assert "H-2026-09.txt" in opened and "gaps.txt" not in opened


def test_a_folder_that_went_at_this_moment_is_not_made_again(root: Path) -> None:
    index = Index(root, lambda _error: None)
    index.show(AGENT)
    report = root / "www/Otchety250926"
    for path in report.iterdir():
        path.unlink()
    report.rmdir()
    index.show(AGENT)
    assert not report.exists() and "Otchety250926" not in pages(root)["index.html"]


def test_a_disk_that_takes_nothing_is_told_and_tried_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    problems: list[OSError] = []
    index = Index(root, problems.append)

    def full(_path: Path, _data: bytes, *, synced: bool) -> bool:
        raise OSError(28, f"no space, synced={synced}")

    with monkeypatch.context() as broken:
        broken.setattr(files, "write_whole", full)
        index.show(AGENT)
    assert len(problems) == 4
    index.show(AGENT)
    assert len(problems) == 4 and len(pages(root)) == 4


def test_without_www_there_is_a_problem_and_no_page(tmp_path: Path) -> None:
    assert [error.errno for error in shown(tmp_path)] == [2]
    assert not (tmp_path / "www").exists()

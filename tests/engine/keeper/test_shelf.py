"""The archive of one device: every record once, whole or not at all, whatever happens to the disk."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import files
from engine.archive.findings import Cursor
from engine.dialogue import Mark
from engine.formats import archive
from engine.formats.archive import Head, blocks, event_fields
from engine.keeper import shelf as shelf_module
from engine.keeper.shelf import KEPT_INDEXES, Shelf
from engine.keeper.shelf_mending import Repair, repair_of
from engine.model import Entry, Event, Record, RecType
from tests.fake.failing_disk import FailingDisk

NUMBER = "440020"
HEAD = Head("ТЕМ-104", "ТЕМ-104", NUMBER, 1)
BEGIN = datetime(2018, 9, 25, 13)


def hour(number: int, tall: float | None = None, rec_type: RecType = RecType.HOUR) -> Record:
    """The record that ends `number` hours after the first one."""
    powered = float(number) if tall is None else tall
    return Record(rec_type, BEGIN + timedelta(hours=number), ({"Q1": 2.0 * number, "Tall": powered},))


def mark(record: Record) -> Mark:
    return Mark(record.stamp, float(str(record.systems[0]["Tall"])))


def shelf_of(root: Path, told: list[str] | None = None) -> Shelf:
    return Shelf(root, NUMBER, (told if told is not None else []).append)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return shelf_of(tmp_path)


def file_of(root: Path, name: str) -> Path:
    return root / "www" / NUMBER / name


def texts(root: Path, name: str = "H-2018-09.txt") -> list[str]:
    """The blocks of a file, the head first; everything in it must be whole."""
    data = file_of(root, name).read_bytes()
    found = list(blocks(data))
    assert found and found[-1].end == len(data), "nothing torn"
    return [block.text for block in found]


def stamps(root: Path, name: str = "H-2018-09.txt") -> list[str]:
    return [text.split("DateTime=")[1][:17] for text in texts(root, name)[1:]]


def gaps(root: Path) -> list[str]:
    path = root / "www" / NUMBER / "gaps.txt"
    return path.read_text().splitlines() if path.exists() else []


# --- records


def test_a_file_begins_with_its_head_and_grows_by_numbered_records(tmp_path: Path, shelf: Shelf) -> None:
    assert shelf.keep(hour(0), HEAD)
    assert shelf.keep(hour(1), HEAD)
    head, first, second = texts(tmp_path)
    assert head == archive.head_text(HEAD)
    assert first == archive.record_text(1, hour(0))
    assert second == archive.record_text(2, hour(1))


@pytest.mark.parametrize(
    ("rec_type", "stamp", "name"),
    [
        (RecType.HOUR, datetime(2018, 9, 30, 23), "H-2018-09.txt"),
        (RecType.HOUR, datetime(2018, 10, 1), "H-2018-10.txt"),
        (RecType.DAY, datetime(2018, 12, 31), "D-2018.txt"),
        (RecType.DAY, datetime(2019, 1, 1), "D-2019.txt"),
        (RecType.MONTH, datetime(2019, 1, 31), "M.txt"),
    ],
)
def test_the_file_is_chosen_by_the_record_s_own_date(
    tmp_path: Path, shelf: Shelf, rec_type: RecType, stamp: datetime, name: str
) -> None:
    shelf.keep(Record(rec_type, stamp, ({"Tall": 1.0},)), HEAD)
    assert file_of(tmp_path, name).exists()


def test_a_record_is_stored_once(tmp_path: Path, shelf: Shelf) -> None:
    assert shelf.keep(hour(0), HEAD)
    assert not shelf.keep(hour(0), HEAD)
    assert len(texts(tmp_path)) == 2


def test_a_record_is_stored_once_also_after_a_restart(tmp_path: Path) -> None:
    for restart in range(3):
        assert shelf_of(tmp_path).keep(hour(0), HEAD) is (restart == 0)
    assert len(texts(tmp_path)) == 2


def test_the_same_stamp_with_another_powered_time_is_another_record(tmp_path: Path, shelf: Shelf) -> None:
    for tall in (5.0, 6.0, 7.0, 6.0):
        shelf.keep(hour(0, tall), HEAD)
    shelf = shelf_of(tmp_path)
    shelf.keep(hour(0, 8.0), HEAD)
    assert [text.rsplit("\n", 3)[1] for text in texts(tmp_path)[2:]] == ["Rep=2", "Rep=3", "Rep=4"]
    assert "Rep=" not in texts(tmp_path)[1]


def test_the_powered_time_counts_as_it_is_printed(shelf: Shelf) -> None:
    shelf.keep(hour(0, 5.0001), HEAD)
    assert not shelf.keep(hour(0, 5.0004), HEAD), "a restart sees the printed one only"
    assert shelf.has(RecType.HOUR, Mark(BEGIN, 5.0))


def test_a_record_without_powered_time_is_known_by_its_stamp(tmp_path: Path) -> None:
    for values in ({"Q1": 1.0}, {"Q1": 1.0, "Tall": None}):
        record = Record(RecType.HOUR, BEGIN, (values,))
        assert shelf_of(tmp_path).keep(record, HEAD) is (values == {"Q1": 1.0})
    assert shelf_of(tmp_path).has(RecType.HOUR, Mark(BEGIN))
    assert not shelf_of(tmp_path).keep(Record(RecType.HOUR, BEGIN, ()), HEAD)


def test_a_day_record_with_another_hour_is_a_record_of_its_own(tmp_path: Path, shelf: Shelf) -> None:
    for at in (0, 1):
        assert shelf.keep(Record(RecType.DAY, datetime(2018, 9, 25, at), ({"Tall": 5.0},)), HEAD)
    assert len(texts(tmp_path, "D-2018.txt")) == 3


def test_hours_and_days_with_one_stamp_do_not_meet(shelf: Shelf) -> None:
    assert shelf.keep(hour(0, 5.0), HEAD)
    assert shelf.keep(hour(0, 5.0, RecType.DAY), HEAD)


def test_late_records_are_added_at_the_end_of_their_old_file(tmp_path: Path, shelf: Shelf) -> None:
    for number in (5, 6, 2):
        shelf.keep(hour(number), HEAD)
    assert stamps(tmp_path) == ["25.09.18 18:00:00", "25.09.18 19:00:00", "25.09.18 15:00:00"]


def test_many_files_are_known_while_few_are_held_in_memory(shelf: Shelf) -> None:
    months = [Record(RecType.HOUR, datetime(2018, month, 1), ({"Tall": 1.0},)) for month in range(1, 13)]
    for record in months:
        assert shelf.keep(record, HEAD)
    for record in reversed(months):
        assert shelf.has(RecType.HOUR, mark(record))
        assert not shelf.keep(record, HEAD)
    assert len(shelf._indexes) <= KEPT_INDEXES


def test_what_was_never_stored_is_not_there(shelf: Shelf) -> None:
    assert not shelf.has(RecType.HOUR, Mark(BEGIN, 1.0))
    assert not shelf.has(RecType.HOUR, Mark(None))
    shelf.keep(hour(1), HEAD)
    assert not shelf.has(RecType.HOUR, Mark(BEGIN, 1.0))
    assert not shelf.has(RecType.HOUR, Mark(hour(1).stamp, 99.0))


def test_a_shelf_is_empty_until_something_of_that_kind_is_stored(shelf: Shelf) -> None:
    shelf.keep(hour(0), HEAD)
    assert not shelf.is_empty(RecType.HOUR)
    assert shelf.is_empty(RecType.DAY)


def test_the_last_stamp_is_that_of_the_newest_file(tmp_path: Path, shelf: Shelf) -> None:
    assert shelf.last_stamp(RecType.HOUR) is None
    for number in (24 * 10, 24 * 10 + 1, 0):
        shelf.keep(hour(number), HEAD)
    assert shelf.last_stamp(RecType.HOUR) == hour(24 * 10 + 1).stamp
    assert shelf_of(tmp_path).last_stamp(RecType.HOUR) == hour(24 * 10 + 1).stamp


# --- events


def event(second: int, **values: str) -> Event:
    return Event(BEGIN + timedelta(seconds=second), dict(values))


def test_an_event_is_stored_once_by_all_that_it_says(tmp_path: Path) -> None:
    for restart in range(2):
        shelf = shelf_of(tmp_path)
        kept = [shelf.keep(each, HEAD) for each in (event(0, TK="1"), event(0, TK="2"), event(0, TK="1"))]
        assert kept == ([True, True, False] if not restart else [False, False, False])
    assert shelf_of(tmp_path).has(RecType.EVENT, Mark(BEGIN, None, event_fields(event(0, TK="2"))))
    assert "Rep=" not in file_of(tmp_path, "E-2018.txt").read_text()


def test_a_file_of_events_keeps_the_order_of_dates_that_it_began_with(tmp_path: Path) -> None:
    shelf_of(tmp_path).keep(event(0), HEAD, "dmy")
    shelf_of(tmp_path).keep(event(1), HEAD, "ymd")
    assert not shelf_of(tmp_path).keep(event(0), HEAD, "ymd")
    assert "EventDate=dmy" in texts(tmp_path, "E-2018.txt")[0]
    assert stamps(tmp_path, "E-2018.txt") == ["25.09.18 13:00:00", "25.09.18 13:00:01"]


# --- damage on the disk


@pytest.mark.parametrize("keeps", [1, 40, -1])
def test_a_torn_tail_is_cut_off_and_its_record_taken_again(tmp_path: Path, keeps: int) -> None:
    shelf = shelf_of(tmp_path)
    shelf.keep(hour(0), HEAD)
    length = file_of(tmp_path, "H-2018-09.txt").stat().st_size
    shelf.keep(hour(1), HEAD)
    data = file_of(tmp_path, "H-2018-09.txt").read_bytes()
    file_of(tmp_path, "H-2018-09.txt").write_bytes(data[: length + keeps] if keeps > 0 else data[:keeps])
    told: list[str] = []
    shelf = shelf_of(tmp_path, told)
    assert not shelf.has(RecType.HOUR, mark(hour(1)))
    assert shelf.keep(hour(1), HEAD)
    assert stamps(tmp_path) == ["25.09.18 13:00:00", "25.09.18 14:00:00"]
    assert "отрезан оборванный конец" in told[0]
    assert not (tmp_path / "var/damaged").exists()


def test_looking_into_a_torn_file_changes_nothing_in_it(tmp_path: Path) -> None:
    shelf_of(tmp_path).keep(hour(0), HEAD)
    path = file_of(tmp_path, "H-2018-09.txt")
    path.write_bytes(path.read_bytes() + b"[2]\nRecTy")
    before = path.read_bytes()
    shelf = shelf_of(tmp_path)
    assert shelf.has(RecType.HOUR, mark(hour(0)))
    assert shelf.last_stamp(RecType.HOUR) == BEGIN
    assert path.read_bytes() == before, "only the writing thread mends"


def test_zeros_that_a_power_cut_left_are_no_records(tmp_path: Path) -> None:
    shelf_of(tmp_path).keep(hour(0), HEAD)
    path = file_of(tmp_path, "H-2018-09.txt")
    path.write_bytes(path.read_bytes() + bytes(4096))
    assert shelf_of(tmp_path).keep(hour(1), HEAD)
    assert len(texts(tmp_path)) == 3


def damaged_in_the_middle(root: Path) -> bytes:
    """Three records, the second with one broken byte; the ledger says that all was read."""
    shelf = shelf_of(root)
    for number in range(3):
        shelf.keep(hour(number), HEAD)
    shelf.move(RecType.HOUR, Cursor(3, mark(hour(2))))
    shelf.belongs_to("1001")
    shelf.sync()
    path = file_of(root, "H-2018-09.txt")
    data = path.read_bytes().replace(b"[2]\nRecType", b"[2]\n\x00ecType")
    path.write_bytes(data)
    return data


def places(root: Path, name: str = "H-2018-09.txt") -> dict[str, tuple[int, int]]:
    """Where each record stands."""
    found = blocks(file_of(root, name).read_bytes())
    return {block.text.split("DateTime=")[1][:17]: (block.start, block.end) for block in found if block.number}


def test_damage_in_the_middle_moves_and_loses_no_whole_record_and_what_it_took_is_read_again(tmp_path: Path) -> None:
    for number in range(3):
        shelf_of(tmp_path).keep(hour(number), HEAD)
    before = places(tmp_path)
    file_of(tmp_path, "H-2018-09.txt").unlink()
    data = damaged_in_the_middle(tmp_path)
    told: list[str] = []
    shelf = shelf_of(tmp_path, told)
    assert RecType.HOUR in shelf.ledger.cursors
    assert shelf.keep(hour(1), HEAD)
    assert not shelf.keep(hour(2), HEAD)
    assert not shelf.keep(hour(0), HEAD)
    assert stamps(tmp_path) == ["25.09.18 13:00:00", "25.09.18 15:00:00", "25.09.18 14:00:00"]
    after = places(tmp_path)
    assert all(after[stamp] == before[stamp] for stamp in ("25.09.18 13:00:00", "25.09.18 15:00:00"))
    shelf.move(RecType.HOUR, Cursor(3, mark(hour(1))))
    assert not shelf.ledger.cursors, "the walk that goes on is not the one that finds everything"
    assert shelf.is_anew() and not shelf.is_anew(), "told once"
    for again in (shelf, shelf_of(tmp_path)):
        assert not again.ledger.cursors, "the rings are looked through once more"
        assert again.ledger.meter_number == "1001"
    assert (tmp_path / f"var/damaged/{NUMBER}/H-2018-09.txt").read_bytes() == data
    assert "повреждён" in told[0] and f"var/damaged/{NUMBER}/H-2018-09.txt" in told[0]


@pytest.mark.parametrize("junk", [b"junk", bytes(100), b"[0]\nDevName=x\n"])
def test_a_file_without_a_whole_head_is_put_aside_and_begun_anew(tmp_path: Path, junk: bytes) -> None:
    path = file_of(tmp_path, "H-2018-09.txt")
    path.parent.mkdir(parents=True)
    path.write_bytes(junk)
    shelf = shelf_of(tmp_path)
    assert shelf.keep(hour(0), HEAD)
    assert stamps(tmp_path) == ["25.09.18 13:00:00"]
    assert (tmp_path / f"var/damaged/{NUMBER}/H-2018-09.txt").read_bytes() == junk


def test_an_empty_file_is_begun(tmp_path: Path, shelf: Shelf) -> None:
    path = file_of(tmp_path, "H-2018-09.txt")
    path.parent.mkdir(parents=True)
    path.touch()
    assert shelf.keep(hour(0), HEAD)
    assert stamps(tmp_path) == ["25.09.18 13:00:00"]


def test_a_record_with_a_date_that_there_is_not_stays_and_harms_nobody(tmp_path: Path) -> None:
    shelf = shelf_of(tmp_path)
    shelf.keep(hour(0), HEAD)
    path = file_of(tmp_path, "H-2018-09.txt")
    path.write_bytes(path.read_bytes() + b"[2]\nRecType=H\nDateTime=99.99.18 13:00:00\nS1Tall=1.000\n\n")
    shelf = shelf_of(tmp_path)
    assert shelf.last_stamp(RecType.HOUR) == BEGIN
    assert shelf.keep(hour(1), HEAD)
    assert texts(tmp_path)[3] == archive.record_text(3, hour(1))


def test_a_file_that_was_taken_away_is_begun_anew_with_its_head(tmp_path: Path, shelf: Shelf) -> None:
    shelf.keep(hour(0), HEAD)
    shelf.keep(hour(1), HEAD)
    file_of(tmp_path, "H-2018-09.txt").unlink()
    shelf.sync()
    assert not shelf.has(RecType.HOUR, mark(hour(0)))
    assert shelf.keep(hour(2), HEAD)
    assert texts(tmp_path) == [archive.head_text(HEAD), archive.record_text(1, hour(2))]


def test_a_file_that_somebody_changed_is_looked_at_again(tmp_path: Path, shelf: Shelf) -> None:
    shelf.keep(hour(0), HEAD)
    length = file_of(tmp_path, "H-2018-09.txt").stat().st_size
    shelf.keep(hour(1), HEAD)
    files.cut(file_of(tmp_path, "H-2018-09.txt"), length)
    assert not shelf.has(RecType.HOUR, mark(hour(1)))
    assert shelf.keep(hour(1), HEAD)
    assert texts(tmp_path)[2] == archive.record_text(2, hour(1))


def test_a_ledger_that_cannot_be_read_is_told_and_only_costs_reading(tmp_path: Path) -> None:
    path = tmp_path / f"var/meters/{NUMBER}.txt"
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(50))
    told: list[str] = []
    assert not shelf_of(tmp_path, told).ledger.cursors
    assert "архив прибора будет просмотрен заново" in told[0]


# --- whose archive it is


def test_an_archive_takes_records_only_from_the_meter_it_began_with(tmp_path: Path) -> None:
    shelf = shelf_of(tmp_path)
    assert shelf.belongs_to("1001")
    assert not shelf.belongs_to("777")
    shelf.sync()
    assert not shelf_of(tmp_path).belongs_to("777")
    assert shelf_of(tmp_path).belongs_to("1001")


def test_a_failed_write_does_not_make_the_archive_anybody_s(shelf: Shelf) -> None:
    shelf.belongs_to("1001")
    shelf.forget_unsaved()
    assert not shelf.belongs_to("777")


# --- gaps


def test_what_the_meter_has_not_got_between_two_records_is_told(tmp_path: Path, shelf: Shelf) -> None:
    shelf.note_missing(RecType.HOUR, hour(0).stamp, hour(4).stamp)
    shelf.note_missing(RecType.HOUR, hour(4).stamp, hour(5).stamp)
    assert gaps(tmp_path) == ["H;25.09.18 14:00:00;25.09.18 16:00:00;нет в приборе"]


def test_a_damaged_record_is_told_and_its_place_remembered(tmp_path: Path, shelf: Shelf) -> None:
    shelf.note_damaged(RecType.HOUR, 5, hour(2).stamp)
    shelf.note_damaged(RecType.HOUR, 9, None)
    shelf.sync()
    assert gaps(tmp_path) == ["H;25.09.18 15:00:00;25.09.18 15:00:00;повреждена"]
    assert shelf_of(tmp_path).ledger.damaged == {RecType.HOUR: {5: hour(2).stamp, 9: None}}


@pytest.mark.parametrize("damage_first", [True, False])
def test_a_damaged_record_is_not_one_that_the_meter_has_not_got(
    tmp_path: Path, shelf: Shelf, damage_first: bool
) -> None:
    notes = [
        lambda: shelf.note_damaged(RecType.HOUR, 5, hour(2).stamp),
        lambda: shelf.note_missing(RecType.HOUR, hour(0).stamp, hour(4).stamp),
    ]
    for note in notes if damage_first else reversed(notes):
        note()
    assert gaps(tmp_path) == [
        "H;25.09.18 14:00:00;25.09.18 14:00:00;нет в приборе",
        "H;25.09.18 15:00:00;25.09.18 15:00:00;повреждена",
        "H;25.09.18 16:00:00;25.09.18 16:00:00;нет в приборе",
    ]


def test_a_healed_record_is_no_gap_and_its_place_forgotten(tmp_path: Path, shelf: Shelf) -> None:
    shelf.note_damaged(RecType.HOUR, 5, hour(2).stamp)
    shelf.note_damaged(RecType.HOUR, 6, hour(3).stamp)
    shelf.note_healed(RecType.HOUR, 5, hour(2).stamp)
    assert gaps(tmp_path) == ["H;25.09.18 16:00:00;25.09.18 16:00:00;повреждена"]
    assert shelf.ledger.damaged == {RecType.HOUR: {6: hour(3).stamp}}


def test_lines_of_gaps_that_are_not_understood_are_kept(tmp_path: Path, shelf: Shelf) -> None:
    path = tmp_path / "www" / NUMBER / "gaps.txt"
    path.parent.mkdir(parents=True)
    path.write_text("# замечание наладчика\n")
    shelf.note_missing(RecType.HOUR, hour(0).stamp, hour(2).stamp)
    assert gaps(tmp_path)[-1] == "# замечание наладчика"


def test_the_same_gap_again_writes_nothing(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.note_missing(RecType.HOUR, hour(0).stamp, hour(4).stamp)
    disk = FailingDisk(monkeypatch)
    shelf.note_missing(RecType.HOUR, hour(0).stamp, hour(4).stamp)
    assert disk.steps == []


# --- removed by ArchiveLimit


def test_a_removed_file_is_remembered_and_its_records_are_not_taken_again(tmp_path: Path, shelf: Shelf) -> None:
    for number in range(3):
        shelf.keep(hour(number), HEAD)
    shelf.remove("H-2018-09.txt")
    shelf.settle()
    assert gaps(tmp_path) == ["H;25.09.18 13:00:00;25.09.18 15:00:00;удалено по ArchiveLimit"]
    for again in (shelf, shelf_of(tmp_path)):
        assert not file_of(tmp_path, "H-2018-09.txt").exists()
        assert again.has(RecType.HOUR, mark(hour(0)))
        assert not again.keep(hour(0), HEAD)
        assert not again.is_empty(RecType.HOUR)
        again.sync()


def test_a_file_is_given_up_where_nothing_can_be_written_and_told_when_there_is_room(
    tmp_path: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step that needs no room is the first; a power cut may come behind it."""
    for number in range(3):
        shelf.keep(hour(number), HEAD)
    disk = FailingDisk(monkeypatch)
    disk.fail(1, for_good=True)
    shelf.remove("H-2018-09.txt")
    with pytest.raises(OSError):
        shelf.settle()
    assert disk.steps[0] == "sync"
    assert sum(path.stat().st_size for path in tmp_path.joinpath("www", NUMBER).iterdir()) == 0
    for again in (shelf, shelf_of(tmp_path)):
        assert not again.keep(hour(0), HEAD)
        assert not again.is_empty(RecType.HOUR)
    disk.recover()
    shelf_of(tmp_path).settle()
    assert gaps(tmp_path) == ["H;25.09.18 13:00:00;25.09.18 15:00:00;удалено по ArchiveLimit"]
    assert [path.name for path in tmp_path.joinpath("www", NUMBER).iterdir()] == ["gaps.txt"]
    assert not shelf_of(tmp_path).keep(hour(0), HEAD)


def test_a_removal_that_ends_at_any_step_is_written_down_by_the_next_run(tmp_path: Path) -> None:
    for step in range(20):
        root = tmp_path / str(step)
        shelf_of(root).keep(hour(0), HEAD)
        shelf = shelf_of(root)
        with pytest.MonkeyPatch.context() as patch:
            disk = FailingDisk(patch)
            disk.fail(step, for_good=True)
            with suppress(OSError):
                shelf.remove("H-2018-09.txt")
                shelf.settle()
        again = shelf_of(root)
        assert not again.keep(hour(0), HEAD)
        again.settle()
        assert gaps(root) == ["H;25.09.18 13:00:00;25.09.18 13:00:00;удалено по ArchiveLimit"]
        assert [path.name for path in root.joinpath("www", NUMBER).iterdir()] == ["gaps.txt"]
        assert (root / f"var/removed/{NUMBER}.txt").read_text() == "H-2018-09.txt\n"
        if not disk.failed:
            return
    raise AssertionError("it never ended")


def test_a_file_that_cannot_be_given_up_is_there_as_before(
    tmp_path: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_path: Path, _target: Path) -> Path:
        raise OSError(errno.EROFS, "read-only")

    shelf.keep(hour(0), HEAD)
    with monkeypatch.context() as patch, pytest.raises(OSError):
        patch.setattr(Path, "replace", fail)
        shelf.remove("H-2018-09.txt")
    assert shelf.keep(hour(1), HEAD), "its records are still wanted"
    assert len(stamps(tmp_path)) == 2


def test_a_file_that_somebody_took_away_is_not_given_up(tmp_path: Path, shelf: Shelf) -> None:
    shelf.keep(hour(0), HEAD)
    file_of(tmp_path, "H-2018-09.txt").unlink()
    shelf.remove("H-2018-09.txt")
    shelf.settle()
    assert shelf.keep(hour(0), HEAD)


def test_a_file_with_a_head_only_can_be_removed(tmp_path: Path, shelf: Shelf) -> None:
    path = file_of(tmp_path, "H-2018-08.txt")
    path.parent.mkdir(parents=True)
    path.write_text(archive.head_text(HEAD))
    shelf.remove("H-2018-08.txt")
    shelf.settle()
    assert not path.exists()
    assert not shelf.keep(replace(hour(0), stamp=datetime(2018, 8, 1)), HEAD)
    assert gaps(tmp_path) == []


# --- order and failures of the disk


def test_records_are_on_the_disk_before_the_ledger_says_so(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.keep(hour(0), HEAD)
    shelf.keep(hour(1), HEAD)
    shelf.move(RecType.HOUR, Cursor(2, mark(hour(1))))
    order: list[str] = []
    whole_sync, whole_write = files.sync, files.write_whole

    def sync(path: Path) -> None:
        order.append(f"sync {path.name}")
        whole_sync(path)

    def write_whole(path: Path, data: bytes, *, synced: bool) -> bool:
        order.append(f"write {path.name} synced={synced}")
        return whole_write(path, data, synced=synced)

    monkeypatch.setattr(files, "sync", sync)
    monkeypatch.setattr(files, "write_whole", write_whole)
    shelf.sync()
    assert order[:2] == ["sync H-2018-09.txt", f"write {NUMBER}.txt synced=True"]
    order.clear()
    shelf.sync()
    assert order == [], "no sync that is not needed"


def story(shelf: Shelf) -> Iterator[None]:
    """Everything that writes, one step after the other."""
    shelf.belongs_to("1001")
    for number in range(3):
        shelf.keep(hour(number), HEAD)
        shelf.move(RecType.HOUR, Cursor(number + 1, mark(hour(number))))
        yield
    shelf.note_damaged(RecType.HOUR, 4, hour(3).stamp)
    yield
    shelf.sync()
    yield
    shelf.note_missing(RecType.HOUR, hour(3).stamp, hour(6).stamp)
    shelf.keep(hour(6), HEAD)
    shelf.move(RecType.HOUR, Cursor(5, mark(hour(6))))
    yield
    shelf.keep(hour(3), HEAD)
    shelf.note_healed(RecType.HOUR, 4, hour(3).stamp)
    shelf.sync()
    yield


def test_a_write_that_fails_at_any_step_tears_nothing_and_can_be_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FailingDisk(monkeypatch)
    for _ in story(shelf_of(tmp_path / "whole")):
        pass
    steps = len(disk.steps)
    assert steps > 20
    for number in range(steps):
        root = tmp_path / str(number)
        shelf = shelf_of(root)
        disk.fail(number)
        with pytest.raises(OSError):
            for _ in story(shelf):
                pass
        assert disk.failed
        for path in root.rglob("www/*/H-*.txt"):
            assert archive.whole_length(path.read_bytes()) == path.stat().st_size
        assert not list(root.rglob(".*.tmp"))
        disk.recover()
        shelf.forget_unsaved()
        for _ in story(shelf):
            pass
        assert sorted(stamps(root)) == sorted(stamps(tmp_path / "whole")), f"step {number}"
        assert gaps(root) == gaps(tmp_path / "whole")
        shelf.sync()
        assert shelf_of(root).ledger == shelf_of(tmp_path / "whole").ledger


def test_after_a_failed_write_only_what_is_surely_stored_counts(shelf: Shelf) -> None:
    shelf.keep(hour(0), HEAD)
    shelf.move(RecType.HOUR, Cursor(1, mark(hour(0))))
    shelf.sync()
    shelf.move(RecType.HOUR, Cursor(2, mark(hour(1))))
    shelf.forget_unsaved()
    assert shelf.ledger.cursors[RecType.HOUR].place == 1
    assert shelf.has(RecType.HOUR, mark(hour(0)))


def test_what_cannot_be_looked_at_is_not_taken_for_stored(tmp_path: Path, shelf: Shelf) -> None:
    file_of(tmp_path, "H-2018-09.txt").mkdir(parents=True)
    assert not shelf.has(RecType.HOUR, mark(hour(0)))
    with pytest.raises(OSError):
        shelf.keep(hour(0), HEAD)


# --- two threads


def test_a_line_may_ask_while_the_main_thread_stores(tmp_path: Path, shelf: Shelf) -> None:
    """What was stored before the question is always found, and nothing that was not."""
    total, stored, wrong = 400, [0], list[int]()
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            known = stored[0]
            if known and not shelf.has(RecType.HOUR, mark(hour(24 * (known - 1)))):
                wrong.append(known)
            if shelf.has(RecType.HOUR, mark(hour(24 * total + 1))):
                wrong.append(-1)

    threads = [threading.Thread(target=ask, name=f"asks {number}") for number in range(2)]
    for thread in threads:
        thread.start()
    for number in range(total):
        shelf.keep(hour(24 * number), HEAD)
        stored[0] = number + 1
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert sum(len(list(blocks(path.read_bytes()))) - 1 for path in tmp_path.rglob("H-*.txt")) == total


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("keep"), st.integers(0, 30), st.integers(0, 3)),
            st.tuples(st.just("restart"), st.just(0), st.just(0)),
            st.tuples(st.just("tear"), st.integers(1, 200), st.just(0)),
        ),
        max_size=40,
    )
)
def test_whatever_happens_a_file_holds_every_record_once(
    tmp_path_factory: pytest.TempPathFactory, turns: list[tuple[str, int, int]]
) -> None:
    root = tmp_path_factory.mktemp("shelf")
    shelf = shelf_of(root)
    path = file_of(root, "H-2018-09.txt")
    expected: list[tuple[str, str]] = []
    for what, number, tall in turns:
        if what == "keep":
            record = hour(number, float(tall))
            key = (record.stamp.strftime("%d.%m.%y %H:%M:%S"), f"{tall}.000")
            assert shelf.keep(record, HEAD) is (key not in expected)
            expected += [key] if key not in expected else []
        elif what == "tear" and path.exists():
            path.write_bytes(path.read_bytes() + b"[9]\nRecType=H\nDateTime=25.09.18 13:00:00\nS1Q1=1" [:number])
            shelf = shelf_of(root)
        else:
            shelf = shelf_of(root)
    shelf.keep(hour(31), HEAD)
    found = [archive.block_key(block)[1:] for block in blocks(path.read_bytes()) if block.number]
    assert found[:-1] == expected
    assert len(texts(root)) == len(expected) + 2


def test_entries_of_every_kind_are_kept(tmp_path: Path, shelf: Shelf) -> None:
    entries: list[Entry] = [hour(0, rec_type=kind) for kind in (RecType.HOUR, RecType.DAY, RecType.MONTH)]
    for entry in [*entries, event(0, TK="1")]:
        assert shelf.keep(entry, HEAD)
    names = sorted(path.name for path in file_of(tmp_path, "").iterdir())
    assert names == ["D-2018.txt", "E-2018.txt", "H-2018-09.txt", "M.txt"]


# --- stamps of the future, and records that turn up after all


def test_what_bears_a_later_stamp_is_not_the_record_before(shelf: Shelf) -> None:
    for number in (0, 1, 24 * 60, 2):
        shelf.keep(hour(number), HEAD)
    for after, before in ((3, 2), (2, 1), (24 * 10, 2), (24 * 60, 2), (24 * 60 + 1, 24 * 60)):
        found = shelf.last_record(RecType.HOUR, hour(after).stamp)
        assert found and found.stamp == shelf.last_stamp(RecType.HOUR, hour(after).stamp) == hour(before).stamp
    assert shelf.last_stamp(RecType.HOUR, BEGIN) is None
    assert shelf.last_record(RecType.HOUR, BEGIN) is None


def test_the_latest_stamp_is_not_that_of_a_clock_that_was_slow_for_a_while(shelf: Shelf) -> None:
    for number in (24, 25, 1, 2):
        shelf.keep(hour(number), HEAD)
    assert shelf.last_stamp(RecType.HOUR, hour(28).stamp) == hour(25).stamp


def test_a_record_that_is_stored_is_no_gap(tmp_path: Path, shelf: Shelf) -> None:
    shelf.note_missing(RecType.HOUR, hour(0).stamp, hour(5).stamp)
    for number in (1, 2):
        shelf.keep(hour(number), HEAD)
    shelf.sync()
    assert gaps(tmp_path) == ["H;25.09.18 16:00:00;25.09.18 17:00:00;нет в приборе"]
    shelf.note_damaged(RecType.HOUR, 5, hour(4).stamp)
    shelf.keep(hour(4), HEAD)
    shelf.keep(hour(3), HEAD)
    shelf.sync()
    assert gaps(tmp_path) == []


def test_a_gap_that_was_not_closed_before_the_power_cut_is_closed_when_the_record_comes_again(
    tmp_path: Path, shelf: Shelf
) -> None:
    shelf.note_missing(RecType.HOUR, hour(0).stamp, hour(2).stamp)
    shelf.keep(hour(1), HEAD)
    again = shelf_of(tmp_path)
    assert gaps(tmp_path), "nothing was synced"
    assert not again.keep(hour(1), HEAD)
    again.sync()
    assert gaps(tmp_path) == []


def test_gaps_are_written_once_for_all_that_was_stored_and_not_at_all_for_what_was_no_gap(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.keep(hour(0), HEAD)
    shelf.note_missing(RecType.HOUR, hour(0).stamp, hour(20).stamp)
    reads: list[int] = []
    whole = files.read_limited

    def counted(path: Path, limit: int) -> bytes:
        reads.append(limit)
        return whole(path, limit)

    monkeypatch.setattr(files, "read_limited", counted)
    disk = FailingDisk(monkeypatch)
    for number in range(20, 40):
        shelf.keep(hour(number), HEAD)
    assert disk.steps == ["_write_at_once"] * 20
    assert len(reads) == 1, "an unchanged file is not read again for each record"
    shelf.sync()
    disk.fail(99)
    for number in range(1, 20):
        shelf.keep(hour(number), HEAD)
    shelf.sync()
    assert disk.steps[:19] == ["_write_at_once"] * 19
    assert disk.steps.count("put_in_place") == 1


def test_a_gap_is_closed_later_when_the_disk_takes_nothing_and_only_for_what_is_stored(
    tmp_path: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.keep(hour(0), HEAD)
    shelf.note_missing(RecType.HOUR, hour(0).stamp, hour(4).stamp)
    disk = FailingDisk(monkeypatch)
    shelf.keep(hour(1), HEAD)
    shelf.sync()
    disk.fail(2)
    shelf.keep(hour(2), HEAD)
    with pytest.raises(OSError):
        shelf.sync()
    assert disk.steps == ["_write_at_once", "sync", "open_temporary"]
    disk.recover()
    file_of(tmp_path, "H-2018-09.txt").write_bytes(b"")  # and worse things happen
    shelf.forget_unsaved()
    shelf.keep(hour(3), HEAD)
    shelf.sync()
    assert gaps(tmp_path) == ["H;25.09.18 15:00:00;25.09.18 15:00:00;нет в приборе"]


def test_a_damaged_record_that_was_lost_is_told_so_and_its_place_forgotten(tmp_path: Path, shelf: Shelf) -> None:
    for number in (2, 4):
        shelf.note_damaged(RecType.HOUR, 3 + number, hour(number).stamp)
    shelf.note_lost(RecType.HOUR, 5, hour(2).stamp)
    assert gaps(tmp_path) == [
        "H;25.09.18 15:00:00;25.09.18 15:00:00;нет в приборе",
        "H;25.09.18 17:00:00;25.09.18 17:00:00;повреждена",
    ]
    assert shelf.ledger.damaged == {RecType.HOUR: {7: hour(4).stamp}}


def test_what_is_stored_is_not_lost(tmp_path: Path, shelf: Shelf) -> None:
    shelf.keep(hour(2), HEAD)
    shelf.note_damaged(RecType.HOUR, 5, hour(2).stamp)
    shelf.note_lost(RecType.HOUR, 5, hour(2).stamp)
    assert gaps(tmp_path) == []


def test_an_end_that_was_mended_before_is_not_mended_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf_of(tmp_path).keep(hour(1), HEAD)
    path = file_of(tmp_path, "H-2018-09.txt")
    path.write_bytes(path.read_bytes() + b"\n" * 50)
    told: list[str] = []
    shelf, looks = shelf_of(tmp_path, told), list[int]()

    def counted(data: bytes, head: Head | None) -> Repair:
        looks.append(len(data))
        return repair_of(data, head)

    monkeypatch.setattr(shelf_module, "repair_of", counted)
    assert [shelf.keep(hour(1), HEAD) for _ in range(3)] == [False] * 3
    assert shelf.keep(hour(2), HEAD)
    assert (told, len(looks)) == ([], 1)
    assert path.read_bytes().count(b"RecType=H") == 2

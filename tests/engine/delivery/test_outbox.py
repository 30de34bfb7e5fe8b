from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.delivery.cursor import Choice, InFlight, Range
from engine.delivery.damage import PASSED_LIMIT_BYTES
from engine.delivery.outbox import Outbox
from engine.formats.archive import Head, event_text, head_text, record_text
from engine.formats.drop import Drop, read_drop
from engine.model import Event, Record, RecType

HEAD = Head("Котельная", "ТЭМ-104", "440020", 1)
START = datetime(2018, 9, 1)
COUNT_START = "22.11.26 08:27:00"


def record(rec_type: RecType, hours: int) -> Record:
    return Record(rec_type, START + timedelta(hours=hours), ({"Q1": hours / 8, "T1": 60.0, "Tall": float(hours)},))


def store(root: Path, path: str, hours: range, head: Head = HEAD, rec_type: RecType = RecType.HOUR) -> None:
    """Append records as the agent does; the head first where there is no file."""
    place = root / "www" / path
    place.parent.mkdir(parents=True, exist_ok=True)
    count = place.read_text("utf-8").count("\n\n") if place.exists() else 0
    text = "" if count else head_text(head)
    for number, hour in enumerate(hours, max(count, 1)):
        text += record_text(number, record(rec_type, hour))
    with place.open("ab") as file:
        file.write(text.encode())


def outbox(root: Path, limit: int = 4_000_000, event_date: str = "ymd") -> Outbox:
    return Outbox(root, event_date=event_date, dos_encoding="cp1251", text_limit_bytes=limit)


def moved(positions: dict[str, int], choice: Choice) -> dict[str, int]:
    return {**positions, **{taken.path: taken.end for taken in choice.ranges}}


def flight(ranges: tuple[Range, ...], variants: tuple[str, ...] = ("linux",)) -> InFlight:
    return InFlight(1, 7, COUNT_START, variants, ranges)


def built(box: Outbox, ranges: tuple[Range, ...], variant: str = "linux") -> Drop:
    return read_drop(box.build(flight(ranges, (variant,))).contents[variant])


def hours_in(drop: Drop, device: str = "440020", rec_type: RecType = RecType.HOUR) -> list[int]:
    blocks = drop.records[device, rec_type].blocks
    return [round(float(block.text.split("S1Tall=")[1].split("\n")[0])) for block in blocks]


def drained(box: Outbox, positions: dict[str, int] | None = None) -> list[Drop]:
    """Every drop that follows, until nothing remains."""
    positions = positions or {}
    drops = []
    while True:
        choice = box.choose(positions)
        drops.append(built(box, choice.ranges))
        positions = moved(positions, choice)
        if not choice.more:
            assert box.choose(positions) == Choice((), more=False)
            return drops


def test_an_empty_archive_gives_an_empty_choice_and_a_drop_of_snapshots(tmp_path: Path) -> None:
    assert outbox(tmp_path).choose({}) == Choice((), more=False)
    snapshots = tmp_path / "log/User/txt"
    snapshots.mkdir(parents=True)
    (snapshots / "440020.txt").write_text("[0]\nDevName=Котельная\n\n", "utf-8")
    (snapshots / "0.txt").write_text("[0]\nDevName=ТСМ-СМАРТ\n\n", "utf-8")
    (snapshots / "440020.out").write_text("no snapshot")
    (snapshots / "my notes.txt").write_text("no snapshot")
    drop = built(outbox(tmp_path), ())
    assert drop.snapshots == {"0": "[0]\nDevName=ТСМ-СМАРТ\n\n", "440020": "[0]\nDevName=Котельная\n\n"}
    assert drop.records == {}


def test_drop_ini_says_which_drop_this_is(tmp_path: Path) -> None:
    info = built(outbox(tmp_path, event_date="dmy"), (), "dos").info
    assert (info.number, info.seq, info.variant, info.start) == (1, 7, "dos", COUNT_START)
    assert (info.event_date, info.encoding) == ("dmy", "cp1251")


def test_devices_types_and_files_come_in_their_order_and_records_renumbered(tmp_path: Path) -> None:
    other = Head("Школа", "ТСМ", "5", 1)
    store(tmp_path, "5/M.txt", range(1), other, RecType.MONTH)
    store(tmp_path, "440020/M.txt", range(2), rec_type=RecType.MONTH)
    store(tmp_path, "440020/D-2018.txt", range(2), rec_type=RecType.DAY)
    store(tmp_path, "440020/H-2018-10.txt", range(720, 723))
    store(tmp_path, "440020/H-2018-09.txt", range(3))
    choice = outbox(tmp_path).choose({})
    names = ["440020/H-2018-09", "440020/H-2018-10", "440020/D-2018", "440020/M", "5/M"]
    assert [taken.path for taken in choice.ranges] == [f"{name}.txt" for name in names]
    assert not choice.more
    drop = built(outbox(tmp_path), choice.ranges)
    assert list(drop.records) == [
        ("440020", RecType.HOUR), ("440020", RecType.DAY), ("440020", RecType.MONTH), ("5", RecType.MONTH),
    ]  # fmt: skip
    assert hours_in(drop) == [0, 1, 2, 720, 721, 722]
    assert drop.records["440020", RecType.HOUR].head == HEAD
    assert drop.records["5", RecType.MONTH].head == other


def test_only_what_was_not_delivered_is_chosen_also_in_an_old_file(tmp_path: Path) -> None:
    store(tmp_path, "440020/H-2018-09.txt", range(3))
    store(tmp_path, "440020/H-2018-10.txt", range(720, 723))
    positions = moved({}, outbox(tmp_path).choose({}))
    assert outbox(tmp_path).choose(positions) == Choice((), more=False)
    store(tmp_path, "440020/H-2018-09.txt", range(3, 5))
    choice = outbox(tmp_path).choose(positions)
    assert hours_in(built(outbox(tmp_path), choice.ranges)) == [3, 4]


@settings(max_examples=40, deadline=None)
@given(limit=st.integers(1, 1500), first=st.integers(0, 9), second=st.integers(0, 9), days=st.integers(0, 5))
def test_whatever_the_limit_drops_carry_every_record_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, limit: int, first: int, second: int, days: int
) -> None:
    root = tmp_path_factory.mktemp("root")
    store(root, "440020/H-2018-09.txt", range(first))
    store(root, "440020/H-2018-10.txt", range(100, 100 + second))
    store(root, "440020/D-2018.txt", range(200, 200 + days), rec_type=RecType.DAY)
    box = outbox(root, limit)
    drops = drained(box)
    told = [hour for drop in drops for rec_type in "HD" for hour in _hours_or_none(drop, RecType(rec_type))]
    assert told == [*range(first), *range(100, 100 + second), *range(200, 200 + days)]


def _hours_or_none(drop: Drop, rec_type: RecType) -> list[int]:
    return hours_in(drop, rec_type=rec_type) if ("440020", rec_type) in drop.records else []


def test_a_drop_keeps_to_the_limit_but_takes_at_least_one_record(tmp_path: Path) -> None:
    store(tmp_path, "440020/H-2018-09.txt", range(100, 110))
    sizes = [taken.end - taken.start for taken in outbox(tmp_path, 250).choose({}).ranges]
    assert 0 < sum(sizes) <= 250
    choice = outbox(tmp_path, 1).choose({})
    assert len(built(outbox(tmp_path), choice.ranges).records["440020", RecType.HOUR].blocks) == 1
    assert choice.more


def test_a_limit_that_is_met_exactly_leaves_nothing_behind(tmp_path: Path) -> None:
    store(tmp_path, "440020/H-2018-09.txt", range(100, 110))
    whole = outbox(tmp_path).choose({})
    exact = whole.ranges[0].end - whole.ranges[0].start
    assert outbox(tmp_path, exact).choose({}) == whole
    assert outbox(tmp_path, exact - 1).choose({}).more


def test_files_with_other_heads_wait_for_the_next_drop_and_other_types_go(tmp_path: Path) -> None:
    store(tmp_path, "440020/H-2018-09.txt", range(3))
    store(tmp_path, "440020/H-2018-10.txt", range(720, 723), Head("Другая", "ТЭМ-104", "440020", 1))
    store(tmp_path, "440020/H-2018-11.txt", range(1500, 1502))
    store(tmp_path, "440020/D-2018.txt", range(2), rec_type=RecType.DAY)
    drops = drained(outbox(tmp_path))
    assert [hours_in(drop) for drop in drops] == [[0, 1, 2], [720, 721, 722], [1500, 1501]]
    assert [drop.records["440020", RecType.HOUR].head.dev_name for drop in drops] == [
        "Котельная", "Другая", "Котельная",
    ]  # fmt: skip
    assert hours_in(drops[0], rec_type=RecType.DAY) == [0, 1]


@pytest.mark.parametrize("torn", ["[4]\nRecType=H\nDateTime=01.09.18 03:00:00\nS1Q1=1", "[4", "\x00" * 300])
def test_a_record_whose_end_is_not_there_yet_is_not_taken(torn: str, tmp_path: Path) -> None:
    store(tmp_path, "440020/H-2018-09.txt", range(3))
    path = tmp_path / "www/440020/H-2018-09.txt"
    whole = path.stat().st_size
    with path.open("a") as file:
        file.write(torn)
    choice = outbox(tmp_path).choose({})
    assert choice.ranges[0].end == whole
    assert outbox(tmp_path).choose(moved({}, choice)).ranges == ()


def test_a_file_with_a_head_only_or_half_a_head_gives_nothing(tmp_path: Path) -> None:
    store(tmp_path, "440020/H-2018-09.txt", range(0))
    (tmp_path / "www/440020/D-2018.txt").write_text("[0]\nDevName=К")
    assert outbox(tmp_path).choose({}) == Choice((), more=False)


def test_records_behind_damage_follow_in_a_drop_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "www/440020/H-2018-09.txt"
    store(tmp_path, "440020/H-2018-09.txt", range(3))
    end = path.stat().st_size
    with path.open("a") as file:
        file.write("[4]\nRecTyp")
    with path.open("a") as file:
        file.write("\n" + record_text(5, record(RecType.HOUR, 5)))
    store(tmp_path, "440020/H-2018-10.txt", range(720, 722))
    box = outbox(tmp_path)
    first = box.choose({})
    assert (first.ranges[0].end, len(first.ranges), first.more) == (end, 1, True)
    choice = box.choose(moved({}, first))
    assert hours_in(built(box, choice.ranges)) == [5, 720, 721]
    assert choice.notices == (
        f"www/440020/H-2018-09.txt: повреждены байты {end}–{end + 11}, записи за ними отправляются",
    )
    assert box.choose(moved(moved({}, first), choice)) == Choice((), more=False)


def test_records_behind_damage_too_long_to_be_passed_over_wait_and_are_told(tmp_path: Path) -> None:
    """Mending cuts such a file off at the damage."""
    path = tmp_path / "www/440020/H-2018-09.txt"
    store(tmp_path, "440020/H-2018-09.txt", range(3))
    end = path.stat().st_size
    with path.open("ab") as file:
        file.write(bytes(PASSED_LIMIT_BYTES + 1) + record_text(5, record(RecType.HOUR, 5)).encode())
    box = outbox(tmp_path)
    choice = box.choose({})
    assert (choice.ranges[0].end, choice.more) == (end, False)
    for position in (end, end + 5000):
        assert box.choose({"440020/H-2018-09.txt": position}) == Choice(
            (), False, (f"www/440020/H-2018-09.txt: повреждён с байта {end}, записи за ним ждут исправления",)
        )


def test_records_behind_a_damaged_head_wait_and_are_told(tmp_path: Path) -> None:
    store(tmp_path, "440020/H-2018-09.txt", range(3))
    path = tmp_path / "www/440020/H-2018-09.txt"
    path.write_bytes(bytes(9) + path.read_bytes()[9:])
    for position in (0, path.stat().st_size - 9):
        assert outbox(tmp_path).choose({"440020/H-2018-09.txt": position}) == Choice(
            (), False, ("www/440020/H-2018-09.txt: повреждён с байта 0, записи за ним ждут исправления",)
        )


@pytest.mark.parametrize("further", [0, 20])
def test_a_file_with_another_record_across_the_place_is_another(further: int, tmp_path: Path) -> None:
    store(tmp_path, "440020/H-2018-09.txt", range(9))
    positions = moved({}, outbox(tmp_path).choose({}))
    (tmp_path / "www/440020/H-2018-09.txt").unlink()
    store(tmp_path, "440020/H-2018-09.txt", range(100, 109 + further))
    choice = outbox(tmp_path).choose(positions)
    assert hours_in(built(outbox(tmp_path), choice.ranges)) == list(range(100, 109 + further))
    assert "не тот файл" in choice.notices[0]


def test_another_file_under_a_known_name_begins_again_and_is_told(tmp_path: Path) -> None:
    store(tmp_path, "440020/H-2018-09.txt", range(9))
    positions = moved({}, outbox(tmp_path).choose({}))
    (tmp_path / "www/440020/H-2018-09.txt").unlink()
    store(tmp_path, "440020/H-2018-09.txt", range(2))
    choice = outbox(tmp_path).choose(positions)
    assert hours_in(built(outbox(tmp_path), choice.ranges)) == [0, 1]
    assert "не тот файл" in choice.notices[0]
    assert outbox(tmp_path).choose(moved(positions, choice)) == Choice((), more=False)


def test_only_a_file_that_was_removed_is_gone_not_one_out_of_reach(tmp_path: Path) -> None:
    store(tmp_path, "440020/H-2018-09.txt", range(1))
    paths = ("440020/H-2018-09.txt", "440020/H-2018-08.txt", "5/M.txt")
    assert outbox(tmp_path).gone(paths) == {"440020/H-2018-08.txt"}


def test_what_is_taken_was_synced_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store(tmp_path, "440020/H-2018-09.txt", range(3))
    store(tmp_path, "440020/M.txt", range(1), rec_type=RecType.MONTH)
    store(tmp_path, "5/M.txt", range(1), rec_type=RecType.MONTH)
    box = outbox(tmp_path)
    positions = {"5/M.txt": (tmp_path / "www/5/M.txt").stat().st_size}
    synced: set[str] = set()
    monkeypatch.setattr("engine.files.sync", lambda path: synced.add(str(path.relative_to(tmp_path))))
    box.choose(positions)
    assert synced == {"www/440020/H-2018-09.txt", "www/440020/M.txt", "www/440020", "www"}


def test_events_go_with_their_dates_in_the_order_of_the_settings(tmp_path: Path) -> None:
    place = tmp_path / "www/440020/E-2018.txt"
    place.parent.mkdir(parents=True)
    event = Event(datetime(2018, 9, 26, 12, 30), {"Sys": 1, "Code": 4, "State": 1})
    head = Head("Котельная", "ТЭМ-104", "440020", 1, event_date="ymd")
    place.write_text(head_text(head) + event_text(1, event, "ymd"), "utf-8")
    for order, date in (("ymd", "18.09.26"), ("dmy", "26.09.18")):
        box = outbox(tmp_path, event_date=order)
        drop = built(box, box.choose({}).ranges)
        assert f"DateTime={date} 12:30:00" in drop.records["440020", RecType.EVENT].blocks[0].text
        assert drop.records["440020", RecType.EVENT].head.event_date == order


def test_event_files_that_differ_only_in_the_order_of_dates_share_a_drop(tmp_path: Path) -> None:
    for year, order in ((2018, "ymd"), (2019, "dmy")):
        place = tmp_path / f"www/440020/E-{year}.txt"
        place.parent.mkdir(parents=True, exist_ok=True)
        head = Head("Котельная", "ТЭМ-104", "440020", 1, event_date=order)
        event = Event(datetime(year, 9, 26, 12, 30), {"Code": 4})
        place.write_text(head_text(head) + event_text(1, event, order), "utf-8")
    box = outbox(tmp_path, event_date="dmy")
    choice = box.choose({})
    assert not choice.more
    blocks = built(box, choice.ranges).records["440020", RecType.EVENT].blocks
    assert ["26.09.18" in blocks[0].text, "26.09.19" in blocks[1].text] == [True, True]


def test_both_variants_carry_the_same_and_a_repeat_has_the_same_bytes(tmp_path: Path) -> None:
    store(tmp_path, "440020/H-2018-09.txt", range(30))
    box = outbox(tmp_path)
    drop = flight(box.choose({}).ranges, ("linux", "dos"))
    parcel = box.build(drop)
    store(tmp_path, "440020/H-2018-09.txt", range(30, 40))
    assert box.build(drop) == parcel
    assert parcel.ranges == drop.ranges
    linux, dos = (read_drop(parcel.contents[variant]) for variant in ("linux", "dos"))
    assert linux.records == dos.records


def test_a_drop_whose_file_vanished_is_built_of_what_remains_and_told(tmp_path: Path) -> None:
    store(tmp_path, "440020/H-2018-09.txt", range(3))
    store(tmp_path, "440020/H-2018-10.txt", range(720, 723))
    box = outbox(tmp_path)
    ranges = box.choose({}).ranges
    (tmp_path / "www/440020/H-2018-09.txt").unlink()
    parcel = box.build(flight(ranges))
    assert hours_in(read_drop(parcel.contents["linux"])) == [720, 721, 722]
    assert parcel.ranges == ranges[1:]
    assert parcel.notices == ("www/440020/H-2018-09.txt: записи пропали с диска, отправлено без них",)


def test_a_drop_whose_file_was_cut_moves_the_cursor_only_over_what_is_there(tmp_path: Path) -> None:
    store(tmp_path, "440020/H-2018-09.txt", range(3))
    box = outbox(tmp_path)
    ranges = box.choose({}).ranges
    place = tmp_path / "www/440020/H-2018-09.txt"
    os.truncate(place, place.stat().st_size - 5)
    parcel = box.build(flight(ranges))
    assert hours_in(read_drop(parcel.contents["linux"])) == [0, 1]
    assert parcel.ranges[0].start == ranges[0].start
    assert parcel.ranges[0].end < ranges[0].end


def test_the_backlog_is_what_lies_behind_the_positions(tmp_path: Path) -> None:
    store(tmp_path, "440020/H-2018-09.txt", range(30))
    box = outbox(tmp_path)
    size = (tmp_path / "www/440020/H-2018-09.txt").stat().st_size
    assert box.backlog_bytes({}) == size
    assert box.backlog_bytes({"440020/H-2018-09.txt": size - 10}) == 10
    assert box.backlog_bytes(moved({}, box.choose({}))) == 0


def test_other_files_and_folders_under_www_are_left_alone(tmp_path: Path) -> None:
    store(tmp_path, "440020/H-2018-09.txt", range(1))
    (tmp_path / "www/440020/gaps.txt").write_text("H;a;b;c\n")
    (tmp_path / "www/440020/.H-2018-09.txt.tmp").write_text("[0]\n")
    (tmp_path / "www/Otchety280820").mkdir()
    (tmp_path / "www/Otchety280820/from1.pdf").write_bytes(b"")
    (tmp_path / "www/index.html").write_text("")
    assert [taken.path for taken in outbox(tmp_path).choose({}).ranges] == ["440020/H-2018-09.txt"]


def test_a_big_file_is_read_in_pieces(tmp_path: Path) -> None:
    store(tmp_path, "440020/H-2018-09.txt", range(20_000))
    positions: dict[str, int] = {}
    box = outbox(tmp_path, 300_000)
    hours: list[int] = []
    for _ in range(3):
        choice = box.choose(positions)
        positions = moved(positions, choice)
        hours += hours_in(built(box, choice.ranges))
        assert sum(taken.end - taken.start for taken in choice.ranges) <= 300_000
    assert hours == list(range(len(hours)))
    assert len(hours) > 5000

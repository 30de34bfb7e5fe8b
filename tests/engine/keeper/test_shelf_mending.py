"""Whatever the disk does to an archive file: whole records stay where they are, and there is room for the next one."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.delivery.cursor import Cursor, InFlight, Range, Target, cursor_path, write
from engine.delivery.outbox import Outbox
from engine.formats.archive import Head, after_damage, blocks, event_text, head_text, record_text
from engine.keeper.shelf_mending import HOLE_LIMIT_BYTES, Repair, apply, repair_of
from engine.model import Event, Record, RecType

HEAD = Head("ТЕМ-104", "ТЕМ-104", "440020", 1)
BEGIN = datetime(2018, 9, 25, 13)


def text(number: int) -> str:
    return record_text(number, Record(RecType.HOUR, BEGIN + timedelta(hours=number), ({"Q1": 2.0 * number},)))


DATA = (head_text(HEAD) + "".join(map(text, range(1, 41)))).encode()


def mended(data: bytes, folder: Path, head: Head | None = HEAD) -> tuple[bytes, Repair]:
    path = folder / "file.txt"
    path.write_bytes(data)
    repair = repair_of(data, head)
    apply(repair, path)
    return path.read_bytes(), repair


def whole(data: bytes) -> dict[int, str]:
    """Records by their place."""
    return {block.start: block.text for block in blocks(data)}


def at(number: int) -> int:
    return DATA.index(f"\n[{number}]\n".encode()) + 1


@settings(max_examples=150, deadline=None)
@given(
    spots=st.lists(st.tuples(st.integers(0, len(DATA) - 1), st.integers(1, 700), st.sampled_from([0, 10, 255, 91])),
                   min_size=1, max_size=4)
)  # fmt: skip
def test_every_record_that_damage_did_not_touch_stays_in_its_place(
    tmp_path_factory: pytest.TempPathFactory, spots: list[tuple[int, int, int]]
) -> None:
    damaged = bytearray(DATA)
    for begin, length, byte in spots:
        damaged[begin : begin + length] = bytes((byte,)) * len(damaged[begin : begin + length])
    data, repair = mended(bytes(damaged), tmp_path_factory.mktemp("x"))
    touched = [(begin, begin + length) for begin, length, _ in spots]
    untouched = {
        block.start: block.text
        for block in blocks(DATA)
        if all(end <= block.start or begin >= block.end for begin, end in touched)
    }
    assert not repair.gives_up or not any(untouched)
    assert {place: whole(data).get(place) for place in untouched if not repair.gives_up} == (
        {} if repair.gives_up else untouched
    )
    assert data == b"" or data.endswith(b"\n\n")
    assert len(data) <= len(DATA)
    again = repair_of(data, HEAD)
    assert (again.writes, again.length) == ([], len(data)), "mended once is mended"


def test_damage_is_empty_lines_and_a_torn_end_is_cut_off(tmp_path: Path) -> None:
    begin, end = at(3), at(6)
    damaged = DATA[:begin] + bytes(end - begin) + DATA[end:] + b"[41]\nRecTy"
    data, repair = mended(damaged, tmp_path)
    assert data == DATA[:begin] + b"\n" * (end - begin) + DATA[end:]
    assert repair.holes == [(begin, end)]
    assert [block.number for block in blocks(data)] == [0, 1, 2, *range(6, 41)]


def test_a_torn_end_alone_is_no_damage(tmp_path: Path) -> None:
    record = text(41).encode()
    for length in range(1, len(record)):
        data, repair = mended(DATA + record[:length], tmp_path)
        assert data == DATA
        assert not repair.is_damage
        assert f"отрезан оборванный конец, {length} байт" in repair.told("x", "y")
        assert mended(DATA + record[:length] + bytes(5000), tmp_path)[0] == DATA
    assert mended(DATA + bytes(5000), tmp_path)[0] == DATA


@pytest.mark.parametrize("in_flight", [False, True])
@pytest.mark.parametrize("sent", [0, len(DATA) - 1, len(DATA), len(DATA) + 1, len(DATA) + 30])
def test_an_end_that_looks_torn_and_was_sent_keeps_its_length(sent: int, in_flight: bool, tmp_path: Path) -> None:
    path = tmp_path / "www/440020/H-2018-09.txt"
    path.parent.mkdir(parents=True)
    path.write_bytes(DATA + bytes(30))
    target = Target("ftp.example.org", 21, "u", "")
    drop = InFlight(1, 1, "", ("linux",), (Range("440020/H-2018-09.txt", 0, sent),))
    places = {} if in_flight else {"440020/H-2018-09.txt": sent}
    noted = tmp_path / cursor_path(target)
    noted.parent.mkdir(parents=True)
    noted.write_text(write(Cursor(target, 2, "", places, drop if in_flight else None)), "utf-8")
    (tmp_path / "var/delivery/x").mkdir()
    (tmp_path / "var/delivery/x/cursor.txt").write_bytes(b"damaged")
    apply(repair_of(path.read_bytes(), HEAD), path)
    assert path.read_bytes() == DATA + b"\n" * (30 if sent > len(DATA) else 0)


@pytest.mark.parametrize("byte", [13, 255])
def test_a_damaged_end_may_have_been_sent_and_keeps_its_length(byte: int, tmp_path: Path) -> None:
    for length in (1, 3, at(40) - at(39), len(DATA) - at(35)):
        kept = len(DATA) - length
        data, repair = mended(DATA[:kept] + bytes((byte,)) * length, tmp_path)
        begin = max(block.end for block in blocks(DATA) if block.end <= kept)
        assert data == DATA[:begin] + b"\n" * (len(DATA) - begin)
        assert repair.holes == [(begin, len(DATA))]
        assert f"повреждён, байты {begin}–{len(DATA)}" in repair.told("x", "y")


def test_an_empty_end_stays_and_what_was_torn_behind_it_goes(tmp_path: Path) -> None:
    empty = DATA + b"\n" * 100
    data, repair = mended(empty, tmp_path)
    assert data == empty and not repair.is_damage
    assert repair.told("x", "y") == ""
    data, repair = mended(empty + b"[41]\nRecTy", tmp_path)
    assert data == empty and not repair.is_damage
    assert "отрезан оборванный конец, 10 байт" in repair.told("x", "y")


def test_a_damaged_end_too_long_to_be_filled_is_cut_off_and_put_aside(tmp_path: Path) -> None:
    data, repair = mended(DATA + b"\r" * (HOLE_LIMIT_BYTES + 1), tmp_path)
    assert data == DATA
    assert repair.gives_up and repair.is_damage


def test_a_damaged_head_is_written_again_where_it_was(tmp_path: Path) -> None:
    data, repair = mended(b"\0" * 20 + DATA[20:], tmp_path)
    assert data == DATA
    assert repair.is_damage and not repair.gives_up


def test_a_head_that_is_not_known_for_sure_is_not_made_up(tmp_path: Path) -> None:
    head = Head("ТЕМ-104", "ТЕМ-104", "440020", 1, "dmy")
    events = [event_text(number, Event(BEGIN, {"Text": str(number)}), "dmy") for number in (1, 2)]
    damaged = b"\0" + (head_text(head) + "".join(events)).encode()[1:]
    data, repair = mended(damaged, tmp_path, None)
    assert data == b""
    assert repair.gives_up
    longer = Head("ТЕМ-104" * 50, "ТЕМ-104", "440020", 1)
    assert mended(b"\0" * 20 + DATA[20:], tmp_path, longer)[1].gives_up


def test_a_stretch_too_long_to_be_passed_over_ends_the_file(tmp_path: Path) -> None:
    begin = at(3)
    damaged = DATA[:begin] + bytes(HOLE_LIMIT_BYTES + 1) + DATA[begin:]
    data, repair = mended(damaged, tmp_path)
    assert data == DATA[:begin]
    assert repair.gives_up
    assert after_damage(damaged, begin) is not None


def test_a_server_goes_on_behind_the_damage_from_where_it_was(tmp_path: Path) -> None:
    """Whether its place was before, inside or behind the damage: nothing whole is sent twice or left out."""
    path = tmp_path / "www/440020/H-2018-09.txt"
    path.parent.mkdir(parents=True)
    begin, end = at(10) + 5, at(20) + 5
    repair = repair_of(DATA[:begin] + bytes(end - begin) + DATA[end:], HEAD)
    path.write_bytes(DATA[:begin] + bytes(end - begin) + DATA[end:])
    apply(repair, path)
    outbox = Outbox(tmp_path, event_date="ymd", dos_encoding="cp1251")
    for delivered in (0, 5, 9, 10, 15, 19, 20, 21, 30, 39):
        position = at(delivered + 1) if delivered else 0
        choice = outbox.choose({"440020/H-2018-09.txt": position})
        sent = [
            block.number for taken in choice.ranges for block in blocks(path.read_bytes()[: taken.end], taken.start)
        ]
        assert sent == [number for number in (*range(1, 10), *range(21, 41)) if number > delivered]
        assert not choice.notices

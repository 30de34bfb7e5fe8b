"""Drops: what a dispatch system gets, in both variants, and what it refuses."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.formats import archive, drop
from engine.formats.drop import BadDrop, DropInfo, read_drop
from engine.formats.snapshot import snapshot_text
from engine.model import Record, RecType
from tests.fake.format_strategies import RECORDS
from tests.fake.golden_device import DAY, EVENT, EVENT_HEAD, HEAD, HOUR, VIEW

LINUX = DropInfo(200, 7, "linux", "26.09.18 09:13:54", "ymd", "utf-8")
DOS = replace(LINUX, variant="dos", encoding="cp1251")
BOTH = pytest.mark.parametrize("info", [LINUX, DOS, replace(DOS, encoding="cp866"), replace(DOS, encoding="utf-8")])

HOURS = [archive.record_text(number, HOUR) for number in (731, 732, 5)]
EVENTS = [archive.event_text(44, EVENT, "ymd")]


def members(info: DropInfo) -> list[tuple[str, bytes]]:
    texts = {
        drop.DROP_INI: drop.drop_ini(info),
        drop.snapshot_member("440020"): snapshot_text(VIEW),
        drop.records_member("440020", RecType.HOUR): drop.records_text(HEAD, HOURS),
        drop.records_member("440020", RecType.EVENT): drop.records_text(EVENT_HEAD, EVENTS),
    }
    dos_encoding = info.encoding if info.variant == "dos" else "cp1251"
    return [(name, drop.encode(text, info.variant, dos_encoding)) for name, text in texts.items()]


def changed(name: str, content: bytes | None, info: DropInfo = LINUX) -> bytes:
    """A drop in which one member is other, further, or missing (None)."""
    told = {**dict(members(info)), name: content}
    return packed((key, value) for key, value in told.items() if value is not None)


def packed(contents: Iterable[tuple[str, bytes]]) -> bytes:
    """Each content in two pieces, as a file that is read in pieces gives them."""
    return drop.pack((name, (content[:7], content[7:])) for name, content in contents)


def test_drop_ini_says_which_drop_it_is() -> None:
    assert drop.drop_ini(LINUX) == (
        "[0]\nNumber=200\nSeq=7\nVariant=linux\nStart=26.09.18 09:13:54\nEventDate=ymd\nEncoding=utf-8\n"
    )


def test_members_are_named_by_device_and_archive() -> None:
    assert [name for name, _ in members(LINUX)] == ["drop.ini", "440020.txt", "440020_H.txt", "440020_E.txt"]


@pytest.mark.parametrize("number", ["", "../../x", "a_H", "a b"])
def test_a_number_that_cannot_name_a_member_is_refused(number: str) -> None:
    with pytest.raises(ValueError, match="not a device number"):
        drop.snapshot_member(number)
    with pytest.raises(ValueError, match="not a device number"):
        drop.records_member(number, RecType.HOUR)


@BOTH
def test_what_is_packed_is_read(info: DropInfo) -> None:
    got = read_drop(packed(members(info)))
    assert got.info == info
    assert got.snapshots == {"440020": snapshot_text(VIEW)}
    assert got.records.keys() == {("440020", RecType.HOUR), ("440020", RecType.EVENT)}
    hours, events = got.records["440020", RecType.HOUR], got.records["440020", RecType.EVENT]
    assert (hours.head, events.head) == (HEAD, EVENT_HEAD)
    assert [archive.read_record(block) for block in hours.blocks] == [HOUR, HOUR, HOUR]
    assert archive.read_event(events.blocks[0], "ymd").stamp == EVENT.stamp


def test_records_are_numbered_from_one_and_else_untouched() -> None:
    text = drop.records_text(HEAD, HOURS)
    assert text == archive.head_text(HEAD) + "".join(archive.record_text(number, HOUR) for number in (1, 2, 3))
    assert text.encode().count(b"\n\n") == 4


def test_a_file_without_records_is_its_head() -> None:
    assert drop.records_text(HEAD, []) == archive.head_text(HEAD)


def test_the_linux_variant_is_utf_8_with_lf() -> None:
    assert drop.encode("Ш ³\nК\n", "linux", "cp1251") == "Ш ³\nК\n".encode()


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("cp1251", b"\xd8 ?\r\n\r\n"), ("cp866", b"\x98 ?\r\n\r\n"), ("utf-8", "Ш ³\r\n\r\n".encode())],
)
def test_the_dos_variant_has_crlf_and_a_question_mark_for_what_its_page_lacks(encoding: str, expected: bytes) -> None:
    assert drop.encode("Ш ³\n\n", "dos", encoding) == expected


@pytest.mark.parametrize(("variant", "encoding"), [("mac", "cp1251"), ("dos", "utf-7"), ("dos", "zip")])
def test_a_variant_that_there_is_not_is_refused(variant: str, encoding: str) -> None:
    with pytest.raises(ValueError, match="no such variant"):
        drop.encode("", variant, encoding)


@BOTH
def test_the_same_members_give_the_same_bytes(info: DropInfo) -> None:
    assert packed(members(info)) == packed(members(info))


def test_any_unzip_reads_a_drop() -> None:
    with zipfile.ZipFile(io.BytesIO(packed(members(LINUX)))) as zipped:
        assert zipped.testzip() is None
        entries = zipped.infolist()
        contents = [(entry.filename, zipped.read(entry)) for entry in entries]
    assert contents == members(LINUX)
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_DEFLATED}


@settings(max_examples=40)
@given(st.lists(RECORDS, max_size=4), st.sampled_from([LINUX, replace(DOS, encoding="utf-8")]))
def test_any_records_arrive_as_they_were_stored(records: list[Record], info: DropInfo) -> None:
    texts = [archive.record_text(number, record) for number, record in enumerate(records, 300)]
    name = drop.records_member("A1", RecType.HOUR)
    content = drop.encode(drop.records_text(HEAD, texts), info.variant, "utf-8")
    got = read_drop(changed(name, content, info)).records["A1", RecType.HOUR]
    assert [archive.numbered(block.text, number) for number, block in enumerate(got.blocks, 300)] == texts
    assert [archive.read_record(block) for block in got.blocks] == records


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("drop.ini", None),
        ("drop.ini", b"[0]\nNumber=1\n"),
        ("drop.ini", drop.drop_ini(LINUX).replace("Seq=7", "Seq=x").encode()),
        ("drop.ini", drop.drop_ini(LINUX).replace("linux", "mac").encode()),
        ("drop.ini", drop.drop_ini(LINUX).replace("utf-8", "utf-7").encode()),
        ("drop.ini", drop.drop_ini(LINUX).replace("[0]", "[1]").encode()),
        ("drop.ini", b"\xff"),
        ("../440020.txt", b"x"),
        ("440020_X.txt", b"x"),
        ("440020.txt", b"\xff"),
        ("440020.txt", b"[0]\r\n"),
        ("440020_D.txt", b""),
        ("440020_D.txt", b"[0]\nDevName=x\n\n"),
        ("440020_D.txt", drop.records_text(HEAD, [archive.record_text(1, DAY)]).encode()[:-1]),
        ("440020_D.txt", (archive.head_text(HEAD) + archive.record_text(2, DAY)).encode()),
        ("440020_D.txt", archive.record_text(1, DAY).encode()),
    ],
)
def test_a_drop_that_is_not_whole_is_refused(name: str, content: bytes | None) -> None:
    with pytest.raises(BadDrop):
        read_drop(changed(name, content))


def test_a_bomb_is_refused_before_it_unpacks(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = changed("440020.txt", b"\0" * 3_000_000)
    assert len(bomb) < 20_000
    monkeypatch.setattr(drop, "MAX_TEXT_BYTES", 2_000_000)
    with pytest.raises(BadDrop, match="more than a drop holds"):
        read_drop(bomb)


def test_a_bomb_that_announces_less_than_it_holds_is_refused() -> None:
    honest = changed("440020.txt", b"\0" * 3_000_000)
    lying = honest.replace((3_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != honest
    with pytest.raises(BadDrop):
        read_drop(lying)


def test_too_many_files_or_bytes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = packed(members(LINUX))
    monkeypatch.setattr(drop, "MAX_MEMBERS", 3)
    with pytest.raises(BadDrop, match="4 files"):
        read_drop(whole)
    monkeypatch.setattr(drop, "MAX_DATA_BYTES", 100)
    with pytest.raises(BadDrop, match="bytes are no drop"):
        read_drop(whole)


def test_two_files_of_one_name_are_refused() -> None:
    twice = [*members(LINUX), members(LINUX)[1]]
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = packed(twice)
    with pytest.raises(BadDrop, match="two files"):
        read_drop(data)


def test_another_compression_is_refused() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_BZIP2) as other:
        other.writestr("drop.ini", drop.drop_ini(LINUX))
    with pytest.raises(BadDrop, match="compression"):
        read_drop(packed.getvalue())


WHOLE = packed(members(LINUX))


@settings(max_examples=60)
@given(st.integers(0, len(WHOLE) - 1))
@example(0)
@example(len(WHOLE) - 1)
def test_a_drop_cut_anywhere_is_refused(length: int) -> None:
    with pytest.raises(BadDrop):
        read_drop(WHOLE[:length])


def test_a_directory_that_hides_files_is_refused() -> None:
    size_at = len(WHOLE) - 22 + 12
    short = WHOLE[:size_at] + (1).to_bytes(4, "little") + WHOLE[size_at + 4 :]
    with pytest.raises(BadDrop):
        read_drop(short)
    count_at = len(WHOLE) - 22 + 10
    with pytest.raises(BadDrop, match="announced"):
        read_drop(WHOLE[:count_at] + b"\x03\x00" + WHOLE[count_at + 2 :])


@settings(max_examples=150)
@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_changes_nothing(at: int, flip: int) -> None:
    broken = WHOLE[:at] + bytes([WHOLE[at] ^ flip]) + WHOLE[at + 1 :]
    try:
        got = read_drop(broken)
    except BadDrop:
        return
    assert got == read_drop(WHOLE)

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.delivery.cursor import Clash, Cursor, CursorDamaged, InFlight, Range, Target, cursor_path, read, write

WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=12)
NUMBERED = st.from_regex(r"\A[0-9A-Za-z]{1,20}\Z")
PATHS = st.builds("{}/{}.txt".format, NUMBERED, WORDS.filter(lambda text: "/" not in text))
NUMBERS = st.integers(0, 10**12)
RANGES = st.lists(st.builds(Range, PATHS, NUMBERS, NUMBERS), unique_by=lambda taken: taken.path, max_size=4).map(tuple)
SIZES = st.lists(NUMBERS, max_size=2).map(tuple)
DROPS = st.builds(InFlight, NUMBERS, NUMBERS, WORDS, st.sampled_from([("linux",), ("linux", "dos")]), RANGES, SIZES)
CURSORS = st.builds(
    Cursor,
    st.builds(Target, WORDS, st.integers(1, 65535), WORDS, WORDS),
    NUMBERS,
    WORDS,
    st.dictionaries(PATHS, NUMBERS, max_size=4),
    st.none() | DROPS,
    st.none() | st.builds(Clash, NUMBERS, WORDS, NUMBERS),
)

TARGET = Target("ftp.example.org", 21, "UDStesmart", "/drops")
CURSOR = Cursor(TARGET, 5, "22.11.26 08:27:00", {"440020/M.txt": 100, "440020/D-2018.txt": 7})
RECORDS = (Range("440020/D-2018.txt", 7, 90),)


@settings(max_examples=100, deadline=None)
@given(CURSORS)
def test_what_is_written_is_read_back(cursor: Cursor) -> None:
    assert read(write(cursor)) == cursor


@settings(max_examples=100, deadline=None)
@given(CURSORS, st.data())
def test_no_cut_or_changed_byte_is_taken_for_a_cursor(cursor: Cursor, data: st.DataObject) -> None:
    text = write(cursor)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(exclude_categories=("Cs",)).filter(lambda letter: letter != text[at]))
    for damaged in (text[:at], text[:at] + other + text[at + 1 :], text + other):
        with pytest.raises(CursorDamaged):
            read(damaged)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200))
def test_any_other_text_is_told_and_nothing_else(text: str) -> None:
    with pytest.raises(CursorDamaged):
        read(text)


def test_the_first_line_bears_the_version_and_the_text_says_which_server() -> None:
    lines = write(CURSOR).split("\n")
    assert lines[0] == "; delivery cursor 1"
    assert {"Host=ftp.example.org", "Port=21", "User=UDStesmart", "Directory=/drops"} <= set(lines)


def test_a_version_to_come_is_not_read() -> None:
    with pytest.raises(CursorDamaged, match="версия"):
        read(write(CURSOR).replace("cursor 1", "cursor 2", 1))


def test_a_server_is_host_port_user_and_directory() -> None:
    others = [
        Target("ftp2.example.org", 21, "UDStesmart", "/drops"),
        Target("ftp.example.org", 2121, "UDStesmart", "/drops"),
        Target("ftp.example.org", 21, "UDSTesmart", "/drops"),
        Target("ftp.example.org", 21, "UDStesmart", "drops"),
        Target("ftp.example.org", 21, "UDStesmart", ""),
        Target("ftp.example.org", 21, "UDStesmart", "/"),
    ]
    assert len({cursor_path(target) for target in (TARGET, *others)}) == 7


def test_case_of_the_host_and_a_last_slash_make_no_other_server() -> None:
    assert Target("FTP.Example.ORG", 21, "UDStesmart", "/drops//") == TARGET
    assert cursor_path(Target("FTP.Example.ORG", 21, "UDStesmart", "/drops/")) == cursor_path(TARGET)


@settings(max_examples=100, deadline=None)
@given(st.builds(Target, WORDS, st.integers(1, 65535), WORDS, WORDS))
def test_an_id_can_be_read_and_names_one_folder(target: Target) -> None:
    assert target.server_id.isascii()
    assert set(target.server_id) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-")
    assert len(target.server_id) <= 60
    assert not target.server_id.startswith(".")


def test_a_launched_drop_has_the_next_seq_and_the_count_goes_on() -> None:
    flying, drop = CURSOR.launch(1, ("linux", "dos"), RECORDS)
    assert drop == InFlight(1, 5, "22.11.26 08:27:00", ("linux", "dos"), RECORDS)
    assert flying.in_flight == drop
    assert flying.seq == 6
    assert flying.positions == CURSOR.positions


def test_only_a_landed_drop_moves_positions() -> None:
    landed = CURSOR.launch(1, ("linux",), RECORDS)[0].landed()
    assert landed.in_flight is None
    assert landed.positions == {"440020/M.txt": 100, "440020/D-2018.txt": 90}


def test_a_jump_goes_above_everything_and_never_back() -> None:
    assert CURSOR.jump(120, "23.11.26 00:00:00").seq == 121
    assert CURSOR.jump(2, "23.11.26 00:00:00").seq == 5
    assert CURSOR.jump(2, "23.11.26 00:00:00").start == "23.11.26 00:00:00"


def test_a_file_that_is_gone_is_forgotten_and_the_seq_goes_on() -> None:
    left = CURSOR.without(frozenset({"440020/M.txt"}))
    assert left.positions == {"440020/D-2018.txt": 7}
    assert left.seq == CURSOR.seq

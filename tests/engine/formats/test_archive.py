"""Archive blocks: the manual's own example, both directions, torn and damaged files."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.formats import archive
from engine.formats.archive import Block, blocks, event_text, head_text, record_text, whole_length
from engine.model import Event, Record, RecType
from tests.fake.format_strategies import EVENTS, LETTERS, RECORDS
from tests.fake.golden_device import DAY, EVENT, EVENT_HEAD, HEAD, HOUR, golden


def file_of(*records: Record) -> bytes:
    texts = [record_text(number, record) for number, record in enumerate(records, 1)]
    return (head_text(HEAD) + "".join(texts)).encode()


def only(data: bytes) -> Block:
    (block,) = blocks(data)
    return block


def records_in(data: bytes) -> list[Record]:
    return [archive.read_record(block) for block in blocks(data) if block.number]


THREE = file_of(HOUR, replace(HOUR, stamp=datetime(2018, 9, 26, 8)), replace(HOUR, repeat=2))
ENDS = [block.end for block in blocks(THREE)]


@pytest.mark.parametrize(("record", "name"), [(HOUR, "H-2018-09"), (DAY, "D-2018")])
def test_the_manuals_records_are_written_and_read_to_the_byte(record: Record, name: str) -> None:
    data = golden(f"archive_440020_{name}.txt")
    assert file_of(record) == data
    head, block = blocks(data)
    assert archive.read_head(head) == HEAD
    assert archive.read_record(block) == record


def test_the_manuals_event_is_written_and_read_to_the_byte() -> None:
    data = golden("archive_440020_E-2018.txt")
    assert (head_text(EVENT_HEAD) + event_text(1, EVENT, "ymd")).encode() == data
    head, block = blocks(data)
    assert archive.read_head(head) == EVENT_HEAD
    back = archive.read_event(block, "ymd")
    assert back.stamp == EVENT.stamp
    assert {key: value for key, value in back.values.items() if value is not None} == EVENT.values


def test_what_the_agent_adds_to_an_event_follows_the_manuals_keys() -> None:
    event = Event(EVENT.stamp, {"Text": "нет питания", "Source": "meter", "State": 1, "Code": 4, "Sys": 0, "TK": "13"})
    assert event_text(5, event, "dmy") == (
        "[5]\nRecType=E\nDateTime=07.09.18 10:02:02\nTK=13\nTO=\nGK=\nGO=\nFlow=\nSW1=\nSW2=\nSYS=\n"
        "Sys=0\nCode=4\nState=1\nSource=meter\nText=нет питания\n\n"
    )


def test_rep_is_the_last_key_of_a_repeated_stamp_only() -> None:
    assert record_text(3, replace(HOUR, repeat=2)).endswith("\nS1SW2=K\nRep=2\n\n")
    assert "Rep=" not in record_text(3, HOUR)


def test_a_growth_that_is_not_known_is_empty() -> None:
    first = Record(RecType.DAY, datetime(2018, 9, 1), ({"Q1": 1.0, "dQ1": None},))
    assert record_text(1, first) == "[1]\nRecType=D\nDateTime=01.09.18 00:00:00\nS1Q1=1.000\nS1dQ1=\n\n"


def test_a_value_without_a_manuals_key_is_kept_in_its_record() -> None:
    record = Record(RecType.DAY, datetime(2018, 9, 1), ({"Q1": 1.0, "V3": 2.0}, {"Q1": 3.0}))
    assert record_text(1, record).endswith("\nS1Q1=1.000\nS1V3=2.000\nS2Q1=3.000\n\n")
    assert archive.read_record(only(record_text(1, record).encode())) == record


def test_an_event_is_not_written_as_a_record() -> None:
    with pytest.raises(ValueError, match="not a record"):
        record_text(1, Record(RecType.EVENT, EVENT.stamp, ()))


def test_a_record_of_a_year_that_cannot_be_told_is_refused() -> None:
    with pytest.raises(ValueError, match="two digits"):
        record_text(1, replace(HOUR, stamp=datetime(1970, 1, 1)))


def test_blocks_tell_their_place_number_and_text() -> None:
    found = list(blocks(THREE))
    assert [block.number for block in found] == [0, 1, 2, 3]
    assert found[0].start == 0
    assert [block.end for block in found[:-1]] == [block.start for block in found[1:]]
    assert all(THREE[block.start : block.end].decode() == block.text for block in found)
    assert whole_length(THREE) == len(THREE)


def test_blocks_are_read_on_from_a_place() -> None:
    assert list(blocks(THREE, ENDS[1])) == list(blocks(THREE))[2:]
    assert list(blocks(THREE, len(THREE))) == []


def test_cut_at_any_byte_every_whole_record_is_there_and_nothing_else() -> None:
    whole = list(blocks(THREE))
    for length in range(len(THREE) + 1):
        expected = [block for block in whole if block.end <= length]
        assert list(blocks(THREE[:length])) == expected
        assert whole_length(THREE[:length]) == (expected[-1].end if expected else 0)


@pytest.mark.parametrize("tail", [b"\x00" * 4096, b"\xff" * 100, b"garbage\n\n", b"[4]\n\n", b"[x]\nRecType=H\n\n"])
@pytest.mark.parametrize("length", [0, 5, ENDS[0], ENDS[1] - 1, ENDS[1] + 3, len(THREE)])
def test_a_tail_of_garbage_is_no_record(length: int, tail: bytes) -> None:
    whole = [block for block in blocks(THREE) if block.end <= length]
    assert list(blocks(THREE[:length] + tail)) == whole
    assert whole_length(THREE[:length] + tail) == (whole[-1].end if whole else 0)


def test_nuls_behind_a_tear_in_any_place_are_no_record() -> None:
    for length in range(ENDS[1], ENDS[2]):
        assert whole_length(THREE[:length] + b"\x00" * 64) == ENDS[1]


def test_a_record_torn_anywhere_and_written_over_is_never_one_record_of_two() -> None:
    start, end, after = ENDS[0], ENDS[1], THREE[ENDS[1] : ENDS[2]]
    for length in range(start, end):
        assert whole_length(THREE[:length] + after) == (ENDS[0] if length > start else start + len(after))


@pytest.mark.parametrize(
    "bad",
    [
        "[1]\nRecType=X\nDateTime=26.09.18 07:00:00\n\n",
        "[1]\nRecType=H\n\n",
        "[1]\nDateTime=26.09.18 07:00:00\nRecType=H\n\n",
        "[1]\nRecType=H\nDateTime=26.09.18\n\n",
        "[1]\nRecType=H\nDateTime=26.09.18 07:00:00\nS1Q1\n\n",
        "[1]\nRecType=H\nDateTime=26.09.18 07:00:00\nS1Q1=1\0\n\n",
        "[1]\nRecType=H\nDateTime=26.09.18 07:00:00\nRecType=H\n\n",
        "[1]\r\nRecType=H\r\nDateTime=26.09.18 07:00:00\r\n\r\n",
        "[01]\nRecType=H\nDateTime=26.09.18 07:00:00\n\n",
        "[0]\nDevName=second head\n\n",
        " [1]\nRecType=H\nDateTime=26.09.18 07:00:00\n\n",
    ],
)
def test_a_malformed_block_ends_the_whole_part(bad: str) -> None:
    data = THREE + bad.encode() + record_text(9, HOUR).encode()
    assert whole_length(data) == len(THREE)


def test_a_block_that_is_not_utf_8_ends_the_whole_part() -> None:
    data = THREE + record_text(4, HOUR).encode().replace(b"SW2=K", b"SW2=\xc3")
    assert whole_length(data) == len(THREE)


def test_records_behind_damage_in_the_middle_are_found_again() -> None:
    damaged = THREE[: ENDS[1] + 10] + b"\x00" * 20 + THREE[ENDS[1] + 30 :]
    assert whole_length(damaged) == ENDS[1]
    assert archive.after_damage(damaged, ENDS[1]) == ENDS[2]
    assert [block.number for block in blocks(damaged, ENDS[2])] == [3]


def test_behind_a_torn_tail_nothing_is_found() -> None:
    assert archive.after_damage(THREE[:-1], ENDS[2]) is None
    assert archive.after_damage(THREE[:-1] + b"\x00" * 4096, ENDS[2]) is None


def test_a_key_tells_type_stamp_and_powered_time() -> None:
    _, first, second, third = blocks(THREE)
    assert archive.block_key(first) == ("H", "26.09.18 07:00:00", "219.793")
    assert archive.block_key(second) == ("H", "26.09.18 08:00:00", "219.793")
    assert archive.block_key(third) == archive.block_key(first)


def test_a_key_without_powered_time_or_with_an_unknown_one_says_nothing_of_it() -> None:
    assert archive.block_key(only(record_text(1, DAY).encode()))[2] == ""
    unknown = Record(RecType.DAY, DAY.stamp, ({"Tall": None}, {"Tall": 5.0}))
    assert archive.block_key(only(record_text(1, unknown).encode()))[2] == ""


def test_the_key_of_an_event_is_all_that_it_says_but_its_number() -> None:
    one, other = (only(event_text(number, EVENT, "ymd").encode()) for number in (1, 22))
    ended = only(event_text(1, Event(EVENT.stamp, {**EVENT.values, "State": 0}), "ymd").encode())
    assert archive.block_key(one) == archive.block_key(other)
    assert archive.block_key(one) != archive.block_key(ended)
    assert archive.block_key(one)[0] == "E"


def test_the_head_is_no_record_and_a_record_is_no_head() -> None:
    head, first = list(blocks(THREE))[:2]
    for read in (archive.block_key, archive.read_record):
        with pytest.raises(ValueError):
            read(head)
    with pytest.raises(ValueError):
        archive.read_head(first)
    with pytest.raises(ValueError):
        archive.read_event(first, "ymd")
    with pytest.raises(ValueError):
        archive.read_record(only(event_text(1, EVENT, "ymd").encode()))


def test_a_head_that_names_no_device_is_refused() -> None:
    with pytest.raises(ValueError, match="DevNumber"):
        archive.read_head(only(b"[0]\nDevName=x\n\n"))


@given(LETTERS, st.text(max_size=20), st.integers(0, 99), st.sampled_from([None, "ymd", "dmy"]))
def test_any_head_is_one_block_that_reads_back(name: str, kind: str, count: int, event_date: str | None) -> None:
    head = archive.Head(name, kind, "440020", count, event_date)
    block = only(head_text(head).encode())
    back = archive.read_head(block)
    assert head_text(back) == block.text
    assert (back.num_systems, back.event_date) == (count, event_date)


@settings(max_examples=80)
@given(RECORDS, st.integers(1, 10**6))
def test_any_record_reads_back_and_writes_to_the_same_text(record: Record, number: int) -> None:
    text = record_text(number, record)
    block = only(text.encode())
    assert archive.read_record(block) == record
    assert record_text(block.number, archive.read_record(block)) == text


@settings(max_examples=80)
@given(EVENTS, st.sampled_from(["ymd", "dmy"]))
def test_any_event_reads_back_and_writes_to_the_same_text(event: Event, order: str) -> None:
    text = event_text(1, event, order)
    back = archive.read_event(only(text.encode()), order)
    assert back == event
    assert event_text(1, back, order) == text


@settings(max_examples=60)
@given(st.lists(RECORDS, max_size=3), st.data())
def test_any_file_cut_anywhere_with_any_tail_keeps_its_whole_records(
    records: list[Record], data: st.DataObject
) -> None:
    file = file_of(*records)
    length = data.draw(st.integers(0, len(file)))
    tail = data.draw(st.binary(max_size=30))
    whole = [block for block in blocks(file) if block.end <= length]
    found = list(blocks(file[:length] + tail))
    assert found[: len(whole)] == whole
    assert records_in(file) == records


@settings(max_examples=60)
@given(RECORDS | EVENTS, st.integers(1, 10**6), st.integers(0, 10**6))
def test_another_number_leaves_all_else_as_it_was(told: Record | Event, first: int, second: int) -> None:
    text = record_text(first, told) if isinstance(told, Record) else event_text(first, told, "ymd")
    moved = archive.numbered(text, second)
    assert moved.startswith(f"[{second}]\n")
    assert moved.encode().split(b"\n", 1)[1] == text.encode().split(b"\n", 1)[1]
    assert archive.numbered(moved, first) == text


@settings(max_examples=60)
@given(EVENTS)
def test_the_date_of_an_event_is_turned_and_nothing_else(event: Event) -> None:
    text = event_text(1, event, "ymd")
    turned = archive.convert_event_date(text, "ymd", "dmy")
    assert turned == event_text(1, event, "dmy")
    assert archive.convert_event_date(turned, "dmy", "ymd") == text
    assert archive.convert_event_date(text, "ymd", "ymd") == text


def test_the_date_of_a_record_is_never_turned() -> None:
    text = THREE.decode()
    assert archive.convert_event_date(text, "ymd", "dmy") == text


def test_a_month_of_hours_is_read_in_moments() -> None:
    first = replace(HOUR, stamp=datetime(2018, 10, 1), systems=HOUR.systems * 3)
    data = file_of(*(replace(first, stamp=first.stamp + timedelta(hours=number)) for number in range(744)))
    began = time.process_time()
    keys = [archive.block_key(block) for block in blocks(data) if block.number]
    # Far above what it takes: only a search that grows with the square of the file would reach it.
    assert time.process_time() - began < 2
    assert len(set(keys)) == 744

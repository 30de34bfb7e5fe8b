"""What a file holds is told by its whole blocks; a stranger's block is counted and harms nobody."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings

from engine.archive.findings import mark_of
from engine.archive.shelf_index import Marks, block_text, indexed, mark_text, text_of_mark
from engine.dialogue import Condition, Fetched, Mark
from engine.formats import archive
from engine.formats.archive import Head
from engine.model import Event, Record, RecType
from tests.fake.format_strategies import EVENTS, RECORDS

STAMP = datetime(2018, 9, 25, 13)
HEAD = archive.head_text(Head("ТЕМ-104", "ТЕМ-104", "440020", 1))
RECORD = Record(RecType.HOUR, STAMP, ({"Q1": 1.0, "Tall": 5.0},))



def test_an_empty_file_holds_nothing() -> None:
    index = indexed(b"")
    assert (index.size, index.length, index.last_number, list(index.marks.stamps())) == (0, 0, 0, [])


def test_a_whole_file_is_known_to_its_end() -> None:
    data = (HEAD + archive.record_text(1, RECORD)).encode()
    index = indexed(data)
    assert (index.size, index.length, index.last_number) == (len(data), len(data), 1)
    assert list(index.marks.stamps()) == [STAMP]
    assert index.marks.has(STAMP, "5.000")
    assert not index.marks.has(STAMP, "5.00")
    assert not index.marks.has(STAMP.replace(hour=1), "5.000")
    assert (index.marks.count(STAMP), index.marks.count(STAMP.replace(hour=1))) == (1, 0)


def test_a_torn_tail_counts_for_the_size_and_not_for_the_length() -> None:
    whole = (HEAD + archive.record_text(1, RECORD)).encode()
    index = indexed(whole + b"[2]\nRecType=H\n")
    assert (index.size - index.length, index.last_number) == (14, 1)


@pytest.mark.parametrize(
    "strange",
    [
        "[2]\nRecType=H\nDateTime=99.99.18 13:00:00\n\n",
        "[2]\nRecType=E\nDateTime=18.09.25 13:00:00\nTK=\n\n",
    ],
)
def test_a_block_that_is_no_entry_of_ours_is_counted_and_passed_over(strange: str) -> None:
    data = (HEAD + archive.record_text(1, RECORD) + strange).encode()
    index = indexed(data)
    assert (index.length, index.last_number) == (len(data), 2)
    assert list(index.marks.stamps()) == [STAMP]
    assert index.marks.has(STAMP, "5.000")


def test_a_head_that_names_no_device_harms_nobody() -> None:
    index = indexed(("[0]\nDevName=x\n\n" + archive.record_text(1, RECORD)).encode())
    assert index.marks.has(STAMP, "5.000")


@settings(max_examples=100)
@given(RECORDS)
def test_the_mark_of_a_record_is_the_same_from_the_meter_and_from_the_file(record: Record) -> None:
    data = (HEAD + block_text(1, record, None)).encode()
    assert indexed(data).marks.has(record.stamp, mark_text(record))


@settings(max_examples=100)
@given(EVENTS)
def test_the_mark_of_an_event_is_the_same_from_the_meter_from_a_probe_and_from_the_file(event: Event) -> None:
    for order in ("ymd", "dmy"):
        head = archive.head_text(Head("ТЕМ-104", "ТЕМ-104", "440020", 1, order))
        index = indexed((head + block_text(1, event, order)).encode())
        assert index.marks.has(event.stamp, mark_text(event))
        assert text_of_mark(mark_of(Fetched(Condition.GOOD, event))) == mark_text(event)


def test_entries_of_one_stamp_are_told_apart_and_counted() -> None:
    marks = Marks()
    for mark in ("5.000", "6.000", "odd\0one\n"):
        marks.add("25.10.26 14:00:00", mark)
    stamp = datetime(2026, 10, 25, 14)
    assert marks.count(stamp) == len(list(marks.stamps())) == 3
    assert all(marks.has(stamp, mark) for mark in ("5.000", "6.000", "odd\0one\n"))
    assert not any(marks.has(stamp, mark) for mark in ("", ".000", "5", "5.000\t6.000", "one\n"))


def test_the_mark_of_a_probed_record_is_its_powered_time_as_it_is_printed() -> None:
    assert text_of_mark(Mark(STAMP, 5.00049)) == mark_text(RECORD)
    assert text_of_mark(Mark(STAMP)) == ""

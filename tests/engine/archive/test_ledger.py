"""The ledger says after a restart what it said before; a damaged one is refused as a whole."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.archive.findings import Cursor
from engine.archive.ledger import TITLE, Ledger, ledger_text, read_ledger
from engine.dialogue import Mark
from engine.formats.archive import event_fields
from engine.model import Event, RecType
from tests.fake.format_strategies import EVENTS, STAMPS

PLACES = st.integers(0, 10**6)
MARKS = st.one_of(
    st.builds(Mark, st.none() | STAMPS, st.none() | st.floats(0, 1e9)),
    EVENTS.map(lambda event: Mark(event.stamp, None, event_fields(event))),
)
LEDGERS = st.builds(
    Ledger,
    st.text("0123456789ABCdef", max_size=20),
    st.dictionaries(st.sampled_from(RecType), st.builds(Cursor, PLACES, MARKS)),
    st.dictionaries(st.sampled_from(RecType), st.dictionaries(PLACES, st.none() | STAMPS, min_size=1, max_size=4)),
)
WHOLE = Ledger(
    "440020",
    {RecType.HOUR: Cursor(17, Mark(datetime(2018, 9, 25, 13), 1234.5)), RecType.DAY: Cursor(3, Mark(None))},
    {RecType.HOUR: {5: datetime(2018, 9, 24, 7), 9: None}},
)


@settings(max_examples=200)
@given(LEDGERS)
def test_what_is_written_is_read_back(ledger: Ledger) -> None:
    assert read_ledger(ledger_text(ledger)) == ledger


def test_the_mark_of_an_event_is_all_that_it_says_also_after_a_restart() -> None:
    event = Event(datetime(2018, 9, 25, 13, 1, 2), {"TK": "1;2", "Text": "ПИТ"})
    cursor = Cursor(4, Mark(event.stamp, None, event_fields(event)))
    ledger = Ledger("1").moved(RecType.EVENT, cursor)
    assert read_ledger(ledger_text(ledger)).cursors[RecType.EVENT] == cursor


def test_the_file_can_be_read_by_a_person() -> None:
    assert ledger_text(WHOLE).splitlines() == [
        TITLE,
        "meter;440020",
        "cursor;D;3;;;",
        "cursor;H;17;25.09.18 13:00:00;1234.5;",
        "damaged;H;5;24.09.18 07:00:00",
        "damaged;H;9;",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\x00" * 40,
        "meter;440020\n",
        "meter ledger 2\nmeter;440020\n",
        f"{TITLE}\nmeter\n",
        f"{TITLE}\nmeter;1\ncursor;H;17;25.09.18 13:00:00\n",
        f"{TITLE}\ncursor;Q;17;25.09.18 13:00:00;1.0;\n",
        f"{TITLE}\ncursor;H;x;25.09.18 13:00:00;1.0;\n",
        f"{TITLE}\ncursor;H;17;2018-09-25T13:00:00+03:00;1.0;\n",
        f"{TITLE}\ncursor;H;17;25.13.18 13:00:00;1.0;\n",
        f"{TITLE}\ndamaged;H;5\n",
        f"{TITLE}\nnonsense;1\n",
        f"{TITLE}\n\nmeter;1\n",
    ],
)
def test_a_damaged_ledger_is_refused_as_a_whole(text: str) -> None:
    with pytest.raises(ValueError):
        read_ledger(text)


@settings(max_examples=300)
@given(st.text(max_size=200))
def test_whatever_the_text_it_is_a_ledger_or_refused(text: str) -> None:
    for whole in (text, f"{TITLE}\n{text}"):
        try:
            read_ledger(whole)
        except ValueError:
            continue


def test_changes_make_a_new_ledger_and_leave_the_old_one() -> None:
    cursor = Cursor(18, Mark(datetime(2018, 9, 25, 14), 1235.5))
    moved = WHOLE.moved(RecType.HOUR, cursor).with_damaged(RecType.HOUR, {})
    assert moved.cursors[RecType.HOUR] == cursor
    assert moved.damaged[RecType.HOUR] == {}
    assert WHOLE.cursors[RecType.HOUR].place == 17
    assert WHOLE.damaged[RecType.HOUR] == {5: datetime(2018, 9, 24, 7), 9: None}

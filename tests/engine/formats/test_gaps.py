"""Gaps: the file, spans that grow, merge and shrink, and what is missing between two records."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.formats import gaps
from engine.formats.gaps import DAMAGED, NOT_IN_METER, OVER_LIMIT, Gap, missing_between, stamp_after
from engine.model import RecType

H, D, M, E = RecType.HOUR, RecType.DAY, RecType.MONTH, RecType.EVENT
BASE = datetime(2018, 9, 26)


def hour(number: int) -> datetime:
    return BASE + timedelta(hours=number)


def span(first: int, last: int, reason: str = NOT_IN_METER) -> Gap:
    return Gap(H, hour(first), hour(last), reason)


def test_a_gap_is_one_line() -> None:
    text = gaps.gaps_text([span(1, 5), Gap(M, datetime(2018, 8, 25), datetime(2018, 8, 25), OVER_LIMIT)])
    assert text == (
        "H;26.09.18 01:00:00;26.09.18 05:00:00;нет в приборе\n"
        "M;25.08.18 00:00:00;25.08.18 00:00:00;удалено по ArchiveLimit\n"
    )


@pytest.mark.parametrize(
    "line",
    [
        "garbage",
        "X;26.09.18 01:00:00;26.09.18 05:00:00;r",
        "H;26.09.18 05:00:00;26.09.18 01:00:00;r",
        "H;;;",
        "H;31.02.18 01:00:00;26.09.18 05:00:00;r",
    ],
)
def test_a_line_that_tells_no_gap_is_kept(line: str) -> None:
    text = gaps.gaps_text([span(1, 2)], [line])
    assert gaps.read_gaps(text) == ((span(1, 2),), (line,))


def test_no_gaps_are_an_empty_file() -> None:
    assert gaps.gaps_text([]) == ""
    assert gaps.read_gaps("") == ((), ())


def test_a_reason_with_semicolons_and_lines_in_it_stays_one_line() -> None:
    text = gaps.gaps_text([span(1, 1, "a;b\nc")])
    assert gaps.read_gaps(text)[0] == (span(1, 1, "a;b c"),)


@pytest.mark.parametrize(
    ("first", "second", "merged"),
    [
        (span(1, 3), span(4, 6), (span(1, 6),)),
        (span(4, 6), span(1, 3), (span(1, 6),)),
        (span(1, 5), span(2, 3), (span(1, 5),)),
        (span(1, 3), span(5, 6), (span(1, 3), span(5, 6))),
        (span(1, 3), span(4, 4, DAMAGED), (span(1, 3), span(4, 4, DAMAGED))),
    ],
)
def test_spans_of_one_reason_that_touch_become_one(first: Gap, second: Gap, merged: tuple[Gap, ...]) -> None:
    assert gaps.add(gaps.add((), first), second) == merged


def test_a_span_between_two_joins_them() -> None:
    assert gaps.add((span(1, 2), span(4, 5)), span(3, 3)) == (span(1, 5),)


def test_the_newest_reason_stands() -> None:
    assert gaps.add((span(1, 5, DAMAGED),), span(3, 3)) == (span(1, 2, DAMAGED), span(3, 3), span(4, 5, DAMAGED))
    assert gaps.add((span(2, 3, DAMAGED),), span(1, 5)) == (span(1, 5),)


def test_archives_do_not_meddle_with_each_other() -> None:
    day = Gap(D, hour(2), hour(2), NOT_IN_METER)
    assert gaps.add((span(1, 3),), day) == (span(1, 3), day)
    assert gaps.remove((span(1, 3), day), D, hour(2)) == (span(1, 3),)


def test_a_last_stamp_off_the_steps_of_a_gap_stays_missing() -> None:
    gap = Gap(D, datetime(2018, 9, 1), datetime(2018, 9, 3, 10), NOT_IN_METER)
    rest = gaps.remove(gaps.remove((gap,), D, datetime(2018, 9, 1)), D, datetime(2018, 9, 2))
    assert rest == (Gap(D, datetime(2018, 9, 3), datetime(2018, 9, 3, 10), NOT_IN_METER),)
    assert gaps.remove(rest, D, datetime(2018, 9, 3)) == (replace(gap, first=gap.last),)


@pytest.mark.parametrize(
    ("number", "left"),
    [
        (1, (span(2, 5, DAMAGED),)),
        (3, (span(1, 2, DAMAGED), span(4, 5, DAMAGED))),
        (5, (span(1, 4, DAMAGED),)),
        (0, (span(1, 5, DAMAGED),)),
        (6, (span(1, 5, DAMAGED),)),
    ],
)
def test_a_record_that_was_read_at_last_is_no_gap(number: int, left: tuple[Gap, ...]) -> None:
    assert gaps.remove((span(1, 5, DAMAGED),), H, hour(number)) == left


def test_a_single_record_that_was_read_leaves_nothing() -> None:
    assert gaps.remove((span(1, 1, DAMAGED),), H, hour(1)) == ()


def test_a_record_beside_the_hours_of_a_gap_takes_nothing_from_it() -> None:
    assert gaps.remove((span(1, 5),), H, hour(3) + timedelta(minutes=30)) == (span(1, 5),)


def test_months_of_a_gap_are_counted_by_the_calendar() -> None:
    gap = Gap(M, datetime(2018, 1, 31), datetime(2018, 4, 30), DAMAGED)
    assert gaps.remove((gap,), M, datetime(2018, 2, 28)) == (
        Gap(M, datetime(2018, 1, 31), datetime(2018, 1, 31), DAMAGED),
        Gap(M, datetime(2018, 3, 31), datetime(2018, 4, 30), DAMAGED),
    )


@settings(max_examples=150)
@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 40), st.integers(0, 6), st.sampled_from([NOT_IN_METER, DAMAGED])),
        max_size=12,
    )
)
def test_any_row_of_changes_leaves_exactly_the_hours_that_are_missing(
    changes: list[tuple[bool, int, int, str]],
) -> None:
    told: tuple[Gap, ...] = ()
    expected: dict[int, str] = {}
    for adding, first, length, reason in changes:
        if adding:
            told = gaps.add(told, span(first, first + length, reason))
            expected.update(dict.fromkeys(range(first, first + length + 1), reason))
        else:
            told = gaps.remove(told, H, hour(first))
            expected.pop(first, None)
    assert hours_of(told) == expected
    assert gaps.read_gaps(gaps.gaps_text(told)) == (told, ())
    assert list(told) == sorted(told, key=lambda gap: gap.first)


@pytest.mark.parametrize(
    ("rec_type", "before", "after", "missing"),
    [
        (H, "26.09.18 07", "26.09.18 08", None),
        (H, "26.09.18 07", "26.09.18 09", ("26.09.18 08", "26.09.18 08")),
        (H, "26.09.18 22", "27.09.18 02", ("26.09.18 23", "27.09.18 01")),
        (H, "26.09.18 08", "26.09.18 07", None),
        (H, "26.09.18 08", "26.09.18 08", None),
        (D, "24.09.18 00", "25.09.18 00", None),
        (D, "24.09.18 00", "27.09.18 00", ("25.09.18 00", "26.09.18 00")),
        (D, "24.09.18 10", "24.09.18 22", None),
        (D, "28.02.20 00", "01.03.20 00", ("29.02.20 00", "29.02.20 00")),
        (M, "25.08.18 00", "25.09.18 00", None),
        (M, "25.08.18 00", "25.11.18 00", ("25.09.18 00", "25.10.18 00")),
        (M, "31.12.18 00", "31.03.19 00", ("31.01.19 00", "28.02.19 00")),
        (M, "31.01.19 00", "28.02.19 00", None),
        (M, "25.11.18 00", "25.02.19 00", ("25.12.18 00", "25.01.19 00")),
        (M, "25.08.18 00", "01.09.18 00", None),
        (E, "25.08.18 00", "25.09.18 00", None),
    ],
)
def test_what_should_stand_between_two_records_is_missing(
    rec_type: RecType, before: str, after: str, missing: tuple[str, str] | None
) -> None:
    expected = (at(missing[0]), at(missing[1])) if missing else None
    assert missing_between(rec_type, at(before), at(after)) == expected


@pytest.mark.parametrize(
    ("rec_type", "stamp", "steps", "after"),
    [
        (H, "31.12.18 23", 1, "01.01.19 00"),
        (D, "28.02.20 10", 1, "29.02.20 10"),
        (M, "31.12.18 00", 2, "28.02.19 00"),
        (M, "25.01.19 00", -1, "25.12.18 00"),
    ],
)
def test_the_next_stamp_is_a_step_of_its_archive_further(rec_type: RecType, stamp: str, steps: int, after: str) -> None:
    assert stamp_after(rec_type, at(stamp), steps) == at(after)


@given(st.sampled_from([H, D, M]), st.integers(0, 500), st.integers(0, 500))
def test_neighbours_of_what_is_missing_miss_nothing(rec_type: RecType, start: int, length: int) -> None:
    before = hour(start)
    after = before + timedelta(hours=length)
    missing = missing_between(rec_type, before, after)
    if missing is None:
        return
    first, last = missing
    assert before < first <= last < after
    assert missing_between(rec_type, before, first) is None
    assert missing_between(rec_type, last, after) is None


def at(text: str) -> datetime:
    return datetime.strptime(text, "%d.%m.%y %H")


def hours_of(told: tuple[Gap, ...]) -> dict[int, str]:
    """The reason of each missing hour; one that is told twice fails."""
    found: dict[int, str] = {}
    for gap in told:
        first, last = ((stamp - BASE) // timedelta(hours=1) for stamp in (gap.first, gap.last))
        for number in range(first, last + 1):
            assert number not in found
            found[number] = gap.reason
    return found


@given(st.sets(st.integers(0, 30)), st.sampled_from([NOT_IN_METER, DAMAGED]))
def test_many_records_that_were_stored_leave_what_they_leave_one_by_one(stored: set[int], reason: str) -> None:
    told = gaps.add(gaps.add((), span(3, 25)), span(10, 12, reason))
    one_by_one = told
    for number in stored:
        one_by_one = gaps.remove(one_by_one, H, hour(number))
    assert gaps.remove_all(told, [(H, hour(number)) for number in stored]) == one_by_one
    assert hours_of(one_by_one).keys() == set(range(3, 26)) - stored


def test_a_damaged_record_that_was_written_over_is_missing_still() -> None:
    told = (span(1, 1, OVER_LIMIT), span(3, 5, DAMAGED), replace(span(4, 4, DAMAGED), rec_type=D))
    assert hours_of(gaps.lose(told, H, hour(4))[:-1]) == {1: OVER_LIMIT, 3: DAMAGED, 4: NOT_IN_METER, 5: DAMAGED}
    assert gaps.lose(told, H, hour(1)) == told
    assert gaps.lose(told, H, hour(9)) == told

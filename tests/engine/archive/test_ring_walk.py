"""The walk through a meter's ring finds every record that the meter has, once, oldest first."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.archive.catchup import Catchup
from engine.archive.findings import Cursor, Damaged, Finding, Found, Healed, Newest, Passed, mark_of
from engine.archive.ring_walk import RingWalk
from engine.dialogue import Condition, Fetched, Mark
from engine.model import RecType
from tests.fake.ring_meter import BEGIN, RingMeter


def stamps(findings: list[Finding]) -> list[object]:
    return [finding.record.stamp for finding in findings if isinstance(finding, Found)]


def last_cursor(findings: list[Finding]) -> Cursor:
    return [finding.cursor for finding in findings if isinstance(finding, Found | Passed | Damaged)][-1]


def after(walk_findings: list[Finding]) -> RingWalk:
    """A walk after a restart: the cursor is known, nothing else."""
    return RingWalk(last_cursor(walk_findings), lambda mark: mark.stamp in stamps(walk_findings))


def test_a_ring_that_never_came_round_is_read_from_its_first_place() -> None:
    meter = RingMeter(count=100)
    meter.write(7)
    findings = meter.walk(RingWalk(None, None))
    assert stamps(findings) == [record.stamp for record in meter.written]
    assert len(meter.fetched) <= 7 + 2, "empty places are not read one by one"


def test_a_full_ring_is_read_oldest_first_across_its_end() -> None:
    meter = RingMeter(count=10)
    meter.write(14)
    assert stamps(meter.walk(RingWalk(None, None))) == [record.stamp for record in meter.written[4:]]


def test_one_empty_place_ahead_of_the_pen_does_not_hide_the_old_records() -> None:
    meter = RingMeter(count=10)
    meter.write(14)
    meter.places[meter.next_place] = None
    assert stamps(meter.walk(RingWalk(None, None))) == [record.stamp for record in meter.written[5:]]


def test_the_newest_record_is_read_first_and_not_stored_before_its_turn() -> None:
    meter = RingMeter(count=10)
    meter.write(6)
    findings = meter.walk(RingWalk(None, None))
    assert isinstance(findings[0], Newest)
    assert findings[0].record.stamp == meter.written[-1].stamp
    assert findings[0].record.systems[0]["dQ1"] == 2.0
    assert [finding.newest for finding in findings if isinstance(finding, Found)] == [False] * 5 + [True]


def test_no_place_is_read_twice() -> None:
    meter = RingMeter(count=10)
    meter.write(10)
    meter.walk(RingWalk(None, None))
    assert sorted(meter.fetched) == sorted(set(meter.fetched))


def test_growth_is_known_from_the_second_record_on() -> None:
    meter = RingMeter(count=10)
    meter.write(3)
    found = [finding.record.systems[0] for finding in meter.walk(RingWalk(None, None)) if isinstance(finding, Found)]
    assert [values["dQ1"] for values in found] == [None, 2.0, 2.0]


def test_after_a_restart_only_what_is_new_is_stored_and_its_growth_is_known() -> None:
    meter = RingMeter(count=10)
    meter.write(6)
    before = meter.walk(RingWalk(None, None))
    meter.write(2)
    meter.fetched.clear()
    found = [finding for finding in meter.walk(after(before)) if isinstance(finding, Found)]
    assert [finding.record.stamp for finding in found] == [record.stamp for record in meter.written[6:]]
    assert [finding.record.systems[0]["dQ1"] for finding in found] == [2.0, 2.0]
    assert len(meter.fetched) == 3
    assert not meter.probed


def test_nothing_is_read_twice_when_exactly_one_round_was_written() -> None:
    meter = RingMeter(count=10)
    meter.write(10)
    before = meter.walk(RingWalk(None, None))
    meter.write(10)
    assert stamps(meter.walk(after(before))) == [record.stamp for record in meter.written[10:]]


def test_after_a_lost_ledger_stored_records_are_only_probed() -> None:
    meter = RingMeter(count=50)
    meter.write(40)
    stored = {record.stamp for record in meter.written[:30]}
    findings = meter.walk(RingWalk(None, lambda mark: mark.stamp in stored))
    assert stamps(findings) == [record.stamp for record in meter.written[30:]]
    assert len(meter.fetched) <= 10 + 4
    first = next(finding for finding in findings if isinstance(finding, Found))
    assert first.record.systems[0]["dQ1"] == 2.0, "the record before it was stored, but its growth is known"


def test_records_written_while_the_walk_goes_on_are_read_too() -> None:
    meter = RingMeter(count=10)
    meter.write(8)
    walk = RingWalk(None, None)
    findings = meter.walk(walk, most=4)
    meter.write(1)
    findings += meter.walk(walk)
    assert stamps(findings) == [record.stamp for record in meter.written]


def test_a_meter_that_overtakes_the_walk_costs_only_what_it_wrote_over() -> None:
    meter = RingMeter(count=10)
    meter.write(10)
    walk = RingWalk(None, None)
    findings = meter.walk(walk, most=5)
    meter.write(9)
    findings += meter.walk(walk)
    assert stamps(findings)[-10:] == [record.stamp for record in meter.written[-10:]]
    assert len(set(stamps(findings))) == len(stamps(findings))


def test_a_stamp_from_the_future_blinds_nobody() -> None:
    meter = RingMeter(count=20)
    meter.write(3)
    meter.clock += timedelta(days=4000)
    meter.write(1)
    meter.clock -= timedelta(days=4000)
    meter.write(3)
    before = meter.walk(RingWalk(None, None))
    assert stamps(before) == [record.stamp for record in meter.written]
    meter.write(2)
    assert stamps(meter.walk(after(before))) == [record.stamp for record in meter.written[-2:]]


def test_a_damaged_record_is_told_with_the_stamp_that_it_should_bear() -> None:
    meter = RingMeter(count=10)
    meter.write(5)
    meter.damaged.add(meter.first + 2)
    findings = meter.walk(RingWalk(None, None))
    (damage,) = [finding for finding in findings if isinstance(finding, Damaged)]
    assert damage.stamp == BEGIN + timedelta(hours=3)
    assert len(stamps(findings)) == 4
    later = next(finding for finding in findings if isinstance(finding, Found) and finding.record.stamp > damage.stamp)
    assert later.record.systems[0]["dQ1"] is None, "growth over an unread record is unknown"
    assert later.before == BEGIN + timedelta(hours=2)


def test_a_damaged_record_that_can_be_read_later_is_healed() -> None:
    meter = RingMeter(count=10)
    meter.write(5)
    meter.damaged.add(meter.first + 2)
    walk = RingWalk(None, None)
    meter.walk(walk)
    meter.damaged.clear()
    assert not meter.walk(walk)
    walk.retry_damaged()
    (healed,) = meter.walk(walk)
    assert isinstance(healed, Healed)
    assert healed.record.stamp == healed.stamp == BEGIN + timedelta(hours=3)
    assert healed.record.systems[0]["dQ1"] == 2.0


def test_a_damaged_place_that_was_written_over_is_not_tried_again() -> None:
    meter = RingMeter(count=5)
    meter.write(5)
    meter.damaged.add(meter.first)
    walk = RingWalk(None, None)
    meter.walk(walk)
    meter.write(1)
    meter.walk(walk)
    assert not walk.damaged


def test_rings_of_another_size_are_read_anew() -> None:
    small, large = RingMeter(count=5), RingMeter(count=9, first=3)
    small.write(5)
    large.write(9)
    walk = RingWalk(None, None)
    small.walk(walk)
    assert stamps(large.walk(walk)) == [record.stamp for record in large.written]


def test_an_answer_that_a_refresh_has_overtaken_is_passed_over() -> None:
    meter = RingMeter(count=5)
    meter.write(3)
    catchup = Catchup({RecType.HOUR: RingWalk(None, None)})
    catchup.refresh((meter.ring(),))
    task = catchup.task()
    assert task is not None
    other = type(task)(task.ring, task.place + 1)
    assert catchup.answer(other, Fetched(Condition.EMPTY)) == []
    assert catchup.task() == task


def test_an_answer_for_a_ring_that_another_catch_up_leaves_alone_is_passed_over() -> None:
    meter = RingMeter(count=5)
    meter.write(3)
    first, second = (Catchup({kind: RingWalk(None, None)}) for kind in (RecType.HOUR, RecType.DAY))
    first.refresh((meter.ring(),))
    second.refresh((meter.ring(),))
    task = first.task()
    assert task is not None
    assert second.answer(task, meter.answer(task)) == []


def test_a_cursor_remembers_the_stamp_and_the_powered_time() -> None:
    meter = RingMeter(count=5)
    meter.write(1)
    assert mark_of(Fetched(Condition.GOOD, meter.written[0])) == Mark(meter.written[0].stamp, 1.0)
    assert mark_of(Fetched(Condition.EMPTY)) == Mark(None)


@settings(max_examples=150, deadline=None)
@given(
    count=st.integers(2, 12),
    turns=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 40), st.sampled_from(["stay", "restart", "lose"]))),
)
def test_whatever_happens_every_record_that_the_meter_has_is_found_once(
    count: int, turns: list[tuple[int, int, str]]
) -> None:
    """`stay`: the walk goes on; `restart`: only its cursor is left; `lose`: only the archive is left.

    While a walk goes on no meter writes a whole round: between two refreshes there is a minute.
    """
    meter = RingMeter(count=count)
    stored: list[Mark] = []
    cursor: Cursor | None = None
    walk = RingWalk(None, None)
    for written, answered, then in [*turns, (0, 10_000, "stay")]:
        meter.write(written if then != "stay" else min(written, count - 1))
        if then != "stay":
            cursor = cursor if then == "restart" else None
            walk = RingWalk(cursor, stored.__contains__ if stored else None)
        for finding in meter.walk(walk, most=answered):
            if isinstance(finding, Found):
                mark = mark_of(Fetched(Condition.GOOD, finding.record))
                assert mark not in stored
                stored.append(mark)
            if isinstance(finding, Found | Passed | Damaged):
                cursor = finding.cursor
    held = [mark_of(Fetched(Condition.GOOD, record)) for record in meter.held()]
    assert [mark for mark in stored if mark in held] == held

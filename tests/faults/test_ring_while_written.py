"""A meter writes whenever its hour is over, also between two answers: nothing is lost, doubled or out of order."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.archive.findings import Finding, Found
from engine.archive.ring_walk import RingWalk
from engine.dialogue import Mark
from engine.model import Record
from tests.fake.ring_meter import RingMeter

HOUR = 20
"""Answers between two records of the meter: it never overtakes who reads."""


def walked(meter: RingMeter, walk: RingWalk, writes: set[int], refreshes: set[int]) -> list[Record]:
    """What is stored when the meter writes before these answers and its pointers are read again before those."""
    findings: list[Finding] = walk.refresh(meter.ring())
    for step in range(200):
        if step in writes:
            meter.write()
        if step in refreshes or walk.task() is None:
            findings += walk.refresh(meter.ring())
        if (task := walk.task()) is not None:
            findings += walk.answer(meter.answer(task))
    assert walk.task() is None
    return [each.record for each in findings if isinstance(each, Found) and isinstance(each.record, Record)]


@settings(max_examples=150, deadline=None)
@given(
    count=st.integers(8, 24),
    before=st.integers(0, 40),
    writes=st.integers(0, 20).map(lambda step: {step, step + HOUR}),
    refreshes=st.sets(st.integers(0, 60), max_size=6),
    stored=st.integers(0, 20),
)
@example(count=20, before=5, writes={2}, refreshes=set(), stored=0)
@example(count=8, before=20, writes={2}, refreshes=set(), stored=0)
@example(count=20, before=5, writes={2}, refreshes=set(), stored=3)
@example(count=8, before=0, writes={0}, refreshes=set(), stored=0)
def test_records_written_during_the_walk_are_stored_in_their_order(
    count: int, before: int, writes: set[int], refreshes: set[int], stored: int
) -> None:
    meter = RingMeter(count=count)
    meter.write(before)
    known = {record.stamp for record in meter.held()[:stored]}
    held = [record.stamp for record in meter.held() if record.stamp not in known]

    def is_known(mark: Mark) -> bool:
        return mark.stamp in known

    records = walked(meter, RingWalk(None, is_known if known else None), writes, refreshes)
    found = [record.stamp for record in records]
    assert found == sorted(set(found))
    written_meanwhile = [record.stamp for record in meter.written[before:]]
    overwritten = max(0, before + len(written_meanwhile) - count)
    still_there = {record.stamp for record in meter.written[overwritten:]}
    assert set(found) <= {*held, *written_meanwhile}
    assert {stamp for stamp in (*held, *written_meanwhile) if stamp in still_there} <= set(found)
    for record in records[1:]:
        assert record.systems[0]["dQ1"] == 2.0, f"{record.stamp}: the growth since the record before it is known"

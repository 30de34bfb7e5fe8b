"""Where the rings of a ТЭМ-104М end, whatever its clock was set to. What is written comes from a list of steps."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.tem_104m import DRIVER, open_meter, rings
from drivers.tem_104m_ring import Written, is_next
from engine.dialogue import Identity, Setup
from engine.errors import Refused
from tests.fake.dialogue_runner import asks, run
from tests.fake.tem_104m_memory import ModernMeter, event, record, store, store_event, typical_meter

SETUP = Setup(address=1)
START = datetime(2026, 1, 1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HOUR_S, DAY_S = 3600, 86_400
FIRST = {"H": 0, "D": 1600, "M": 2400}
COUNT = {"H": 1600, "D": 800, "M": 60}


class History:
    """A ring of a meter, written as the meter does: its clock can be set, its time under power only grows."""

    def __init__(self, letter: str = "H", clock: datetime = START) -> None:
        self.meter = typical_meter()
        self.letter, self.clock, self.powered_s, self.total = letter, clock, 10_000 * HOUR_S, 0
        self.step = {"H": HOUR, "D": DAY, "M": 30 * DAY}[letter]

    def write(self, number: int = 1) -> None:
        for _ in range(number):
            self.clock += self.step
            self.powered_s += int(self.step.total_seconds())
            self.put(record(self.clock, self.powered_s))

    def put(self, data: bytes) -> None:
        store(self.meter, FIRST[self.letter] + self.total % COUNT[self.letter], data)
        self.total += 1

    @property
    def next_place(self) -> int:
        return FIRST[self.letter] + self.total % COUNT[self.letter]

    def opened(self) -> Identity:
        return run(open_meter(SETUP, run(DRIVER.ask_id(SETUP), self.meter.answer)), self.meter.answer)

    def told(self, identity: Identity | None = None) -> int:
        """The next place as the driver tells it, in the contact of `identity` or in a new one."""
        found = run(rings(SETUP, identity or self.opened()), self.meter.answer)
        return next(ring.next_place for ring in found if ring.rec_type == self.letter)


BACK = [datetime(2000, 1, 1), datetime(2025, 3, 1), datetime(2025, 12, 1), START + 10 * HOUR, START + 40 * DAY]


@pytest.mark.parametrize("clock", BACK)
@pytest.mark.parametrize("written", [20, 720, 1599, 1600, 1700, 3000])
def test_a_clock_that_is_set_back_hides_nothing_in_this_contact_nor_in_the_next(written: int, clock: datetime) -> None:
    history = History()
    history.write(written)
    identity = history.opened()
    assert history.told(identity) == history.next_place
    history.clock = clock
    for number in (1, 1, 1, 9, 60, 500, 500, 500, 500):
        history.write(number)
        assert history.told(identity) == history.told() == history.next_place


@pytest.mark.parametrize("letter", ["D", "M"])
@pytest.mark.parametrize("written", [0.5, 1.25])
def test_days_and_report_dates_are_found_by_powered_time_too(letter: str, written: float) -> None:
    history = History(letter)
    history.write(int(written * COUNT[letter]))
    history.clock = datetime(2000, 1, 1)
    for _ in range(20):
        history.write()
        assert history.told() == history.next_place


def test_a_clock_set_back_between_two_records_of_one_look_is_followed() -> None:
    history = History()
    history.write(1700)
    identity = history.opened()
    history.told(identity)
    history.write()
    history.clock -= DAY
    history.write(3)
    assert history.told(identity) == history.next_place
    history.write()
    assert history.told(identity) == history.next_place


def test_a_clock_set_back_and_forth_shows_two_breaks_of_the_stamps_and_one_of_powered_time() -> None:
    history = History("M")
    history.write(50)
    history.clock -= 3000 * DAY
    history.write(30)
    history.clock += 3000 * DAY
    history.write(35)
    assert history.told() == history.next_place


def test_records_without_power_between_them_are_no_end() -> None:
    history = History("M")
    history.write(65)
    for _ in range(3):
        history.clock += 30 * DAY
        history.put(record(history.clock, history.powered_s))
    history.clock = START - 400 * DAY
    history.write(7)
    assert history.told() == history.next_place


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 40), st.integers(-4000, 4000) | st.just(0)), min_size=1, max_size=8))
def test_whatever_the_clock_does_the_end_is_told(steps: list[tuple[int, int]]) -> None:
    history = History("M")
    identity = history.opened()
    for number, days in steps:
        history.write(number)
        for contact in (identity, None):
            assert history.told(contact) == history.next_place
        history.clock = max(history.clock + days * DAY, datetime(2001, 1, 1))
        history.clock = min(history.clock, datetime(2080, 1, 1))


# --- counters that do not run on


@pytest.mark.parametrize("after", [1, 3, 40])
def test_counters_that_were_reset_do_not_hide_the_end_that_the_stamps_show(after: int) -> None:
    history = History("M")
    history.write(75)
    identity = history.opened()
    assert history.told(identity) == history.next_place
    history.powered_s = 0
    history.write(after)
    assert history.told(identity) == history.told() == history.next_place


def test_a_clock_set_back_after_a_reset_of_the_counters_is_refused_and_never_taken_for_the_end() -> None:
    history = History("M")
    history.write(75)
    history.powered_s = 0
    history.write(10)
    history.clock = START - 900 * DAY
    history.write(10)
    with pytest.raises(Refused, match=r"архив M: .*часы и время под питанием расходятся"):
        history.told()


@pytest.mark.parametrize("written", [10, 60, 75])
def test_where_powered_time_stands_still_the_stamps_alone_tell(written: int) -> None:
    history = History("M")
    identity = history.opened()
    for _ in range(written):
        history.clock += 30 * DAY
        history.put(record(history.clock, powered_s=0))
    assert history.told(identity) == history.told() == history.next_place


# --- what it costs


def looks(history: History, identity: Identity) -> int:
    return len(asks(rings(SETUP, identity), history.meter.answer)) - 3


def test_a_ring_at_rest_costs_one_look_also_after_its_clock_was_set_back() -> None:
    history = History()
    history.write(1700)
    history.clock = datetime(2025, 1, 1)
    history.write(5)
    identity = history.opened()
    history.told(identity)
    assert looks(history, identity) == 8
    history.write()
    assert looks(history, identity) == 8 + 3, "the place behind, and powered time of both"


def test_the_first_look_at_a_full_ring_costs_a_bisection_and_four_looks_and_after_a_set_clock_thrice_that() -> None:
    empty, plain, back = History(), History(), History()
    plain.write(1700)
    back.write(1700)
    back.clock = datetime(2025, 1, 1)
    back.write(5)
    first = [looks(history, history.opened()) for history in (empty, plain, back)]
    searched = [number - first[0] + 4 for number in first[1:]]
    assert searched[0] <= 1 + 11 + 3 + 1 + 4
    assert searched[1] <= 3 * searched[0] + 4


def test_no_two_requests_in_a_row_ask_for_equally_many_bytes_while_powered_time_is_looked_for() -> None:
    history = History()
    history.write(1700)
    history.clock = datetime(2025, 1, 1)
    history.write(5)
    identity = history.opened()
    for number in (0, 2):
        history.write(number)
        met = [(ask.request[3:5], ask.expected) for ask, _ in asks(rings(SETUP, identity), history.meter.answer)]
        assert all(one != other for one, other in pairwise(met))


# --- events have no powered time


def events_after(meter: ModernMeter, *hours: int) -> None:
    for number, hour in enumerate(hours):
        store_event(meter, 1, number, event(START + hour * HOUR, 0, 1))


def test_an_event_ring_is_followed_by_its_stamps() -> None:
    meter = typical_meter()
    identity = run(open_meter(SETUP, b"TEM-104M"), meter.answer)
    for hours, place in (((), 0), ((5, 6), 2), ((5, 6, 3), 3), ((5, 6, 3, 9, 10), 5)):
        events_after(meter, *hours)
        found = run(rings(SETUP, identity), meter.answer)[4]
        assert found.next_place - found.first == place


# --- two neighbours


@pytest.mark.parametrize(
    ("powered_s", "clock", "told"),
    [
        (HOUR_S, HOUR, True), (HOUR_S, -HOUR, True), (HOUR_S, -400 * DAY, True), (DAY_S, 400 * DAY, True),
        (0, HOUR, True), (0, -HOUR, None), (0, 0 * HOUR, None),
        (-1600 * HOUR_S, -1600 * HOUR, False), (-1600 * HOUR_S, 400 * DAY, False), (-1600 * HOUR_S, HOUR, False),
        (-9999 * HOUR_S, HOUR, None), (-9999 * HOUR_S, -HOUR, False), (-9999 * HOUR_S, 2 * DAY, False),
        (9000 * HOUR_S, -1600 * HOUR, False), (9000 * HOUR_S, HOUR, None),
    ],
)  # fmt: skip
def test_two_neighbours_tell_whether_the_ring_goes_on(powered_s: int, clock: timedelta, told: bool | None) -> None:
    before = Written(START, 10_000 * HOUR_S)
    assert is_next(before, Written(START + clock, before.powered_s + powered_s), DAY_S) is told

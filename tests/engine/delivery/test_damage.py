"""The disk damages what is being delivered: whatever it did not touch arrives once, mended or not."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.delivery.cursor import InFlight, Range
from engine.delivery.damage import PASSED_LIMIT_BYTES, Hole, hole_around
from engine.errors import DeliveryFailed
from engine.formats.archive import Head, blocks, blocks_past_damage, read_record
from engine.keeper.shelf import Shelf
from engine.keeper.shelf_mending import HOLE_LIMIT_BYTES
from engine.model import Record, RecType
from tests.engine.delivery.test_delivery import FILE, Site, records

HEAD = Head("Котельная", "ТЭМ-104", "440020", 1)
JUNK = st.sampled_from([0, 255, 13])


def record(number: int) -> Record:
    return Record(RecType.HOUR, datetime(2018, 9, 1) + timedelta(hours=number), ({"Tall": float(number)},))


class Place:
    """A board: the meter has the records from 1 to `count`, the shelf stores them, one server gets them."""

    def __init__(self, root: Path, *, limit: int = 4_000_000) -> None:
        self.site = Site(root, limit=limit)
        self.path = root / "www" / FILE
        self.count = 0
        self.hurt: set[int] = set()
        self.notices: list[str] = []
        self.told: list[str] = []

    def store(self, count: int) -> None:
        """So many further ones, behind whatever is lost: the newest are read first."""
        shelf = Shelf(self.site.root, "440020", self.told.append)
        for number in range(self.count + 1, self.count + count + 1):
            assert shelf.keep(record(number), HEAD)
        self.count += count
        shelf.sync()

    def read_again(self) -> None:
        shelf = Shelf(self.site.root, "440020", self.told.append)
        for number in range(1, self.count + 1):
            shelf.keep(record(number), HEAD)
        shelf.sync()

    def damage(self, begin: int, end: int, junk: int = 0) -> None:
        data = bytearray(self.path.read_bytes())
        touched = [block for block in blocks_past_damage(bytes(data)) if block.start < end and begin < block.end]
        self.hurt |= {read_record(block).stamp.day * 24 + read_record(block).stamp.hour - 24 for block in touched}
        data[begin:end] = bytes((junk,)) * len(data[begin:end])
        self.path.write_bytes(data)

    def deliver(self) -> None:
        delivery = self.site.restart()
        assert delivery.turn()
        self.notices += [notice for state in self.site.told for notice in state.notices]

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    @property
    def arrived(self) -> Counter[int]:
        return Counter(records(self.site.drops("linux")))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_no_more_is_passed_over_than_mending_leaves_in_place() -> None:
    assert PASSED_LIMIT_BYTES <= HOLE_LIMIT_BYTES


def test_damage_where_the_cursor_stands_sends_nothing_twice(place: Place) -> None:
    place.store(50)
    place.deliver()
    at = place.size
    place.store(10)
    place.damage(at - 40, at + 40)
    assert place.hurt == {50, 51}
    place.deliver()
    assert place.arrived == Counter({number: 1 for number in range(1, 61) if number != 51})
    assert not [notice for notice in place.notices if "не тот файл" in notice]
    assert [notice for notice in place.notices if "записи за ними отправляются" in notice]
    place.store(1)
    place.read_again()
    place.deliver()
    assert place.arrived == Counter(range(1, 62)) + Counter([50]), "what was lost comes from the meter again"


@pytest.mark.parametrize("junk", [0, 255])
def test_a_damaged_end_that_was_delivered_does_not_swallow_the_next_record(junk: int, place: Place) -> None:
    place.store(50)
    place.deliver()
    at = place.size
    place.damage(at - 30, at, junk)
    place.store(1)
    assert place.size > at, "the cursor stays inside"
    place.deliver()
    assert place.arrived == Counter(range(1, 52))
    assert not [notice for notice in place.notices if "не тот файл" in notice]
    assert (place.site.root / "var/damaged" / FILE).exists() is bool(junk), "zeros look like a torn end"


@pytest.mark.parametrize("mends", [False, True])
def test_a_drop_that_broke_behind_damage_is_repeated(mends: bool, place: Place) -> None:
    place.store(5)
    place.deliver()
    at = place.size
    place.store(5)
    place.damage(at + 1, at + (place.size - at) // 5)
    assert place.hurt == {6}
    place.site.far.breaks = {len(place.site.far.steps) + 3: DeliveryFailed("broken")}
    assert not place.site.restart().turn()
    if mends:
        place.store(1)
    place.deliver()
    assert place.arrived == Counter(number for number in range(1, 11 + mends) if number != 6)
    assert not [notice for notice in place.notices if "пропали" in notice]


def test_empty_lines_that_are_damaged_once_more_hold_nothing_up(place: Place) -> None:
    place.store(5)
    place.deliver()
    at = place.size
    place.damage(at - 20, at)
    place.store(3)
    place.damage(at - 20, at - 5)
    for position in (at - 15, at - 4, at):
        choice = place.site.delivery._outbox.choose({FILE: position})
        parcel = place.site.delivery._outbox.build(InFlight(1, 7, "22.11.26 08:27:00", ("linux",), choice.ranges))
        assert parcel.ranges == choice.ranges == (Range(FILE, at, place.size),)


@settings(max_examples=60, deadline=None)
@given(
    turns=st.lists(
        st.one_of(
            st.tuples(st.just("store"), st.integers(1, 6), st.just(0), st.just(0)),
            st.tuples(st.just("deliver"), st.just(0), st.just(0), st.just(0)),
            st.tuples(st.just("read again"), st.just(0), st.just(0), st.just(0)),
            st.tuples(st.just("damage"), st.integers(0, 1500), st.integers(1, 300), JUNK),
        ),
        max_size=14,
    ),
    limit=st.sampled_from([150, 4_000_000]),
)
def test_whatever_damage_did_not_touch_arrives_once(
    tmp_path_factory: pytest.TempPathFactory, turns: list[tuple[str, int, int, int]], limit: int
) -> None:
    place = Place(tmp_path_factory.mktemp("board"), limit=limit)
    place.store(3)
    head_end = next(blocks(place.path.read_bytes())).end
    for what, size, length, junk in turns:
        if what == "store":
            place.store(size)
        elif what == "deliver":
            place.deliver()
        elif what == "read again":
            place.read_again()
        else:  # counted from the end, where cursors stand
            begin = max(head_end, place.size - size)
            place.damage(begin, begin + length, junk)
    place.deliver()
    place.store(1)
    place.read_again()
    place.deliver()
    assert set(place.arrived) == set(range(1, place.count + 1))
    assert {number for number, times in place.arrived.items() if times > 1} <= place.hurt
    assert not [notice for notice in place.notices if "не тот файл" in notice]


def test_a_hole_reaches_from_whole_record_to_whole_record() -> None:
    text = "[1]\nRecType=H\nDateTime=01.09.18 01:00:00\nS1Tall=1.000\n\n"
    data = f"{text}junk{text}{text}ju[3]\nRecT".encode()
    size = len(text)
    second, third = size + 4, 2 * size + 4
    for at in (size, size + 1, second):
        assert hole_around(data, 0, at) == Hole(size, second)
        assert hole_around(b"x" * 9 + data[1:], 100, 100 + 8 + at) == Hole(100, 100 + 8 + second)
    assert hole_around(data, 0, second + 1) is None
    assert hole_around(data, 0, third) == Hole(third, third)
    assert hole_around(data, 0, len(data) - 1) == Hole(third + size, None)
    assert (Hole(10, 20).passed_to, Hole(10, None).passed_to, Hole(10, 11 + PASSED_LIMIT_BYTES).passed_to) == (
        20, None, None,
    )  # fmt: skip

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.tem_ring import Region, StampAt, find_next_place, place_of
from engine.dialogue import Ask
from engine.errors import Refused
from engine.model import RecType
from tests.fake.dialogue_runner import run

START = datetime(2018, 9, 1)


def reader(stamps: dict[int, datetime]) -> StampAt:
    def stamp_at(place: int) -> Generator[Ask, bytes, datetime | None]:
        return stamps.get(place)
        yield  # makes this a dialogue that asks nothing

    return stamp_at


def find(region: Region, stamps: dict[int, datetime]) -> int:
    def nobody(_request: bytes) -> bytes:
        raise AssertionError("nothing is asked for")

    return run(find_next_place(region, reader(stamps)), nobody)


def written(region: Region, total: int) -> dict[int, datetime]:
    """The ring after `total` records, an hour apart."""
    return {region.first + n % region.count: START + timedelta(hours=n) for n in range(total)}


@pytest.mark.parametrize(("pointer", "place"), [(0x200000, 0), (0x200180, 1), (0x251000, 864), (0x200181, None)])
def test_a_pointer_means_a_whole_record_or_nothing(pointer: int, place: int | None) -> None:
    assert place_of(pointer, 0x180) == place


def test_a_region_holds_its_places_and_no_others() -> None:
    region = Region(RecType.DAY, 864, 368)
    assert all(map(region.holds, (864, 1231)))
    assert not any(map(region.holds, (863, 1232, -1, None)))


@settings(max_examples=200, deadline=None)
@given(first=st.integers(0, 50), count=st.integers(2, 70), total=st.integers(0, 300))
def test_the_end_of_a_ring_is_found_in_every_state(first: int, count: int, total: int) -> None:
    region = Region(RecType.HOUR, first, count)
    assert find(region, written(region, total)) == first + total % count


@settings(max_examples=200, deadline=None)
@given(count=st.integers(16, 70), total=st.integers(80, 300), erased=st.integers(1, 6))
def test_places_erased_ahead_of_writing_never_lead_to_a_wrong_end(count: int, total: int, erased: int) -> None:
    region = Region(RecType.HOUR, 10, count)
    stamps = written(region, total)
    for step in range(erased):
        del stamps[10 + (total + step) % count]
    try:
        assert find(region, stamps) == 10 + total % count
    except Refused:
        assert 10 not in stamps and 10 + count - 1 not in stamps, "only a gap around the seam may stay unknown"


def test_the_autumn_hour_does_not_hide_the_end() -> None:
    region = Region(RecType.HOUR, 0, 24)
    stamps = written(region, 60)
    stamps[3] = stamps[2]
    assert find(region, stamps) == 60 % 24


def test_two_breaks_are_no_end() -> None:
    region = Region(RecType.HOUR, 0, 8)
    hours = (10, 11, 2, 3, 4, 5, 12, 13)
    with pytest.raises(Refused, match="архив H"):
        find(region, {place: START + timedelta(hours=hour) for place, hour in enumerate(hours)})


def test_records_between_empty_ends_are_no_ring() -> None:
    with pytest.raises(Refused, match="архив M"):
        find(Region(RecType.MONTH, 0, 8), {4: START, 5: START + timedelta(days=30)})


def test_an_end_that_moves_while_it_is_looked_for_is_refused() -> None:
    region = Region(RecType.HOUR, 0, 16)
    stamps = written(region, 40)
    asked: list[int] = []

    def stamp_at(place: int) -> Generator[Ask, bytes, datetime | None]:
        asked.append(place)
        return None if asked.count(7) == 2 else stamps[place]
        yield

    with pytest.raises(Refused):
        run(find_next_place(region, stamp_at), lambda _request: b"")

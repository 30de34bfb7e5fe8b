"""A number has one holder: the first by file name that wants it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.keeper.claims import Claims


def test_who_asks_first_has_it_until_an_earlier_name_comes() -> None:
    claims = Claims()
    assert claims.take("b.ini", "1") == "b.ini"
    assert claims.take("c.ini", "1") == "b.ini"
    assert claims.take("a.ini", "1") == "a.ini"
    assert claims.take("b.ini", "1") == "a.ini"


def test_a_number_that_was_released_is_free() -> None:
    claims = Claims()
    claims.take("a.ini", "1")
    claims.release("a.ini")
    assert claims.holder("1") is None
    assert claims.take("b.ini", "1") == "b.ini"


def test_a_file_that_takes_another_number_gives_the_old_one_back() -> None:
    claims = Claims()
    claims.take("a.ini", "1")
    claims.take("a.ini", "2")
    assert (claims.holder("1"), claims.holder("2")) == (None, "a.ini")


def test_a_file_that_asks_in_vain_holds_nothing() -> None:
    claims = Claims()
    claims.take("a.ini", "1")
    claims.take("b.ini", "2")
    claims.take("b.ini", "1")
    assert claims.holder("2") is None


def test_numbers_that_differ_by_case_are_one() -> None:
    claims = Claims()
    claims.take("a.ini", "aB1")
    assert claims.holder("Ab1") == "a.ini"
    assert claims.take("b.ini", "AB1") == "a.ini"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("123")), max_size=20))
def test_whoever_asks_in_whatever_order_nobody_holds_two_numbers(wishes: list[tuple[str, str]]) -> None:
    claims = Claims()
    for file, number in wishes:
        holder = claims.take(file, number)
        assert claims.holder(number) == holder <= file
    holders = [holder for number in "123" if (holder := claims.holder(number))]
    assert len(holders) == len(set(holders))

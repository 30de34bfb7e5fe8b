"""Two boards with one Number deliver into one folder at the same moment, in every order of their commands."""

from __future__ import annotations

import pytest

from tests.fake.two_boards import Board, Explorer, Rules, packed

ONE = Board("440020", "22.11.26 08:27:", "ЦТП")
OTHER = Board("440021", "22.11.26 09:31:", "Котельная на улице Строителей, 14")
SWITCHES = 2
MORE_SWITCHES = 3


def alike(start: str) -> Board:
    """A board whose first drop has the size of that of `ONE`, and other bytes."""
    for number in range(10_000):
        board = Board("440021", start, f"{number * 7919:o}"[-number % 7 :])
        if len(packed(board, 1, f"{start}00", "linux")) == len(packed(ONE, 1, f"{ONE.start}00", "linux")):
            return board
    raise AssertionError("no such board")


TWINS = {"another size": OTHER, "the same size": alike("22.11.26 09:31:"), "the same second": alike(ONE.start)}
SERVERS = {
    "written in place": Rules(),
    "written aside": Rules(in_place=False),
    "no sizes": Rules(sizes=False),
    "no lists": Rules(lists=False),
    "nothing may be deleted": Rules(deletes=False),
}
BLIND = {
    "sizes": Rules(in_place=False, reads=False, deletes=False),
    "sizes, in place": Rules(reads=False),
    "no lists": Rules(in_place=False, reads=False, lists=False, deletes=False),
}


ALWAYS = {("the same size", "written in place"), ("the same second", "written aside"), ("another size", "no sizes")}
POINTS = frozenset(("STOR", "last", "RNTO"))
"""Where a fault makes the most difference: before and after what others can see."""


@pytest.fixture
def is_long(pytestconfig: pytest.Config) -> bool:
    return bool(pytestconfig.option.long)


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("server", SERVERS)
def test_where_drops_may_be_read_each_record_stands_in_one_drop_of_its_board(
    server: str, twin: str, is_long: bool
) -> None:
    if not is_long and (twin, server) not in ALWAYS:
        pytest.skip("--long")
    found = Explorer((ONE, TWINS[twin]), SERVERS[server], MORE_SWITCHES if is_long else SWITCHES).explore()
    assert found.failures == {}
    assert found.ends > 20


@pytest.mark.parametrize("server", BLIND)
def test_where_nothing_may_be_read_sizes_tell_the_boards_apart(server: str, is_long: bool) -> None:
    if not is_long and server != "sizes":
        pytest.skip("--long")
    found = Explorer((ONE, OTHER), BLIND[server], MORE_SWITCHES if is_long else SWITCHES).explore()
    assert found.failures == {}
    assert found.ends > 20


def faulty(rules: Rules, twin: str, is_long: bool) -> Explorer:
    """One fault of the first board, the other comes in between; or all of it."""
    boards, points = (ONE, TWINS[twin]), frozenset[str]() if is_long else POINTS
    return Explorer(boards, rules, 1, faults=1, faulty=(0, 1) if is_long else (0,), points=points).explore()


def test_where_nothing_may_be_read_a_cut_or_a_crash_loses_no_record(is_long: bool) -> None:
    """At worst it comes once more under another name."""
    found = faulty(Rules(in_place=False, reads=False, deletes=False), "another size", is_long)
    assert set(found.failures) <= {"doubled"}
    assert found.ends > 20


def test_where_drops_may_be_read_a_cut_or_a_crash_in_between_changes_nothing(is_long: bool) -> None:
    found = faulty(Rules(in_place=False), "the same second", is_long)
    assert found.failures == {}
    assert found.ends > 20


def test_two_variants_are_kept_apart_as_well(is_long: bool) -> None:
    one, other = (Board(each.device, each.start, each.place_name, ("linux", "dos")) for each in (ONE, OTHER))
    found = Explorer((one, other), Rules(), 1, faulty=(0, 1) if is_long else (0,)).explore()
    assert found.failures == {}
    assert found.ends > 10


def test_the_search_sees_what_is_lost_where_nothing_tells_two_drops_apart() -> None:
    """Same name, same size, nothing to be read, at the same moment: so it does look at what it says."""
    found = Explorer((ONE, TWINS["the same size"]), Rules(in_place=False, reads=False), SWITCHES, faulty=(0,)).explore()
    assert "lost" in found.failures

"""What the agent remembers in `var/` is lost or damaged: no record is lost, nothing on the server is touched."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fake.kill_bench import Bench, bench, board
from tests.fake.kill_check import Count, check_delivered, read_archives


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Bench]:
    """An agent that has delivered everything, in two drops; then the meter wrote two hours more."""
    with bench(tmp_path.resolve(), (20, 3, 2)) as built:
        built.configure()
        built.once()
        built.once()
        built.write(hours=2)
        yield built


def counts(agent: Bench) -> list[Count]:
    return list(agent.drops())


def go_on(agent: Bench) -> tuple[list[Count], list[Count]]:
    """One more cycle; the counts before and those that came. Nothing that stood on the server has changed."""
    before, standing = counts(agent), agent.contents()
    agent.once()
    agent.check_archive()
    now = agent.contents()
    assert {name: now.get(name) for name in standing} == standing
    return before, [count for count in counts(agent) if count not in before]


def test_without_its_ledger_the_agent_stores_and_delivers_nothing_twice(agent: Bench) -> None:
    shutil.rmtree(agent.root / "var/meters")
    before, new = go_on(agent)
    agent.check_delivered()
    assert {count.start for count in new} == {before[0].start}


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda data: data[: len(data) // 2],
    "half zeros": lambda data: data[: len(data) // 2] + bytes(len(data) - len(data) // 2),
    "nothing": lambda _: b"",
    "one digit": lambda data: data[:-40] + bytes((data[-40] ^ 1,)) + data[-39:],
    "no text": lambda _: b"\xff\xfe\x00\x81" * 30,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_with_a_damaged_ledger_nothing_is_stored_or_delivered_twice(agent: Bench, damage: str) -> None:
    agent.ledger.write_bytes(DAMAGES[damage](agent.ledger.read_bytes()))
    before, new = go_on(agent)
    agent.check_delivered()
    assert {count.start for count in new} == {before[0].start}


def test_without_its_cursor_the_agent_begins_a_new_count_above_all_that_stands(agent: Bench) -> None:
    shutil.rmtree(agent.root / "var/delivery")
    before, new = go_on(agent)
    check_new_count(agent, before, new)
    assert "Number=7 на сервере уже занят" in agent.status


def check_new_count(agent: Bench, before: list[Count], new: list[Count]) -> None:
    """It has a start of its own, goes on above, and brings the whole archive."""
    assert len({count.start for count in new}) == 1
    assert new[0].start != before[0].start
    assert [count.seq for count in new] == list(range(before[-1].seq + 1, before[-1].seq + 1 + len(new)))
    agent.check_delivered(new[0].start)


def test_without_its_cursor_and_with_an_empty_folder_the_new_count_is_known_by_its_start(agent: Bench) -> None:
    before = counts(agent)
    for path in agent.folder.iterdir():
        path.unlink()
    shutil.rmtree(agent.root / "var/delivery")
    agent.once()
    new = counts(agent)
    assert {count.start for count in new}.isdisjoint({count.start for count in before})
    agent.check_delivered()


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_cursor_is_put_aside_and_told(agent: Bench, damage: str) -> None:
    damaged = DAMAGES[damage](agent.cursor.read_bytes())
    agent.cursor.write_bytes(damaged)
    before, new = go_on(agent)
    check_new_count(agent, before, new)
    assert agent.cursor.with_suffix(".damaged").read_bytes() == damaged
    assert "курсор" in agent.status


def test_without_var_everything_goes_on(agent: Bench) -> None:
    shutil.rmtree(agent.root / "var")
    before, new = go_on(agent)
    check_new_count(agent, before, new)


@pytest.mark.parametrize("lost", ["folder", "file"])
def test_an_archive_that_is_lost_while_its_ledger_stands_is_read_again(agent: Bench, lost: str) -> None:
    if lost == "folder":
        shutil.rmtree(agent.newest_hours.parent)
    else:
        agent.newest_hours.unlink()
    go_on(agent)


def test_two_boards_with_one_number_destroy_nothing_of_each_other(agent: Bench) -> None:
    with board(agent.root.with_name("other"), agent.server, records=(10, 2, 1), serial=440020) as other:
        other.configure()
        for each in (other, agent, other, agent, other):
            each.write(hours=1)
            standing = agent.contents()
            each.once()
            now = agent.contents()
            assert {name: now.get(name) for name in standing} == standing
            assert "Number=7 на сервере уже занят" in each.status
            each.check_archive()
        check_both(agent, other)


def check_both(agent: Bench, other: Bench) -> None:
    """Every jump began a new count, and among all counts each record of both meters stands once."""
    drops = agent.drops()
    assert [count.seq for count in drops] == list(range(1, len(drops) + 1))
    archives = {**read_archives(agent.root / "www"), **read_archives(other.root / "www")}
    assert {path.partition("/")[0] for path in archives} == {agent.meter.number, other.meter.number}
    check_delivered(drops.values(), archives)

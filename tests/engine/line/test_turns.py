"""Whose turn it is on one line."""

from __future__ import annotations

from engine.archive.catchup import Catchup
from engine.archive.ring_walk import RingWalk
from engine.line.device import Device
from engine.line.turns import IDLE_S, Conversation, Turn, Turns
from engine.model import RecType
from tests.fake.dialogue_runner import run
from tests.fake.scripted_link import ask
from tests.fake.toy_driver import Toy, device_settings

NOW_S = 1000.0


def device(file: str, due_at_s: float, *, archive: bool = False) -> Device:
    made = Device(device_settings(file=file), (Toy().driver(),), 60.0, NOW_S)
    if archive:
        made.was_read(run(made.reading(NOW_S), lambda request: b"<toy>" if request == b"id" else b"<ok>"), NOW_S)
        made.begin_archive(Catchup({RecType.HOUR: RingWalk(None, None)}), 1)
    made.due_at_s = due_at_s
    return made


def turns_of(*devices: Device) -> Turns:
    turns = Turns()
    turns.set_devices({each.settings.file: each for each in devices})
    return turns


def conversation(made: Device, ready_at_s: float = NOW_S) -> Conversation:
    return Conversation(made, None, made.reading(NOW_S), ask(), ready_at_s, NOW_S)


def whose(turns: Turns, now_s: float = NOW_S) -> tuple[str, bool] | None:
    """File of the one that is next, and whether it is its archive's turn."""
    following = turns.next(now_s)
    if following is None:
        return None
    return following.device.settings.file, isinstance(following, Turn) and following.task is not None


def test_nothing_is_due_before_its_time() -> None:
    turns = turns_of(device("a", NOW_S + 5))
    assert whose(turns) is None
    assert whose(turns, NOW_S + 5) == ("a", False)


def test_the_one_that_has_waited_longest_is_next() -> None:
    assert whose(turns_of(device("a", NOW_S - 1), device("b", NOW_S - 7))) == ("b", False)


def test_a_dialogue_that_met_silence_waits_for_those_that_waited_longer() -> None:
    late, silent = device("a", NOW_S - 7), device("b", NOW_S - 9)
    turns = turns_of(late, silent)
    turns.set_aside(conversation(silent, ready_at_s=NOW_S - 5))
    assert whose(turns) == ("a", False)
    late.due_at_s = NOW_S + 60
    assert isinstance(turns.next(NOW_S), Conversation)
    assert whose(turns) == ("b", False), "it is not set aside any more"


def test_a_device_whose_dialogue_is_set_aside_begins_no_other() -> None:
    busy = device("a", NOW_S - 9, archive=True)
    turns = turns_of(busy)
    turns.set_aside(conversation(busy, ready_at_s=NOW_S))
    assert isinstance(turns.next(NOW_S), Conversation)


def test_a_dialogue_may_be_put_first() -> None:
    first, second = device("a", NOW_S + 60), device("b", NOW_S + 60)
    turns = turns_of(first, second)
    turns.set_aside(conversation(first))
    turns.set_aside(conversation(second), first=True)
    assert whose(turns) == ("b", False)


def test_an_archive_is_read_while_no_reading_is_due() -> None:
    turns = turns_of(device("a", NOW_S + 60, archive=True))
    assert whose(turns) == ("a", True)


def test_archives_take_turns() -> None:
    turns = turns_of(*(device(file, NOW_S + 60, archive=True) for file in "abc"))
    assert sorted(file for file, _ in filter(None, (whose(turns) for _ in range(3)))) == ["a", "b", "c"]


def test_an_archive_that_had_less_than_its_half_goes_first() -> None:
    turns = turns_of(device("a", NOW_S - 5, archive=True))
    turns.share.used(1.0, archive=False)
    assert whose(turns) == ("a", True)
    turns.share.used(1.0, archive=True)
    assert whose(turns) == ("a", False)


def test_with_no_archive_to_read_the_share_begins_anew() -> None:
    turns = turns_of(device("a", NOW_S + 60))
    turns.share.used(100.0, archive=False)
    turns.next(NOW_S)
    assert not turns.share.archive_first()


def test_dialogues_with_devices_that_are_gone_are_given_up() -> None:
    gone, stays = device("a", NOW_S + 60), device("b", NOW_S + 60)
    turns = turns_of(gone, stays)
    turns.set_aside(conversation(gone))
    turns.set_aside(conversation(stays))
    turns.set_devices({"a": device("a", NOW_S + 60), "b": stays})
    assert not turns.is_here(gone)
    assert whose(turns) == ("b", False)
    assert whose(turns) is None


def test_a_line_that_is_down_gives_up_every_dialogue() -> None:
    one = device("a", NOW_S + 60)
    turns = turns_of(one)
    turns.set_aside(conversation(one))
    turns.give_up()
    assert whose(turns) is None


def test_a_line_is_idle_until_the_next_device_is_due() -> None:
    assert turns_of(device("a", NOW_S + 7), device("b", NOW_S + 5)).idle_s(NOW_S) == 5
    assert turns_of(device("a", NOW_S - 7)).idle_s(NOW_S) == 0
    assert turns_of(device("a", NOW_S + 9999)).idle_s(NOW_S) == IDLE_S
    assert Turns().idle_s(NOW_S) == IDLE_S

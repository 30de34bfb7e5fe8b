"""One device between its exchanges: whom it asks, how long it waits, what silence means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from engine.archive.catchup import Catchup
from engine.archive.findings import Task
from engine.archive.ring_walk import RingWalk
from engine.dialogue import Condition, Driver, Fetched, Mark, Setup
from engine.errors import NoAnswer, Refused
from engine.line.device import REPEAT_READING_S, SLOW_IN_A_ROW, Answers, Device, identify
from engine.model import RecType
from tests.fake.dialogue_runner import run
from tests.fake.toy_driver import Toy, device_settings

SETUP = Setup("ТЕМ-104")


def answers(request: bytes) -> bytes:
    return b"<toy>" if request == b"id" else b"<ok>"


def silence(_request: bytes) -> bytes:
    return b""


def device_of(*drivers: Driver, interval_s: float = 60.0, **changed: object) -> Device:
    return Device(device_settings(**changed), drivers, interval_s, 1000.0)


def read(device: Device, now_s: float = 1000.0, answer: Callable[[bytes], bytes] = answers) -> Answers:
    return run(device.reading(now_s), answer)


# --- who it is


def test_the_protocol_of_the_wanted_type_is_asked() -> None:
    wanted, other = Toy(), Toy(device_type="ТСМ")
    driver, identity = run(identify((other.driver(), wanted.driver()), SETUP), answers)
    assert (driver.device_types, identity.meter_number) == (("ТЕМ-104",), "440020")
    assert other.asked == []


def test_drivers_of_one_protocol_share_one_question() -> None:
    first, second = Toy(id_bytes=b"other"), Toy(device_type="ТСМ")
    shared = first.driver()
    run(identify((shared, second.driver(ask_id=shared.ask_id)), Setup("auto")), answers)
    assert (first.asked, second.asked) == ([b"id"], [b"open"])


def test_auto_asks_every_protocol_in_turn() -> None:
    deaf, answering = Toy(), Toy()

    def answer(request: bytes) -> bytes:
        return b"" if request == b"id" and not answering.asked else answers(request)

    driver, _ = run(identify((deaf.driver(), answering.driver()), Setup("auto")), answer)
    assert driver.ask_id == answering.ask_id
    assert (deaf.asked, answering.asked) == ([b"id"], [b"id", b"open"])


def test_the_id_chooses_the_driver_whatever_the_type_says() -> None:
    wanted, real = Toy(id_bytes=b"TEM"), Toy(device_type="ТСМ")
    drivers = (wanted.driver(), real.driver(ask_id=wanted.ask_id))
    driver, _ = run(identify((drivers[0], replace(drivers[1], ask_id=drivers[0].ask_id)), SETUP), answers)
    assert driver.device_types == ("ТСМ",)


def test_an_id_that_no_driver_knows_is_refused_and_shown() -> None:
    with pytest.raises(Refused, match="неизвестный прибор: b'toy'"):
        run(identify((Toy(id_bytes=b"other").driver(),), SETUP), answers)


def test_of_two_drivers_with_one_id_the_one_whose_map_fits_is_taken() -> None:
    odd, fitting = Toy(), Toy(number="7")

    def refuse(_setup: Setup, _device_id: bytes):  # type: ignore[no-untyped-def]
        raise Refused("другая карта памяти")
        yield

    first = odd.driver(open=refuse)
    _, identity = run(identify((first, fitting.driver(ask_id=first.ask_id)), SETUP), answers)
    assert identity.meter_number == "7"
    with pytest.raises(Refused, match="другая карта памяти"):
        run(identify((first,), SETUP), answers)


def test_nobody_answers_is_no_answer_and_no_driver_is_told() -> None:
    with pytest.raises(NoAnswer, match="нет ответа"):
        run(identify((Toy().driver(), Toy().driver()), Setup("auto")), silence)
    with pytest.raises(Refused, match="нет драйвера для ТЕМ-104"):
        run(identify((), SETUP), answers)


# --- readings


def test_a_device_is_identified_once_and_then_only_read() -> None:
    toy = Toy()
    device = device_of(toy.driver())
    assert device.was_read(read(device), 1000.0) is True
    assert device.was_read(read(device, 1005.0), 1005.0) is False
    assert toy.asked == [b"id", b"open", b"read", b"rings", b"read"]


def test_rings_are_asked_now_and_then() -> None:
    toy = Toy()
    device = device_of(toy.driver())
    times = [1000.0 + 10 * turn for turn in range(7)]
    asked = []
    for now_s in times:
        told = read(device, now_s)
        device.was_read(told, now_s)
        asked.append(told.rings is not None)
    assert asked == [True, False, False, True, False, False, True]


def test_a_family_without_an_archive_is_not_asked_for_one() -> None:
    toy = Toy()
    device = device_of(toy.driver(rings=None, probe=None, fetch=None))
    told = read(device)
    assert (told.rings, told.archive_refusal) == (None, "")
    assert b"rings" not in toy.asked


def test_another_meter_number_is_another_meter() -> None:
    toy = Toy()
    device = device_of(toy.driver())
    device.was_read(read(device), 1000.0)
    device.begin_archive(Catchup({}), 1)
    toy.number = "777"
    with pytest.raises(NoAnswer, match="ответил другой прибор"):
        read(device, 1060.0)
    assert device.catchup is None
    told = read(device, 1062.0)
    assert told.identity.meter_number == "777"
    assert device.was_read(told, 1062.0) is True


def test_turns_that_came_too_late_are_skipped() -> None:
    device = device_of(Toy().driver(), interval_s=60.0)
    device.was_read(read(device), 1000.0)
    device.was_read(read(device), 1063.0)
    assert device.due_at_s == 1120.0
    device.was_read(read(device), 1245.0)
    assert device.due_at_s == 1300.0


def test_after_its_first_reading_a_device_is_due_at_a_moment_of_its_own() -> None:
    first, second = (device_of(Toy().driver(), interval_s=60.0) for _ in range(2))
    assert first.due_at_s == second.due_at_s
    first.was_read(read(first), 1001.0)
    second.was_read(read(second), 1003.0)
    assert (first.due_at_s, second.due_at_s) == (1061.0, 1063.0)


def test_another_interval_begins_with_a_reading_and_forgets_nothing() -> None:
    toy = Toy()
    device = device_of(toy.driver())
    device.was_read(read(device), 1000.0)
    device.set_interval(5.0, 1010.0)
    assert device.due_at_s == 1010.0
    assert device.was_read(read(device, 1010.0), 1010.0) is False
    device.set_interval(5.0, 1011.0)
    assert device.due_at_s == 1015.0
    assert toy.asked.count(b"id") == 1


# --- an archive that is refused


def test_a_refused_archive_is_told_with_every_reading_and_the_reading_counts() -> None:
    toy = Toy(refuses="нет такого архива")
    device = device_of(toy.driver(), interval_s=60.0)
    for now_s in (1000.0, 1001.0, 1060.0):
        told = read(device, now_s)
        assert (told.archive_refusal, told.rings) == ("нет такого архива", ())
        assert device.was_read(told, now_s) is True, "until the archive is known the device is met anew"
    assert device.online


def test_an_archive_that_is_no_longer_refused_is_begun() -> None:
    toy = Toy(refuses="нет такого архива")
    device = device_of(toy.driver())
    device.was_read(read(device), 1000.0)
    toy.refuses = ""
    told = read(device, 1060.0)
    assert device.was_read(told, 1060.0) is True
    assert told.rings == toy.rings
    assert device.was_read(read(device, 1061.0), 1061.0) is False
    assert toy.asked.count(b"open") == 2, "its map may have changed"


# --- silence


def test_one_request_is_repeated_only_while_the_device_is_well() -> None:
    device = device_of(Toy().driver(), retries=5)
    assert device.attempts == 6
    device.was_missed(1000.0)
    assert device.attempts == 1
    device.was_read(read(device), 1002.0)
    assert device.attempts == 6


def test_waits_double_up_to_five_seconds() -> None:
    device = device_of(Toy().driver(), packet_timeout_s=0.35)
    assert [round(device.wait_s(attempt), 2) for attempt in range(6)] == [0.35, 0.7, 1.4, 2.8, 5.0, 5.0]


def test_a_user_s_longer_wait_is_kept() -> None:
    device = device_of(Toy().driver(), packet_timeout_s=20.0)
    assert [device.wait_s(attempt) for attempt in (0, 3)] == [20.0, 20.0]


def test_a_device_that_never_answered_is_given_other_waits_in_turn() -> None:
    device = device_of(Toy().driver(), packet_timeout_s=0.35)
    waits = []
    for _ in range(6):
        device.was_missed(1000.0)
        waits.append(round(device.wait_s(0), 2))
    assert waits == [0.7, 1.4, 2.8, 5.0, 0.35, 0.7]


def test_a_slow_device_is_waited_for_from_the_first_try() -> None:
    device = device_of(Toy().driver(), packet_timeout_s=0.35)
    for _ in range(SLOW_IN_A_ROW):
        device.answered(1.2, attempt=1)
    assert device.wait_s(0) == pytest.approx(1.8)
    for _ in range(50):
        device.answered(0.05, attempt=0)
    assert device.wait_s(0) == 0.35, "and not longer than it needs"
    device.answered(1000.0, attempt=0)
    assert device.wait_s(0) == 5.0


def test_answers_that_are_lost_now_and_then_make_no_wait_longer() -> None:
    device = device_of(Toy().driver(), packet_timeout_s=0.35)
    for _ in range(20):
        device.answered(1.2, attempt=1)
        device.answered(1.2, attempt=2)
        device.answered(0.05, attempt=0)
    assert device.wait_s(0) == 0.35


def test_a_failed_reading_is_repeated_soon_until_the_device_is_lost() -> None:
    device = device_of(Toy().driver(), reconnects=3)
    device.was_read(read(device), 1000.0)
    lost = []
    for turn in range(5):
        lost.append(device.was_missed(1000.0 + turn))
    assert lost == [False, False, True, False, False]
    assert not device.online


def test_a_lost_device_is_asked_with_a_pause_that_grows_from_half_a_second_to_a_minute() -> None:
    device = device_of(Toy().driver(), reconnects=2)
    pauses = []
    for _ in range(12):
        device.was_missed(5000.0)
        pauses.append(device.due_at_s - 5000.0)
    assert pauses == [REPEAT_READING_S, 0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]


def test_a_short_interval_is_not_made_longer_by_a_failure() -> None:
    device = device_of(Toy().driver(), interval_s=1.0)
    device.was_missed(1000.0)
    assert device.due_at_s == 1001.0


def test_a_lost_device_is_forgotten_and_met_anew() -> None:
    toy = Toy()
    device = device_of(toy.driver(), reconnects=1)
    device.was_read(read(device), 1000.0)
    device.begin_archive(Catchup({RecType.HOUR: RingWalk(None, None)}), 1)
    assert device.archive_task() is not None
    device.was_missed(1060.0)
    assert device.archive_task() is None
    assert device.was_read(read(device, 1061.0), 1061.0) is True
    assert toy.asked.count(b"id") == 2
    assert device.archive_task() is None, "the archive begins only when it is ordered"


# --- the archive


def archive_device(toy: Toy) -> Device:
    device = device_of(toy.driver())
    device.was_read(read(device), 1000.0)
    device.begin_archive(Catchup({RecType.HOUR: RingWalk(None, None)}), 7)
    return device


def test_a_catch_up_begins_with_the_rings_that_are_known() -> None:
    device = archive_device(Toy())
    task = device.archive_task()
    assert task is not None and task.ring.rec_type is RecType.HOUR
    assert device.walk == 7


def test_a_task_is_read_by_the_dialogue_that_it_needs() -> None:
    toy = Toy()
    device = archive_device(toy)
    ring = toy.rings[0]
    fetched = run(device.archive_dialogue(Task(ring, 2)), answers)
    mark = run(device.archive_dialogue(Task(ring, 3, probe=True)), answers)
    assert isinstance(fetched, Fetched) and fetched.condition is Condition.GOOD
    assert isinstance(mark, Mark)
    assert toy.asked[-2:] == [b"fetch 2", b"probe 3"]


def test_after_a_failure_the_archive_waits_for_the_next_good_reading() -> None:
    device = archive_device(Toy())
    device.archive_failed()
    assert device.archive_task() is None
    device.was_read(read(device, 1060.0), 1060.0)
    assert device.archive_task() is not None


def test_without_an_order_nothing_of_the_archive_is_read() -> None:
    device = device_of(Toy().driver())
    device.was_read(read(device), 1000.0)
    assert device.archive_task() is None
    assert device.refresh_archive() == []

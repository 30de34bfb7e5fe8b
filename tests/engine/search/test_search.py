"""Whom to ask next on a line of which nothing is known. No line at all: a table says who would answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

import drivers
from drivers import modbus, rsm_05, tem_05m, tem_384
from engine.search import ADDRESSES, BUSY_MOST, EVERYBODY, SPEEDS, Heard, Outcome, Search, Step, Waits, questions_of

SILENCE, GARBLE, BUSY = Heard(Outcome.SILENCE), Heard(Outcome.GARBLE), Heard(Outcome.BUSY)
QUESTIONS = questions_of(drivers.load())
TEM_ONLY = questions_of([tem_384.DRIVER])
LONGEST_STEPS = 2 * len(QUESTIONS) * len(SPEEDS) * (len(ADDRESSES) + 2)


def answer(address: int) -> Heard:
    return Heard(Outcome.ANSWER, address)


def kind(step: Step) -> str:
    return step.question.sought.protocol if step.question.sought.addressed else "nameless"


def walk(world: Callable[[Step], Heard], questions: object = QUESTIONS) -> tuple[Search, list[Step]]:
    """The search and every step of it, in a world where `world` says what is heard."""
    search = Search(questions, Waits())  # type: ignore[arg-type]
    steps, asked = search.steps(), []
    try:
        step = next(steps)
        while True:
            asked.append(step)
            assert len(asked) <= LONGEST_STEPS, "it does not end"
            step = steps.send(world(step))
    except StopIteration:
        return search, asked


def lone_meter(baud: int, address: int) -> Callable[[Step], Heard]:
    """One meter of the ТЭМ family."""

    def world(step: Step) -> Heard:
        hears = kind(step) == "auto" and step.baud == baud and step.address in (EVERYBODY, address)
        return answer(address) if hears else SILENCE

    return world


# --- questions


def test_drivers_of_one_protocol_share_one_question() -> None:
    shared = [question for question in QUESTIONS if tem_384.DRIVER in question.drivers]
    assert len(shared) == 1
    assert all(driver.ask_id is tem_384.ask_id for driver in shared[0].drivers)
    assert len(shared[0].drivers) > 1


def test_what_any_device_of_a_protocol_answers_is_asked_first() -> None:
    assert QUESTIONS[0].sought.device_type == "auto"


def test_a_driver_that_cannot_tell_what_answers_takes_no_part() -> None:
    assert questions_of([modbus.DRIVER]) == ()
    assert walk(lambda _: SILENCE, ())[1] == []


def test_a_type_that_answers_under_its_name_only_is_asked_by_it() -> None:
    setups = [question.setup(5) for question in questions_of([rsm_05.DRIVER])]
    assert [(each.device_type, each.protocol, each.address) for each in setups] == [
        ("РСМ-05.03", "native", 5),
        ("РСМ-05.05", "modbus", 5),
    ]


# --- the call of everybody


def test_the_usual_speed_is_tried_first_and_everybody_is_called() -> None:
    _, asked = walk(lambda _: SILENCE)
    assert (asked[0].baud, asked[0].address) == (9600, EVERYBODY)
    calls = [step.baud for step in asked if step.address == EVERYBODY and kind(step) == "auto"]
    assert calls[: len(SPEEDS)] == [9600, 19200, 38400, 57600, 115200, 4800, 2400]


def test_a_meter_that_is_alone_is_met_by_one_call_of_its_speed() -> None:
    search, asked = walk(lone_meter(57600, 17))
    assert search.found == {57600: {17}}
    assert not search.crowded
    assert [step.address for step in asked if kind(step) == "auto"] == [EVERYBODY] * len(SPEEDS)


def test_where_one_answered_only_those_are_asked_whom_a_call_does_not_reach() -> None:
    _, asked = walk(lone_meter(9600, 17))
    swept = [step for step in asked if step.address != EVERYBODY]
    assert {(kind(step), step.baud) for step in swept} == {("modbus", 9600)}
    assert [step.address for step in swept] == [address for address in ADDRESSES if address != 17]


def test_a_call_that_was_answered_is_not_repeated_in_other_words() -> None:
    _, asked = walk(lone_meter(9600, 17))
    assert [kind(step) for step in asked if step.baud == 9600 and step.address == EVERYBODY] == ["auto"]


def test_meters_at_two_speeds_are_both_met() -> None:
    first, second = lone_meter(9600, 3), lone_meter(19200, 4)
    search, _ = walk(lambda step: first(step) if step.baud == 9600 else second(step))
    assert search.found == {9600: {3}, 19200: {4}}


def test_a_line_that_has_no_speed_of_its_own_is_called_twice_only() -> None:
    met: list[int] = []

    def world(step: Step) -> Heard:
        if kind(step) != "auto" or step.address not in (EVERYBODY, 7):
            return SILENCE
        met.append(step.baud)
        return replace(answer(7), again=len(met) > 1)

    search, asked = walk(world)
    assert met == [9600, 19200]
    assert search.found == {9600: {7}}
    assert {step.baud for step in asked} == {9600, 19200}


# --- several on one line


def crowd(baud: int, *addresses: int) -> Callable[[Step], Heard]:
    def world(step: Step) -> Heard:
        if kind(step) != "auto" or step.baud != baud:
            return SILENCE
        return GARBLE if step.address == EVERYBODY else answer(step.address) if step.address in addresses else SILENCE

    return world


def test_answers_that_collide_mean_that_every_address_of_that_speed_is_asked() -> None:
    search, asked = walk(crowd(19200, 1, 17, 99))
    assert search.found == {19200: {1, 17, 99}}
    assert {step.baud for step in asked if step.address != EVERYBODY} == {19200}


def test_an_answer_and_more_means_that_every_other_address_is_asked() -> None:
    def world(step: Step) -> Heard:
        if step.address == EVERYBODY and step.baud == 9600:
            return replace(answer(1), more=True)
        return crowd(9600, 1, 2)(step)

    search, asked = walk(world)
    assert search.found == {9600: {1, 2}}
    assert 1 not in {step.address for step in asked}


def test_who_answered_one_question_is_asked_no_other() -> None:
    _, asked = walk(crowd(9600, 5))
    assert [kind(step) for step in asked if step.address == 5] == ["auto"]


def test_a_crowd_on_a_line_without_a_speed_is_swept_once() -> None:
    met: set[int] = set()

    def world(step: Step) -> Heard:
        heard = replace(crowd(step.baud, 1, 17)(step), again=step.address in met)
        if heard.outcome is Outcome.ANSWER:
            met.add(step.address)
        return heard

    search, asked = walk(world)
    assert search.found == {9600: {1, 17}}
    assert [step.address for step in asked if step.baud == 19200 and step.address != EVERYBODY] == [1]


def test_a_damaged_answer_of_an_address_is_asked_for_once_more_and_then_told() -> None:
    def world(step: Step) -> Heard:
        return GARBLE if step.address == 4 and kind(step) == "auto" else crowd(9600, 1)(step)

    search, asked = walk(world, TEM_ONLY)
    assert sum(step.address == 4 for step in asked) == 2
    assert list(search.clashes) == [(9600, 4)]


def test_noise_alone_does_not_hide_a_meter_of_another_speed() -> None:
    def world(step: Step) -> Heard:
        if step.address == EVERYBODY:
            return GARBLE if step.baud == 9600 else SILENCE
        return answer(3) if (step.baud, step.address, kind(step)) == (4800, 3, "modbus") else SILENCE

    assert walk(world)[0].found == {4800: {3}}


# --- nobody answers a call


def test_when_nobody_answers_every_address_is_asked_at_every_speed() -> None:
    search, asked = walk(lambda _: SILENCE, TEM_ONLY)
    assert search.found == {}
    for baud in SPEEDS:
        addresses = [step.address for step in asked if step.baud == baud and step.address != EVERYBODY]
        assert addresses == [*range(1, 33), 99]


def test_a_slow_meter_is_met_by_a_patient_call() -> None:
    def world(step: Step) -> Heard:
        return lone_meter(9600, 2)(step) if step.wait_s >= 1.0 else SILENCE

    search, asked = walk(world)
    assert search.found == {9600: {2}}
    assert "auto" not in {kind(step) for step in asked if step.address != EVERYBODY}


def test_a_family_without_addresses_is_listened_for_at_its_own_speed() -> None:
    def world(step: Step) -> Heard:
        return answer(EVERYBODY) if kind(step) == "nameless" else SILENCE

    search, asked = walk(world)
    assert search.found == {9600: {EVERYBODY}}
    heard = [step for step in asked if kind(step) == "nameless"]
    assert [(step.baud, step.wait_s) for step in heard] == [(9600, tem_05m.LISTENING_S)]
    assert asked[-1] is heard[0]


def test_a_line_that_never_falls_silent_is_given_up() -> None:
    search, asked = walk(lambda _: BUSY)
    assert search.given_up
    assert len(asked) == BUSY_MOST


# --- bounds


def test_a_silent_line_takes_less_than_ten_minutes() -> None:
    waits = Waits()
    _, asked = walk(lambda _: SILENCE)
    changes = sum(before.baud != after.baud for before, after in pairwise(asked))
    listened = sum(step.wait_s for step in asked if kind(step) == "nameless")
    spent = sum(step.wait_s + waits.byte_s + 0.01 for step in asked) + changes * waits.pause_s + listened
    assert spent < 400


@settings(max_examples=60)
@given(st.data())
def test_whatever_is_heard_it_ends_and_asks_nothing_three_times(data: st.DataObject) -> None:
    outcomes = st.sampled_from([SILENCE, SILENCE, SILENCE, GARBLE, BUSY, answer(1), replace(answer(2), more=True)])

    def world(step: Step) -> Heard:
        heard = data.draw(outcomes)
        return heard if step.address == EVERYBODY or heard.outcome is not Outcome.ANSWER else answer(step.address)

    _, asked = walk(world)
    counts: dict[object, int] = {}
    for step in asked:
        counts[step] = counts.get(step, 0) + 1
    assert max(counts.values()) <= 2

"""One exchange on a line: what is taken, what is refused and counted, and that every wait ends."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import LineDown, NoAnswer
from engine.line.bus import DRAIN_LIMIT_S, LATE_SPAN_LIMIT_S, LIMIT_BYTES, SPARE_S, Bus, Pace, longest_s
from tests.fake.scripted_link import ScriptedLink, ask

WAIT_S = 0.35
PACE = Pace(9600, 0.2)


def bus_of(link: ScriptedLink, trace: list[str] | None = None) -> Bus:
    return Bus(link, link.clock, trace.append if trace is not None else None)


def refused(link: ScriptedLink) -> tuple[str, Bus]:
    """Why the one exchange failed, and the bus with its counts."""
    bus = bus_of(link)
    with pytest.raises(NoAnswer) as error:
        bus.exchange(ask(), WAIT_S, PACE)
    return str(error.value), bus


def test_an_answer_is_taken_the_moment_it_is_whole() -> None:
    link = ScriptedLink([(0.1, b"<one>")])
    bus = bus_of(link)
    assert bus.exchange(ask(), WAIT_S, PACE) == b"one"
    assert link.now_s == pytest.approx(100.1)
    assert not bus.refused


def test_the_line_has_the_speed_of_the_device_that_is_asked() -> None:
    link = ScriptedLink([(0.1, b"<a>")], [(0.1, b"<b>")])
    bus = bus_of(link)
    bus.exchange(ask(), WAIT_S, Pace(9600, 0.2))
    bus.exchange(ask(), WAIT_S, Pace(2400, 0.2))
    assert link.bauds == [9600, 2400]


def test_the_line_is_silent_for_as_long_as_a_request_asks_for() -> None:
    link = ScriptedLink([(0.1, b"<a>")], [(0.1, b"<b>")], [(0.1, b"<c>")])
    bus = bus_of(link)
    bus.exchange(replace(ask(), pause_s=0.5), WAIT_S, PACE)
    assert link.now_s == pytest.approx(100.1), "nothing was said before"
    bus.exchange(replace(ask(), pause_s=0.5), WAIT_S, PACE)
    assert link.now_s == pytest.approx(100.7)
    link.now_s += 0.3
    bus.exchange(replace(ask(), pause_s=0.5), WAIT_S, PACE)
    assert link.now_s == pytest.approx(101.3), "silence that has been counts"


def test_an_answer_may_come_byte_by_byte() -> None:
    link = ScriptedLink([(0.1 + 0.05 * place, bytes([byte])) for place, byte in enumerate(b"<slowly told>")])
    assert bus_of(link).exchange(ask(expected=13), WAIT_S, PACE) == b"slowly told"


def test_silence_ends_with_the_wait_for_the_first_byte() -> None:
    link = ScriptedLink()
    reason, bus = refused(link)
    assert reason == "нет ответа"
    assert link.now_s == pytest.approx(100 + WAIT_S)
    assert bus.refused == {"нет ответа": 1}


def test_a_cut_answer_ends_with_the_silence_inside_the_frame() -> None:
    link = ScriptedLink([(0.3, b"<cu")])
    reason, bus = refused(link)
    assert reason == "неполный кадр"
    assert link.now_s == pytest.approx(100 + 0.3 + PACE.byte_timeout_s)
    assert bus.refused == {"неполный кадр": 1}


def test_a_damaged_answer_is_counted_by_its_reason_and_never_taken() -> None:
    reason, bus = refused(ScriptedLink([(0.1, b"<on!>")]))
    assert reason == "контрольная сумма"
    assert bus.refused == {"контрольная сумма": 1}


def test_an_echo_before_the_answer_does_not_shorten_the_wait_for_it() -> None:
    link = ScriptedLink([(0.0, b"?1"), (0.3, b"<one>")])
    bus = bus_of(link)
    assert bus.exchange(ask(), WAIT_S, PACE) == b"one"
    assert bus.refused == {"эхо": 1}


def test_noise_before_the_answer_is_counted_and_passed_over() -> None:
    link = ScriptedLink([(0.1, b"\x00\xff\x17"), (0.2, b"<one>")])
    bus = bus_of(link)
    assert bus.exchange(ask(expected=5), WAIT_S, PACE) == b"one"
    assert bus.refused == {"шум": 1}


def test_a_false_start_does_not_stall_the_answer_behind_it() -> None:
    link = ScriptedLink([(0.1, b"<fal"), (0.2, b"<one>")])
    assert bus_of(link).exchange(ask(), WAIT_S, PACE) == b"one"


def test_what_came_before_the_request_answers_nothing() -> None:
    link = ScriptedLink([(0.1, b"<new>")])
    link.say((-1.0, b"<old>"))
    bus = bus_of(link)
    assert bus.exchange(ask(), WAIT_S, PACE) == b"new"
    assert bus.refused == {"запоздалый ответ": 1}


def test_after_a_failure_the_line_is_heard_out_before_the_next_request() -> None:
    link = ScriptedLink([(0.45, b"<old>")], [(0.1, b"<new>")])
    bus = bus_of(link)
    with pytest.raises(NoAnswer):
        bus.exchange(ask(b"?1"), WAIT_S, PACE)
    assert bus.exchange(ask(b"?2"), WAIT_S, PACE) == b"new"
    assert bus.refused == {"нет ответа": 1, "запоздалый ответ": 1}
    assert link.written[1][0] >= 100.45 + PACE.byte_timeout_s


def test_a_second_answer_to_a_repeated_request_is_waited_for_and_dropped() -> None:
    link = ScriptedLink([(0.1, b"<one>"), (0.5, b"<one>")], [(0.1, b"<two>")])
    bus = bus_of(link)
    bus.exchange(ask(b"?1"), WAIT_S, PACE)
    bus.expect_late_answer(0.7)
    assert bus.exchange(ask(b"?2"), WAIT_S, PACE) == b"two"
    assert bus.refused == {"запоздалый ответ": 1}


def test_every_answer_to_a_request_that_was_sent_three_times_is_waited_for_and_dropped() -> None:
    """They lie as far apart as the requests did, which is more than the silence inside a frame."""
    link = ScriptedLink([(0.1, b"<one>"), (0.65, b"<one>"), (1.55, b"<one>")], [(0.1, b"<two>")])
    bus = bus_of(link)
    bus.exchange(ask(b"?1"), WAIT_S, PACE)
    bus.expect_late_answer(1.4, 1.45)
    assert bus.exchange(ask(b"?2"), WAIT_S, PACE) == b"two"
    assert link.written[1][0] == pytest.approx(101.55 + 1.4)


def test_somebody_else_who_talks_now_and_then_is_not_taken_for_late_answers_for_ever() -> None:
    link = ScriptedLink([(0.1, b"<one>")], [(0.1, b"<two>")])
    bus = bus_of(link)
    bus.exchange(ask(b"?1"), WAIT_S, PACE)
    link.say(*((0.5 * count, b"x") for count in range(1, 200)))
    bus.expect_late_answer(0.7, 0.55)
    assert bus.exchange(ask(b"?2"), WAIT_S, PACE) == b"two"
    assert link.written[1][0] <= 100.1 + 0.7 + 0.55 + 0.5 + PACE.byte_timeout_s


@pytest.mark.parametrize(("span_s", "longest_span_s"), [(0.55, 0.55), (3600.0, LATE_SPAN_LIMIT_S)])
def test_a_line_that_babbles_instead_of_a_late_answer_is_left_alone_after_a_while(
    span_s: float, longest_span_s: float
) -> None:
    link = ScriptedLink(babble_s=0.01)
    bus = bus_of(link)
    bus.expect_late_answer(0.7, span_s)
    with pytest.raises(NoAnswer, match="линия не умолкает"):
        bus.exchange(ask(), WAIT_S, PACE)
    assert link.now_s - 100 == pytest.approx(0.7 + longest_span_s + DRAIN_LIMIT_S, abs=0.05)


def test_a_stop_does_not_wait_until_a_babbling_line_is_silent() -> None:
    link = ScriptedLink(babble_s=0.01)
    bus = bus_of(link)
    bus.stop()
    with pytest.raises(NoAnswer):
        bus.exchange(ask(), WAIT_S, PACE)
    assert link.now_s == 100.0


def test_without_a_failure_nothing_is_waited_for_between_exchanges() -> None:
    link = ScriptedLink([(0.1, b"<one>")], [(0.1, b"<two>")])
    bus = bus_of(link)
    bus.exchange(ask(), WAIT_S, PACE)
    bus.exchange(ask(), WAIT_S, PACE)
    assert link.now_s == pytest.approx(100.2)


def test_a_line_that_never_falls_silent_is_left_alone_after_a_while() -> None:
    link = ScriptedLink(babble_s=0.001)
    reason, bus = refused(link)
    assert reason == "линия не умолкает"
    assert not link.written, "a request would only add to the noise"
    assert link.now_s < 100 + DRAIN_LIMIT_S + 0.1
    assert bus.refused == {"шум": 1}


def test_a_line_that_begins_to_babble_after_the_request_has_an_end_too() -> None:
    link = ScriptedLink(babble_s=0.001, when_asked=True)
    reason, bus = refused(link)
    assert reason == "шум"
    bound_s = WAIT_S + SPARE_S + 2 * 10 * (6 + 2) / 9600
    assert link.now_s <= 100 + bound_s + 0.01
    assert bus.refused == {"шум": 1}


def test_a_flood_fills_no_more_than_the_buffer() -> None:
    link = ScriptedLink([(0.0, b"\x00" * 1_000_000)])
    trace: list[str] = []
    with pytest.raises(NoAnswer):
        bus_of(link, trace).exchange(ask(), WAIT_S, PACE)
    assert max(map(len, trace)) <= len("<< ") + 3 * LIMIT_BYTES


def test_a_lower_speed_gives_a_long_answer_the_time_that_it_needs() -> None:
    pieces = [(0.3 + 0.1 * place, b"x") for place in range(20)]
    link = ScriptedLink([*pieces, (2.35, b"<late end>")])
    with pytest.raises(NoAnswer):
        bus_of(link).exchange(ask(expected=30), WAIT_S, Pace(9600, 0.2))
    link = ScriptedLink([*pieces, (2.35, b"<late end>")])
    assert bus_of(link).exchange(ask(expected=300), WAIT_S, Pace(4800, 0.2)) == b"late end"


def test_a_line_that_is_down_is_told_as_such() -> None:
    link = ScriptedLink()
    link.down = "устройство отключено"
    with pytest.raises(LineDown, match="устройство отключено"):
        bus_of(link).exchange(ask(), WAIT_S, PACE)


def test_the_trace_has_the_form_of_a_capture() -> None:
    trace: list[str] = []
    link = ScriptedLink([(0.1, b"<\x01>")], [(0.1, b"\xaa!")])
    bus = bus_of(link, trace)
    bus.exchange(ask(b"\x55\x0f"), WAIT_S, PACE)
    with pytest.raises(NoAnswer):
        bus.exchange(ask(b"\x55"), WAIT_S, PACE)
    assert trace == [">> 55 0F", "<< 3C 01 3E", ">> 55", "<< AA 21", "# шум"]


def test_the_trace_of_a_babbling_line_shows_what_it_says() -> None:
    trace: list[str] = []
    with pytest.raises(NoAnswer):
        bus_of(ScriptedLink(babble_s=0.1), trace).exchange(ask(), WAIT_S, PACE)
    assert trace[0].startswith("<< FF FF")
    assert trace[1:] == ["# шум"]


def test_closing_the_bus_closes_its_line() -> None:
    link = ScriptedLink()
    bus_of(link).close()
    assert link.closed == 1


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 3), st.binary(min_size=1, max_size=40)), max_size=30))
def test_whatever_comes_an_exchange_ends_in_time_and_is_counted_once(pieces: list[tuple[float, bytes]]) -> None:
    link = ScriptedLink(pieces)
    bus = bus_of(link)
    try:
        bus.exchange(ask(), WAIT_S, PACE)
    except NoAnswer as error:
        assert bus.refused == {str(error): 1}
    assert link.now_s <= 100 + WAIT_S + SPARE_S + 0.1


def test_requests_and_answers_are_counted_and_the_counts_outlive_a_crash() -> None:
    link = ScriptedLink([(0.1, b"<one>")])
    bus = bus_of(link)
    bus.exchange(ask(), WAIT_S, PACE)
    with pytest.raises(NoAnswer):
        bus.exchange(ask(), WAIT_S, PACE)
    assert (bus.requests, bus.answers, dict(bus.refused)) == (2, 1, {"нет ответа": 1})
    after = bus_of(ScriptedLink([(0.1, b"<two>")]))
    after.count_on_from(bus)
    after.exchange(ask(), WAIT_S, PACE)
    assert (after.requests, after.answers, dict(after.refused)) == (3, 2, {"нет ответа": 1})


def test_no_exchange_listens_longer_than_it_was_said() -> None:
    babble = [(0.05, b"x")] * 2000
    link = ScriptedLink(babble)
    bus = bus_of(link)
    with pytest.raises(NoAnswer):
        bus.exchange(ask(), WAIT_S, PACE)
    assert link.now_s - 100 <= longest_s(ask(), WAIT_S, PACE) + PACE.byte_timeout_s

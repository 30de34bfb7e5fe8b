from __future__ import annotations

from collections.abc import Sequence

import pytest

from engine.emulate.line import Line


class Told:
    """Answers everything with the same pieces and remembers what it was told."""

    def __init__(self, *pieces: tuple[float, bytes]) -> None:
        self.answer = pieces
        self.lived_s: list[float] = []
        self.pauses = 0

    def pieces(self, data: bytes) -> Sequence[tuple[float, bytes]]:
        return self.answer if data else ()

    def elapse(self, seconds: float) -> None:
        self.lived_s.append(seconds)

    def pause(self) -> None:
        self.pauses += 1


def test_an_answer_takes_the_time_of_request_turnaround_and_its_own_bytes() -> None:
    line = Line(Told((0.0, bytes(71))), baud=9600, turnaround_s=0.005)
    sent = line.hear(bytes(11), 100.0)
    assert b"".join(chunk for _, chunk in sent) == bytes(71)
    assert sent[-1][0] == pytest.approx(100.0 + 11 * 10 / 9600 + 0.005 + 71 * 10 / 9600)
    assert sent[0][0] == pytest.approx(100.0 + 11 * 10 / 9600 + 0.005 + len(sent[0][1]) * 10 / 9600)


@pytest.mark.parametrize(("baud", "most"), [(300, 1), (9600, 7), (115200, 92)])
def test_chunks_are_a_few_milliseconds_long_at_any_speed(baud: int, most: int) -> None:
    sent = Line(Told((0.0, bytes(200))), baud=baud).hear(b"?", 0.0)
    assert max(len(chunk) for _, chunk in sent) == most


def test_a_request_in_two_portions_takes_the_time_of_both() -> None:
    line = Line(Told((0.0, b"!")), baud=9600, turnaround_s=0.0)
    line.hear(bytes(50), 0.0)
    (due, _), *_ = line.hear(bytes(50), 0.001)
    assert due == pytest.approx((50 + 50 + 1) * 10 / 9600)


def test_answers_follow_one_another() -> None:
    line = Line(Told((0.0, bytes(100))), baud=9600, turnaround_s=0.0)
    first, second = line.hear(b"?", 0.0), line.hear(b"?", 0.0)
    assert second[0][0] > first[-1][0]


def test_pauses_of_the_meter_are_kept() -> None:
    sent = Line(Told((1.0, b"a"), (2.0, b"b")), baud=0, turnaround_s=0.0).hear(b"?", 10.0)
    assert sent == [(11.0, b"a"), (13.0, b"b")]


def test_without_a_speed_an_answer_is_there_at_once_and_whole() -> None:
    assert Line(Told((0.0, bytes(262))), baud=0, turnaround_s=0.0).hear(b"?", 5.0) == [(5.0, bytes(262))]


def test_the_time_of_the_meter_runs_by_the_scale() -> None:
    told = Told()
    line = Line(told, time_scale=60)
    line.pass_time(0.0)
    line.hear(b"?", 1.5)
    line.pass_time(2.0)
    assert told.lived_s == [90.0, 30.0]


def test_a_long_silence_makes_the_meter_forget_and_a_short_one_does_not() -> None:
    told = Told()
    line = Line(told, baud=9600)
    for now_s in (0.0, 0.4, 0.8, 2.0):
        line.hear(b"?", now_s)
    assert told.pauses == 2

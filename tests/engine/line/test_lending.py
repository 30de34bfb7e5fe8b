"""A lent line: whose turn it is, and what a client costs the polls. Time is counted, not waited for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest

import drivers
from drivers.emulated import Piece, tem
from engine.errors import NoAnswer
from engine.line.bus import Bus, Pace
from engine.news import Contact, Missed
from engine.settings import DeviceSettings, parse_device
from tests.fake.scripted_link import ScriptedLink, ask
from tests.fake.tem_request import IDENTIFY, memory_request
from tests.fake.virtual_guest import VirtualGuest
from tests.fake.virtual_line import VirtualLine

NOW = datetime(2026, 11, 22, 9, 5)
REQUEST = memory_request(0, 64)
HIS = (IDENTIFY[:3] + b"\xaa", b"\xde\xad\xbe\xef")
"""Bytes that only a client says."""


class Watched:
    """A meter that notes what it hears and when; `deaf` ones answer nobody."""

    def __init__(self, *, deaf: bool = False) -> None:
        self.inside = tem.Meter(tem.Options(model="tesmart", records=(200, 5, 2)), now=NOW)
        self.heard: list[tuple[float, bytes]] = []
        self.line: VirtualLine | None = None
        self._deaf = deaf

    def pieces(self, data: bytes) -> Sequence[Piece]:
        if self.line:
            self.heard.append((self.line.clock(), data))
        return () if self._deaf else self.inside.pieces(data)

    def elapse(self, seconds: float) -> None:
        self.inside.elapse(seconds)

    def pause(self) -> None:
        self.inside.pause()


class Scene:
    def __init__(self, *polled: DeviceSettings, deaf: bool = False, interval_s: float = 1.0) -> None:
        self.meter = Watched(deaf=deaf)
        self.line = VirtualLine(self.meter, drivers.load())
        self.meter.line = self.line
        self.line.set_devices(polled, interval_s)

    def guest(self, *words: tuple[float, bytes]) -> VirtualGuest:
        """Lent from now on; moments of the words count from now."""
        now_s = self.line.clock()
        guest = VirtualGuest(self.line.link, *((now_s + after_s, data) for after_s, data in words))
        self.line.lend(guest)
        return guest

    def polls(self, since_s: float, until_s: float) -> list[float]:
        """When the agent asked."""
        return [at_s for at_s, data in self.meter.heard if since_s <= at_s < until_s and data not in HIS]


def device(**changed: object) -> DeviceSettings:
    text = "[device]\nPort=ttyS0\nNetAddr=1\nDevType=ТЕМ-104\n"
    return replace(parse_device("log/User/devices/a.ini", text)[0], **changed)  # type: ignore[arg-type]


def test_while_a_client_talks_nobody_else_does() -> None:
    scene = Scene(device())
    scene.line.run_for(5)
    begun_s = scene.line.clock()
    scene.guest(*((second * 1.9, HIS[1]) for second in range(10)))
    scene.line.run_for(30)
    assert scene.polls(begun_s, begun_s + 9 * 1.9 + 2) == []
    assert [data for _, data in scene.meter.heard].count(HIS[1]) == 10


def test_polls_pass_after_two_seconds_of_silence_and_his_next_word_comes_between_two_requests() -> None:
    scene = Scene(device())
    scene.line.run_for(5)
    begun_s = scene.line.clock()
    scene.guest((0.0, HIS[1]), (7.003, HIS[1]))
    scene.line.run_for(20)
    first_s, second_s = (at_s for at_s, data in scene.meter.heard if data == HIS[1])
    assert scene.polls(first_s, first_s + 2) == [] == scene.polls(second_s, second_s + 2)
    assert len(scene.polls(begun_s + 2, second_s)) >= 5 and scene.polls(second_s + 2, second_s + 10)
    assert second_s - (begun_s + 7.003) < 0.2


def test_his_word_waits_for_the_answer_to_a_running_request() -> None:
    """A poll is on the line at every moment: the archive is read, so some word would meet an answer."""
    for after_s in (2.3, 2.31, 2.32, 2.33, 2.34, 2.35, 2.36, 2.37):
        scene = Scene(device(retries=0, reconnects=1))
        scene.line.run_for(1.2)
        guest = scene.guest((0.0, REQUEST), (after_s, REQUEST))
        news = scene.line.run_for(30)
        assert not [each for each in news if isinstance(each, Missed)]
        answer = b"".join(part for _, part in scene.meter.inside.pieces(REQUEST))
        assert b"".join(part for _, part in guest.heard) == answer * 2
        assert not scene.line.bus.refused


def test_a_late_answer_to_the_agent_is_not_given_to_the_client() -> None:
    link = ScriptedLink([(0.6, b"<late>")])
    bus = Bus(link, link.clock)
    with pytest.raises(NoAnswer):
        bus.exchange(ask(), 0.5, Pace(9600, 0.2))
    bus.lend(Pace(9600, 0.2))
    assert link.read(100, 5.0) == b""
    assert bus.refused["запоздалый ответ"] == 1


def test_a_lent_line_makes_no_device_off_line() -> None:
    scene = Scene(device(retries=0, reconnects=1), deaf=True)
    scene.guest(*((float(second), b"?") for second in range(0, 600, 10)))
    news = scene.line.run_for(590)
    assert len(scene.polls(0, 10_000)) > 100, "it was asked all the time"
    assert not [each for each in news if isinstance(each, Missed)]
    assert next(each.lost for each in scene.line.run_for(120) if isinstance(each, Missed))


def test_a_client_who_left_in_the_middle_of_an_exchange_spoils_no_poll() -> None:
    for lag_s in (0.0, 0.05, 0.3, 0.9):
        scene = Scene(device(retries=0, reconnects=1))
        scene.line.run_for(3)
        guest = scene.guest((0.0, REQUEST))
        pieces = scene.meter.inside.pieces
        lagging = [(lag_s, part) for _, part in pieces(REQUEST)]
        scene.meter.inside.pieces = lambda data, pieces=pieces, lagging=lagging: (  # type: ignore[method-assign,misc]
            lagging if data == REQUEST else pieces(data)
        )
        while not guest.to_line:
            scene.line.run_for(0.001)
        guest.close("соединение разорвано")
        scene.line.poll_now()
        news = scene.line.run_for(10)
        assert set(scene.line.bus.refused) <= {"запоздалый ответ"}, "kept away from the answers to the agent"
        assert not [each for each in news if isinstance(each, Missed)], lag_s
        assert [each for each in news if isinstance(each, Contact)]


def test_a_minute_of_silence_disconnects_him() -> None:
    scene = Scene(device(), interval_s=10)
    guest = scene.guest((5.0, HIS[1]))
    scene.line.run_for(64.5)
    assert not guest.gone
    scene.line.run_for(2)
    assert guest.gone == "молчал 60 с"
    assert [each for each in scene.line.run_for(20) if isinstance(each, Contact)]


def test_a_line_that_babbles_does_not_keep_a_silent_client() -> None:
    scene = Scene()
    guest = scene.guest()
    for _ in range(700):
        scene.line.link._coming.append((scene.line.clock() + 0.1, b"\xff"))
        scene.line.run_for(0.1)
    assert guest.gone == "молчал 60 с"
    assert len(guest.heard) > 500, "and he hears it"


def test_only_one_client_has_a_line() -> None:
    scene = Scene(device())
    first = scene.guest((0.0, HIS[1]), (1.0, HIS[1]))
    second = scene.guest((0.0, HIS[1]))
    scene.line.run_for(1.5)
    assert (first.gone, second.gone) == ("", "линия занята другим клиентом")
    first.close("отключился")
    third = scene.guest((0.0, HIS[1]))
    scene.line.run_for(1)
    assert not third.gone and third.to_line


def test_a_line_that_goes_down_ends_the_client_and_is_polled_again() -> None:
    scene = Scene(device())
    scene.line.run_for(3)
    guest = scene.guest((0.0, HIS[1]), (1.0, HIS[1]))
    scene.line.run_for(0.5)
    scene.line.link.close_from_afar()
    news = scene.line.run_for(10)
    assert guest.gone == "соединение разорвано"
    assert [each for each in news if isinstance(each, Contact)]
    assert not [each for each in news if isinstance(each, Missed)]


def test_a_client_of_a_line_that_cannot_be_opened_is_told_why() -> None:
    scene = Scene()
    scene.line.link.down = "порт не открывается: занят другой программой"
    guest = scene.guest((0.0, HIS[1]))
    scene.line.run_for(1)
    assert guest.gone == "порт не открывается: занят другой программой"


def test_his_speed_is_set_before_his_word_and_the_device_s_own_before_a_poll() -> None:
    scene = Scene(device(baud=19200))
    speeds: list[int] = []
    whole = scene.line.link.open
    scene.line.link.open = lambda baud: (speeds.append(baud), whole(baud))[1]  # type: ignore[func-returns-value,assignment]
    scene.guest((0.0, HIS[1]))
    scene.line.run_for(10)
    assert speeds[0] == 9600 and set(speeds[1:]) == {19200, 9600}


def test_a_dialogue_that_was_interrupted_for_long_begins_anew_and_a_short_one_goes_on() -> None:
    for words, goes_on in ((5, True), (60, False)):
        scene = Scene(device(), interval_s=1)
        scene.line.run_for(3)
        while scene.line._current is None:
            scene.line.run_for(0.001)
        interrupted, asked = scene.line._current, scene.line._current.ask
        scene.guest(*((float(second), HIS[1]) for second in range(words)))
        scene.line.run_for(words + 10)
        assert (interrupted.ask is not asked) == goes_on
        assert [each for _, each in scene.line.news if isinstance(each, Contact)]

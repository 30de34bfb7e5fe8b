"""What a search meets on a line. Lines hear only their own speed, and time is counted, not waited for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest

import drivers
from drivers.emulated import Piece, Speaker, tem, tem_104
from drivers.emulated.bus import Bus as EmulatedBus
from drivers.emulated.faults import Fault, Faulty
from drivers.emulated.tem_104_options import LegacyOptions
from engine.runtime.line_search import Ended, LineNews, LineSearch, Looking, Met, Told
from engine.search import SPEEDS, questions_of
from engine.search.proposal import Found
from tests.fake.modbus_answer import rtu
from tests.fake.own_speed_link import OwnSpeedLink

NOW = datetime(2026, 11, 22, 9, 5)
QUESTIONS = questions_of(drivers.load())
CAPTURES = Path(__file__).parents[2] / "captures"


def meter(address: int, **options: object) -> tem.Meter:
    usual: dict[str, object] = {"model": "tesmart", "records": (1, 1, 1), "address": address, "serial": 1000 + address}
    return tem.Meter(tem.Options(**{**usual, **options}), now=NOW)  # type: ignore[arg-type]


def captured(case: str, mark: str) -> bytes:
    lines = (CAPTURES / case / "exchange.txt").read_text(encoding="utf-8").splitlines()
    return bytes.fromhex(next(line[2:] for line in lines if line.startswith(mark)))


class Scripted:
    """Answers the requests of a table, each after a pause in seconds."""

    def __init__(self, answers: dict[bytes, bytes], pause_s: float = 0.0) -> None:
        self._answers = answers
        self._pause_s = pause_s

    def pieces(self, data: bytes) -> Sequence[Piece]:
        return [(self._pause_s, self._answers[data])] if data in self._answers else []

    def elapse(self, seconds: float) -> None:
        del seconds

    def pause(self) -> None:
        """Remembers nothing."""


class Several:
    """Speakers that do not wait for one another, and never at the same instant."""

    def __init__(self, *speakers: Speaker) -> None:
        self._speakers = speakers

    def pieces(self, data: bytes) -> Sequence[Piece]:
        answers = [list(speaker.pieces(data)) for speaker in self._speakers]
        return [(pause_s + 0.03 * (index > 0), part) for index, one in enumerate(answers) for pause_s, part in one]

    def elapse(self, seconds: float) -> None:
        for speaker in self._speakers:
            speaker.elapse(seconds)

    def pause(self) -> None:
        for speaker in self._speakers:
            speaker.pause()


def search(link: OwnSpeedLink) -> list[LineNews]:
    """All news of a search that is run to its end."""
    news: list[LineNews] = []

    def crashed(_thread: str, traceback: str) -> None:
        raise AssertionError(traceback)

    LineSearch(link, QUESTIONS, news.append, crashed, clock=lambda: link.now_s).work()
    assert isinstance(news[-1], Ended)
    assert link.closed
    return news


def met(news: list[LineNews]) -> list[Found]:
    return [each.found for each in news if isinstance(each, Met)]


def told(news: list[LineNews]) -> str:
    return "\n".join(each.text for each in news if isinstance(each, Told))


def places(found: list[Found]) -> set[tuple[str, int, int]]:
    return {(each.number, each.baud, each.address) for each in found}


# --- speed and address


@pytest.mark.parametrize("baud", SPEEDS)
def test_a_lone_meter_is_met_at_its_speed_in_less_than_a_minute(baud: int) -> None:
    link = OwnSpeedLink(meter(17), baud)
    assert places(met(search(link))) == {("1017", baud, 17)}
    assert link.spent_s < 60


def test_eight_lines_with_one_meter_each_need_less_than_a_minute_each() -> None:
    for index in range(8):
        link = OwnSpeedLink(meter(index * 4 + 1), SPEEDS[index % len(SPEEDS)])
        assert places(met(search(link))) == {(str(1001 + index * 4), link.own_baud, index * 4 + 1)}
        assert link.spent_s < 60


def test_a_meter_tells_its_address_when_everybody_is_called() -> None:
    (found,) = met(search(OwnSpeedLink(meter(240))))
    assert (found.address, found.alone) == (240, True)


def test_a_met_device_is_opened_by_the_driver_that_knows_it() -> None:
    old = tem_104.Meter(LegacyOptions(serial=555, address=9, records=(1, 1, 1)), NOW)
    (found,) = met(search(OwnSpeedLink(old, 19200)))
    assert (found.identity.device_type, found.number) == ("ТЕМ-104", "555")


def test_a_meter_of_an_adapter_that_ignores_speeds_is_met_once() -> None:
    class AnySpeed(OwnSpeedLink):
        def open(self, baud: int) -> None:
            super().open(baud)
            self.own_baud = baud

    assert places(met(search(AnySpeed(meter(5))))) == {("1005", 9600, 5)}


def test_a_silent_line_is_told_and_takes_less_than_ten_minutes() -> None:
    link = OwnSpeedLink(Scripted({}))
    news = search(link)
    assert met(news) == []
    assert told(news) == "никто не ответил"
    assert link.spent_s < 600


def test_a_slow_meter_is_met_and_its_wait_is_told() -> None:
    link = OwnSpeedLink(Faulty(meter(3), [Fault.parse("slow:1:0.7")]))
    (found,) = met(search(link))
    assert (found.address, found.wait_s) == (3, 1.0)
    assert link.spent_s < 60


def test_an_adapter_that_echoes_changes_nothing() -> None:
    link = OwnSpeedLink(Faulty(meter(3), [Fault.parse("echo")]))
    assert places(met(search(link))) == {("1003", 9600, 3)}
    assert link.spent_s < 60


def test_an_echo_alone_is_nobody() -> None:
    assert told(search(OwnSpeedLink(Faulty(Scripted({}), [Fault.parse("echo")])))) == "никто не ответил"


def test_a_meter_whose_first_answer_is_damaged_is_met() -> None:
    link = OwnSpeedLink(Faulty(meter(12), [Fault.parse("damaged:3")]))
    assert places(met(search(link))) == {("1012", 9600, 12)}


# --- several on one line


def test_meters_whose_answers_collide_are_all_met() -> None:
    link = OwnSpeedLink(EmulatedBus([meter(1), meter(17), meter(99)]), 19200)
    news = search(link)
    assert places(met(news)) == {("1001", 19200, 1), ("1017", 19200, 17), ("1099", 19200, 99)}
    assert not any(found.alone for found in met(news))
    assert link.spent_s < 60


def test_meters_that_answer_one_after_the_other_are_all_met() -> None:
    link = OwnSpeedLink(Several(meter(4), meter(7)))
    assert places(met(search(link))) == {("1004", 9600, 4), ("1007", 9600, 7)}


def test_two_meters_with_one_address_are_told() -> None:
    link = OwnSpeedLink(EmulatedBus([meter(6, serial=1), meter(6, model="tem106", serial=2)]))
    assert "скорость 9600, адрес 6: ответ не разобрать" in told(search(link))


def test_addresses_that_are_not_asked_are_told() -> None:
    news = search(OwnSpeedLink(EmulatedBus([meter(50), meter(60)])))
    assert met(news) == []
    assert "на скорости 9600" in told(news)


# --- other families


def test_a_meter_that_answers_no_call_is_met_by_its_address() -> None:
    case = "rsm_05/open_modbus"
    link = OwnSpeedLink(Scripted({captured(case, ">>"): captured(case, "<<")}), 19200)
    (found,) = met(search(link))
    assert (found.identity.device_type, found.number, found.protocol) == ("РСМ-05.05", "123456", "modbus")
    assert (found.baud, found.address, found.alone) == (19200, 2, False)


def test_it_is_met_beside_a_meter_that_answers_the_call() -> None:
    case = "rsm_05/open_modbus"
    link = OwnSpeedLink(Several(meter(3), Scripted({captured(case, ">>"): captured(case, "<<")})))
    assert places(met(search(link))) == {("1003", 9600, 3), ("123456", 9600, 2)}
    assert link.spent_s < 60


def test_a_meter_without_address_and_frame_is_listened_for() -> None:
    link = OwnSpeedLink(Scripted({b"": captured("tem_05m/open", "<<")}, pause_s=2.5))
    (found,) = met(search(link))
    assert (found.identity.device_type, found.number, found.address) == ("ТЭМ-05М", "38246", 0)
    assert link.spent_s < 60


def test_a_device_that_only_refuses_is_told_and_not_met() -> None:
    class Stranger(Scripted):
        def pieces(self, data: bytes) -> Sequence[Piece]:
            return [(0.0, rtu(8, bytes((0x83, 2))))] if data[:2] == b"\x08\x03" else []

    news = search(OwnSpeedLink(Stranger({})))
    assert met(news) == []
    assert "скорость 9600, адрес 8: кто-то есть, но это не известный прибор: Modbus, код 2" in told(news)


def test_an_id_that_no_driver_knows_is_told_and_not_met() -> None:
    news = search(OwnSpeedLink(meter(2, identity=b"TEM-999")))
    assert met(news) == []
    assert "прибор отвечает, но не опознан: неизвестный прибор: b'TEM-999'" in told(news)


# --- lines that are no good


def test_a_dead_port_is_told_once() -> None:
    link = OwnSpeedLink(meter(1))
    link.down = "порт не открывается: такого порта нет"
    news = search(link)
    assert told(news) == link.down
    assert link.sent == []


def test_a_line_that_never_falls_silent_is_left_alone() -> None:
    class Babble(OwnSpeedLink):
        def read(self, limit: int, timeout_s: float) -> bytes:
            del limit
            self.pass_time(min(max(timeout_s, 0.01), 0.05))
            return b"\x11\x22\x33"

    link = Babble(meter(1))
    news = search(link)
    assert "линия не умолкает" in told(news)
    assert link.sent == []
    assert link.spent_s < 15


def test_a_search_that_is_stopped_ends_at_once() -> None:
    link = OwnSpeedLink(Scripted({}))
    news: list[LineNews] = []
    search = LineSearch(link, QUESTIONS, news.append, lambda _thread, _text: None, clock=lambda: link.now_s)
    search.stop()
    search.work()
    assert told(news) == "поиск прерван"
    assert link.sent == []


def test_progress_says_what_is_asked() -> None:
    looked = [each for each in search(OwnSpeedLink(Scripted({}))) if isinstance(each, Looking)]
    assert {each.baud for each in looked} == set(SPEEDS)
    assert {each.address for each in looked} == {0, *range(1, 33), 99}

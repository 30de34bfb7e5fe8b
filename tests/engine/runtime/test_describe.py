"""A device and its line in one line each, as a person reads them in `status.txt`."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import cast

import pytest

from engine.keeper import Keeper
from engine.keeper.standing import Note
from engine.line import LineWorker
from engine.line.bus import Bus
from engine.runtime.describe import bus_line, device_line
from engine.runtime.lines import Standing as LineStanding
from tests.fake.agent_settings import serial_device, tcp_device
from tests.fake.keeper_orders import KeeperOrders
from tests.fake.scripted_link import ScriptedLink

AT = datetime(2026, 11, 22, 9, 5, 30)


def keeper_of(**changed: object) -> Keeper:
    return Keeper(Path("/nowhere"), serial_device("a.ini", **changed), KeeperOrders())


def told(keeper: Keeper) -> list[str]:
    return device_line(keeper).split("; ")


def test_a_device_that_was_not_asked_yet() -> None:
    assert told(keeper_of()) == ["a.ini: ТЕМ-104 №? /dev/ttyS0", "ещё не опрошен"]


def test_a_device_that_is_switched_off() -> None:
    assert told(keeper_of(enabled=False, dev_number="7"))[:2] == ["a.ini: ТЕМ-104 №7 /dev/ttyS0", "выключен"]


def test_a_device_by_tcp_is_told_by_its_address() -> None:
    assert "192.0.2.1:10001" in device_line(Keeper(Path("/nowhere"), tcp_device("a.ini"), KeeperOrders()))


def test_a_device_that_answers_and_whose_archive_is_read() -> None:
    keeper = keeper_of()
    keeper.standing.online, keeper.standing.read_at = True, AT
    keeper.standing.remaining, keeper.standing.total = 7, 10
    assert told(keeper)[1:] == ["на связи", "показания 22.11.26 09:05:30", "архив: осталось 7 из 10"]
    keeper.standing.remaining, keeper.standing.caught_up = 0, True
    assert told(keeper)[-1] == "архив полон"


def test_an_archive_is_not_called_full_before_it_was_looked_through() -> None:
    keeper = keeper_of()
    keeper.standing.online = True
    assert "архив полон" not in device_line(keeper)
    keeper.standing.notes[Note.ARCHIVE] = "архив не читается: нет такого архива"
    keeper.standing.caught_up = True
    assert "архив полон" not in device_line(keeper)
    assert told(keeper)[-1] == "архив не читается: нет такого архива"


@pytest.mark.parametrize(
    ("online", "text"),
    [(None, "нет ответа 3 из 10 (шум)"), (True, "нет ответа 3 из 10 (шум)"), (False, "не на связи (шум)")],
)
def test_a_device_that_does_not_answer(online: bool | None, text: str) -> None:
    keeper = keeper_of()
    keeper.standing.online, keeper.standing.failures, keeper.standing.reason = online, 3, "шум"
    assert told(keeper)[1] == text


def test_what_was_refused_is_counted_by_reason() -> None:
    keeper = keeper_of()
    keeper.standing.doubts, keeper.standing.unsummed = Counter({"T2: не число": 2}), 4
    assert told(keeper)[-2:] == [
        "записей с чужой контрольной суммой, прочитанных дважды: 4",
        "не принято: T2: не число 2",
    ]


def test_how_often_it_was_asked_and_answered() -> None:
    keeper = keeper_of()
    keeper.standing.readings, keeper.standing.missed = 7, 2
    assert "опросов 9, ответов 7" in told(keeper)


def test_several_notes_are_all_told() -> None:
    keeper = keeper_of()
    keeper.standing.notes |= {Note.ARCHIVE: "архив не записан", Note.SNAPSHOT: "показания не записаны", Note.NUMBER: ""}
    assert told(keeper)[-2:] == ["показания не записаны", "архив не записан"]


def test_a_line_and_what_came_over_it() -> None:
    worker = LineWorker(Bus(ScriptedLink()), (), lambda _news: None, lambda _thread, _text: None)
    line = LineStanding(worker, ())
    assert bus_line("/dev/ttyS0", line) == "/dev/ttyS0: работает"
    worker.bus.requests, worker.bus.answers = 12, 7
    worker.bus.refused.update({"шум": 2, "нет ответа": 5})
    line.reason = "такого порта нет"
    line.restarts.crashed(0.0)
    assert bus_line("/dev/ttyS0", cast(LineStanding, line)) == (
        "/dev/ttyS0: нет связи, такого порта нет; запросов 12, ответов 7; "
        "не принято: нет ответа 5, шум 2; перезапусков 1"
    )

"""What is seen becomes events, a journal and one report: nothing twice, nothing lost, whatever happens to the power."""

from __future__ import annotations

import errno
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from engine.alert.book import FOLDER
from engine.alert.notice import REPORT, Notice
from engine.alert.pauses import FIRST_PAUSE_S
from engine.mail.account import Account
from engine.mail.letter import Letter
from engine.runtime import postman
from engine.runtime.alert_reports import GATHER_S
from engine.runtime.postman import WAITING_MOST
from tests.fake.alert_scene import FakeMailer, FakeSpool, Scene

INTERVAL_S = 3600.0


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)
    found = Scene(tmp_path, monkeypatch)
    found.start()
    return found


# --- events and journal


def test_a_change_of_the_errors_is_an_event_a_line_of_the_journal_and_a_letter(scene: Scene) -> None:
    scene.read("0", "0", "0")
    assert scene.events() == [] and not scene.office.posted
    scene.read("0", "0", "2")
    assert scene.events() == ["3 2 1"]
    text = "ТЭСМА-106/2 №440020: система 3: ошибка 2, расход больше Gmax"
    assert text in scene.journaled
    scene.pass_time(GATHER_S + 5)
    (letter,) = scene.office.letters
    assert text in letter.body and letter.body.count(text) == 2  # what is new, and what is so now
    assert letter.subject == "ТСМ-СМАРТ №1: отчет об ошибках, изменений 1"
    assert not list((scene.root / FOLDER / "waiting").iterdir())


def test_an_event_has_the_form_of_the_manual_and_says_who_made_it(scene: Scene) -> None:
    scene.read("13")
    (event,) = scene.events(whole=True)
    assert event == (
        "RecType=E DateTime=26.11.22 09:05:30 Sys=1 Code=13 State=1 Source=agent "
        "Text=система 1: ошибка 1, расход меньше Gmin; ошибка 3, dT меньше dTmin"
    )


def test_of_errors_what_ended_and_what_began_are_two_events(scene: Scene) -> None:
    scene.read("13")
    scene.read("23")
    scene.read("0")
    assert scene.events() == ["1 13 1", "1 1 0", "1 2 1", "1 23 0"]


def test_an_error_that_is_not_known_is_no_change(scene: Scene) -> None:
    scene.read("2")
    scene.read(None)
    scene.read("")
    scene.read("2")
    assert scene.events() == ["1 2 1"]


def test_off_line_and_back_are_told_once_each(scene: Scene) -> None:
    scene.read("0")
    scene.lose()
    scene.lose()
    scene.read("0")
    assert scene.events() == ["0 8 1", "0 8 0"]
    assert [line for line in scene.journaled if "связи" in line] == [
        "440020: не на связи, нет ответа",
        "440020: на связи",
    ]


def test_a_device_without_a_number_is_told_in_the_agents_own_archive(scene: Scene) -> None:
    scene.add("b.ini", "")
    scene.apply()
    scene.lose("b.ini", "нет ответа")
    (event,) = scene.events("0", whole=True)
    assert "Code=8 State=1 Source=agent Text=прибор b.ini: не на связи: нет ответа" in event
    scene.read("0", file="b.ini", number="777")
    assert scene.events("0") == ["0 8 1", "0 8 0"]


def test_another_meter_in_the_place_of_the_first_writes_no_event_into_its_archive(scene: Scene) -> None:
    scene.read("0", number="1001")
    scene.devices.keepers["a.ini"].shelf.belongs_to("1001")  # type: ignore[union-attr]
    scene.read("2", number="1002")
    assert scene.events() == [] and scene.events("0") == ["1 2 1"]


def test_what_was_wrong_before_the_number_was_known_is_not_wrong_for_ever(scene: Scene) -> None:
    scene.add("b.ini", "")
    scene.add("c.ini", "")
    scene.apply()
    scene.read("2", file="b.ini", number="?")
    scene.read("2", file="b.ini", number="777")
    scene.read("0", file="b.ini", number="777")
    scene.read("3")
    scene.pass_time(GATHER_S + 5)
    assert "b.ini" not in scene.office.texts[0].partition("Сейчас не в норме:")[2]


def test_of_two_files_with_one_number_the_second_says_nothing_of_the_firsts_device(scene: Scene) -> None:
    scene.add("b.ini", "440020")
    scene.apply()
    for _ in range(5):
        scene.read("0")
        scene.lose("b.ini")
    assert scene.events() == []
    assert scene.events("0") == ["0 8 1"]


def test_a_control_temperature_has_a_hysteresis(scene: Scene) -> None:
    scene.limit(t_min=((1, 1, 50.0),))
    scene.apply()
    for value in (55.0, 49.9, None, 50.5, 50.9, 51.0, 49.0):
        scene.read("0", T1=value)
    assert scene.events() == ["1 9 1", "1 9 0", "1 9 1"]
    assert "ниже контрольной 50.00 °C" in scene.events(whole=True)[0]


def test_a_control_sensor_of_the_meter(scene: Scene) -> None:
    scene.limit(sw1="O")
    scene.apply()
    for letter in ("O", "K", "", None, "K", "O"):
        scene.read("0", SW1=letter, SW2="K")
    assert scene.events() == ["1 7 1", "1 7 0"]
    assert "SW1=КЗ Sys=1 Code=7" in scene.events(whole=True)[0]


def test_a_control_sensor_from_a_file_counts_when_it_stands(scene: Scene, tmp_path: Path) -> None:
    sensor = tmp_path / "value"
    sensor.write_text("1\n")
    scene.limit(sw2="K", sw2_source=str(sensor))
    scene.apply()
    scene.read("0", SW2="O")
    scene.pass_time(5, 1)
    sensor.write_text("0\n")
    scene.pass_time(1, 1)
    sensor.write_text("1\n")  # it bounced
    scene.pass_time(5, 1)
    assert scene.events() == []
    sensor.write_text("0")
    scene.pass_time(5, 1)
    assert scene.events() == ["0 7 1"]
    sensor.unlink()
    scene.pass_time(5, 1)
    assert scene.events() == ["0 7 1"]
    assert any("файла нет, датчик не контролируется" in text for text in scene.part.warnings())


def test_silence_is_told_once_and_ends_with_a_reading(scene: Scene) -> None:
    scene.apply(alert_silence_s=7200)
    scene.read("0")
    scene.pass_time(7100, 100)
    assert scene.events() == []
    scene.pass_time(7200, 100)
    assert scene.events() == ["0 80 1"]
    scene.crash()
    scene.pass_time(10)
    assert scene.events() == ["0 80 1"]
    scene.read("0")
    assert scene.events() == ["0 80 1", "0 80 0"]


def test_a_device_that_nobody_polls_is_not_silent(scene: Scene) -> None:
    scene.apply(alert_silence_s=600)
    scene.read("0")
    scene.devices.resting.add("a.ini")
    scene.pass_time(3000, 100)
    scene.devices.resting.clear()
    scene.pass_time(500, 100)
    assert scene.events() == []


@pytest.mark.parametrize("on", [True, False])
def test_a_forecast_is_made_only_when_it_is_wanted(scene: Scene, on: bool) -> None:
    scene.limit(t_min=((1, 1, 50.0),))
    scene.apply(alert_forecast=on)
    for step in range(20):
        scene.read("0", T1=70.0 - step * 0.5)
        scene.pass_time(60, 60)
    assert scene.events() == (["1 90 1"] if on else [])
    if on:
        assert "снижается на 30.0 °C/ч" in scene.events(whole=True)[0]


def test_what_is_not_watched_any_more_is_no_alarm(scene: Scene) -> None:
    scene.limit(t_min=((1, 1, 50.0),))
    scene.apply()
    scene.read("0", T1=40.0)
    scene.limit()
    scene.apply()
    scene.read("2")
    scene.pass_time(GATHER_S + 5)
    assert scene.office.texts[0].partition("Сейчас не в норме:")[2].count("T1") == 0


def gone_is_told(scene: Scene) -> bool:
    """Whether a letter about 777 has the removed meter 440020 among what is not in order."""
    scene.read("2" if len(scene.office.letters) % 2 else "3", file="c.ini")
    scene.pass_time(INTERVAL_S + 60, 60)
    return "440020" in scene.office.texts[-1].partition("Сейчас не в норме:")[2]


@pytest.mark.parametrize("other", [{"enabled": False}, {"dev_type": "LoRaModul"}], ids=["off", "LoRa"])
def test_a_file_that_nobody_polls_keeps_no_alarm_of_a_removed_device(scene: Scene, other: dict[str, Any]) -> None:
    scene.add("b.ini", "", **other)
    scene.add("c.ini", "777")
    scene.apply()
    scene.devices.keepers.pop("b.ini")
    scene.read("0")
    scene.lose()
    assert gone_is_told(scene)
    del scene.device_settings["a.ini"]
    scene.apply()
    assert not gone_is_told(scene)


def test_an_alarm_of_a_removed_device_ends_when_the_last_unknown_one_is_known(scene: Scene) -> None:
    """Until then that one may be the same device under another name of its file."""
    scene.add("b.ini", "")
    scene.add("c.ini", "777")
    scene.apply()
    scene.read("0")
    scene.lose()
    del scene.device_settings["a.ini"]
    scene.apply()
    assert gone_is_told(scene)
    scene.read("0", file="b.ini", number="888")
    assert not gone_is_told(scene)


def test_a_device_whose_file_is_renamed_keeps_its_alarm_until_it_answers(scene: Scene) -> None:
    scene.add("c.ini", "777")
    scene.apply()
    scene.read("2")
    del scene.device_settings["a.ini"]
    scene.add("b.ini", "")
    scene.apply()
    scene.read("2", file="b.ini", number="440020")
    assert gone_is_told(scene) and scene.events() == ["1 2 1"]


# --- reports


def test_what_is_not_in_order_is_told_as_it_is_now(scene: Scene) -> None:
    scene.limit(t_min=((1, 1, 50.0),))
    scene.apply()
    scene.read("0", T1=49.0)
    scene.pass_time(GATHER_S + 5)
    scene.read("2", T1=31.5)
    scene.pass_time(INTERVAL_S)
    assert "T1 31.50 °C, ниже контрольной 50.00 °C" in scene.office.texts[1].partition("Сейчас не в норме:")[2]
    scene.read("0", T1=50.5)
    scene.pass_time(INTERVAL_S)
    assert "T1 50.50 °C, почти в норме, контрольная 50.00 °C" in scene.office.texts[2]
    assert scene.events() == ["1 9 1", "1 2 1", "1 2 0"]


def test_nothing_is_in_order_again_while_something_else_is_not(scene: Scene) -> None:
    scene.read("2", "2")
    scene.pass_time(60)
    scene.read("0", "2")
    scene.pass_time(INTERVAL_S)
    assert scene.office.letters[1].subject == "ТСМ-СМАРТ №1: отчет об ошибках, изменений 1"
    scene.read("0", "0")
    scene.pass_time(INTERVAL_S)
    assert scene.office.letters[2].subject == "ТСМ-СМАРТ №1: снова в норме, изменений 1"


def test_all_that_is_new_goes_into_one_report_and_the_next_waits_for_the_interval(scene: Scene) -> None:
    scene.read("2")
    scene.lose()
    scene.pass_time(60)
    assert len(scene.office.letters) == 1
    scene.read("0")
    scene.pass_time(INTERVAL_S - 120)
    assert len(scene.office.letters) == 1
    scene.pass_time(120)
    assert len(scene.office.letters) == 2
    assert "снова в норме" in scene.office.letters[1].subject
    assert "Сейчас всё в норме." in scene.office.texts[1]


def test_what_is_not_in_order_stands_in_the_same_order_in_every_letter(scene: Scene) -> None:
    scene.add("b.ini", "1001")
    scene.apply()
    scene.read("2", tick=False)
    scene.read("2", file="b.ini")
    scene.pass_time(60)
    alarms = scene.office.texts[0].partition("Сейчас не в норме:\n")[2].splitlines()
    assert [line.partition(": ")[0] for line in alarms[:2]] == ["ТЭСМА-106/2 №1001", "ТЭСМА-106/2 №440020"]


def test_what_comes_and_goes_is_one_line(scene: Scene) -> None:
    scene.read("2")
    scene.pass_time(60)
    for _ in range(3):
        for errors in ("0", "2"):
            scene.pass_time(1)
            scene.read(errors)
    scene.pass_time(INTERVAL_S)
    lines = [line for line in scene.office.texts[1].splitlines() if "система 1" in line]
    assert len(lines) == 2 and "; с 22.11.26 09:06:31 менялось 6 раз, сейчас так" in lines[0]
    assert len(scene.events()) == 7


def test_a_flood_has_an_end(scene: Scene) -> None:
    for number in range(300):
        scene.add(f"{number:03d}.ini", str(1000 + number))
    scene.apply()
    for number in range(300):
        scene.read("2", "3", file=f"{number:03d}.ini", tick=False)
    scene.pass_time(60)
    (text,) = scene.office.texts
    assert len(text.splitlines()) < 170 and len(text) < 40_000
    assert "и ещё изменений: 500" in text
    assert (scene.root / FOLDER / "state.json").stat().st_size < 200_000


def test_mail_switched_off_sends_nothing_and_piles_nothing_up(scene: Scene) -> None:
    scene.apply(mail=False, sms=True, mob_num=("+79160000000",))
    scene.spool = scene.part.postman.spool = FakeSpool()
    scene.read("2")
    scene.pass_time(60)
    assert scene.events() == ["1 2 1"]
    assert not scene.office.posted and not scene.spool.put_texts
    assert scene.part.lines() == ["выключены (Mail=0)"]
    scene.apply(mail=True)
    scene.pass_time(60)
    assert not scene.office.posted


def test_the_clock_is_not_believed(scene: Scene) -> None:
    """Everything is told; an event gets its stamp when the time is known."""
    scene.now = None
    scene.tick()
    scene.read("2")
    scene.pass_time(60)
    assert scene.events() == []
    assert "время неизвестно ТЭСМА-106/2 №440020: система 1" in scene.office.texts[0]
    scene.now = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
    scene.tick()
    (event,) = scene.events(whole=True)
    assert "DateTime=26.11.22 11:59:00" in event


# --- restarts


def test_a_restart_tells_nothing_again(scene: Scene) -> None:
    scene.read("2")
    scene.lose()
    scene.pass_time(60)
    scene.crash()
    scene.lose()
    scene.pass_time(2 * INTERVAL_S, 60)
    assert len(scene.office.letters) == 1
    assert scene.events() == ["1 2 1", "0 8 1"]
    scene.read("2")
    assert scene.events() == ["1 2 1", "0 8 1", "0 8 0"]
    assert scene.journaled[-1] == "ТЭСМА-106/2 №440020: на связи"


def test_the_interval_goes_on_over_a_restart(scene: Scene) -> None:
    scene.read("2")
    scene.pass_time(60)
    scene.read("0")
    scene.crash()
    scene.pass_time(INTERVAL_S - 300)
    assert len(scene.office.letters) == 1
    scene.pass_time(300)
    assert len(scene.office.letters) == 2


@pytest.mark.parametrize("step", [timedelta(days=-400), timedelta(days=400)], ids=["back", "forth"])
def test_a_step_of_the_clock_sends_nothing_twice_and_stalls_nothing(scene: Scene, step: timedelta) -> None:
    scene.read("2")
    scene.pass_time(60)
    assert scene.now
    scene.now += step
    scene.read("0")
    scene.pass_time(INTERVAL_S - 120)
    assert len(scene.office.letters) == 1
    scene.crash()
    scene.pass_time(INTERVAL_S)
    assert len(scene.office.letters) == 2


def test_a_letter_that_was_on_its_way_is_sent_again_under_the_same_id(scene: Scene) -> None:
    scene.office.silent = True
    scene.read("2")
    scene.pass_time(60)
    (first,) = scene.office.posted
    scene.office.silent = False
    scene.crash()
    scene.pass_time(5)
    (again,) = scene.office.letters
    assert (again.message_id, again.body) == (first.message_id, first.body)
    scene.pass_time(2 * INTERVAL_S, 60)
    assert len(scene.office.letters) == 1


def test_a_letter_that_was_taken_right_before_a_stop_is_not_sent_again(scene: Scene) -> None:
    scene.read("2")
    scene.pass_time(GATHER_S)
    assert len(scene.office.letters) == 1
    assert list((scene.root / FOLDER / "waiting").iterdir()), "nobody has heard yet that it was taken"
    scene.part.stop()
    scene.crash()
    scene.pass_time(60)
    assert len(scene.office.letters) == 1


def test_another_letter_has_another_id_even_when_everything_was_forgotten(scene: Scene) -> None:
    scene.read("2")
    scene.pass_time(60)
    (scene.root / FOLDER / "state.json").unlink()
    scene.crash()
    scene.read("2")
    scene.pass_time(60)
    first, second = scene.office.letters
    assert first.number == second.number and first.message_id != second.message_id


def test_a_damaged_state_is_set_aside_and_told(scene: Scene) -> None:
    scene.read("2")
    (scene.root / FOLDER / "state.json").write_text("{")
    scene.crash()
    assert (scene.root / FOLDER / "state.damaged").exists()
    assert "state.json повреждён" in scene.journaled[-1]


# --- what cannot be delivered


def test_an_undeliverable_report_is_kept_and_tried_later_and_later_without_piling_up(scene: Scene) -> None:
    scene.office.error = "mail.example.ru:587: нет ответа"
    scene.read("2")
    scene.pass_time(15)
    assert len(scene.office.posted) == 1
    scene.pass_time(FIRST_PAUSE_S + 5)
    assert len(scene.office.posted) == 2
    for day in range(3):
        scene.read("0" if day % 2 else "2")
        scene.pass_time(86400, 200)
    assert 60 < len(scene.office.posted) < 90
    assert {letter.number for letter in scene.office.posted} == {1}
    assert len(list((scene.root / FOLDER / "waiting").iterdir())) == 1
    assert scene.journaled.count("почта: mail.example.ru:587: нет ответа") == 1
    assert any("не уходит: mail.example.ru:587: нет ответа" in line for line in scene.part.lines())
    scene.office.error = ""
    scene.apply()
    scene.pass_time(60)
    assert [letter.number for letter in scene.office.letters] == [1, 2]
    assert "почта: снова уходит" in scene.journaled


def test_a_report_that_nobody_ever_takes_is_given_up_and_told(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postman, "ATTEMPTS_MOST", 5)
    scene.office.error = "отказ сервера: 554"
    scene.read("2")
    scene.pass_time(7200, 60)
    assert any("оповещение №1 никому не доставлено и снято" in line for line in scene.journaled)
    assert not list((scene.root / FOLDER / "waiting").iterdir())


def test_of_several_addresses_those_that_have_it_get_it_once(scene: Scene) -> None:
    scene.apply(mail_to=("a@x.ru", "b@x.ru", "c@x.ru"))
    scene.office.refused = {"b@x.ru": "отказ сервера: 550 no such user"}
    scene.office.delayed = {"c@x.ru": "отказ сервера: 450 later"}
    scene.read("2")
    scene.pass_time(30)
    scene.crash()
    scene.office.delayed = {}
    scene.pass_time(200)
    assert [letter.to for letter in scene.office.letters] == [("a@x.ru",), ("c@x.ru",)]
    assert any("b@x.ru: отказ сервера: 550" in line for line in scene.journaled)
    assert not list((scene.root / FOLDER / "waiting").iterdir())


def test_a_mailbox_that_takes_nothing_keeps_no_report_from_the_others(scene: Scene) -> None:
    """The one who gets nothing gets it later, as much as may wait."""
    scene.apply(mail_to=("boss@x.ru", "duty@x.ru"))
    scene.office.delayed = {"boss@x.ru": "отказ сервера: 452 mailbox full"}
    for hour in range(WAITING_MOST + 5):
        scene.read("0" if hour % 2 else "2")
        scene.pass_time(INTERVAL_S + 60, 60)
        assert [letter.number for letter in scene.office.letters] == list(range(1, hour + 2))
    assert {letter.to for letter in scene.office.letters} == {("duty@x.ru",)}
    assert len(list((scene.root / FOLDER / "waiting").iterdir())) == WAITING_MOST
    assert len(scene.office.posted) < 10 * (WAITING_MOST + 5)
    scene.office.delayed = {}
    scene.pass_time(INTERVAL_S, 60)
    late = [letter.number for letter in scene.office.letters if letter.to == ("boss@x.ru",)]
    assert sorted(late) == list(range(6, WAITING_MOST + 6))
    assert not list((scene.root / FOLDER / "waiting").iterdir())


def test_a_report_that_nobody_has_waits_alone_after_one_that_somebody_has(scene: Scene) -> None:
    scene.apply(mail_to=("boss@x.ru", "duty@x.ru"))
    scene.office.delayed = {"boss@x.ru": "отказ сервера: 452 mailbox full"}
    scene.read("2")
    scene.pass_time(60)
    scene.office.error = "mail.example.ru:587: нет ответа"
    for hour in range(10):
        scene.read("2" if hour % 2 else "0")
        scene.pass_time(INTERVAL_S + 60, 60)
    assert {letter.number for letter in scene.office.posted} == {1, 2}
    assert len(scene.office.posted) < 40


def test_a_letter_that_no_server_takes_keeps_no_new_report_waiting(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is new goes a moment after a failure, and the old one is tried once when that went."""
    post = FakeMailer.post

    def refuse_one(mailer: FakeMailer, account: Account, letter: Letter) -> None:
        scene.office.error = "сервер прервал разговор" if letter.number == 900 else ""
        post(mailer, account, letter)

    monkeypatch.setattr(FakeMailer, "post", refuse_one)
    scene.part.postman.add(Notice(900, REPORT, "22.11.26 06:00:00", "<900.aa@x>", "monthly", "b"))
    scene.pass_time(6 * INTERVAL_S, 10)
    for errors in ("2", "0", "2"):
        tries = len(scene.office.posted)
        scene.read(errors)
        scene.pass_time(GATHER_S + FIRST_PAUSE_S + 10, 10)
        numbers = [letter.number for letter in scene.office.posted[tries:]]
        assert len(numbers) - numbers.count(900) == 1 and numbers.count(900) <= 1
        scene.pass_time(INTERVAL_S, 10)
    assert len(scene.office.letters) == 3
    assert len([letter for letter in scene.office.posted if letter.number == 900]) < 20


def test_a_server_that_is_down_is_asked_no_sooner_for_what_is_new(scene: Scene) -> None:
    asked: list[float] = []
    scene.office.error = "mail.example.ru:587: нет ответа"
    for number in range(1, 200):
        tries = len(scene.office.posted)
        scene.part.postman.add(Notice(number, REPORT, "22.11.26 06:00:00", f"<{number}.aa@x>", "s", "b"))
        scene.pass_time(5)
        asked += [scene.now_s] * (len(scene.office.posted) - tries)
    assert min(later - sooner for sooner, later in pairwise(asked)) >= FIRST_PAUSE_S


def test_a_disk_that_takes_nothing_delays_the_telling(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not remembered could be told twice."""
    from engine import files

    def full(*_: object, **__: object) -> bool:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as broken:
        broken.setattr(files, "write_whole", full)
        scene.read("2")
        scene.pass_time(60)
        assert not scene.office.posted
        assert any("нет места на диске" in text for text in scene.part.warnings())
    scene.pass_time(30)
    assert len(scene.office.letters) == 1 and scene.events() == ["1 2 1"]
    assert list(scene.part.warnings()) == []


def test_without_an_account_the_report_waits_and_the_head_of_the_status_says_why(scene: Scene) -> None:
    scene.test_house.texts["log/User/ssmtp.conf"] = "mailhub=\n"
    scene.apply()
    scene.read("2")
    scene.pass_time(60)
    assert not scene.office.posted
    assert any("mailhub" in text for text in scene.part.warnings())
    scene.test_house.texts["log/User/ssmtp.conf"] = "mailhub=h:25\n"
    scene.apply()
    scene.pass_time(5)
    assert len(scene.office.letters) == 1


def test_no_address_is_told(scene: Scene) -> None:
    scene.apply(mail_to=())
    assert any("MailTo не задан" in text for text in scene.part.warnings())


def test_a_crash_of_the_mail_thread_sends_the_letter_again(scene: Scene) -> None:
    scene.office.silent = True
    scene.read("2")
    scene.pass_time(60)
    scene.office.silent = False
    scene.part.tell_crash("mail", scene.now_s)
    scene.pass_time(5)
    assert len(scene.office.letters) == 1


def test_a_letter_that_ends_the_mail_thread_does_not_stop_the_others(scene: Scene) -> None:
    scene.now = datetime(2026, 11, 29, 5, 44, tzinfo=UTC)
    scene.pass_time(900, 60)
    scene.office.silent = True
    scene.read("2")
    scene.pass_time(120)
    first = scene.office.posted[-1].number
    scene.part.tell_crash("mail", scene.now_s)
    scene.pass_time(30)
    assert {letter.number for letter in scene.office.posted} == {1, 2}
    assert scene.office.posted[-1].number != first


# --- SMS


def test_an_sms_says_type_number_and_one_group_of_errors_a_system(scene: Scene) -> None:
    scene.spool = FakeSpool()
    scene.apply(sms=True, mob_num=("+79161234567", "+79160000000"))
    scene.read("0", "0", "2", "0", "0", "0")
    scene.pass_time(60)
    ((key, (numbers, text)),) = scene.spool.put_texts.items()
    assert text == "ТЭСМА-106/2 №440020 0 0 2 0 0 0"
    assert numbers == ("+79161234567", "+79160000000") and key.startswith("1-")
    assert not list((scene.root / FOLDER / "waiting").iterdir())


def test_sms_alone_needs_no_mail_address(scene: Scene) -> None:
    scene.spool = FakeSpool()
    scene.apply(sms=True, mob_num=("+79161234567",), mail_to=())
    scene.lose()
    scene.pass_time(60)
    assert [text for _, text in scene.spool.put_texts.values()] == ["№440020; не на связи"]
    assert not scene.office.posted


def test_an_sms_that_could_not_be_handed_over_is_once_more(scene: Scene) -> None:
    scene.spool = FakeSpool()
    scene.spool.error = OSError(errno.ENOENT, "no spool")
    scene.apply(sms=True, mob_num=("+79161234567",))
    scene.read("2")
    scene.pass_time(60)
    assert not scene.spool.put_texts
    scene.spool.error = None
    scene.crash()
    scene.pass_time(20)
    assert len(scene.spool.put_texts) == 1
    scene.pass_time(INTERVAL_S)
    assert len(scene.spool.put_texts) == 1


def test_mail_that_fails_keeps_no_sms_back_and_little_piles_up(scene: Scene) -> None:
    """SMS are for the day on which the network is gone."""
    scene.spool = FakeSpool()
    scene.office.error = "mail.example.ru:587: нет ответа"
    scene.apply(sms=True, mob_num=("+79161234567",))
    for hour in range(WAITING_MOST + 5):
        scene.read("0" if hour % 2 else "2")
        scene.pass_time(INTERVAL_S + 60, 60)
        assert len(scene.spool.put_texts) == hour + 1
    assert len(list((scene.root / FOLDER / "waiting").iterdir())) == WAITING_MOST
    assert not any("никому не доставлено" in line for line in scene.journaled)
    scene.crash()
    scene.office.error = ""
    scene.pass_time(7200, 60)
    assert sorted(letter.number for letter in scene.office.letters) == list(range(6, WAITING_MOST + 6))
    assert len(scene.spool.put_texts) == WAITING_MOST + 5


def test_a_spool_that_is_broken_holds_no_mail_up(scene: Scene) -> None:
    scene.spool = FakeSpool()
    scene.spool.error = OSError(errno.ENOENT, "no spool")
    scene.apply(sms=True, mob_num=("+79161234567",))
    scene.read("2")
    scene.pass_time(60, 1)
    assert len(scene.office.letters) == 1
    assert any("SMS: не передано: файла нет" in line for line in scene.part.lines())


# --- the monthly report


def test_the_monthly_report_goes_once_on_its_day_with_its_files(scene: Scene) -> None:
    scene.device_settings["a.ini"] = replace(scene.device_settings["a.ini"], report_day=25)
    scene.apply(report_day=29)
    folder = scene.root / "www/Otchety1126m"
    folder.mkdir(parents=True)
    names = ["from25102026to24112026_440020s1.pdf", "from25102026to24112026_440020s1.xlsx"]
    for name in names:
        (folder / name).write_bytes(b"x")
    scene.now = datetime(2026, 11, 29, 5, 0, tzinfo=UTC)
    scene.pass_time(1800, 60)
    assert not scene.office.posted
    scene.pass_time(5400, 60)
    (letter,) = scene.office.letters
    assert letter.files == tuple(f"www/Otchety1126m/{name}" for name in names)
    assert "отчет за месяц на 29.11.2026" in letter.subject
    scene.crash()
    scene.pass_time(86400, 600)
    assert len(scene.office.letters) == 1


def test_a_monthly_report_whose_day_was_over_before_the_agent_came_is_not_sent(scene: Scene) -> None:
    scene.now = datetime(2026, 12, 2, 12, 0, tzinfo=UTC)
    scene.pass_time(1200, 60)
    assert not scene.office.posted
    scene.now = datetime(2026, 12, 29, 12, 0, tzinfo=UTC)
    scene.pass_time(300, 60)
    assert len(scene.office.letters) == 1


def test_after_an_outage_the_monthly_report_is_late_but_comes(scene: Scene) -> None:
    scene.pass_time(1200, 60)
    scene.now = datetime(2026, 12, 3, 0, 0, tzinfo=UTC)
    scene.crash()
    scene.pass_time(840, 60)
    assert not scene.office.posted, "its reports are being made"
    scene.pass_time(300, 60)
    assert "на 03.12.2026" in scene.office.letters[0].subject


def late_report(scene: Scene, *rotated: str) -> None:
    """The monthly letter is made with the daily report of 440020, cannot go, and that report goes with its folder."""
    folder = scene.root / "www/Otchety291126"
    folder.mkdir(parents=True)
    (folder / "from29102026to28112026_440020s1.pdf").write_bytes(b"x")
    scene.now = datetime(2026, 11, 29, 6, 30, tzinfo=UTC)
    scene.office.error = "mail.example.ru:587: нет ответа"
    scene.pass_time(3 * INTERVAL_S, 60)
    shutil.rmtree(folder)
    for name in rotated:
        (scene.root / "www/Otchety301126").mkdir(exist_ok=True)
        (scene.root / "www/Otchety301126" / name).write_bytes(b"x")
    scene.now += timedelta(hours=20)
    scene.office.error = ""


def test_a_monthly_letter_that_waited_goes_with_the_reports_that_are_there(scene: Scene) -> None:
    scene.read("0")
    late_report(scene, "from30102026to29112026_440020s1.pdf")
    made = scene.office.posted[0]
    scene.pass_time(INTERVAL_S, 60)
    (letter,) = scene.office.letters
    assert letter.files == ("www/Otchety301126/from30102026to29112026_440020s1.pdf",)
    assert letter.body == (
        "ТСМ-СМАРТ №1, отчет за месяц на 29.11.2026. Файлов: 1, по FTP они лежат в www/Otchety301126.\n"
    )
    assert (letter.number, letter.subject, letter.message_id) == (made.number, made.subject, made.message_id)
    scene.crash()
    scene.pass_time(INTERVAL_S, 60)
    assert len(scene.office.letters) == 1


def test_after_a_restart_such_a_letter_knows_the_devices_that_have_not_answered_yet(scene: Scene) -> None:
    scene.add("a.ini", "")
    scene.apply()
    scene.read("0", number="440020")
    late_report(scene, "from30102026to29112026_440020s1.pdf")
    scene.crash()
    scene.pass_time(60)
    assert scene.office.letters[0].files == ("www/Otchety301126/from30102026to29112026_440020s1.pdf",)


def test_a_monthly_letter_whose_reports_are_gone_says_which(scene: Scene) -> None:
    late_report(scene)
    scene.pass_time(INTERVAL_S, 60)
    assert scene.office.letters[0].files == ("www/Otchety291126/from29102026to28112026_440020s1.pdf",)


def test_a_monthly_letter_that_somebody_has_is_the_same_for_the_others(scene: Scene) -> None:
    scene.apply(mail_to=("boss@x.ru", "duty@x.ru"))
    late_report(scene, "from30102026to29112026_440020s1.pdf")
    (waiting,) = scene.part.postman.notices
    scene.part.postman.notices = [replace(waiting, done=("duty@x.ru",))]
    scene.pass_time(INTERVAL_S, 60)
    assert [(letter.to, letter.files) for letter in scene.office.letters] == [(("boss@x.ru",), waiting.files)]


# --- errors that follow from counters


def test_one_reading_without_growth_ends_no_error_that_follows_from_counters(scene: Scene) -> None:
    def count(*hours: float) -> None:
        for each in hours:
            scene.read(Tmin=0.0, Tmax=each, Tdt=0.0, Terr=0.0)

    count(1.0, 1.0, 1.0)
    assert scene.events() == []
    count(1.1, 1.1, 1.2, 1.2, 1.3)
    assert scene.events() == ["1 2 1"]
    count(1.3, 1.3)
    assert scene.events() == ["1 2 1", "1 2 0"]

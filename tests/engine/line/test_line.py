"""One line, its devices, and what a dead or odd one costs the others. Time is counted, not waited for."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Never

import drivers
from drivers.emulated import tem
from drivers.emulated.bus import Bus as EmulatedBus
from drivers.emulated.faults import Fault, Faulty
from engine.archive.catchup import Catchup
from engine.archive.findings import Found, Healed, Newest, Task
from engine.archive.reread import newest_of
from engine.archive.ring_walk import RingWalk
from engine.errors import Refused
from engine.model import RecType
from engine.news import Archived, Contact, LineChanged, Missed, News
from engine.settings import DeviceSettings, parse_device
from tests.fake.virtual_line import VirtualLine

NOW = datetime(2026, 11, 22, 9, 5)
INTERVAL_S = 60.0


def device(address: int, **changed: object) -> DeviceSettings:
    text = f"[device]\nPort=ttyS0\nNetAddr={address}\nDevType=ТЕМ-104\n"
    settings, _ = parse_device(f"log/User/devices/{address}.ini", text)
    return replace(settings, **changed)  # type: ignore[arg-type]


def meter(address: int, **options: object) -> tem.Meter:
    options = {"records": (30, 5, 2), "address": address, "serial": 1000 + address, **options}
    return tem.Meter(tem.Options(model="tesmart", **options), now=NOW)  # type: ignore[arg-type]


def line_of(*meters: tem.Meter, polled: tuple[DeviceSettings, ...], interval_s: float = INTERVAL_S) -> VirtualLine:
    line = VirtualLine(EmulatedBus(list(meters)), drivers.load())
    line.set_devices(polled, interval_s)
    return line


def contacts(news: list[News], file: str) -> list[Contact]:
    return [each for each in news if isinstance(each, Contact) and each.file == file]


def missed(news: list[News], file: str) -> list[Missed]:
    return [each for each in news if isinstance(each, Missed) and each.file == file]


def begin_archive(line: VirtualLine, file: str) -> None:
    kinds = (RecType.HOUR, RecType.DAY, RecType.MONTH)
    line.begin_archive(file, Catchup({kind: RingWalk(None, None) for kind in kinds}), 1)


def test_a_device_is_read_every_interval() -> None:
    line = line_of(meter(1), polled=(device(1),))
    assert len(contacts(line.run_for(600), "1.ini")) == 10


def test_the_first_contact_says_so_and_names_the_meter() -> None:
    line = line_of(meter(1), polled=(device(1),))
    first, second = contacts(line.run_for(100), "1.ini")
    assert (first.first, second.first) == (True, False)
    assert first.identity.id_text == "TSM-104"
    assert first.reading.meter_number == "1001"


def test_a_dead_device_costs_a_live_one_on_its_line_no_reading() -> None:
    line = line_of(meter(1), polled=(device(1), device(2)))
    line.run_for(3600)
    times = [when for when, news in line.news if isinstance(news, Contact) and news.file == "1.ini"]
    assert len(times) == 60
    assert all(later - earlier < INTERVAL_S + 6 for earlier, later in pairwise(times))


def test_a_dead_device_is_lost_once_and_asked_with_a_growing_pause() -> None:
    line = line_of(meter(1), polled=(device(1), device(2)))
    told = missed(line.run_for(600), "2.ini")
    assert [each.lost for each in told].index(True) == 9
    assert sum(each.lost for each in told) == 1
    times = [when for when, news in line.news if isinstance(news, Missed)]
    pauses = [later - earlier for earlier, later in pairwise(times[10:])]
    assert pauses[0] < 2
    assert 55 < pauses[-1] < 66


def test_a_device_that_comes_back_is_met_as_for_the_first_time() -> None:
    dead, alive = Faulty(meter(1), [Fault.parse("silent")]), meter(1)
    line = VirtualLine(dead, drivers.load())
    line.set_devices((device(1),), INTERVAL_S)
    assert not contacts(line.run_for(200), "1.ini")
    line.link.speaker = alive
    (back,) = contacts(line.run_for(62), "1.ini")[:1]
    assert back.first


def test_a_slow_device_answers_after_the_wait_has_doubled() -> None:
    line = VirtualLine(Faulty(meter(1), [Fault.parse("slow:1:1.2")]), drivers.load())
    line.set_devices((device(1),), INTERVAL_S)
    news = line.run_for(300)
    assert len(contacts(news, "1.ini")) >= 4
    assert not missed(news, "1.ini")


def test_a_late_answer_is_never_taken_for_the_next_one() -> None:
    line = VirtualLine(Faulty(meter(1), [Fault.parse("late:3")]), drivers.load())
    line.set_devices((device(1),), 10.0)
    truth = contacts(line_of(meter(1), polled=(device(1),)).run_for(5), "1.ini")[0].reading
    for contact in contacts(line.run_for(600), "1.ini"):
        assert contact.reading.systems[0]["Du1"] == truth.systems[0]["Du1"]
        assert contact.reading.meter_number == "1001"
    assert sum(line.bus.refused.values()) > 0


def test_while_records_are_missing_the_archive_has_at_least_half_of_the_line() -> None:
    line = line_of(meter(1, records=(800, 100, 20)), polled=(device(1),), interval_s=1.0)
    line.run_for(3)
    begin_archive(line, "1.ini")
    line.run_for(20)
    news = line.run_for(60)
    findings = [finding for each in news if isinstance(each, Archived) for finding in each.findings]
    records = sum(isinstance(finding, Found) for finding in findings)
    assert records >= 45, "a record takes 0.6 s, so half of a minute holds fifty"
    readings = len(contacts(news, "1.ini"))
    assert 15 <= readings <= 30, "readings that come too late are skipped, not queued"


def test_with_nothing_missing_the_line_is_left_alone_between_readings() -> None:
    line = line_of(meter(1), polled=(device(1),))
    line.run_for(2)
    begin_archive(line, "1.ini")
    line.run_for(60)
    opened = line.link.opened
    line.run_for(3)
    assert line.link.opened - opened < 25


def test_the_newest_hour_and_day_come_before_all_older_records() -> None:
    line = line_of(meter(1, records=(200, 30, 5)), polled=(device(1),))
    line.run_for(2)
    begin_archive(line, "1.ini")
    findings = [each for told in line.run_for(30) if isinstance(told, Archived) for each in told.findings]
    assert [type(each) for each in findings[:2]] == [Newest, Newest]


def test_every_record_of_the_meter_is_found() -> None:
    emulated = meter(1, records=(50, 20, 5))
    line = line_of(emulated, polled=(device(1),))
    line.run_for(2)
    begin_archive(line, "1.ini")
    found = [
        (finding.record.rec_type.value, finding.record.stamp)
        for told in line.run_for(120)
        if isinstance(told, Archived)
        for finding in told.findings
        if isinstance(finding, Found)
    ]
    assert sorted(found) == sorted((kind, written.made) for kind in "HDM" for written in emulated.records(kind))


def test_an_unplugged_line_is_told_once_and_opened_again() -> None:
    line = line_of(meter(1), polled=(device(1), device(2)))
    line.run_for(70)
    line.link.down = "порт не открывается"
    told = [each for each in line.run_for(900) if isinstance(each, LineChanged)]
    assert told == [LineChanged("/dev/virtual", "порт не открывается")]
    assert {each.file for _, each in line.news if isinstance(each, Missed) and each.lost} == {"1.ini", "2.ini"}
    line.link.down = ""
    news = line.run_for(130)
    assert LineChanged("/dev/virtual", "") in news
    assert contacts(news, "1.ini")[0].first


def test_a_connection_that_the_far_end_closed_costs_no_reading() -> None:
    line = line_of(meter(1), polled=(device(1),))
    line.run_for(10)
    line.link.close_from_afar()
    news = line.run_for(120)
    assert not missed(news, "1.ini")
    assert len(contacts(news, "1.ini")) == 2


def test_another_meter_behind_the_same_settings_is_opened_anew() -> None:
    line = line_of(meter(1), polled=(device(1),))
    line.run_for(10)
    line.link.speaker = meter(1, serial=777)
    news = line.run_for(130)
    assert [each.reason for each in missed(news, "1.ini")] == ["ответил другой прибор"]
    met = contacts(news, "1.ini")[0]
    assert (met.first, met.reading.meter_number) == (True, "777")


def test_changed_settings_of_one_device_leave_the_other_undisturbed() -> None:
    line = line_of(meter(1), meter(2), polled=(device(1), device(2)))
    line.run_for(70)
    line.set_devices((device(1), device(2, retries=1)), INTERVAL_S)
    news = line.run_for(120)
    assert [each.first for each in contacts(news, "1.ini")] == [False, False]
    assert next(each.first for each in contacts(news, "2.ini")) is True


def test_two_devices_with_one_address_zero_are_told_by_their_collision() -> None:
    line = line_of(meter(1), meter(2), polled=(device(0),))
    news = line.run_for(60)
    assert not contacts(news, "0.ini")
    assert missed(news, "0.ini")


def test_every_device_can_be_read_at_once() -> None:
    line = line_of(meter(1), meter(2), polled=(device(1), device(2)))
    line.run_for(5)
    line.poll_now()
    news = line.run_for(5)
    assert (len(contacts(news, "1.ini")), len(contacts(news, "2.ini"))) == (1, 1)


def test_an_archive_that_is_dropped_is_read_no_further() -> None:
    line = line_of(meter(1, records=(200, 30, 5)), polled=(device(1),))
    line.run_for(2)
    begin_archive(line, "1.ini")
    assert any(isinstance(each, Archived) for each in line.run_for(5))
    line.drop_archive("1.ini")
    news = line.run_for(70)
    assert not any(isinstance(each, Archived) for each in news)
    assert contacts(news, "1.ini")


def test_damaged_places_are_tried_again_when_that_is_ordered() -> None:
    line = line_of(meter(1), polled=(device(1),))
    line.run_for(2)
    walk = RingWalk(None, None)
    line.begin_archive("1.ini", Catchup({RecType.HOUR: walk}), 1)
    found = [each for told in line.run_for(60) if isinstance(told, Archived) for each in told.findings]
    first = next(each for each in found if isinstance(each, Found))
    place = first.cursor.place - 1
    walk.damaged[place] = first.record.stamp
    assert not any(isinstance(told, Archived) for told in line.run_for(60))
    line.retry_damaged()
    healed = [each for told in line.run_for(60) if isinstance(told, Archived) for each in told.findings]
    assert [(each.place, each.record.stamp) for each in healed if isinstance(each, Healed)] == [
        (place, first.record.stamp)
    ]


def test_orders_for_a_device_that_is_not_polled_are_nothing() -> None:
    line = line_of(meter(1), polled=(device(1),))
    line.run_for(2)
    begin_archive(line, "9.ini")
    line.drop_archive("9.ini")
    line.retry_damaged()
    assert not any(isinstance(each, Archived) for each in line.run_for(5))


def test_another_catch_up_is_not_hurt_by_the_answer_that_was_on_its_way() -> None:
    """`archive 440020 D` while the report dates are read: their answer belongs to nobody any more."""
    line = line_of(meter(1, records=(3, 3, 40)), meter(2), polled=(device(1), device(2)))
    line.run_for(3)
    begin_archive(line, "1.ini")
    while not (reads_a_report_date(line) or line.clock() > 1200):
        line.run_for(0.1)
    assert reads_a_report_date(line), "else nothing is on its way"
    line.begin_archive("1.ini", newest_of({RecType.DAY: 3}), 2)
    told = [each for each in line.run_for(30) if isinstance(each, Archived)]
    assert (told[-1].walk, told[-1].complete) == (2, True)


def reads_a_report_date(line: VirtualLine) -> bool:
    task = line._current.task if line._current else None
    return isinstance(task, Task) and task.ring.rec_type is RecType.MONTH


def without_template() -> DeviceSettings:
    """It fails before its first byte: nothing says what to ask."""
    text = "[device]\nPort=ttyS0\nDevType=Modbus\nTemplate=nosuch\nNetAddr=5\n"
    return parse_device("log/User/devices/5.ini", text)[0]


def test_a_device_that_cannot_be_asked_does_not_keep_an_archive_waiting() -> None:
    line = line_of(meter(1, records=(200, 30, 5)), polled=(device(1), without_template()), interval_s=3600.0)
    line.run_for(3)
    begin_archive(line, "1.ini")
    told = [each for each in line.run_for(600) if isinstance(each, Archived)]
    assert told[-1].complete


def test_a_device_that_cannot_be_asked_keeps_nobody_busy() -> None:
    line = line_of(polled=(without_template(),))
    assert 10 < len(missed(line.run_for(3600), "5.ini")) < 80


def test_an_archive_that_cannot_be_asked_for_waits_for_the_next_reading() -> None:
    tried: list[float] = []

    def refuse(*_what: object) -> Never:
        tried.append(line.clock())
        raise Refused("нечего спросить")

    line = line_of(meter(1), polled=())
    line._drivers = tuple(replace(each, fetch=refuse, probe=refuse) if each.rings else each for each in line._drivers)
    line.set_devices((device(1),), INTERVAL_S)
    line.run_for(3)
    begin_archive(line, "1.ini")
    assert len(contacts(line.run_for(600), "1.ini")) == 10
    assert 10 <= len(tried) <= 11

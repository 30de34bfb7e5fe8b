"""A number for a device of a line: written between the polls, the newest one only, and its end is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import drivers
from drivers.emulated import tem
from drivers.emulated.bus import Bus
from drivers.emulated.modbus import Device
from engine.archive.reread import all_of_it
from engine.dialogue import Write
from engine.news import Archived, Contact, Missed, News, Written
from engine.settings import DeviceSettings, parse_device
from engine.template import parse_template
from tests.fake.virtual_line import VirtualLine

VALVE, METER = "valve.ini", "meter.ini"
NOW = datetime(2026, 11, 22, 9, 5)


class Scene:
    """A valve and a meter on one line."""

    def __init__(self) -> None:
        self.device = Device({(3, 40): 5}, 2, "rtu")
        self.device.writable = True
        meter = tem.Meter(tem.Options(model="tesmart", records=(3, 1, 1), address=1), now=NOW)
        self.bus = Bus([meter, self.device])
        self.line = VirtualLine(self.bus, drivers.load())
        self.line.set_devices((settings(VALVE, 2, "Modbus"), settings(METER, 1, "ТЕМ-104")), 60.0)

    def write(self, raw: int, file: str = VALVE, within_s: float = 10.0) -> None:
        self.line.write(file, Write(40, raw), self.line.clock() + within_s)

    def written(self, news: list[News]) -> list[Written]:
        return [each for each in news if isinstance(each, Written)]


def settings(file: str, address: int, dev_type: str) -> DeviceSettings:
    text = f"[device]\nPort=ttyS0\nNetAddr={address}\nDevType={dev_type}\nTemplate=x\n"
    device, _ = parse_device(f"log/User/devices/{file}", text)
    return replace(device, template_map=parse_template("x.ini", "[values]\nS1T1=40 u16 unit °C\n")[0])


def test_a_number_is_written_and_told() -> None:
    scene = Scene()
    scene.line.run_for(5)
    scene.write(435)
    assert scene.written(scene.line.run_for(1)) == [Written(VALVE, 435)]
    assert scene.device.places[3, 40] == 435


def test_of_several_only_the_newest_is_written() -> None:
    scene = Scene()
    scene.line.run_for(5)
    for raw in (10, 20, 30):
        scene.write(raw)
    assert scene.written(scene.line.run_for(5)) == [Written(VALVE, 30)]
    assert scene.device.writes == [(40, 30)]


def test_polling_goes_on_beside_it() -> None:
    scene = Scene()
    begun_s, news = scene.line.clock(), scene.line.run_for(5)
    for raw in range(60):
        scene.write(raw)
        news += scene.line.run_for(10)
    assert len(scene.written(news)) == 60
    polls = (scene.line.clock() - begun_s) / 60
    for file in (VALVE, METER):
        assert polls - 1 <= len([each for each in news if isinstance(each, Contact) and each.file == file]) <= polls + 1


def test_a_refusal_is_told_and_costs_no_contact() -> None:
    scene = Scene()
    scene.line.run_for(5)
    scene.device.keeps_writes = False
    scene.write(7)
    news = scene.line.run_for(120)
    assert scene.written(news) == [Written(VALVE, 7, "записано 7, а в регистре 5")]
    assert not [each for each in news if isinstance(each, Missed)]


def test_a_family_that_takes_nothing_says_so() -> None:
    scene = Scene()
    scene.line.run_for(5)
    scene.write(7, METER)
    assert scene.written(scene.line.run_for(1)) == [Written(METER, 7, "в этот прибор ничего не записать")]


def test_to_a_device_that_is_off_line_nothing_is_written_late() -> None:
    """When it is back, what was wanted a minute ago is no longer wanted."""
    scene = Scene()
    scene.line.run_for(5)
    scene.bus.meters = scene.bus.meters[:1]
    scene.line.run_for(200)
    scene.write(7, within_s=10.0)
    assert scene.written(scene.line.run_for(80)) == [Written(VALVE, 7, "прибор не на связи")]
    scene.bus.meters = (*scene.bus.meters, scene.device)
    scene.line.run_for(120)
    assert scene.device.writes == []


def test_a_write_to_a_device_that_is_off_line_keeps_no_archive_waiting() -> None:
    scene = Scene()
    scene.bus.meters = scene.bus.meters[:1]
    scene.line.run_for(300)
    while not any(isinstance(each, Missed) for each in scene.line.run_for(0.1)):
        pass  # after this its next turn is a minute away
    scene.line.begin_archive(METER, all_of_it(), 1)
    scene.write(7)
    news = scene.line.run_for(8)
    assert scene.written(news) == [Written(VALVE, 7, "прибор не на связи")]
    assert [each for each in news if isinstance(each, Archived)][-1].complete


def test_silence_is_told_after_the_retries() -> None:
    scene = Scene()
    scene.line.run_for(5)
    scene.bus.meters = scene.bus.meters[:1]
    scene.write(7, within_s=60.0)
    (told,) = scene.written(scene.line.run_for(50))
    assert told.reason == "нет ответа"


def test_a_line_that_goes_down_forgets_it_in_time() -> None:
    scene = Scene()
    scene.line.run_for(5)
    scene.line.link.down = "нет порта"
    scene.write(7, within_s=10.0)
    scene.line.run_for(100)
    scene.line.link.down = ""
    assert [each.reason != "" for each in scene.written(scene.line.run_for(120))] in ([True], [])
    assert scene.device.writes == []


def test_new_settings_of_the_device_cancel_it() -> None:
    scene = Scene()
    scene.line.run_for(5)
    scene.write(7)
    scene.line.set_devices((settings(VALVE, 3, "Modbus"),), 60.0)
    scene.line.run_for(20)
    assert scene.device.writes == []

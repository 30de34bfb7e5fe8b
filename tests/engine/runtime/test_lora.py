"""LoRaWAN modules of the settings: begun, changed and ended by difference; no meter, and told on their own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.emulated.rak811 import Module as Emulated
from engine.emulate import PtyServer
from engine.emulate.line import Line
from engine.errors import SettingsWrong
from engine.runtime.lora import Lora
from engine.settings import DeviceSettings, read_file
from tests.fake.agent_settings import serial_device, settings_of
from tests.fake.house import TestHouse
from tests.fake.leaks import nothing_left

PATIENCE_S = 30.0
PATH = "log/User/devices/lora.ini"
TEXT = "[device]\nDevType=LoRaModul\nPort=ttyS2\n[lora]\nAppEui=" + "a" * 16 + "\nAppKey=" + "b" * 32 + "\n"


def module_settings(text: str = TEXT) -> DeviceSettings:
    settings, _ = read_file(PATH, text.encode())
    assert isinstance(settings, DeviceSettings)
    return settings


def until(lora: Lora, done: Callable[[str], bool]) -> str:
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        lora.tick(time.monotonic())
        if done(text := "\n".join(lora.lines())):
            return text
        assert time.monotonic() < deadline_s, text
        time.sleep(0.01)


def test_the_manuals_values_are_the_defaults_and_the_speed_is_the_modules_own() -> None:
    settings = module_settings()
    assert (settings.port, settings.baud) == ("/dev/ttyS2", 115200)
    assert (settings.lora.days, settings.lora.hours, settings.lora.pause_s, settings.lora.inner_pause_s) == (
        3,
        0,
        14400,
        0,
    )
    assert module_settings(TEXT.replace("ttyS2\n", "ttyS2\nBaud=9600\n")).baud == 9600


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (TEXT.partition("AppKey")[0], "lora.ini: для Join=otaa нужны AppKey в [lora]"),
        (TEXT + "Join=abp\n", "lora.ini:7: для Join=abp нужны DevAddr, NwkSKey, AppSKey в [lora]"),
        (TEXT.replace("b" * 32, "secret"), "lora.ini:6: AppKey: нужно 32 шестнадцатеричных цифр"),
        (TEXT.replace("Port=ttyS2", "Connection=TCP\nNetIP=192.0.2.1"), "нужен Connection=Serial"),
    ],
)
def test_what_joining_needs_is_asked_for_with_its_place(text: str, told: str) -> None:
    with pytest.raises(SettingsWrong) as refused:
        module_settings(text)
    assert told in str(refused.value) and "secret" not in str(refused.value)


def test_a_module_is_no_meter_and_is_begun_changed_and_ended_with_its_file(tmp_path: Path) -> None:
    house = TestHouse(tmp_path)
    lora = Lora(house.house)
    emulated = Emulated(3, delays=False)
    with nothing_left(), PtyServer(Line(emulated, baud=0)) as server:
        own = replace(module_settings(), port=server.device)
        settings = settings_of(own)
        house.house.devices.apply(settings)
        house.house.lines.apply(settings)
        assert house.house.devices.keepers == {} and house.house.lines.lines == {}
        lora.apply(settings, 0.0)
        text = until(lora, lambda text: "новых нет" in text)
        assert text == f"lora.ini: {server.device}; передано записей 0, новых нет"
        first = lora.standings["lora.ini"].module
        lora.apply(settings_of(own, serial_device("x.ini")), 0.0)
        until(lora, lambda _: True)
        assert lora.standings["lora.ini"].module is first
        lora.apply(settings_of(replace(own, lora=replace(own.lora, port=9))), 0.0)
        until(lora, lambda text: "новых нет" in text)
        assert lora.standings["lora.ini"].module is not first
        lora.apply(settings_of(replace(own, enabled=False)), 0.0)
        assert lora.lines() == []
        lora.stop()
    assert house.crashes == [] and house.journaled == []


def test_a_port_that_is_not_there_is_told_once(tmp_path: Path) -> None:
    house = TestHouse(tmp_path)
    lora = Lora(house.house)
    lora.apply(settings_of(replace(module_settings(), port="/dev/ttyNone")), 0.0)
    until(lora, lambda text: "такого порта нет" in text)
    until(lora, lambda _: bool(house.journaled))
    lora.stop()
    assert house.journaled == ["LoRaWAN lora.ini: порт не открывается: такого порта нет"]


def test_a_thread_that_crashed_is_started_again_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house = TestHouse(tmp_path)
    lora = Lora(house.house)
    with monkeypatch.context() as patched:
        patched.setattr("engine.lora.Module._session", lambda _self: 1 / 0)
        lora.apply(settings_of(replace(module_settings(), port="/dev/ttyNone")), 0.0)
        until(lora, lambda _: bool(house.crashes))
    thread, traceback = house.crashes[0]
    assert "ZeroDivisionError" in traceback
    lora.tell_crash(thread, time.monotonic())
    text = until(lora, lambda text: "такого порта нет" in text)
    assert text.endswith("перезапусков 1")
    lora.stop()

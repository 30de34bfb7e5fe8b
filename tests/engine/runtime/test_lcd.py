"""The display through the real LCDd of Debian with its text driver, and through servers that are none."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine import naming
from engine.lcd import Lcd
from engine.lcd.letters import shown_bytes
from engine.lcd.playlist import playlist, value_of
from engine.runtime.lcd import Display
from engine.settings.smallfiles import parse_lcd
from tests.fake.agent_settings import serial_device, settings_of
from tests.fake.debian_servers import debian_environment, free_port
from tests.fake.house import TestHouse

INFO = "DevNumber=Зав.номер;3;1\nS1T1=T1, град.С;5;1\nS1T2=T2;5;0\nS9T1=нет такой;5;1\n"
SNAPSHOT = "[0]\nDevNumber=440020\nS1T1=60.86\nS1T2=\n\n[1]\nS1T1=1.00\n"


def eventually(condition: Callable[[], object], what: str) -> None:
    give_up_s = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < give_up_s, f"in vain: {what}"
        time.sleep(0.02)


@contextmanager
def lcdd(folder: Path, port: int) -> Iterator[Path]:
    """LCDd whose text driver writes every picture into the file that is handed out."""
    package, environment = debian_environment("lcdproc")
    drivers = next(package.glob("usr/lib/*/lcdproc"))
    config, screen = folder / "LCDd.conf", folder / "screen"
    config.write_text(
        f"[server]\nDriverPath={drivers}/\nDriver=text\nBind=127.0.0.1\nPort={port}\nForeground=yes\nUser=root\n"
        "ServerScreen=no\nWaitTime=5\n[text]\nSize=20x4\n"
    )
    command = ["stdbuf", "-oL", str(package / "usr/sbin/LCDd"), "-c", str(config), "-f"]
    with screen.open("wb") as out:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL
        )
        try:
            yield screen
        finally:
            process.kill()
            process.wait()


def test_captions_and_values_stand_on_the_display_each_for_its_seconds(tmp_path: Path) -> None:
    port, house = free_port(), TestHouse(tmp_path)
    house.texts[naming.LCD_INFO] = INFO
    path = tmp_path / naming.snapshot_path("440020")
    path.parent.mkdir(parents=True)
    path.write_text(SNAPSHOT)
    settings = settings_of(
        serial_device("a.ini", dev_number="440020", enabled=False),
        agent={"lcd_server": f"127.0.0.1:{port}", "lcd_encoding": "cp1251"},
    )
    house.house.devices.apply(settings)
    display = Display(house.house)
    display.apply(settings, 0.0)
    try:
        display.tick(0.0)
        assert display.frame == ("440020", "Зав.номер", "440020")
        display.tick(2.9)
        assert display.frame[1] == "Зав.номер"
        with lcdd(tmp_path, port) as screen:
            eventually(lambda: "|Зав.номер           |" in screen.read_text("cp1251"), "the first caption")
            display.tick(3.0)
            eventually(lambda: "|T1, град.С          |\n|60.86" in _last_lines(screen), "the second, with its value")
            assert display.lines() == [f"127.0.0.1:{port}: работает"]
            path.write_text(SNAPSHOT.replace("60.86", ""))
            display.tick(4.5)
            eventually(lambda: "|---" in _last_lines(screen), "a value that is not known now")
        display.tick(8.1)
        assert display.frame[1] == "Зав.номер", "then from the beginning"
        eventually(lambda: "нет связи" in display.lines()[0], "the server has gone")
    finally:
        lcd = display._lcd
        display.stop()
        assert lcd is not None
        lcd.join(10)
    assert not lcd.is_alive() and display.lines() == ()


def _last_lines(screen: Path) -> str:
    return screen.read_text("cp1251")[-400:]


@pytest.mark.parametrize("answer", [b"", b"220 ftp\r\n", b"connect LCDproc wid x hgt 4\n", b"x" * 5000])
def test_a_server_that_is_none_is_told_and_tried_again(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        crashes: list[str] = []
        lcd = Lcd("127.0.0.1", server.getsockname()[1], "translit", lambda: None, lambda _t, text: crashes.append(text))
        lcd.start()
        for _ in range(2):
            client, _ = server.accept()
            with client:
                client.sendall(answer)
        eventually(lambda: lcd.problem.startswith("нет связи: "), "told")
        lcd.stop()
        lcd.join(10)
    assert not lcd.is_alive() and crashes == []


def test_a_server_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.lcd.TIMEOUT_S", 0.1)
        lcd = Lcd("127.0.0.1", server.getsockname()[1], "translit", lambda: None, lambda _thread, _text: None)
        lcd.start()
        eventually(lambda: lcd.problem == "нет связи: нет ответа", "told")
        lcd.stop()
        lcd.join(10)


def test_letters_that_a_display_lacks_are_latin_ones() -> None:
    assert shown_bytes("Зав.номер №5 щ ю\n", "translit") == b"Zav.nomer N5 shch yu"
    assert shown_bytes("T1, °С", "koi8-r") == "T1, °С".encode("koi8-r")
    assert shown_bytes('a"b\\c{d}', "cp1251") == b"a'b/c(d)"
    assert shown_bytes("漢", "cp1251") == b"?"


def test_lines_without_a_number_are_shown_for_every_device_in_turn() -> None:
    lines = parse_lcd("lcd.info", "DevNumber=N;1;1\nS1T1=T;1;1\n2.S1T1=T;9;1\n3.S1T1=T;9;1\n")
    snapshots = {"1": {"DevNumber": "1", "S1T1": "5.00"}, "2": {"DevNumber": "2", "S1T1": ""}}
    shown = playlist(lines, snapshots)
    assert [(each.device, each.name) for each in shown] == [
        ("1", "DevNumber"), ("1", "S1T1"), ("2", "DevNumber"), ("2", "S1T1"), ("2", "S1T1"),
    ]  # fmt: skip
    assert [value_of(each, snapshots) for each in shown] == ["1", "5.00", "2", "---", "---"]

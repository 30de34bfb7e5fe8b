"""Autoconfiguration on a folder and on pseudo terminals: what it writes, what it leaves alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import serial

import drivers
from drivers import tem_384
from drivers.emulated import Speaker
from drivers.emulated.bus import Bus as EmulatedBus
from engine import naming
from engine.config import Config, check
from engine.ports import Places
from engine.runtime.autoconfig import LOCK, Autoconfig, Outside
from engine.runtime.root_lock import RootLock, RootTaken
from engine.search import Waits
from tests.e2e.meters import meter, on_pty
from tests.fake.agent_process import put, serial_device
from tests.fake.leaks import nothing_left
from tests.fake.own_speed_link import OwnSpeedLink

NOW = datetime(2026, 11, 22, 9, 5, tzinfo=UTC)
QUICK = Waits(call_s=0.15, slow_call_s=0.2, address_s=0.05, byte_s=0.02, pause_s=0.02)


@dataclass
class Heard:
    """Everything that was told."""

    lines: list[str] = field(default_factory=list)
    looks: list[tuple[str, str]] = field(default_factory=list)

    def tell(self, text: str) -> None:
        self.lines.append(text)

    def look(self, line: str, place: str) -> None:
        self.looks.append((line, place))

    def end(self) -> None:
        self.lines.append("")

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@dataclass
class Trial:
    """A root, and places of the system that hold no port but what a test puts there."""

    root: Path
    outside: Outside
    heard: Heard = field(default_factory=Heard)

    def make(self) -> Autoconfig:
        self.heard = Heard()
        return Autoconfig(self.root, [tem_384.DRIVER], lambda _: None, self.heard, self.outside)

    def run(self, *ports: str) -> bool:
        return self.make().run(ports)

    def device_files(self) -> dict[str, str]:
        folder = self.root / naming.DEVICES
        return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()} if folder.is_dir() else {}

    def values(self, name: str) -> dict[str, str]:
        lines = self.device_files()[name].splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith(";"))


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    places = Places(Path("/dev"), tmp_path / "sys", tmp_path / "udev")
    with nothing_left():
        yield Trial(tmp_path / "root", Outside(places=places, listed=tuple, waits=QUICK, now=lambda: NOW))


@contextmanager
def lines(*speakers: Speaker) -> Iterator[list[str]]:
    """One pseudo terminal for each."""
    with ExitStack() as stack:
        yield [stack.enter_context(on_pty(speaker)).device for speaker in speakers]


# --- what is found


def test_meters_on_several_lines_are_found_at_their_addresses(trial: Trial) -> None:
    with lines(meter(serial=11, address=1), meter(serial=22, address=17), meter(serial=33, address=99)) as ports:
        assert trial.run(*ports)
    assert sorted(trial.device_files()) == ["11.ini", "22.ini", "33.ini"]
    assert [trial.values(f"{number}.ini")["NetAddr"] for number in (11, 22, 33)] == ["1", "17", "99"]
    assert [trial.values(f"{number}.ini")["Port"] for number in (11, 22, 33)] == ports
    assert {trial.values(f"{number}.ini")["Enabled"] for number in (11, 22, 33)} == {"0"}
    assert trial.heard.lines[-1] == "автонастройка закончена: приборов найдено 3, новых файлов 3"


def test_all_meters_of_a_shared_line_are_found(trial: Trial) -> None:
    shared = EmulatedBus([meter(serial=number, address=number) for number in (1, 17, 99)])
    with lines(shared) as ports:
        assert trial.run(*ports)
    assert sorted(trial.device_files()) == ["1.ini", "17.ini", "99.ini"]


def test_what_is_written_is_accepted_and_switched_off(trial: Trial) -> None:
    with lines(meter(serial=11, address=17)) as ports:
        trial.run(*ports)
    assert check(trial.root) == ()
    (device,) = Config(trial.root).load().devices
    assert (device.dev_type, device.dev_number, device.net_addr, device.enabled) == ("ТЕМ-104", "11", 17, False)
    assert check(trial.root) == ()


def test_the_file_bears_the_moment_of_the_zone_of_the_settings(trial: Trial) -> None:
    put(trial.root, "agent.ini", "[agent]\nTimezone=Asia/Omsk\n")
    with lines(meter(serial=11)) as ports:
        trial.run(*ports)
    assert "22.11.26 15:05:00" in trial.device_files()["11.ini"]


def test_a_clock_that_was_never_set_stamps_nothing(trial: Trial) -> None:
    trial.outside = replace(trial.outside, now=lambda: datetime(1970, 1, 1, tzinfo=UTC))
    with lines(meter(serial=11)) as ports:
        trial.run(*ports)
    assert "найден автонастройкой на порту" in trial.device_files()["11.ini"]


def test_progress_is_told_on_the_way(trial: Trial) -> None:
    with lines(meter(serial=11)) as ports:
        trial.run(*ports)
    assert (ports[0], "скорость 9600") in trial.heard.looks
    assert trial.heard.looks[-1] == (ports[0], "")


# --- what is left alone


def test_a_second_run_adds_nothing(trial: Trial) -> None:
    with lines(meter(serial=1, address=1), meter(serial=2, address=17)) as ports:
        trial.run(*ports)
        before = trial.device_files()
        assert trial.run(*ports)
    assert trial.device_files() == before
    assert "уже есть в log/User/devices/1.ini" in trial.heard.text
    assert trial.heard.lines[-1] == "автонастройка закончена: приборов найдено 2, новых файлов 0"


def test_a_device_that_a_file_of_the_user_names_by_number_is_not_added(trial: Trial) -> None:
    mine = serial_device("ttyS77", DevNumber="11", NetAddr=5)
    put(trial.root, "devices/kotelnaya.ini", mine)
    with lines(meter(serial=11, address=17)) as ports:
        assert trial.run(*ports)
    assert trial.device_files() == {"kotelnaya.ini": mine}


def test_a_device_that_a_file_of_the_user_names_by_line_and_address_is_not_added(trial: Trial) -> None:
    with lines(meter(serial=11, address=17)) as ports:
        mine = serial_device(ports[0], NetAddr=17, Enabled=0)
        put(trial.root, "devices/a.ini", mine)
        assert trial.run(*ports)
    assert trial.device_files() == {"a.ini": mine}


def test_a_file_of_that_name_is_never_overwritten(trial: Trial) -> None:
    mine = serial_device("ttyS77", DevNumber="999", NetAddr=5)
    put(trial.root, "devices/11.INI", mine)
    with lines(meter(serial=11, address=17)) as ports:
        assert trial.run(*ports)
        pts = ports[0].rpartition("/")[2]
    assert trial.device_files()["11.INI"] == mine
    assert set(trial.device_files()) == {"11.INI", f"TEM-104-pts-{pts}-17.ini"}


def test_with_no_name_left_it_is_told_and_nothing_is_overwritten(trial: Trial) -> None:
    with lines(meter(serial=11, address=17)) as ports:
        pts = ports[0].rpartition("/")[2]
        for name in ("11.ini", f"TEM-104-pts-{pts}-17.ini"):
            put(trial.root, f"devices/{name}", serial_device("ttyS77", DevNumber="999"))
        before = trial.device_files()
        assert not trial.run(*ports)
    assert trial.device_files() == before
    assert "добавьте прибор сами" in trial.heard.text


def test_a_line_that_a_device_is_polled_on_is_not_touched(trial: Trial) -> None:
    with lines(meter(serial=11)) as ports:
        put(trial.root, "devices/a.ini", serial_device(ports[0]))
        trial.outside = replace(trial.outside, link_of=_never)
        assert trial.run(*ports)
    assert "пропущен, его опрашивает a.ini" in trial.heard.text


@pytest.mark.parametrize("text", ["[modem]\nPort={}\n", "[time]\nSyncPort={}\n"])
def test_the_lines_of_modem_and_time_are_not_touched(trial: Trial, text: str) -> None:
    with lines(meter(serial=11)) as ports:
        put(trial.root, "agent.ini", text.format(ports[0]))
        trial.outside = replace(trial.outside, link_of=_never)
        assert trial.run(*ports)
    assert ": пропущен, порт " in trial.heard.text


def _never(path: str) -> OwnSpeedLink:
    raise AssertionError(f"{path} is in use")


def test_a_line_that_somebody_holds_is_skipped_and_told(trial: Trial) -> None:
    with lines(meter(serial=11), meter(serial=22)) as ports, serial.Serial(ports[0], exclusive=True):
        assert trial.run(*ports)
    assert sorted(trial.device_files()) == ["22.ini"]
    assert f"{ports[0].removeprefix('/dev/')}: порт не открывается: занят другой программой" in trial.heard.text


def test_a_dead_port_is_skipped_and_told(trial: Trial) -> None:
    with lines(meter(serial=11)) as ports:
        assert trial.run("/dev/ttyS4077", *ports)
    assert sorted(trial.device_files()) == ["11.ini"]
    assert "ttyS4077: порт не открывается: такого порта нет" in trial.heard.text


def test_a_port_that_is_none_is_refused(trial: Trial) -> None:
    for text in ("/etc/passwd", "", "0"):
        with pytest.raises(ValueError, match="нужен порт"):
            trial.run(text)
    assert not trial.root.exists()


# --- one at a time, and not for ever


def test_a_second_search_of_the_same_folder_is_refused(trial: Trial) -> None:
    lock = RootLock(trial.root, LOCK)
    lock.take()
    with pytest.raises(RootTaken):
        trial.run("/dev/ttyS4077")
    lock.release()
    assert trial.run("/dev/ttyS4077")


def test_an_agent_that_runs_does_not_hinder_it(trial: Trial) -> None:
    agent = RootLock(trial.root)
    agent.take()
    assert trial.run("/dev/ttyS4077")
    agent.release()


def test_its_time_has_a_limit(trial: Trial) -> None:
    trial.outside = replace(trial.outside, limit_s=1.5, waits=replace(QUICK, pause_s=1.0))
    with lines(meter(serial=11), EmulatedBus([])) as ports:
        assert not trial.run(*ports)
    assert "время автонастройки вышло" in trial.heard.text
    assert sorted(trial.device_files()) == ["11.ini"]


def test_it_can_be_stopped(trial: Trial) -> None:
    with lines(EmulatedBus([])) as ports:
        search = trial.make()
        timer = threading.Timer(0.3, search.stop)
        timer.start()
        assert not search.run(ports)
        timer.join()
    assert "автонастройка прервана" in trial.heard.text


def test_a_fault_of_its_own_is_told_and_harms_no_other_line(trial: Trial) -> None:
    class Broken(OwnSpeedLink):
        def write(self, data: bytes) -> None:
            raise ZeroDivisionError(data.hex())

    usual = trial.outside.link_of
    trial.outside = replace(
        trial.outside, link_of=lambda path: Broken(EmulatedBus([])) if path == "/dev/ttyS4077" else usual(path)
    )
    with lines(meter(serial=11)) as ports:
        assert not trial.run("/dev/ttyS4077", *ports)
    assert "внутренний сбой" in trial.heard.text
    assert sorted(trial.device_files()) == ["11.ini"]


def test_a_folder_that_cannot_be_written_is_told(trial: Trial) -> None:
    (trial.root / naming.USER).mkdir(parents=True)
    (trial.root / naming.DEVICES).touch()
    with lines(meter(serial=11)) as ports:
        assert not trial.run(*ports)
    assert "файл не записан: на месте папки стоит файл" in trial.heard.text


# --- the map of USB ports


@pytest.fixture
def board(trial: Trial, tmp_path: Path) -> Trial:
    """A host with one adapter whose device cannot be opened."""
    places = Places(tmp_path / "dev", tmp_path / "sys", tmp_path / "udev")
    whole = places.sys / "devices/platform/1c1d400.usb/usb2/2-1"
    port = whole / "2-1:1.0/ttyUSB4077"
    port.mkdir(parents=True)
    (whole / "idVendor").write_text("1a86\n")
    (whole / "product").write_text("USB2.0-Serial\n")
    (places.sys / "class/tty/ttyUSB4077").mkdir(parents=True)
    (places.sys / "class/tty/ttyUSB4077/device").symlink_to(port)
    places.dev.mkdir()
    (places.dev / "ttyUSB4077").touch()
    trial.outside = replace(trial.outside, places=places)
    return trial


def rules(trial: Trial) -> Path:
    return trial.root / naming.USB_RULES


def test_the_map_of_usb_ports_is_written(board: Trial) -> None:
    assert board.run()
    text = rules(board).read_text(encoding="ascii")
    assert text.startswith(
        "ttyUSB1000\n" + 3 * "USB2.0-Serial\n" + 'SUBSYSTEMS=="tty", '
        'ENV{ID_PATH}=="platform-1c1d400.usb-usb-0:1:1.0", ENV{ID_MODEL}=="USB2.0-Serial", '
        'ENV{ID_VENDOR_ID}=="1a86", SYMLINK+="ttyUSB1000"\nttyUSB1001\n0\n'
    )
    assert text.endswith("DATE: 11/22/26\nTIME: 12:05:00\n")
    assert "ttyUSB4077: порт не открывается" in board.heard.text


def test_the_map_is_written_again_only_when_it_changed(board: Trial) -> None:
    board.run()
    before = rules(board).stat()
    later = datetime(2026, 11, 23, tzinfo=UTC)
    board.outside = replace(board.outside, now=lambda: later)
    board.run()
    assert (rules(board).stat().st_ino, rules(board).stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    (board.outside.places.dev / "ttyUSB4077").unlink()
    board.run()
    text = rules(board).read_text(encoding="ascii")
    assert "1a86" not in text and text.endswith("DATE: 11/23/26\nTIME: 03:00:00\n")


def test_all_ports_of_the_modems_adapter_are_left_alone(board: Trial) -> None:
    places = board.outside.places
    second = places.sys / "class/tty/ttyUSB4078"
    second.mkdir()
    beside = (places.sys / "class/tty/ttyUSB4077/device").resolve().parents[1] / "2-1:1.1/ttyUSB4078"
    beside.mkdir(parents=True)
    (second / "device").symlink_to(beside)
    (places.dev / "ttyUSB4078").touch()
    put(board.root, "agent.ini", "[modem]\nPort=ttyUSB4077\n")
    board.outside = replace(board.outside, link_of=_never)
    assert board.run()
    skipped = [f"ttyUSB{number}: пропущен, порт модема" for number in (4077, 4078)]
    assert "\n".join([*skipped, "свободных портов нет"]) in board.heard.text


def test_the_stable_path_is_written_unless_a_device_file_cannot_have_it(board: Trial) -> None:
    by_id = board.outside.places.dev / "serial/by-id"
    by_id.mkdir(parents=True)
    (by_id / "usb-1a86-if00-port0").symlink_to(board.outside.places.dev / "ttyUSB4077")
    link = OwnSpeedLink(meter(serial=11, address=17), name="/dev/ttyUSB4077")
    board.outside = replace(board.outside, link_of=lambda _: link)
    board.run()
    assert board.values("11.ini")["Port"] == "/dev/serial/by-id/usb-1a86-if00-port0"
    (board.root / naming.DEVICES / "11.ini").unlink()
    (by_id / "usb-1a86-if00-port0").rename(by_id / "usb 1a86 «x»")
    board.run()
    assert board.values("11.ini")["Port"] == "/dev/ttyUSB4077"


# --- with every driver there is


def test_every_driver_takes_part_and_harms_none(trial: Trial) -> None:
    with lines(meter(serial=11, address=3)) as ports:
        heard = Heard()
        assert Autoconfig(trial.root, drivers.load(), lambda _: None, heard, trial.outside).run(ports)
    assert sorted(trial.device_files()) == ["11.ini"]

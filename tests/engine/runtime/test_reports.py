from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import agent
from engine import naming
from engine.formats.snapshot import SnapshotView, snapshot_text
from engine.keeper import Keeper
from engine.model import Value
from engine.report.plan import Device
from engine.runtime.remembered import Remembered
from engine.runtime.reports import AGAIN_S, Reports, report_devices
from engine.settings import DeviceSettings, read_file
from tests.fake.house import TestHouse
from tests.fake.statement_data import store

NOW = datetime(2020, 8, 28, 4, 0, tzinfo=UTC)
DEVICES = [Device("440020")]
TIMEOUT_S = 60.0


class Bench:
    """Reports with a journal and a clock of their own."""

    def __init__(self, root: Path) -> None:
        test = TestHouse(root)
        self.told = test.journaled
        self.reports = Reports(test.house)

    def look(self, now: datetime | None, now_s: float = 0.0, *, nameless: bool = False) -> bool:
        """Whether a process was started; waits for its end."""
        self.reports.look(now, now_s, DEVICES, 31, nameless=nameless)
        started = self.reports._child is not None
        end_s = time.monotonic() + TIMEOUT_S
        while self.reports._child is not None and time.monotonic() < end_s:
            self.reports.tick(now_s)
            time.sleep(0.02)
        assert self.reports._child is None
        return started


def test_a_day_has_one_run_and_the_journal_tells_it_once(tmp_path: Path) -> None:
    store(tmp_path, 69)
    bench = Bench(tmp_path)
    assert bench.look(NOW)
    assert not bench.look(NOW + timedelta(hours=5), 5 * 3600)
    assert bench.told == ["отчеты готовы: 1, www/Otchety280820"]


def test_after_a_restart_or_a_step_of_the_clock_nothing_is_made_twice(tmp_path: Path) -> None:
    store(tmp_path, 69)
    assert Bench(tmp_path).look(NOW)
    [path] = (tmp_path / "www/Otchety280820").glob("*.pdf")
    made_ns = path.stat().st_mtime_ns
    bench = Bench(tmp_path)
    assert bench.look(NOW)
    assert bench.told == [] and path.stat().st_mtime_ns == made_ns


def test_a_clock_that_cannot_be_believed_starts_nothing(tmp_path: Path) -> None:
    store(tmp_path, 69)
    assert not Bench(tmp_path).look(None)


def test_new_days_are_looked_at_again_but_not_at_once(tmp_path: Path) -> None:
    store(tmp_path, 67)
    bench = Bench(tmp_path)
    assert bench.look(NOW)
    store(tmp_path, 69)
    assert not bench.look(NOW, AGAIN_S - 1)
    assert bench.look(NOW, AGAIN_S)
    assert [path.name for path in (tmp_path / "www/Otchety280820").glob("*.pdf")] == [
        "from28072020to27082020_440020s1.pdf"
    ]


def keeper(root: Path, name: str = "a.ini", **keys: object) -> Keeper:
    told = {"DevType": "ТСМ", "DevNumber": 0, "Connection": "TCP", "NetIP": "10.0.0.5", "NetPort": 4001, **keys}
    text = "[device]\n" + "".join(f"{key}={value}\n" for key, value in told.items())
    settings, _ = read_file(f"log/User/devices/{name}", text.encode())
    assert isinstance(settings, DeviceSettings)
    return Keeper(root, settings, TestHouse(root).house.devices)


def snapshot(root: Path, number: str, read: str = "20.08.20", **place: Value) -> None:
    place = {"Connection": "TCP", "NetAddr": 0, "NetIP": "10.0.0.5", "NetPort": 4001, **place}
    view = SnapshotView({"DevNumber": number, **place}, ({},), extra={"ReadDate": read, "ReadTime": "10:00:00"})
    path = root / naming.snapshot_path(number)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(snapshot_text(view), encoding="utf-8")


def found(root: Path, *keepers: Keeper) -> tuple[list[str], bool]:
    devices, nameless = report_devices(keepers, Remembered(root))
    return [device.dev_number for device in devices], nameless


def test_a_device_that_is_silent_since_the_start_has_its_reports_by_its_snapshot(tmp_path: Path) -> None:
    snapshot(tmp_path, "551100")
    snapshot(tmp_path, "7", NetPort=4002)
    (tmp_path / naming.SNAPSHOTS / "8.txt").write_text("torn", encoding="utf-8")
    known = keeper(tmp_path, "b.ini", DevNumber=440020)
    assert found(tmp_path, keeper(tmp_path, Address="Москва", ReportDay=22), known) == (["551100", "440020"], False)
    [device] = report_devices([keeper(tmp_path, Address="Москва", ReportDay=22)], Remembered(tmp_path))[0]
    assert (device.address, device.report_day) == ("Москва", 22)


def test_of_two_meters_that_stood_at_one_place_the_last_one_has_the_reports(tmp_path: Path) -> None:
    snapshot(tmp_path, "551100", read="20.08.20")
    snapshot(tmp_path, "100", read="01.09.20")
    snapshot(tmp_path, "99", read="31.12.19")
    assert found(tmp_path, keeper(tmp_path)) == (["100"], False)


def test_a_number_that_another_device_has_is_given_to_nobody_else(tmp_path: Path) -> None:
    snapshot(tmp_path, "551100")
    assert found(tmp_path, keeper(tmp_path, DevNumber=551100), keeper(tmp_path, "b.ini")) == (["551100"], True)
    assert found(tmp_path, keeper(tmp_path), keeper(tmp_path, "b.ini")) == (["551100"], True)


def test_only_a_device_that_is_switched_on_is_missed(tmp_path: Path) -> None:
    assert found(tmp_path, keeper(tmp_path)) == ([], True)
    assert found(tmp_path, keeper(tmp_path, Enabled=0)) == ([], False)


def test_snapshots_are_read_once_and_again_when_the_file_changes(tmp_path: Path) -> None:
    remembered = Remembered(tmp_path)
    assert report_devices([keeper(tmp_path)], remembered) == ([], True)
    snapshot(tmp_path, "551100")
    assert report_devices([keeper(tmp_path)], remembered) == ([], True)
    assert report_devices([keeper(tmp_path, Address="Москва")], remembered)[1] is False


def test_a_run_without_a_device_that_is_not_known_yet_leaves_its_reports(tmp_path: Path) -> None:
    store(tmp_path, 69)
    foreign = tmp_path / "www/Otchety270820/from27072020to26082020_551100s1.pdf"
    foreign.parent.mkdir()
    foreign.write_bytes(b"%PDF")
    bench = Bench(tmp_path)
    assert bench.look(NOW, nameless=True) and foreign.exists()
    assert bench.look(NOW, AGAIN_S) and not foreign.exists()


def test_a_stop_ends_the_process(tmp_path: Path) -> None:
    store(tmp_path, 69)
    reports = Reports(TestHouse(tmp_path).house)
    reports.look(NOW, 0.0, DEVICES, 31)
    child = reports._child
    assert child is not None
    reports.stop()
    assert child._process.returncode is not None


def test_the_command_prints_the_path_of_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store(tmp_path, 69)
    devices = tmp_path / "log/User/devices"
    devices.mkdir(parents=True)
    (devices / "k.ini").write_text("[device]\nDevType=ТСМ\nDevNumber=440020\nAddress=Москва\n", encoding="utf-8")
    assert agent.main(["--root", str(tmp_path), "report", "440020", "01.08.2020", "10.08.2020"]) == 0
    path = capsys.readouterr().out.strip()
    assert path.endswith("/from01082020to10082020_440020s1D.pdf")
    assert (tmp_path / path).exists() and (tmp_path / path).with_suffix(".xlsx").exists()
    assert agent.main(["--root", str(tmp_path), "report", "1", "01.08.2020", "10.08.2020"]) == 1
    assert "в архиве нет суточных записей" in capsys.readouterr().err

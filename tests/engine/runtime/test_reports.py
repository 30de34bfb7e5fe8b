from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import agent
from engine.report.plan import Device
from engine.runtime.reports import AGAIN_S, Reports
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

    def look(self, now: datetime | None, now_s: float = 0.0) -> bool:
        """Whether a process was started; waits for its end."""
        self.reports.look(now, now_s, DEVICES, 31)
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

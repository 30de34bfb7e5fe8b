"""The whole agent in one process, on a real root and a real loopback: life, cycle, reload, crashes, the end."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from io import StringIO
from pathlib import Path

import pytest

import drivers
from drivers.emulated import tem
from engine import naming
from engine.console import Progress
from engine.dialogue import Driver
from engine.emulate import TcpServer
from engine.emulate.line import Line
from engine.runtime import agent as agent_module
from engine.runtime import deliveries as deliveries_module
from engine.runtime import housekeeping as housekeeping_module
from engine.runtime.agent import Agent
from engine.runtime.clockwork import Clockwork
from engine.runtime.root_lock import RootTaken
from tests.fake.leaks import nothing_left

PATIENCE_S = 30.0
NOW = datetime(2026, 9, 25, 14, 30, 7)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(agent_module, "TICK_S", 0.02)
    monkeypatch.setattr(agent_module, "STATUS_PERIOD_S", 0.1)
    with nothing_left():
        yield


@pytest.fixture
def root(tmp_path: Path) -> Path:
    put(tmp_path, "ftp.ini", "[internal]\nEnabled=0\n")
    put(tmp_path, "agent.ini", "[agent]\nTimezone=UTC\nPollInterval=1\n")
    return tmp_path


def put(root: Path, name: str, text: str) -> None:
    """A file of the user, complete at once."""
    path = root / naming.USER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    (path.parent / ".new").write_text(text)
    (path.parent / ".new").replace(path)


@contextmanager
def meter(**options: object) -> Iterator[TcpServer]:
    """An emulated meter on loopback whose time stands still."""
    usual: dict[str, object] = {"flash_kb": 512, "records": (6, 2, 1), "serial": 1001}
    speaker = tem.Meter(tem.Options(model="tesmart", **{**usual, **options}), now=NOW)  # type: ignore[arg-type]
    with TcpServer(Line(speaker, baud=0, turnaround_s=0, time_scale=0)) as server:
        yield server


def device(port: int, **keys: object) -> str:
    usual = {"Connection": "TCP", "NetIP": "127.0.0.1", "NetPort": port, "PacketTimeout": 100, "Retries": 1}
    return "[device]\n" + "".join(f"{key}={value}\n" for key, value in {**usual, **keys}.items())


def agent_of(root: Path, loaded: tuple[Driver, ...] | None = None) -> Agent:
    return Agent(root, drivers.load() if loaded is None else loaded, lambda _name: None, Progress(StringIO()))


@contextmanager
def running(agent: Agent) -> Iterator[Agent]:
    """The agent in a thread of its own; an error of its main loop is this test's error."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            agent.run()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="agent under test")
    thread.start()
    try:
        yield agent
    finally:
        agent.stop()
        thread.join(PATIENCE_S)
    assert not thread.is_alive()
    if errors:
        raise errors[0]


def eventually(condition: Callable[[], object], what: str) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until_s, f"in vain: {what}"
        time.sleep(0.02)


def text(root: Path, path: str) -> str:
    whole = root / path
    return whole.read_text() if whole.exists() else ""


def status(root: Path) -> str:
    return text(root, naming.STATUS)


# --- life


def test_an_agent_without_devices_lives_and_ends(root: Path) -> None:
    with running(agent_of(root)):
        eventually(lambda: "работает с" in status(root), "a status")
    assert "агент остановлен" in status(root)
    journal = text(root, naming.JOURNAL)
    assert [line[18:] for line in journal.splitlines()] == ["агент запущен", "агент остановлен"]


def test_an_empty_root_gets_everything_it_needs(tmp_path: Path) -> None:
    put(tmp_path, "ftp.ini", "[internal]\nEnabled=0\n")
    with running(agent_of(tmp_path)):
        eventually(lambda: status(tmp_path), "a status")
    assert all((tmp_path / folder).is_dir() for folder in naming.FOLDERS)


def test_a_second_agent_on_the_same_root_is_refused_and_harms_nothing(root: Path) -> None:
    with running(agent_of(root)):
        eventually(lambda: status(root), "a status")
        before = text(root, naming.JOURNAL)
        with pytest.raises(RootTaken, match=str(root)):
            agent_of(root).run()
        with pytest.raises(RootTaken):
            agent_of(root).once()
        assert text(root, naming.JOURNAL) == before
    with running(agent_of(root)):
        eventually(lambda: text(root, naming.JOURNAL) != before, "the next one may start")


# --- one cycle


def test_one_cycle_reads_every_device_and_its_archive(root: Path) -> None:
    with meter() as server:
        put(root, "devices/a.ini", device(server.port))
        assert agent_of(root).once() is True
    assert "Online=1" in text(root, "log/User/txt/1001.txt")
    stored = "".join(path.read_text() for path in (root / "www/1001").glob("*.txt"))
    assert [stored.count(f"RecType={kind}") for kind in "HDM"] == [6, 2, 1]
    assert (root / "var/meters/1001.txt").exists()
    assert "архив полон" in status(root)


def test_one_cycle_ends_also_when_a_device_is_dead(root: Path) -> None:
    with meter() as server, meter(serial=1002) as gone:
        put(root, "devices/a.ini", device(server.port))
        put(root, "devices/b.ini", device(gone.port, NetAddr=77))
        assert agent_of(root).once() is False
    assert "Online=1" in text(root, "log/User/txt/1001.txt")


def test_one_cycle_ends_also_when_a_driver_has_a_bug(root: Path) -> None:
    with meter() as server:
        put(root, "devices/a.ini", device(server.port))
        assert agent_of(root, tuple(map(broken, drivers.load()))).once() is False
    assert "[Внутренние сбои]" in status(root)


@pytest.mark.parametrize("ini", ["AutoPoll=0", "Name=nothing to poll"])
def test_one_cycle_with_nothing_to_poll_ends(root: Path, ini: str) -> None:
    put(root, "agent.ini", f"[agent]\n{ini}\n")
    put(root, "devices/a.ini", device(1, Enabled=int(ini == "AutoPoll=0")))
    assert agent_of(root).once() is (ini != "AutoPoll=0")


def test_one_cycle_ends_on_a_disk_that_takes_no_archive(root: Path) -> None:
    (root / "www/1001").parent.mkdir()
    (root / "www/1001").write_text("in the way")
    with meter() as server:
        put(root, "devices/a.ini", device(server.port))
        assert agent_of(root).once() is True
    assert "архив не" in status(root)


def test_one_cycle_ends_while_the_clock_is_not_to_be_believed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deliveries wait for the clock, for ever if need be; a cycle does not."""
    for module in (agent_module, deliveries_module):
        monkeypatch.setattr(module, "clock_is_plausible", lambda _now: False)
    put(root, "ftp.ini", "[internal]\nEnabled=0\n[server1]\nEnabled=1\nHost=127.0.0.1\nPort=1\nUser=u\nPassword=p\n")
    with meter() as server:
        put(root, "devices/a.ini", device(server.port))
        assert agent_of(root).once() is True
    assert "часы устройства не установлены" in status(root)
    assert "Состояние на время неизвестно" in status(root)
    assert "ReadDate=\n" in text(root, "log/User/txt/1001.txt")
    assert text(root, naming.JOURNAL).startswith("--.--.-- --:--:-- ")


def test_a_clock_that_is_set_late_tells_since_when_the_agent_works(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    believed = threading.Event()
    monkeypatch.setattr(agent_module, "clock_is_plausible", lambda _now: believed.is_set())
    with running(agent_of(root)):
        eventually(lambda: "работает с время неизвестно" in status(root), "an unknown time")
        believed.set()
        eventually(lambda: "время неизвестно" not in status(root), "the time of the start")
        assert "Действуют с время" not in status(root)


# --- reload


def test_a_new_device_is_polled_without_a_restart(root: Path) -> None:
    with meter() as server, running(agent_of(root)):
        eventually(lambda: status(root), "a status")
        put(root, "devices/a.ini", device(server.port))
        eventually(lambda: "Online=1" in text(root, "log/User/txt/1001.txt"), "a reading")
        assert "новые настройки действуют" in text(root, naming.JOURNAL)


def test_a_device_that_was_removed_keeps_its_archive_and_is_not_shown_as_current(root: Path) -> None:
    with meter() as server, running(agent_of(root)):
        put(root, "devices/a.ini", device(server.port))
        eventually(lambda: "архив полон" in status(root), "the archive")
        (root / "log/User/devices/a.ini").unlink()
        eventually(lambda: "Online=0" in text(root, "log/User/txt/1001.txt"), "it is off line")
        eventually(lambda: "[Приборы]\nнет" in status(root), "it is gone from the status")
    assert list((root / "www/1001").glob("H-*.txt"))


def test_a_file_with_errors_leaves_the_old_settings_in_force_and_says_where(root: Path) -> None:
    with meter() as server, running(agent_of(root)):
        put(root, "devices/a.ini", device(server.port))
        eventually(lambda: "на связи" in status(root), "a reading")
        put(root, "devices/a.ini", "[device]\nBaud=fast\n")
        eventually(lambda: "log/User/devices/a.ini:2: " in status(root), "the problem")
        eventually(lambda: "log/User/devices/a.ini:2: " in text(root, naming.JOURNAL), "the problem in the journal")
        (root / "log/User/txt/1001.txt").unlink()
        eventually(lambda: "Online=1" in text(root, "log/User/txt/1001.txt"), "it is polled as before")


def test_the_agent_s_zone_is_that_of_its_settings(root: Path) -> None:
    put(root, "agent.ini", "[agent]\nTimezone=Etc/GMT-14\n")
    with running(agent_of(root)):
        eventually(lambda: status(root), "a status")
    assert agent_of(root)._zone.key == "UTC", "nothing is kept in the module"
    told = datetime.strptime(status(root).splitlines()[1][13:30], "%d.%m.%y %H:%M:%S")
    ahead_s = (told - datetime.now()).total_seconds() + time.localtime().tm_gmtoff
    assert ahead_s == pytest.approx(14 * 3600, abs=120)


# --- what goes wrong


def broken(whole: Driver) -> Driver:
    """A driver with a bug: its reading fails as nobody expected."""

    def read(*_: object):  # type: ignore[no-untyped-def]
        raise KeyError("a bug in a driver")
        yield

    return replace(whole, read=read)


def test_a_bug_in_a_driver_is_told_counted_and_costs_the_other_lines_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both meters are of one family; only the line with address 5 meets the bug."""

    def once_broken(whole: Driver) -> Driver:
        bad = broken(whole)

        def read(setup, identity):  # type: ignore[no-untyped-def]
            return (bad if setup.address == 5 else whole).read(setup, identity)

        return replace(whole, read=read)

    loaded = tuple(map(once_broken, drivers.load()))
    with meter() as good, meter(serial=1002, address=5) as bad, running(agent_of(root, loaded)):
        put(root, "devices/a.ini", device(good.port))
        put(root, "devices/b.ini", device(bad.port, NetAddr=5, DevNumber=1002))
        thread = f"line 127.0.0.1:{bad.port}"
        eventually(lambda: f"{thread}: 2" in status(root), "two crashes")
        eventually(lambda: "перезапусков" in status(root), "restarts")
        eventually(lambda: "Online=1" in text(root, "log/User/txt/1001.txt"), "the other meter")
    assert f"внутренний сбой «{thread}»: KeyError: 'a bug in a driver'; запускается снова" in text(root, naming.JOURNAL)
    assert "Traceback" in capsys.readouterr().err


def test_a_line_that_goes_down_and_comes_back_is_journaled_once_each(root: Path) -> None:
    with running(agent_of(root)):
        with meter() as server:
            port = server.port
            put(root, "devices/a.ini", device(port))
            eventually(lambda: "на связи" in status(root), "a reading")
        eventually(lambda: f"линия 127.0.0.1:{port}: " in text(root, naming.JOURNAL), "the fault")
        speaker = tem.Meter(tem.Options(model="tesmart", records=(1, 1, 1), serial=1001), now=NOW)
        with TcpServer(Line(speaker, baud=0, turnaround_s=0), port=port):
            eventually(lambda: f"линия 127.0.0.1:{port}: снова работает" in text(root, naming.JOURNAL), "its end")
            journal = text(root, naming.JOURNAL)
    assert journal.count("линия") == 2


def test_a_full_queue_of_news_does_not_hold_the_end(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_module, "NEWS_LIMIT", 1)
    with meter(records=(40, 10, 5)) as server:
        put(root, "devices/a.ini", device(server.port))
        with running(agent_of(root)):
            eventually(lambda: (root / "www/1001").exists(), "the archive goes on")
            begun_s = time.monotonic()
    assert time.monotonic() - begun_s < 8


def test_a_journal_that_cannot_be_written_stops_nothing(root: Path) -> None:
    (root / naming.JOURNAL).mkdir(parents=True)
    with meter() as server, running(agent_of(root)):
        put(root, "devices/a.ini", device(server.port))
        eventually(lambda: "Online=1" in text(root, "log/User/txt/1001.txt"), "a reading")


def test_a_change_that_was_seen_wakes_the_loop_at_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_module, "TICK_S", 60.0)
    with running(agent_of(root)) as agent:
        eventually(lambda: "агент запущен" in text(root, naming.JOURNAL), "the start")
        put(root, "agent.ini", "[agent]\nName=Другое имя\n")
        eventually(lambda: "Другое имя" in status(root), "the change")
        agent.stop()
        agent._config_changed()


def test_jobs_of_the_clockwork_are_done_and_a_full_disk_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def every_second(jobs: dict[Callable[[], None], int]) -> Clockwork:
        return Clockwork(dict.fromkeys(jobs, 1))

    def keep_limit(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(agent_module, "Clockwork", every_second)
    monkeypatch.setattr(housekeeping_module, "keep_limit", keep_limit)
    with meter() as server, running(agent_of(root)):
        put(root, "devices/a.ini", device(server.port))
        eventually(lambda: "www: место не освобождено: нет места на диске" in text(root, naming.JOURNAL), "it is told")
        eventually(lambda: "Online=1" in text(root, "log/User/txt/1001.txt"), "a reading")

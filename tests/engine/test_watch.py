"""Changes of the user's files are told soon, once, and nothing else is."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import watch
from engine.files import write_whole
from engine.watch import Watch, is_of_user
from tests.fake.leaks import nothing_left

DEADLINE_S = 20.0
SILENCE_S = 0.7


class Bell:
    """Counts calls and lets a test wait for the next one."""

    def __init__(self) -> None:
        self.rung = threading.Semaphore(0)

    def __call__(self) -> None:
        self.rung.release()

    def heard(self) -> bool:
        return self.rung.acquire(timeout=DEADLINE_S)

    def silent(self) -> bool:
        return not self.rung.acquire(timeout=SILENCE_S)

    def settle(self) -> None:
        while self.rung.acquire(timeout=SILENCE_S):
            pass


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("log/User/devices", "log/User/templates", "log/User/cmd", "log/User/txt", "log/VPN", "log/Ftp"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "log/User/agent.ini").write_text("[agent]\n")
    return tmp_path


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "QUIET_S", 0.05)
    monkeypatch.setattr(watch, "LATEST_S", 0.2)


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def events_only(root: Path, bell: Bell) -> Iterator[Watch]:
    """A watch whose slow look is far away: only the kernel's events can ring."""
    yield from running(Watch(root, bell, poll_s=3600))


def running(started: Watch) -> Iterator[Watch]:
    with nothing_left():
        started.start()
        yield started
        started.stop()


@pytest.mark.parametrize(
    "path",
    [
        "log/User/agent.ini", "log/User/ftp.ini", "log/User/ssmtp.conf", "log/User/revaliases", "log/lcd.info",
        "log/User/devices/kotelnaya.ini", "log/User/devices/котельная.ini", "log/User/templates/pump.ini",
        "log/User/cmd/a.txt", "log/VPN/client.ovpn", "log/User", "log/User/devices", "log",
    ],
)  # fmt: skip
def test_files_of_the_user_count(path: str) -> None:
    assert is_of_user(path)


@pytest.mark.parametrize(
    "path",
    [
        "log/User/status.txt", "log/User/journal.txt", "log/User/txt", "log/User/txt/440020.txt", "log/Ftp/a.zip",
        "log/Ftp/a/b.zip", "log/lcd.info.old", "log/USB.rules", "log/User/cmd/a.out", "log/User/agent.ini.refused",
        "log/User/.abc.tmp", "log/User/.agent.ini.swp", "log/User/agent.ini~",
    ],
)  # fmt: skip
def test_own_and_unfinished_files_do_not_count(path: str) -> None:
    assert not is_of_user(path)


@pytest.mark.usefixtures("events_only")
def test_a_file_saved_in_place_is_told(root: Path, bell: Bell) -> None:
    (root / "log/User/agent.ini").write_text("[agent]\nNumber=2\n")
    assert bell.heard()


@pytest.mark.usefixtures("events_only")
def test_a_file_replaced_in_one_step_is_told(root: Path, bell: Bell) -> None:
    write_whole(root / "log/User/agent.ini", b"[agent]\nNumber=3\n", synced=False)
    assert bell.heard()


@pytest.mark.usefixtures("events_only")
@pytest.mark.parametrize("folder", ["log/User/devices", "log/User/templates", "log/User/cmd", "log/VPN", "log"])
def test_a_file_moved_in_from_elsewhere_is_told(root: Path, bell: Bell, folder: str) -> None:
    outside = root / "outside.ini"
    outside.write_text("[device]\n")
    outside.rename(root / folder / "new.ini")
    assert bell.heard()


@pytest.mark.usefixtures("events_only")
def test_a_deleted_file_is_told(root: Path, bell: Bell) -> None:
    (root / "log/User/agent.ini").unlink()
    assert bell.heard()


@pytest.mark.usefixtures("events_only")
def test_many_changes_are_told_as_few(root: Path, bell: Bell) -> None:
    for number in range(200):
        write_whole(root / f"log/User/devices/{number}.ini", b"[device]\n", synced=False)
    assert bell.heard()
    rings = 1
    while bell.rung.acquire(timeout=SILENCE_S):
        rings += 1
    assert rings < 50


@pytest.mark.usefixtures("events_only")
def test_own_files_ring_nothing(root: Path, bell: Bell) -> None:
    write_whole(root / "log/User/status.txt", b"1", synced=False)
    write_whole(root / "log/User/txt/440020.txt", b"[0]\n", synced=False)
    write_whole(root / "log/Ftp/1_00000001_dos.zip", b"PK", synced=False)
    with (root / "log/User/journal.txt").open("a") as journal:
        journal.write("line\n")
    assert bell.silent()


@pytest.mark.usefixtures("events_only")
@pytest.mark.parametrize("folder", ["log/User/devices", "log/User", "log/VPN"])
def test_a_folder_removed_and_made_again_is_watched_again(root: Path, bell: Bell, folder: str) -> None:
    for _ in range(2):
        shutil.rmtree(root / folder)
        (root / folder).mkdir()
        assert bell.heard()
        bell.settle()
        (root / folder / "new.ini").write_text("[device]\n")
        assert bell.heard()
        bell.settle()


@pytest.mark.usefixtures("events_only")
def test_the_whole_tree_removed_and_made_again_is_watched_again(root: Path, bell: Bell) -> None:
    shutil.rmtree(root / "log")
    assert bell.heard()
    bell.settle()
    for folder in ("log/User/devices", "log/VPN"):
        (root / folder).mkdir(parents=True)
    assert bell.heard()
    bell.settle()
    (root / "log/User/devices/new.ini").write_text("[device]\n")
    assert bell.heard()


@pytest.mark.usefixtures("events_only")
def test_a_folder_that_another_one_replaced_is_watched(root: Path, bell: Bell) -> None:
    (root / "log/User").rename(root / "log/Old")
    (root / "log/User").mkdir()
    assert bell.heard()
    bell.settle()
    (root / "log/User/agent.ini").write_text("[agent]\n")
    assert bell.heard()


def test_a_touched_file_is_told_at_once(events_only: Watch, bell: Bell) -> None:
    events_only.touched("log/User/agent.ini")
    assert bell.heard()
    assert bell.silent()


def test_a_touched_drop_is_told_to_nobody(events_only: Watch, bell: Bell) -> None:
    events_only.touched("log/Ftp/1_00000001_dos.zip")
    assert bell.silent()


def test_without_events_the_stamps_tell(root: Path, bell: Bell, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_inotify() -> None:
        raise OSError(24, "inotify instance limit reached")

    monkeypatch.setattr(watch, "Observer", no_inotify)
    for _ in running(Watch(root, bell, poll_s=0.05)):
        (root / "log/User/devices/a.ini").write_text("[device]\n")
        assert bell.heard()
        bell.settle()
        (root / "log/User/devices/a.ini").unlink()
        assert bell.heard()
        bell.settle()
        (root / "log/User/status.txt").write_text("1")
        assert bell.silent()


def test_a_change_told_by_events_is_not_told_again_by_stamps(root: Path, bell: Bell) -> None:
    for _ in running(Watch(root, bell, poll_s=0.05)):
        write_whole(root / "log/User/agent.ini", b"[agent]\nNumber=4\n", synced=False)
        assert bell.heard()
        bell.settle()
        assert bell.silent()


def test_a_change_during_the_call_is_told_after_it(root: Path) -> None:
    entered, proceed, calls = threading.Event(), threading.Event(), threading.Semaphore(0)

    def on_change() -> None:
        entered.set()
        assert proceed.wait(DEADLINE_S)
        calls.release()

    for started in running(Watch(root, on_change, poll_s=3600)):
        started.touched("log/User/agent.ini")
        assert entered.wait(DEADLINE_S)
        (root / "log/User/agent.ini").write_text("[agent]\nNumber=5\n")
        proceed.set()
        assert calls.acquire(timeout=DEADLINE_S)
        assert calls.acquire(timeout=DEADLINE_S)


def test_stopping_twice_or_before_the_start_is_harmless(root: Path, bell: Bell) -> None:
    never = Watch(root, bell)
    never.stop()
    assert not never.alive
    for started in running(Watch(root, bell)):
        assert started.alive
        started.stop()
        assert not started.alive


def test_a_missing_tree_is_no_error_and_is_seen_when_it_comes(tmp_path: Path, bell: Bell) -> None:
    for _ in running(Watch(tmp_path, bell)):
        (tmp_path / "log/User/devices").mkdir(parents=True)
        assert bell.heard()

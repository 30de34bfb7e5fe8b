"""Flash drives: found, filled once, let go; told in `status.txt` and the journal."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from engine.export.media import MOUNTINFO, Media
from engine.export.mounts import Mount
from engine.runtime import flash as flash_module
from engine.runtime.flash import LOOK_S, Flash
from tests.fake.agent_settings import settings_of
from tests.fake.house import TestHouse
from tests.fake.leaks import nothing_left
from tests.fake.loop_image import loop_image, media_folder


class Plugged:
    """The drives that stand plugged in, and whether they may be let go."""

    def __init__(self, *mounts: Mount) -> None:
        self.mounts = list(mounts)
        self.may_release = True
        self.looks = 0

    def plugged(self) -> list[Mount]:
        self.looks += 1
        return list(self.mounts)

    def release(self, mount: Mount) -> bool:
        if self.may_release:
            self.mounts.remove(mount)
        return self.may_release


class Scene:
    def __init__(self, tmp_path: Path, **mount: object) -> None:
        self.root, self.drive = tmp_path / "root", tmp_path / "drive"
        (self.root / "www/440020").mkdir(parents=True)
        (self.root / "www/440020/M.txt").write_text("[0]\nDevNumber=440020\n\n")
        self.drive.mkdir()
        self.mount = Mount(30, "8:1", str(self.drive), "ext4", "/dev/sdb1", bool(mount.get("read_only")))
        self.media = Plugged(self.mount)
        self.house = TestHouse(self.root)
        self.flash = Flash(self.house.house, self.media, self.media.release)  # type: ignore[arg-type]
        self.now_s = 100.0
        self.flash.apply(settings_of(), self.now_s)

    def turn(self) -> None:
        """One look, and wait until what it began is through."""
        self.now_s += LOOK_S
        self.flash.tick(self.now_s)
        for thread in threading.enumerate():
            if thread.name == "flash":
                thread.join(20)
        self.flash.tick(self.now_s)


def test_a_drive_gets_what_is_new_and_is_let_go(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    assert scene.flash.lines() == []
    with nothing_left():
        scene.turn()
    assert (scene.drive / "DONE.txt").exists() and scene.media.mounts == []
    (line,) = scene.flash.lines()
    assert line.startswith("22.11.26 09:05:30 ") and line.endswith("прежних 0; можно вынимать")
    assert [text.partition(": ")[2] for text in scene.house.journaled] == [
        "копирование начато, не вынимайте", "скопировано файлов 1 (0 кБ), прежних 0; можно вынимать",
    ]  # fmt: skip


def test_a_drive_that_comes_again_is_served_again_although_the_kernel_gives_it_the_same_number(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.turn()
    scene.media.mounts = [scene.mount]
    scene.turn()
    assert "скопировано файлов 0 (0 кБ), прежних 1" in scene.flash.lines()[0]


def test_a_drive_that_cannot_be_let_go_is_served_once_and_a_person_told_what_to_do(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.media.may_release = False
    scene.turn()
    scene.turn()
    assert len(scene.house.journaled) == 2
    assert f"вынимайте после umount {scene.drive}" in scene.flash.lines()[0]
    scene.media.mounts = []
    scene.turn()
    scene.media.mounts = [scene.mount]
    scene.turn()
    assert len(scene.house.journaled) == 4


def test_a_drive_that_may_only_be_read_is_told(tmp_path: Path) -> None:
    scene = Scene(tmp_path, read_only=True)
    scene.turn()
    assert "только для чтения" in scene.flash.lines()[0] and list(scene.drive.iterdir()) == []


def test_switched_off_nothing_is_looked_for(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.flash.apply(settings_of(agent={"usb_export": False}), scene.now_s)
    scene.turn()
    assert scene.media.looks == 0 and scene.media.mounts == [scene.mount]


def test_a_slow_drive_keeps_nobody_waiting_and_says_that_it_must_not_be_pulled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, go_on, real = Scene(tmp_path), threading.Event(), flash_module.export

    def slow(*arguments: object) -> object:
        go_on.wait(20)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(flash_module, "export", slow)
    began_s = time.monotonic()
    scene.flash.tick(scene.now_s + LOOK_S)
    scene.flash.tick(scene.now_s + 2 * LOOK_S)
    assert time.monotonic() - began_s < 5
    assert scene.flash.lines() == [f"{scene.drive}: начинается; не вынимайте"]
    go_on.set()
    scene.turn()
    assert (scene.drive / "DONE.txt").exists()


def test_after_a_crash_the_drive_is_tried_again_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(flash_module, "export", lambda *_: 1 / 0)
        scene.turn()
    ((thread, traceback),) = scene.house.crashes
    assert "ZeroDivisionError" in traceback
    scene.flash.tell_crash(thread, scene.now_s)
    scene.flash.tick(scene.now_s)
    assert not (scene.drive / "DONE.txt").exists()
    scene.turn()
    assert (scene.drive / "DONE.txt").exists()


def test_the_end_of_the_agent_does_not_wait_for_the_whole_drive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(tmp_path)
    seen: list[bool] = []

    def endless(_root: Path, _target: Path, _progress: object, stopping: threading.Event) -> object:
        while not stopping():  # type: ignore[operator]
            time.sleep(0.005)
        seen.append(True)
        return flash_module.Outcome(problem="прервано")

    monkeypatch.setattr(flash_module, "export", endless)
    with nothing_left():
        scene.flash.tick(scene.now_s + LOOK_S)
        scene.flash.stop()
    assert seen == [True] and scene.media.mounts == [scene.mount]


def test_a_list_of_mounts_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    flash = Flash(scene.house.house, Media(scene.root, tmp_path / "nothing"))
    flash.apply(settings_of(), 0.0)
    flash.tick(10.0)
    assert flash.lines() == ["список накопителей не прочитан: файла нет"]


def test_a_real_drive_is_found_filled_and_unmounted(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    with loop_image(tmp_path / "image") as image, media_folder() as point:
        image.unmount()
        image.point = point
        image.mount()
        scene.flash = Flash(scene.house.house, Media(scene.root, MOUNTINFO))
        scene.flash.apply(settings_of(), 0.0)
        scene.turn()
        assert not os.path.ismount(point), scene.flash.lines()
        assert scene.flash.lines()[0].endswith("можно вынимать")
        image.mount()
        assert (point / "TSM1/www/440020/M.txt").read_bytes() == (scene.root / "www/440020/M.txt").read_bytes()

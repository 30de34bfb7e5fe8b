"""What stands on a drive after copying, after a full drive, and after one that was pulled in the middle."""

from __future__ import annotations

import errno
import os
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.export import IDENTITY, Outcome, export
from engine.export.drive import Drive
from engine.export.media import MOUNTINFO, Media, unmount
from engine.export.plan import RESERVE_BYTES
from engine.files import append_whole, write_whole
from tests.fake.leaks import nothing_left
from tests.fake.loop_image import loop_image, media_folder, small_disk

RECORD = "[{0}]\nRecType=D\nDateTime=01.09.18 00:00:00\nS1Q1={0}.000\n\n"


def make_root(root: Path, number: int = 1, megabytes: int = 0) -> Path:
    (root / "log/User").mkdir(parents=True)
    (root / "log/User/agent.ini").write_text(f"[agent]\nNumber={number}\n")
    device, reports = root / "www/440020", root / "www/Otchety250926"
    device.mkdir(parents=True)
    reports.mkdir()
    (device / "D-2018.txt").write_text("[0]\nDevNumber=440020\n\n" + "".join(map(RECORD.format, range(1, 32))))
    (device / "H-2018-09.txt").write_text("[0]\nDevNumber=440020\n\n" + "".join(map(RECORD.format, range(1, 400))))
    (device / "gaps.txt").write_text("")
    (reports / "from01092018to30092018_440020s1.pdf").write_bytes(random.Random(1).randbytes(300_000))
    (root / "www/index.html").write_text("<html>")
    (root / "www/.hidden.tmp").write_text("half")
    (root / "www/link").symlink_to("/etc/passwd")
    for index in range(megabytes):
        (device / f"H-20{index:02}-01.txt").write_bytes(random.Random(index).randbytes((1 << 20) - 2) + b"\n\n")
    return root


def quiet(_text: str) -> None:
    pass


def checked(target: Path) -> int:
    """How many files the real sha256sum finds right; it fails when one is wrong."""
    done = subprocess.run(
        ["sha256sum", "--strict", "-c", "DONE.txt"], cwd=target, capture_output=True, text=True, check=True
    )
    return done.stdout.count(": OK")


def same_everywhere(root: Path, folder: Path) -> None:
    files = [path for path in (root / "www").rglob("*") if path.is_file() and not path.is_symlink()]
    for path in files:
        if not path.name.startswith("."):
            assert (folder / path.relative_to(root)).read_bytes() == path.read_bytes()


def listing(target: Path) -> dict[str, int]:
    return {str(path.relative_to(target)): path.stat().st_ino for path in target.rglob("*") if path.is_file()}


def test_everything_of_www_is_copied_and_sha256sum_finds_it_right(tmp_path: Path) -> None:
    root, target = make_root(tmp_path / "root"), tmp_path / "drive"
    target.mkdir()
    told: list[str] = []
    with nothing_left():
        outcome = export(root, target, told.append)
    assert outcome == Outcome(5, 0, outcome.copied_bytes, "")
    assert checked(target) == 5
    same_everywhere(root, target / "TSM1")
    assert sorted(listing(target)) == [
        "DONE.txt", "TSM1/board.txt", "TSM1/www/440020/D-2018.txt", "TSM1/www/440020/H-2018-09.txt",
        "TSM1/www/440020/gaps.txt", "TSM1/www/Otchety250926/from01092018to30092018_440020s1.pdf",
        "TSM1/www/index.html",
    ]  # fmt: skip
    assert told[0] == "www/440020/D-2018.txt: файл 1 из 5"


def test_a_second_time_only_what_is_new_is_written_and_nothing_at_all_when_nothing_is(tmp_path: Path) -> None:
    root, target = make_root(tmp_path / "root"), tmp_path / "drive"
    target.mkdir()
    export(root, target, quiet)
    first = listing(target)
    assert export(root, target, quiet) == Outcome(0, 5, 0)
    assert listing(target) == first
    with (root / "www/440020/D-2018.txt").open("a") as file:
        file.write(RECORD.format(32))
    outcome = export(root, target, quiet)
    assert (outcome.copied, outcome.kept, outcome.problem) == (1, 4, "")
    changed = {name for name, inode in listing(target).items() if first[name] != inode}
    assert changed == {"DONE.txt", "TSM1/www/440020/D-2018.txt"}
    assert checked(target) == 5


def test_what_the_board_has_no_more_stays_on_the_drive_and_in_the_list(tmp_path: Path) -> None:
    root, target = make_root(tmp_path / "root"), tmp_path / "drive"
    target.mkdir()
    export(root, target, quiet)
    (root / "www/440020/H-2018-09.txt").unlink()
    assert export(root, target, quiet).problem == ""
    assert checked(target) == 5
    (target / "TSM1/www/440020/H-2018-09.txt").unlink()
    assert export(root, target, quiet).problem == ""
    assert checked(target) == 4


def test_a_record_that_is_just_being_written_is_not_copied_by_half(tmp_path: Path) -> None:
    root, target = make_root(tmp_path / "root"), tmp_path / "drive"
    target.mkdir()
    path = root / "www/440020/D-2018.txt"
    whole = path.read_bytes()
    path.write_bytes(whole + b"[32]\nRecType=D\nDate")
    export(root, target, quiet)
    assert (target / "TSM1/www/440020/D-2018.txt").read_bytes() == whole
    path.write_bytes(whole + RECORD.format(32).encode())
    assert export(root, target, quiet).copied == 1
    assert (target / "TSM1/www/440020/D-2018.txt").read_bytes() == path.read_bytes()


def meanwhile(path: Path, data: bytes) -> Callable[[str], None]:
    """What the agent does while the drive is being filled: a whole new file by rename, at the first file."""

    def replace(text: str) -> None:
        if "файл 1 из" in text:
            write_whole(path, data, synced=False)

    return replace


@pytest.mark.parametrize("size", [2, 6, 600], ids=["shorter", "of the same size", "longer"])
@pytest.mark.parametrize("name", ["index.html", "440020/gaps.txt", "tsm.prom"])
def test_a_file_that_is_replaced_meanwhile_is_copied_whole_and_only_once(tmp_path: Path, name: str, size: int) -> None:
    root, target = make_root(tmp_path / "root"), tmp_path / "drive"
    target.mkdir()
    path, new = root / "www" / name, b"n" * (size - 1) + b"\n"
    path.write_text("<old>\n")
    os.utime(path, (1_600_000_000, 1_600_000_000))
    assert export(root, target, meanwhile(path, new)).problem == ""
    assert (target / "TSM1/www" / name).read_bytes() == new
    assert (target / "TSM1/www" / name).stat().st_mtime_ns == path.stat().st_mtime_ns
    checked(target)
    assert export(root, target, quiet).copied == 0


def test_an_archive_that_grows_meanwhile_is_copied_as_it_was_seen(tmp_path: Path) -> None:
    root, target = make_root(tmp_path / "root"), tmp_path / "drive"
    target.mkdir()
    path = root / "www/440020/H-2018-09.txt"
    seen = path.read_bytes()
    os.utime(path, (1_600_000_000, 1_600_000_000))

    def grow(text: str) -> None:
        if "файл 1 из" in text:
            append_whole(path, RECORD.format(400).encode())

    assert export(root, target, grow).problem == ""
    assert (target / "TSM1/www/440020/H-2018-09.txt").read_bytes() == seen
    checked(target)
    assert export(root, target, quiet).copied == 1
    assert (target / "TSM1/www/440020/H-2018-09.txt").read_bytes() == path.read_bytes()


def test_an_archive_that_is_begun_anew_meanwhile_is_copied_whole(tmp_path: Path) -> None:
    root, target = make_root(tmp_path / "root"), tmp_path / "drive"
    target.mkdir()
    path = root / "www/440020/H-2018-09.txt"
    assert export(root, target, meanwhile(path, RECORD.format(1).encode())).problem == ""
    assert (target / "TSM1/www/440020/H-2018-09.txt").read_bytes() == path.read_bytes()
    checked(target)
    assert export(root, target, quiet).copied == 0


@pytest.mark.parametrize(("spare_bytes", "fits"), [(100, True), (99, False)])
def test_a_file_takes_no_more_room_than_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spare_bytes: int, fits: bool
) -> None:
    root, target = make_root(tmp_path / "root"), tmp_path / "drive"
    target.mkdir()
    path = root / "www/index.html"
    own = [each for each in (root / "www").rglob("*") if each.is_file() and not each.is_symlink()]
    wanted = sum(each.stat().st_size for each in own if not each.name.startswith("."))
    monkeypatch.setattr(Drive, "free_bytes", lambda _self: (RESERVE_BYTES + wanted + spare_bytes, 1))
    outcome = export(root, target, meanwhile(path, path.read_bytes() + bytes(100)))
    assert outcome.problem == ("" if fits else "не хватает места: не скопировано файлов 1, нужно ещё 1 МБ")
    assert (target / "DONE.txt").exists() == (target / "TSM1/www/index.html").exists() == fits


def test_several_boards_share_a_drive_also_those_of_one_number(tmp_path: Path) -> None:
    target = tmp_path / "drive"
    target.mkdir()
    roots = [make_root(tmp_path / f"root{place}", number) for place, number in enumerate((1, 2, 1))]
    for root in roots:
        assert export(root, target, quiet).problem == ""
    assert checked(target) == 15
    assert sorted(path.name for path in target.iterdir()) == ["DONE.txt", "TSM1", "TSM1-2", "TSM2"]
    assert [export(root, target, quiet).copied for root in roots] == [0, 0, 0]
    assert len({(root / IDENTITY).read_text() for root in roots}) == 3


def test_the_number_is_that_of_the_settings_in_force(tmp_path: Path) -> None:
    root, target = make_root(tmp_path / "root", 7), tmp_path / "drive"
    target.mkdir()
    (root / "var/good/log/User").mkdir(parents=True)
    (root / "log/User/agent.ini").rename(root / "var/good/log/User/agent.ini")
    (root / "log/User/agent.ini").write_text("[agent]\nNumber=nothing\n")
    export(root, target, quiet)
    assert (target / "TSM7").is_dir()


def test_a_link_on_the_drive_leads_nowhere(tmp_path: Path) -> None:
    root, target, elsewhere = make_root(tmp_path / "root"), tmp_path / "drive", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (target / "TSM1").mkdir(parents=True)
    (target / "TSM1/www").symlink_to(elsewhere)
    assert "прервано" in export(root, target, quiet).problem
    assert list(elsewhere.iterdir()) == []


def test_another_file_system_inside_of_the_drive_is_not_written_to(tmp_path: Path) -> None:
    root, target = make_root(tmp_path / "root"), tmp_path / "drive"
    (target / "TSM1").mkdir(parents=True)
    with small_disk(target / "TSM1/www", 1 << 20) as inner:
        assert "это другой диск" in export(root, target, quiet).problem
        assert list(inner.iterdir()) == []


def test_two_do_not_copy_to_one_drive(tmp_path: Path) -> None:
    root, target = make_root(tmp_path / "root"), tmp_path / "drive"
    target.mkdir()
    with Drive(target):
        assert export(root, target, quiet).problem == "сюда уже идёт копирование"
    assert export(root, target, quiet).problem == ""


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    outcome = export(make_root(tmp_path / "root"), tmp_path / "nowhere", quiet)
    assert outcome.problem == f"папки {tmp_path}/nowhere нет"
    (tmp_path / "file").touch()
    assert export(tmp_path, tmp_path / "file", quiet).problem.startswith(f"папка {tmp_path}/file не открывается: ")


def test_an_original_that_cannot_be_read_costs_the_others_nothing(tmp_path: Path) -> None:
    root, target = make_root(tmp_path / "root"), tmp_path / "drive"
    target.mkdir()

    def gone(text: str) -> None:
        if "H-2018-09" in text:
            (root / "www/440020/H-2018-09.txt").unlink()

    outcome = export(root, target, gone)
    assert (outcome.copied, outcome.problem) == (4, "www/440020/H-2018-09.txt: файла нет, не скопирован")
    assert not (target / "DONE.txt").exists()
    assert "H-2018-09" in (target / "ERROR.txt").read_text()
    assert export(root, target, quiet).problem == ""
    assert checked(target) == 4 and not (target / "ERROR.txt").exists()


def test_the_agent_stops_in_the_middle_of_a_file_and_goes_on_the_next_time(tmp_path: Path) -> None:
    root, target = make_root(tmp_path / "root"), tmp_path / "drive"
    target.mkdir()
    asked = iter((False, False, True))
    outcome = export(root, target, quiet, lambda: next(asked))
    assert outcome.copied == 2 and outcome.problem.startswith("прервано")
    assert not [name for name in listing(target) if name.endswith(".tmp")]
    outcome = export(root, target, quiet)
    assert (outcome.copied, outcome.kept) == (3, 2)
    assert checked(target) == 5


class BrokenDisk:
    """One call of the system, which answers EIO after it was called `works_for` times."""

    def __init__(self, real: Callable[..., object]) -> None:
        self.real = real
        self.works_for = self.calls = 0

    def __call__(self, *arguments: object, **named: object) -> object:
        self.calls += 1
        if self.calls > self.works_for:
            raise OSError(errno.EIO, "Input/output error")
        return self.real(*arguments, **named)


@pytest.mark.parametrize("call", ["fsync", "write", "replace", "mkdir", "open"])
def test_wherever_the_drive_fails_no_old_file_is_harmed_and_the_next_time_all_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    root, target = make_root(tmp_path / "root"), tmp_path / "drive"
    target.mkdir()
    export(root, target, quiet)
    before = (target / "TSM1/www/440020/D-2018.txt").read_bytes()
    with (root / "www/440020/D-2018.txt").open("a") as file:
        file.write(RECORD.format(32))
    (root / "www/new").mkdir()
    (root / "www/new/M.txt").write_text("[0]\nDevNumber=new\n\n")
    disk = BrokenDisk(getattr(os, call))
    for disk.works_for in range(200):
        disk.calls = 0
        with monkeypatch.context() as patched, nothing_left():
            patched.setattr(os, call, disk)
            outcome = export(root, target, quiet)
        now = (target / "TSM1/www/440020/D-2018.txt").read_bytes()
        assert now in (before, (root / "www/440020/D-2018.txt").read_bytes())
        if not outcome.problem:
            break
        assert "ошибка диска" in outcome.problem
        if (target / "DONE.txt").exists():
            checked(target)
    assert disk.works_for > 0
    assert export(root, target, quiet).problem == ""
    assert checked(target) == 6
    same_everywhere(root, target / "TSM1")


@pytest.mark.parametrize("kind", ["ext4", "ntfs", "vfat"])
def test_a_real_file_system_takes_it_and_only_what_is_new(tmp_path: Path, kind: str) -> None:
    root = make_root(tmp_path / "root")
    with loop_image(tmp_path / "image", kind) as image:
        assert export(root, image.point, quiet).problem == ""
        assert checked(image.point) == 5
        image.unmount()
        image.mount()
        outcome = export(root, image.point, quiet)
        assert (outcome.copied, outcome.kept, outcome.problem) == (0, 5, "")
        same_everywhere(root, image.point / "TSM1")


def test_a_full_drive_gets_what_matters_most_and_says_what_is_lacking(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root", megabytes=20)
    with loop_image(tmp_path / "image", size_bytes=16 << 20) as image:
        outcome = export(root, image.point, quiet)
        assert outcome.problem.startswith("не хватает места: не скопировано файлов ")
        assert (image.point / "TSM1/www/440020/D-2018.txt").exists()
        assert not (image.point / "DONE.txt").exists()
        assert "не хватает места" in (image.point / "ERROR.txt").read_text()
        for year in range(2000, 2010):
            (root / f"www/440020/H-{year}-01.txt").unlink()
        assert export(root, image.point, quiet).problem == ""
        assert checked(image.point) >= 16


def test_a_drive_that_is_pulled_at_any_moment_holds_whole_files_and_the_next_time_all(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root", megabytes=6)
    pulled: list[Path] = []
    with loop_image(tmp_path / "image", size_bytes=32 << 20) as image:
        export(make_root(tmp_path / "earlier"), image.point, quiet)

        def pull(_text: str) -> None:
            if len(pulled) < 8:
                pulled.append(tmp_path / f"pulled{len(pulled)}")
                image.pull(pulled[-1])

        (root / "var/export").mkdir(parents=True)
        (root / IDENTITY).write_text((tmp_path / "earlier" / IDENTITY).read_text())
        with (root / "www/440020/D-2018.txt").open("a") as file:
            file.write(RECORD.format(32))
        export(root, image.point, pull)
        image.unmount()
        for copy in pulled:
            copy.replace(image.file)
            image.mount()
            assert not (image.point / "DONE.txt").exists()
            stands = (image.point / "TSM1/www/440020/D-2018.txt").read_bytes()
            assert stands in [(each / "www/440020/D-2018.txt").read_bytes() for each in (root, tmp_path / "earlier")]
            assert export(root, image.point, quiet).problem == ""
            assert checked(image.point) == 11
            same_everywhere(root, image.point / "TSM1")
            image.unmount()
    assert len(pulled) == 8


def test_a_drive_that_is_taken_from_under_the_copying_gets_nothing_on_the_systems_own_disk(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root", megabytes=4)
    with loop_image(tmp_path / "image") as image:

        def pull(text: str) -> None:
            if "файл 3 " in text:
                subprocess.run(["umount", "-l", str(image.point)], check=True)

        export(root, image.point, pull)
        assert not os.path.ismount(image.point)
        assert list(image.point.iterdir()) == []


def test_a_drive_that_breaks_in_the_middle_fails_and_is_told(tmp_path: Path) -> None:
    """The image lies on a disk that is too small for it: the kernel answers EIO, as a dying drive does."""
    root = make_root(tmp_path / "root", megabytes=6)
    with small_disk(tmp_path / "small", 4 << 20) as small, loop_image(small / "image") as image:
        outcome = export(root, image.point, quiet)
    assert outcome.problem.startswith("копирование прервано: "), outcome
    assert 0 < outcome.copied < 11


def test_a_real_mount_of_the_agents_own_rule_is_found_and_let_go(tmp_path: Path) -> None:
    with loop_image(tmp_path / "image") as image, media_folder() as point:
        image.unmount()
        image.point = point
        image.mount()
        media = Media(tmp_path, MOUNTINFO)
        (mount,) = (mount for mount in media.plugged() if mount.point == str(point))
        assert not mount.read_only and media.holding(point / "TSM1") == mount
        assert unmount(mount) and not os.path.ismount(point)
        assert not unmount(mount)

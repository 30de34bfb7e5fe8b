"""Uploads are taken whole or not at all, also when the disk does not play along."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from engine import files
from engine.ftpd.intake import REPLY_CHARACTERS, Intake, Upload, folder_bytes, refused, reply
from engine.ftpd.rights import Role
from tests.fake.deep_folders import BEYOND_PATH_MAX, deep_folders, level

PATH = "log/User/agent.ini"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("log/User", "log/Ftp/north"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / PATH).write_bytes(b"old")
    return tmp_path


@pytest.fixture
def intake(root: Path) -> Intake:
    return Intake(root, 1000, lambda _path, content: "wrong" if content == b"bad" else None, lambda _path: None)


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", fail)


def sent(intake: Intake, path: str, content: bytes) -> Upload:
    upload = intake.begin(path)
    upload.write(content)
    return upload


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_is_told_and_the_old_file_stays(intake: Intake, root: Path) -> None:
    upload = sent(intake, PATH, b"new")
    assert (intake.take(Role.USER, PATH, upload) or "").startswith("452")
    upload.close()
    assert (root / PATH).read_bytes() == b"old"
    assert names(root / "log/User") == ["agent.ini"]


@pytest.mark.usefixtures("full_disk")
def test_a_wrong_file_is_told_even_if_it_cannot_be_kept(intake: Intake, root: Path) -> None:
    upload = sent(intake, PATH, b"bad")
    answer = intake.take(Role.USER, PATH, upload)
    upload.close()
    assert (answer or "").startswith("553 wrong (")
    assert names(root / "log/User") == ["agent.ini"]


def test_an_upload_that_failed_takes_no_room_and_no_more_bytes(intake: Intake, root: Path) -> None:
    upload = sent(intake, "log/Ftp/a.zip", b"1" * 600)
    upload.write(b"1" * 600)
    upload.write(b"1")
    assert folder_bytes(root / "log/Ftp") == 0
    assert (intake.take(Role.INBOX, "log/Ftp/a.zip", upload) or "").startswith("552")


def test_an_upload_that_never_began_leaves_nothing(intake: Intake, root: Path) -> None:
    intake.begin("log/Ftp/a.zip")
    assert names(root / "log/Ftp") == ["north"]


def test_an_upload_into_a_folder_that_went_away_fails(intake: Intake, root: Path) -> None:
    upload = intake.begin("log/Ftp/north/a.zip")
    (root / "log/Ftp/north").rmdir()
    upload.write(b"1")
    assert (intake.take(Role.INBOX, "log/Ftp/north/a.zip", upload) or "").startswith("451")


def test_a_drop_that_arrived_meanwhile_is_not_written_over(intake: Intake, root: Path) -> None:
    upload = sent(intake, "log/Ftp/a.zip", b"second")
    (root / "log/Ftp/a.zip").write_bytes(b"first")
    assert (intake.take(Role.INBOX, "log/Ftp/a.zip", upload) or "").startswith("553")
    upload.close()
    assert (root / "log/Ftp/a.zip").read_bytes() == b"first"


def test_a_rename_of_a_file_to_its_own_name_changes_nothing(intake: Intake, root: Path) -> None:
    before = (root / PATH).stat().st_ino
    assert intake.rename(PATH, PATH) is None
    assert (root / PATH).stat().st_ino == before


@pytest.mark.parametrize(
    ("source", "target", "code"),
    [
        ("log/User/missing", PATH, "550"), ("log/User", "log/Ftp/a", "550"), (PATH, "log/Ftp/north", "550"),
        (PATH, "log/none/a", "550"),
    ],
)  # fmt: skip
def test_a_rename_that_cannot_be_is_told(intake: Intake, source: str, target: str, code: str) -> None:
    assert (intake.rename(source, target) or "").startswith(code)


def test_a_file_too_long_to_be_checked_is_not_renamed(intake: Intake, root: Path) -> None:
    (root / "log/Ftp/big").write_bytes(b"#" * (256 * 1024 + 1))
    assert (intake.rename("log/Ftp/big", PATH) or "").startswith("552")
    assert (root / PATH).read_bytes() == b"old"


def test_links_in_the_inbox_are_not_counted_through(root: Path) -> None:
    (root / "log/Ftp/north/loop").symlink_to(root / "log")
    (root / "log/Ftp/north/a").write_bytes(b"12345")
    link_bytes = (root / "log/Ftp/north/loop").lstat().st_size
    assert folder_bytes(root / "log/Ftp") == 5 + link_bytes


def test_folders_of_any_depth_are_swept_and_counted(intake: Intake, root: Path) -> None:
    inbox = root / "log/Ftp"
    with deep_folders(inbox, BEYOND_PATH_MAX, (1100, ".half.tmp"), (1100, "a.zip")):
        (level(inbox, 1100) / "a.zip").write_bytes(b"12345")
        intake.sweep()
        assert [name for name in names(level(inbox, 1100)) if name != "a"] == ["a.zip"]
        assert folder_bytes(inbox) == 5


def test_what_cannot_be_swept_is_no_reason_not_to_serve(
    intake: Intake, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "log/Ftp/north/.half.tmp").touch()

    def refuse(path: Path) -> None:
        raise PermissionError(errno.EACCES, "no", str(path))

    monkeypatch.setattr(files, "remove", refuse)
    intake.sweep()
    assert names(root / "log/Ftp/north") == [".half.tmp"]


class Disk:
    """1000 pages of 4096 bytes, so many of them free; 50 are the twentieth part."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free_pages = 1000
        monkeypatch.setattr(os, "statvfs", lambda _path: self._told())

    def _told(self) -> os.statvfs_result:
        pages = (4096, 4096, 1000, self.free_pages, self.free_pages)
        return os.statvfs_result((*pages, 0, 0, 0, 0, 255))


def test_the_inbox_leaves_the_twentieth_part_of_the_disk_free(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, roomy = Disk(monkeypatch), Intake(root, 1 << 40, lambda _path, _content: None, lambda _path: None)
    path = "log/Ftp/a.zip.part"
    disk.free_pages = 50
    assert (roomy.objection(Role.INBOX, path) or "").startswith("552 На диске свободно меньше 5%")
    disk.free_pages = 51
    assert roomy.objection(Role.INBOX, path) is None
    upload = sent(roomy, path, bytes(4096))
    upload.write(b"x")
    assert (upload.failure or "").startswith("552 На диске")
    assert names(root / "log/Ftp") == ["north"]


def test_a_disk_that_others_filled_meanwhile_takes_no_drop(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, roomy = Disk(monkeypatch), Intake(root, 1 << 40, lambda _path, _content: None, lambda _path: None)
    (root / "log/Ftp/older.zip").write_bytes(b"older")
    upload = sent(roomy, "log/Ftp/a.zip.part", b"new")
    disk.free_pages = 49
    assert (roomy.take(Role.INBOX, "log/Ftp/a.zip.part", upload) or "").startswith("552 На диске")
    upload.close()
    assert names(root / "log/Ftp") == ["north", "older.zip"]


def test_of_two_limits_the_nearer_one_is_told(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch)
    assert "InboxLimit" in (sent(intake, "log/Ftp/a.zip", bytes(2000)).failure or "")
    disk.free_pages = 50
    assert "5%" in (sent(intake, "log/Ftp/a.zip", bytes(2000)).failure or "")


def test_settings_are_taken_while_little_of_the_disk_is_free(
    intake: Intake, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Disk(monkeypatch).free_pages = 10
    assert intake.objection(Role.USER, PATH) is None
    assert intake.take(Role.USER, PATH, sent(intake, PATH, b"new")) is None
    assert (root / PATH).read_bytes() == b"new"


def test_a_reply_is_one_line_of_bounded_length_without_paths() -> None:
    assert refused("a: 1;\r\nb: 2\n", lambda: None) == "553 a: 1; b: 2"
    assert len(refused("слово " * 1000, lambda: None)) <= REPLY_CHARACTERS
    assert reply(PermissionError(errno.EACCES, "no", "/secret/place")) == "451 Не вышло: нет прав."

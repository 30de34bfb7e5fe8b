"""A file is whole or not there, whatever happens."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from engine import files
from tests.fake.leaks import nothing_left


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What `fsync` was called for, in order: True for a folder."""
    calls: list[bool] = []
    fsync = os.fsync

    def record(descriptor: int) -> None:
        calls.append(Path(f"/proc/self/fd/{descriptor}").is_dir())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    return calls


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)


@pytest.mark.parametrize("sync", [True, False])
def test_a_written_file_holds_its_content(tmp_path: Path, sync: bool) -> None:
    path = tmp_path / "new/folder/файл.txt"
    assert files.write_whole(path, b"one", synced=sync)
    assert files.write_whole(path, b"two!", synced=sync)
    assert path.read_bytes() == b"two!"
    assert names(path.parent) == ["файл.txt"]


def test_the_same_content_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "a"
    files.write_whole(path, b"same", synced=False)
    before = path.stat()
    assert not files.write_whole(path, b"same", synced=True)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_synced_file_and_its_name_are_on_the_disk(tmp_path: Path, synced: list[bool]) -> None:
    files.write_whole(tmp_path / "a", b"1", synced=True)
    assert synced == [False, True]


def test_a_file_that_need_not_be_synced_costs_no_sync(tmp_path: Path, synced: list[bool]) -> None:
    files.write_whole(tmp_path / "a", b"1", synced=False)
    assert synced == []


@pytest.mark.usefixtures("full_disk")
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(OSError) as caught:
        files.write_whole(path, b"new content", synced=True)
    assert caught.value.errno == errno.ENOSPC
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_a_temporary_is_hidden_and_goes_when_the_writer_fails(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), files.replacing(tmp_path / "a", synced=False) as file:
        file.write(b"half")
        (temporary,) = names(tmp_path)
        assert files.is_temporary(temporary)
        raise RuntimeError
    assert names(tmp_path) == []


def test_a_link_is_replaced_and_what_it_shows_is_left_alone(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"same")
    link.symlink_to(target)
    assert files.write_whole(link, b"same", synced=False)
    assert not link.is_symlink()
    assert target.read_bytes() == b"same"


def test_appended_bytes_stand_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a"
    assert files.append_whole(path, b"one") == 3
    assert files.append_whole(path, b"two") == 6
    assert path.read_bytes() == b"onetwo"


def test_a_short_append_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:2]))
    with pytest.raises(OSError) as caught:
        files.append_whole(path, b"two")
    assert caught.value.errno == errno.ENOSPC
    assert path.read_bytes() == b"one"


def test_a_failed_append_comes_out_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")

    def fail(_descriptor: int, _data: bytes) -> int:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "write", fail)
    with pytest.raises(OSError, match="broken"):
        files.append_whole(path, b"two")
    assert path.read_bytes() == b"one"


def test_a_cut_file_ends_where_it_was_cut(tmp_path: Path, synced: list[bool]) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"whole torn")
    files.cut(path, 5)
    assert path.read_bytes() == b"whole"
    assert synced == [False]


def test_a_removed_file_may_be_removed_again(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"")
    files.remove(path)
    files.remove(path)
    assert not path.exists()


def test_a_file_up_to_the_limit_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert files.read_limited(path, 5) == b"12345"
    with pytest.raises(OSError) as caught:
        files.read_limited(path, 4)
    assert caught.value.errno == errno.EFBIG


def test_links_pipes_and_folders_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"secret")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name, number in (("link", errno.ELOOP), ("pipe", errno.EINVAL), ("folder", errno.EINVAL)):
        with pytest.raises(OSError) as caught:
            files.read_limited(tmp_path / name, 100)
        assert caught.value.errno == number


def test_only_stale_temporaries_are_swept(tmp_path: Path) -> None:
    for name in (".abc.tmp", "abc.tmp", ".hidden", "a.ini"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / ".folder.tmp").mkdir()
    assert files.sweep_temporaries(tmp_path) == 1
    assert names(tmp_path) == [".folder.tmp", ".hidden", "a.ini", "abc.tmp"]
    assert files.sweep_temporaries(tmp_path / "missing") == 0


def test_a_walk_sees_every_folder_and_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "top/a/b").mkdir(parents=True)
    (tmp_path / "top/a/x").touch()
    (tmp_path / "top/a/loop").symlink_to(tmp_path / "top")
    seen = {folder: sorted(entry.name for entry in entries) for folder, entries in files.walk(tmp_path / "top")}
    assert seen == {tmp_path / "top": [], tmp_path / "top/a": ["loop", "x"], tmp_path / "top/a/b": []}
    assert list(files.walk(tmp_path / "missing")) == []


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with nothing_left():
        files.write_whole(path, b"1", synced=True)
        files.append_whole(path, b"x")
        files.cut(path, 1)
        files.sync(path)
        files.read_limited(path, 10)
        with pytest.raises(OSError):
            files.read_limited(tmp_path, 10)


def test_a_new_file_is_whole_and_never_takes_the_place_of_another(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "a.ini"
    assert files.write_new(path, b"mine", synced=True)
    assert not files.write_new(path, b"other", synced=True)
    assert path.read_bytes() == b"mine"
    assert [each.name for each in path.parent.iterdir()] == ["a.ini"]
    assert path.stat().st_mode & 0o777 == files.MODE


def test_a_file_that_is_unchanged_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.ini"
    path.write_bytes(b"before")
    assert files.replace_unchanged(path, b"before", b"after") is True
    assert path.read_bytes() == b"after"
    assert [each.name for each in tmp_path.iterdir()] == ["a.ini"]


def test_a_file_that_somebody_has_changed_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.ini"
    path.write_bytes(b"newer")
    assert files.replace_unchanged(path, b"before", b"after") is False
    assert path.read_bytes() == b"newer"
    assert [each.name for each in tmp_path.iterdir()] == ["a.ini"]


def test_a_file_that_comes_at_the_last_moment_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, link = tmp_path / "a.ini", os.link
    path.write_bytes(b"before")

    def upload_first(source: Path, target: Path) -> None:
        path.write_bytes(b"newest")
        link(source, target)

    monkeypatch.setattr(os, "link", upload_first)
    assert files.replace_unchanged(path, b"before", b"after") is False
    assert path.read_bytes() == b"newest"


def test_a_disk_that_has_no_links_keeps_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    path = tmp_path / "a.ini"
    path.write_bytes(b"before")
    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(PermissionError):
        files.replace_unchanged(path, b"before", b"after")
    assert path.read_bytes() == b"before"
    assert [each.name for each in tmp_path.iterdir()] == ["a.ini"]

"""A file is whole or not there (formats guide, section 2): shared by every edge that touches the disk.

A temporary stands beside its file, hidden: its name starts with `.` and ends with `.tmp`, so that a watcher, a file
server and a reader know it. Every `OSError` comes out as the system gave it.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

MODE = 0o640
FOLDER_MODE = 0o750


def write_whole(path: Path, data: bytes, *, synced: bool) -> bool:
    """Put `data` under the name `path` in one step; False, and no write at all, when it is there already.

    `synced`: file and folder are on the disk when this returns. A folder that is missing is made.
    """
    if _holds(path, data):
        return False
    with replacing(path, synced=synced) as file:
        file.write(data)
    return True


def write_new(path: Path, data: bytes, *, synced: bool) -> bool:
    """Put `data` under the name `path` in one step; False when somebody has that name, at this very moment too."""
    make_folder(path.parent)
    temporary, file = open_temporary(path)
    try:
        with file:
            file.write(data)
            finish(file, synced=synced)
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    if synced:
        sync(path.parent)
    return True


@contextmanager
def replacing(path: Path, *, synced: bool) -> Iterator[BinaryIO]:
    """A file to write into that takes the name `path` when the block ends well and is gone when it does not."""
    make_folder(path.parent)
    temporary, file = open_temporary(path)
    try:
        with file:
            yield file
            finish(file, synced=synced)
        put_in_place(temporary, path, synced=synced)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def open_temporary(path: Path) -> tuple[Path, BinaryIO]:
    """A new hidden file beside `path`, and its writing end. Whoever asks removes it or puts it in place."""
    descriptor, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
    return Path(name), os.fdopen(descriptor, "wb")


def finish(file: BinaryIO, *, synced: bool) -> None:
    """Hand everything written to the system, with the rights of a visible file; `synced`: to the disk."""
    file.flush()
    os.fchmod(file.fileno(), MODE)
    if synced:
        os.fsync(file.fileno())


def put_in_place(temporary: Path, path: Path, *, synced: bool) -> None:
    """Give a finished temporary its final name, replacing what stood there."""
    temporary.replace(path)
    if synced:
        sync(path.parent)


def replace_unchanged(path: Path, before: bytes, after: bytes) -> bool:
    """Put `after` in the place of a file that still holds `before`, on the disk; False: it holds something else now.

    Somebody may give the name to another file at this very moment: that one stays, whenever it comes. A crash in
    between may leave no file of this name, so this is for files of which there is a copy.
    """
    temporary, file = open_temporary(path)
    aside = temporary.with_name(f".of{temporary.name}")
    try:
        with file:
            file.write(after)
            finish(file, synced=True)
        path.rename(aside)
        unchanged = _holds(aside, before)
        try:
            os.link(temporary if unchanged else aside, path)
        except FileExistsError:
            unchanged = False
        except OSError:
            aside.rename(path)
            raise
        sync(path.parent)
        return unchanged
    finally:
        temporary.unlink(missing_ok=True)
        aside.unlink(missing_ok=True)


def append_whole(path: Path, data: bytes) -> int:
    """Add `data` at the end with one `write()`; returns the new length in bytes. Not synced.

    On a short write or an `OSError` the file is cut back to the length that it had, and the error is raised.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, MODE)
    try:
        length = os.fstat(descriptor).st_size
        try:
            _write_at_once(descriptor, data)
        except BaseException:
            os.ftruncate(descriptor, length)
            raise
        return length + len(data)
    finally:
        os.close(descriptor)


def cut(path: Path, length: int) -> None:
    """Shorten a file to `length` bytes and sync it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        os.ftruncate(descriptor, length)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync(path: Path) -> None:
    """Wait until a file, or the list of names in a folder, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """Take a file away; one that is gone already is no error."""
    path.unlink(missing_ok=True)


def read_limited(path: Path, limit: int) -> bytes:
    """The content of a regular file of at most `limit` bytes.

    `OSError`: `ELOOP` for a symbolic link, `EINVAL` for anything else that is no regular file, `EFBIG` for one that is
    longer.
    """
    with open(path, "rb", opener=open_regular) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return data


def open_regular(path: str, flags: int) -> int:
    """An `opener` for `open()` that follows no link and waits for no pipe or device: `ELOOP`, `EINVAL`."""
    descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, "not a regular file", path)


def make_folder(path: Path) -> None:
    """A folder with everything above it, on the disk when this returns; one that stands is no error."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    for folder in missing:
        sync(folder.parent)


def is_temporary(name: str) -> bool:
    """Whether a bare file name is that of a temporary of this module."""
    return name.startswith(".") and name.endswith(".tmp")


def sweep_temporaries(folder: Path) -> int:
    """Remove the temporaries that a crash left in `folder` (not below it); returns how many. For the start only."""
    if not folder.is_dir():
        return 0
    stale = [path for path in folder.iterdir() if is_temporary(path.name) and not path.is_dir()]
    for path in stale:
        remove(path)
    return len(stale)


def walk(top: Path) -> Iterator[tuple[Path, list[os.DirEntry[str]]]]:
    """A folder and each one below it, with what it holds besides folders; links are not followed.

    However deep they lie: `os.walk` and `rglob` of Python 3.11 call themselves for each level and end in a
    `RecursionError`, which no `OSError` is. What cannot be listed is passed over.
    """
    waiting = [str(top)]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                found = [(entry, entry.is_dir(follow_symlinks=False)) for entry in entries]
        except OSError:
            continue
        waiting += (entry.path for entry, is_folder in found if is_folder)
        yield Path(folder), [entry for entry, is_folder in found if not is_folder]


def _holds(path: Path, data: bytes) -> bool:
    """Whether the file is there with this very content; one that cannot be read is written anew."""
    try:
        return path.lstat().st_size == len(data) and read_limited(path, len(data)) == data
    except OSError:
        return False


def _write_at_once(descriptor: int, data: bytes) -> None:
    written = os.write(descriptor, data)
    if written != len(data):
        raise OSError(errno.ENOSPC, f"only {written} of {len(data)} bytes written")

"""A folder that is written to, held open: whatever is mounted, linked or pulled meanwhile, nothing else is touched.

Every step goes down from the open folder without following links and without leaving its file system, so a drive that
is gone never becomes a folder of the system's own disk, and a drive made elsewhere leads nowhere.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.export.plan import Stamp
from engine.files import is_temporary

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NO_FOLDER_SYNC = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)


class Drive:
    """Use in a `with`. Names are relative, with `/`. Everything raises OSError as the system gives it."""

    def __init__(self, target: Path) -> None:
        """`BlockingIOError` when somebody else copies to this folder."""
        self._top = os.open(target, _FOLDER)
        self._device = os.fstat(self._top).st_dev
        self._dirty: set[str] = set()
        try:
            fcntl.flock(self._top, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._top)
            raise

    def __enter__(self) -> Drive:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._top)

    def free_bytes(self) -> tuple[int, int]:
        """Bytes that may be used, and of one cluster."""
        told = os.fstatvfs(self._top)
        return told.f_bavail * told.f_frsize, max(1, told.f_frsize)

    def copies(self, folder: str) -> dict[str, Stamp]:
        """Regular files of a folder by their whole names; temporaries that were left there are removed."""
        try:
            with self._opened(folder) as descriptor, os.scandir(descriptor) as entries:
                found = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
                for name, status in found:
                    if is_temporary(name) and stat.S_ISREG(status.st_mode):
                        os.unlink(name, dir_fd=descriptor)
        except FileNotFoundError:
            return {}
        prefix = f"{folder}/" if folder else ""
        return {
            prefix + name: Stamp(status.st_size, status.st_mtime_ns)
            for name, status in found
            if stat.S_ISREG(status.st_mode) and not is_temporary(name)
        }

    def read(self, name: str, limit: int) -> bytes:
        """The beginning of a regular file; empty when there is none."""
        folder, _, bare = name.rpartition("/")
        try:
            with self._opened(folder) as descriptor:
                flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                with os.fdopen(os.open(bare, flags, dir_fd=descriptor), "rb") as file:
                    return file.read(limit)
        except FileNotFoundError:
            return b""

    @contextmanager
    def replacing(self, name: str, mtime_ns: int | None = None) -> Iterator[int]:
        """A descriptor to write to. The file has its name, its time and is on the drive when the block ends well."""
        folder, _, bare = name.rpartition("/")
        temporary = f".{bare}.tmp"
        with self._opened(folder, make=True) as descriptor:
            with suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=descriptor)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            try:
                file = os.open(temporary, flags, 0o644, dir_fd=descriptor)
                try:
                    yield file
                    if mtime_ns is not None:
                        os.utime(file, ns=(mtime_ns, mtime_ns))
                    os.fsync(file)
                finally:
                    os.close(file)
                os.replace(temporary, bare, src_dir_fd=descriptor, dst_dir_fd=descriptor)
            except BaseException:
                with suppress(OSError):
                    os.unlink(temporary, dir_fd=descriptor)
                raise
        self._dirty.add(folder)

    def write(self, name: str, data: bytes) -> None:
        """A small file, whole and on the drive with its name."""
        with self.replacing(name) as file:
            write_all(file, data)
        self.sync_folders()

    def append(self, name: str, data: bytes) -> None:
        """Add to a file that stands; not synced."""
        file = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._top)
        try:
            write_all(file, data)
        finally:
            os.close(file)

    def remove(self, name: str) -> None:
        """Take a file of the top away; one that is gone is no error."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._top)
            self._dirty.add("")

    def sync_folders(self) -> None:
        """Wait until every name that was given is on the drive."""
        while self._dirty:
            folder = self._dirty.pop()
            with self._opened(folder) as descriptor:
                try:
                    os.fsync(descriptor)
                except OSError as error:
                    if error.errno not in _NO_FOLDER_SYNC:
                        raise

    @contextmanager
    def _opened(self, folder: str, *, make: bool = False) -> Iterator[int]:
        descriptor = os.dup(self._top)
        try:
            for done, part in enumerate(parts := folder.split("/") if folder else []):
                if make and _is_made(part, descriptor):
                    self._dirty.add("/".join(parts[:done]))
                inner = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = inner
                if os.fstat(descriptor).st_dev != self._device:
                    raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), folder)
            yield descriptor
        finally:
            os.close(descriptor)


def _is_made(part: str, descriptor: int) -> bool:
    try:
        os.mkdir(part, 0o755, dir_fd=descriptor)
    except FileExistsError:
        return False
    return True


def write_all(file: int, data: bytes) -> None:
    """Write every byte, however few the system takes at once."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]

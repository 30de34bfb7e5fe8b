"""One agent at a time on one root: a second one would store and send everything twice. Other jobs have other locks."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

from engine import files, naming
from engine.reasons import why

SECOND_LOOK_S = 0.1


class RootTaken(Exception):
    """Another process does this on this root."""


class RootUnusable(OSError):
    """Nothing can be kept on this root, not even the lock. The message says why, in Russian."""


class RootLock:
    """A lock on a file of `var/` that the kernel lets go of when the process ends, however it ends."""

    def __init__(self, root: Path, name: str = "lock") -> None:
        self._root = root
        self._name = name
        self._descriptor: int | None = None

    def take(self) -> None:
        """Raises RootTaken when another process has it, RootUnusable when there is none and none can be made."""
        try:
            descriptor = self._open()
        except OSError as error:
            raise RootUnusable(f"{self._root}: {why(error)}") from error
        try:
            _lock(descriptor)
        except BlockingIOError as error:
            os.close(descriptor)
            raise RootTaken(str(self._root)) from error
        self._descriptor = descriptor

    def _open(self) -> int:
        """On a disk that can only be read at the moment the file of an earlier run does as well."""
        folder = self._root / naming.VAR
        try:
            files.make_folder(folder)
            return os.open(folder / self._name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, files.MODE)
        except OSError as error:
            with suppress(FileNotFoundError):
                if error.errno == errno.EROFS:
                    return os.open(folder / self._name, os.O_RDONLY | os.O_CLOEXEC)
            raise

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _lock(descriptor: int) -> None:
    """Whoever only looks whether somebody has it holds it for a moment: a second look tells them apart."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(SECOND_LOOK_S)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

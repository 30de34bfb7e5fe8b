"""One agent at a time on one root: a second one would store and send everything twice. Other jobs have other locks."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from engine import files, naming


class RootTaken(Exception):
    """Another process does this on this root."""


class RootLock:
    """A lock on a file of `var/` that the kernel lets go of when the process ends, however it ends."""

    def __init__(self, root: Path, name: str = "lock") -> None:
        self._root = root
        self._name = name
        self._descriptor: int | None = None

    def take(self) -> None:
        """Raises RootTaken when another process has it, OSError when the folder cannot be written."""
        folder = self._root / naming.VAR
        files.make_folder(folder)
        descriptor = os.open(folder / self._name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, files.MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise RootTaken(str(self._root)) from error
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

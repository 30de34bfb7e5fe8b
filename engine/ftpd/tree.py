"""The part of the root that FTP clients see: `log/` and `www/`, without dot files and links, case set aside."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from engine.ftpd.rights import (
    TOP_FOLDERS,
    from_wire,
    name_key,
    spelling,
    storable_name,
    visible_name,
)


class Tree:
    """Finds what a client names (formats guide, section 2: `log/FTP` is `log/Ftp`).

    Whatever is hidden is answered like what is not there: `FileNotFoundError`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def locate(self, virtual: str) -> Path:
        """The place of a normalised absolute FTP path, whether something is there or not.

        Each component is the one on the disk if it is there under any case, else the name that a new one would get.
        Other `OSError`s of the disk come out.
        """
        path = self.root
        parts = [part for part in virtual.split("/") if part]
        if parts and parts[0].casefold() not in TOP_FOLDERS:
            raise _hidden(virtual)
        for part in parts:
            path = path / self._component(path, part)
        return path

    def relative(self, path: Path) -> str:
        """A place below the root as text with `/`; the root itself is empty."""
        text = path.relative_to(self.root).as_posix()
        return "" if text == "." else text

    def names(self, folder: Path) -> list[str]:
        """Everything in a folder that clients may know of: regular files and folders."""
        with os.scandir(folder) as entries:
            names = [
                entry.name
                for entry in entries
                if entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)
            ]
        if folder == self.root:
            names = [name for name in names if name in TOP_FOLDERS]
        return sorted(filter(visible_name, names))

    def _component(self, folder: Path, asked: str) -> str:
        name = from_wire(asked)
        wanted = spelling(self.relative(folder), name)
        for candidate in (wanted, asked):
            if visible_name(candidate) and _is_there(folder / candidate):
                return candidate
        found = _same_key(folder, name)
        if found is None and not storable_name(wanted):
            raise _hidden(asked)
        return found or wanted


def _same_key(folder: Path, name: str) -> str | None:
    """The first entry by name that differs from `name` by case only."""
    key = name_key(name)
    try:
        with os.scandir(folder) as entries:
            same = [entry.name for entry in entries if name_key(entry.name) == key and visible_name(entry.name)]
    except (FileNotFoundError, NotADirectoryError):
        return None
    return next((entry for entry in sorted(same) if _is_there(folder / entry)), None)


def _is_there(path: Path) -> bool:
    """Whether a file or folder that may be shown is there; anything else under that name hides it."""
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    if not _shown(status):
        raise _hidden(path.name)
    return True


def _shown(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)


def _hidden(name: str) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)

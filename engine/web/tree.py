"""What lies in `www/`: from the path of a request to a file. No link is followed, no dot file is seen."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import BinaryIO
from urllib.parse import quote, unquote_to_bytes

from engine.formats.index.page import INDEX
from engine.ftpd.rights import visible_name

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".pdf": "application/pdf",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".zip": "application/zip",
}


def names_of(target: str) -> tuple[str, ...] | None:
    """The names that a request's target leads down through, a folder's being its index; None for no path of ours."""
    path = target.partition("?")[0].partition("#")[0]
    try:
        text = unquote_to_bytes(path).decode("utf-8")
    except UnicodeDecodeError:
        return None
    if not text.startswith("/"):
        return None
    names = (text[1:] if text[-1] != "/" else text[1:] + INDEX).split("/")
    return tuple(names) if all(map(visible_name, names)) else None


def open_file(www: Path, names: Sequence[str]) -> BinaryIO:
    """A regular file below `www`, open for reading. `IsADirectoryError` for a folder, another `OSError` for nothing."""
    folder = os.open(www, _FOLDER)
    try:
        for name in names[:-1]:
            below = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = below
        descriptor = os.open(names[-1], _FILE, dir_fd=folder)
    finally:
        os.close(folder)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    code = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
    raise OSError(code, os.strerror(code), names[-1])


def folder_target(names: Sequence[str]) -> str:
    """Where the index of a folder is asked for, so that the links in it lead into that folder."""
    return "".join(f"/{quote(name, safe='')}" for name in names) + "/"


def content_type(name: str) -> str:
    """What a browser is told of a file, by its name."""
    return _TYPES.get(PurePath(name).suffix.lower(), "application/octet-stream")

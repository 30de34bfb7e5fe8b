"""The spool of smsd: messages are put there as files, and what became of them is seen by the folder they are in.

smsd moves a file from `outgoing` through `checked` to `sent` or `failed` and keeps its name.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from engine import files
from engine.sms.message import fail_reason, message_file, parse_spool_name, spool_name

MODE = 0o660
"""smsd has a user of its own, in the group of the spool."""
FILE_LIMIT_BYTES = 65536
KEPT_S = 30 * 24 * 3600.0
KEPT_MOST = 200
"""What was sent or has failed stays so long, and so many of each."""

_WAITING = ("outgoing", "checked")
_ENDED = ("sent", "failed")


class Spool:
    """One spool. Everything raises `OSError`: it is not there, or may not be written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, key: str, numbers: Iterable[str], text: str) -> None:
        """Hand a text over for each number; what has this key already, whatever became of it, is left alone.

        `key` is of Latin letters, digits, `_` and `-`. ValueError for any other, and for what is no number.
        """
        for number in numbers:
            name = spool_name(key, number)
            if name not in set(self._names((*_WAITING, *_ENDED))):
                self._write(self._folder / _WAITING[0] / name, message_file(number, text))

    def state(self, key: str) -> str:
        """`waiting` while one of the key's messages is, then `failed` if one has, else `sent`; `absent`: there is none.

        The folders are looked into in the order in which a message passes them, so none is overlooked on its way.
        """
        for folders, state in ((_WAITING, "waiting"), (("failed",), "failed"), (("sent",), "sent")):
            if any(named.key == key for name in self._names(folders) if (named := parse_spool_name(name))):
                return state
        return "absent"

    def failure(self, key: str) -> str:
        """Why a message of the key failed, as smsd says: `+CMS ERROR: 38 (Network out of order)`; empty: none did."""
        for name in self._names(("failed",)):
            named = parse_spool_name(name)
            if named and named.key == key:
                return fail_reason(files.read_limited(self._folder / "failed" / name, FILE_LIMIT_BYTES))
        return ""

    def clean(self, now_s: float) -> None:
        """Clear away what ended long ago. `now_s` is the time of the files' stamps, Unix seconds."""
        for folder in _ENDED:
            own = [self._folder / folder / name for name in self._names((folder,)) if parse_spool_name(name)]
            for age, path in enumerate(sorted(own, key=_changed_s, reverse=True)):
                if age >= KEPT_MOST or now_s - _changed_s(path) > KEPT_S:
                    files.remove(path)

    def _names(self, folders: Iterable[str]) -> Iterator[str]:
        for folder in folders:
            yield from (path.name for path in (self._folder / folder).iterdir())

    def _write(self, path: Path, data: bytes) -> None:
        """smsd passes over hidden files, so a message is there whole or not at all."""
        temporary, file = files.open_temporary(path)
        try:
            with file:
                file.write(data)
                files.finish(file, synced=True)
                os.fchmod(file.fileno(), MODE)
            files.put_in_place(temporary, path, synced=True)
        finally:
            temporary.unlink(missing_ok=True)


def _changed_s(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0

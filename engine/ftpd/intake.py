"""What a client sends is taken whole and checked, or not at all (formats guide, sections 2, 3 and 7).

Nothing here knows of sockets: the answers are lines of the FTP protocol, None stands for "taken".
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engine import files
from engine.archive.limit import FREE_SHARE
from engine.ftpd.rights import Role, in_inbox, is_part
from engine.naming import INBOX, refused_path
from engine.reasons import why
from engine.settings import LIMIT_BYTES

DRAIN_BYTES = 4 * 1024 * 1024
"""So much is read and thrown away behind a limit, so that the client comes to read why; then the line is cut."""

REPLY_CHARACTERS = 1500
_TOO_LONG = f"552 Файл больше {LIMIT_BYTES // 1024} кБ, не принят."
_INBOX_FULL = f"552 Папка {INBOX} заполнена (InboxLimit в ftp.ini), файл не принят."
_DISK_FULL = f"552 На диске свободно меньше {FREE_SHARE:.0%}, файл не принят."
_NAME_TAKEN = "553 Такое имя уже есть, файл не заменён."
_NO_FOLDER = "550 Нет такой папки."
_IS_FOLDER = "550 Это папка."
_NO_FILE = "550 Нет такого файла."


class Upload:
    """A file on its way: writes go to a hidden temporary beside it, made when the first byte comes.

    Never raises: what went wrong stands in `failure` as a reply of the protocol. Closed without `put_in_place()`, it
    leaves nothing.
    """

    def __init__(self, path: Path, limit_bytes: int, too_long: str) -> None:
        self.path = path
        self.name = str(path)
        self.failure: str | None = None
        self.closed = False
        self._limit_bytes = limit_bytes
        self._too_long = too_long
        self._received_bytes = 0
        self._temporary: Path | None = None
        self._file: BinaryIO | None = None

    @property
    def hopeless(self) -> bool:
        """Whether it has failed so long ago that there is no more reason to listen."""
        return self.failure is not None and self._received_bytes > self._limit_bytes + DRAIN_BYTES

    def write(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self._received_bytes += len(chunk)
        if self._received_bytes > self._limit_bytes:
            self.fail(self._too_long)
        if self.failure is not None:
            return
        try:
            self._open().write(chunk)
        except OSError as error:
            self.fail(reply(error))

    def fail(self, failure: str) -> None:
        """Give up what came, and the place it took; the first reason counts."""
        self.failure = self.failure or failure
        self._discard()

    def flush(self) -> None:
        """Let everything that came be counted by the system."""
        self._open().flush()

    def content(self) -> bytes:
        """Everything that came."""
        self.flush()
        assert self._temporary is not None
        return self._temporary.read_bytes()

    def put_in_place(self, path: Path) -> None:
        """Give what came the name `path`, synced. `OSError` leaves the old file."""
        file = self._open()
        assert self._temporary is not None
        files.finish(file, synced=True)
        file.close()
        files.put_in_place(self._temporary, path, synced=True)
        self._temporary = None

    def close(self) -> None:
        """Throw away what is not in place."""
        self.closed = True
        self._discard()

    def _open(self) -> BinaryIO:
        if self._file is None:
            self._temporary, self._file = files.open_temporary(self.path)
        return self._file

    def _discard(self) -> None:
        with suppress(OSError):
            if self._file is not None:
                self._file.close()
        with suppress(OSError):
            if self._temporary is not None:
                files.remove(self._temporary)
        self._temporary = None


@dataclass(frozen=True, slots=True)
class Intake:
    """Decides what becomes of an upload or a rename. Paths are relative to `root`, with `/`.

    `refusal(path, content)` gives None or the text for a 553; `on_upload(path)` hears of each file that is in place.
    """

    root: Path
    inbox_limit_bytes: int
    refusal: Callable[[str, bytes], str | None]
    on_upload: Callable[[str], None]

    def objection(self, role: Role, path: str) -> str | None:
        """The reply to an upload that need not even begin."""
        place = self.root / path
        if place.is_dir():
            return _IS_FOLDER
        if not place.parent.is_dir():
            return _NO_FOLDER
        if role is Role.INBOX and _is_taken(path, place):
            return _NAME_TAKEN
        return self._inbox_objection(room_bytes=1) if in_inbox(path) else None

    def begin(self, path: str) -> Upload:
        """Room for what a client is about to send."""
        if in_inbox(path):
            inbox, disk = self._inbox_free_bytes(), self._disk_free_bytes()
            return Upload(self.root / path, max(min(inbox, disk), 0), _INBOX_FULL if inbox <= disk else _DISK_FULL)
        return Upload(self.root / path, LIMIT_BYTES, _TOO_LONG)

    def take(self, role: Role, path: str, upload: Upload) -> str | None:
        """Put an upload that came whole in its place, or say why not."""
        if upload.failure is not None:
            return upload.failure
        try:
            objection = self._verdict(role, path, upload)
            if objection is None:
                self._accept(path, upload)
        except OSError as error:
            return reply(error)
        if objection is None:
            self.on_upload(path)
        return objection

    def rename(self, source: str, target: str) -> str | None:
        """Give a file another name, checked like an upload of that name, or say why not. The source stays then."""
        try:
            objection = self._rename_verdict(source, target)
            if objection is None and source != target:
                self._move(source, target)
        except OSError as error:
            return reply(error)
        if objection is None and source != target:
            self.on_upload(target)
        return objection

    def sweep(self) -> None:
        """Remove what uploads into the inbox left when the power went; what cannot be removed stays."""
        for folder, _ in files.walk(self.root / INBOX):
            with suppress(OSError):
                files.sweep_temporaries(folder)

    def _verdict(self, role: Role, path: str, upload: Upload) -> str | None:
        if in_inbox(path):
            if role is Role.INBOX and _is_taken(path, self.root / path):
                return _NAME_TAKEN
            # Other uploads may have grown since this one began; all of them lie in the folder that is counted.
            upload.flush()
            return self._inbox_objection(room_bytes=0)
        text = self.refusal(path, upload.content())
        if text is None:
            return None
        return refused(text, lambda: upload.put_in_place(self.root / refused_path(path)))

    def _accept(self, path: str, upload: Upload) -> None:
        upload.put_in_place(self.root / path)
        self._forget_refused(path)

    def _rename_verdict(self, source: str, target: str) -> str | None:
        place = self.root / target
        if not (self.root / source).is_file():
            return _NO_FILE
        if place.is_dir():
            return _IS_FOLDER
        if not place.parent.is_dir():
            return _NO_FOLDER
        if in_inbox(target):
            return _NAME_TAKEN if source != target and _is_taken(target, place) else None
        return self._rename_refusal(source, target)

    def _rename_refusal(self, source: str, target: str) -> str | None:
        content = files.read_limited(self.root / source, LIMIT_BYTES)
        text = self.refusal(target, content)
        if text is None:
            return None
        return refused(text, lambda: files.write_whole(self.root / refused_path(target), content, synced=True))

    def _move(self, source: str, target: str) -> None:
        old, new = self.root / source, self.root / target
        files.sync(old)
        old.replace(new)
        files.sync(new.parent)
        if old.parent != new.parent:
            files.sync(old.parent)
        self._forget_refused(target)

    def _forget_refused(self, path: str) -> None:
        if not in_inbox(path):
            files.remove(self.root / refused_path(path))

    def _inbox_objection(self, room_bytes: int) -> str | None:
        """Why the inbox takes nothing, when there is less room than that; nothing is ever deleted for it."""
        if self._inbox_free_bytes() < room_bytes:
            return _INBOX_FULL
        return _DISK_FULL if self._disk_free_bytes() < room_bytes else None

    def _inbox_free_bytes(self) -> int:
        return self.inbox_limit_bytes - folder_bytes(self.root / INBOX)

    def _disk_free_bytes(self) -> int:
        """What other agents may still fill: the rest is for the archives of this one."""
        disk = os.statvfs(self.root / INBOX)
        return disk.f_bavail * disk.f_frsize - int(disk.f_blocks * disk.f_frsize * FREE_SHARE)


def folder_bytes(folder: Path) -> int:
    """The bytes of all files in and below a folder, uploads on their way included; links are not followed."""
    total = 0
    for _, entries in files.walk(folder):
        for entry in entries:
            with suppress(OSError):
                total += entry.stat(follow_symlinks=False).st_size
    return total


def refused(text: str, keep: Callable[[], object]) -> str:
    """The reply to a file with errors, one line whatever the text is, after `keep()` has put aside what was sent."""
    line = f"553 {' '.join(text.split())}"[:REPLY_CHARACTERS]
    try:
        keep()
    except OSError as error:
        return f"{line} (присланное не сохранено: {why(error)})"
    return line


def reply(error: OSError) -> str:
    """The reply to a client whose wish failed at the disk; no path of this machine is told."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "452 На диске нет места, файл не принят."
    if error.errno == errno.EFBIG:
        return _TOO_LONG
    return f"451 Не вышло: {why(error)}."


def _is_taken(path: str, place: Path) -> bool:
    """Whether a name in the inbox belongs to a file that arrived whole and is not to be written over."""
    return place.exists() and not is_part(path)

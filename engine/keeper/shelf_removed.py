"""Archive files that were given up for ArchiveLimit, and how this is remembered when no byte of the disk is free.

A file is given up by a new name beside the old one: hidden, with the stamps of its first and last record in it. That
needs no room and is the note of it; then its bytes are freed, and when there is room `gaps.txt` and the list in
`var/removed/` are written. Wherever this is interrupted, also by the power, `settle` goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from engine import files, naming
from engine.formats.gaps import OVER_LIMIT, Gap

NOTE = ".removed"
_STAMP = "%Y%m%d%H%M%S"
LIST_LIMIT_BYTES = 4 * 1024 * 1024


class Removed:
    """Names of the files of one device that went. `folder` is that of its archive, `list_path` the list of names.

    `told_gap` puts a span into `gaps.txt`. Any thread may ask whether a name is among them.
    """

    def __init__(self, folder: Path, list_path: Path, told_gap: Callable[[Gap], None]) -> None:
        self._folder = folder
        self._list_path = list_path
        self._told_gap = told_gap
        self._listed = _names(list_path)
        self.names = self._listed | {_name_of(note) for note in self._notes()}

    def give_up(self, name: str, stamps: Iterable[datetime]) -> None:
        """The file is gone for good from the moment of its new name on, and its bytes are free when this returns.

        `stamps` are those of its records. `OSError`, `FileNotFoundError` when somebody else took it away.
        """
        span = sorted(stamps)
        between = "-".join(stamp.strftime(_STAMP) for stamp in (span[0], span[-1])) if span else ""
        note = self._folder / f".{name}.{between}{NOTE}"
        (self._folder / name).replace(note)
        self.names |= {name}
        files.sync(self._folder)
        files.cut(note, 0)

    def settle(self) -> None:
        """Write down what only names of files tell, and take those away. `OSError` while there is no room for it."""
        notes = self._notes()
        for note in notes:
            files.cut(note, 0)
        for note in notes:
            gap = _gap_of(note)
            if gap:
                self._told_gap(gap)
        if notes or self.names != self._listed:
            files.write_whole(self._list_path, "\n".join(sorted(self.names)).encode() + b"\n", synced=True)
            self._listed = self.names
        for note in notes:
            files.remove(note)

    def _notes(self) -> list[Path]:
        found = (path for path in self._folder.glob(f".*{NOTE}") if path.is_file() and not path.is_symlink())
        return sorted(path for path in found if naming.archive_kind(_name_of(path)))


def _names(list_path: Path) -> frozenset[str]:
    try:
        return frozenset(files.read_limited(list_path, LIST_LIMIT_BYTES).decode("utf-8", "replace").split())
    except FileNotFoundError:
        return frozenset()


def _name_of(note: Path) -> str:
    """`.H-2026-01.txt.20260101050000-20260131230000.removed` is that of `H-2026-01.txt`."""
    return note.name.removesuffix(NOTE)[1:].rpartition(".")[0]


def _gap_of(note: Path) -> Gap | None:
    """None for a file that had no record, and for a name that somebody else made."""
    rec_type = naming.archive_kind(_name_of(note))
    first, _, last = note.name.removesuffix(NOTE).rpartition(".")[2].partition("-")
    try:
        return Gap(rec_type, _stamp(first), _stamp(last), OVER_LIMIT) if rec_type else None
    except ValueError:
        return None


def _stamp(text: str) -> datetime:
    return datetime.strptime(text, _STAMP)

"""`www/<DevNumber>/gaps.txt` on the disk: what an archive has not got, and what it has got after all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from engine import files
from engine.formats import gaps
from engine.formats.gaps import Gap
from engine.model import RecType

LIMIT_BYTES = 4 * 1024 * 1024


class GapsFile:
    """`is_stored` tells whether a record of that stamp stands in the archive.

    An `OSError` comes out of every method but `fill`; nothing is changed then, and the same call may be made again.
    """

    def __init__(self, path: Path, is_stored: Callable[[RecType, datetime], bool]) -> None:
        self._path = path
        self._is_stored = is_stored
        self._filled: list[tuple[RecType, datetime]] = []
        self._version: tuple[int, int, int] | None = None
        self._read: tuple[Gap, ...] = ()

    def add(self, gap: Gap) -> None:
        """Tell of one more gap."""
        self._change(lambda old: gaps.add(old, gap))

    def add_under_damage(self, gap: Gap) -> None:
        """The same, but a record that is there and damaged is not one that the meter has not got."""
        self._change(lambda old: gaps.add_under_damage(old, gap))

    def heal(self, rec_type: RecType, stamp: datetime) -> None:
        """The record was read at last."""
        self._change(lambda old: gaps.remove(old, rec_type, stamp))

    def lose(self, rec_type: RecType, stamp: datetime) -> None:
        """The meter has not got the damaged record any more; one of its stamp may be stored from another place."""
        leave = gaps.remove if self._is_stored(rec_type, stamp) else gaps.lose
        self._change(lambda old: leave(old, rec_type, stamp))

    def fill(self, rec_type: RecType, stamp: datetime) -> None:
        """A record was stored: `settle` takes its stamp out. Costs a look at the file's date where none is missing."""
        if any(gap.rec_type is rec_type and gap.first <= stamp <= gap.last for gap in self._known()):
            self._filled.append((rec_type, stamp))

    def settle(self) -> None:
        """Write what `fill` has gathered, all at once: a catch-up may fill a gap of a year record by record."""
        if self._filled:
            self._change(lambda old: old)

    def _change(self, change: Callable[[tuple[Gap, ...]], tuple[Gap, ...]]) -> None:
        """Of what was filled only that counts which is stored still: a write may have failed meanwhile."""
        old, foreign = gaps.read_gaps(self._text())
        new = change(gaps.remove_all(old, [one for one in self._filled if self._is_stored(*one)]))
        if new != old:
            self._version = None
            files.write_whole(self._path, gaps.gaps_text(new, foreign).encode(), synced=True)
        self._filled.clear()

    def _known(self) -> tuple[Gap, ...]:
        """The gaps as they stand on the disk, read again only where the file is another one."""
        try:
            found = self._path.stat()
            version = found.st_ino, found.st_mtime_ns, found.st_size
            if version != self._version:
                self._read, self._version = gaps.read_gaps(self._text())[0], version
        except OSError:  # none there, or not to be looked at: a change tells why
            self._read, self._version = (), None
        return self._read

    def _text(self) -> str:
        try:
            return files.read_limited(self._path, LIMIT_BYTES).decode("utf-8", "replace")
        except FileNotFoundError:
            return ""

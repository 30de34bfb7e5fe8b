"""Snapshots that no device renews: of an earlier run, of a device that was removed, of another number."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from engine import files, naming
from engine.formats.snapshot import offline, read_snapshot, snapshot_text
from engine.keeper import Keeper
from engine.keeper.snapshot_file import SNAPSHOT_LIMIT


class Stale:
    """Nothing stale is shown as current (formats guide, section 5). Used by the main thread."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._current: frozenset[str] | None = None

    def look(self, polled: Sequence[Keeper]) -> None:
        """Whenever others of the polled devices are on line. Not before each has answered or is lost."""
        if any(keeper.standing.online is None for keeper in polled):
            return
        current = frozenset(keeper.dev_number for keeper in polled if keeper.standing.online)
        if current != self._current:
            self._current = current
            _take_offline(self._root, current)


def _take_offline(root: Path, current: Collection[str]) -> None:
    for path in sorted((root / naming.SNAPSHOTS).glob("*.txt")):
        if path.stem in current or path.stem == naming.AGENT_NUMBER:
            continue
        try:
            view = read_snapshot(files.read_limited(path, SNAPSHOT_LIMIT).decode())
            files.write_whole(path, snapshot_text(offline(view)).encode(), synced=False)
        except ValueError:
            continue  # no snapshot, or a torn one: nobody takes it for a current one
        except OSError as error:
            sys.stderr.write(f"{path.name}: {error.strerror}\n")

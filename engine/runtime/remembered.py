"""The numbers that only meters themselves tell, while they are silent since the start: by where snapshots were read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from engine import files, naming
from engine.formats.snapshot import SnapshotView, read_snapshot
from engine.formats.values import read_stamp
from engine.runtime.which import SNAPSHOT_LIMIT_BYTES, is_shown
from engine.settings import DeviceSettings


class Remembered:
    """A snapshot of such a device can only come by its answer, which tells the number: each is looked for once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[str, tuple[DeviceSettings, list[str]]] = {}

    def numbers(self, unknown: Iterable[DeviceSettings], taken: Collection[str]) -> dict[str, str]:
        """Numbers by device file, empty where none is known; none twice, and none of those that others have."""
        wanted = {settings.file: settings for settings in unknown}
        self._look_for([each for file, each in wanted.items() if self._known.get(file, (None,))[0] != each])
        gone, found = {number.casefold() for number in taken}, {}
        for file in wanted:
            free = (number for number in self._known[file][1] if number.casefold() not in gone)
            found[file] = next(free, "")
            gone |= {found[file].casefold()}
        return found

    def _look_for(self, unknown: Sequence[DeviceSettings]) -> None:
        views = _newest_first(self._root) if unknown else {}
        for settings in unknown:
            own = [number for number, view in views.items() if is_shown(settings, view.device)]
            self._known[settings.file] = settings, own


def _newest_first(root: Path) -> dict[str, SnapshotView]:
    """All snapshots by number. Of two meters that stood at one place the one that was read last is there now."""
    found: dict[str, SnapshotView] = {}
    for path in sorted((root / naming.SNAPSHOTS).glob("*.txt")):
        if naming.is_dev_number(path.stem) and path.stem != naming.AGENT_NUMBER:
            with suppress(OSError, ValueError):
                found[path.stem] = read_snapshot(files.read_limited(path, SNAPSHOT_LIMIT_BYTES).decode())
    return dict(sorted(found.items(), key=lambda item: _read_at(item[1]), reverse=True))


def _read_at(view: SnapshotView) -> datetime:
    try:
        return read_stamp(f"{view.extra.get('ReadDate')} {view.extra.get('ReadTime')}")
    except ValueError:
        return datetime.min

"""The numbers that only meters themselves tell, while they are silent since the start: by where snapshots were read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from engine import naming
from engine.formats.snapshot import SnapshotView
from engine.formats.values import read_stamp
from engine.runtime.which import is_shown, snapshot_of
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
    names = sorted(path.stem for path in (root / naming.SNAPSHOTS).glob("*.txt"))
    numbers = (name for name in names if naming.is_dev_number(name) and name != naming.AGENT_NUMBER)
    found = {number: view for number in numbers if (view := snapshot_of(root, number))}
    return dict(sorted(found.items(), key=lambda item: _read_at(item[1]), reverse=True))


def _read_at(view: SnapshotView) -> datetime:
    try:
        return read_stamp(f"{view.extra.get('ReadDate')} {view.extra.get('ReadTime')}")
    except ValueError:
        return datetime.min

"""The static index, from what the agent knows of itself and its devices."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from engine import files, naming
from engine.formats.index.device import values_lines
from engine.formats.index.tree import AgentState, DeviceState
from engine.formats.snapshot import read_snapshot
from engine.formats.status import StatusView, moment_text
from engine.index import Index
from engine.journal import to_stderr
from engine.keeper import Keeper
from engine.keeper.snapshot_file import SNAPSHOT_LIMIT
from engine.reasons import why
from engine.runtime.describe import state_text


class IndexPage:
    """Writes the pages of `www/`. Used by the main thread; a disk that takes nothing is told on stderr."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._index = Index(root, lambda error: to_stderr(f"{naming.INDEX}: {why(error)}\n"))

    def show(self, view: StatusView, keepers: Iterable[Keeper]) -> None:
        """What `status.txt` tells and concerns whoever reads archives; nothing that changes with time alone."""
        devices = [self._device(keeper) for keeper in keepers]
        life = "остановлен" if view.stopped else f"работает с {moment_text(view.started)}"
        self._index.show(AgentState(view.name, view.number, f"ТСМ-смарт {life}", _notices(view), devices))

    def _device(self, keeper: Keeper) -> DeviceState:
        standing = keeper.standing
        values, errors = self._current(keeper) if standing.online else ((), "")
        return DeviceState(
            keeper.dev_number,
            _title(keeper),
            state_text(keeper),
            moment_text(standing.read_at) if standing.read_at else "",
            values,
            "; ".join(filter(None, (errors, standing.note))),
        )

    def _current(self, keeper: Keeper) -> tuple[tuple[str, ...], str]:
        """Current values and errors as the snapshot tells them; nothing while there is none."""
        try:
            path = self._root / naming.snapshot_path(keeper.dev_number)
            view = read_snapshot(files.read_limited(path, SNAPSHOT_LIMIT).decode())
        except (OSError, ValueError):
            return (), ""
        return values_lines(view.systems), str(view.extra.get("ErrText") or "")


def _title(keeper: Keeper) -> str:
    """Its type; the file of its settings while not even its number is known."""
    if not keeper.dev_number:
        return keeper.settings.file
    return "" if keeper.settings.dev_type == "auto" else keeper.settings.dev_type


def _notices(view: StatusView) -> list[str]:
    errors = [problem for problem in view.problems if not problem.warning]
    return [f"в настройках есть ошибки ({len(errors)}), смотрите {naming.STATUS}"] if errors else []

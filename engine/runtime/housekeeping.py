"""What is cleared away while the agent works: archives beyond their limit, torn uploads; what is tried once more."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine import naming
from engine.reasons import why
from engine.runtime.inbox import sweep_inbox
from engine.runtime.limit import keep_limit
from engine.runtime.part import House, Part
from engine.settings import Settings

LIMIT_PERIOD_S = 60
INBOX_PERIOD_S = 600
DAMAGED_PERIOD_S = 24 * 3600


class Housekeeping(Part):
    """Jobs by the calendar. `has_everywhere(path, size)` tells whether every server has a file of `www/`."""

    def __init__(self, house: House, has_everywhere: Callable[[str, int], bool]) -> None:
        super().__init__(house)
        self._has_everywhere = has_everywhere
        self._limit_bytes: int | None = None

    def apply(self, settings: Settings, now_s: float) -> None:
        """Keep this limit from now on, and look into the inbox at once."""
        first, self._limit_bytes = self._limit_bytes is None, settings.agent.archive_limit_bytes
        if first:
            self._sweep_inbox()

    def jobs(self) -> Mapping[Callable[[], None], int]:
        """Each with its period in seconds."""
        return {
            self._keep_limit: LIMIT_PERIOD_S,
            self._sweep_inbox: INBOX_PERIOD_S,
            self._retry_damaged: DAMAGED_PERIOD_S,
        }

    def _keep_limit(self) -> None:
        house = self.house
        if self._limit_bytes is None:
            return
        try:
            keep_limit(house.root, self._limit_bytes, house.devices.shelf_of, self._has_everywhere, house.journal)
        except OSError as error:
            house.journal(f"{naming.ARCHIVES}: место не освобождено: {why(error)}")

    def _sweep_inbox(self) -> None:
        if now := self.house.now():
            sweep_inbox(self.house.root, now)

    def _retry_damaged(self) -> None:
        for line in self.house.lines.lines.values():
            line.worker.retry_damaged()

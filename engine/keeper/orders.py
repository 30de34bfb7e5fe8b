"""What a keeper may ask of whoever has all devices."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from engine.archive.catchup import Catchup


class Orders(Protocol):
    """What a keeper may ask of the runtime and of the line of its device."""

    def claim(self, file: str, dev_number: str) -> str:
        """Take a number for a device file; returns the file that holds it, which may be another."""

    def begin_archive(self, file: str, catchup: Catchup, walk: int) -> None: ...

    def drop_archive(self, file: str) -> None: ...

    def journal(self, text: str) -> None: ...

    def event_date(self) -> str:
        """The order of dates in events, `ymd` or `dmy`, for archive files that begin now."""

    def local(self, moment: datetime) -> datetime | None:
        """The moment in the agent's zone; None while the agent's clock is not to be believed."""

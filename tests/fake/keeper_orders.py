"""What a keeper may ask, as a test wants it: claims by file name, everything else written down."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from engine.archive.catchup import Catchup
from engine.keeper.claims import Claims


class KeeperOrders:
    """`catchups` are those that were sent, with their device and walk; `plausible` is the agent's clock."""

    def __init__(self) -> None:
        self.claims = Claims()
        self.catchups: list[tuple[str, Catchup, int]] = []
        self.dropped: list[str] = []
        self.journaled: list[str] = []
        self.plausible = True
        self.dates = "ymd"

    def claim(self, file: str, dev_number: str) -> str:
        return self.claims.take(file, dev_number)

    def begin_archive(self, file: str, catchup: Catchup, walk: int) -> None:
        self.catchups.append((file, catchup, walk))

    def drop_archive(self, file: str) -> None:
        self.dropped.append(file)

    def journal(self, text: str) -> None:
        self.journaled.append(text)

    def event_date(self) -> str:
        return self.dates

    def local(self, moment: datetime) -> datetime | None:
        return moment.astimezone(ZoneInfo("Europe/Moscow")) if self.plausible else None

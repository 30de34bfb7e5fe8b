"""All devices of the settings: a keeper for each file, and what keepers may ask of the rest."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from engine.archive.catchup import Catchup
from engine.dialect.device_types import LORA
from engine.keeper import Keeper
from engine.keeper.claims import Claims
from engine.keeper.shelf import Shelf
from engine.keeper.standing import Standing
from engine.news import Archived, Contact, Missed
from engine.runtime.lines import Lines
from engine.runtime.polling import Polling
from engine.settings import Settings


class Devices:
    """The keepers, by device file; for each keeper its `Orders`. Used by the main thread."""

    def __init__(
        self,
        root: Path,
        lines: Lines,
        journal: Callable[[str], None],
        local: Callable[[datetime], datetime | None],
    ) -> None:
        self.keepers: dict[str, Keeper] = {}
        self.polling = Polling(root)
        self._settings: Settings | None = None
        self._root = root
        self._lines = lines
        self._journal = journal
        self._local = local
        self._claims = Claims()
        self._event_date = "ymd"

    def apply(self, settings: Settings) -> None:
        """Keep what these settings name. A device whose settings are the same is not disturbed."""
        self._settings, self._event_date = settings, settings.agent.event_date
        self.polling.set_auto_poll(settings.agent.auto_poll, time.monotonic(), self._local(datetime.now().astimezone()))
        old, self.keepers = self.keepers, {}
        for device in settings.devices:
            if device.dev_type == LORA:
                continue  # it sends what the others tell, and is told of by its own part
            keeper = old.get(device.file)
            if keeper is None or keeper.settings != device:
                keeper = Keeper(self._root, device, self)
            self.keepers[device.file] = keeper
        self._lines.apply(self._polled_now(settings))
        for file, keeper in old.items():
            if self.keepers.get(file) is not keeper or not self._lines.worker_of(file):
                keeper.rest()
                self._claims.release(file)

    def repoll(self) -> None:
        """Poll what `polling` says now."""
        if self._settings is not None:
            self.apply(self._settings)

    def _polled_now(self, settings: Settings) -> Settings:
        devices = tuple(device for device in settings.devices if self.polling.polls(device.file))
        return replace(settings, agent=replace(settings.agent, auto_poll=True), devices=devices)

    def take(self, news: Contact | Missed | Archived) -> None:
        """News of a device that nobody polls any more is of yesterday."""
        if self._lines.worker_of(news.file) is None:
            return
        keeper = self.keepers[news.file]
        if isinstance(news, Contact):
            keeper.contact(news)
        elif isinstance(news, Missed):
            keeper.missed(news)
        else:
            keeper.archived(news)

    def tick(self, now_s: float) -> None:
        for keeper in self.keepers.values():
            keeper.tick(now_s)

    def sync(self) -> None:
        """Put on the disk what was stored."""
        for keeper in self.keepers.values():
            keeper.sync()

    def number_of(self, file: str) -> str:
        """How progress names a device: by its number, by its file while that is unknown."""
        keeper = self.keepers.get(file)
        return keeper.dev_number or file if keeper else file

    def all(self) -> list[Keeper]:
        """Those of every device file."""
        return list(self.keepers.values())

    def polled(self) -> list[Keeper]:
        """Those that a line polls."""
        return [keeper for file, keeper in self.keepers.items() if self._lines.worker_of(file)]

    def cycle_is_complete(self) -> bool:
        """Whether every device was read and its archive caught up, as far as that goes without a person's help."""
        return all(self._is_through(file, keeper.standing) for file, keeper in self.keepers.items())

    def _is_through(self, file: str, standing: Standing) -> bool:
        if self._lines.worker_of(file) is None or self._lines.has_crashed(file):
            return True
        return bool(standing.failures or standing.caught_up or standing.is_hindered)

    def all_answer(self) -> bool:
        """Whether every device that is switched on is on line."""
        return all(keeper.standing.online for keeper in self.keepers.values() if keeper.settings.enabled)

    def shelf_of(self, dev_number: str) -> Shelf:
        """The archive of a number, whether or not a device of that number is polled now."""
        own = (keeper.shelf for keeper in self.keepers.values() if keeper.dev_number == dev_number)
        return next((shelf for shelf in own if shelf), None) or Shelf(self._root, dev_number, self._journal)

    # --- what a keeper may ask

    def claim(self, file: str, dev_number: str) -> str:
        """The file that has this number from now on; another one that had it gives up its files at once."""
        before = self._claims.holder(dev_number)
        holder = self._claims.take(file, dev_number)
        if before is not None and before != holder:
            self.keepers[before].leave_number()
        return holder

    def begin_archive(self, file: str, catchup: Catchup, walk: int) -> None:
        if worker := self._lines.worker_of(file):
            worker.begin_archive(file, catchup, walk)

    def drop_archive(self, file: str) -> None:
        if worker := self._lines.worker_of(file):
            worker.drop_archive(file)

    def journal(self, text: str) -> None:
        self._journal(text)

    def event_date(self) -> str:
        return self._event_date

    def local(self, moment: datetime) -> datetime | None:
        return self._local(moment)

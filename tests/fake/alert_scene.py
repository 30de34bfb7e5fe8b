"""The alerts part with real keepers and files, a mail server of lists, and time as the test wants it.

A crash is `scene.crash()`: everything in memory is gone, what is on the disk stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine import naming
from engine.dialogue import Identity
from engine.formats.archive import Block, blocks
from engine.keeper import Keeper
from engine.keeper.shelf import Shelf
from engine.mail import mailer as mailer_module
from engine.mail.account import Account
from engine.mail.letter import Letter
from engine.mail.mailer import Outcome
from engine.model import Reading, Value
from engine.news import Contact, Missed
from engine.runtime.alerts import Alerts
from engine.settings import DeviceSettings, Limits
from tests.fake.agent_settings import settings_of
from tests.fake.house import NOW, TestHouse
from tests.fake.keeper_orders import KeeperOrders
from tests.fake.toy_driver import CLOCK, device_settings

SSMTP = "mailhub=mail.example.ru:587\nAuthUser=robot@example.ru\nAuthPass=s3cret\n"
TO = ("one@example.ru",)


class FakeMailer:
    """Takes letters into `post_office.letters`, or fails as it says; stands in for the thread."""

    def __init__(self, post_office: PostOffice) -> None:
        self.name = "mail"
        self._office = post_office
        self._outcomes: list[Outcome] = []

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def join(self, _timeout_s: float) -> None: ...

    def post(self, _account: Account, letter: Letter) -> None:
        self._office.posted.append(letter)
        if self._office.silent:
            return
        if self._office.error:
            self._outcomes.append(Outcome(letter.number, error=self._office.error))
            return
        refused = {to: text for to, text in self._office.refused.items() if to in letter.to}
        delayed = {to: text for to, text in self._office.delayed.items() if to in letter.to}
        accepted = tuple(to for to in letter.to if to not in refused and to not in delayed)
        if accepted:
            self._office.letters.append(replace(letter, to=accepted))
        self._outcomes.append(Outcome(letter.number, accepted, refused, delayed))

    def outcome(self) -> Outcome | None:
        return self._outcomes.pop(0) if self._outcomes else None


class PostOffice:
    """Survives crashes of the agent, as a mail server does. `silent`: it says nothing at all."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.posted: list[Letter] = []
        self.error = ""
        self.silent = False
        self.refused: dict[str, str] = {}
        self.delayed: dict[str, str] = {}

    @property
    def texts(self) -> list[str]:
        return [letter.body for letter in self.letters]


class FakeSpool:
    """An SMS spool: idempotent by key."""

    def __init__(self) -> None:
        self.put_texts: dict[str, tuple[tuple[str, ...], str]] = {}
        self.error: OSError | None = None

    def put(self, key: str, numbers: Sequence[str], text: str) -> None:
        if self.error:
            raise self.error
        self.put_texts.setdefault(key, (tuple(numbers), text))

    def state(self, key: str) -> str:
        return "waiting" if key in self.put_texts else "absent"


class FakeDevices:
    """What the part asks of `Devices`, around real keepers."""

    def __init__(self, root: Path, orders: KeeperOrders) -> None:
        self.keepers: dict[str, Keeper] = {}
        self.resting: set[str] = set()
        self._root = root
        self._orders = orders

    def polled(self) -> list[Keeper]:
        return [keeper for file, keeper in self.keepers.items() if file not in self.resting]

    def all(self) -> list[Keeper]:
        return list(self.keepers.values())

    def worker_of(self, file: str) -> object | None:
        return None if file in self.resting else file

    def shelf_of(self, number: str) -> Shelf:
        own = (keeper.shelf for keeper in self.all() if keeper.dev_number == number)
        return next((shelf for shelf in own if shelf), None) or Shelf(self._root, number, self._orders.journaled.append)

    def event_date(self) -> str:
        return self._orders.dates


class Scene:
    """One agent's alerts. `pass_time` goes on in small steps; `now` may be None: the clock is not to be believed."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, **agent: object) -> None:
        self.root = root
        self.office = PostOffice()
        self.spool: FakeSpool | None = None
        self.now: datetime | None = NOW
        self.now_s = 1000.0
        self.agent: dict[str, object] = {"mail": True, "mail_to": TO, **agent}
        self.device_settings: dict[str, DeviceSettings] = {}
        self.journaled: list[str] = []
        monkeypatch.setattr(mailer_module, "Mailer", lambda *_: FakeMailer(self.office))
        self.add("a.ini", "440020")

    def add(self, file: str, number: str, **changed: Any) -> None:
        self.device_settings[file] = device_settings(
            file, **{"dev_number": number, "dev_type": "ТЭСМА-106/2", **changed}
        )

    def start(self) -> None:
        self.orders = KeeperOrders()
        self.test_house = TestHouse(self.root, self.now)
        self.test_house.journaled = self.orders.journaled = self.journaled
        self.test_house.texts = {naming.SSMTP_CONF: SSMTP}
        self.devices = FakeDevices(self.root, self.orders)
        house: Any = replace(
            self.test_house.house,
            devices=self.devices,
            lines=self.devices,
            journal=self.journaled.append,  # type: ignore[arg-type]
        )
        self.part = Alerts(house, clock=lambda: self.now_s)
        self.apply()

    def apply(self, **agent: object) -> None:
        self.agent |= agent
        for file, settings in self.device_settings.items():
            if file not in self.devices.keepers or self.devices.keepers[file].settings != settings:
                self.devices.keepers[file] = Keeper(self.root, settings, self.orders)
        for file in set(self.devices.keepers) - set(self.device_settings):
            del self.devices.keepers[file]
        self.part.apply(settings_of(*self.device_settings.values(), agent=self.agent), self.now_s)
        self.part.postman.spool = self.spool

    def limit(self, **limits: Any) -> None:
        self.device_settings["a.ini"] = replace(self.device_settings["a.ini"], limits=Limits(**limits))

    def crash(self) -> None:
        """The power is gone, and comes back after a minute."""
        self.now_s += 60
        self.now = self.now + timedelta(minutes=1) if self.now else None
        self.start()

    def read(
        self, *errors: str | None, file: str = "a.ini", number: str = "", tick: bool = True, **values: Value
    ) -> None:
        """A reading: `Err` of each system; `values` are those of the first. Without a `tick` others come with it."""
        self.orders.plausible = self.now is not None
        keeper = self.devices.keepers[file]
        systems: list[dict[str, Value]] = [{"Err": error} for error in errors] or [{}]
        systems[0] |= values
        own = number or keeper.settings.dev_number
        reading = Reading(own, CLOCK, {}, tuple(systems))
        moment = self.now or NOW
        news = Contact(keeper.settings, Identity("x", "ТЭСМА-106/2", own, None), reading, moment, first=False)
        keeper.contact(news)
        self.part.take(news)
        if tick:
            self.tick()

    def lose(self, file: str = "a.ini", reason: str = "нет ответа") -> None:
        news = Missed(file, reason, 10, lost=True)
        self.devices.keepers[file].missed(news)
        self.part.take(news)
        self.tick()

    def tick(self) -> None:
        self.test_house.now = self.now
        self.part.tick(self.now_s)

    def pass_time(self, seconds: float, step_s: float = 5.0) -> None:
        ends_s = self.now_s + seconds
        while self.now_s < ends_s:
            step = min(step_s, ends_s - self.now_s)
            self.now_s += step
            self.now = self.now + timedelta(seconds=step) if self.now else None
            self.tick()

    def events(self, number: str = "440020", *, whole: bool = False) -> list[str]:
        """`Sys Code State` of each stored event, or with all that it says."""
        folder = self.root / naming.archive_folder(number)
        found: list[Block] = []
        for path in sorted(folder.glob("E-*.txt")) if folder.is_dir() else ():
            found += [block for block in blocks(path.read_bytes()) if block.number]
        fields = [dict(line.split("=", 1) for line in block.text.splitlines()[1:] if line) for block in found]
        if whole:
            return [" ".join(f"{key}={text}" for key, text in each.items() if text) for each in fields]
        return [f"{each['Sys']} {each['Code']} {each['State']}" for each in fields]

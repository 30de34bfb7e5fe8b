"""Daily and monthly reports: starts the process that makes them when something is due, and tells what became of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import NamedTuple

from engine import naming
from engine.keeper import Keeper
from engine.model import RecType
from engine.reasons import why
from engine.report import plan
from engine.report.child import Child
from engine.report.letter import Answer, Ask
from engine.report.of_settings import report_device
from engine.report.plan import Device
from engine.runtime.part import House, Part
from engine.runtime.remembered import Remembered
from engine.settings import Settings

LOOK_S = 60
AGAIN_S = 3600.0
"""The same day's reports are looked at again no sooner: a catch-up stores days all the time."""


class Seen(NamedTuple):
    """When the process was started last, for which day, and what the archives were like."""

    at_s: float
    made: date
    archives: tuple[tuple[str, int], ...]
    devices: tuple[Device, ...]
    nameless: bool


class Reports(Part):
    """What was made is known by the files alone: a restart asks once and makes nothing."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self._days: int | None = None
        self._child: Child | None = None
        self._seen: Seen | None = None
        self._told: frozenset[str] = frozenset()
        self._remembered = Remembered(house.root)

    def apply(self, settings: Settings, now_s: float) -> None:
        """So many days are in a report from now on."""
        self._days = settings.agent.report_days

    def jobs(self) -> Mapping[Callable[[], None], int]:
        """Whether something is to be made, once a minute."""
        return {self._look: LOOK_S}

    def _look(self) -> None:
        if self._days is not None:
            devices, nameless = report_devices(self.house.devices.all(), self._remembered)
            self.look(self.house.now(), time.monotonic(), devices, self._days, nameless=nameless)

    def look(
        self, now: datetime | None, now_s: float, devices: Sequence[Device], days: int, *, nameless: bool = False
    ) -> None:
        """Start what is due. `now` in the agent's zone, None while the clock is not to be believed.

        `nameless`: there are devices whose number is not known yet, so that `devices` lacks them.
        """
        if now is None or self._child is not None or not devices:
            return
        seen = Seen(now_s, plan.made_on(now), self._archives(devices), tuple(devices), nameless)
        if not seen.archives or not _is_due(self._seen, seen):
            return
        self._seen = seen
        try:
            self._child = Child(Ask(str(self.house.root), seen.devices, seen.made, days, nameless=nameless), now_s)
        except OSError as error:
            self._tell(Answer((), (f"отчеты: процесс не запущен: {why(error)}",)))

    def tick(self, now_s: float) -> None:
        """Take the answer when it is there."""
        if self._child is not None and (answer := self._child.poll(now_s)) is not None:
            self._child = None
            self._tell(answer)

    def stop(self) -> None:
        """What is not ready is made after the next start."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def _tell(self, answer: Answer) -> None:
        """A problem that only repeats is not told again."""
        for problem in answer.problems:
            if problem not in self._told:
                self.house.journal(problem)
        self._told = frozenset(answer.problems)
        if answer.made:
            self.house.journal(
                f"отчеты готовы: {len(answer.made)}, {', '.join(sorted(set(map(_folder, answer.made))))}"
            )

    def _archives(self, devices: Sequence[Device]) -> tuple[tuple[str, int], ...]:
        """The files of days and their sizes: while they stay the same there is nothing new to print."""
        found = []
        for device in devices:
            with suppress(OSError):
                for path in sorted((self.house.root / naming.archive_folder(device.dev_number)).iterdir()):
                    if naming.archive_kind(path.name) is RecType.DAY:
                        found.append((path.as_posix(), path.stat().st_size))
        return tuple(found)


def report_devices(keepers: Sequence[Keeper], remembered: Remembered) -> tuple[list[Device], bool]:
    """Every device whose number is known, or was before the start; whether one that is switched on is left out."""
    taken = [keeper.dev_number for keeper in keepers if keeper.dev_number]
    told = remembered.numbers([keeper.settings for keeper in keepers if not keeper.dev_number], taken)
    named = [(keeper.settings, keeper.dev_number or told[keeper.settings.file]) for keeper in keepers]
    devices = [report_device(settings, number) for settings, number in named if number]
    return devices, any(settings.enabled and not number for settings, number in named)


def _is_due(before: Seen | None, now: Seen) -> bool:
    """A new day, also one that the clock was set back to, or something new after a pause."""
    if before is None or before.made != now.made:
        return True
    return before[2:] != now[2:] and now.at_s - before.at_s >= AGAIN_S


def _folder(path: str) -> str:
    return path.rpartition("/")[0]

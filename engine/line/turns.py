"""Whose turn it is on one line. Pure: the moment is an argument."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass

from engine.archive.findings import Task
from engine.dialogue import Ask, Driver, Write
from engine.due import LineShare
from engine.line.device import Device, Wish
from engine.settings import DeviceSettings

IDLE_S = 60.0


@dataclass
class Conversation:
    """A dialogue under way with one device; `task` is set when it reads the archive, or writes.

    `disturbed`: some answer was refused on the way. `read_before`: what the same task gave the first time.
    """

    device: Device
    task: Task | Wish | None
    dialogue: Generator[Ask, bytes, object]
    ask: Ask
    ready_at_s: float
    asked_at_s: float
    attempt: int = 0
    disturbed: bool = False
    read_before: object = None

    def wait_s(self, attempt: int) -> float:
        """How long the first byte of the answer may take, in seconds."""
        return max(self.device.wait_s(attempt), self.ask.wait_s)


@dataclass(frozen=True, slots=True)
class Turn:
    """A dialogue to be begun: a reading, or with `task` one place of the archive or something to be written."""

    device: Device
    task: Task | Wish | None = None


class Turns:
    """The devices of a line in turn, readings and archives; dialogues that met silence wait for their next turn."""

    def __init__(self) -> None:
        self.devices: dict[str, Device] = {}
        self.share = LineShare()
        self._set_aside: deque[Conversation] = deque()
        self._turn_of_archive: deque[str] = deque()

    def set_devices(self, devices: Mapping[str, Device]) -> None:
        """From now on these; dialogues with others are given up."""
        self.devices = dict(devices)
        self._set_aside = deque(each for each in self._set_aside if self.is_here(each.device))
        self._turn_of_archive = deque(self.devices)

    def poll(
        self, settings: Iterable[DeviceSettings], drivers: tuple[Driver, ...], interval_s: float, now_s: float
    ) -> None:
        """From now on the devices of these settings. One whose settings are the same goes on undisturbed."""
        devices: dict[str, Device] = {}
        for each in settings:
            device = self.devices.get(each.file)
            if device is None or device.settings != each:
                device = Device(each, drivers, interval_s, now_s)
            device.set_interval(interval_s, now_s)
            devices[each.file] = device
        self.set_devices(devices)

    def is_here(self, device: Device) -> bool:
        """Whether this very device is still polled."""
        return self.devices.get(device.settings.file) is device

    def read_now(self, now_s: float) -> None:
        """Every device is due at once."""
        for device in self.devices.values():
            device.due_at_s = min(device.due_at_s, now_s)

    def drop_archive(self, file: str) -> None:
        """Read no archive of this device, until another catch-up is begun."""
        if device := self.devices.get(file):
            device.catchup = None

    def retry_damaged(self) -> None:
        """Every damaged place of every archive is due once more."""
        for device in self.devices.values():
            if device.catchup:
                device.catchup.retry_damaged()

    def wish(self, file: str, write: Write, until_s: float) -> None:
        """Write this to a device until then; what still waits is forgotten."""
        if device := self.devices.get(file):
            device.wish = Wish(write, until_s)

    def too_late(self, now_s: float) -> list[tuple[Device, Wish]]:
        """Wishes whose time is over: the line was busy, or down."""
        wishes = [(device, device.wish) for device in self.devices.values() if device.wish]
        busy = self._busy()
        return [(device, wish) for device, wish in wishes if now_s > wish.until_s and id(device) not in busy]

    def set_aside(self, conversation: Conversation, *, first: bool = False) -> None:
        """Go on with this dialogue when it is its turn again."""
        if first:
            self._set_aside.appendleft(conversation)
        else:
            self._set_aside.append(conversation)

    def give_up(self) -> None:
        """No dialogue goes on: the line is down."""
        self._set_aside.clear()

    def next(self, now_s: float) -> Conversation | Turn | None:
        """A dialogue to go on with, or one to begin; None: nothing is due."""
        if writing := self._next_writing():
            return writing
        archive = self._next_archive()
        if archive is None:
            self.share.archive_is_complete()
        elif self.share.archive_first():
            return archive
        return self._next_reading(now_s) or archive

    def idle_s(self, now_s: float) -> float:
        """How long nothing will be due."""
        due_at_s = min((device.due_at_s for device in self.devices.values()), default=now_s + IDLE_S)
        return min(max(due_at_s - now_s, 0.0), IDLE_S)

    def _next_reading(self, now_s: float) -> Conversation | Turn | None:
        """The one that has waited longest: a device that is due, or a dialogue that met silence."""
        busy = self._busy()
        due = [each for each in self.devices.values() if each.due_at_s <= now_s and id(each) not in busy]
        device = min(due, key=lambda each: each.due_at_s, default=None)
        if self._set_aside and (device is None or self._set_aside[0].ready_at_s <= device.due_at_s):
            return self._set_aside.popleft()
        return Turn(device) if device else None

    def _next_writing(self) -> Turn | None:
        """A valve does not wait for an archive."""
        busy = self._busy()
        wishing = (each for each in self.devices.values() if each.wish and id(each) not in busy)
        device = next(wishing, None)
        return Turn(device, device.wish) if device else None

    def _next_archive(self) -> Turn | None:
        busy = self._busy()
        for _ in range(len(self._turn_of_archive)):
            self._turn_of_archive.rotate(-1)
            device = self.devices[self._turn_of_archive[-1]]
            task = device.archive_task()
            if task and id(device) not in busy:
                return Turn(device, task)
        return None

    def _busy(self) -> set[int]:
        return {id(each.device) for each in self._set_aside}

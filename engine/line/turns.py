"""Whose turn it is on one line. Pure: the moment is an argument."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Mapping
from dataclasses import dataclass

from engine.archive.findings import Task
from engine.dialogue import Ask
from engine.due import LineShare
from engine.line.device import Device

IDLE_S = 60.0


@dataclass
class Conversation:
    """A dialogue under way with one device; `task` is set when it reads the archive.

    `disturbed`: some answer was refused on the way. `read_before`: what the same task gave the first time.
    """

    device: Device
    task: Task | None
    dialogue: Generator[Ask, bytes, object]
    ask: Ask
    ready_at_s: float
    asked_at_s: float
    attempt: int = 0
    disturbed: bool = False
    read_before: object = None


@dataclass(frozen=True, slots=True)
class Turn:
    """A dialogue to be begun: a reading, or with `task` one place of the archive."""

    device: Device
    task: Task | None = None


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

    def is_here(self, device: Device) -> bool:
        """Whether this very device is still polled."""
        return self.devices.get(device.settings.file) is device

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

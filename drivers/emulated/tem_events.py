"""Event archives of emulated ТЭМ meters: circles of 16-byte slots that note a word of states before and after."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

SLOT = 16
GOOD, EMPTY, DAMAGED = "good", "empty", "damaged"
Pack = Callable[[datetime, int, int], bytes]
"""Moment, states before, states after -> the bytes of a slot."""


class Noted(NamedTuple):
    """One event as it was written; `condition` is "good", "empty" (erased since) or "damaged"."""

    place: int
    condition: str
    made: datetime
    before: int
    after: int


class EventLog:
    """One circle of events in a flash: slots `first` … `first + count - 1`, counted from the start of the flash.

    `bits` are the states that come and go. `number` events are there already, the newest some minutes old.
    """

    def __init__(self, flash: bytearray, first: int, count: int, bits: tuple[int, ...], pack: Pack) -> None:
        self.first = first
        self.count = count
        self.next_place = first
        self.states = 0
        self._flash = flash
        self._bits = bits
        self._pack = pack
        self._noted: deque[Noted] = deque(maxlen=count)

    def fill(self, random: Random, number: int, now: datetime) -> None:
        """History up to `now`. A full circle may begin anywhere."""
        if number >= self.count:
            self.next_place += random.randrange(self.count)
        pauses_s = [random.randrange(60, 12 * 3600) for _ in range(number)]
        made = now - timedelta(seconds=sum(pauses_s))
        for pause_s in pauses_s:
            self.note(made, self.states ^ random.choice(self._bits))
            made += timedelta(seconds=pause_s)

    def note(self, made: datetime, after: int) -> None:
        """The states have become `after`."""
        self._put(self.next_place, self._pack(made, self.states, after))
        self._noted.append(Noted(self.next_place, GOOD, made, self.states, after))
        self.states = after
        self.next_place = self.first + (self.next_place + 1 - self.first) % self.count

    def events(self) -> list[Noted]:
        """What the circle holds, oldest first."""
        return list(self._noted)

    def erase(self, age: int) -> None:
        """The event `age` before the newest is gone."""
        self._spoil(age, EMPTY, b"\xff" * SLOT)

    def damage(self, age: int) -> None:
        """A bit of the states of the event `age` before the newest has turned over."""
        at = self._noted[-1 - age].place * SLOT
        self._spoil(age, DAMAGED, bytes((*self._flash[at : at + 6], self._flash[at + 6] ^ 0x10)))

    def _spoil(self, age: int, condition: str, data: bytes) -> None:
        event = self._noted[-1 - age]
        self._noted[len(self._noted) - 1 - age] = event._replace(condition=condition)
        self._put(event.place, data)

    def _put(self, place: int, data: bytes) -> None:
        self._flash[place * SLOT : place * SLOT + len(data)] = data

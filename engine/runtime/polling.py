"""Whether devices are polled at all: `AutoPoll=` of the settings, and what `pause` and `resume` said since.

A command holds until its time is over, another one comes, or AutoPoll is changed; also over a restart (#41).
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from engine import files, naming
from engine.command.words import duration_text
from engine.formats.status import moment_text

PATH = f"{naming.VAR}/polling.json"
LIMIT_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Said:
    """What a command said while AutoPoll was `auto_poll`; `for_s` 0 until further notice.

    `until` is the wall clock of its end, None when that could not be known.
    """

    on: bool
    auto_poll: bool
    for_s: int = 0
    until: datetime | None = None


class Polling:
    """Used by the main thread. `now_s` is monotonic; `now` the wall clock, None while it is not to be believed."""

    def __init__(self, root: Path) -> None:
        self._path = root / PATH
        self._auto_poll = True
        self._loaded = False
        self._said: Said | None = None
        self._end_s: float | None = None
        self.by_hand: frozenset[str] = frozenset()
        """Device files that a command reads while nothing else is polled."""
        self.only_by_hand = False
        """Nothing but what a command reads: for one command without a running agent."""

    def set_auto_poll(self, auto_poll: bool, now_s: float, now: datetime | None) -> None:
        """What the settings say from now on; a command that was given under another value is over."""
        self._auto_poll = auto_poll
        if not self._loaded:
            self._loaded = True
            self._load(now_s, now)
        if self._said is not None and self._said.auto_poll != auto_poll:
            with suppress(OSError):  # what is left on the disk names the other AutoPoll, and is passed over
                self._forget()

    @property
    def is_on(self) -> bool:
        """Whether every device that is switched on is polled."""
        return not self.only_by_hand and (self._said.on if self._said else self._auto_poll)

    def polls(self, file: str) -> bool:
        """Whether this device is polled now."""
        return self.is_on or file in self.by_hand

    def pause(self, for_s: int | None, now_s: float, now: datetime | None) -> None:
        """Poll nothing from now on. Raises OSError when that cannot be kept for the next start."""
        until = now + timedelta(seconds=for_s) if now and for_s else None
        self._say(Said(False, self._auto_poll, for_s or 0, until), now_s + for_s if for_s else None)

    def resume(self) -> None:
        """Poll from now on, whatever AutoPoll says. Raises OSError when that cannot be kept for the next start."""
        if self._auto_poll:
            self._forget()
        else:
            self._say(Said(True, self._auto_poll), None)

    def is_over(self, now_s: float) -> bool:
        """True once, when a pause has come to its end."""
        if self._end_s is None or now_s < self._end_s:
            return False
        with suppress(OSError):  # it is over all the same, and over again after a restart
            self._forget()
        return True

    def warnings(self) -> list[str]:
        """What `status.txt` tells of it."""
        if self.is_on or self.only_by_hand:
            return []
        if self._said is None:
            return ["опрос приборов выключен: AutoPoll=0; включает AutoPoll=1 или команда resume"]
        if not self._said.for_s:
            return ["опрос приборов выключен командой pause; включает команда resume"]
        until = self._said.until
        lasts = f"до {moment_text(until)}" if until else f"на {duration_text(self._said.for_s)}"
        return [f"опрос приборов выключен командой pause {lasts}; включает команда resume"]

    def _say(self, said: Said, end_s: float | None) -> None:
        self._said, self._end_s = said, end_s
        told = {**asdict(said), "until": said.until.isoformat() if said.until else None}
        files.write_whole(self._path, json.dumps(told).encode(), synced=True)

    def _forget(self) -> None:
        self._said = self._end_s = None
        files.remove(self._path)

    def _load(self, now_s: float, now: datetime | None) -> None:
        with suppress(OSError, ValueError, KeyError, TypeError):
            told = json.loads(files.read_limited(self._path, LIMIT_BYTES))
            until = datetime.fromisoformat(told["until"]) if told["until"] else None
            said = Said(bool(told["on"]), bool(told["auto_poll"]), int(told["for_s"]), until)
            if said.for_s:
                left_s = _left_s(said, now)
                said = replace(said, until=now + timedelta(seconds=left_s) if now else None)
                self._end_s = now_s + left_s
            self._said = said


def _left_s(said: Said, now: datetime | None) -> float:
    """What is left of a pause; all of it where the clock cannot tell, never more."""
    if now is None or said.until is None:
        return said.for_s
    return min(max((said.until - now).total_seconds(), 0.0), said.for_s)

"""What is to be done at this moment. Time is an argument; durations are monotonic seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
LONGEST_RESTART_S = 300.0
CALM_S = 3600.0
"""A thread that ran so long is started again soon, whatever happened before."""
EARLIEST_YEAR = 2026
"""A clock that shows an earlier year was never set: this program did not exist."""
LATEST_YEAR = 2098
"""The two digits of a year in the files end with 2099, in any time zone."""


def growing_pause(failures: int, first_s: float = FIRST_PAUSE_S, longest_s: float = LONGEST_PAUSE_S) -> float:
    """Seconds to wait after so many failures in a row: doubling from `first_s` up to `longest_s`."""
    return min(first_s * 2.0 ** min(failures - 1, 30), longest_s) if failures > 0 else 0.0


def answer_wait(first_s: float, attempt: int, longest_s: float = 5.0) -> float:
    """How long the first byte of an answer may take at this attempt, counted from 0 (formats guide, section 3)."""
    return max(first_s, min(first_s * 2.0 ** min(attempt, 30), longest_s))


def clock_is_plausible(now: datetime) -> bool:
    """Whether the host's clock may be used for stamps: boards without a battery start in 1970, or anywhere."""
    return EARLIEST_YEAR <= now.year <= LATEST_YEAR


def next_turn(due_at_s: float, now_s: float, interval_s: float) -> float:
    """The next turn of a regular job that was due at `due_at_s`. Turns that were missed are skipped, not queued."""
    missed = max(0.0, (now_s - due_at_s) // interval_s)
    return due_at_s + (missed + 1) * interval_s


@dataclass
class Moment:
    """Something that happened at `at_s` (monotonic), maybe before anybody knew what time it was."""

    at_s: float
    told: datetime | None = None

    def when(self, now: datetime | None, now_s: float) -> datetime | None:
        """The wall clock of then, by the first clock that could be believed; None before there is one."""
        if self.told is None and now is not None:
            self.told = now - timedelta(seconds=now_s - self.at_s)
        return self.told


@dataclass
class LineShare:
    """Shares one line between readings and archives: while records are missing they have at least half of it."""

    readings_s: float = 0.0
    archive_s: float = 0.0

    def archive_first(self) -> bool:
        """Whether the archive has had less than its half since it began to lag."""
        return self.archive_s < self.readings_s

    def used(self, spent_s: float, *, archive: bool) -> None:
        if archive:
            self.archive_s += spent_s
        else:
            self.readings_s += spent_s

    def archive_is_complete(self) -> None:
        self.readings_s = self.archive_s = 0.0


@dataclass
class Restarts:
    """When a thread that ended unexpectedly is started again: later and later. `count` is how often it ended so."""

    count: int = 0
    due_at_s: float | None = None
    in_a_row: int = 0
    last_s: float = -math.inf

    def crashed(self, now_s: float) -> None:
        self.in_a_row = self.in_a_row + 1 if now_s - self.last_s < CALM_S else 1
        self.count, self.last_s = self.count + 1, now_s
        self.due_at_s = now_s + growing_pause(self.in_a_row, longest_s=LONGEST_RESTART_S)

    def is_due(self, now_s: float) -> bool:
        """True once for each crash, when its pause is over."""
        if self.due_at_s is None or now_s < self.due_at_s:
            return False
        self.due_at_s = None
        return True

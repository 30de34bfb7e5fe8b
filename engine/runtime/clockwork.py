"""Calendar jobs by `schedule`: only what may be late, doubled or left out without harm.

`schedule` knows the host's local time alone, so a step of it would fire everything at once, or stall everything:
what was left to wait for each job before a step is left after it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import schedule

STEP_S = 2.0
_EPOCH = datetime(1970, 1, 1)


class Clockwork:
    """Jobs of one agent, each with its period in seconds. Run by the main thread."""

    def __init__(self, jobs: Mapping[Callable[[], None], int]) -> None:
        self._scheduler = schedule.Scheduler()
        for job, period_s in jobs.items():
            self._scheduler.every(period_s).seconds.do(job)
        self._offset_s = _offset_s()

    def tick(self) -> None:
        """Run what is due."""
        offset_s = _offset_s()
        if abs(offset_s - self._offset_s) > STEP_S:
            self._shift(timedelta(seconds=offset_s - self._offset_s))
        self._offset_s = offset_s
        self._scheduler.run_pending()

    def _shift(self, step: timedelta) -> None:
        for job in self._scheduler.jobs:
            if job.next_run is not None:
                job.next_run += step


def _offset_s() -> float:
    """Of the local time that `schedule` goes by, summer time and all."""
    return (datetime.now() - _EPOCH).total_seconds() - time.monotonic()

"""Calendar jobs by `schedule`: only what may be late, doubled or left out without harm.

`schedule` knows the wall clock alone, so a step of it would fire everything at once, or stall everything:
after a step all jobs are set up anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import schedule

STEP_S = 2.0


class Clockwork:
    """Jobs of one agent, each with its period in seconds. Run by the main thread."""

    def __init__(self, jobs: Mapping[Callable[[], None], int]) -> None:
        self._jobs = jobs
        self._offset_s = _offset_s()
        self._scheduler = self._set_up()

    def tick(self) -> None:
        """Run what is due."""
        offset_s = _offset_s()
        if abs(offset_s - self._offset_s) > STEP_S:
            self._scheduler = self._set_up()
        self._offset_s = offset_s
        self._scheduler.run_pending()

    def _set_up(self) -> schedule.Scheduler:
        scheduler = schedule.Scheduler()
        for job, period_s in self._jobs.items():
            scheduler.every(period_s).seconds.do(job)
        return scheduler


def _offset_s() -> float:
    return time.time() - time.monotonic()

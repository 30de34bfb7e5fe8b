"""When a letter that failed is tried again, and when one that is new goes meanwhile. Pure."""

from __future__ import annotations

import math

from engine.due import growing_pause

FIRST_PAUSE_S = 60.0
"""Nothing goes so soon after a failure, not even a letter that is new: it may be the server that failed."""
LONGEST_PAUSE_S = 3600.0


class Pauses:
    """Of all letters together: they share one server. `attempts` counts the failures of one letter."""

    def __init__(self) -> None:
        self._rest_s = self._due_s = -math.inf

    def allow(self, attempts: int, now_s: float) -> bool:
        """Whether it may be sent now. One that no server takes does not stop those that are new."""
        return now_s >= (max(self._rest_s, self._due_s) if attempts else self._rest_s)

    def until(self, moment_s: float) -> None:
        """Nothing goes before, all may go then."""
        self._rest_s = self._due_s = moment_s

    def heard(self, failures: int, now_s: float) -> None:
        """A letter failed, this often by now, if only for one of its recipients; 0: it went, and so may the others."""
        pause_s = growing_pause(failures, FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self._rest_s, self._due_s = now_s + min(pause_s, FIRST_PAUSE_S), now_s + pause_s

"""A thread with a name and an end. An error that nobody expected is told to the runtime, never swallowed."""

from __future__ import annotations

import math
import threading
import time
import traceback
from collections.abc import Callable

HANG_S = 120.0
"""A thread whose sign of life is overdue by so long does not come back by itself."""


class Worker(threading.Thread):
    """Base of every thread of the agent. A subclass does its work in `work()` until `stopping` is set.

    One that gives signs of life says with each when the next is due, so that a wait is no hang (`hangs`).
    """

    def __init__(self, name: str, crashed: Callable[[str, str], None]) -> None:
        super().__init__(name=name, daemon=True)
        self.stopping = threading.Event()
        self._crashed = crashed
        self._sign_due_s = math.inf

    def work(self) -> None:
        raise AssertionError("a worker has its work")

    def run(self) -> None:
        try:
            self.work()
        except Exception:  # the one place for what nobody expected: the runtime tells it and starts anew
            self._crashed(self.name, traceback.format_exc())

    def give_sign(self, wait_s: float = 0.0) -> None:
        """Called by the thread itself: it lives, and what it does now takes `wait_s` seconds at most."""
        self._sign_due_s = time.monotonic() + wait_s + HANG_S

    def hangs(self, now_s: float) -> bool:
        """Whether the thread runs and has not kept its word. `now_s` is monotonic; never true of one that gave none."""
        return self.is_alive() and now_s > self._sign_due_s

    def stop(self) -> None:
        """Ask the thread to end; `join` waits for it."""
        self.stopping.set()

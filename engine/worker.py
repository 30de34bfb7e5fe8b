"""A thread with a name and an end. An error that nobody expected is told to the runtime, never swallowed."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable


class Worker(threading.Thread):
    """Base of every thread of the agent. A subclass does its work in `work()` until `stopping` is set."""

    def __init__(self, name: str, crashed: Callable[[str, str], None]) -> None:
        super().__init__(name=name, daemon=True)
        self.stopping = threading.Event()
        self._crashed = crashed

    def work(self) -> None:
        raise AssertionError("a worker has its work")

    def run(self) -> None:
        try:
            self.work()
        except Exception:  # the one place for what nobody expected: the runtime tells it and starts anew
            self._crashed(self.name, traceback.format_exc())

    def stop(self) -> None:
        """Ask the thread to end; `join` waits for it."""
        self.stopping.set()

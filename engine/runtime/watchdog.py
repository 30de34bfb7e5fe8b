"""systemd's watchdog: pinged only while the main loop turns and no line and no delivery hangs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence

from engine.notify import ALIVE, READY, STOPPING, Notifier, watchdog_s
from engine.runtime.part import House, Part
from engine.worker import Worker


class Watchdog(Part):
    """`workers` gives every thread whose hanging is worth a restart. The main loop pings, so it need not be watched."""

    def __init__(
        self, house: House, workers: Callable[[], Iterable[Worker]], environment: Mapping[str, str] = os.environ
    ) -> None:
        super().__init__(house)
        self._workers = workers
        self._notifier = Notifier(environment.get("NOTIFY_SOCKET", ""))
        self._period_s = watchdog_s(environment, os.getpid()) / 2
        self._ready = False
        self._ping_at_s = float("-inf")
        self._hung: tuple[str, ...] = ()

    def tick(self, now_s: float) -> None:
        """Tell once that the agent is up, then ping by half of the time that is given."""
        if not self._ready:
            self._ready = True
            self._notifier.tell(READY)
        self._look(now_s)
        if self._period_s and not self._hung and now_s >= self._ping_at_s:
            self._ping_at_s = now_s + self._period_s
            self._notifier.tell(ALIVE)

    def stop(self) -> None:
        """From now on silence means nothing."""
        self._notifier.tell(STOPPING)

    def warnings(self) -> Sequence[str]:
        """Which threads hang, and what follows."""
        then = "systemd перезапустит агента" if self._period_s else "перезапустите агента"
        return [f"поток «{name}» завис: {then}" for name in self._hung]

    def _look(self, now_s: float) -> None:
        hung = tuple(worker.name for worker in self._workers() if worker.hangs(now_s))
        for name in hung:
            if name not in self._hung:
                self.house.journal(f"поток «{name}» завис")
        for name in self._hung:
            if name not in hung:
                self.house.journal(f"поток «{name}» снова работает")
        self._hung = hung

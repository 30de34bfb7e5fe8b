"""All archives of one device, read one place at a time: what to read next, and how far they are. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.archive.findings import Finding, Task
from engine.archive.ring_walk import RingWalk
from engine.dialogue import Fetched, Mark, Ring
from engine.model import RecType


class Catchup:
    """All archives of one device: the walk of each ring in turn, and how far they are.

    `walks` are those of the only ring of each type; `more` makes the walk of a further ring when it is met.
    """

    def __init__(self, walks: Mapping[RecType, RingWalk], more: Callable[[Ring], RingWalk] | None = None) -> None:
        self.walks: dict[str, RingWalk] = {str(key): walk for key, walk in walks.items()}
        self.total = 0
        self._more = more

    def refresh(self, rings: tuple[Ring, ...]) -> list[Finding]:
        """Take the rings as they are now; archives that nobody asked for are left alone."""
        for ring in rings:
            if self._more and ring.number and ring.rec_type in self.walks and ring.key not in self.walks:
                self.walks[ring.key] = self._more(ring)
        known = [ring for ring in rings if ring.key in self.walks]
        findings = [finding for ring in known for finding in self.walks[ring.key].refresh(ring)]
        self.total = max(self.total, self.remaining) if self.remaining else 0
        return findings

    def retry_damaged(self) -> None:
        for walk in self.walks.values():
            walk.retry_damaged()

    @property
    def remaining(self) -> int:
        """Places that have still to be looked at."""
        return sum(walk.remaining for walk in self.walks.values())

    def task(self) -> Task | None:
        """What to read next: first the newest record of each archive, then hours, the soonest to be written over."""
        in_order = sorted(self.walks.values(), key=lambda walk: walk.opened)
        return next((task for walk in in_order if (task := walk.task())), None)

    def answer(self, task: Task, result: Fetched | Mark) -> list[Finding]:
        """What follows from the answer to `task`; one that a refresh, or another catch-up, overtook is passed over."""
        walk = self.walks.get(task.ring.key)
        if walk is None or walk.task() != task:
            return []
        findings = walk.answer(result)
        self.total = max(self.total, self.remaining)
        return findings

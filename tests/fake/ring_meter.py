"""A meter's archive as a plain list: what a ring walk reads, without frames and without a driver."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from engine.archive.findings import Finding, Task
from engine.archive.ring_walk import RingWalk
from engine.dialogue import Condition, Fetched, Mark, Ring
from engine.model import Record, RecType

BEGIN = datetime(2018, 9, 1)


@dataclass
class RingMeter:
    """Writes one record an hour into `count` places from `first` on."""

    count: int
    first: int = 10
    rec_type: RecType = RecType.HOUR
    places: dict[int, Record | None] = field(default_factory=dict)
    damaged: set[int] = field(default_factory=set)
    next_place: int = 0
    written: list[Record] = field(default_factory=list)
    clock: datetime = BEGIN
    powered_h: float = 0.0
    fetched: list[int] = field(default_factory=list)
    probed: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.next_place = self.first

    def write(self, records: int = 1, hours: int = 1) -> None:
        """Write so many records, the meter's clock going on by `hours` for each."""
        for _ in range(records):
            self.clock += timedelta(hours=hours)
            self.powered_h += 1.0
            values = {"Q1": self.powered_h * 2, "Tall": self.powered_h}
            record = Record(self.rec_type, self.clock, (values,))
            self.places[self.next_place] = record
            self.damaged.discard(self.next_place)
            self.written.append(record)
            self.next_place = self.first + (self.next_place + 1 - self.first) % self.count

    def ring(self) -> Ring:
        return Ring(self.rec_type, self.first, self.count, self.next_place)

    def held(self) -> list[Record]:
        """What the meter still has, oldest first."""
        order = [self.ring().after(self.next_place, step) for step in range(self.count)]
        found = [self.places.get(place) for place in order if place not in self.damaged]
        return [record for record in found if record is not None]

    def answer(self, task: Task) -> Fetched | Mark:
        record = self.places.get(task.place)
        if task.probe:
            self.probed.append(task.place)
            if record is None or task.place in self.damaged:
                return Mark(None)
            return Mark(record.stamp, float(str(record.systems[0]["Tall"])))
        self.fetched.append(task.place)
        if task.place in self.damaged:
            return Fetched(Condition.DAMAGED, reason="контрольная сумма записи")
        return Fetched(Condition.GOOD, record) if record else Fetched(Condition.EMPTY)

    def walk(self, walk: RingWalk, most: int = 10_000) -> list[Finding]:
        """Answer the walk until it wants nothing more, or `most` times."""
        findings = walk.refresh(self.ring())
        for _ in range(most):
            task = walk.task()
            if task is None:
                break
            findings += walk.answer(self.answer(task))
        return findings

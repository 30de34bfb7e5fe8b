"""Catch-up: which records of a meter's archive are missing, and which one to read next. No port, no file, no clock.

What is missing is decided by the place in the meter's ring and the stamp that is read there, never by
"newer than the newest": a stamp from the future, or a clock that was set back, must not blind us.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Mapping
from datetime import datetime

from engine.archive.findings import Cursor, Damaged, Finding, Found, Healed, Newest, Passed, Task, is_later, mark_of
from engine.archive.growth import with_growth
from engine.dialogue import Condition, Fetched, Mark, Ring
from engine.formats.gaps import stamp_after
from engine.formats.values import stamp_fits
from engine.model import Entry, RecType

SHOWN = (RecType.HOUR, RecType.DAY)
"""The archives whose newest record stands in the snapshot: read first on contact."""

WRONG_SUM = "контрольная сумма записи"

MOST_WRITTEN_SINCE = 2
"""So many records at most are looked for that the meter may have written since its pointer was read."""

Steps = Generator[Task, Fetched | Mark, None]


class RingWalk:
    """One ring, walked from the oldest missing record to the newest.

    `cursor` is where the last walk stopped, None for the first one; `known` tells whether a record with
    this mark is stored already, None when nothing is stored yet; `damaged` are places to be tried again,
    each with the stamp that it should bear.
    """

    def __init__(
        self,
        cursor: Cursor | None,
        known: Callable[[Mark], bool] | None,
        damaged: Mapping[int, datetime | None] | None = None,
    ) -> None:
        self.remaining = 0
        self.damaged = dict(damaged or {})
        self._cursor = cursor
        self._known = known
        self._ring: Ring | None = None
        self._walked = False
        self._probing = False
        self._before: Entry | None = None
        self._before_unread = False
        self._expected: datetime | None = None
        self._last_stamp: datetime | None = None
        self._shown_place: int | None = None
        self._read: dict[int, Fetched] = {}
        self._met: Counter[Condition] = Counter()
        self._retries: list[int] = []
        self._findings: list[Finding] = []
        self._steps: Steps | None = None
        self._task: Task | None = None

    def refresh(self, ring: Ring) -> list[Finding]:
        """Take the ring as it is now: places that were written since are added to what is missing."""
        old, self._ring = self._ring, ring
        if old is None or (old.first, old.count) != (ring.first, ring.count):
            self._begin(ring)
        else:
            self._extend(old, ring)
        return self._go_on(None)

    def retry_damaged(self) -> None:
        """Try every damaged place once more, after everything that is missing."""
        self._retries = list(self.damaged)
        if self._ring is not None:
            self._go_on(None)

    @property
    def opened(self) -> bool:
        """Whether the newest records were read and it is known what is missing."""
        return self._walked

    def task(self) -> Task | None:
        """What to read next; None when nothing is missing."""
        return self._task

    def answer(self, result: Fetched | Mark) -> list[Finding]:
        """What follows from the answer to `task()`."""
        return self._go_on(result)

    def _go_on(self, result: Fetched | Mark | None) -> list[Finding]:
        """Let the walk take its next step; with no result only a walk that stands still is set going."""
        if result is None and self._task is not None:
            return self._told()
        if self._steps is None:
            self._steps = self._walk()
            result = None
        try:
            self._task = next(self._steps) if result is None else self._steps.send(result)
        except StopIteration:
            self._steps, self._task = None, None
        return self._told()

    def _told(self) -> list[Finding]:
        findings, self._findings = self._findings, []
        return findings

    def _begin(self, ring: Ring) -> None:
        self._steps, self._task = None, None
        self._walked, self._read, self.remaining = False, {}, 0
        places = range(ring.first, ring.first + ring.count)
        if self._cursor and self._cursor.place not in places:
            self._cursor = None
        self.damaged = {place: stamp for place, stamp in self.damaged.items() if place in places}
        self._retries = [place for place in self._retries if place in places]

    def _extend(self, old: Ring, ring: Ring) -> None:
        written = (ring.next_place - old.next_place) % ring.count
        for step in range(written):
            self._forget(old.after(old.next_place, step))
        if self._walked:
            self.remaining += written
        if self.remaining > ring.count:
            self.remaining = ring.count
            self._before, self._before_unread, self._expected = None, False, None

    def _forget(self, place: int) -> None:
        """The meter has written over this place."""
        self._read.pop(place, None)
        self.damaged.pop(place, None)
        self._retries = [other for other in self._retries if other != place]

    def _here(self) -> Ring:
        assert self._ring is not None, "a walk begins with its ring"
        return self._ring

    # --- the walk as a generator: what it yields is read from the meter, maybe much later

    def _walk(self) -> Steps:
        if not self._walked:
            yield from self._show_newest()
            yield from self._find_beginning()
        while self.remaining:
            if self.remaining > 1:
                yield from self._show_newest()
            yield from self._walk_one()
        while self._retries:
            yield from self._retry(self._retries.pop())

    def _get(self, place: int) -> Generator[Task, Fetched | Mark, Fetched]:
        if place not in self._read:
            fetched = yield Task(self._here(), place)
            assert isinstance(fetched, Fetched), "a task without probe is answered by a whole record"
            self._read[place] = fetched
            self._met[fetched.condition] += 1
        return self._judged(self._read[place])

    def _judged(self, fetched: Fetched) -> Fetched:
        """A sum that does not fit is damage where those of most others do: only some meters reckon it otherwise."""
        if fetched.condition is Condition.UNSUMMED and self._met[Condition.GOOD] >= self._met[Condition.UNSUMMED]:
            return Fetched(Condition.DAMAGED, reason=WRONG_SUM)
        return fetched

    def _show_newest(self) -> Steps:
        """Read the newest record, and the one before it for the growth. Once for each newest place."""
        ring = self._here()
        newest = ring.after(ring.next_place, -1)
        if ring.rec_type not in SHOWN or self._shown_place == newest:
            return
        self._shown_place = newest
        before = yield from self._get(ring.after(newest, -1))
        fetched = yield from self._get(newest)
        if fetched.record is not None:
            self._findings.append(Newest(with_growth(fetched.record, before.record)))

    def _find_beginning(self) -> Steps:
        cursor = self._cursor
        if cursor is not None:
            fetched = yield from self._get(self._here().after(cursor.place, -1))
            if mark_of(fetched) == cursor.mark:
                self._start((self._here().next_place - cursor.place) % self._here().count, fetched.record)
                return
        missing = yield from self._written()
        self._probing = self._known is not None
        self._start(missing, None)

    def _written(self) -> Generator[Task, Fetched | Mark, int]:
        """How many places were written when the pointer was read; the ones at the pointer may have been since.

        One empty place is no proof that the ring has not come round yet: flash is erased ahead.
        """
        asked, since = self._here(), 0
        newest = yield from self._get(asked.after(asked.next_place, -1))
        oldest = yield from self._get(asked.next_place)
        while since < MOST_WRITTEN_SINCE and is_later(oldest, newest):
            since += 1
            oldest = yield from self._get(asked.after(asked.next_place, since))
        last = yield from self._get(asked.first + asked.count - 1)
        ring = self._here()
        if last.condition is Condition.EMPTY and Condition.EMPTY in (oldest.condition, newest.condition):
            return ring.next_place - ring.first
        return ring.count - max(0, since - (ring.next_place - asked.next_place) % ring.count)

    def _start(self, remaining: int, before: Entry | None) -> None:
        self._walked, self.remaining = True, remaining
        self._before, self._before_unread = before, False
        self._last_stamp = before.stamp if before else None
        self._expect_after(before.stamp if before else None)

    def _expect_after(self, stamp: datetime | None) -> None:
        """What the next record should bear; events come when they come."""
        ring = self._here()
        regular = ring.regular and ring.rec_type is not RecType.EVENT
        expected = stamp_after(ring.rec_type, stamp) if stamp and regular else None
        self._expected = expected if expected and stamp_fits(expected) else None

    def _walk_one(self) -> Steps:
        place = self._oldest_missing()
        if self._probing:
            mark = yield from self._mark(place)
            if mark.stamp is not None and self._known is not None and self._known(mark):
                self._pass_known(place, mark)
                return
        if self._before_unread:
            before = yield from self._get(self._here().after(place, -1))
            self._before, self._before_unread = before.record, False
        fetched = yield from self._get(place)
        if place == self._oldest_missing():
            self._deal_with(place, fetched)

    def _mark(self, place: int) -> Generator[Task, Fetched | Mark, Mark]:
        if place in self._read:
            return mark_of(self._read[place])
        if self._here().rec_type is RecType.EVENT:
            return mark_of((yield from self._get(place)))  # its stamp alone does not tell one event from another
        mark = yield Task(self._here(), place, probe=True)
        assert isinstance(mark, Mark), "a probe is answered by a mark"
        return mark

    def _oldest_missing(self) -> int:
        ring = self._here()
        return ring.after(ring.next_place, -self.remaining)

    def _step_over(self, place: int, mark: Mark) -> Cursor:
        ring = self._here()
        self.remaining -= 1
        self._forget_passed(ring)
        self._cursor = Cursor(ring.after(place), mark, ring.key if ring.number else "")
        return self._cursor

    def _forget_passed(self, ring: Ring) -> None:
        """Hold only what is still ahead, and the newest two for the snapshot."""
        kept = max(self.remaining, 2)
        self._read = {
            place: fetched for place, fetched in self._read.items() if (ring.next_place - place) % ring.count <= kept
        }

    def _pass_known(self, place: int, mark: Mark) -> None:
        cursor = self._step_over(place, mark)
        self._before, self._before_unread = None, True
        self._last_stamp = mark.stamp
        self._expect_after(mark.stamp)
        self._findings.append(Passed(self._here().rec_type, cursor))

    def _deal_with(self, place: int, fetched: Fetched) -> None:
        cursor = self._step_over(place, mark_of(fetched))
        if fetched.record is not None:
            self._store(fetched.record, cursor, fetched.condition)
        elif fetched.condition is Condition.DAMAGED:
            self._note_damage(place, fetched.reason, cursor)
        else:
            self._findings.append(Passed(self._here().rec_type, cursor))
        self._before = fetched.record

    def _store(self, record: Entry, cursor: Cursor, condition: Condition) -> None:
        unsummed = condition is Condition.UNSUMMED
        grown, newest = with_growth(record, self._before), not self.remaining
        found = Found(grown, cursor, self._last_stamp, unsummed, newest, self._here().regular)
        self._findings.append(found)
        self._last_stamp = record.stamp
        self._expect_after(record.stamp)

    def _note_damage(self, place: int, reason: str, cursor: Cursor) -> None:
        rec_type = self._here().rec_type
        self.damaged[place] = self._expected
        self._findings.append(Damaged(rec_type, place, self._expected, reason, cursor))
        self._expect_after(self._expected)

    def _retry(self, place: int) -> Steps:
        self._read.pop(place, None)
        before = yield from self._get(self._here().after(place, -1))
        fetched = yield from self._get(place)
        if fetched.record is not None and place in self.damaged:
            unsummed = fetched.condition is Condition.UNSUMMED
            stamp = self.damaged.pop(place)
            self._findings.append(Healed(with_growth(fetched.record, before.record), place, stamp, unsummed))

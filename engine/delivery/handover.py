"""How drops are handed over in one session with a server: the order of the steps is the promise.

Build, see that the names are free, note the drop, store, rename and look again at every variant, strike the note out
(formats guide, section 7). Whatever breaks in between, the next session finds the note and sends the same records under
the same name, unless they stand there already. Sockets, files and clocks are somebody else's.

Another board with the same Number may do the same at the same moment, into the same `.part`. So nobody believes that
what he renamed was his: a drop counts as arrived when its size, and its bytes where they may be read, stand under the
final name. What else stands there is never touched; the records go on under a new count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from engine.delivery.cursor import Choice, Cursor, InFlight, Parcel
from engine.errors import DeliveryFailed, NameTaken
from engine.formats.drop import BadDrop, Drop, read_drop
from engine.naming import drop_name

DROP_LIMIT_BYTES = 16 << 20
"""A file on the server that is longer is no drop of ours."""
RIVALS = 3
"""So often in one go a drop gets another name; then it waits for the next turn."""
READINGS = 4
"""A server on which so many readings in a row broke the session, or gave something else, is not read any more."""
PART = ".part"

T = TypeVar("T")


class Session(Protocol):
    """What is asked of a server. All but `abort` and `close` raises `DeliveryFailed`, `clear` and `rename` also
    `NameTaken`, with the name that is another's."""

    def open(self) -> None: ...
    def exists(self, name: str) -> bool: ...
    def highest_seq(self, number: int) -> int | None: ...
    def clear(self, name: str, *, is_new: bool) -> None: ...
    def store(self, name: str, data: bytes) -> None: ...
    def rename(self, name: str, size: int) -> None: ...
    def size(self, name: str) -> int | None: ...
    def holds(self, name: str, data: bytes) -> bool | None: ...
    def fetch(self, name: str, limit: int) -> bytes | None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


class Outbox(Protocol):
    """What is asked of the archives. Everything raises `OSError`."""

    def backlog_bytes(self, positions: Mapping[str, int]) -> int: ...
    def gone(self, paths: Iterable[str]) -> frozenset[str]: ...
    def choose(self, positions: Mapping[str, int]) -> Choice: ...
    def build(self, drop: InFlight) -> Parcel: ...


class Logbook(Protocol):
    """Where the cursor is kept. `note` returns when it is on the disk, or raises `OSError` and nothing has changed.

    `is_new`: the server has no cursor on the disk yet.
    """

    @property
    def cursor(self) -> Cursor: ...
    @property
    def is_new(self) -> bool: ...
    def note(self, cursor: Cursor) -> None: ...


@dataclass(slots=True)
class Memory:
    """What one process knows of a server beyond its cursor, from session to session; nothing after a crash.

    `unsent`: final names for which nothing was sent yet; `unnamed`: those whose renaming was not asked for yet.
    `broken_readings`: how many in a row broke the session or did not give back what was sent.
    """

    unsent: set[str] = field(default_factory=set)
    unnamed: set[str] = field(default_factory=set)
    broken_readings: int = 0

    def begin(self, drop: InFlight) -> None:
        """These names were free, and nothing was done with them."""
        self.unsent, self.unnamed = set(_names(drop)), set(_names(drop))

    @property
    def reads(self) -> bool:
        return self.broken_readings < READINGS


@dataclass(frozen=True, slots=True)
class _Flight:
    """A drop that is noted, and which of its variants are still to be sent."""

    drop: InFlight
    owed: tuple[str, ...]
    parcel: Parcel


class Handover:
    """The drops of one server in one session.

    `count_start` gives the text that says when a count begins that begins now. `notices` is told what happened to
    records on this side, in Russian. `memory` is that of the process.
    """

    def __init__(
        self,
        number: int,
        variants: tuple[str, ...],
        *,
        session: Session,
        outbox: Outbox,
        logbook: Logbook,
        memory: Memory,
        count_start: Callable[[], str],
        notices: Callable[[tuple[str, ...]], None],
    ) -> None:
        self._number = number
        self._variants = variants
        self._session = session
        self._outbox = outbox
        self._logbook = logbook
        self._memory = memory
        self._count_start = count_start
        self._notices = notices

    def deliver_next(self) -> bool:
        """Bring one drop to its end: the one in flight, else a new one. Returns whether to go on at once."""
        drop, more = self._logbook.cursor.in_flight, True
        if drop is None:
            flight, more = self._launch()
        else:
            flight = self._resume(drop)
        for _ in range(RIVALS):
            try:
                self._send(flight.drop, flight.owed, flight.parcel)
                return more
            except NameTaken as taken:
                flight = self._resume(self._logbook.cursor.in_flight or flight.drop, str(taken))
        self._send(flight.drop, flight.owed, flight.parcel)
        return more

    def _launch(self) -> tuple[_Flight, bool]:
        cursor = self._logbook.cursor
        cursor = cursor.without(self._outbox.gone(cursor.positions))
        cursor = cursor if cursor.start else replace(cursor, start=self._count_start())
        choice = self._outbox.choose(cursor.positions)
        self._notices(choice.notices)
        if self._logbook.is_new and (highest := self._session.highest_seq(self._number)):
            cursor = self._jumped(cursor, self._number, drop_name(self._number, highest, self._variants[0]))
        flying, drop = cursor.launch(self._number, self._variants, choice.ranges)
        parcel = self._outbox.build(drop)
        if taken := next(filter(self._session.exists, _names(drop)), None):
            flying, drop = self._jumped(cursor, self._number, taken).launch(self._number, self._variants, choice.ranges)
            parcel = self._outbox.build(drop)
        return self._noted(flying, drop, parcel), choice.more

    def _noted(self, flying: Cursor, drop: InFlight, parcel: Parcel) -> _Flight:
        """A drop whose names are new to us."""
        drop = replace(drop, ranges=parcel.ranges, sizes=_sizes(drop, parcel, drop.variants))
        self._logbook.note(replace(flying, in_flight=drop))
        self._memory.begin(drop)
        return _Flight(drop, drop.variants, parcel)

    def _resume(self, drop: InFlight, taken: str = "") -> _Flight:
        """What of a noted drop is still to be sent. `taken` is the name that was seen to be another's."""
        parcel = self._outbox.build(drop)
        self._notices(parcel.notices)
        stands: dict[str, bool | None] = {}
        for variant in drop.variants:
            if taken == _name(drop, variant) + PART:
                stands[variant] = False
                continue
            # Sent in their order: behind one that somebody else has got there first with, none of ours was sent.
            stands[variant] = self._stands(drop, variant, parcel, overtaken=False in stands.values())
        owed = tuple(variant for variant in drop.variants if not stands[variant])
        foreign = [_name(drop, variant) for variant in owed if stands[variant] is False]
        kept = replace(drop, ranges=parcel.ranges, sizes=_sizes(drop, parcel, owed))
        if foreign:
            return self._renamed(kept, foreign[0], owed)
        if kept != drop:
            self._logbook.note(replace(self._logbook.cursor, in_flight=kept))
        return _Flight(kept, owed, parcel)

    def _renamed(self, drop: InFlight, taken: str, owed: tuple[str, ...]) -> _Flight:
        """The same records under a name of a new count, noted; only the variants that did not arrive."""
        jumped = self._jumped(replace(self._logbook.cursor, in_flight=None), drop.number, taken)
        flying, drop = jumped.launch(drop.number, owed, drop.ranges)
        return self._noted(flying, drop, self._outbox.build(drop))

    def _send(self, drop: InFlight, owed: tuple[str, ...], parcel: Parcel) -> None:
        for variant in owed:
            self._send_one(_name(drop, variant), parcel.contents[variant])
        self._logbook.note(self._logbook.cursor.landed())

    def _send_one(self, name: str, data: bytes) -> None:
        self._session.clear(name, is_new=name in self._memory.unsent)
        self._memory.unsent.discard(name)
        self._session.store(name, data)
        self._memory.unnamed.discard(name)
        self._session.rename(name, len(data))
        if self._memory.reads:
            held = self._read(lambda: self._session.holds(name, data))
            self._memory.broken_readings = 0 if held is not False else self._memory.broken_readings + 1
            if held is False:
                raise NameTaken(name)

    def _read(self, work: Callable[[], T]) -> T:
        """A reading, counted when it breaks the session: some lines take files and cannot give them back."""
        try:
            return work()
        except DeliveryFailed:
            self._memory.broken_readings += 1
            raise

    def _stands(self, drop: InFlight, variant: str, parcel: Parcel, *, overtaken: bool) -> bool | None:
        """Whether this variant has its final name; False when somebody else's drop has it, None when nobody's.

        In doubt it is somebody else's: then records may come once more under another name, but none is lost.
        """
        name = _name(drop, variant)
        if not self._session.exists(name):
            return None
        if overtaken:
            return False
        data = self._read(lambda: self._session.fetch(name, DROP_LIMIT_BYTES)) if self._memory.reads else None
        if data is not None:
            return _is_drop(data, drop, variant, parcel)
        # Nothing may be read there. The name was free when the drop was noted; one that was stored and not renamed
        # has left its `.part`.
        if name in self._memory.unnamed or self._session.exists(name + PART):
            return False
        sent = drop.size(variant)
        return sent is not None and self._session.size(name) == sent

    def _jumped(self, cursor: Cursor, number: int, taken: str) -> Cursor:
        """A new count above everything on the server that bears this Number."""
        highest = self._session.highest_seq(number)
        if highest is None:
            highest = self._highest_by_probing(number, cursor.seq)
        return cursor.jump(highest, self._count_start()).clashed(number, taken)

    def _highest_by_probing(self, number: int, seq: int) -> int:
        """Where a folder is not listed: the seq before a free one, looked for in growing steps."""
        step = 1
        while any(self._session.exists(drop_name(number, seq, variant)) for variant in self._variants):
            seq += step
            step *= 2
        return seq - 1


def _name(drop: InFlight, variant: str) -> str:
    return drop_name(drop.number, drop.seq, variant)


def _names(drop: InFlight) -> list[str]:
    return [_name(drop, variant) for variant in drop.variants]


def _sizes(drop: InFlight, parcel: Parcel, renewed: tuple[str, ...]) -> tuple[int, ...]:
    """By the order of the variants: what is sent now, else what was noted."""
    noted = {variant: drop.size(variant) or 0 for variant in drop.variants}
    return tuple(len(parcel.contents[name]) if name in renewed else noted[name] for name in drop.variants)


def _is_drop(data: bytes, drop: InFlight, variant: str, parcel: Parcel) -> bool:
    """Whether this is that drop. Two boards may have begun their counts in the same second: the records tell."""
    try:
        found = read_drop(data)
    except BadDrop:
        return False
    info = found.info
    if (info.number, info.seq, info.start, info.variant) != (drop.number, drop.seq, drop.start, variant):
        return False
    return parcel.ranges != drop.ranges or _same_records(found, read_drop(parcel.contents[variant]))


def _same_records(found: Drop, made: Drop) -> bool:
    """As far as they can be compared: settings may have changed the way of writing them."""
    return found.info != made.info or found.records == made.records

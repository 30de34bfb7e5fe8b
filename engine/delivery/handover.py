"""How drops are handed over in one session with a server: the order of the steps is the promise.

Build, see that the names are free, note the drop, send every variant, strike the note out (formats guide, section 7).
Whatever breaks in between, the next session finds the note and sends the same records under the same name, unless
they stand there already. Sockets, files and clocks are somebody else's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from engine.delivery.cursor import Choice, Cursor, InFlight, Parcel
from engine.formats.drop import BadDrop, read_drop
from engine.naming import drop_name

DROP_LIMIT_BYTES = 16 << 20
"""A file on the server that is longer is no drop of ours."""


class Session(Protocol):
    """What is asked of a server. All but `abort` and `close` raises `DeliveryFailed`, `send` also `NameTaken`."""

    def open(self) -> None: ...
    def exists(self, name: str) -> bool: ...
    def highest_seq(self, number: int) -> int | None: ...
    def send(self, name: str, data: bytes) -> None: ...
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


class Handover:
    """The drops of one server in one session.

    `count_start` gives the text that says when a count begins that begins now. `clash` is told that a Number is used
    by somebody else too, `notices` what happened to records on this side; both in Russian.
    """

    def __init__(
        self,
        number: int,
        variants: tuple[str, ...],
        *,
        session: Session,
        outbox: Outbox,
        logbook: Logbook,
        count_start: Callable[[], str],
        clash: Callable[[str], None],
        notices: Callable[[tuple[str, ...]], None],
    ) -> None:
        self._number = number
        self._variants = variants
        self._session = session
        self._outbox = outbox
        self._logbook = logbook
        self._count_start = count_start
        self._clash = clash
        self._notices = notices

    def deliver_next(self) -> bool:
        """Bring one drop to its end: the one in flight, else a new one. Returns whether to go on at once."""
        drop = self._logbook.cursor.in_flight
        if drop is None:
            return self._launch()
        self._repeat(drop)
        return True

    def _launch(self) -> bool:
        cursor = self._logbook.cursor
        cursor = cursor.without(self._outbox.gone(cursor.positions))
        cursor = cursor if cursor.start else replace(cursor, start=self._count_start())
        choice = self._outbox.choose(cursor.positions)
        self._notices(choice.notices)
        if self._logbook.is_new and (highest := self._session.highest_seq(self._number)):
            cursor = self._jumped(cursor, drop_name(self._number, highest, self._variants[0]))
        flying, drop = cursor.launch(self._number, self._variants, choice.ranges)
        parcel = self._outbox.build(drop)
        if taken := next(filter(self._session.exists, _names(drop)), None):
            flying, drop = self._jumped(cursor, taken).launch(self._number, self._variants, choice.ranges)
            parcel = self._outbox.build(drop)
        drop = replace(drop, ranges=parcel.ranges)
        self._logbook.note(replace(flying, in_flight=drop))
        self._send(drop, drop.variants, parcel)
        return choice.more

    def _repeat(self, drop: InFlight) -> None:
        cursor = self._logbook.cursor
        parcel = self._outbox.build(drop)
        self._notices(parcel.notices)
        if parcel.ranges != drop.ranges:
            drop = replace(drop, ranges=parcel.ranges)
            self._logbook.note(replace(cursor, in_flight=drop))
        stands: dict[str, bool | None] = {}
        for variant in drop.variants:
            # Sent in their order: behind one that somebody else has got there first with, none of ours was sent.
            stands[variant] = self._stands(drop, variant, overtaken=False in stands.values())
        owed = tuple(variant for variant in drop.variants if not stands[variant])
        if foreign := [_name(drop, variant) for variant in owed if stands[variant] is False]:
            drop, parcel = self._renamed(drop, foreign[0], owed)
        self._send(drop, owed, parcel)

    def _renamed(self, drop: InFlight, taken: str, owed: tuple[str, ...]) -> tuple[InFlight, Parcel]:
        """The same records under a name of a new count, noted; only the variants that did not arrive."""
        jumped = self._jumped(replace(self._logbook.cursor, in_flight=None), taken)
        flying, drop = jumped.launch(drop.number, owed, drop.ranges)
        parcel = self._outbox.build(drop)
        self._logbook.note(flying)
        return drop, parcel

    def _send(self, drop: InFlight, owed: tuple[str, ...], parcel: Parcel) -> None:
        for variant in owed:
            self._session.send(_name(drop, variant), parcel.contents[variant])
        self._logbook.note(self._logbook.cursor.landed())

    def _stands(self, drop: InFlight, variant: str, *, overtaken: bool) -> bool | None:
        """Whether this variant has its final name; False when somebody else's drop has it, None when nobody's."""
        name = _name(drop, variant)
        if not self._session.exists(name):
            return None
        if overtaken:
            return False
        data = self._session.fetch(name, DROP_LIMIT_BYTES)
        if data is None:
            # Nothing may be read there. The name was free when the drop was noted, and a drop that was sent but
            # not renamed has left its `.part`.
            return not self._session.exists(f"{name}.part")
        return _is_drop(data, drop, variant)

    def _jumped(self, cursor: Cursor, taken: str) -> Cursor:
        """A new count above everything on the server that bears this Number."""
        highest = self._session.highest_seq(self._number)
        if highest is None:
            highest = self._highest_by_probing(cursor.seq)
        cursor = cursor.jump(highest, self._count_start())
        self._clash(
            f"Number={self._number} на сервере уже занят: {taken} не из этого счёта (другой агент с тем же номером"
            f" или утрачен var/); счёт начат заново с {cursor.seq}"
        )
        return cursor

    def _highest_by_probing(self, seq: int) -> int:
        """Where a folder is not listed: the seq before a free one, looked for in growing steps."""
        step = 1
        while any(self._session.exists(drop_name(self._number, seq, variant)) for variant in self._variants):
            seq += step
            step *= 2
        return seq - 1


def _name(drop: InFlight, variant: str) -> str:
    return drop_name(drop.number, drop.seq, variant)


def _names(drop: InFlight) -> list[str]:
    return [_name(drop, variant) for variant in drop.variants]


def _is_drop(data: bytes, drop: InFlight, variant: str) -> bool:
    try:
        info = read_drop(data).info
    except BadDrop:
        return False
    return (info.number, info.seq, info.start, info.variant) == (drop.number, drop.seq, drop.start, variant)

"""The thread of one external server: when a session is due, and where its cursor is kept (formats guide, section 7)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from engine import files
from engine.delivery.cursor import LIMIT_BYTES, Cursor, CursorDamaged, Target, cursor_path, read, write
from engine.delivery.handover import Handover, Memory, Outbox, Session
from engine.errors import DeliveryFailed, NameTaken
from engine.formats.values import read_stamp, stamp_text
from engine.reasons import why
from engine.settings import Server
from engine.worker import Worker

FIRST_S = 10.0
RETRY_S = 5.0
CLOCK_S = 5.0
"""How often the wall clock is looked at while it is not plausible."""
CLASH_TOLD = timedelta(days=7)
"""So long after the last jump `status.txt` says that a Number clashes, through every restart."""
STEP_TIMEOUTS = 8
"""One step of a session takes at most so many time-outs: some addresses are tried, an answer comes bit by bit."""


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """How one server stands, for `status.txt`. Texts are Russian and empty when all is well.

    `delivered` is the wall time of the last drop that arrived since the start, `seq` the last one given (0: none),
    `backlog_bytes` about what waits in the archives, `clash` tells of a Number that somebody else uses too, or did of
    late, `notices` what happened to the cursor or to records on this side.
    """

    section: str
    host: str
    delivered: datetime | None = None
    error: str = ""
    backlog_bytes: int = 0
    seq: int = 0
    clash: str = ""
    notices: tuple[str, ...] = ()


class CursorFile:
    """`cursor.txt` of one server. `cursor` is what is on the disk, or a count that has not begun if there is none.

    One thread notes; any may look at the cursor.
    """

    def __init__(self, path: Path, target: Target) -> None:
        self._path = path
        self._target = target
        self._loading = threading.Lock()
        self._cursor: Cursor | None = None
        self.is_new = False
        self.damage = ""

    @property
    def cursor(self) -> Cursor:
        """Raises `OSError` while the file is there and cannot be read."""
        return self._cursor or self.load()

    def load(self) -> Cursor:
        """Read the file once; a damaged one is put aside and told. Raises `OSError`."""
        with self._loading:
            if self._cursor is None:
                stored = self._stored()
                if stored and stored.in_flight:
                    self._settle()
                self.is_new = stored is None
                self._cursor = stored or Cursor(self._target, 1, start="")
            return self._cursor

    def note(self, cursor: Cursor) -> None:
        """Put a cursor on the disk; on an `OSError` the former one stays in force."""
        if not files.write_whole(self._path, write(cursor).encode(), synced=True):
            files.sync(self._path)
        if self.is_new:
            for folder in list(self._path.parents)[:4]:
                files.sync(folder)
        self._cursor, self.is_new = cursor, False

    def _settle(self) -> None:
        """A crash may have come between the new name and the sync of it: a drop is repeated only when it is noted."""
        files.sync(self._path)
        files.sync(self._path.parent)

    def _stored(self) -> Cursor | None:
        try:
            cursor = read(files.read_limited(self._path, LIMIT_BYTES).decode())
        except FileNotFoundError:
            return None
        except (CursorDamaged, UnicodeDecodeError) as error:
            self._set_aside(str(error) if isinstance(error, CursorDamaged) else "курсор доставки повреждён")
            return None
        if cursor.target != self._target:
            self._set_aside("курсор доставки от другого сервера")
            return None
        return cursor

    def _set_aside(self, why: str) -> None:
        aside = self._path.with_suffix(".damaged")
        self._path.replace(aside)
        self.damage = f"{why}; отложен как {aside.name}, архив отправляется заново"


class Delivery(Worker):
    """One server. `told` gets every new state and `crashed` what nobody expected, both from this thread.

    `now` is the wall clock, asked only while `clock_plausible`: nothing is started before that.
    """

    def __init__(
        self,
        server: Server,
        number: int,
        *,
        root: Path,
        outbox: Outbox,
        connect: Callable[[Server], Session],
        now: Callable[[], datetime],
        clock_plausible: Callable[[], bool],
        told: Callable[[DeliveryState], None],
        crashed: Callable[[str, str], None],
    ) -> None:
        super().__init__(f"delivery {server.section}", crashed)
        self._server = server
        self._number = number
        self._outbox = outbox
        self._connect = connect
        self._now = now
        self._clock_plausible = clock_plausible
        self._told = told
        target = Target(server.host, server.port, server.user, server.directory)
        self._file = CursorFile(root / cursor_path(target), target)
        self._wake = threading.Event()
        self._session_lock = threading.Lock()
        self._session: Session | None = None
        self._memory = Memory()
        self.state = DeliveryState(server.section, server.host)
        self.turns = 0
        """How many turns have ended, well or not."""
        self._arrived = 0
        """How many drops have arrived since the start."""
        self.well_at_s = time.monotonic()
        """When a turn last ended well, monotonic; before the first one when the thread was made."""

    def position(self, path: str) -> int:
        """How many bytes of an archive file (`path` below `www/`) this server has. For any thread; raises `OSError`."""
        return self._file.cursor.position(path)

    def push_now(self) -> None:
        """The next drop is due at once."""
        self._wake.set()

    def step(self) -> None:
        """Called at every step of a session: it goes on. What a server may take for one is known by its time-out."""
        self.give_sign(STEP_TIMEOUTS * self._server.timeout_s)

    def stop(self) -> None:
        """Ask the thread to end; a transfer that runs is cut, and repeated after the next start."""
        super().stop()
        self._wake.set()
        with self._session_lock:
            if self._session:
                self._session.abort()

    def work(self) -> None:
        """Turns by the monotonic clock until stopped; after a failure sooner, while nothing arrives later and later."""
        failures = 0
        wait_s = self._first_wait_s()
        while not self._stopped_after(wait_s):
            if not self._clock_plausible():
                wait_s = CLOCK_S
                continue
            began_s, arrived = time.monotonic(), self._arrived
            well = self.turn()
            # On a line that breaks in every session what got through is progress: the next try is soon.
            failures = 0 if well else 1 if self._arrived > arrived else failures + 1
            self.well_at_s = time.monotonic() if well else self.well_at_s
            self.turns += 1
            wait_s = self._pause_s(failures, time.monotonic() - began_s)

    def turn(self) -> bool:
        """One session: drops follow one another until no whole record remains. False: it failed, and why is told."""
        self.step()
        try:
            self._hand_over()
        except (DeliveryFailed, NameTaken, OSError) as error:
            if not self.stopping.is_set():
                self._tell(error=_reason(error))
            return False
        return True

    def _hand_over(self) -> None:
        self._file.load()
        session = self._connect(self._server)
        with self._session_lock:
            if self.stopping.is_set():
                return
            self._session = session
        try:
            session.open()
            self._deliver(self._handover(session))
        finally:
            session.close()
            with self._session_lock:
                self._session = None

    def _deliver(self, handover: Handover) -> None:
        more = True
        while more and not self.stopping.is_set():
            more = handover.deliver_next()
            self._arrived += 1
            self._tell(error="", delivered=self._now())

    def _handover(self, session: Session) -> Handover:
        return Handover(
            self._number,
            self._server.variants,
            session=session,
            outbox=self._outbox,
            logbook=self._file,
            memory=self._memory,
            count_start=lambda: stamp_text(self._now()),
            notices=self._tell_notices,
        )

    def _first_wait_s(self) -> float:
        """A drop in flight goes at once. What cannot be read now is told by the first turn."""
        with suppress(OSError):
            if self._clock_plausible() and self._file.cursor.in_flight:
                return 0.0
        return min(FIRST_S, self._server.interval_s)

    def _pause_s(self, failures: int, lasted_s: float) -> float:
        if failures:
            return min(RETRY_S * 2.0 ** min(failures - 1, 20), self._server.interval_s)
        return max(0.0, self._server.interval_s - lasted_s)

    def _stopped_after(self, wait_s: float) -> bool:
        """Wait for the time, for `push_now` or for `stop`; whether it was `stop`."""
        self.give_sign(wait_s)
        self._wake.wait(wait_s)
        self._wake.clear()
        return self.stopping.is_set()

    def _tell_notices(self, notices: tuple[str, ...]) -> None:
        damage = (self._file.damage,) if self._file.damage else ()
        self._tell(notices=(*damage, *notices))

    def _tell(self, **changes: object) -> None:
        state = replace(self.state, **changes)  # type: ignore[arg-type]
        with suppress(OSError):
            cursor = self._file.cursor
            backlog_bytes = self._outbox.backlog_bytes(cursor.positions)
            state = replace(state, seq=cursor.seq - 1, backlog_bytes=backlog_bytes, clash=self._clash(cursor))
        if state != self.state:
            self.state = state
            self._told(state)

    def _clash(self, cursor: Cursor) -> str:
        """What the cursor remembers of it, unless the Number is another one now or the last jump is long ago."""
        clash = cursor.clash
        if clash is None or clash.number != self._number or self._is_long_ago(cursor.start):
            return ""
        return (
            f"Number={clash.number} на сервере уже занят: {clash.taken} не из этого счёта"
            f" (другой агент с тем же номером или утрачен var/); счёт начат заново с {clash.seq}"
        )

    def _is_long_ago(self, start: str) -> bool:
        """By the local time, as `start` is written."""
        return self._now().replace(tzinfo=None) - read_stamp(start) > CLASH_TOLD


def _reason(error: Exception) -> str:
    if isinstance(error, NameTaken):
        return f"имя занято во время передачи: {error}"
    if isinstance(error, OSError):
        words = why(error)
        return words if "диск" in words else f"свои файлы: {words}"
    return str(error)

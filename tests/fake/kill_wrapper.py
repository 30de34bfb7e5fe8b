"""Runs the real agent, tells which of its steps is under way, and dies at one of them when it was asked to.

    python kill_wrapper.py BOARD SYNCED PHASE NTH SEED ARGUMENTS OF agent.py …

Steps of the product are wrapped from outside; what they do stays the same, only data go to a server in smaller pieces.
`PHASE` is `-` for a run that waits to be killed from outside, `NTH` says at which of its points a phase is fatal.
"""

from __future__ import annotations

import contextlib
import functools
import os
import random
import signal
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from io import BytesIO
from mmap import mmap
from pathlib import Path
from typing import Any, BinaryIO

PHASES = ("append", "sync", "ledger", "whole", "note", "STOR", "stored", "between", "renamed", "reload")
"""append: bytes of a record are written; sync: an archive goes to the disk; ledger: the place in the meter's ring is
kept; whole: a file gets its name; note: a drop is noted before its first byte; STOR: data flow; stored: all data are
there, the name is not; between: one variant is there; renamed: all are, the cursor is not; reload: settings change."""

_DIED = len(PHASES) * 2
BOARD_BYTES = _DIED + 2
STOR_PIECE_BYTES = 256


def read_board(board: bytes) -> tuple[str, tuple[str, ...]]:
    """In which phase the agent killed itself ("" if it did not), and the phases that were under way in its threads."""
    *active, died = struct.unpack(f"<{len(PHASES)}HH", board)
    return PHASES[died - 1] if died else "", tuple(phase for phase, count in zip(PHASES, active, strict=True) if count)


class Board:
    """A shared page that outlives the agent. Each thread has its own row of phases that it is in."""

    def __init__(self, path: Path, synced: Path, fatal: str, nth: int, seed: int) -> None:
        with path.open("r+b") as file:
            self._page = mmap(file.fileno(), BOARD_BYTES)
        self._synced = os.open(synced, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._fatal = fatal
        self._left = nth
        self._lock = threading.Lock()
        self._own = threading.local()
        self.random = random.Random(seed)
        self.started = False

    @property
    def row(self) -> list[str]:
        return self._own.__dict__.setdefault("row", [])

    def enter(self, phase: str) -> None:
        self.row.append(phase)
        self._count(phase, 1)

    def leave(self, phase: str) -> None:
        if phase in self.row:
            self.row.remove(phase)
            self._count(phase, -1)

    @contextlib.contextmanager
    def inside(self, phase: str) -> Iterator[None]:
        self.enter(phase)
        try:
            self.here()
            yield
            self.here()
        finally:
            self.leave(phase)

    def here(self) -> None:
        """A point of every phase that this thread is in: maybe the last one."""
        if self._fatal in self.row:
            with self._lock:
                self._left -= 1
                if self._left == 0:
                    self._die()

    def is_next(self) -> bool:
        """Whether the next point of the fatal phase is the last."""
        return self._fatal in self.row and self._left == 1

    def _die(self) -> None:
        self._page[_DIED : _DIED + 2] = struct.pack("<H", PHASES.index(self._fatal) + 1)
        os.kill(os.getpid(), signal.SIGKILL)
        signal.pause()

    def tell_synced(self, path: Path, length: int) -> None:
        os.write(self._synced, f"{length} {path}\n".encode())

    def _count(self, phase: str, step: int) -> None:
        at = PHASES.index(phase) * 2
        with self._lock:
            (count,) = struct.unpack("<H", self._page[at : at + 2])
            self._page[at : at + 2] = struct.pack("<H", count + step)


def wrapped(owner: Any, name: str) -> Callable[[Callable[..., Any]], None]:
    """Put a function in the place of `owner.name`; it gets the former one before its arguments."""

    def put(wrapper: Callable[..., Any]) -> None:
        former = getattr(owner, name)

        @functools.wraps(former)
        def call(*arguments: Any, **named: Any) -> Any:
            return wrapper(former, *arguments, **named)

        setattr(owner, name, call)

    return put


def wrap_files(board: Board) -> None:
    """Appends, syncs and whole files."""
    from engine import files

    path_of = threading.local()

    @wrapped(files, "append_whole")
    def append_whole(former: Callable[..., int], path: Path, data: bytes) -> int:
        path_of.path = path
        return former(path, data)

    @wrapped(files, "_write_at_once")
    def write_at_once(former: Callable[..., None], descriptor: int, data: bytes) -> None:
        if "/www/" not in str(path_of.path):
            former(descriptor, data)
            return
        board.enter("append")
        if board.is_next():
            os.write(descriptor, data[: board.random.randrange(len(data) + 1)])
        board.here()
        former(descriptor, data)
        board.leave("append")

    @wrapped(files, "sync")
    def sync(former: Callable[..., None], path: Path) -> None:
        is_archive = path.suffix == ".txt" and "/www/" in str(path)
        length = path.stat().st_size
        with board.inside("sync") if is_archive else contextlib.nullcontext():
            former(path)
        if is_archive:
            board.tell_synced(path, length)

    wrap_whole_files(board, files)


def wrap_whole_files(board: Board, files: Any) -> None:
    @wrapped(files, "finish")
    def finish(former: Callable[..., None], file: BinaryIO, *, synced: bool) -> None:
        board.enter("whole")
        try:
            board.here()
            former(file, synced=synced)
            board.here()
        finally:
            board.leave("whole")

    def put_in_place(temporary: Path, path: Path, *, synced: bool) -> None:
        is_reloaded = board.started and "/var/good/" in str(path)
        with board.inside("whole"), board.inside("reload") if is_reloaded else contextlib.nullcontext():
            temporary.replace(path)
            board.here()
            if synced:
                files.sync(path.parent)
        if synced and "/www/" in str(path):
            board.tell_synced(path, path.stat().st_size)

    files.put_in_place = put_in_place


def wrap_ledger(board: Board) -> None:
    from engine.keeper.shelf import Shelf

    @wrapped(Shelf, "sync")
    def sync(former: Callable[..., None], shelf: Any) -> None:
        if shelf.ledger == shelf._saved:
            former(shelf)
            return
        with board.inside("ledger"):
            former(shelf)


def wrap_delivery(board: Board) -> None:
    """From the note of a drop to the cursor behind it."""
    from engine.delivery import CursorFile
    from engine.delivery.handover import Handover
    from engine.push import Session

    own = threading.local()

    @wrapped(Handover, "_send")
    def send_all(former: Callable[..., None], handover: Any, drop: Any, owed: tuple[str, ...], parcel: Any) -> None:
        own.left = len(owed)
        former(handover, drop, owed, parcel)

    @wrapped(Session, "clear")
    def clear(former: Callable[..., None], session: Any, name: str, **how: bool) -> None:
        board.here()
        board.leave("between")
        former(session, name, **how)

    @wrapped(Session, "rename")
    def rename(former: Callable[..., None], session: Any, name: str, size: int) -> None:
        former(session, name, size)
        own.left -= 1
        board.enter("between" if own.left else "renamed")
        board.here()

    @wrapped(Handover, "deliver_next")
    def deliver_next(former: Callable[..., bool], handover: Any) -> bool:
        try:
            return former(handover)
        finally:
            for phase in ("between", "renamed"):
                board.leave(phase)

    @wrapped(CursorFile, "note")
    def note(former: Callable[..., None], file: Any, cursor: Any) -> None:
        if "renamed" not in board.row:
            with board.inside("note"):
                former(file, cursor)
            return
        former(file, cursor)
        board.here()
        board.leave("renamed")


def wrap_wire(board: Board) -> None:
    from engine.push.wire import Wire

    class Slow(BytesIO):
        """Data whose every piece is a point."""

        def read(self, size: int | None = -1) -> bytes:
            board.here()
            return super().read(size)

    @wrapped(Wire, "storbinary")
    def storbinary(former: Callable[..., str], wire: Any, command: str, data: BinaryIO, *_: int) -> str:
        with board.inside("STOR"):
            return former(wire, command, Slow(data.read()), STOR_PIECE_BYTES)

    def rename(wire: Any, name: str, final: str) -> str:
        with board.inside("stored"):
            wire.sendcmd(f"RNFR {name}")
            board.here()
            wire.putcmd(f"RNTO {final}")
            board.here()
            return str(wire.voidresp())

    Wire.rename = rename  # type: ignore[method-assign]


def wrap_reload(board: Board) -> None:
    from engine.config import Config
    from engine.runtime.agent import Agent
    from engine.runtime.deliveries import Deliveries
    from engine.runtime.lines import Lines

    @wrapped(Config, "reload")
    def reload(former: Callable[..., tuple[object, bool]], config: Any) -> tuple[object, bool]:
        settings, changed = former(config)
        if board.started and changed:
            board.enter("reload")
            board.here()
        board.started = True
        return settings, changed

    @wrapped(Agent, "_apply")
    def apply(former: Callable[..., None], agent: Any, settings: object) -> None:
        board.here()
        former(agent, settings)
        board.here()
        board.leave("reload")

    def apply_part(former: Callable[..., None], *arguments: Any) -> None:
        former(*arguments)
        board.here()

    for part in (Lines, Deliveries):
        wrapped(part, "apply")(apply_part)


def main(arguments: list[str]) -> int:
    path, synced, fatal, nth, seed, *rest = arguments
    board = Board(Path(path), Path(synced), fatal, int(nth), int(seed))
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    for wrap in (wrap_files, wrap_ledger, wrap_delivery, wrap_wire, wrap_reload):
        wrap(board)
    import agent

    return agent.main(rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

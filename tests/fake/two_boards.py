"""Two boards with one Number before one server, and every order in which their commands can come there.

The boards are the real handover and the real session; only the wire is none. A board is run anew from its beginning for
each of its steps, with the answers that it had so far, until it asks what nobody has answered yet: so a state of the
whole is what is on the server and what each board was told, and no state is looked at twice.
"""

from __future__ import annotations

import ftplib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from itertools import count
from typing import BinaryIO

from engine.delivery.cursor import Choice, Cursor, InFlight, Parcel, Range, Target, read, write
from engine.delivery.handover import Handover, Memory
from engine.errors import DeliveryFailed, NameTaken
from engine.formats.archive import Head, head_text, record_text
from engine.formats.drop import BadDrop, Drop, DropInfo, drop_ini, pack, read_drop
from engine.model import Record, RecType
from engine.naming import parse_drop_name
from engine.push import Session
from engine.settings import Server

NUMBER = 7
MOST_TURNS = 12
"""Whoever has not delivered one drop by then never will."""
TARGET = Target("ftp.example.org", 21, "tsm", "")
SERVER = Server("server1", True, "ftp.example.org", 21, "tsm", "", "", 60, ("linux",), True, 0, "utf-8", 30.0)
Reply = str | bytes | int | tuple[str, ...] | BaseException | None
Command = tuple[str, str, bytes | int]


class Unanswered(BaseException):
    """The board has asked what nobody has answered yet."""

    def __init__(self, command: Command) -> None:
        super().__init__()
        self.command = command


class PowerCut(BaseException):
    """The board's process ends; its files stay."""


@dataclass(frozen=True)
class Rules:
    """How a server behaves, and what it allows."""

    in_place: bool = True
    """An upload is written where its name stands, as most servers do; else it appears when it is whole."""
    reads: bool = True
    lists: bool = True
    sizes: bool = True
    deletes: bool = True


@dataclass(frozen=True)
class Disk:
    """What is on the server. `uploads` and `renaming` are of each board: the file it writes into, the name it takes.

    `is_shared`: both have written into one file at once.
    """

    names: tuple[tuple[str, int], ...] = ()
    contents: tuple[bytes, ...] = ()
    uploads: tuple[tuple[int, int], ...] = ((-1, 0), (-1, 0))
    renaming: tuple[str, str] = ("", "")
    is_shared: bool = False

    @property
    def visible(self) -> dict[str, bytes]:
        return {name: self.contents[place] for name, place in self.names if not name.endswith(".part")}

    def find(self, name: str) -> int | None:
        return dict(self.names).get(name)

    def named(self, name: str, place: int | None) -> Disk:
        kept = {**dict(self.names), name: place}
        return replace(self, names=tuple(sorted((key, at) for key, at in kept.items() if at is not None)))

    def filled(self, place: int, content: bytes) -> Disk:
        contents = [*self.contents]
        contents[place : place + 1] = [content]
        return replace(self, contents=tuple(contents))

    def of_board(self, board: int, upload: tuple[int, int], renaming: str) -> Disk:
        uploads, renamings = list(self.uploads), list(self.renaming)
        uploads[board], renamings[board] = upload, renaming
        return replace(self, uploads=(uploads[0], uploads[1]), renaming=(renamings[0], renamings[1]))


def obey(disk: Disk, board: int, command: Command, rules: Rules) -> tuple[Disk, Reply]:
    """What a command does, and the answer to it."""
    word, name, told = command
    place = disk.find(name)
    nothing = ftplib.error_perm("550 no such file")
    if word == "SIZE":
        return disk, nothing if place is None or not rules.sizes else len(disk.contents[place])
    if word == "RNFR":
        return disk.of_board(board, disk.uploads[board], name), nothing if place is None else "350 to what"
    if word == "RNTO":
        return _renamed(disk, board, name)
    if word == "DELE":
        return (disk, nothing) if place is None or not rules.deletes else (disk.named(name, None), "250 gone")
    if word == "RETR":
        return disk, nothing if place is None or not rules.reads else disk.contents[place][int(told) :]
    if word == "NLST":
        return disk, tuple(name for name, _ in disk.names) if rules.lists else ftplib.error_perm("550 not for you")
    assert isinstance(told, bytes)
    return _stored(disk, board, word, name, told, rules), ""


def _renamed(disk: Disk, board: int, name: str) -> tuple[Disk, Reply]:
    source = disk.renaming[board]
    disk, place = disk.of_board(board, disk.uploads[board], ""), disk.find(source)
    if not name or place is None:
        return disk, ftplib.error_perm("550 not renamed")
    return disk.named(source, None).named(name, place), "250 renamed"


def _stored(disk: Disk, board: int, word: str, name: str, told: bytes, rules: Rules) -> Disk:
    if word == "STOR":
        place = disk.find(name)
        if rules.in_place and place is not None:
            disk = replace(disk.filled(place, b""), is_shared=disk.is_shared or place == disk.uploads[1 - board][0])
        else:
            place, disk = len(disk.contents), replace(disk, contents=(*disk.contents, b""))
            disk = disk.named(name, place) if rules.in_place else disk
        return disk.of_board(board, (place, 0), "")
    place, at = disk.uploads[board]
    before = disk.contents[place].ljust(at, b"\0")
    disk = disk.filled(place, before[:at] + told + before[at + len(told) :])
    if word == "last":
        disk = disk if rules.in_place else disk.named(name, place)
        return disk.of_board(board, (-1, 0), "")
    return disk.of_board(board, (place, at + len(told)), "")


class Wire:
    """ftplib's session as `engine.push` uses it, with the answers that are known."""

    timeout = 30.0

    def __init__(self, replies: tuple[Reply, ...]) -> None:
        self._replies = iter(replies)

    def step(self) -> None:
        """The session goes on."""

    def ask(self, word: str, name: str = "", told: bytes | int = 0) -> Reply:
        for reply in self._replies:
            if isinstance(reply, BaseException):
                raise reply
            return reply
        raise Unanswered((word, name, told))

    def voidcmd(self, command: str) -> str:
        assert command == "TYPE I"
        return "200 well"

    def sendcmd(self, command: str) -> str:
        word, _, name = command.partition(" ")
        return str(self.ask(word, name))

    def size(self, name: str) -> int:
        size = self.ask("SIZE", name)
        assert isinstance(size, int)
        return size

    def delete(self, name: str) -> None:
        self.ask("DELE", name)

    def rename(self, name: str, final: str) -> None:
        self.ask("RNFR", name)
        self.ask("RNTO", final)

    def storbinary(self, command: str, data: BinaryIO, *_: object) -> None:
        name, content = command.partition(" ")[2], data.read()
        half = len(content) // 2
        self.ask("STOR", name, b"")
        self.ask("data", name, content[:half])
        self.ask("last", name, content[half:])

    def transfercmd(self, command: str, begin: int | None = None) -> Sent:
        word, _, name = command.partition(" ")
        content = self.ask(word, name, begin or 0)
        if isinstance(content, tuple):
            content = "".join(f"{name}\r\n" for name in content).encode()
        assert isinstance(content, bytes)
        return Sent(content)

    def voidresp(self) -> str:
        return "226 well"

    def quit(self) -> None: ...

    def close(self) -> None: ...


class Sent:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def recv(self, most: int) -> bytes:
        piece, self._content = self._content[:most], self._content[most:]
        return piece

    def __enter__(self) -> Sent:
        return self

    def __exit__(self, *_: object) -> None: ...


class WiredSession(Session):
    def __init__(self, wire: Wire) -> None:
        super().__init__(SERVER)
        self._wire = wire  # type: ignore[assignment]


@dataclass(frozen=True)
class Board:
    """One board: the device whose only record it owes, when its count begins, a name of the place."""

    device: str
    start: str
    place_name: str = ""
    variants: tuple[str, ...] = ("linux",)


@lru_cache(maxsize=4096)
def packed(board: Board, seq: int, start: str, variant: str) -> bytes:
    info = DropInfo(NUMBER, seq, variant, start, "ymd", "utf-8")
    record = Record(RecType.MONTH, datetime(2026, 9, 1), ({"Tall": float(board.device)},))
    text = head_text(Head(board.place_name, "ТЭМ-104", board.device, 1)) + record_text(1, record)
    members = [("drop.ini", drop_ini(info)), (f"{board.device}_M.txt", text)]
    return pack((name, [content.encode()]) for name, content in members)


@dataclass
class Log:
    """The cursor file: `text` is what survives."""

    cursor: Cursor
    text: str = ""
    is_new: bool = True

    def note(self, cursor: Cursor) -> None:
        self.cursor, self.text, self.is_new = cursor, write(cursor), False

    def crash(self) -> None:
        self.cursor = read(self.text) if self.text else Cursor(TARGET, 1, "")


class Archive:
    """One record; an outbox."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def backlog_bytes(self, positions: object) -> int: ...  # type: ignore[empty-body]

    def gone(self, _paths: object) -> frozenset[str]:
        return frozenset()

    def choose(self, _positions: object) -> Choice:
        return Choice((Range(f"{self._board.device}/M.txt", 0, 9),), more=False)

    def build(self, drop: InFlight) -> Parcel:
        contents = {name: packed(self._board, drop.seq, drop.start, name) for name in drop.variants}
        return Parcel(contents, drop.ranges)


def run(board: Board, replies: tuple[Reply, ...]) -> Command | None:
    """What the board asks next; None when its record is delivered."""
    wire, log, memory = Wire(replies), Log(Cursor(TARGET, 1, "")), Memory()
    starts = (f"{board.start}{number:02d}" for number in count())
    for _ in range(MOST_TURNS):
        try:
            handover = Handover(
                NUMBER,
                board.variants,
                session=WiredSession(wire),
                outbox=Archive(board),
                logbook=log,
                memory=memory,
                count_start=lambda: next(starts),
                notices=lambda _: None,
            )
            handover.deliver_next()
            return None
        except (DeliveryFailed, NameTaken):
            continue
        except PowerCut:
            memory = Memory()
            log.crash()
            if log.cursor.positions and log.cursor.in_flight is None:
                return None
        except Unanswered as asked:
            return asked.command
    raise AssertionError(f"{board.device} does not come to an end")


@dataclass(frozen=True)
class State:
    disk: Disk
    told: tuple[tuple[Reply, ...], tuple[Reply, ...]]
    faults: int
    turn: int
    switches: int


@dataclass
class Explorer:
    """Every state that two boards come to with so many `faults` and changes from one running board to the other.

    `faulty`: which of them begin, and meet the faults, at which `points` (none: all). `failures` has what must not be,
    by its kind. What becomes of two uploads that were written into one file at once is not judged: there no client can
    help.
    """

    boards: tuple[Board, Board]
    rules: Rules
    switches: int
    faults: int = 0
    faulty: tuple[int, ...] = (0, 1)
    points: frozenset[str] = frozenset()
    states: int = 0
    ends: int = 0
    failures: dict[str, list[str]] = field(default_factory=dict)
    asked: dict[object, Command | None] = field(default_factory=dict)

    def explore(self) -> Explorer:
        first = State(Disk(), ((), ()), self.faults, 0, self.switches)
        known: set[object] = set()
        waiting: list[tuple[State, str]] = [(replace(first, turn=place), "") for place in self.faulty]
        while waiting:
            state, way = waiting.pop()
            key = _key(state)
            if key in known:
                continue
            known.add(key)
            self.states += 1
            following = list(self.following(state))
            if not following:
                self.ends += 1
                if not state.disk.is_shared:
                    self.judge(state.disk, way)
            for step, after in following:
                if not after.disk.is_shared:
                    self.compare(state.disk, after.disk, way + step)
                waiting.append((after, way + step))
        return self

    def following(self, state: State) -> Iterator[tuple[str, State]]:
        asked = [self.asks(place, state.told[place]) for place in range(2)]
        for place in (state.turn, 1 - state.turn):
            command = asked[place]
            if command is None:
                continue
            if place != state.turn and asked[state.turn] is not None:
                if not state.switches:
                    continue
                state = replace(state, switches=state.switches - 1)
            disk, reply = obey(state.disk, place, command, self.rules)
            step = f" {'AB'[place]}:{command[0]}"
            yield step, self.after(state, disk, place, reply, state.faults)
            if state.faults and place in self.faulty and (not self.points or command[0] in self.points):
                for fault in (EOFError(), PowerCut()):
                    for done, left in ((False, state.disk), (True, disk)):
                        left = left.of_board(place, (-1, 0), "")
                        told = f"{step}!{type(fault).__name__}{'+' if done else '-'}"
                        yield told, self.after(state, left, place, fault, state.faults - 1)

    def asks(self, place: int, told: tuple[Reply, ...]) -> Command | None:
        key = place, told
        if key not in self.asked:
            self.asked[key] = run(self.boards[place], told)
        return self.asked[key]

    def after(self, state: State, disk: Disk, place: int, reply: Reply, faults: int) -> State:
        told = list(state.told)
        told[place] = (*told[place], reply)
        return replace(state, disk=disk, told=(told[0], told[1]), faults=faults, turn=place)

    def compare(self, before: Disk, after: Disk, way: str) -> None:
        """A whole drop under a final name is not touched any more."""
        for name, data in before.visible.items():
            if whole(data) and after.visible.get(name) != data:
                self.fail("destroyed", f"{name}:{way}")

    def judge(self, disk: Disk, way: str) -> None:
        """Every record in one drop, once a variant, under the name that the drop has inside."""
        drops = [(name, whole(data)) for name, data in disk.visible.items()]
        for name, drop in drops:
            if drop is None:
                self.fail("torn", f"{name}:{way}")
            elif parse_drop_name(name) != parse_drop_name(f"{NUMBER}_{drop.info.seq:08d}_{drop.info.variant}.zip"):
                self.fail("misnamed", f"{name}:{way}")
        for board in self.boards:
            for variant in board.variants:
                mine = [
                    drop for _, drop in drops if drop and drop.info.variant == variant and _owner(drop) == board.device
                ]
                if len(mine) != 1:
                    self.fail("lost" if not mine else "doubled", f"{board.device} {variant}:{way}")

    def fail(self, kind: str, text: str) -> None:
        self.failures.setdefault(kind, []).append(text)


def _key(state: State) -> object:
    told = tuple(
        tuple((type(reply).__name__, str(reply)) if isinstance(reply, BaseException) else reply for reply in replies)
        for replies in state.told
    )
    return state.disk, told, state.faults, state.turn, state.switches


@lru_cache(maxsize=65536)
def whole(data: bytes) -> Drop | None:
    try:
        return read_drop(data)
    except BadDrop:
        return None


def _owner(drop: Drop) -> str:
    return next(iter(drop.records))[0]

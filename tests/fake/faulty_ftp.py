"""An FTP server in memory that fails as planned, one fault a session, and watches what is done to its files.

    with FaultyFtp([Fault("RNTO", "hang"), None, Fault("STOR", "452 no room", done=True)]) as server: ...

A point is the word of a command, with ` .part` behind it where the file on its way is meant, or `banner`, or
`STOR data` and the like: the connection of the data. A fault is `hang` (silence until the client leaves), `cut` (both
connections end), `cut data` or the text of an answer; with `done` it comes when the command is done, instead of its
answer.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable

from tests.fake.faulty_talk import Conversation, Fault, Hit

TRIES = 4
"""A fault whose point so many sessions did not come to is given up: it stands in `missed`."""


class FaultyFtp:
    """`files` is its one folder. `None` in the plan is a session without a fault. `wrongs`: what no client may do."""

    host = "127.0.0.1"
    user = "board"
    password = "kept-secret"

    def __init__(self, plan: Iterable[Fault | None] = (), *, overwrites: bool = True, listing: bytes = b"") -> None:
        self.files: dict[str, bytes] = {}
        self.commands: list[str] = []
        self.hits: list[Hit] = []
        self.missed: list[Fault] = []
        self.wrongs: list[str] = []
        self.landed_s: list[float] = []
        self.before: Callable[[str, str], None] = lambda *_: None
        self.lock = threading.Lock()
        self.overwrites = overwrites
        self.listing = listing
        self.plan = deque(plan)
        self._tries = 0
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None
        self.port = 0
        self.open()

    def open(self) -> None:
        """Listen, after `close` on the same port."""
        self._listener = socket.create_server((self.host, self.port))
        self.port = int(self._listener.getsockname()[1])
        self._spawn(self._accept, self._listener)

    def close(self) -> None:
        """Cut every connection and refuse new ones."""
        with self.lock:
            open_now, self._sockets = self._sockets, []
        for sock in [self._listener, *open_now]:
            if sock is not None:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        assert not any(thread.is_alive() for thread in self._threads)
        for sock in [self._listener, *open_now]:
            if sock is not None:
                sock.close()
        self._threads, self._listener = [], None

    def __enter__(self) -> FaultyFtp:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def visible(self) -> dict[str, bytes]:
        """What a reader may take: everything but files on their way."""
        return {name: data for name, data in dict(self.files).items() if not name.endswith(".part")}

    @property
    def is_well(self) -> bool:
        """Whether the plan has come to its end."""
        return not self.plan

    def begin(self) -> bool:
        """A session begins; whether a fault is to come in it."""
        with self.lock:
            if not self.plan:
                return False
            if self.plan[0] is None:
                self.plan.popleft()
                return False
            self._tries += 1
            if self._tries > TRIES:
                self.missed.append(self.plan[0])
                self.plan.popleft()
                self._tries = 0
            return bool(self.plan) and self.plan[0] is not None

    def take(self, point: str) -> Hit | None:
        with self.lock:
            fault = self.plan[0] if self.plan else None
            if fault is None or fault.point != point:
                return None
            self.plan.popleft()
            self._tries = 0
            self.hits.append(Hit(fault))
            return self.hits[-1]

    def keep(self, sock: socket.socket) -> None:
        """This socket ends with the server."""
        with self.lock:
            self._sockets = [known for known in self._sockets if known.fileno() != -1] + [sock]

    def _spawn(self, work: Callable[[socket.socket], None], sock: socket.socket) -> None:
        thread = threading.Thread(target=work, args=(sock,), name="faulty ftp", daemon=True)
        self._threads = [known for known in self._threads if known.is_alive()] + [thread]
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                control, _ = listener.accept()
                self.keep(control)
                self._spawn(lambda sock: Conversation(self, sock).run(), control)

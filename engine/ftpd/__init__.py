"""The embedded FTP server: `log/` and `www/` over FTP, in a thread of its own (formats guide, sections 2 and 3).

Its parts: `ftpd_accounts` (who logs in), `ftpd_rights` (who may do what), `ftpd_tree` (what is there), `ftpd_intake`
(what is taken), `ftpd_view`, `ftpd_transfer` and `ftpd_session` (pyftpdlib with all that).
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    # Python 3.11 announces the end of asyncore; later ones get it from a package of its own.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pyftpdlib.ioloop import IOLoop
    from pyftpdlib.servers import FTPServer

from engine.ftpd.accounts import accounts_of
from engine.ftpd.intake import Intake
from engine.ftpd.session import Session
from engine.ftpd.tree import Tree
from engine.ftpd.view import Users
from engine.settings import InternalFtp

MAX_SESSIONS = 20
MAX_SESSIONS_PER_ADDRESS = 8
BACKLOG = 20
STOP_TIMEOUT_S = 10.0


def _ignore_login_failure(_user: str, _address: str) -> None:
    """For owners who do not count."""


class FtpServer:
    """The server for one set of settings; changed settings are a new server.

    `refusal(path, content)` gives None or the one-line reason why a file cannot take its place, `on_upload(path)` hears
    of every file that is complete under its name (sent or renamed), `on_login_failed(user, address)` of every refused
    login. Paths are relative to the root, with `/`. All three are called in the server's thread: whatever they wait
    for, all clients wait for; none of them may call `stop()`.
    """

    def __init__(
        self,
        root: Path,
        settings: InternalFtp,
        refusal: Callable[[str, bytes], str | None],
        on_upload: Callable[[str], None],
        on_login_failed: Callable[[str, str], None] = _ignore_login_failure,
    ) -> None:
        self._settings = settings
        self._tree = Tree(root)
        self._intake = Intake(self._tree.root, settings.inbox_limit_bytes, refusal, on_upload)
        self._on_login_failed = on_login_failed
        self._listener: Any = None
        self._thread: threading.Thread | None = None
        self._waker: _Waker | None = None
        self._port = settings.port

    @property
    def port(self) -> int:
        """The port that is listened on; with 0 in the settings it is known after `start()`."""
        return self._port

    @property
    def alive(self) -> bool:
        """Whether clients are served: False before the start, after the stop and after a bug ended the thread."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Listen and serve. `OSError` when the address or the port cannot be had; nothing is left open then."""
        if self._thread is not None:
            raise RuntimeError("the server was started before")
        _keep_library_quiet()
        self._intake.sweep()
        listening = _listen(self._settings.bind, self._settings.port)
        self._port = listening.getsockname()[1]
        self._waker = _Waker()
        self._listener = _Listener(listening, self._session_class(), self._waker, self._on_login_failed)
        self._thread = threading.Thread(target=self._serve, name="ftpd", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Disconnect everybody, drop what is on its way, wait for the thread. Does nothing the second time."""
        if self._thread is None or self._waker is None:
            return
        self._waker.halt()
        self._thread.join(STOP_TIMEOUT_S)
        if not self._thread.is_alive():
            self._waker.release()

    def _serve(self) -> None:
        assert self._waker is not None
        timeout_s: float | None = None
        try:
            while not self._waker.halted:
                timeout_s = self._listener.ioloop.loop(timeout_s, blocking=False)
        finally:
            self._listener.close_all()

    def _session_class(self) -> type[Session]:
        """The library keeps its settings in classes: this server's own."""
        ports = self._settings.passive_ports
        attributes: dict[str, Any] = {
            "tree": self._tree,
            "intake": self._intake,
            "authorizer": Users(accounts_of(self._settings), self._tree),
            "passive_ports": range(ports[0], ports[1] + 1) if ports else None,
        }
        return type("BoundSession", (Session,), attributes)


class _Listener(FTPServer):  # type: ignore[misc]
    """pyftpdlib's server with a loop of its own and a count of sessions instead of sockets."""

    max_cons = MAX_SESSIONS
    max_cons_per_ip = MAX_SESSIONS_PER_ADDRESS

    def __init__(
        self,
        listening: socket.socket,
        session_class: type[Session],
        waker: _Waker,
        on_login_failed: Callable[[str, str], None],
    ) -> None:
        self.sessions: set[Session] = set()
        self.on_login_failed = on_login_failed
        super().__init__(listening, session_class, ioloop=IOLoop(), backlog=BACKLOG)
        self.ioloop.register(waker.fileno, waker, self.ioloop.READ)

    def close_all(self) -> None:
        """Sessions first: one that waits for its login delay or for a verdict is not in the loop's own list."""
        for session in tuple(self.sessions):
            session.close()
        super().close_all()

    def _accept_new_cons(self) -> bool:
        return len(self.sessions) <= self.max_cons


class _Waker:
    """Ends the loop's wait from another thread. To the loop it is one more channel; only its owner releases it."""

    def __init__(self) -> None:
        self.fileno = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._fileno = self.fileno
        self._halted = threading.Event()

    @property
    def halted(self) -> bool:
        return self._halted.is_set()

    def halt(self) -> None:
        if not self._halted.is_set():
            self._halted.set()
            os.eventfd_write(self.fileno, 1)

    def release(self) -> None:
        if self.fileno >= 0:
            os.close(self.fileno)
            self.fileno = -1

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def handle_read_event(self) -> None:
        os.eventfd_read(self.fileno)

    def handle_close(self) -> None:
        """The loop has no end of it to handle."""

    def handle_error(self) -> None:
        """A read that found nothing is no event."""

    def close(self) -> None:
        """The loop closes all its channels; this one stays until `release()`."""


def _listen(address: str, port: int) -> socket.socket:
    if ":" not in address:
        return socket.create_server((address, port), backlog=BACKLOG)
    both = address == "::" and socket.has_dualstack_ipv6()
    return socket.create_server((address, port), family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=both)


def _keep_library_quiet() -> None:
    """The library tells every command, and without a handler would set up logging for the whole process."""
    logger = logging.getLogger("pyftpdlib")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.WARNING)

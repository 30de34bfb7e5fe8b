"""The embedded FTP server: `log/` and `www/` over FTP, in a thread of its own (formats guide, sections 2 and 3).

Its parts: `accounts` (who logs in), `rights` (who may do what), `tree` (what is there), `intake` (what is taken),
`view`, `transfer` and `session` (pyftpdlib with all that), `secure` and `certificate` (the same encrypted).
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.ftpd.accounts import accounts_of
from engine.ftpd.intake import Intake
from engine.ftpd.library import FTPServer, IOLoop
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


class NotEncrypted(Exception):
    """Why the encryption that is asked for cannot be had, in Russian."""


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
        self.encryption = ""
        """After the start, in Russian: the fingerprint of the certificate, or why there is none; empty with `Tls=0`."""

    @property
    def port(self) -> int:
        """The port that is listened on; with 0 in the settings it is known after `start()`."""
        return self._port

    @property
    def alive(self) -> bool:
        """Whether clients are served: False before the start, after the stop and after a bug ended the thread."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Listen and serve. Nothing is left open after an error.

        `OSError` when the address or the port cannot be had, `NotEncrypted` when encryption cannot and `Tls=2`.
        """
        if self._thread is not None:
            raise RuntimeError("the server was started before")
        _keep_library_quiet()
        session_class = self._session_class()
        self._intake.sweep()
        listening = _listen(self._settings.bind, self._settings.port)
        self._port = listening.getsockname()[1]
        self._waker = _Waker()
        self._listener = _Listener(listening, session_class, self._waker, self._on_login_failed)
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
        return type("BoundSession", (self._encrypted(attributes) or Session,), attributes)

    def _encrypted(self, attributes: dict[str, Any]) -> type[Session] | None:
        """The encrypted kind of session, `attributes` completed for it; None where there is none and need be none."""
        if not self._settings.tls:
            return None
        try:
            return self._secure_class(attributes)
        except NotEncrypted as error:
            if self._settings.tls > 1:
                raise
            self.encryption = f"без шифрования: {error}"
            return None

    def _secure_class(self, attributes: dict[str, Any]) -> type[Session]:
        try:
            # Only here: it takes more memory than the rest of the server.
            from engine.ftpd import secure
        except ImportError as error:
            raise NotEncrypted(f"Tls={self._settings.tls}, а пакет pyOpenSSL не установлен") from error
        try:
            context, fingerprint = secure.context_of(self._tree.root, self._settings.bind)
        except secure.FAILURES as error:
            raise NotEncrypted(f"Tls={self._settings.tls}, а {secure.PLACE} не годится: {secure.why(error)}") from error
        is_required = self._settings.tls > 1
        attributes |= {
            "ssl_context": context, "tls_control_required": is_required, "tls_data_required": is_required
        }  # fmt: skip
        wanted = "обязательно" if is_required else "по желанию"
        self.encryption = f"шифрование {wanted}, сертификат SHA-256 {fingerprint}"
        secured: type[Session] = secure.SecureSession
        return secured


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

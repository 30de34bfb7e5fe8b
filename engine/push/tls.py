"""Encryption towards an external server: explicit TLS (RFC 4217), the certificate and the host name always checked."""

from __future__ import annotations

import ftplib
import os
import select
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from engine.errors import DeliveryFailed
from engine.push.wire import Wire
from engine.settings import Server

PLAIN = "сервер не умеет шифровать: Tls=1, и всё идёт открытым текстом"
_DRAIN_BYTES = 16384


class DataSocket(ssl.SSLSocket):
    """Ends a transfer the way that every server understands, and waits no longer than one time-out for its answer."""

    def unwrap(self) -> socket.socket:
        """Say that the data are complete; whether they arrived is told by the server on the other connection."""
        timeout_s = float(self.gettimeout() or 0)
        with suppress(OSError):
            select.select([], [self], [], timeout_s)
            self.settimeout(0)
            with suppress(ssl.SSLError):
                super().unwrap()
            socket.socket.shutdown(self, socket.SHUT_WR)
            self._drain(time.monotonic() + timeout_s)
        return self

    def _drain(self, ends_s: float) -> None:
        """What is left unread when a socket is closed makes the system reset the connection: data may be lost."""
        while (left_s := ends_s - time.monotonic()) > 0:
            ready, _, _ = select.select([self], [], [], left_s)
            if not ready or not os.read(self.fileno(), _DRAIN_BYTES):
                return


class SecureWire(Wire):
    """A session that encrypts what it can, with the limits of `Wire`.

    With `Tls=2` nothing, not even the user's name, is sent in the clear. With `Tls=1` a server that does not offer
    encryption is used without it, and `told` hears of that. A certificate that cannot be believed ends both.
    """

    def __init__(self, server: Server, context: ssl.SSLContext, told: Callable[[str], None]) -> None:
        super().__init__(server)
        self._context = context
        context.sslsocket_class = DataSocket
        self._server = server
        self._told = told

    def login(self, user: str = "", passwd: str = "", acct: str = "") -> str:
        """As ftplib's, encrypted before the first word."""
        is_secure = self._secure()
        welcome = super().login(user, passwd, acct)
        if is_secure:
            # Not before the login: some servers forget it there.
            self.voidcmd("PBSZ 0")
            self.voidcmd("PROT P")
        self._told("" if is_secure else PLAIN)
        return welcome

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        conn, size = super().ntransfercmd(cmd, rest)
        if not isinstance(self.sock, ssl.SSLSocket):
            return conn, size
        # Servers may insist on the session of the control connection: nobody else can have it.
        return self._wrapped(conn, self.sock.session), size

    def _secure(self) -> bool:
        try:
            self.voidcmd("AUTH TLS")
        except ftplib.error_perm as error:
            if self._server.tls > 1:
                raise DeliveryFailed("вход: сервер не умеет шифровать (AUTH TLS), а Tls=2 этого требует") from error
            return False
        # Whatever came in the clear behind the answer is thrown away with the old reader.
        assert self.file is not None, "AUTH was answered"
        self.file.close()
        self.sock = self._wrapped(cast("socket.socket", self.sock))
        self.file = self.sock.makefile("r", encoding=self.encoding, errors="replace")
        return True

    def _wrapped(self, sock: socket.socket, session: ssl.SSLSession | None = None) -> ssl.SSLSocket:
        secured = self._context.wrap_socket(
            sock, server_hostname=self._server.host, session=session, do_handshake_on_connect=False
        )
        try:
            self._keep(secured)
            secured.do_handshake()
        except OSError:
            secured.close()
            raise
        return secured

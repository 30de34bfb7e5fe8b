"""ftplib's session as the agent wants it: a limit on everything that it waits for, and a way to cut it from outside."""

from __future__ import annotations

import ftplib
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from engine.settings import Server

REPLY_LIMIT_BYTES = 65536
REPLY_LIMIT_TIMEOUTS = 3
"""An answer that comes letter by letter may take so many time-outs in all."""


class Wire(ftplib.FTP):
    """ftplib's session with a limit on everything that it waits for, and a way to cut it from outside."""

    def __init__(self, server: Server) -> None:
        super().__init__(timeout=server.timeout_s, encoding=server.encoding)
        self.step: Callable[[], None] = lambda: None
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._is_cut = False
        self._reply_ends_s = 0.0
        self._reply_bytes = 0
        self._type = ""

    def connect(self, host: str, port: int) -> str:  # type: ignore[override]
        """As ftplib's, but `cut` reaches the socket while it connects, and a banner in any encoding is taken."""
        self.host, self.port = host, port
        self.sock = self._reach(host, port)
        self.af = self.sock.family
        self.file = self.sock.makefile("r", encoding=self.encoding, errors="replace")
        self.welcome = self.getresp()
        return self.welcome

    def cut(self) -> None:
        """Shut every socket down; whoever waits on one gets an `OSError`."""
        with self._lock:
            self._is_cut = True
            for sock in self._sockets:
                with suppress(OSError):
                    _shut(sock)

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        conn, size = super().ntransfercmd(cmd, rest)
        self._keep(conn)
        return conn, size

    def sendcmd(self, cmd: str) -> str:
        answer = super().sendcmd(cmd)
        if cmd.startswith("TYPE "):
            self._type = cmd
        return answer

    def voidcmd(self, cmd: str) -> str:
        """As ftplib's, but a server that has agreed to a type is not asked again: each question costs a round trip."""
        if cmd == self._type:
            return ""
        answer = super().voidcmd(cmd)
        if cmd.startswith("TYPE "):
            self._type = cmd
        return answer

    def getresp(self) -> str:
        self.step()
        self._reply_bytes = 0
        self._reply_ends_s = time.monotonic() + REPLY_LIMIT_TIMEOUTS * float(self.timeout or 0)
        return super().getresp()

    def getline(self) -> str:
        line = super().getline()
        self._reply_bytes += len(line)
        if self._reply_bytes > REPLY_LIMIT_BYTES:
            raise ftplib.error_proto("endless reply")
        if time.monotonic() > self._reply_ends_s:
            raise TimeoutError
        return line

    def _reach(self, host: str, port: int) -> socket.socket:
        failure = OSError("no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(float(self.timeout or 0))
                self._keep(sock)
                sock.connect(address)
                return sock
            except OSError as error:
                sock.close()
                failure = error
        raise failure

    def _keep(self, sock: socket.socket) -> None:
        with self._lock:
            self._sockets = [known for known in self._sockets if known.fileno() != -1] + [sock]
            if self._is_cut:
                _shut(sock)


def _shut(sock: socket.socket) -> None:
    """An encrypted socket's own way would first forget the encryption, while another thread may be writing."""
    socket.socket.shutdown(sock, socket.SHUT_RDWR)

"""A server that is tormented on its control connection, plain or encrypted, and one client who is served all along."""

from __future__ import annotations

import contextlib
import re
import resource
import select
import socket
import ssl
import string
import threading
from collections.abc import Iterator
from dataclasses import replace
from ftplib import FTP, FTP_TLS
from pathlib import Path

from hypothesis import strategies as st

from engine.ftpd import FtpServer
from engine.settings import InternalFtp

USERS = {"main": "secret-1", "reader": "secret-2", "inbox": "secret-3"}
INTERNAL = InternalFtp(
    enabled=True, bind="127.0.0.1", port=0, passive_ports=None, user="main", password="secret-1", read_user="reader",
    read_password="secret-2", inbox_user="inbox", inbox_password="secret-3", tls=0, inbox_limit_bytes=100_000,
)  # fmt: skip
HIDDEN = {"var/cursor.txt": b"cursor", "etc/passwd": b"passwd", "agent.py": b"program", "log/.hidden": b"hidden"}
SHOWN = {"log/User/agent.ini": b"[agent]\n", "log/User/status.txt": b"status", "www/440020/M.txt": b"[0]\n\n"}
KEPT_FROM_ALL = ("log/User/status.txt", "www/440020/M.txt")
"""What no user may change."""
COMMANDS = re.findall(
    "[A-Z]+",
    "ABOR ACCT ALLO APPE AUTH CCC CDUP CWD DELE EPRT EPSV FEAT HELP LIST MDTM MFMT MKD MLSD MLST MODE NLST NOOP OPTS "
    "PASS PASV PBSZ PORT PROT PWD REIN REST RETR RMD RNFR RNTO SITE SIZE SMNT STAT STOR STOU STRU SYST TYPE USER XCUP "
    "XCWD XMKD XPWD XRMD",
)
ARGUMENTS = (
    "", " ", "/", "..", "../../etc/passwd", "/../../../etc/passwd", "//var//cursor.txt", "/var/cursor.txt", "~root",
    "log/../../agent.py", "/log/.hidden", "log/User/agent.ini", "/www/440020/M.txt", "/log/User/status.txt", "/log/x",
    "%s%n%x", "-la /", "-R", "*", "a\tb", "\0", "log/User/\0/agent.ini", "\\..\\..", "x" * 300, "/".join("y" * 300),
    "I", "A", "L 8", "8 999999999999999999999", "-1", "9" * 400, "127,0,0,1,0,22", "127,0,0,1,256,256", "1,2,3", ",,,,",
    "|1|127.0.0.1|22|", "|3|::1|99999|", "|||", "ALL", "TLS", "UTF8 ON", "MLST Type*;Size;", "20180101000000 /log/x",
    "CHMOD 777 /log/User/agent.ini", "Котельная", "\udcff\udcfe", "\u202e\u2028",
)  # fmt: skip
GROWTH_LIMIT_BYTES = 24 * 1024 * 1024
"""More than this is memory that was taken from the server."""

TIMEOUT_S = 10.0


class Rig:
    """A server, and one client who is served all the while. `tls` is that of the settings; with 2 all is encrypted."""

    def __init__(self, root: Path, tls: int = 0) -> None:
        self.root = root
        self._tls = tls
        for path, content in {**HIDDEN, **SHOWN, "log/Ftp/.keep.tmp": b""}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
        self.server = FtpServer(root, replace(INTERNAL, tls=tls), lambda _path, _content: None, lambda _path: None)
        self.server.start()
        self.outside = self._outside()
        self.witness = FTP_TLS(context=self.context()) if tls else FTP()
        self.witness.connect("127.0.0.1", self.server.port, timeout=TIMEOUT_S)
        self.witness.login("reader", USERS["reader"])

    def _outside(self) -> dict[str, bytes]:
        """Everything that is neither in `log/` nor in `www/`."""
        paths = (path for path in self.root.rglob("*") if path.is_file())
        names = {path.relative_to(self.root).as_posix(): path.read_bytes() for path in paths}
        return {name: data for name, data in names.items() if name.split("/")[0] not in ("log", "www")}

    def context(self) -> ssl.SSLContext:
        """A client's who believes this server."""
        return ssl.create_default_context(cafile=str(self.root / "var/tls/cert.pem"))

    def stop(self) -> None:
        self.witness.close()
        self.server.stop()

    @contextlib.contextmanager
    def talk(self, user: str = "") -> Iterator[socket.socket]:
        """A connection behind its greeting, logged in if there is a user."""
        with self.greeted() as plain, self._encrypted(plain) if self._tls else plain as connection:
            if user:
                connection.sendall(f"USER {user}\r\nPASS {USERS[user]}\r\n".encode())
                assert answer(connection).startswith(b"331")
                assert answer(connection).startswith(b"230")
            yield connection

    @contextlib.contextmanager
    def greeted(self) -> Iterator[socket.socket]:
        """A plain connection behind its greeting."""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=TIMEOUT_S) as connection:
            assert answer(connection).startswith(b"220")
            yield connection

    def _encrypted(self, plain: socket.socket) -> socket.socket:
        plain.sendall(b"AUTH TLS\r\n")
        assert answer(plain).startswith(b"234")
        return self.context().wrap_socket(plain, server_hostname="127.0.0.1")

    def feed(self, data: bytes, user: str = "") -> bytes:
        """Everything that is answered to these bytes, until the connection ends.

        A plain one is ended by the client; nobody can end half of an encrypted one, so there he says good-bye.
        """
        with self.talk(user) as connection:
            if isinstance(connection, ssl.SSLSocket):
                return _exchange(connection, data + b"\r\nQUIT\r\n")
            sender = threading.Thread(target=_send, args=(connection, data))
            sender.start()
            try:
                return _everything(connection)
            finally:
                sender.join(TIMEOUT_S)
                assert not sender.is_alive(), "the server does not read"

    def check(self) -> None:
        """The other client is served as before, and everything is in its place."""
        assert self.server.alive
        assert self.witness.voidcmd("NOOP").startswith("2")
        assert self._outside() == self.outside
        for path in (*KEPT_FROM_ALL, "log/.hidden"):
            assert (self.root / path).read_bytes() == {**HIDDEN, **SHOWN}[path], path


def answer(connection: socket.socket) -> bytes:
    """One line of the server."""
    data = b""
    while not data.endswith(b"\r\n") and (piece := connection.recv(1)):
        data += piece
    return data


def _send(connection: socket.socket, data: bytes) -> None:
    with contextlib.suppress(OSError):
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)


def _exchange(connection: ssl.SSLSocket, data: bytes) -> bytes:
    """Send and receive by turns: two threads must not use one encrypted connection."""
    received, rest = bytearray(), memoryview(data)
    connection.setblocking(False)
    while True:
        moved = 0
        with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
            if rest:
                moved = connection.send(rest[:4096])
                rest = rest[moved:]
        try:
            piece = connection.recv(65536)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            if not moved:
                ready = select.select([connection], [connection] if rest else [], [], TIMEOUT_S)
                assert any(ready), "the server does not answer"
            continue
        except (ssl.SSLError, ConnectionError):
            return bytes(received)
        if not piece:
            return bytes(received)
        received += piece


def _everything(connection: socket.socket) -> bytes:
    data = bytearray()
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65536):
            data += piece
    return bytes(data)


def resident_bytes() -> int:
    """Of this process, where the server lives too."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def encoded(line: str) -> bytes:
    return line.encode("utf-8", "surrogateescape")


known_lines = st.builds(
    lambda command, argument, end: encoded(f"{command} {argument}{end}"),
    st.sampled_from(COMMANDS) | st.sampled_from(COMMANDS).map(str.lower),
    st.sampled_from(ARGUMENTS) | st.text(alphabet=string.printable, max_size=40),
    st.sampled_from(["\r\n", "\n", "\r", "", "\r\n\r\n", "\0\r\n"]),
)
telnet = st.lists(st.sampled_from([b"\xff\xf4", b"\xff\xf2", b"\xff\xff", b"\xff\xfb\x01", b"\xff"])).map(b"".join)
conversations = st.lists(known_lines | telnet | st.binary(max_size=60), max_size=12).map(b"".join)

"""One FTP session with an external server: look, send, rename (formats guide, section 7).

ftputil makes the folders; the ftplib session inside it does the rest, because ftputil's own upload reports success on
426, 450, 451 and on no answer at all, and its other calls look around between the commands. Whatever a server does
comes out as `DeliveryFailed` with a short reason in Russian, and no password in it.
"""

from __future__ import annotations

import ftplib
import re
import socket
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path

with warnings.catch_warnings():
    # It warns at every import of a default that is never used here: the encoding is always given.
    warnings.simplefilter("ignore", DeprecationWarning)
    import ftputil
    import ftputil.error

from engine.errors import DeliveryFailed, NameTaken
from engine.naming import parse_drop_name
from engine.push.reason import cause_of, reason
from engine.push.tls import SecureWire, trust
from engine.push.wire import Wire
from engine.settings import Server

BLOCK_BYTES = 8192
LINE_LIMIT_BYTES = 4096
TRANSFER_LIMIT_TIMEOUTS = 60
"""What a server sends may take so many time-outs in all, however it trickles."""
PART = ".part"
_NONSENSE = "no-such-file.zip"

_EXPECTED = (OSError, EOFError, ftplib.Error, ftputil.error.FTPError, ValueError, OverflowError)
"""What ftplib and ftputil raise on bad servers; the last two on answers that make no sense or cannot be encoded."""


def _ignore_encryption(_remark: str) -> None:
    """For owners who show no state."""


class Session:
    """One connection to one server, for one thread. Only `abort` may be called from another.

    Use: `open`, then the rest any number of times, then `close` in any case. `ca_file` holds further certificates to
    believe (`engine.push.tls`). `told` hears at every login what a person should know of the encryption; empty = all
    is as wanted.
    """

    def __init__(
        self, server: Server, ca_file: Path | None = None, told: Callable[[str], None] = _ignore_encryption
    ) -> None:
        self._server = server
        self._ca_file = ca_file
        self._told_encryption = told
        self._wire: Wire | None = None
        self._host: ftputil.FTPHost | None = None
        self._sound = False
        self._is_aborted = False

    def open(self) -> None:
        """Connect, log in, make the folder and go into it. Raises `DeliveryFailed`, as everything here."""
        server = self._server
        encrypts = server.tls > 0
        self._wire = SecureWire(server, trust(self._ca_file), self._told_encryption) if encrypts else Wire(server)
        if self._is_aborted:
            self._wire.cut()
        with self._told("вход"):
            self._host = ftputil.FTPHost(server.host, server.user, server.password, session_factory=self._login)
        with self._told("папка"):
            self._enter(server.directory)
        self._sound = True

    def exists(self, name: str) -> bool:
        """Whether this name is taken on the server, also where files may neither be listed nor read."""
        with self._told("проверка имени"):
            if self._size(name) is not None:
                return True
            # SIZE may be forbidden or unknown. RNFR needs only the right that a delivery needs anyway.
            if not self._may_rename(name):
                return False
            return not self._may_rename(_NONSENSE) or self._is_listed(name)

    def highest_seq(self, number: int) -> int | None:
        """The highest seq of this Number in the folder, 0 if there is none, None where the server does not list."""
        highest = 0
        try:
            with self._told("список"):
                for name in self._names():
                    highest = max(highest, _seq_of(name, number))
        except _ListRefused:
            return None
        return highest

    def send(self, name: str, data: bytes) -> None:
        """Put `data` under a name that was free: `.part` first, size checked, then renamed.

        Raises `NameTaken` if somebody took the name meanwhile; the `.part` stays for the next try to replace.
        """
        part = name + PART
        with self._told("передача"):
            self._store(part, data)
            self._check_size(part, len(data))
        if self.exists(name):
            raise NameTaken(name)
        with self._told("переименование"):
            self._line().rename(part, name)

    def fetch(self, name: str, limit: int) -> bytes | None:
        """The first `limit` bytes of a file; None where the server does not give it out."""
        with self._told("чтение"):
            try:
                data, conn = bytearray(), self._line().transfercmd(f"RETR {name}")
            except ftplib.error_perm:
                return None
            with conn:
                for piece in self._pieces(conn):
                    data += piece
                    if len(data) >= limit:
                        break
            self._end_of_data(cut=len(data) >= limit)
        return bytes(data[:limit])

    def close(self) -> None:
        """Say good-bye if the server still listens, and give the descriptors back. Raises nothing."""
        if self._wire is None:
            return
        with suppress(*_EXPECTED):
            if self._sound:
                self._wire.quit()
        self._wire.close()

    def abort(self) -> None:
        """From another thread: whatever waits for the server now fails at once."""
        self._is_aborted = True
        if self._wire is not None:
            self._wire.cut()

    def _login(self, host: str, user: str, password: str) -> Wire:
        wire = self._line()
        wire.connect(host, self._server.port)
        wire.login(user, password)
        wire.set_pasv(self._server.passive)
        if wire.encoding.lower().replace("-", "") == "utf8":
            # Some servers speak UTF-8 only when asked; those that do not know the question speak it anyway.
            with suppress(ftplib.Error):
                wire.sendcmd("OPTS UTF8 ON")
        return wire

    def _enter(self, directory: str) -> None:
        if not directory:
            return
        host = self._connected()
        with suppress(ftputil.error.PermanentError):
            host.chdir(directory)
            return
        try:
            host.makedirs(directory, exist_ok=True)
        except (ftputil.error.PermanentError, ftputil.error.InternalError):
            # Listings that cannot be read, folders above that may not be entered.
            self._make_blindly(directory)
        host.chdir(directory)

    def _make_blindly(self, directory: str) -> None:
        path = "/" if directory.startswith("/") else ""
        for folder in filter(None, directory.split("/")):
            path += folder
            with suppress(ftplib.error_perm):
                self._line().mkd(path)
            path += "/"

    def _size(self, name: str) -> int | None:
        self._line().voidcmd("TYPE I")
        try:
            return self._line().size(name)
        except ftplib.error_perm:
            return None

    def _may_rename(self, name: str) -> bool:
        try:
            answer = self._line().sendcmd(f"RNFR {name}")
        except ftplib.error_perm:
            return False
        except ftplib.error_temp as error:
            # 450 is "file unavailable" (RFC 959): some say so of a file that is not there.
            if str(error).startswith("450"):
                return False
            raise
        with suppress(ftplib.error_perm, ftplib.error_temp):
            self._line().sendcmd("NOOP")
        return answer.startswith("3")

    def _is_listed(self, name: str) -> bool:
        """The last resort, for a server that would rename what is not there."""
        try:
            return name in list(self._names())
        except _ListRefused:
            return False

    def _names(self) -> Iterator[str]:
        """Bare names in the folder; those that are no text of ours may come out garbled."""
        try:
            conn = self._line().transfercmd("NLST")
        except (ftplib.error_perm, ftplib.error_temp) as error:
            if _says_empty(str(error)):
                return
            if str(error).startswith("42"):
                raise
            raise _ListRefused from error
        rest = b""
        with conn:
            for piece in self._pieces(conn):
                *lines, rest = (rest + piece).split(b"\n")
                rest = rest[:LINE_LIMIT_BYTES]
                yield from map(_bare_name, lines)
        self._end_of_data(cut=False)
        yield _bare_name(rest)

    def _pieces(self, conn: socket.socket) -> Iterator[bytes]:
        ends_s = time.monotonic() + TRANSFER_LIMIT_TIMEOUTS * self._server.timeout_s
        while piece := conn.recv(BLOCK_BYTES):
            if time.monotonic() > ends_s:
                raise TimeoutError
            yield piece

    def _store(self, part: str, data: bytes) -> None:
        try:
            self._line().storbinary(f"STOR {part}", BytesIO(data), BLOCK_BYTES)
        except ftplib.error_perm as error:
            # 550, 553: a stale `.part` that may not be overwritten, but perhaps deleted.
            if not re.match("550|553", str(error)):
                raise
            try:
                self._line().delete(part)
            except ftplib.Error:
                raise error from None
            self._line().storbinary(f"STOR {part}", BytesIO(data), BLOCK_BYTES)

    def _check_size(self, part: str, expected: int) -> None:
        arrived = self._size(part)
        if arrived is not None and arrived != expected:
            raise DeliveryFailed(f"передача: на сервере {arrived} байт из {expected}")

    def _end_of_data(self, *, cut: bool) -> None:
        try:
            self._line().voidresp()
        except (ftplib.error_temp, ftplib.error_perm):
            if not cut:
                raise

    def _line(self) -> Wire:
        if self._wire is None:
            raise DeliveryFailed("соединение не открыто")
        return self._wire

    def _connected(self) -> ftputil.FTPHost:
        if self._host is None:
            raise DeliveryFailed("соединение не открыто")
        return self._host

    @contextmanager
    def _told(self, step: str) -> Iterator[None]:
        try:
            yield
        except _EXPECTED as error:
            self._sound = self._sound and isinstance(cause_of(error), ftplib.error_perm)
            raise DeliveryFailed(f"{step}: {reason(error, self._server)}") from error


class _ListRefused(Exception):
    """The server does not show its folder; it may still take files."""


def _bare_name(line: bytes) -> str:
    return re.split(r"[/\\]", line.decode("latin-1").rstrip("\r"))[-1]


def _says_empty(answer: str) -> bool:
    """Some servers answer `NLST` of an empty folder as if it failed (RFC 959 gives 450 and 550 for that)."""
    return re.match(r"[45]50.*(no (such )?files?|empty|not found)", answer, re.IGNORECASE) is not None


def _seq_of(name: str, number: int) -> int:
    """The seq of a drop of ours, or of one on its way; 0 for any other name."""
    drop = parse_drop_name(name.removesuffix(PART))
    return drop.seq if drop and drop.number == number else 0

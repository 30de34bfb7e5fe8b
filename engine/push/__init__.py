"""One FTP session with an external server: look, store, rename, look again (formats guide, section 7).

ftputil makes the folders; the ftplib session inside it does the rest, because ftputil's own upload reports success on
426, 450, 451 and on no answer at all, and its other calls look around between the commands. Whatever a server does
comes out as `DeliveryFailed` with a short reason in Russian, and no password in it.
"""

from __future__ import annotations

import ftplib
import re
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
from engine.push.reading import PART, ListRefused, names, read, seq_of
from engine.push.reason import cause_of, reason
from engine.push.tls import SecureWire
from engine.push.wire import Wire
from engine.settings import Server
from engine.trust import trust

BLOCK_BYTES = 8192
CHECKED_BYTES = 65536
"""So much of the end of a drop is read back: nearly always all of it, and of every zip the list of what is in it."""
_NONSENSE = "no-such-file.zip"

_EXPECTED = (OSError, EOFError, ftplib.Error, ftputil.error.FTPError, ValueError, OverflowError)
"""What ftplib and ftputil raise on bad servers; the last two on answers that make no sense or cannot be encoded."""


def _ignore(*_: object) -> None:
    """For owners who show no state."""


class Session:
    """One connection to one server, for one thread. Only `abort` may be called from another.

    Use: `open`, then the rest any number of times, then `close` in any case. `ca_file` holds further certificates to
    believe (`engine.trust`). `told` hears at every login what a person should know of the encryption; empty = all
    is as wanted. `step` is called at each command and each piece of data: the session goes on.
    """

    def __init__(
        self,
        server: Server,
        ca_file: Path | None = None,
        told: Callable[[str], None] = _ignore,
        step: Callable[[], None] = _ignore,
    ) -> None:
        self._server = server
        self._ca_file = ca_file
        self._told_encryption = told
        self._step = step
        self._wire: Wire | None = None
        self._host: ftputil.FTPHost | None = None
        self._sound = False
        self._is_aborted = False

    def open(self) -> None:
        """Connect, log in, make the folder and go into it. Raises `DeliveryFailed`, as everything here."""
        server = self._server
        encrypts = server.tls > 0
        self._wire = SecureWire(server, trust(self._ca_file), self._told_encryption) if encrypts else Wire(server)
        self._wire.step = self._step
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
                for name in names(self._line()):
                    highest = max(highest, seq_of(name, number))
        except ListRefused:
            return None
        return highest

    def clear(self, name: str, *, is_new: bool) -> None:
        """Make way for the `.part` of a drop, right before it is sent.

        With `is_new` nothing of ours can lie there: `NameTaken` when somebody else is about to use the name. Else what
        lies there goes first if it may: whoever still writes into it then harms nobody.
        """
        with self._told("передача"):
            if not self._is_part(name + PART):
                return
            if is_new:
                raise NameTaken(name + PART)
            with suppress(ftplib.error_perm, ftplib.error_temp):
                self._line().delete(name + PART)

    def store(self, name: str, data: bytes) -> None:
        """Put `data` on the server as the `.part` of a name, and see that its size is right."""
        part = name + PART
        with self._told("передача"):
            self._store(part, data)
            arrived = self._size(part)
        if arrived is not None and arrived != len(data):
            raise DeliveryFailed(f"передача: на сервере {arrived} байт из {len(data)}")

    def rename(self, name: str, size: int) -> None:
        """Give the `.part` its final name. `size` is what was stored.

        Raises `NameTaken` if somebody took the name meanwhile (the `.part` stays), or if it turns out that what got the
        name is not of this size: another board with the same Number had written its own over the `.part`.
        """
        if self.exists(name):
            raise NameTaken(name)
        with self._told("переименование"):
            self._line().rename(name + PART, name)
            arrived = self._size(name)
        if arrived is not None and arrived != size:
            raise NameTaken(name)
        # A drop may be taken away at once; one that still has its old name was not renamed, whatever was answered.
        if arrived is None and self.exists(name + PART):
            raise DeliveryFailed("переименование: сервер ответил, что сделал, а файл остался под прежним именем")

    def size(self, name: str) -> int | None:
        """How long a file is; None where there is none or the server does not tell."""
        with self._told("проверка имени"):
            return self._size(name)

    def holds(self, name: str, data: bytes) -> bool | None:
        """Whether these bytes stand under a name, by their last `CHECKED_BYTES`; None where that cannot be read now."""
        begin = max(0, len(data) - CHECKED_BYTES)
        with self._told("сверка"):
            try:
                found = read(self._line(), name, len(data) - begin + 1, begin)
            except (ftplib.error_perm, ftplib.error_temp) as error:
                if str(error).startswith("421"):
                    raise
                return None
        return found == data[begin:]

    def fetch(self, name: str, limit: int) -> bytes | None:
        """The first `limit` bytes of a file; None where the server does not give it out."""
        with self._told("чтение"):
            try:
                return read(self._line(), name, limit)
            except ftplib.error_perm:
                return None

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
        if not answer.startswith("3"):
            return False
        # Some wait for the second half and refuse everything else till then (proftpd): it comes without a name.
        with suppress(ftplib.Error):
            self._line().sendcmd("RNTO")
        return True

    def _is_listed(self, name: str) -> bool:
        """The last resort, for a server that would rename what is not there."""
        try:
            return name in list(names(self._line()))
        except ListRefused:
            return False

    def _is_part(self, part: str) -> bool:
        """As `exists`, by what a rename needs: a size may be told wrong."""
        return self._may_rename(part) and (not self._may_rename(_NONSENSE) or self._is_listed(part))

    def _store(self, part: str, data: bytes) -> None:
        try:
            self._line().storbinary(f"STOR {part}", BytesIO(data), BLOCK_BYTES, lambda _: self._step())
        except ftplib.error_perm as error:
            # 550, 553: a stale `.part` that may not be overwritten, but perhaps deleted.
            if not re.match("550|553", str(error)):
                raise
            try:
                self._line().delete(part)
            except ftplib.Error:
                raise error from None
            self._line().storbinary(f"STOR {part}", BytesIO(data), BLOCK_BYTES, lambda _: self._step())

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

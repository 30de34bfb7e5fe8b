"""The static index over HTTP: started, changed and stopped by difference between settings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.formats.status import counts_text
from engine.reasons import why
from engine.runtime.part import House, Part
from engine.settings import InternalFtp, Settings

if TYPE_CHECKING:
    from engine.web import WebServer

RETRY_S = 30.0
ADDRESSES_MOST = 1000


class Web(Part):
    """One server, or none."""

    title = "Файлы по HTTP"

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self._wanted: tuple[int, InternalFtp] | None = None
        self._server: WebServer | None = None
        self._problem = ""
        self._due_s: float | None = None
        self._failed_logins: Counter[str] = Counter()

    def apply(self, settings: Settings, now_s: float) -> None:
        """Serve on the port of the settings, 0 for none, those who may log in to the embedded FTP server."""
        wanted = (settings.agent.web_port, settings.ftp.internal)
        if wanted != self._wanted:
            self._wanted, self._due_s = wanted, now_s

    def tick(self, now_s: float) -> None:
        """Start what is due."""
        if self._due_s is not None and now_s >= self._due_s:
            self._due_s = None
            self._restart(now_s)
        elif self._server is not None and not self._server.alive:
            self.stop()
            self._fail("остановился, запускается снова", now_s)

    def stop(self) -> None:
        """End every thread and close the port."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def lines(self) -> Sequence[str]:
        """Its state; nothing while it is switched off."""
        if self._wanted is None or not self._wanted[0]:
            return ()
        parts = [self._problem or f"работает, порт {self._wanted[0]}"]
        if self._failed_logins:
            worst = Counter(dict(self._failed_logins)).most_common(5)
            parts.append(f"неудачных входов: {counts_text(dict(worst))}")
        return ["; ".join(parts)]

    def _restart(self, now_s: float) -> None:
        self.stop()
        port, users = self._wanted or (0, None)
        if not port or users is None:
            self._problem = ""
            return
        if users.tls == 2:
            self._problem = "не запущен: Tls=2 требует шифрования, а по HTTP пароль идёт открыто"
            return
        from engine.web import WebServer  # a megabyte that an agent without it does not carry

        server = WebServer(self.house.root, port, users, self._login_failed, self.house.crashed)
        try:
            server.start()
        except OSError as error:
            self._fail(f"порт {port} не открыт: {why(error)}", now_s)
        else:
            self._server, self._problem = server, ""

    def _fail(self, problem: str, now_s: float) -> None:
        if problem != self._problem:
            self.house.journal(f"веб-доступ: {problem}")
        self._problem, self._due_s = problem, now_s + RETRY_S

    def _login_failed(self, user: str, address: str) -> None:
        """Called by the server's threads; whoever reads takes a copy, made in one step."""
        del user
        if len(self._failed_logins) < ADDRESSES_MOST or address in self._failed_logins:
            self._failed_logins[address] += 1

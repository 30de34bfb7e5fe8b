"""The embedded FTP server: started, changed and stopped by difference between settings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from engine.formats.status import counts_text
from engine.ftpd import FtpServer, NotEncrypted
from engine.ftpd.accounts import FACTORY_PASSWORD
from engine.reasons import why
from engine.runtime.part import House, Part
from engine.settings import InternalFtp, Settings
from engine.settings.together import refusal

FTP_CHANGE_S = 0.3
"""The client that sent new settings of this very server gets its answer before the server is started anew."""
FTP_RETRY_S = 30.0


class FileServer(Part):
    """One server, or none."""

    title = "Встроенный FTP"

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self._internal: InternalFtp | None = None
        self._ftpd: FtpServer | None = None
        self._problem = ""
        self._due_s: float | None = None
        self._failed_logins: Counter[str] = Counter()

    def apply(self, settings: Settings, now_s: float) -> None:
        """Serve as these settings say."""
        if settings.ftp.internal != self._internal:
            first, self._internal = self._internal is None, settings.ftp.internal
            self._due_s = now_s if first else now_s + FTP_CHANGE_S

    def tick(self, now_s: float) -> None:
        """Start what is due: a changed server, one that ended by itself."""
        if self._due_s is not None and now_s >= self._due_s:
            self._due_s = None
            self._restart(now_s)
        elif self._ftpd is not None and not self._ftpd.alive:
            self.stop()
            self._problem, self._due_s = "остановился, запускается снова", now_s + FTP_RETRY_S
            self.house.journal(f"встроенный FTP: {self._problem}")

    def stop(self) -> None:
        """End its thread and close the port."""
        if self._ftpd is not None:
            self._ftpd.stop()
            self._ftpd = None

    def _restart(self, now_s: float) -> None:
        self.stop()
        if self._internal is None or not self._internal.enabled:
            return
        server = FtpServer(self.house.root, self._internal, refusal, self.house.touched, self._login_failed)
        try:
            server.start()
        except NotEncrypted as error:
            self._postpone(f"не запущен: {error}", now_s)
            return
        except OSError as error:
            self._postpone(f"порт {self._internal.port} не открыт: {why(error)}", now_s)
            return
        self._ftpd, self._problem = server, ""

    def _postpone(self, problem: str, now_s: float) -> None:
        if problem != self._problem:
            self.house.journal(f"встроенный FTP: {problem}")
        self._problem, self._due_s = problem, now_s + FTP_RETRY_S

    def _login_failed(self, user: str, address: str) -> None:
        """Called by the server's thread; whoever reads takes a copy, made in one step."""
        del user
        if len(self._failed_logins) < 1000 or address in self._failed_logins:
            self._failed_logins[address] += 1

    def lines(self) -> Sequence[str]:
        """State of the server, and who failed to log in."""
        if self._internal is None or not self._internal.enabled:
            return ["выключен"]
        parts = [self._problem or f"работает, порт {self._ftpd.port if self._ftpd else self._internal.port}"]
        if self._ftpd is not None and self._ftpd.encryption:
            parts.append(self._ftpd.encryption)
        if self._failed_logins:
            worst = Counter(dict(self._failed_logins)).most_common(5)
            parts.append(f"неудачных входов: {counts_text(dict(worst))}")
        return ["; ".join(parts)]

    def warnings(self) -> Sequence[str]:
        """What a person should mend soon."""
        if self._internal and self._internal.enabled and self._internal.password == FACTORY_PASSWORD:
            return [
                "пароль встроенного FTP заводской и всем известен: входят только из своей сети. "
                "Задайте другой: log/User/ftp.ini, [internal] Password"
            ]
        return []

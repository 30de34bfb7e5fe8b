"""Everything beside the meters: deliveries to external servers, the embedded FTP server, the watch on files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

from engine.delivery import Delivery
from engine.delivery.outbox import Outbox
from engine.due import Restarts, clock_is_plausible
from engine.formats.status import counts_text, moment_text
from engine.ftpd import FtpServer, NotEncrypted
from engine.ftpd.accounts import FACTORY_PASSWORD
from engine.push import Session
from engine.push.tls import CA_PATH
from engine.reasons import why
from engine.runtime.web import Web
from engine.settings import FtpSettings, InternalFtp, Server, Settings
from engine.settings.together import refusal
from engine.watch import Watch

STOP_TIMEOUT_S = 10.0
FTP_CHANGE_S = 0.3
"""The client that sent new settings of this very server gets its answer before the server is started anew."""
FTP_RETRY_S = 30.0


@dataclass
class Standing:
    """One external server: its thread, when it is started again after a crash, what the journal was told of it."""

    delivery: Delivery
    server: Server
    restarts: Restarts = field(default_factory=Restarts)
    journaled: tuple[str, ...] = ()
    encryption: list[str] = field(default_factory=list)
    """What the last login told of the encryption, written by the thread of the delivery."""


class Services:
    """Starts, changes and stops them by the difference between settings. Used by the main thread."""

    def __init__(
        self,
        root: Path,
        changed: Callable[[], None],
        crashed: Callable[[str, str], None],
        now: Callable[[], datetime | None],
        journal: Callable[[str], None],
    ) -> None:
        self.deliveries: dict[str, Standing] = {}
        self._root = root
        self._changed = changed
        self._crashed = crashed
        self._now = now
        self._journal = journal
        self._watch = Watch(root, changed)
        self._number = 0
        self._texts = ("", "")
        self._outbox: Outbox | None = None
        self._internal: InternalFtp | None = None
        self._ftpd: FtpServer | None = None
        self._ftpd_problem = ""
        self._ftpd_due_s: float | None = None
        self._failed_logins: Counter[str] = Counter()
        self._leaving: list[Delivery] = []
        self._waiting: dict[str, Server] = {}
        self._turns: dict[str, int] = {}
        self._web = Web(root, crashed, journal)

    def start(self) -> None:
        """Begin to watch the files of the user."""
        self._watch.start()

    def apply(self, settings: Settings, now_s: float) -> None:
        """Serve and deliver as these settings say."""
        agent = settings.agent
        outbox = Outbox(self._root, event_date=agent.event_date, dos_encoding=agent.dos_encoding)
        everything_new = self._number != agent.number or self._texts != (agent.event_date, agent.dos_encoding)
        self._number, self._texts, self._outbox = agent.number, (agent.event_date, agent.dos_encoding), outbox
        self._apply_servers(settings.ftp, everything_new)
        if settings.ftp.internal != self._internal:
            first, self._internal = self._internal is None, settings.ftp.internal
            self._ftpd_due_s = now_s if first else now_s + FTP_CHANGE_S
        self._web.apply(agent.web_port, settings.ftp.internal, now_s)

    def tick(self, now_s: float) -> None:
        """Start what is due: a changed file server, a delivery that crashed."""
        self._leaving = [delivery for delivery in self._leaving if delivery.is_alive()]
        self._start_waiting()
        self._web.tick(now_s)
        for standing in self.deliveries.values():
            if standing.restarts.is_due(now_s) and not standing.delivery.is_alive():
                standing.delivery = self._start_delivery(standing.server, standing.encryption)
            self._journal_delivery(standing)
        if self._ftpd_due_s is not None and now_s >= self._ftpd_due_s:
            self._ftpd_due_s = None
            self._restart_ftpd(now_s)
        elif self._ftpd is not None and not self._ftpd.alive:
            self._stop_ftpd()
            self._ftpd_problem, self._ftpd_due_s = "остановился, запускается снова", now_s + FTP_RETRY_S
            self._journal(f"встроенный FTP: {self._ftpd_problem}")

    def stop(self) -> None:
        """End every thread and close every port."""
        self._watch.stop()
        for standing in self.deliveries.values():
            self._leave(standing.delivery)
        for delivery in self._leaving:
            delivery.join(STOP_TIMEOUT_S)
        self._stop_ftpd()
        self._web.stop()

    def tell_crash(self, thread: str, now_s: float) -> None:
        """A delivery ended unexpectedly: it is started again after a growing pause."""
        for standing in self.deliveries.values():
            if standing.delivery.name == thread:
                standing.restarts.crashed(now_s)

    # --- external servers

    def _apply_servers(self, settings: FtpSettings, everything_new: bool) -> None:
        wanted = {server.section: server for server in settings.servers if server.enabled}
        for section, standing in list(self.deliveries.items()):
            if everything_new or wanted.get(section) != standing.server:
                self._leave(self.deliveries.pop(section).delivery)
        self._waiting = {section: server for section, server in wanted.items() if section not in self.deliveries}
        self._start_waiting()

    def _start_waiting(self) -> None:
        """Two threads never share a cursor: a new one starts when the old ones have ended. Nobody waits for that."""
        if any(delivery.is_alive() for delivery in self._leaving):
            return
        for section, server in self._waiting.items():
            told: list[str] = []
            self.deliveries[section] = Standing(self._start_delivery(server, told), server, encryption=told)
        self._waiting = {}

    def _start_delivery(self, server: Server, encryption: list[str]) -> Delivery:
        assert self._outbox is not None, "settings are applied before anything is delivered"
        delivery = Delivery(
            server,
            self._number,
            root=self._root,
            outbox=self._outbox,
            connect=partial(Session, ca_file=self._root / CA_PATH, told=partial(_replace, encryption)),
            now=lambda: self._now() or datetime.now().astimezone(),
            clock_plausible=lambda: clock_is_plausible(datetime.now()),
            told=lambda _state: None,
            crashed=self._crashed,
        )
        delivery.start()
        return delivery

    def _leave(self, delivery: Delivery) -> None:
        delivery.stop()
        self._leaving.append(delivery)

    def deliver_now(self) -> None:
        """Every server gets a drop at once."""
        self._turns = {section: standing.delivery.turns for section, standing in self.deliveries.items()}
        for standing in self.deliveries.values():
            standing.delivery.push_now()

    def delivered(self) -> bool:
        """Whether since `deliver_now` every server has taken everything, or has failed."""
        return not self._waiting and all(
            self._is_delivered(standing, self._turns.get(section, 0)) for section, standing in self.deliveries.items()
        )

    def _is_delivered(self, standing: Standing, turns_before: int) -> bool:
        turns = standing.delivery.turns - turns_before
        return turns >= 2 or (turns == 1 and not standing.delivery.state.backlog_bytes)

    def has_everywhere(self, path: str, size: int) -> bool:
        """Whether every enabled server has the first `size` bytes of an archive file (`path` below `www/`)."""
        known = not self._waiting
        return known and all(standing.delivery.position(path) >= size for standing in self.deliveries.values())

    def server_lines(self) -> list[str]:
        """One line a server, for `status.txt`."""
        return [_server_line(standing) for standing in self.deliveries.values()]

    def _journal_delivery(self, standing: Standing) -> None:
        """Problems and recoveries, once each; a failure that only repeats is not told again."""
        state, server = standing.delivery.state, standing.server
        trouble = tuple(text for text in (state.error, state.clash, *state.notices, *standing.encryption) if text)
        for text in trouble:
            if text not in standing.journaled:
                self._journal(f"{server.section} {server.host}: {text}")
        if standing.journaled and not trouble:
            self._journal(f"{server.section} {server.host}: доставка восстановлена")
        standing.journaled = trouble

    # --- the embedded server

    def _restart_ftpd(self, now_s: float) -> None:
        self._stop_ftpd()
        if self._internal is None or not self._internal.enabled:
            return
        server = FtpServer(self._root, self._internal, refusal, self._watch.touched, self._login_failed)
        try:
            server.start()
        except NotEncrypted as error:
            self._postpone_ftpd(f"не запущен: {error}", now_s)
            return
        except OSError as error:
            self._postpone_ftpd(f"порт {self._internal.port} не открыт: {why(error)}", now_s)
            return
        self._ftpd, self._ftpd_problem = server, ""

    def _postpone_ftpd(self, problem: str, now_s: float) -> None:
        if problem != self._ftpd_problem:
            self._journal(f"встроенный FTP: {problem}")
        self._ftpd_problem, self._ftpd_due_s = problem, now_s + FTP_RETRY_S

    def _stop_ftpd(self) -> None:
        if self._ftpd is not None:
            self._ftpd.stop()
            self._ftpd = None

    def _login_failed(self, user: str, address: str) -> None:
        """Called by the server's thread; whoever reads takes a copy, made in one step."""
        del user
        if len(self._failed_logins) < 1000 or address in self._failed_logins:
            self._failed_logins[address] += 1

    def file_server_line(self) -> str:
        """State of the embedded server, for `status.txt`; empty when it is switched off."""
        if self._internal is None or not self._internal.enabled:
            return ""
        parts = [self._ftpd_problem or f"работает, порт {self._ftpd.port if self._ftpd else self._internal.port}"]
        if self._ftpd is not None and self._ftpd.encryption:
            parts.append(self._ftpd.encryption)
        if self._failed_logins:
            worst = Counter(dict(self._failed_logins)).most_common(5)
            parts.append(f"неудачных входов: {counts_text(dict(worst))}")
        return "; ".join(parts)

    def web_line(self) -> str:
        """State of the index over HTTP, for `status.txt`; empty when it is switched off."""
        return self._web.line()

    def warnings(self) -> Sequence[str]:
        """What a person should mend soon."""
        if self._internal and self._internal.enabled and self._internal.password == FACTORY_PASSWORD:
            return [
                "пароль встроенного FTP заводской и всем известен: входят только из своей сети. "
                "Задайте другой: log/User/ftp.ini, [internal] Password"
            ]
        return []


def _replace(kept: list[str], text: str) -> None:
    kept[:] = [text]


def _server_line(standing: Standing) -> str:
    state, server = standing.delivery.state, standing.server
    parts = [f"{server.section} {server.host}:{server.port}"]
    parts.append(f"нет доставки: {state.error}" if state.error else "работает")
    if state.delivered:
        parts.append(f"посылка №{state.seq} доставлена {moment_text(state.delivered)}")
    if state.backlog_bytes:
        parts.append(f"ждёт отправки {(state.backlog_bytes + 1023) // 1024} кБ")
    parts += [text for text in (state.clash, *state.notices, *standing.encryption) if text]
    if standing.restarts.count:
        parts.append(f"перезапусков {standing.restarts.count}")
    return "; ".join(parts)

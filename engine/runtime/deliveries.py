"""Deliveries to the external servers: one thread each, started, changed and stopped by difference."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from engine import naming
from engine.delivery import Delivery
from engine.delivery.outbox import Outbox
from engine.due import Restarts, clock_is_plausible
from engine.formats.status import moment_text
from engine.push import Session
from engine.runtime.part import House, Part
from engine.settings import FtpSettings, Server, Settings

STOP_TIMEOUT_S = 10.0


@dataclass
class Standing:
    """One external server: its thread, when it is started again after a crash, what the journal was told of it."""

    delivery: Delivery
    server: Server
    restarts: Restarts = field(default_factory=Restarts)
    turns_before: int = 0
    restarts_before: int = 0
    wants_rest: bool = False
    """A push is under way, and its first turn may leave something behind that was stored meanwhile."""
    journaled: tuple[str, ...] = ()
    encryption: list[str] = field(default_factory=list)
    """What the last login told of the encryption, written by the thread of the delivery."""


    def push(self) -> None:
        """A drop at once, and from now on it counts what becomes of it."""
        self.turns_before, self.restarts_before, self.wants_rest = self.delivery.turns, self.restarts.count, True
        self.delivery.push_now()

    def push_rest(self) -> None:
        """A second turn follows at once, or a push would last until the next Interval."""
        if self.wants_rest and self.delivery.turns != self.turns_before and self.delivery.state.backlog_bytes:
            self.wants_rest = False
            self.delivery.push_now()

    @property
    def is_pushed(self) -> bool:
        """Whether it has everything, or has failed."""
        if self.restarts.count > self.restarts_before:
            return True
        turns = self.delivery.turns - self.turns_before
        return turns >= 2 or (turns == 1 and not self.delivery.state.backlog_bytes)


class Deliveries(Part):
    """One delivery for each server that is switched on."""

    title = "Внешние серверы"

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.deliveries: dict[str, Standing] = {}
        self._number = 0
        self._texts = ("", "")
        self._outbox: Outbox | None = None
        self._leaving: list[Delivery] = []
        self._waiting: dict[str, Server] = {}

    def apply(self, settings: Settings, now_s: float) -> None:
        """Deliver as these settings say."""
        agent = settings.agent
        outbox = Outbox(self.house.root, event_date=agent.event_date, dos_encoding=agent.dos_encoding)
        everything_new = self._number != agent.number or self._texts != (agent.event_date, agent.dos_encoding)
        self._number, self._texts, self._outbox = agent.number, (agent.event_date, agent.dos_encoding), outbox
        self._apply_servers(settings.ftp, everything_new)

    def tick(self, now_s: float) -> None:
        """Start what is due: a delivery that crashed, one that waited for its predecessor."""
        self._leaving = [delivery for delivery in self._leaving if delivery.is_alive()]
        self._start_waiting()
        for standing in self.deliveries.values():
            if standing.restarts.is_due(now_s) and not standing.delivery.is_alive():
                standing.delivery = self._start_delivery(standing.server, standing.encryption)
            self._journal_delivery(standing)
            standing.push_rest()

    def stop(self) -> None:
        """End every thread."""
        for standing in self.deliveries.values():
            self._leave(standing.delivery)
        for delivery in self._leaving:
            delivery.join(STOP_TIMEOUT_S)

    def tell_crash(self, thread: str, now_s: float) -> None:
        """A delivery ended unexpectedly: it is started again after a growing pause."""
        for standing in self.deliveries.values():
            if standing.delivery.name == thread:
                standing.restarts.crashed(now_s)

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
        delivery: Delivery = Delivery(
            server,
            self._number,
            root=self.house.root,
            outbox=self._outbox,
            connect=partial(
                Session,
                ca_file=self.house.root / naming.CA_PEM,
                told=partial(_replace, encryption),
                step=lambda: delivery.step(),
            ),
            now=lambda: self.house.now() or datetime.now().astimezone(),
            clock_plausible=lambda: clock_is_plausible(datetime.now()),
            told=lambda _state: None,
            crashed=self.house.crashed,
        )
        delivery.start()
        return delivery

    def _leave(self, delivery: Delivery) -> None:
        delivery.stop()
        self._leaving.append(delivery)

    def by_section(self) -> dict[str, Delivery]:
        """The delivery of each server that is switched on."""
        return {section: standing.delivery for section, standing in self.deliveries.items()}

    def workers(self) -> list[Delivery]:
        """Every thread, also those that are about to leave: others wait for them."""
        return [*(standing.delivery for standing in self.deliveries.values()), *self._leaving]

    def deliver_now(self) -> None:
        """Every server gets a drop at once."""
        for standing in self.deliveries.values():
            standing.push()

    def delivered(self) -> bool:
        """Whether since `deliver_now` every server has taken everything, or has failed."""
        return not self._waiting and all(standing.is_pushed for standing in self.deliveries.values())

    def has_everywhere(self, path: str, size: int) -> bool:
        """Whether every enabled server has the first `size` bytes of an archive file (`path` below `www/`)."""
        known = not self._waiting
        return known and all(standing.delivery.position(path) >= size for standing in self.deliveries.values())

    def lines(self) -> Sequence[str]:
        """One line a server."""
        return [_server_line(standing) for standing in self.deliveries.values()] or ["нет"]

    def _journal_delivery(self, standing: Standing) -> None:
        """Problems and recoveries, once each; a failure that only repeats is not told again."""
        state, server = standing.delivery.state, standing.server
        trouble = tuple(text for text in (state.error, state.clash, *state.notices, *standing.encryption) if text)
        for text in trouble:
            if text not in standing.journaled:
                self.house.journal(f"{server.section} {server.host}: {text}")
        if standing.journaled and not trouble:
            self.house.journal(f"{server.section} {server.host}: доставка восстановлена")
        standing.journaled = trouble


def _replace(kept: list[str], text: str) -> None:
    kept[:] = [text]


def _how_it_is(standing: Standing) -> str:
    was_there = standing.delivery.turns or standing.delivery.state.delivered
    return "работает" if was_there else "сеанса ещё не было"


def _server_line(standing: Standing) -> str:
    state, server = standing.delivery.state, standing.server
    parts = [f"{server.section} {server.host}:{server.port}"]
    parts.append(f"нет доставки: {state.error}" if state.error else _how_it_is(standing))
    lag_minutes = int(time.monotonic() - standing.delivery.well_at_s) // 60
    if state.error and lag_minutes:
        parts.append(f"отстаёт на {lag_minutes // 60} ч {lag_minutes % 60} мин")
    if state.delivered:
        parts.append(f"посылка №{state.seq} доставлена {moment_text(state.delivered)}")
    if state.backlog_bytes:
        parts.append(f"ждёт отправки {(state.backlog_bytes + 1023) // 1024} кБ")
    parts += [text for text in (state.clash, *state.notices, *standing.encryption) if text]
    if standing.restarts.count:
        parts.append(f"перезапусков {standing.restarts.count}")
    return "; ".join(parts)

"""Transparent TCP ports: which serial port is reached through which TCP port, and who has it now (manual 11.4)."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from engine.due import Restarts
from engine.formats.status import counts_text
from engine.lend import ADDRESSES_MOST, Lender
from engine.lend.allow import is_allowed
from engine.line.guest import Guest
from engine.reasons import why
from engine.runtime.part import House, Part
from engine.settings import DeviceSettings, Settings

LOOK_S = 5.0
"""Adapters come and go: a port is open while its tty is there."""
RETRY_S = 30.0
FACTORY_BAUD = 9600
"""The manual's speed for this access (11.4), where no device file names another."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the settings say. `ports`: tty and its TCP port."""

    bind: str
    allow: tuple[str, ...]
    ports: tuple[tuple[str, int], ...]


class Transparent(Part):
    """The listener, or none, and the clients who have a line."""

    title = "Прозрачный доступ"

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self._wanted: Wanted | None = None
        self._devices: tuple[DeviceSettings, ...] = ()
        self._lender: Lender | None = None
        self._there: dict[str, int] = {}
        self._problems: dict[str, str] = {}
        self._open: dict[str, int] = {}
        self._look_s = 0.0
        self._retry_s = 0.0
        self._restarts = Restarts()
        self._offers: SimpleQueue[str] = SimpleQueue()
        self._guests: dict[str, Guest] = {}
        self._refused: Counter[str] = Counter()

    def apply(self, settings: Settings, now_s: float) -> None:
        """Open what these settings name. Who has a line keeps it while he may."""
        agent = settings.agent
        self._devices = tuple(sorted(settings.devices, key=lambda device: not device.enabled))
        ports = tuple((tty, port) for tty, port in agent.tcp_map if not _same(tty, agent.modem_port))
        wanted = Wanted(agent.tcp_bind, agent.tcp_allow, ports) if agent.tcp_ports else None
        if wanted != self._wanted:
            self._wanted, self._look_s = wanted, now_s
            self._close()
            self._dismiss()

    def tick(self, now_s: float) -> None:
        """Open what has come, close what has gone, introduce clients to their lines."""
        if self._restarts.is_due(now_s):
            self._close()
            self._look_s = now_s
        if now_s >= self._look_s and self._restarts.due_at_s is None:
            self._look_s = now_s + LOOK_S
            self._look(now_s)
        for _ in range(self._offers.qsize()):
            tty = self._offers.get()
            if not self._introduce(tty, self._guests[tty]):
                self._offers.put(tty)
        self._part_with_moved()

    def tell_crash(self, thread: str, now_s: float) -> None:
        """The listener is started again after a growing pause; clients go on."""
        if self._lender is not None and thread == self._lender.name:
            self._restarts.crashed(now_s)

    def stop(self) -> None:
        """Close every port and disconnect everybody."""
        self._wanted = None
        self._close()
        self._dismiss()

    def lines(self) -> Sequence[str]:
        """Each port and who has it; nothing while they are switched off."""
        if self._wanted is None:
            return ()
        told = [f"{tty}: {self._port_text(tty, port)}" for tty, port in self._wanted.ports if tty in self._there]
        if refused := counts_text(dict(self._refusals().most_common(5))):
            told.append(f"отказано: {refused}")
        return told or ["портов, названных в [tcp] Map, в системе нет"]

    def warnings(self) -> Sequence[str]:
        """A line that everybody can reach."""
        if self._wanted is None or self._wanted.allow or ipaddress.ip_address(self._wanted.bind).is_loopback:
            return ()
        return ["прозрачный доступ открыт всем, кто достаёт до прибора: задайте [tcp] Allow"]

    # --- ports

    def _look(self, now_s: float) -> None:
        there = {tty: port for tty, port in (self._wanted.ports if self._wanted else ()) if Path(tty).exists()}
        if there != self._there or (self._problems and now_s >= self._retry_s) or (there and self._lender is None):
            self._there = there
            self._start(now_s)

    def _start(self, now_s: float) -> None:
        self._close()
        if self._wanted is None or not self._there:
            return
        self._lender = Lender(self._wanted.bind, self._wanted.allow, self._welcome, self.house.crashed)
        self._open, errors = self._lender.open(self._there)
        problems = {tty: f"порт {self._there[tty]} не открыт: {why(error)}" for tty, error in errors.items()}
        for tty in sorted(problems.keys() - self._problems.keys()):
            self.house.journal(f"прозрачный доступ {tty}: {problems[tty]}")
        self._problems, self._retry_s = problems, now_s + RETRY_S
        self._lender.start()

    def _close(self) -> None:
        lender, self._lender, self._open = self._lender, None, {}
        if lender is not None:
            lender.stop()
            told = self._refused + Counter(dict(lender.refused))
            self._refused = Counter(dict(told.most_common(ADDRESSES_MOST)))

    def _refusals(self) -> Counter[str]:
        return self._refused + Counter(dict(self._lender.refused)) if self._lender else self._refused

    def _port_text(self, tty: str, port: int) -> str:
        guest = self._guests.get(tty)
        if guest and not guest.gone:
            return f"порт {port}, клиент {guest.address}, от него {guest.to_line} байт, ему {guest.from_line}"
        last = f"; последний клиент {guest.address}: {guest.gone}" if guest else ""
        return (self._problems.get(tty) or f"порт {self._open.get(tty, port)}, свободен") + last

    # --- clients

    def _welcome(self, tty: str, client: socket.socket, address: str) -> bool:
        """Called by the listener's thread, which alone adds clients."""
        before = self._guests.get(tty)
        if before is not None and not before.gone:
            return False
        try:
            self._guests[tty] = Guest(client, address, self._baud(tty))
        except OSError:
            return False  # he was gone at once
        self._offers.put(tty)
        self.house.wake()
        return True

    def _introduce(self, tty: str, guest: Guest) -> bool:
        """True when nothing is left to be done; the offer of one who went before may mean the next one."""
        return bool(guest.gone or guest.line) or self.house.lines.lend(self._line(tty), guest)

    def _part_with_moved(self) -> None:
        """A device file may have come that names the same tty by another path: one of the two would be shut out."""
        for tty, guest in list(self._guests.items()):
            if not guest.gone and guest.line and guest.line != self._line(tty):
                guest.close("порт теперь опрашивается")

    def _dismiss(self) -> None:
        """Nobody keeps what he may not have any more."""
        ports = dict(self._wanted.ports) if self._wanted else {}
        for tty, guest in list(self._guests.items()):
            if self._wanted is None or tty not in ports or not is_allowed(guest.address, self._wanted.allow):
                guest.close("доступ закрыт настройками")

    def _line(self, tty: str) -> str:
        """The name under which this port is polled, its own when nobody polls it."""
        return next((name for name in self.house.lines.lines if _same(name, tty)), tty)

    def _baud(self, tty: str) -> int:
        return next((device.baud for device in self._devices if device.port and _same(device.port, tty)), FACTORY_BAUD)


def _same(one: str, other: str) -> bool:
    """Whether two paths are one port: `/dev/serial/by-id/…` is a link to it."""
    return one == other or (one.startswith("/") and os.path.realpath(one) == os.path.realpath(other))

"""The lines of all devices: one thread for each serial port and each TCP address."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.dialect.device_types import LORA
from engine.dialogue import Driver
from engine.due import Restarts
from engine.line import LineWorker
from engine.line.bus import Bus
from engine.line.guest import Guest
from engine.line.link import Link, SerialLink, TcpLink
from engine.news import News
from engine.settings import DeviceSettings, Settings

STOP_TIMEOUT_S = 10.0

Tracer = Callable[[str], Callable[[str], None] | None]


@dataclass
class Standing:
    """One line: its thread, why it is down (for `status.txt`), when a crashed thread is started again."""

    worker: LineWorker
    devices: tuple[DeviceSettings, ...]
    reason: str = ""
    restarts: Restarts = field(default_factory=Restarts)
    files: frozenset[str] = field(default_factory=frozenset)


def line_name(device: DeviceSettings) -> str:
    """What devices share when they share a line."""
    return f"{device.net_ip}:{device.net_port}" if device.connection == "TCP" else device.port


def make_link(device: DeviceSettings) -> Link:
    """The pipe of a device's line, still closed."""
    return TcpLink(device.net_ip, device.net_port) if device.connection == "TCP" else SerialLink(device.port)


class Lines:
    """Starts, changes and stops lines by the difference between settings. Used by the main thread."""

    def __init__(
        self,
        drivers: tuple[Driver, ...],
        post: Callable[[News], None],
        crashed: Callable[[str, str], None],
        tracer: Tracer,
    ) -> None:
        self.lines: dict[str, Standing] = {}
        self._drivers = drivers
        self._post = post
        self._crashed = crashed
        self._tracer = tracer
        self._interval_s = 0.0
        self._leaving: list[LineWorker] = []
        self._guests: dict[str, tuple[LineWorker, Guest]] = {}
        self._taps: dict[str, Callable[[str], None]] = {}

    def apply(self, settings: Settings) -> None:
        """Poll what these settings name. A line that they do not concern is not disturbed."""
        self._interval_s = float(settings.agent.poll_interval_s)
        wanted: dict[str, list[DeviceSettings]] = {}
        for device in settings.devices if settings.agent.auto_poll else ():
            if device.enabled and device.dev_type != LORA:
                wanted.setdefault(line_name(device), []).append(device)
        for name in self.lines.keys() - wanted.keys():
            self._give_up(name, self.lines.pop(name).worker)
        for name, devices in wanted.items():
            self._give(name, tuple(devices))

    def worker_of(self, file: str) -> LineWorker | None:
        """The line that polls a device file, None when nobody polls it."""
        return next((line.worker for line in self.lines.values() if file in line.files), None)

    def lend(self, name: str, guest: Guest) -> bool:
        """Give a serial line to a client, polled or not; False when it is not yet free of who had it before."""
        if any(worker.bus.link.name == name and worker.is_alive() for worker in self._leaving):
            return False
        line = self.lines.get(name)
        before = self._guests.get(name)
        worker = line.worker if line else before[0] if before else self._start(SerialLink(name), ())
        self._guests[name] = worker, guest
        guest.line = name
        worker.lend(guest)
        return True

    def has_crashed(self, file: str) -> bool:
        """Whether the line of a device file has met a bug since it was begun."""
        return any(line.restarts.count for line in self.lines.values() if file in line.files)

    def name_of(self, file: str) -> str:
        """The line that polls a device file, empty when nobody polls it."""
        return next((name for name, line in self.lines.items() if file in line.files), "")

    def tap(self, name: str, told: Callable[[str], None] | None) -> None:
        """Tell the exchanges of this line in the form of a capture, by the line's thread; None: no more."""
        if told is None:
            self._taps.pop(name, None)
        else:
            self._taps[name] = told

    def workers(self) -> list[LineWorker]:
        """Every thread of a line, also those that are about to leave: they may hold a port."""
        lent = (worker for worker, _ in self._guests.values())
        return list(dict.fromkeys((*(line.worker for line in self.lines.values()), *lent, *self._leaving)))

    @property
    def are_let_go(self) -> bool:
        """Whether every port is closed: nothing is polled, and nobody is about to leave."""
        return not self.lines and self.is_free()

    def is_free(self, name: str | None = None) -> bool:
        """Whether nobody who is about to leave still has this line, or with no name any line."""
        return not any(worker.is_alive() and name in (None, worker.bus.link.name) for worker in self._leaving)

    def tell_crash(self, thread: str, now_s: float) -> None:
        """A line's thread ended unexpectedly: it is started again after a growing pause."""
        for line in self.lines.values():
            if line.worker.name == thread:
                line.restarts.crashed(now_s)

    def tick(self, now_s: float) -> None:
        """Start again what crashed; let go of what has ended."""
        self._leaving = [worker for worker in self._leaving if worker.is_alive()]
        for line in self.lines.values():
            if line.restarts.is_due(now_s) and not line.worker.is_alive():
                line.worker = self._start(make_link(line.devices[0]), line.devices, line.worker.bus)
        for name, (worker, guest) in list(self._guests.items()):
            if not worker.is_alive():
                guest.close("внутренний сбой")
            if guest.gone:
                self._end_of_guest(name, worker)

    def stop(self, meanwhile: Callable[[], None]) -> None:
        """End every thread. `meanwhile` hears what they still tell: none waits for ever to get rid of its news."""
        for line in self.lines.values():
            self._leave(line.worker)
        for name, (worker, guest) in list(self._guests.items()):
            guest.close("агент остановлен")
            self._end_of_guest(name, worker)
        give_up_s = time.monotonic() + STOP_TIMEOUT_S
        while self._leaving and time.monotonic() < give_up_s:
            meanwhile()
            self._leaving[0].join(0.02)
            self._leaving = [worker for worker in self._leaving if worker.is_alive()]
        meanwhile()

    def _give(self, name: str, devices: tuple[DeviceSettings, ...]) -> None:
        line = self.lines.get(name)
        worker = line.worker if line else self._lent(name)
        if worker is None:
            worker = self._start(make_link(devices[0]), devices)
        else:
            worker.set_devices(devices, self._interval_s)
        line = self.lines.setdefault(name, Standing(worker, devices))
        line.devices, line.files = devices, frozenset(device.file for device in devices)

    def _give_up(self, name: str, worker: LineWorker) -> None:
        """Poll it no more. A client who has it keeps it."""
        if self._lent(name) is worker:
            worker.set_devices((), self._interval_s)
        else:
            self._leave(worker)

    def _lent(self, name: str) -> LineWorker | None:
        """The thread that carries the bytes of a client."""
        worker, guest = self._guests.get(name, (None, None))
        return worker if worker and guest and not guest.gone and worker.is_alive() else None

    def _end_of_guest(self, name: str, worker: LineWorker) -> None:
        """A line that was opened for him alone is closed: another program may want it."""
        del self._guests[name]
        line = self.lines.get(name)
        if (line is None or line.worker is not worker) and worker not in self._leaving:
            self._leave(worker)

    def _start(self, link: Link, devices: tuple[DeviceSettings, ...], before: Bus | None = None) -> LineWorker:
        bus = Bus(link, trace=self._traced(link.name, self._tracer(link.name)))
        if before is not None:
            bus.count_on_from(before)
        worker = LineWorker(bus, self._drivers, self._post, self._crashed)
        worker.set_devices(devices, self._interval_s)
        worker.start()
        return worker

    def _traced(self, name: str, trace: Callable[[str], None] | None) -> Callable[[str], None]:
        def told(text: str) -> None:
            for listener in (trace, self._taps.get(name)):
                if listener is not None:
                    listener(text)

        return told

    def _leave(self, worker: LineWorker) -> None:
        worker.stop()
        self._leaving.append(worker)

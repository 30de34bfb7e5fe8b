"""The lines of all devices: one thread for each serial port and each TCP address."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.dialogue import Driver
from engine.due import Restarts
from engine.line import LineWorker
from engine.line.bus import Bus
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

    def apply(self, settings: Settings) -> None:
        """Poll what these settings name. A line that they do not concern is not disturbed."""
        self._interval_s = float(settings.agent.poll_interval_s)
        wanted: dict[str, list[DeviceSettings]] = {}
        for device in settings.devices if settings.agent.auto_poll else ():
            if device.enabled:
                wanted.setdefault(line_name(device), []).append(device)
        for name in self.lines.keys() - wanted.keys():
            self._leave(self.lines.pop(name).worker)
        for name, devices in wanted.items():
            self._give(name, tuple(devices))

    def worker_of(self, file: str) -> LineWorker | None:
        """The line that polls a device file, None when nobody polls it."""
        return next((line.worker for line in self.lines.values() if file in line.files), None)

    def has_crashed(self, file: str) -> bool:
        """Whether the line of a device file has met a bug since it was begun."""
        return any(line.restarts.count for line in self.lines.values() if file in line.files)

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
                line.worker = self._start(line.devices)

    def stop(self, meanwhile: Callable[[], None]) -> None:
        """End every thread. `meanwhile` hears what they still tell: none waits for ever to get rid of its news."""
        for line in self.lines.values():
            self._leave(line.worker)
        give_up_s = time.monotonic() + STOP_TIMEOUT_S
        while self._leaving and time.monotonic() < give_up_s:
            meanwhile()
            self._leaving[0].join(0.02)
            self._leaving = [worker for worker in self._leaving if worker.is_alive()]
        meanwhile()

    def _give(self, name: str, devices: tuple[DeviceSettings, ...]) -> None:
        line = self.lines.get(name)
        if line is None:
            line = self.lines[name] = Standing(self._start(devices), devices)
        else:
            line.worker.set_devices(devices, self._interval_s)
        line.devices, line.files = devices, frozenset(device.file for device in devices)

    def _start(self, devices: tuple[DeviceSettings, ...]) -> LineWorker:
        link = make_link(devices[0])
        worker = LineWorker(Bus(link, trace=self._tracer(link.name)), self._drivers, self._post, self._crashed)
        worker.set_devices(devices, self._interval_s)
        worker.start()
        return worker

    def _leave(self, worker: LineWorker) -> None:
        worker.stop()
        self._leaving.append(worker)

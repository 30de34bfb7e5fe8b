"""How much the agent does: a section of `status.txt`, and by `[metrics] File=` a text file for Prometheus."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from engine import files
from engine.delivery import Delivery
from engine.formats.metrics import Family, metrics_text
from engine.news import Contact, Missed, News
from engine.reasons import why
from engine.runtime.part import House, Part
from engine.settings import Settings

WRITE_S = 30.0
MEMORY_S = 60.0
FOREIGN_MODE = 0o644
"""node_exporter has a user of its own."""
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Metrics(Part):
    """`deliveries` gives every delivery by its server's section. Counts live as long as the agent."""

    title = "Агент"

    def __init__(self, house: House, deliveries: Callable[[], Mapping[str, Delivery]]) -> None:
        super().__init__(house)
        self._deliveries = deliveries
        self._file = self._problem = ""
        self._path: Path | None = None
        self._polls: Counter[str] = Counter()
        self._answers: Counter[str] = Counter()
        self._crashes: Counter[str] = Counter()
        self._write_at_s = self._memory_at_s = float("-inf")
        self._memory_bytes = 0
        self._began_s = time.monotonic()

    def apply(self, settings: Settings, now_s: float) -> None:
        """Write to this file from now on; the former one goes: nothing stale is shown as current."""
        if settings.agent.metrics_file != self._file:
            self._take_away()
            self._file, self._problem, self._write_at_s = settings.agent.metrics_file, "", now_s
            self._path = self.house.root / self._file if self._file else None
        known = {device.file for device in settings.devices}
        for counts in (self._polls, self._answers):
            for file in counts.keys() - known:
                del counts[file]

    def take(self, news: News) -> None:
        """Count what was asked and answered."""
        if isinstance(news, Contact | Missed):
            self._polls[news.file] += 1
            self._answers[news.file] += isinstance(news, Contact)

    def tick(self, now_s: float) -> None:
        """Write what is due."""
        if now_s >= self._memory_at_s:
            self._memory_at_s, self._memory_bytes = now_s + MEMORY_S, resident_bytes()
        if self._path is not None and now_s >= self._write_at_s:
            self._write_at_s = now_s + WRITE_S
            self._write(self._path, metrics_text(self._families(now_s)).encode())

    def tell_crash(self, thread: str, now_s: float) -> None:
        self._crashes[thread] += 1

    def stop(self) -> None:
        """An agent that does not run has no figures."""
        self._take_away()

    def lines(self) -> Sequence[str]:
        """How many devices are there and lost, what was asked, how much memory that takes."""
        keepers = [keeper for keeper in self.house.devices.all() if keeper.settings.enabled]
        lost = [keeper for keeper in keepers if keeper.standing.online is False]
        parts = [f"приборов {len(keepers)}, на связи {sum(bool(keeper.standing.online) for keeper in keepers)}"]
        if lost:
            parts.append("не на связи " + ", ".join(keeper.dev_number or keeper.settings.file for keeper in lost))
        parts.append(f"опросов {sum(self._polls.values())}, ответов {sum(self._answers.values())}")
        parts.append(f"память {self._memory_bytes / 2**20:.0f} МБ")
        if self._file:
            parts.append(f"{self._file}: {self._problem or 'пишется'}")
        return ["; ".join(parts)]

    # --- the file

    def _write(self, path: Path, data: bytes) -> None:
        try:
            if path.is_relative_to(self.house.root):
                files.write_whole(path, data, synced=False)
            else:
                _write_for_all(path, data)
        except OSError as error:
            if self._problem != why(error):
                self.house.journal(f"{self._file}: не записан: {why(error)}")
            self._problem = why(error)
        else:
            self._problem = ""

    def _take_away(self) -> None:
        if self._path is None:
            return
        try:
            files.remove(self._path)
        except OSError as error:
            self.house.journal(f"{self._file}: не удалён: {why(error)}")

    # --- the figures

    def _families(self, now_s: float) -> list[Family]:
        return [*self._of_devices(), *self._of_lines(), *self._of_servers(now_s), *self._of_process(now_s)]

    def _of_devices(self) -> list[Family]:
        polls = Family("tsm_polls_total", "Readings that were due and begun.")
        answers = Family("tsm_answers_total", "Readings that succeeded.")
        online = Family("tsm_device_online", "Whether the device answers: 1, 0; absent before the first news.")
        last = Family("tsm_device_last_reading_timestamp_seconds", "Unix time of the last good reading.")
        remaining = Family("tsm_archive_remaining_records", "Records that the device has and the archive has not.")
        lost = Family("tsm_devices_lost", "Devices that are off line.")
        keepers = [keeper for keeper in self.house.devices.all() if keeper.settings.enabled]
        for keeper in keepers:
            standing, file = keeper.standing, keeper.settings.file
            labels = {"device": keeper.dev_number, "file": file}
            polls.add(self._polls[file], **labels)
            answers.add(self._answers[file], **labels)
            online.add(standing.online, **labels)
            last.add(standing.read_at.timestamp() if standing.read_at else None, **labels)
            remaining.add(standing.remaining if standing.online else None, **labels)
        lost.add(sum(keeper.standing.online is False for keeper in keepers))
        return [polls, answers, online, last, remaining, lost]

    def _of_lines(self) -> list[Family]:
        up = Family("tsm_line_up", "Whether the port or connection can be used.")
        requests = Family("tsm_line_requests_total", "Requests that were sent over the line.")
        answers = Family("tsm_line_answers_total", "Answers that were taken.")
        refused = Family("tsm_line_refused_frames_total", "What came over the line, or did not, and was not taken.")
        for name, line in self.house.lines.lines.items():
            bus = line.worker.bus
            up.add(not line.reason, line=name)
            requests.add(bus.requests, line=name)
            answers.add(bus.answers, line=name)
            for reason, count in sorted(dict(bus.refused).items()):
                refused.add(count, line=name, reason=reason)
        return [up, requests, answers, refused]

    def _of_servers(self, now_s: float) -> list[Family]:
        well = Family("tsm_delivery_up", "Whether the last delivery succeeded.")
        backlog = Family("tsm_delivery_backlog_bytes", "About what waits in the archives for the server.")
        lag = Family("tsm_delivery_lag_seconds", "Since the server last had everything, or since the agent's start.")
        for section, delivery in self._deliveries().items():
            well.add(not delivery.state.error, server=section)
            backlog.add(delivery.state.backlog_bytes, server=section)
            lag.add(round(now_s - delivery.well_at_s, 1), server=section)
        return [well, backlog, lag]

    def _of_process(self, now_s: float) -> list[Family]:
        crashes = Family("tsm_thread_crashes_total", "Internal errors, by thread.")
        for thread, count in sorted(self._crashes.items()):
            crashes.add(count, thread=thread)
        clock = Family("tsm_clock_plausible", "Whether the host's clock can be believed.")
        now = self.house.now()
        clock.add(now is not None)
        memory = Family("process_resident_memory_bytes", "Resident memory size in bytes.")
        memory.add(resident_bytes())
        uptime = Family("tsm_uptime_seconds", "Since the agent's start.")
        uptime.add(round(now_s - self._began_s, 1))
        return [crashes, clock, memory, uptime]


def resident_bytes() -> int:
    """Memory of this process that is in RAM; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE_BYTES
    except (OSError, ValueError, IndexError):
        return 0


def _write_for_all(path: Path, data: bytes) -> None:
    """Into a folder of another program, which is there or not: none is made."""
    temporary, file = files.open_temporary(path)
    try:
        with file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), FOREIGN_MODE)
        files.put_in_place(temporary, path, synced=False)
    finally:
        temporary.unlink(missing_ok=True)

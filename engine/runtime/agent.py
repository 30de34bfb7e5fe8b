"""The agent: the main thread's loop, which takes the news of all threads and writes the files."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.config import Config
from engine.console import Progress
from engine.dialogue import Driver
from engine.due import Moment, clock_is_plausible
from engine.formats.status import StatusView
from engine.journal import Journal, to_stderr
from engine.news import Archived, Crashed, LineChanged, News, Written
from engine.runtime.clockwork import Clockwork
from engine.runtime.commands import Commands
from engine.runtime.deliveries import Deliveries
from engine.runtime.devices import Devices
from engine.runtime.footprint import keep_small
from engine.runtime.index_page import IndexPage
from engine.runtime.lines import Lines, Tracer
from engine.runtime.part import House
from engine.runtime.parts import make_parts
from engine.runtime.root_lock import RootLock
from engine.runtime.stale import Stale
from engine.runtime.status_file import StatusFile
from engine.runtime.status_view import Life, status_view
from engine.runtime.sweep import sweep
from engine.settings import AgentSettings, Settings
from engine.watch import Watch

NEWS_LIMIT = 64
"""News waits here for the disk: records by the thousand would cost more memory than all the rest of the agent."""
TICK_S = 0.5
STATUS_PERIOD_S = 5.0
INDEX_PERIOD_S = 60
RELOAD_PERIOD_S = 5.0
"""Whatever the watch may have missed: deleted files are back within this time (formats guide, section 2)."""


class Agent:
    """One agent on one root. `run` lasts until `stop`; `once` does one full cycle."""

    def __init__(self, root: Path, drivers: tuple[Driver, ...], tracer: Tracer, progress: Progress) -> None:
        self.root = root
        self._news: queue.Queue[News] = queue.Queue(NEWS_LIMIT)
        self._wake = False
        self._stopping = False
        self._changed = True
        self._progress = progress
        self._config = Config(root)
        self._settings: Settings | None = None
        self._life = Life(Moment(time.monotonic()), Moment(time.monotonic()))
        self._zone = ZoneInfo("UTC")
        self._journal = Journal(root, self._now)
        self._lines = Lines(drivers, self._post, self._crashed, tracer)
        self._devices = Devices(root, self._lines, self.journal, self._local)
        self._watch = Watch(root, self._config_changed)
        self._house = self._make_house()
        self._deliveries = Deliveries(self._house)
        self._commands = Commands(self._house, self._deliveries)
        self._parts = make_parts(self._house, self._deliveries, self._commands)
        jobs = {job: period_s for part in self._parts for job, period_s in part.jobs().items()}
        self._clockwork = Clockwork({**jobs, self._show_index: INDEX_PERIOD_S})
        self._stale = Stale(root)
        self._index_page = IndexPage(root)
        self._status_file = StatusFile(root)
        self._status_at_s = 0.0
        self._reload_at_s = 0.0
        self._lock = RootLock(root)

    # --- life

    def run(self) -> None:
        """Work until `stop`. Raises RootTaken when another agent has this root."""
        self._start()
        try:
            while not self._stopping:
                self._turn()
        finally:
            self._end()

    def once(self) -> bool:
        """One full cycle: every device read, its archive caught up, one delivery; whether all devices answered."""
        self._commands.accepts = lambda _name: False
        self._start()
        try:
            while not self._stopping and not self._devices.cycle_is_complete():
                self._turn()
            self._devices.sync()
            self._deliveries.deliver_now()
            while not self._stopping and self._now() and not self._deliveries.delivered():
                self._turn()
            return self._devices.all_answer()
        finally:
            self._end()

    def obey(self, name: str, heard: Callable[[str], None]) -> None:
        """Carry out one command file, with nothing polled but what it reads; `heard` gets the answer."""
        self._commands.accepts, self._commands.heard = lambda other: other == name, heard
        self._devices.polling.only_by_hand = True
        self._start()
        try:
            while not self._stopping and not self._commands.ended:
                self._turn()
        finally:
            self._end()

    def stop(self) -> None:
        """End the loop soon. May be called from a signal handler."""
        self._stopping = True

    def _start(self) -> None:
        self._lock.take()
        keep_small()
        sweep(self.root)
        self._watch.start()
        self._apply(self._config.load())
        self.journal("агент запущен")
        self._show_index()

    def _end(self) -> None:
        self._progress.end()
        self._lines.stop(self._drain)
        self._devices.sync()
        self._watch.stop()
        for part in self._parts:
            part.stop()
        self.journal("агент остановлен")
        self._life.stopped = True
        self._write_status(time.monotonic())
        self._show_index()
        self._lock.release()

    # --- the loop

    def _turn(self) -> None:
        try:
            self._take(self._news.get(timeout=TICK_S))
            self._drain()
        except queue.Empty:
            pass
        now_s = time.monotonic()
        if self._wake or now_s - self._reload_at_s >= RELOAD_PERIOD_S:
            self._wake, self._reload_at_s = False, now_s
            self._reload()
        self._devices.tick(now_s)
        self._stale.look(self._devices.polled())
        self._lines.tick(now_s)
        for part in self._parts:
            part.tick(now_s)
        self._clockwork.tick()
        if now_s - self._status_at_s >= STATUS_PERIOD_S or self._changed:
            self._write_status(now_s)

    def _drain(self) -> None:
        while True:
            try:
                self._take(self._news.get_nowait())
            except queue.Empty:
                return

    def _take(self, news: News) -> None:
        if isinstance(news, Crashed):
            self._tell_crash(news)
        elif isinstance(news, LineChanged):
            self._tell_line(news)
        else:
            if not isinstance(news, Written):
                self._devices.take(news)
            for part in self._parts:
                part.take(news)
            if isinstance(news, Archived):
                self._progress.report(self._devices.number_of(news.file), news.remaining, news.total)

    def _tell_line(self, news: LineChanged) -> None:
        line = self._lines.lines.get(news.line)
        if line:
            line.reason = news.reason
            self.journal(f"линия {news.line}: {news.reason or 'снова работает'}")

    def _tell_crash(self, news: Crashed) -> None:
        to_stderr(news.traceback)
        self._life.crashes[news.thread] += 1
        self.journal(f"внутренний сбой «{news.thread}»: {news.traceback.strip().splitlines()[-1]}; запускается снова")
        self._lines.tell_crash(news.thread, time.monotonic())
        for part in self._parts:
            part.tell_crash(news.thread, time.monotonic())

    # --- what the parts and the other threads call

    def _make_house(self) -> House:
        return House(
            root=self.root,
            now=self._now,
            journal=self.journal,
            crashed=self._crashed,
            wake=self._look_round,
            touched=self._watch.touched,
            text=self._config.text,
            devices=self._devices,
            lines=self._lines,
        )

    def _post(self, news: News) -> None:
        self._news.put(news)

    def _crashed(self, thread: str, traceback: str) -> None:
        self._news.put(Crashed(thread, traceback))

    def _config_changed(self) -> None:
        self._wake = True
        self._look_round()

    def _look_round(self) -> None:
        if self._news.empty():
            self._news.put(LineChanged("", ""))  # wakes the loop; no line has this name

    # --- settings

    def _reload(self) -> None:
        problems = self._config.problems
        settings, changed = self._config.reload()
        for path in self._config.restored:
            self.journal(f"{path}: восстановлен")
        if changed:
            self._apply(settings)
            self.journal("новые настройки действуют")
        if self._config.problems != problems:
            self._changed = True
            for problem in sorted(set(self._config.problems) - set(problems)):
                self.journal(str(problem))

    def _apply(self, settings: Settings) -> None:
        self._settings, self._changed = settings, True
        self._zone = ZoneInfo(settings.agent.timezone)
        self._life.settings_since = Moment(time.monotonic())
        self._devices.apply(settings)
        for part in self._parts:
            part.apply(settings, time.monotonic())

    def journal(self, text: str) -> None:
        self._changed = True
        self._journal.write(text)

    def _local(self, moment: datetime) -> datetime | None:
        """In the agent's zone; None while the clock is not to be believed."""
        return moment.astimezone(self._zone) if clock_is_plausible(moment) else None

    def _now(self) -> datetime | None:
        return self._local(datetime.now().astimezone())

    # --- status

    def _write_status(self, now_s: float) -> None:
        self._status_at_s, self._changed = now_s, False
        if self._settings is not None:
            self._status_file.show(self._view(self._settings.agent, now_s), now_s)

    def _show_index(self) -> None:
        """A page is written when it has changed, and at most once a minute: flash cards wear."""
        if self._settings is not None:
            view = self._view(self._settings.agent, time.monotonic())
            self._index_page.show(view, self._devices.keepers.values())

    def _view(self, agent: AgentSettings, now_s: float) -> StatusView:
        return status_view(self._house, self._parts, agent, self._config.problems, self._life, now_s)

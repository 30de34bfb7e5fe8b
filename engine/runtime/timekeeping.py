"""The host's clock by `[time]` of agent.ini: set once by hand, or kept by a meter; NTP is only looked at (#84–#88)."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from engine import clock, files, naming
from engine.clock.setting import TOLERANCE_S, ClockRefused, Comparison, emptied, parse_setting
from engine.command import CommandFailed
from engine.dialect import textfile
from engine.formats.status import moment_text
from engine.news import Contact, Missed, News
from engine.reasons import why
from engine.runtime.part import House, Part
from engine.settings import DeviceSettings, Settings

NOTE = f"{naming.VAR}/time-set.txt"
"""Which `Set=` was tried, while it may still stand in agent.ini."""
LOOK_AGAIN_S = 10.0
SET_AGAIN_S = 3600.0
"""A meter sets the clock so often at most: nobody shall fight with it."""


class Timekeeping(Part):
    """`set_now` is for the command `set-time`. Nothing but `engine.clock` ever sets the clock."""

    title = "Время"

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self._set_clock = clock.set_host_clock
        self._follows_ntp = clock.follows_ntp
        self._zone = ZoneInfo("UTC")
        self._wanted = self._port = ""
        self._source: DeviceSettings | None = None
        self._comparison = Comparison()
        self._outcome = self._refusal = self._unfinished = ""
        self._look_s = self._set_again_s = float("-inf")

    def apply(self, settings: Settings, now_s: float) -> None:
        """Try a new `Set=` with the next tick, and follow the meter of `SyncPort=`."""
        agent = settings.agent
        self._zone = ZoneInfo(agent.timezone)
        if agent.time_set != self._wanted:
            self._wanted, self._look_s = agent.time_set, now_s
        if not agent.time_set:
            self._strike_note()
        source = _source(settings)
        if source != self._source or agent.sync_port != self._port:
            self._source, self._port, self._refusal = source, agent.sync_port, ""
            self._comparison.forget()

    def take(self, news: News) -> None:
        """Compare the clock with that of the meter on the line of `SyncPort=`."""
        source = self._source
        if source is None:
            return
        if isinstance(news, Contact) and news.settings == source:
            self._comparison.take(news.reading.clock, news.read_at, self._zone)
            self._follow(source, time.monotonic())
        elif isinstance(news, Missed) and news.file == source.file:
            self._comparison.forget()

    def tick(self, now_s: float) -> None:
        """Try what `Set=` says, and empty it."""
        if not self._wanted or now_s < self._look_s:
            return
        self._look_s = now_s + LOOK_AGAIN_S
        try:
            self._try_once(self._wanted)
            self._unfinished = "" if self._is_emptied(self._wanted) else "файл сейчас меняют"
        except OSError as error:
            self._unfinished = why(error)

    def set_now(self, text: str) -> str:
        """Set the clock by `mmddHHMMyy` in the agent's zone; what was done. Raises ClockRefused with the reason."""
        moment = parse_setting(text, self._zone)
        if self._follows_ntp():
            raise ClockRefused("часы этого устройства ведёт NTP")
        self._set_clock(moment)
        self._comparison.forget()
        return f"часы поставлены на {moment_text(moment)}"

    def set_by_command(self, text: str) -> str:
        """As `set_now`; raises CommandFailed."""
        try:
            done = self.set_now(text)
        except ClockRefused as refused:
            raise CommandFailed(f"часы не поставлены: {refused}") from None
        self.house.journal(f"{done}, по команде set-time")
        return done

    # --- by hand

    def _try_once(self, value: str) -> None:
        """Noted first: a setting that takes the agent down is not tried again by the next one. Raises OSError."""
        note = self.house.root / NOTE
        if _noted(note) == value:
            self._outcome = self._outcome or f"Set={value} уже испробовано до перезапуска"
            return
        files.write_whole(note, value.encode(), synced=True)
        try:
            self._outcome = f"Set={value}: {self.set_now(value)}"
        except ClockRefused as refused:
            self._outcome = f"Set={value}: часы не поставлены: {refused}"
        self.house.journal(self._outcome)

    def _is_emptied(self, value: str) -> bool:
        """Nothing else of the user's file is changed; an upload at this moment wins. Raises OSError."""
        path = self.house.root / naming.AGENT_INI
        content = files.read_limited(path, textfile.LIMIT_BYTES)
        after = emptied(content, value)
        if after is None:
            return True
        if not files.replace_unchanged(path, content, after):
            return False
        self.house.touched(naming.AGENT_INI)
        return True

    def _strike_note(self) -> None:
        self._unfinished = ""
        try:
            files.remove(self.house.root / NOTE)
        except OSError as error:
            self._unfinished = why(error)

    # --- by a meter

    def _follow(self, source: DeviceSettings, now_s: float) -> None:
        step = self._comparison.step()
        if step is None or now_s < self._set_again_s or self._follows_ntp():
            return
        self._set_again_s = now_s + SET_AGAIN_S
        name = self.house.devices.number_of(source.file)
        try:
            self._set_clock(datetime.now(UTC) + step)
        except ClockRefused as refused:
            if str(refused) != self._refusal:
                self.house.journal(f"часы не поставлены по прибору {name}: {refused}")
            self._refusal = str(refused)
            return
        self._refusal = ""
        self._comparison.forget()
        self.house.journal(f"часы поставлены по прибору {name}, сдвиг {_shift_text(step)}")

    # --- what it tells

    def lines(self) -> Sequence[str]:
        """Who keeps the clock, what became of `Set=`, how far the meter is away."""
        by_ntp = self._follows_ntp()
        told = ["часы ведёт NTP" if by_ntp else "NTP часы не ведёт"]
        if self._outcome:
            left = f"; в agent.ini ещё не стёрто: {self._unfinished}" if self._unfinished else ""
            told.append(f"{self._outcome}{left}")
        elif self._unfinished:
            told.append(f"Set={self._wanted}: ещё не испробовано: {self._unfinished}")
        if self._port:
            told.append(f"SyncPort={self._port}: {self._sync_text(by_ntp)}")
        return told

    def _sync_text(self, by_ntp: bool) -> str:
        if self._source is None:
            return "этот порт не опрашивает ни один прибор, часы не сверяются"
        ahead_s = self._comparison.ahead_s
        if ahead_s is None:
            text = "время прибора ещё не известно"
        elif abs(ahead_s) <= TOLERANCE_S:
            text = f"расхождение не больше {TOLERANCE_S:.0f} с"
        else:
            text = f"прибор расходится с часами на {_shift_text(timedelta(seconds=ahead_s))}"
        parts = [f"прибор {self.house.devices.number_of(self._source.file)}", text]
        if by_ntp:
            parts.append("прибор часы не переводит")
        elif self._refusal:
            parts.append(f"часы не поставлены: {self._refusal}")
        return "; ".join(parts)


def _source(settings: Settings) -> DeviceSettings | None:
    """The first device on the line that the time is taken from, rather one with the speed of `SyncBaud=`."""
    agent = settings.agent
    if not agent.sync_port or not agent.auto_poll:
        return None
    port = os.path.realpath(agent.sync_port)
    there = [each for each in settings.devices if each.enabled and each.connection == "Serial"]
    there = [each for each in there if os.path.realpath(each.port) == port]
    return next((each for each in there if each.baud == agent.sync_baud), there[0] if there else None)


def _noted(note: Path) -> str:
    try:
        return files.read_limited(note, 100).decode("ascii", "replace")
    except FileNotFoundError:
        return ""


def _shift_text(step: timedelta) -> str:
    """`+95 с`, `-3 ч 0 мин`, `+12 сут 4 ч`."""
    seconds = round(abs(step.total_seconds()))
    sign = "-" if step < timedelta() else "+"
    if seconds < 120:
        return f"{sign}{seconds} с"
    minutes, hours, days = seconds // 60 % 60, seconds // 3600, seconds // 86400
    if days:
        return f"{sign}{days} сут {hours % 24} ч"
    return f"{sign}{hours} ч {minutes} мин"

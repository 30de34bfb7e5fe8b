"""When a report is due, and what becomes a notice: errors at most once per `Interval`, reports once a month."""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime

from engine.alert import monthly, notice
from engine.alert.memory import Memory
from engine.alert.notice import REPORT, Notice, Titled
from engine.alert.pending import Pending
from engine.alert.watching import Watch
from engine.formats.status import moment_text
from engine.report.of_settings import report_device
from engine.runtime.part import House
from engine.runtime.postman import Postman
from engine.settings import AgentSettings

GATHER_S = 10.0
"""What happens together is told together: a cable that is pulled is many devices."""
MONTH_LOOK_S = 60.0
REPORTS_TAKE_S = 900.0
"""After a start the reports of the day are made first: the letter is not to go with those from before an outage."""
_OF_MONTH = ": отчет за месяц на "


class AlertReports:
    """Used by the main thread. A notice is on the disk before it is sent, and what it tells is pending no more."""

    def __init__(self, house: House, watch: Watch, postman: Postman, now_s: float) -> None:
        self._house = house
        self._watch = watch
        self._postman = postman
        self._reported_s = -math.inf
        self._pending_s: float | None = None
        self._month_s = now_s + REPORTS_TAKE_S

    def resume(self, memory: Memory, now_s: float) -> None:
        """After a start: the interval goes on, by a clock that cannot be believed it begins anew."""
        self._postman.renewed = lambda waiting: self._renewed(memory, waiting)
        now = self._house.now()
        if memory.reported is not None:
            passed_s = (now - memory.reported).total_seconds() if now and memory.reported.tzinfo else 0.0
            self._reported_s = now_s - max(0.0, passed_s)
        if memory.pending:
            self._pending_s = now_s - GATHER_S

    def tick_errors(self, memory: Memory, agent: AgentSettings, now_s: float) -> bool:
        """Make a notice of what is new, if one is due; whether. Raises `OSError`: the same call may be made again."""
        if not memory.pending:
            self._pending_s = None
            return False
        self._pending_s = now_s if self._pending_s is None else self._pending_s
        due_s = max(self._pending_s + GATHER_S, self._reported_s + agent.alert_interval_s)
        if now_s < due_s or self._postman.is_busy or not self._postman.reaches_anybody:
            return False
        now = self._house.now()
        self._postman.add(self._error_notice(memory, agent, moment_text(now)))
        memory.pending, memory.next, memory.reported = Pending(), memory.next + 1, now
        self._reported_s, self._pending_s = now_s, None
        return True

    def _error_notice(self, memory: Memory, agent: AgentSettings, made: str) -> Notice:
        title, pending = _title(agent), memory.pending
        alarms = sorted(f"{_named(memory, sight.subject.device)}: {sight.text}" for sight in self._watch.alarms())
        body = notice.error_body(pending, alarms, title, made)
        devices = [(key, _titled(memory, key)) for key in pending.devices]
        return Notice(
            memory.next, notice.ERRORS, made, _message_id(memory, agent, made, body),
            notice.error_subject(pending, alarms, title), body, notice.sms_text(self._watch, devices, pending.left_out),
        )  # fmt: skip

    # --- once a month

    def tick_month(self, memory: Memory, agent: AgentSettings, now_s: float) -> bool:
        """Make a notice of the monthly reports, if they are due; whether `memory` changed. Raises `OSError`."""
        now = self._house.now()
        if now is None or now_s < self._month_s:
            return False
        self._month_s = now_s + MONTH_LOOK_S
        mailed = monthly.settled(now, agent.report_day, memory.mailed)
        day = monthly.due(now, agent.report_day, mailed)
        if day is None or not self._postman.mails:
            changed, memory.mailed = memory.mailed != mailed, mailed
            return changed
        self._postman.add(self._report_notice(memory, agent, now))
        memory.mailed, memory.next = day, memory.next + 1
        return True

    def _report_notice(self, memory: Memory, agent: AgentSettings, now: datetime) -> Notice:
        title, day = _title(agent), now.date()
        attached = self._attached(memory, day)
        body = monthly.body(title, attached, day)
        made = moment_text(now)
        return Notice(
            memory.next, REPORT, made, _message_id(memory, agent, made, body),
            f"{title}{_OF_MONTH}{day:%d.%m.%Y}", body, files=attached,
        )  # fmt: skip

    def _renewed(self, memory: Memory, waiting: Notice) -> Notice:
        """The notice with the reports of now, when some of its own went with their folder while it waited for mail.

        Its id stays: whoever has got it after all has it once.
        """
        if waiting.kind != REPORT or waiting.done or all(self._is_there(name) for name in waiting.files):
            return waiting
        attached = self._attached(memory, waiting.day)
        if not attached:
            return waiting  # it says which files are gone
        title = waiting.subject.rpartition(_OF_MONTH)[0]
        return replace(waiting, files=attached, body=monthly.body(title, attached, waiting.day))

    def _attached(self, memory: Memory, day: date) -> tuple[str, ...]:
        """A device that has not answered since the start is known by what is remembered of its file."""
        devices = [
            report_device(keeper.settings, number)
            for keeper in self._house.devices.all()
            if (number := keeper.dev_number or memory.numbers.get(keeper.settings.file, ""))
        ]
        return tuple(dict.fromkeys(monthly.paths(devices, day, self._names)))

    def _is_there(self, name: str) -> bool:
        with suppress(OSError):
            return (self._house.root / name).exists()
        return False

    def _names(self, folder: str) -> Iterable[str]:
        with suppress(OSError):
            return [path.name for path in (self._house.root / folder).iterdir()]
        return ()


def _message_id(memory: Memory, agent: AgentSettings, made: str, body: str) -> str:
    return notice.message_id(memory.next, made, body, f"tsm-smart-{agent.number}")


def _title(agent: AgentSettings) -> str:
    return f"{agent.name} №{agent.number}"


def _titled(memory: Memory, key: str) -> Titled:
    return memory.titles.get(key) or Titled("", key.removeprefix("@"), 0)


def _named(memory: Memory, key: str) -> str:
    return f"прибор {key[1:]}" if key.startswith("@") else _titled(memory, key).text

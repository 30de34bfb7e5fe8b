"""One report to people: what it says by mail and by SMS, and who has it already. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from engine.alert.change import Sight, What
from engine.alert.pending import Pending
from engine.alert.watching import Watch

LINES_MOST = 100
ALARMS_MOST = 50
SMS_DEVICES_MOST = 8
SMS_CHARACTERS_MOST = 600
ERRORS, REPORT = "errors", "report"


@dataclass(frozen=True, slots=True)
class Notice:
    """`number` counts from 1 and is given once. `files` are paths of attachments relative to the root.

    `done` are the addresses whose server has taken it, `refused` those that it will never take; `sms` is the text of
    the SMS, empty when there is none to be sent or it was handed over. `attempts` counts failures by mail.
    """

    number: int
    kind: str
    made: str
    message_id: str
    subject: str
    body: str
    sms: str = ""
    files: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    attempts: int = 0

    @property
    def day(self) -> date:
        """The day on which it was made. ValueError where nobody knew it, which a monthly report waits for."""
        return datetime.strptime(self.made[:8], "%d.%m.%y").date()

    @property
    def sms_key(self) -> str:
        """The same for every repeat of this notice: `8-1f2e3d4c`."""
        return self.message_id.strip("<>").partition("@")[0].replace(".", "-")


@dataclass(frozen=True, slots=True)
class Titled:
    """A device as people call it: type, number, how many systems it has."""

    dev_type: str
    dev_number: str
    systems: int

    @property
    def text(self) -> str:
        return f"{self.dev_type} №{self.dev_number}" if self.dev_type else f"№{self.dev_number}"


class Spool(Protocol):
    """Where SMS are handed over. Both raise `OSError`."""

    def put(self, key: str, numbers: Sequence[str], text: str) -> None:
        """A text for each number; a key that was handed over before is left alone."""

    def state(self, key: str) -> str:
        """`waiting`, `sent`, `failed` or `absent`."""


def message_id(number: int, made: str, body: str, host: str) -> str:
    """The same for every repeat of one notice, another for any other: so a repeat can be known."""
    token = zlib.crc32(f"{number}\n{made}\n{body}".encode())
    return f"<{number}.{token:08x}@{host or 'tsm-smart'}>"


def error_subject(pending: Pending, alarms: Sequence[str], title: str) -> str:
    """`title` names the agent; `alarms` is all that is not in order now."""
    recovered = all(news.normal for news in pending.news.values()) and not pending.left_out and not alarms
    return f"{title}: {'снова в норме' if recovered else 'отчет об ошибках'}, изменений {pending.changes}"


def error_body(pending: Pending, alarms: Sequence[str], title: str, made: str) -> str:
    """All that is new, then all that is not in order now; both have an end."""
    lines = [f"{title}, отчет об ошибках, {made}", "", "Новое:", *pending.lines(LINES_MOST), ""]
    lines += ["Сейчас не в норме:", *alarms[:ALARMS_MOST]] if alarms else ["Сейчас всё в норме."]
    if len(alarms) > ALARMS_MOST:
        lines.append(f"и ещё {len(alarms) - ALARMS_MOST}, все в log/User/status.txt и log/User/txt/")
    return "\n".join([*lines, "", "История: log/User/journal.txt, архивы событий: www/<номер>/E-<год>.txt", ""])


def sms_text(watch: Watch, devices: Sequence[tuple[str, Titled]], left_out: int = 0) -> str:
    """One line a device (#112): type, number, one group of error digits per system, then what else is wrong.

    `devices` are keys and names of those that a report is about; `left_out` counts changes that it does not name.
    """
    lines: list[str] = []
    for key, titled in devices[:SMS_DEVICES_MOST]:
        digits = " ".join(watch.errors(key, titled.systems))
        others = [_short(sight) for sight in watch.alarms() if _is_other(sight, key)]
        line = "; ".join([f"{titled.text} {digits}".rstrip(), *others])
        if sum(map(len, lines)) + len(line) > SMS_CHARACTERS_MOST:
            break
        lines.append(line)
    more = len(devices) - len(lines)
    if more or left_out:
        lines.append(f"и ещё приборов: {more}" if more else "и другие")
    return "\n".join(lines)


def _is_other(sight: Sight, device: str) -> bool:
    return sight.subject.device == device and sight.subject.what is not What.ERRORS


def _short(sight: Sight) -> str:
    subject = sight.subject
    place = f"{subject.place} сист.{subject.system}" if subject.system else subject.place
    return {
        What.LINK: "не на связи",
        What.SILENCE: "нет показаний",
        What.TEMPERATURE: f"{place} ниже контрольной",
        What.FORECAST: f"{place} прогноз ниже контрольной",
        What.CONTACT: f"датчик {place}",
    }[subject.what]

"""When the monthly reports are mailed, which, and what the letter says (#105; formats guide, section 8).

Time is an argument.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time, timedelta

from engine import naming
from engine.report.mailing import mail_day, monthly_files
from engine.report.plan import Device, folder_made, is_of_device

SENT_AT = time(6, 0)
"""The day's reports are made at 03:31, and a catch-up may be slow."""
LATE_DAYS = 10
"""After a longer outage the next month's report is waited for."""

Names = Callable[[str], Iterable[str]]
"""Names in a folder given relative to the root; nothing for one that is not there."""


def settled(now: datetime, day: int, mailed: date | None) -> date:
    """The day of mail that is dealt with; one of the future, by a clock that was wrong, is none.

    What was over before the agent came is not for it to send.
    """
    if mailed is not None and mailed <= now.date():
        return mailed
    return mail_day(now.date() - timedelta(days=1), day)


def due(now: datetime, day: int, mailed: date) -> date | None:
    """The day of mail that is to be dealt with now; `day` is that of the settings, `mailed` the last one."""
    today = now.date() if now.time() >= SENT_AT else now.date() - timedelta(days=1)
    newest = mail_day(today, day)
    return newest if mailed < newest and (now.date() - newest).days <= LATE_DAYS else None


def paths(devices: Sequence[Device], on: date, names: Names) -> list[str]:
    """Of each device its monthly report, else the newest daily one; paths relative to the root."""
    monthly = {month.device.dev_number: month.paths for month in monthly_files(devices, on, names)}
    daily = [(made, name) for name in names(naming.ARCHIVES) if (made := folder_made(name))]
    newest = f"{naming.ARCHIVES}/{max(daily)[1]}" if daily else ""
    found: list[str] = []
    for device in devices:
        own = sorted(name for name in (names(newest) if newest else ()) if is_of_device(name, device.dev_number))
        found += monthly.get(device.dev_number) or [f"{newest}/{name}" for name in own]
    return found


def body(title: str, attached: Sequence[str], day: date) -> str:
    """What the letter says; which files did not fit is added by whoever makes it."""
    if not attached:
        return f"{title}, отчет за месяц на {day:%d.%m.%Y}: отчетов ещё нет.\n"
    places = ", ".join(sorted({path.rpartition("/")[0] for path in attached}))
    return f"{title}, отчет за месяц на {day:%d.%m.%Y}. Файлов: {len(attached)}, по FTP они лежат в {places}.\n"

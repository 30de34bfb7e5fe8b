"""Which reports are due, where they lie and which old ones go (formats guide, section 8). Time is an argument.

What was made is remembered by the files themselves: the name of a folder is the day on which it was made, the name of
a file what it covers. Reports that somebody ordered bear the letter of their kind: `…s1D.pdf`, `…s1H.pdf`.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from engine import naming
from engine.model import RecType
from engine.report.rows import Period

DAILY_AT = timedelta(hours=3, minutes=31)
ORDERED_KEPT_S = 31 * 24 * 3600.0
LATE_DAYS = 3
"""So long a monthly report waits for its last day; then it is made with what there is, and again when more comes."""
OLDEST_FOLDER = timedelta(days=31)
HOURS_MOST, DAYS_MOST = 366 * 24, 366 * 20

_FOLDER = re.compile(r"Otchety(\d\d)(\d\d)(\d\d)", re.ASCII)
_REPORT = re.compile(r"from\d{8}to\d{8}_([0-9A-Za-z]+)s\d+([DH]?)\.(?:pdf|xlsx)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Device:
    """What the settings say of a device whose reports are made."""

    dev_number: str
    address: str = ""
    responsible: str = ""
    report_day: int | None = None
    fields: tuple[str, ...] = ()
    report_records: int | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """One period of one device, for all its systems; `folder` as in `naming`. `ordered`: by a person."""

    device: Device
    period: Period
    folder: str
    ordered: bool = False

    @property
    def is_monthly(self) -> bool:
        """Whether its folder stays for good."""
        return self.folder == naming.monthly_report_folder(self.period.last)

    def path(self, system: int, suffix: str = "pdf") -> str:
        """Where the report of a system lies."""
        name = naming.report_name(self.period.first, self.period.last, self.device.dev_number, system)
        letter = self.period.kind.value if self.ordered else ""
        return f"{self.folder}/{name.removesuffix('.pdf')}{letter}.{suffix}"


def made_on(now: datetime) -> date:
    """The day whose daily reports are due at this local time: before 03:31 still yesterday's."""
    return (now.replace(tzinfo=None) - DAILY_AT).date()


def daily(device: Device, last: date, days: int, made: date) -> Order:
    """So many days up to the last whole one that is stored."""
    return Order(device, days_between(last - timedelta(days=days - 1), last), naming.report_folder(made))


def monthly(device: Device, last: date, made: date) -> Order | None:
    """The report of the newest report date; None when the device has none, or the month is not all stored yet.

    It covers the days from one report date up to the day before the next, whose month names the folder.
    """
    if device.report_day is None:
        return None
    end = month_day(made, device.report_day)
    begin = month_day(end - timedelta(days=1), device.report_day)
    final = end - timedelta(days=1)
    if last < begin or (last < final and made < end + timedelta(days=LATE_DAYS)):
        return None
    return Order(device, days_between(begin, final), naming.monthly_report_folder(final))


def ordered(device: Device, kind: RecType, first: date, last: date, folder: str) -> Order:
    """A period that somebody wants. ValueError when it ends before it begins or is longer than can be drawn."""
    if last < first:
        raise ValueError(f"отчет: {last:%d.%m.%Y} раньше, чем {first:%d.%m.%Y}")
    period = days_between(first, last)
    if kind is RecType.HOUR:
        period = Period(kind, period.first, period.last + timedelta(hours=23))
    steps = (period.last - period.first) / period.step + 1
    if steps > (HOURS_MOST if kind is RecType.HOUR else DAYS_MOST):
        raise ValueError("отчет: часовой не длиннее года, суточный не длиннее 20 лет")
    return Order(device, period, folder, ordered=True)


def days_between(first: date, last: date) -> Period:
    return Period(RecType.DAY, datetime.combine(first, time()), datetime.combine(last, time()))


def folder_made(name: str) -> date | None:
    """The day in the name of a daily folder; None for any other name, monthly ones among them."""
    found = _FOLDER.fullmatch(name)
    try:
        return date(2000 + int(found[3]), int(found[2]), int(found[1])) if found else None
    except ValueError:
        return None


def newest_folder(names: Iterable[str], today: date) -> str:
    """The folder that ordered reports go into: the newest daily one that is not of the future, else today's."""
    made = [day for name in names if (day := folder_made(name)) and day <= today]
    return naming.report_folder(max(made, default=today))


def device_of(name: str) -> str:
    """The number of the device of an automatic report, by the bare name of its file; empty for any other file."""
    found = _REPORT.fullmatch(name)
    return found[1] if found and not found[2] else ""


def is_of_device(name: str, dev_number: str) -> bool:
    """Whether a file is an automatic report of this device."""
    return device_of(name) == dev_number


def is_ordered(name: str) -> bool:
    found = _REPORT.fullmatch(name)
    return found is not None and bool(found[2])


def old_folders(names: Sequence[str], made: date, *, complete: bool) -> list[str]:
    """Daily folders that go. While a report of today could not be made, only those that are very old."""
    days = [(name, day) for name in names if (day := folder_made(name)) and day != made]
    return [name for name, day in days if complete or abs(made - day) > OLDEST_FOLDER]


def month_day(day: date, number: int) -> date:
    """The newest day not after `day` that has this number in its month; a shorter month has it on its last day."""
    own = _in_month(day.year, day.month, number)
    if own <= day:
        return own
    before = day.replace(day=1) - timedelta(days=1)
    return _in_month(before.year, before.month, number)


def _in_month(year: int, month: int, number: int) -> date:
    return date(year, month, min(number, calendar.monthrange(year, month)[1]))

"""Which monthly reports go by mail, and when (`[report] Day`; formats guide, section 3). Pure: time is an argument."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import NamedTuple

from engine.report.plan import Device, is_of_device, month_day, monthly
from engine.report.rows import Period


class Month(NamedTuple):
    """The monthly report of one device: `paths` relative to the root, PDF and .xlsx of each system in order.

    `paths` is empty while the report is not made yet: it waits a few days for the last day of its period.
    """

    device: Device
    period: Period
    paths: tuple[str, ...]


def mail_day(today: date, day: int) -> date:
    """The newest day of mail not after `today`: `day` of the month, of a shorter month the last day."""
    return month_day(today, day)


def monthly_files(devices: Sequence[Device], on: date, names: Callable[[str], Iterable[str]]) -> tuple[Month, ...]:
    """The newest monthly report of each device that has a ReportDay, as of the day of mail `on`.

    `names` tells the files in a folder that is given relative to the root, nothing for one that is not there.
    """
    found: list[Month] = []
    for device in devices:
        order = monthly(device, date.max, on)
        if order is None:
            continue
        begin = order.path(1).rpartition("/")[2].partition("_")[0]
        own = (name for name in names(order.folder) if name.startswith(f"{begin}_"))
        reports = sorted(name for name in own if is_of_device(name, device.dev_number))
        found.append(Month(device, order.period, tuple(f"{order.folder}/{name}" for name in reports)))
    return tuple(found)

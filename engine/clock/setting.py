"""What time it shall be: by a person's `mmddHHMMyy` or by a meter. Pure: every moment is an argument."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from engine.dialect import textfile
from engine.due import EARLIEST_YEAR, clock_is_plausible
from engine.errors import AgentError

TOLERANCE_S = 30.0
"""A reading takes seconds, and so inexact is the meter's clock as it is seen here."""
AGREEMENT_S = 5.0
"""Two readings must show the same difference: one may have been delayed on a slow line."""

_SETTING = re.compile("([0-9]{2})" * 5)


class ClockRefused(AgentError):
    """The clock was not set; the text says why, in Russian."""


def parse_setting(text: str, zone: tzinfo) -> datetime:
    """The moment that `mmddHHMMyy` means in this zone (manual, section 13). Raises ClockRefused.

    Of an hour that comes twice in autumn the first is meant.
    """
    found = _SETTING.fullmatch(text)
    if found is None:
        raise ClockRefused("нужно ммддЧЧММгг, например 1122093026")
    month, day, hour, minute, year = map(int, found.groups())
    try:
        moment = datetime(2000 + year, month, day, hour, minute, tzinfo=zone)
    except ValueError:
        raise ClockRefused("такой даты или времени не бывает") from None
    if not clock_is_plausible(moment):
        raise ClockRefused(f"год раньше {EARLIEST_YEAR}")
    if moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment.replace(tzinfo=None):
        raise ClockRefused("такого времени в этот день нет: часы переводят вперёд")
    return moment


@dataclass
class Comparison:
    """The host's clock beside a meter's, reading after reading. `ahead_s`: how far the meter was ahead at the last."""

    ahead_s: float | None = None
    _before_s: float | None = None

    def take(self, meter: datetime | None, host: datetime, zone: tzinfo) -> None:
        """One reading: what the meter's clock showed, in the agent's zone, and the host's moment (with its zone).

        A meter does not tell which one of an hour that comes twice in autumn it means: a host that agrees with either
        may be right.
        """
        if meter is None or not clock_is_plausible(meter):
            self.forget()
            return
        self._before_s = self.ahead_s
        moments = (meter.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
        self.ahead_s = min(((moment - host).total_seconds() for moment in moments), key=abs)

    def forget(self) -> None:
        """What was seen counts no more: the clock was set, or another meter is asked."""
        self.ahead_s = self._before_s = None

    def step(self) -> timedelta | None:
        """By how much the host's clock is to be set; None: it is right, or that is not sure yet."""
        if self.ahead_s is None or self._before_s is None or abs(self.ahead_s) <= TOLERANCE_S:
            return None
        sure = abs(self.ahead_s - self._before_s) <= AGREEMENT_S
        return timedelta(seconds=self.ahead_s) if sure else None


def emptied(content: bytes, value: str) -> bytes | None:
    """The file with `[time] Set` empty where it was `value`, all else byte for byte as it was; None: it is not there.

    Lines are counted in bytes: neither UTF-8 nor cp1251 has a line feed inside a letter.
    """
    lines, _ = textfile.parse_ini("", textfile.decode(content))
    rows = content.split(b"\n")
    wanted = [
        line.number for line in lines if (line.section.lower(), line.key.lower(), line.value) == ("time", "set", value)
    ]
    for number in wanted:
        row = rows[number - 1]
        rows[number - 1] = row[: row.index(b"=") + 1] + (b"\r" if row.endswith(b"\r") else b"")
    return b"\n".join(rows) if wanted else None

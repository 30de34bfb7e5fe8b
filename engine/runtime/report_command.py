"""`agent.py report NUMBER [H|D] dd.mm.yyyy dd.mm.yyyy`: a report of any period; the agent need not run."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from engine import files, naming
from engine.config import GOOD
from engine.dialect import textfile
from engine.errors import SettingsWrong
from engine.model import RecType
from engine.report.child import Child
from engine.report.letter import Answer, Ask
from engine.report.of_settings import report_device
from engine.report.plan import Device
from engine.runtime.which import is_shown, shown
from engine.settings import AgentSettings, DeviceSettings, Parsed, read_file


def make_report(root: Path, words: Sequence[str]) -> Answer:
    """Make what the words of the command name. ValueError when they cannot be understood; OSError."""
    number, kind, first, last = read_words(words)
    ask = Ask(str(root), (_device(root, number),), _today(root), kind=kind, first=first, last=last)
    return Child(ask, time.monotonic()).wait()


def read_words(words: Sequence[str]) -> tuple[str, RecType, date, date]:
    """`440020 H 01.09.2018 26.09.2018`; without a letter days are meant."""
    rest = list(words)
    number = rest.pop(0) if rest else ""
    if not naming.is_dev_number(number):
        raise ValueError(f"отчет: номер прибора не понятен: {number or 'его нет'}")
    letter = rest.pop(0).upper() if rest and len(rest[0]) == 1 else "D"
    if letter not in ("H", "D"):
        raise ValueError(f"отчет: H (часы) или D (сутки), а не {letter}")
    if len(rest) != 2:
        raise ValueError("отчет: нужны две даты: report НОМЕР [H|D] дд.мм.гггг дд.мм.гггг")
    return number, RecType(letter), _date(rest[0]), _date(rest[1])


def _date(text: str) -> date:
    try:
        found = datetime.strptime(text, "%d.%m.%Y").date()
    except ValueError:
        raise ValueError(f"отчет: дата не понятна: {text} (нужна дд.мм.гггг)") from None
    if not 2000 <= found.year < 2099:
        raise ValueError(f"отчет: такого года в архивах нет: {text}")
    return found


def _device(root: Path, number: str) -> Device:
    """As its file says; a device that no file names any more is printed without address."""
    settings = [each for each in _in_force(root, naming.DEVICES) if isinstance(each, DeviceSettings)]
    told = shown(root, number)
    for own in settings:
        if own.dev_number == number or (own.dev_number in ("", "0") and is_shown(own, told)):
            return report_device(own, number)
    return Device(number)


def _in_force(root: Path, folder: str) -> Iterator[Parsed]:
    """Files that can be read, in the order of names; of one with errors its last good copy."""
    for path in sorted((root / folder).glob("*.ini")):
        for copy in (path, root / GOOD / folder / path.name):
            with suppress(OSError, SettingsWrong):
                yield read_file(f"{folder}/{path.name}", files.read_limited(copy, textfile.LIMIT_BYTES))[0]
                break


def _today(root: Path) -> date:
    agent = next((each for each in _in_force(root, naming.USER) if isinstance(each, AgentSettings)), None)
    return datetime.now(ZoneInfo(agent.timezone) if agent else None).date()

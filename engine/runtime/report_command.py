"""`agent.py report NUMBER [H|D] dd.mm.yyyy dd.mm.yyyy`: a report of any period; the agent need not run."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from engine import files, naming
from engine.command import Report
from engine.command.words import parse
from engine.config import GOOD
from engine.dialect import textfile
from engine.errors import SettingsWrong
from engine.report.child import Child
from engine.report.letter import Answer, Ask
from engine.report.of_settings import report_device
from engine.report.plan import Device
from engine.runtime.which import is_shown, shown
from engine.settings import AgentSettings, DeviceSettings, Parsed, read_file


def make_report(root: Path, words: Sequence[str]) -> Answer:
    """Make what the words of the command name. ValueError when they cannot be understood; OSError."""
    order = parse(" ".join(("report", *words)))
    assert isinstance(order, Report), "its word says so"
    device = _device(root, order.number)
    ask = Ask(str(root), (device,), _today(root), kind=order.kind, first=order.first, last=order.last)
    return Child(ask, time.monotonic()).wait()


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

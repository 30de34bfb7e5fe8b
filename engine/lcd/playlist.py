"""What the display shows next, by `lcd.info` and the snapshots (formats guide, section 9). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.settings.smallfiles import LcdLine

UNKNOWN = "---"


@dataclass(frozen=True, slots=True)
class Shown:
    """One parameter of one device for so many seconds."""

    device: str
    name: str
    caption: str
    seconds: int


def playlist(lines: Sequence[LcdLine], snapshots: Mapping[str, Mapping[str, str]]) -> list[Shown]:
    """Every parameter that is on and that a device has; one without a number for all devices, device after device.

    `snapshots` holds keys and texts of section `[0]` by number. A run of lines without a number is shown whole for one
    device before the next.
    """
    found: list[Shown] = []
    run: list[LcdLine] = []
    for line in [each for each in lines if each.shown]:
        if not line.device:
            run.append(line)
            continue
        found += _of_all(run, snapshots)
        run = []
        found += _of(line, line.device, snapshots)
    return found + _of_all(run, snapshots)


def _of_all(run: Sequence[LcdLine], snapshots: Mapping[str, Mapping[str, str]]) -> list[Shown]:
    return [shown for device in snapshots for line in run for shown in _of(line, device, snapshots)]


def _of(line: LcdLine, device: str, snapshots: Mapping[str, Mapping[str, str]]) -> list[Shown]:
    keys = {key.casefold() for key in snapshots.get(device, ())}
    if line.name.casefold() not in keys:
        return []
    return [Shown(device, line.name, line.caption, line.seconds)]


def value_of(shown: Shown, snapshots: Mapping[str, Mapping[str, str]]) -> str:
    """The text of now; a value that is not known is never an old one."""
    values = {key.casefold(): text for key, text in snapshots.get(shown.device, {}).items()}
    return values.get(shown.name.casefold(), "") or UNKNOWN

"""What stands beside the polling of meters: each part starts, changes and stops by the settings, and tells its state.

A new capability of the agent is a class of this form in a file of its own, and a line in `parts.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.news import News
from engine.runtime.devices import Devices
from engine.runtime.lines import Lines
from engine.settings import Settings


@dataclass(frozen=True, slots=True)
class House:
    """What a part may ask of the agent it lives in.

    Any thread may call `crashed(thread, traceback)`, `wake()` (the main thread looks round at once) and
    `touched(path)` (a file of the user is complete). All else is for the main thread: `now` is the moment in the
    agent's zone, None while the clock is not to be believed; `journal` tells a person once; `text(path)` is what is in
    force of a configuration file whose use is elsewhere, as `Config.text`.
    """

    root: Path
    now: Callable[[], datetime | None]
    journal: Callable[[str], None]
    crashed: Callable[[str, str], None]
    wake: Callable[[], None]
    touched: Callable[[str], None]
    text: Callable[[str], str]
    devices: Devices
    lines: Lines


class Part:
    """Base of the parts. The main thread alone calls it, so nothing here waits: what waits has a thread of its own.

    `title` names its section of `status.txt`, which is left out while `lines` is empty.
    """

    title = ""

    def __init__(self, house: House) -> None:
        self.house = house

    def apply(self, settings: Settings, now_s: float) -> None:
        """Work by these settings from now on; what they do not concern is not disturbed. `now_s` is monotonic."""

    def take(self, news: News) -> None:
        """Hear what a line told, after the files of the device were written."""

    def tick(self, now_s: float) -> None:
        """Do what is due. Called after every piece of news, at least twice a second."""

    def tell_crash(self, thread: str, now_s: float) -> None:
        """A thread, maybe one of this part, met an error that nobody expected."""

    def stop(self) -> None:
        """End every thread and process, close every port."""

    def lines(self) -> Sequence[str]:
        """Its state, for `status.txt`."""
        return ()

    def facts(self) -> Mapping[str, str]:
        """What it adds to the agent's snapshot of itself, `txt/0.txt`, by key."""
        return {}

    def warnings(self) -> Sequence[str]:
        """What a person should mend soon, for the head of `status.txt`."""
        return ()

    def jobs(self) -> Mapping[Callable[[], None], int]:
        """What is to be done by the calendar, each with its period in seconds; may be late or left out."""
        return {}

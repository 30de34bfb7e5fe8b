"""Commands to the agent, by file and on the command line: the same words (formats guide, section 12). Pure.

One command a line; lines that are empty or begin with `;` or `#` say nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from engine.errors import AgentError
from engine.model import RecType

DONE = "DONE"
FAILED = "FAILED: "
"""Beginning of the last line of an answer; the other last line is DONE alone."""
INTERRUPTED = "прервано перезапуском"
ECHO = "# "
"""Before each command, where its own answer begins."""
PROGRESS = "… "
"""Before a line that the next one of its kind makes worthless."""


class CommandFailed(AgentError):
    """A command could not be carried out; the text says why, in Russian."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Poll nothing: for so long, or until `resume`."""

    for_s: int | None = None


@dataclass(frozen=True, slots=True)
class Resume:
    """Poll again, also where the settings say `AutoPoll=0`."""


@dataclass(frozen=True, slots=True)
class Read:
    """Current values of one device, now."""

    number: str


@dataclass(frozen=True, slots=True)
class Archive:
    """A part of a device's archive: store what is missing, tell what differs.

    `kind` None: hours and days, and with days given report dates and events as well. Without days the newest
    HourRecords and DayRecords of the device's settings. `first` and `last` are both days of the stamps, included.
    """

    number: str
    kind: RecType | None = None
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Rebuild:
    """The whole archive of a device, read anew: add what is missing, alter nothing, tell what differs."""

    number: str


@dataclass(frozen=True, slots=True)
class Report:
    """A report of any period; both days included."""

    number: str
    kind: RecType
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Autoconfig:
    """Look for devices on these ports, or on all that are free."""

    ports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Factory:
    """Put the factory's copy of a file in place."""

    name: str


@dataclass(frozen=True, slots=True)
class Trace:
    """Show the exchange on the line of a device for so long."""

    number: str
    for_s: int


@dataclass(frozen=True, slots=True)
class SetTime:
    """Set the clock of the host: `mmddHHMMyy`."""

    text: str


@dataclass(frozen=True, slots=True)
class Push:
    """Deliver to every server now."""


@dataclass(frozen=True, slots=True)
class Export:
    """Copy archives and reports into a folder."""

    path: str


Command = Pause | Resume | Read | Archive | Rebuild | Report | Autoconfig | Factory | Trace | SetTime | Push | Export

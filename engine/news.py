"""What a line tells the main thread. Each piece names its device by the device's file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from engine.archive.findings import Finding
from engine.dialogue import Identity
from engine.model import Reading
from engine.settings import DeviceSettings


@dataclass(frozen=True, slots=True)
class Contact:
    """A device answered. `read_at` is the agent's clock; `first` after a silence, or at the start.

    `settings` are those that it was read by: they may have changed since.
    `archive_refusal` says why the archive cannot be read, empty if it can. `has_archive`: the device keeps
    records itself; one that does not is read every `interval_s`.
    """

    settings: DeviceSettings
    identity: Identity
    reading: Reading
    read_at: datetime
    first: bool
    archive_refusal: str = ""
    has_archive: bool = True
    interval_s: float = 60.0

    @property
    def file(self) -> str:
        return self.settings.file


@dataclass(frozen=True, slots=True)
class Missed:
    """A reading failed; `lost` from the one that makes the device off line."""

    file: str
    reason: str
    failures: int
    lost: bool


@dataclass(frozen=True, slots=True)
class Archived:
    """Archive places were read. `walk` names the catch-up that it belongs to: a later one begins anew.

    `complete`: nothing that the meter has is left to be read.
    """

    file: str
    walk: int
    findings: tuple[Finding, ...]
    remaining: int
    total: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Written:
    """A register was written, or was not: then `reason` says why. `raw` is the number that was to be written."""

    file: str
    raw: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LineChanged:
    """A line went down or came back; `reason` is empty when it is up."""

    line: str
    reason: str


@dataclass(frozen=True, slots=True)
class Crashed:
    """A thread met an error that nobody expected: it is told, counted, and started again."""

    thread: str
    traceback: str


News = Contact | Missed | Archived | Written | LineChanged | Crashed

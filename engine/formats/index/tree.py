"""What the static pages show: plain values. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.formats.gaps import Gap
from engine.model import RecType


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a folder and its size in bytes."""

    name: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """An archive file; `first` and `last` are stamps of records in it, None where none could be read."""

    name: str
    size_bytes: int
    rec_type: RecType
    first: datetime | None = None
    last: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeviceState:
    """How a device of the settings stands; `number` is empty while it is unknown, texts are ready."""

    number: str
    title: str
    state: str
    reading: str = ""
    values: Sequence[str] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class DeviceFolder:
    """The archive of one device, `www/<number>/`: what it holds, what it lacks, and other files."""

    number: str
    archives: Sequence[ArchiveFile] = ()
    gaps: Sequence[Gap] = ()
    others: Sequence[StoredFile] = ()


@dataclass(frozen=True, slots=True)
class Folder:
    """Reports, or whatever else lies in a folder of `www/`."""

    name: str
    files: Sequence[StoredFile] = ()


@dataclass(frozen=True, slots=True)
class AgentState:
    """The agent itself: its state is one line, `notices` is what a person should know."""

    name: str
    number: int
    state: str
    notices: Sequence[str] = ()
    devices: Sequence[DeviceState] = ()


@dataclass(frozen=True, slots=True)
class Tree:
    """Everything in `www/`."""

    devices: Sequence[DeviceFolder] = ()
    folders: Sequence[Folder] = ()

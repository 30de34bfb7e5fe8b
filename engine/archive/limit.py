"""Which archive files go when there is no room for all (ArchiveLimit, #69). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.naming import archive_kind

FREE_SHARE = 0.05
"""Less of the disk than this must not be free."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One archive file: `path` is below `www/`, as `440020/H-2026-10.txt`."""

    path: str
    size_bytes: int
    delivered: bool

    @property
    def device(self) -> str:
        return self.path.partition("/")[0]

    @property
    def name(self) -> str:
        return self.path.partition("/")[2]


def excess_bytes(used_bytes: int, limit_bytes: int, disk_bytes: int, free_bytes: int) -> int:
    """How much has to go: what is over the limit, or what the disk lacks of its free share. Never negative."""
    return max(0, used_bytes - limit_bytes, int(disk_bytes * FREE_SHARE) - free_bytes)


def to_remove(files: Iterable[Stored], excess: int) -> list[Stored]:
    """Whole closed files, oldest first, until `excess` bytes are free: first those that every server has."""
    closed = _closed(list(files))
    gone: list[Stored] = []
    for file in sorted(closed, key=lambda file: (not file.delivered, _period(file.name), file.path)):
        if excess <= 0:
            break
        gone.append(file)
        excess -= file.size_bytes
    return gone


def _closed(files: list[Stored]) -> list[Stored]:
    """All but the newest file of each kind of each device: records are still added to that one."""
    newest: dict[tuple[str, str], str] = {}
    for file in files:
        kind = (file.device, file.name[0])
        newest[kind] = max(newest.get(kind, ""), file.name)
    return [file for file in files if newest[file.device, file.name[0]] != file.name and archive_kind(file.name)]


def _period(name: str) -> str:
    """The last month that a file can hold: `H-2026-10` ends before `D-2026`."""
    period = name[2:].removesuffix(".txt")
    return period if len(period) > 4 else f"{period}-12"

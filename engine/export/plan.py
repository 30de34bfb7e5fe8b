"""What is copied to a flash drive: names there, what is new, what fits, and the list of what stands (pure).

The drive is its own memory. `DONE.txt` lists every copy in the form of `sha256sum`; a file is new when it is not
listed, or its copy has another size or time than the original.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.naming import archive_kind

DONE = "DONE.txt"
"""Stands when everything was copied; `sha256sum -c DONE.txt` in the folder that it lies in checks all."""
COPYING = "COPYING.txt"
"""Stands in its place while copying goes on, and when it was broken off: the list of what is whole already."""
FAULT = "ERROR.txt"
"""Why not everything was copied, for whoever looks into the drive."""
BOARD = "board.txt"
"""Whose folder this is: two boards may have one Number."""

RESERVE_BYTES = 1 << 20
"""Stays free for the list and for the folders themselves."""
_FAT_STEP_NS = 2_000_000_000

_LISTED = re.compile(r"([0-9a-f]{64}) [ *]([^\\\n\r]+)")
_FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f]|[. ]+$')
_DEVICE_NAME = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells one state of a file from another without reading it."""

    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Task:
    """One file to copy: `source` relative to the root, `name` relative to the drive, both with `/`."""

    source: str
    name: str
    stamp: Stamp
    replaces_bytes: int = 0


def names_on_drive(sources: Iterable[str], folder: str) -> dict[str, str]:
    """A name below `folder` for each source that FAT and NTFS can bear, no two of them equal without regard to case."""
    taken: set[str] = set()
    names: dict[str, str] = {}
    for source in sorted(sources):
        safe = "/".join(map(_safe, source.split("/")))
        name, count = safe, 1
        while name.casefold() in taken:
            count += 1
            stem, point, ending = safe.rpartition(".")
            name = f"{stem}~{count}.{ending}" if point and "/" not in ending else f"{safe}~{count}"
        taken.add(name.casefold())
        names[source] = f"{folder}/{name}"
    return names


def _safe(part: str) -> str:
    safe = _FORBIDDEN.sub("_", part)
    return f"_{safe}" if _DEVICE_NAME.match(safe) else safe


def is_same(source: Stamp, copy: Stamp) -> bool:
    """Whether a copy is of this state. FAT keeps even seconds, NTFS tenths of microseconds."""
    apart_ns = abs(source.mtime_ns - copy.mtime_ns)
    coarse = copy.mtime_ns % _FAT_STEP_NS == 0 and apart_ns <= _FAT_STEP_NS
    return source.size == copy.size and (apart_ns < 100 or coarse)


def new_tasks(
    sources: Mapping[str, Stamp], folder: str, listed: Mapping[str, str], copies: Mapping[str, Stamp]
) -> list[Task]:
    """What is to be copied, what matters most first. `listed` and `copies` are by the name on the drive."""
    names = names_on_drive(sources, folder)
    tasks = []
    for source, stamp in sources.items():
        copy = copies.get(names[source])
        if copy is None or names[source] not in listed or not is_same(stamp, copy):
            tasks.append(Task(source, names[source], stamp, copy.size if copy else 0))
    return sorted(sorted(tasks, key=lambda task: task.source, reverse=True), key=lambda task: _rank(task.source))


def _rank(source: str) -> int:
    """Days, report dates, events, hours from the newest on; then what can be made anew from them."""
    kind = archive_kind(source.rpartition("/")[2])
    return "DMEH".index(kind.value) if kind else 4


def fitting(tasks: Sequence[Task], free_bytes: int, cluster_bytes: int) -> tuple[list[Task], list[Task], int]:
    """Tasks that fit, those that do not, and how many bytes are lacking.

    An old copy stands until the new one is whole.
    """
    fit: list[Task] = []
    left: list[Task] = []
    free_bytes -= RESERVE_BYTES
    for task in tasks:
        bytes_ = _clusters(task.stamp.size, cluster_bytes)
        if bytes_ <= free_bytes:
            free_bytes -= bytes_ - _clusters(task.replaces_bytes, cluster_bytes)
            fit.append(task)
        else:
            left.append(task)
    wanted = sum(_clusters(task.stamp.size, cluster_bytes) for task in left)
    return fit, left, max(0, wanted - max(0, free_bytes))


def spare_bytes(fit: Iterable[Task], free_bytes: int, cluster_bytes: int) -> int:
    """Room that is over when all that fits was copied: so much may these files grow before their turn comes."""
    taken = (growth_bytes(task.replaces_bytes, task.stamp.size, cluster_bytes) for task in fit)
    return free_bytes - RESERVE_BYTES - sum(taken)


def growth_bytes(before: int, after: int, cluster_bytes: int) -> int:
    """How much more room a file takes on the drive when its size is another one."""
    return _clusters(after, cluster_bytes) - _clusters(before, cluster_bytes)


def _clusters(size: int, cluster_bytes: int) -> int:
    return -(-size // cluster_bytes) * cluster_bytes


def read_list(data: bytes) -> dict[str, str]:
    """Sums by name; a line that is torn or not of this form is none."""
    whole = data[: data.rfind(b"\n") + 1]
    found = (_LISTED.fullmatch(line) for line in whole.decode("utf-8", "replace").split("\n"))
    return {each[2]: each[1] for each in found if each and "\ufffd" not in each[2]}


def list_line(name: str, digest: str) -> bytes:
    """One line as `sha256sum` writes it."""
    return f"{digest}  {name}\n".encode()


def list_text(listed: Mapping[str, str]) -> bytes:
    """The whole list."""
    return b"".join(list_line(name, listed[name]) for name in sorted(listed))


def board_text(number: int, identity: str) -> bytes:
    """The mark of one board in its folder."""
    return f"Number={number}\nId={identity}\n".encode()


def folder_name(number: int, attempt: int) -> str:
    """`TSM1`; `TSM1-2` where another board of that Number has the first."""
    return f"TSM{number}" if attempt == 1 else f"TSM{number}-{attempt}"

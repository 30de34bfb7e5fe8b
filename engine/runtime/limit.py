"""Keeps `www/` within ArchiveLimit: looks at the disk, removes what `engine.archive.limit` names, and tells it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from engine import naming
from engine.archive.limit import Stored, excess_bytes, to_remove
from engine.keeper.shelf import Shelf
from engine.keeper.shelf_removed import NOTE


def keep_limit(
    root: Path,
    limit_bytes: int,
    shelf_of: Callable[[str], Shelf],
    has_everywhere: Callable[[str, int], bool],
    told: Callable[[str], None],
) -> None:
    """Remove archive files until `www/` is within its limit, and write down what went. Raises OSError.

    No free byte is needed to remove: only for what is written down afterwards, this time or the next.
    `shelf_of` gives the archive of a device, `has_everywhere(path, size)` whether every server has a file.
    """
    archives = root / naming.ARCHIVES
    try:
        for file in _excess(archives, limit_bytes, has_everywhere):
            shelf_of(file.device).remove(file.name)
            told(f"{file.path}: удалён по ArchiveLimit{'' if file.delivered else ', на серверы не доставлен'}")
    finally:
        for device in sorted({note.parent.name for note in archives.glob(f"*/.*{NOTE}")}):
            shelf_of(device).settle()


def _excess(archives: Path, limit_bytes: int, has_everywhere: Callable[[str, int], bool]) -> list[Stored]:
    disk = os.statvfs(archives)
    used_bytes = sum(size for _, size in _sizes(archives))
    excess = excess_bytes(used_bytes, limit_bytes, disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize)
    if not excess:
        return []
    stored = [Stored(path, size, has_everywhere(path, size)) for path, size in _sizes(archives) if _is_archive(path)]
    return to_remove(stored, excess)


def _sizes(archives: Path) -> Iterator[tuple[str, int]]:
    for folder, _, names in os.walk(archives):
        for name in names:
            path = Path(folder, name)
            if not path.is_symlink():
                yield path.relative_to(archives).as_posix(), path.stat().st_size


def _is_archive(path: str) -> bool:
    folder, _, name = path.partition("/")
    return naming.is_dev_number(folder) and naming.archive_kind(name) is not None

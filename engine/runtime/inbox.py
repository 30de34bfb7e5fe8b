"""What other agents began to send into the inbox and never finished is cleared away after a day."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path

from engine import files, naming

STALE_S = 24 * 3600
_PART = ".part"


def sweep_inbox(root: Path, now: datetime) -> int:
    """Remove every `.part` that has not changed for a day; returns how many went.

    A sender renames it within seconds, and one that comes back later sends it anew. What cannot be removed stays.
    """
    stale = [path for path in _parts(root / naming.INBOX) if _age_s(path, now) > STALE_S]
    removed = 0
    for path in stale:
        with suppress(OSError):
            files.remove(path)
            removed += 1
    return removed


def _parts(inbox: Path) -> list[Path]:
    names = (entry for _, entries in files.walk(inbox) for entry in entries)
    return [Path(entry.path) for entry in names if entry.name.casefold().endswith(_PART)]


def _age_s(path: Path, now: datetime) -> float:
    try:
        return now.timestamp() - path.lstat().st_mtime
    except OSError:
        return 0.0  # gone already, or its name cannot be looked up

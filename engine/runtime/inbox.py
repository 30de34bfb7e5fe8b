"""What other agents began to send into the inbox and never finished is cleared away after a day."""

from __future__ import annotations

import os
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
    found = (Path(folder, name) for folder, _, names in os.walk(inbox) for name in names)
    return [path for path in found if path.name.casefold().endswith(_PART)]


def _age_s(path: Path, now: datetime) -> float:
    try:
        return now.timestamp() - path.lstat().st_mtime
    except FileNotFoundError:
        return 0.0

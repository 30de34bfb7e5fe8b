"""What a crash or a power failure left half done is cleared away before anything starts."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from engine import files, naming
from engine.formats.snapshot import read_snapshot

SNAPSHOT_LIMIT_BYTES = 1024 * 1024
LINE_LIMIT_BYTES = 64 * 1024


def sweep(root: Path) -> None:
    """Remove the temporaries of all folders, torn snapshots, which are made anew, and the torn end of the journal.

    What cannot be removed stays: it is no reason not to start.
    """
    for tree in (naming.LOG, naming.ARCHIVES, naming.VAR):
        for folder, _ in files.walk(root / tree):
            with suppress(OSError):
                files.sweep_temporaries(folder)
    for path in (root / naming.SNAPSHOTS).glob("*.txt"):
        if naming.is_dev_number(path.stem) and not _is_whole(path):
            with suppress(OSError):
                files.remove(path)
    with suppress(OSError):
        _cut_torn_line(root / naming.JOURNAL)


def _cut_torn_line(path: Path) -> None:
    """What follows the last whole line is gone, or the next line would grow out of it."""
    with open(path, "rb", opener=files.open_regular) as file:
        size = file.seek(0, os.SEEK_END)
        begin = file.seek(max(0, size - LINE_LIMIT_BYTES))
        tail = file.read()
    length = begin + tail.partition(b"\0")[0].rfind(b"\n") + 1
    if length < size:
        files.cut(path, length)


def _is_whole(path: Path) -> bool:
    """Snapshots are not synced: after a power failure one may be empty, zeros, or end anywhere.

    One that was cut between two lines of its records passes; it is made anew at the next contact.
    """
    try:
        text = files.read_limited(path, SNAPSHOT_LIMIT_BYTES).decode()
        return text.endswith("\n") and "\0" not in text and "ErrText" in read_snapshot(text).extra
    except (OSError, ValueError):
        return False

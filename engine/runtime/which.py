"""Which device file a number belongs to that only the meter itself tells: by where its snapshot was read."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from engine import files, naming
from engine.formats.snapshot import SnapshotView, read_snapshot
from engine.model import Values
from engine.settings import DeviceSettings

SNAPSHOT_LIMIT_BYTES = 1024 * 1024


def snapshot_of(root: Path, number: str) -> SnapshotView | None:
    """The snapshot of this number; None when there is none that can be read."""
    with suppress(OSError, ValueError):
        path = root / naming.snapshot_path(number)
        return read_snapshot(files.read_limited(path, SNAPSHOT_LIMIT_BYTES).decode())
    return None


def shown(root: Path, number: str) -> Values:
    """`[0]` of the snapshot of this number; empty when there is none that can be read."""
    view = snapshot_of(root, number)
    return view.device if view else {}


def is_shown(settings: DeviceSettings, told: Values) -> bool:
    """Whether this snapshot is of this file's device."""
    place = (told.get("Connection"), told.get("NetAddr"))
    if place != (settings.connection, settings.net_addr):
        return False
    if settings.connection == "TCP":
        return (told.get("NetIP"), told.get("NetPort")) == (settings.net_ip, settings.net_port)
    return told.get("Port") == settings.port

"""What is mounted where, as `/proc/self/mountinfo` tells it (proc(5)); pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

PLUGGED = ("/media/", "/run/media/")
"""Where drives appear that are plugged in; what an engineer mounts elsewhere is his own affair."""
OWN = "/media/tsm-"
"""Where the rule in `etc/udev/` mounts: what stands there is a drive for the agent by its name."""
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount: `identity` is told again for another one only after this one is gone; `device` is `8:1`."""

    identity: int
    device: str
    point: str
    fs_type: str
    source: str
    read_only: bool

    @property
    def is_plugged(self) -> bool:
        """Whether it stands where drives appear by themselves."""
        return self.point.startswith(PLUGGED)

    @property
    def is_own(self) -> bool:
        """Whether the agent's own rule mounted it."""
        return self.point.startswith(OWN)


def parse_mounts(text: str) -> list[Mount]:
    """All mounts in the order of the file; of several on one point only the last can be reached."""
    mounts: dict[str, Mount] = {}
    for line in text.splitlines():
        mount = _mount(line)
        if mount is not None:
            mounts.pop(mount.point, None)
            mounts[mount.point] = mount
    return list(mounts.values())


def mount_of(path: str, mounts: Iterable[Mount]) -> Mount | None:
    """The mount that an absolute path without links lies on."""
    around = [mount for mount in mounts if path == mount.point or path.startswith(mount.point.rstrip("/") + "/")]
    return max(around, key=lambda mount: len(mount.point), default=None)


def _mount(line: str) -> Mount | None:
    front, dash, back = line.partition(" - ")
    left, right = front.split(" "), back.split(" ")
    if not dash or len(left) < 6 or len(right) < 3 or not left[0].isdigit():
        return None
    read_only = "ro" in (*left[5].split(","), *right[2].split(","))
    return Mount(int(left[0]), left[2], _plain(left[4]), right[0], _plain(right[1]), read_only)


def _plain(text: str) -> str:
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), text)

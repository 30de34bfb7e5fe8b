"""Which mounts are flash drives, and letting go of one so that it can be pulled."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from engine.export.mounts import OWN, Mount, mount_of, parse_mounts

MOUNTINFO = Path("/proc/self/mountinfo")
ELSEWHERE = "TSM_MOUNTINFO"
"""Environment: another list of mounts. `/dev/null` keeps an agent that is only tried out away from every drive."""
SYSFS = Path("/sys")
UNMOUNT_TIMEOUT_S = 120.0
_USB_BUS = re.compile(r"usb[0-9]+")


class Media:
    """Reads what the kernel tells of mounts and of the disks below them. `root` is the agent's own folder."""

    def __init__(self, root: Path, mountinfo: Path | None = None, sysfs: Path = SYSFS) -> None:
        self._root = root
        self._mountinfo = mountinfo or Path(os.environ.get(ELSEWHERE, MOUNTINFO))
        self._sysfs = sysfs

    def plugged(self) -> list[Mount]:
        """Drives that were plugged in: removable, and mounted where such appear. Raises OSError."""
        return [mount for mount in self._removable() if mount.is_plugged]

    def holding(self, path: Path) -> Mount | None:
        """The removable drive that `path` lies on, wherever it is mounted; None when it lies on none. `OSError`."""
        mount = mount_of(os.path.realpath(path), self._mounts())
        return mount if mount in self._removable() else None

    def _mounts(self) -> list[Mount]:
        return parse_mounts(self._mountinfo.read_text(encoding="utf-8", errors="surrogateescape"))

    def _removable(self) -> list[Mount]:
        mounts = self._mounts()
        own = {self._disk(mount) for path in ("/", str(self._root)) if (mount := mount_of(path, mounts))}
        return [mount for mount in mounts if self._is_removable(mount) and self._disk(mount) not in own]

    def _is_removable(self, mount: Mount) -> bool:
        """The kernel says so, or it hangs on USB, or the agent's own rule mounted it."""
        disk = self._disk(mount)
        return disk is not None and (mount.is_own or _says_removable(disk) or _hangs_on_usb(disk))

    def _disk(self, mount: Mount) -> Path | None:
        """The whole disk below a mount; None where there is none: tmpfs, network, proc."""
        try:
            block = (self._sysfs / "dev/block" / mount.device).resolve(strict=True)
        except OSError:
            return None
        return block.parent if (block / "partition").exists() else block


def _says_removable(disk: Path) -> bool:
    try:
        return (disk / "removable").read_text().strip() == "1"
    except OSError:
        return False


def _hangs_on_usb(disk: Path) -> bool:
    return any(_USB_BUS.fullmatch(part) for part in disk.parts)


def unmount(mount: Mount) -> bool:
    """Unmount, by the unit that mounted it where the agent has no right of its own; whether it is gone."""
    commands = [["umount", "--", mount.point]]
    if mount.is_own:
        unit = f"tsm-flash@{mount.point.removeprefix(OWN)}.service"
        commands.append(["systemctl", "--no-ask-password", "stop", unit])
    return any(map(_succeeds, commands))


def _succeeds(command: list[str]) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, timeout=UNMOUNT_TIMEOUT_S, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0

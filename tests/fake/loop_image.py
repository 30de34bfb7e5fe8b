"""A flash drive that is a file: an image with a file system of its own, mounted by the kernel or by Debian's ntfs-3g.

Only root may mount; who cannot is told why by a skip.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fake.debian_servers import debian_environment

_PACKAGES = {"mkntfs": "ntfs-3g", "ntfs-3g": "ntfs-3g", "mkfs.vfat": "dosfstools"}


class LoopImage:
    """`file` is the drive, `point` where it is mounted."""

    def __init__(self, folder: Path, kind: str, size_bytes: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.kind = kind
        self.file = folder / f"drive.{kind}"
        self.point = folder / "point"
        self.point.mkdir()
        with self.file.open("wb") as file:
            file.truncate(size_bytes)
        if kind == "ntfs":
            _run(["mkntfs", "-Q", "-F", "-q", str(self.file)])
        elif kind == "vfat":
            _run(["mkfs.vfat", str(self.file)])
        else:
            _run(["mkfs.ext4", "-q", "-F", "-m", "0", str(self.file)])

    def mount(self, *, read_only: bool = False) -> None:
        options = "ro" if read_only else "rw"
        if self.kind == "ntfs":
            _run(["ntfs-3g", "-o", options, str(self.file), str(self.point)])
        else:
            _run(["mount", "-o", f"loop,{options}", str(self.file), str(self.point)])

    def unmount(self) -> None:
        _run(["umount", str(self.point)])

    def pull(self, into: Path) -> None:
        """What the drive holds at this very moment, as if it were pulled now: that is what is mounted from here on."""
        shutil.copyfile(self.file, into)


@contextmanager
def loop_image(folder: Path, kind: str = "ext4", size_bytes: int = 16 << 20) -> Iterator[LoopImage]:
    """A mounted drive; unmounted at the end, whatever stands there."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount an image")
    image = LoopImage(folder, kind, size_bytes)
    try:
        image.mount()
    except subprocess.CalledProcessError as error:
        pytest.skip(f"this machine mounts no image of {kind}: {error.stderr.strip()}")
    try:
        yield image
    finally:
        while os.path.ismount(image.point):
            subprocess.run(["umount", "-l", str(image.point)], check=True)


@contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[Path]:
    """A disk in memory that holds no more than this."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a disk in memory")
    folder.mkdir()
    _run(["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder)])
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def media_folder() -> Iterator[Path]:
    """A folder below /media whose name is that of the agent's own rule."""
    if os.geteuid() != 0:
        pytest.skip("only root may make a folder in /media")
    folder = Path(tempfile.mkdtemp(prefix="tsm-test", dir="/media"))
    try:
        yield folder
    finally:
        while os.path.ismount(folder):
            subprocess.run(["umount", "-l", str(folder)], check=True)
        folder.rmdir()


def _run(command: list[str]) -> None:
    environment, places = {**os.environ}, os.environ["PATH"]
    if command[0] in _PACKAGES:
        package, environment = debian_environment(_PACKAGES[command[0]])
        places = f"{package}/bin:{package}/sbin"
    program = shutil.which(command[0], path=f"{places}:/usr/sbin:/sbin")
    if program is None:
        pytest.skip(f"no {command[0]} on this machine")
    subprocess.run([program, *command[1:]], check=True, capture_output=True, text=True, env=environment)

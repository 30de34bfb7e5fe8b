"""What is surely on the disk when the power fails: a model of a disk that keeps nothing unless it was told to.

`Recorder` lives in the agent's process and sees its every `fsync`. As POSIX has it, a sync of a file saves its bytes
and not its name, a sync of a folder saves the names in it and not the bytes of what they stand for, and a new folder
is there when the folder above it was synced. Reality is kinder: `after_power_loss` may let some of the rest survive.

    store/f<inode>   the bytes of a file at its last sync
    store/d<inode>   the names in a folder at its last sync: `f|d inode name`, a line each
"""

from __future__ import annotations

import os
import random
import shutil
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

MODE = 0o640


class Entry(NamedTuple):
    """What a name stands for: kind `f` or `d`."""

    kind: str
    inode: int


Names = dict[str, Entry]


class Recorder:
    """Begins with everything below `root` saved; `fsync` takes the place of the system's.

    An inode that a saved name stands for is held open, so that its number is not given to another file.
    """

    def __init__(self, root: Path, store: Path) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._held: dict[int, int] = {}
        self._saved: dict[int, Names] = {}
        for folder, _, names in os.walk(root):
            self._save_folder(Path(folder))
            for name in names:
                self._save_file(Path(folder) / name)

    def fsync(self, descriptor: int) -> None:
        """Save what the descriptor stands for."""
        place = Path(f"/proc/self/fd/{descriptor}")
        with self._lock:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                self._save_folder(place)
            else:
                self._save_file(place)
            self._forget()

    def _save_file(self, path: Path) -> None:
        self._hold(path)
        self._keep(f"f{path.stat().st_ino}", path.read_bytes())

    def _save_folder(self, path: Path) -> None:
        names: Names = {}
        for name in sorted(found.name for found in path.iterdir()):
            place = path / name
            try:
                is_folder = place.is_dir()
                names[name] = Entry("d", place.stat().st_ino) if is_folder else Entry("f", self._hold(place))
            except FileNotFoundError:
                continue  # it went meanwhile
        inode = path.stat().st_ino
        self._saved[inode] = names
        self._keep(f"d{inode}", "".join(f"{kind} {number} {name}\n" for name, (kind, number) in names.items()).encode())

    def _hold(self, path: Path) -> int:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        inode = os.fstat(descriptor).st_ino
        if inode in self._held:
            os.close(descriptor)
        else:
            self._held[inode] = descriptor
        return inode

    def _forget(self) -> None:
        """Inodes that have no name any more, neither saved nor now."""
        named = {entry.inode for names in self._saved.values() for entry in names.values()}
        for inode, descriptor in list(self._held.items()):
            if inode not in named and os.fstat(descriptor).st_nlink == 0:
                (self._store / f"f{inode}").unlink(missing_ok=True)
                os.close(self._held.pop(inode))

    def _keep(self, name: str, data: bytes) -> None:
        """In one step: the end may come here too."""
        beside = self._store / f"{name}.new"
        beside.write_bytes(data)
        beside.replace(self._store / name)


def after_power_loss(root: Path, store: Path, chance: random.Random | None) -> None:
    """Put into the place of `root`, as a killed agent left it, what the disk holds after the power is back.

    Without `chance` that is what was saved and nothing else; with it any part of the rest, bytes cut off or zeros.
    """
    back = root.with_name(f"{root.name}.back")
    _Return(root, store, chance).build(root.stat().st_ino, back)
    shutil.rmtree(root)
    back.rename(root)


class _Return:
    def __init__(self, root: Path, store: Path, chance: random.Random | None) -> None:
        self._store = store
        self._chance = chance
        self._now = {path.stat().st_ino: path for path in (root, *root.rglob("*"))}

    def build(self, inode: int, place: Path) -> None:
        """A folder and everything below it."""
        place.mkdir()
        for name, entry in self._surviving(inode):
            if entry.kind == "d":
                self.build(entry.inode, place / name)
            else:
                (place / name).write_bytes(self._content(entry.inode))
                (place / name).chmod(MODE)

    def _surviving(self, inode: int) -> Iterator[tuple[str, Entry]]:
        saved, now = self._saved_names(inode), self._names_now(inode)
        for name in sorted({*saved, *now}):
            entry = now.get(name) if self._tossed() else saved.get(name)
            if entry:
                yield name, entry

    def _saved_names(self, inode: int) -> Names:
        path = self._store / f"d{inode}"
        lines = path.read_text().splitlines() if path.exists() else []
        parts = (line.split(" ", 2) for line in lines)
        return {name: Entry(kind, int(number)) for kind, number, name in parts}

    def _names_now(self, inode: int) -> Names:
        folder = self._now.get(inode)
        found = folder.iterdir() if folder else ()
        return {path.name: Entry("d" if path.is_dir() else "f", path.stat().st_ino) for path in found}

    def _content(self, inode: int) -> bytes:
        path = self._store / f"f{inode}"
        saved = path.read_bytes() if path.exists() else b""
        now = self._now[inode].read_bytes() if inode in self._now else saved
        if self._chance is None or now == saved:
            return saved
        if not now.startswith(saved):
            return now if self._tossed() else saved
        length = self._chance.randint(len(saved), len(now))
        return now[:length] + (bytes(len(now) - length) if self._tossed() else b"")

    def _tossed(self) -> bool:
        return self._chance is not None and self._chance.random() < 0.5

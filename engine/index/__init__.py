"""The pages `index.html` in `www/` and in each of its folders: looks at what is there and writes what has changed.

A flash card wears, and archives are large: a file is looked into again only when its size or time has changed, and then
at its ends only; a page is written only when its text is another one. Used by the main thread, which owns `www/`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Generic, TypeVar

from engine import files, naming
from engine.formats.gaps import Gap, read_gaps
from engine.formats.index import main_page
from engine.formats.index.device import device_page
from engine.formats.index.folder import folder_page, is_reports
from engine.formats.index.page import INDEX
from engine.formats.index.tree import AgentState, ArchiveFile, DeviceFolder, DeviceState, Folder, StoredFile, Tree
from engine.index.span import Span, span_of

GAPS_LIMIT_BYTES = 4 * 1024 * 1024
GAPS = "gaps.txt"

T = TypeVar("T")


class Index:
    """All pages of one root. `problem(error)` hears of a folder that could not be looked at or written."""

    def __init__(self, root: Path, problem: Callable[[OSError], None]) -> None:
        self._www = root / naming.ARCHIVES
        self._problem = problem
        self._spans: _Known[Span] = _Known(span_of)
        self._gaps: _Known[tuple[Gap, ...]] = _Known(_gaps_of)
        self._written: dict[Path, bytes] = {}

    def show(self, agent: AgentState) -> None:
        """Write every page whose content has changed. A folder that fails is told, the others are shown."""
        titles = {device.number: device for device in agent.devices}
        devices: list[DeviceFolder] = []
        folders: list[Folder] = []
        for path in self._folders():
            try:
                page = self._look_at(path, devices, folders, titles)
                self._write(path / INDEX, page)
            except OSError as error:
                self._problem(error)
        self._spans.forget_unseen()
        self._gaps.forget_unseen()
        try:
            self._write(self._www / INDEX, main_page(agent, Tree(devices, folders)))
        except OSError as error:
            self._problem(error)

    def _folders(self) -> list[Path]:
        try:
            return sorted(Path(entry.path) for entry in _entries(self._www) if entry.is_dir(follow_symlinks=False))
        except OSError as error:
            self._problem(error)
            return []

    def _look_at(
        self, path: Path, devices: list[DeviceFolder], folders: list[Folder], titles: dict[str, DeviceState]
    ) -> str:
        if naming.is_dev_number(path.name) and not is_reports(path.name):
            device = self._device_folder(path)
            devices.append(device)
            return device_page(device, titles[path.name].title if path.name in titles else "")
        folder = Folder(path.name, [StoredFile(name, stat.st_size) for name, stat in _files(path)])
        folders.append(folder)
        return folder_page(folder)

    def _device_folder(self, path: Path) -> DeviceFolder:
        archives: list[ArchiveFile] = []
        others: list[StoredFile] = []
        gaps: tuple[Gap, ...] = ()
        for name, stat in _files(path):
            kind = naming.archive_kind(name)
            if kind is not None:
                first, last = self._spans.of(path / name, stat) or (None, None)
                archives.append(ArchiveFile(name, stat.st_size, kind, first, last))
                continue
            others.append(StoredFile(name, stat.st_size))
            if name == GAPS:
                gaps = self._gaps.of(path / name, stat) or ()
        return DeviceFolder(path.name, archives, gaps, others)

    def _write(self, path: Path, page: str) -> None:
        """What was written once is compared by its digest: the disk is not read for that."""
        data = page.encode("utf-8", "replace")
        digest = sha256(data).digest()
        if self._written.get(path) == digest and path.exists():
            return
        self._written.pop(path, None)
        if path.parent.is_dir():  # one that was removed at this moment is not made again
            files.write_whole(path, data, synced=False)
            self._written[path] = digest


class _Known(Generic[T]):
    """What was read from files, by path, as long as their size and time stay the same."""

    def __init__(self, read: Callable[[Path], T]) -> None:
        self._read = read
        self._known: dict[Path, tuple[int, int, T | None]] = {}
        self._seen: set[Path] = set()

    def of(self, path: Path, stat: os.stat_result) -> T | None:
        """What `read` gives; None when it cannot."""
        self._seen.add(path)
        known = self._known.get(path)
        if known is None or known[:2] != (stat.st_size, stat.st_mtime_ns):
            known = (stat.st_size, stat.st_mtime_ns, self._try(path))
            self._known[path] = known
        return known[2]

    def forget_unseen(self) -> None:
        """Files that are gone are not remembered."""
        self._known = {path: known for path, known in self._known.items() if path in self._seen}
        self._seen = set()

    def _try(self, path: Path) -> T | None:
        try:
            return self._read(path)
        except OSError:
            return None  # shown as what it is: a file that cannot be read


def _gaps_of(path: Path) -> tuple[Gap, ...]:
    return read_gaps(files.read_limited(path, GAPS_LIMIT_BYTES).decode("utf-8", "replace"))[0]


def _files(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Regular files that are shown, in the order of their names."""
    entries = [entry for entry in _entries(folder) if entry.is_file(follow_symlinks=False) and entry.name != INDEX]
    for entry in sorted(entries, key=lambda entry: entry.name):
        try:
            yield entry.name, entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return [entry for entry in entries if not entry.name.startswith(".")]

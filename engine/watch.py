"""Tells when a file of the user may have changed, within a second (formats guide, section 3, "Reload").

watchdog is the fast way, a look at the files' stamps every few seconds the safe one: the kernel drops events when many
come, and a folder that was removed and made again is heard of no more. What changed is not told: whoever is woken
compares contents, which is right whatever was missed.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

from engine import naming
from engine.files import is_temporary

QUIET_S = 0.3
"""So long nothing more must happen before a change is told…"""
LATEST_S = 0.8
"""…but never later than this after the first event."""
POLL_S = 5.0
"""Between looks at the stamps; without inotify they are all there is and come every `LATEST_S`."""
MOST_FILES = 4096

_LOG = logging.getLogger(__name__)
_EVENTS: list[type[FileSystemEvent]] = [
    FileClosedEvent, FileCreatedEvent, FileDeletedEvent, FileMovedEvent,
    DirCreatedEvent, DirDeletedEvent, DirMovedEvent,
]  # fmt: skip
# Folder and whether its folders belong to it. The inbox is not ours: its clients may make folders without end.
_WATCHED = ((naming.LOG, False), (naming.USER, True), (naming.VPN, False))
_POLLED = (naming.LOG, naming.USER, naming.DEVICES, naming.TEMPLATES, naming.COMMANDS, naming.VPN)
_OWN_FILES = frozenset((naming.STATUS, naming.JOURNAL, naming.LCD_INFO_OLD, naming.USB_RULES))
_OWN_FOLDERS = (naming.SNAPSHOTS, naming.INBOX)
_OWN_SUFFIXES = (naming.refused_path(""), ".out", "~")

Stamp = tuple[int, int, int]


def is_of_user(path: str) -> bool:
    """Whether a path (relative to the root, with `/`) is one that only a user changes; pure."""
    name = path.rpartition("/")[2]
    if name.startswith(".") or is_temporary(name) or name.endswith(_OWN_SUFFIXES) or path in _OWN_FILES:
        return False
    return not any(path == folder or path.startswith(f"{folder}/") for folder in _OWN_FOLDERS)


class Watch:
    """Calls `on_change()`, in its own thread, after each change and each `touched()`, many at once told as one.

    A change that comes while `on_change()` runs is told after it.
    """

    def __init__(self, root: Path, on_change: Callable[[], None], *, poll_s: float = POLL_S) -> None:
        self._root = root.absolute()
        self._on_change = on_change
        self._poll_s = poll_s
        self._pulse = _Pulse()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether changes are told: False before the start, after the stop and after a bug ended the thread."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin to watch. What was changed before this returns is not told."""
        folders = _Folders(self._root, self._pulse)
        stamps = _stamps(self._root)
        self._folders, self._stamps = folders, stamps
        self._thread.start()

    def stop(self) -> None:
        """End the watch and wait for its threads; harmless before the start and the second time."""
        self._pulse.halt()
        if self._thread.ident is not None:
            self._thread.join()

    def touched(self, path: str) -> None:
        """A file is complete under its name (relative to the root, with `/`): told at once. From any thread."""
        if is_of_user(path):
            self._pulse.now()

    def _run(self) -> None:
        try:
            while True:
                told = self._pulse.wait(self._poll_s if self._folders.heard else min(self._poll_s, LATEST_S))
                if self._pulse.halted:
                    return
                self._look(told)
        finally:
            self._folders.close()

    def _look(self, told: bool) -> None:
        # Stamps before the call: what changes while the owner reads differs from them at the next look.
        self._folders.renew()
        stamps = _stamps(self._root)
        if told or stamps != self._stamps:
            self._stamps = stamps
            self._on_change()


@dataclass(slots=True)
class _Pulse:
    """When a change is to be told: some quiet after the last event, but not for ever; at once when asked."""

    halted: bool = False
    _first_s: float | None = None
    _last_s: float = 0.0
    _now: bool = False
    _condition: threading.Condition = field(default_factory=threading.Condition)

    def event(self) -> None:
        with self._condition:
            self._last_s = time.monotonic()
            if self._first_s is None:
                self._first_s = self._last_s
                self._condition.notify()

    def now(self) -> None:
        with self._condition:
            self._now = True
            self._condition.notify()

    def halt(self) -> None:
        with self._condition:
            self.halted = True
            self._condition.notify()

    def wait(self, timeout_s: float) -> bool:
        """Until something is to be told (True) or the time is over (False); `halted` ends it as well."""
        end_s = time.monotonic() + timeout_s
        with self._condition:
            while not self.halted and not self._now:
                left_s = (end_s if self._first_s is None else self._due_s(self._first_s)) - time.monotonic()
                if left_s <= 0:
                    break
                self._condition.wait(left_s)
            told = self._now or self._first_s is not None
            self._now, self._first_s = False, None
            return told

    def _due_s(self, first_s: float) -> float:
        return min(self._last_s + QUIET_S, first_s + LATEST_S)


class _Handler(FileSystemEventHandler):
    """Runs in watchdog's threads, whose queue has no limit: it only raises a flag."""

    def __init__(self, root: Path, pulse: _Pulse) -> None:
        self._prefix = f"{root}/"
        self._pulse = pulse

    def dispatch(self, event: FileSystemEvent) -> None:
        paths = (os.fsdecode(path).removeprefix(self._prefix) for path in (event.src_path, event.dest_path) if path)
        if any(map(is_of_user, paths)):
            self._pulse.event()


class _Folders:
    """watchdog's watches, each renewed when its folder is gone or another one stands under its name."""

    def __init__(self, root: Path, pulse: _Pulse) -> None:
        self._root = root
        self._handler = _Handler(root, pulse)
        self._watches: dict[str, tuple[ObservedWatch, tuple[int, int]]] = {}
        self._told: set[str] = set()
        self._observer = _observer()
        self.renew()

    @property
    def heard(self) -> bool:
        """Whether every folder is watched by the kernel."""
        return len(self._watches) == len(_WATCHED)

    def renew(self) -> None:
        """Watch what stands now."""
        if self._observer is None:
            return
        # A new folder often gets the number of the old one: only the end of the watch tells them apart then.
        running = {emitter.watch for emitter in self._observer.emitters if emitter.should_keep_running()}
        for folder, recursive in _WATCHED:
            identity = _identity(self._root / folder)
            known = self._watches.get(folder)
            if known is not None and (known[1] != identity or known[0] not in running):
                self._observer.unschedule(known[0])
                del self._watches[folder]
            if identity is not None and folder not in self._watches:
                self._schedule(self._observer, folder, recursive, identity)

    def close(self) -> None:
        """End watchdog's threads."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()

    def _schedule(self, observer: BaseObserver, folder: str, recursive: bool, identity: tuple[int, int]) -> None:
        try:
            watch = observer.schedule(self._handler, self._root / folder, recursive=recursive, event_filter=_EVENTS)
        except OSError as error:
            if folder not in self._told:
                _LOG.warning("%s is looked at every %s s only: %s", folder, LATEST_S, error)
            self._told.add(folder)
        else:
            self._watches[folder] = watch, identity
            _name_threads(observer)


def _name_threads(observer: BaseObserver) -> None:
    observer.name = "watch-events"
    for emitter in observer.emitters:
        emitter.name = f"watch-{Path(emitter.watch.path).name}"


def _observer() -> BaseObserver | None:
    try:
        observer = Observer()
    except OSError as error:
        _LOG.warning("no inotify, files are looked at every %s s: %s", LATEST_S, error)
        return None
    observer.start()
    return observer


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _stamps(root: Path) -> dict[str, Stamp]:
    """What can be known of the user's files without reading them."""
    stamps: dict[str, Stamp] = {}
    for folder in _POLLED:
        try:
            with os.scandir(root / folder) as entries:
                stamps |= {
                    f"{folder}/{entry.name}": _stamp(entry)
                    for entry in islice(entries, MOST_FILES)
                    if is_of_user(f"{folder}/{entry.name}")
                }
        except OSError:
            # A folder that cannot be listed is told by whoever reads it.
            continue
    return stamps


def _stamp(entry: os.DirEntry[str]) -> Stamp:
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return 0, 0, 0
    if entry.is_dir(follow_symlinks=False):
        # A folder's own time changes with the agent's files in it.
        return 0, 0, status.st_ino
    return status.st_mtime_ns, status.st_size, status.st_ino

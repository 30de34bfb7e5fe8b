"""`var/alerts/`: what is remembered, and every notice that somebody has not got yet. Files are the state.

Used by the main thread. An `OSError` comes out as the system gave it: the same call may be made again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from engine import files, naming
from engine.alert.memory import Memory, memory_text, notice_text, read_memory, read_notice
from engine.alert.notice import Notice

FOLDER = f"{naming.VAR}/alerts"
LIMIT_BYTES = 8 * 1024 * 1024


class Book:
    """`told` hears of a file that cannot be understood: it is set aside, never guessed over."""

    def __init__(self, root: Path, told: Callable[[str], None]) -> None:
        self._state = root / FOLDER / "state.json"
        self._waiting = root / FOLDER / "waiting"
        self._told = told
        self._saved = ""

    def load(self, now: datetime | None) -> tuple[Memory, list[Notice]]:
        """What an earlier run left, settled: a notice that was made is not made again.

        The caller saves it before any of the notices goes: once it is struck out nothing tells that it was made.
        """
        memory, notices = self._load_memory(), self._load_notices()
        memory.settle(notices, now)
        return memory, notices

    def save(self, memory: Memory) -> None:
        """On the disk when this returns; nothing is written when nothing changed."""
        text = memory_text(memory)
        if text != self._saved:
            files.write_whole(self._state, text.encode("utf-8", "replace"), synced=True)
            self._saved = text

    def put(self, notice: Notice) -> None:
        """Keep a notice, or what became of it so far."""
        files.write_whole(self._path(notice), notice_text(notice).encode("utf-8", "replace"), synced=True)

    def strike(self, notice: Notice) -> None:
        """Everybody has it."""
        files.remove(self._path(notice))
        files.sync(self._waiting)

    def _path(self, notice: Notice) -> Path:
        return self._waiting / f"{notice.number:08d}.json"

    def _load_memory(self) -> Memory:
        try:
            return read_memory(files.read_limited(self._state, LIMIT_BYTES).decode())
        except FileNotFoundError:
            return Memory()
        except ValueError:
            self._set_aside(self._state)
            return Memory()

    def _load_notices(self) -> list[Notice]:
        found = []
        for path in sorted(self._waiting.glob("*.json")) if self._waiting.is_dir() else ():
            try:
                found.append(read_notice(files.read_limited(path, LIMIT_BYTES).decode()))
            except ValueError:
                self._set_aside(path)
        return found

    def _set_aside(self, path: Path) -> None:
        aside = path.with_suffix(".damaged")
        path.replace(aside)
        self._told(f"оповещения: {path.name} повреждён, отложен как {aside.name}; начато заново")

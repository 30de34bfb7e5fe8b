"""Command files on the disk: which is complete, what it says, and its answer, the `.out` (formats guide, section 12).

An answer is on the disk before its command does anything: a command file that has one is never run again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path

from engine import files, naming
from engine.command import DONE, FAILED, INTERRUPTED
from engine.formats.values import clean

LIMIT_BYTES = 64 * 1024
ANSWER_LIMIT_BYTES = 4 << 20
QUIET_S = 0.3
"""A file that was not changed for so long is complete; uploads show themselves only then."""
EMPTY_QUIET_S = 10.0
"""An empty file may be about to be filled."""
MOST_FILES = 1000
MOST_ANSWERS = 200
"""So many answers stay: whoever gives a command every hour never takes one away."""
_TAIL_BYTES = 4096

Stamp = tuple[int, int, int]


def is_command_file(name: str) -> bool:
    """Whether a bare name is that of a command file."""
    return name.casefold().endswith(".txt") and not name.startswith(".") and name.isprintable()


class Answer:
    """The `.out` beside a command file. It grows by whole lines up to a limit; its last line always fits.

    Every method that writes raises OSError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._left = ANSWER_LIMIT_BYTES

    def begin(self) -> None:
        """An empty one, on the disk when this returns; what an earlier command of that name left is gone."""
        files.write_whole(self._path, b"", synced=True)

    def tell(self, text: str) -> None:
        """One line or several."""
        data = ("\n".join(map(clean, text.split("\n"))) + "\n").encode("utf-8", "replace")
        if not self._left:
            return
        if len(data) > self._left:
            data, self._left = "# дальше не записано\n".encode(), 0
        else:
            self._left -= len(data)
        files.append_whole(self._path, data)

    def end(self, failure: str = "") -> None:
        """How it ended, on the disk when this returns; `failure` says why it failed."""
        _end(self._path, failure)


class CommandFolder:
    """`log/User/cmd/`. Used by one thread; `now_s` is monotonic."""

    def __init__(self, root: Path) -> None:
        self.path = root / naming.COMMANDS
        self._seen: dict[str, tuple[Stamp, float]] = {}

    def end_interrupted(self) -> list[str]:
        """What an earlier run has begun is ended; the names of the command files. For the start. Raises OSError."""
        told = []
        for out in sorted(self.path.glob("*.out")):
            commands = [self.path / name for name in self._names() if Path(name).stem == out.stem]
            if not _is_ended(out) or any(_is_newer(path, out) for path in commands):
                _end(out, INTERRUPTED)
                told.append(f"{out.stem}.txt")
            for path in commands:
                files.remove(path)
        return told

    def next(self, now_s: float, accepts: Callable[[str], bool]) -> str | None:
        """The first complete command file by its name, of those that are accepted."""
        names = self._names()
        stamps = {name: stamp for name in names if accepts(name) and (stamp := self._stamp(name))}
        self._seen = {
            name: self._seen[name] if name in self._seen and self._seen[name][0] == stamp else (stamp, now_s)
            for name, stamp in stamps.items()
        }
        ready = (name for name, (stamp, since_s) in self._seen.items() if now_s - since_s >= _quiet_s(stamp))
        return min(ready, default=None)

    def text(self, name: str) -> bytes:
        """What a command file says. Raises OSError."""
        return files.read_limited(self.path / name, LIMIT_BYTES)

    def answer(self, name: str) -> Answer:
        """The answer of a command file, still without a line."""
        return Answer(self.path / f"{Path(name).stem}.out")

    def is_there(self, name: str) -> bool:
        """Whether nobody took the command file away."""
        return self._stamp(name) is not None

    def remove(self, name: str) -> None:
        """The command file is dealt with; of all answers the newest stay. Raises OSError."""
        files.remove(self.path / name)
        self._seen.pop(name, None)
        with suppress(OSError):  # next time, then: this command is dealt with all the same
            answers = [(out.lstat().st_mtime_ns, out) for out in self.path.glob("*.out")]
            for _, out in sorted(answers, reverse=True)[MOST_ANSWERS:]:
                files.remove(out)

    def _names(self) -> list[str]:
        try:
            with os.scandir(self.path) as entries:
                commands = filter(_is_command, entries)  # answers stand beside them, and hide none of them
                return [entry.name for entry in islice(commands, MOST_FILES)]
        except OSError:
            return []  # the folder comes back with the next look at the settings

    def _stamp(self, name: str) -> Stamp | None:
        with suppress(OSError):
            found = (self.path / name).lstat()
            return found.st_mtime_ns, found.st_size, found.st_ino
        return None


def _is_command(entry: os.DirEntry[str]) -> bool:
    """A folder of such a name is none: it could never be dealt with."""
    return is_command_file(entry.name) and not entry.is_dir(follow_symlinks=False)


def _quiet_s(stamp: Stamp) -> float:
    return QUIET_S if stamp[1] else EMPTY_QUIET_S


def _end(path: Path, failure: str) -> None:
    torn = "" if _tail(path).endswith(b"\n") or not _tail(path) else "\n"
    line = f"{FAILED}{clean(failure)}" if failure else DONE
    files.append_whole(path, f"{torn}{line}\n".encode("utf-8", "replace"))
    files.sync(path)


def _is_ended(path: Path) -> bool:
    lines = _tail(path).decode("utf-8", "replace").splitlines()
    return bool(lines) and (lines[-1] == DONE or lines[-1].startswith(FAILED))


def _is_newer(path: Path, out: Path) -> bool:
    """Whether the answer is of an earlier command of that name: this one was never begun."""
    with suppress(OSError):
        return path.lstat().st_ctime_ns > out.lstat().st_mtime_ns
    return False


def _tail(path: Path) -> bytes:
    with suppress(OSError), open(path, "rb", opener=files.open_regular) as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
        return file.read()
    return b""

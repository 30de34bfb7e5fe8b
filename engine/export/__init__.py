"""Copies archives and reports to a flash drive, or to any folder: only what is new, each file whole or not at all.

    TSM<Number>/www/…   one folder a board, so one drive collects several
    DONE.txt            sums of everything, of all boards; absent while copying goes on or when it was broken off

A drive that is pulled keeps every file that it had, old or new, and `COPYING.txt` says which are whole: the next time
goes on from there. Nothing on the drive is ever deleted but what this program wrote about itself.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engine import files, naming
from engine.errors import SettingsWrong
from engine.export import plan
from engine.export.drive import Drive, write_all
from engine.export.plan import Stamp, Task
from engine.reasons import why
from engine.settings import AgentSettings, read_file

IDENTITY = f"{naming.VAR}/export/id"
LIST_LIMIT_BYTES = 32 << 20
PIECE_BYTES = 256 * 1024
MOST_FILES = 100_000
MOST_BOARDS = 99
_RECORD_END = b"\n\n"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it; `problem` is empty when everything that there is stands on the drive."""

    copied: int = 0
    kept: int = 0
    copied_bytes: int = 0
    problem: str = ""

    @property
    def text(self) -> str:
        """For a person."""
        done = f"скопировано файлов {self.copied} ({self.copied_bytes // 1024} кБ), прежних {self.kept}"
        return f"{done}; {self.problem}" if self.problem else done


class _SourceFault(Exception):
    """A file of ours cannot be read; its text says why. The others are copied."""


class _Outgrown(Exception):
    """A file is larger now than when the room was counted; its argument says how many bytes are lacking."""


class _Stopped(Exception):
    """The agent is ending."""


def export(
    root: Path, target: Path, progress: Callable[[str], None], stopping: Callable[[], bool] = lambda: False
) -> Outcome:
    """Copy what is new of `www/` below `target`. Never raises OSError: what failed is in the outcome.

    `progress` hears of each file before it is copied; once `stopping()` says so the copying is broken off.
    """
    export_ = _Export(root, progress, stopping)
    try:
        drive = Drive(target)
    except BlockingIOError:
        return export_.outcome("сюда уже идёт копирование")
    except FileNotFoundError:
        return export_.outcome(f"папки {target} нет")
    except OSError as error:
        return export_.outcome(f"папка {target} не открывается: {why(error)}")
    try:
        with drive:
            export_.run(drive)
    except _Stopped:
        return export_.outcome("прервано: агент остановлен; в следующий раз продолжится")
    except OSError as error:
        return export_.outcome(f"копирование прервано: {why(error)}; скопированное цело, в следующий раз продолжится")
    return export_.outcome(export_.problem)


class _Export:
    """One run."""

    def __init__(self, root: Path, progress: Callable[[str], None], stopping: Callable[[], bool]) -> None:
        self.problem = ""
        self._root = root
        self._progress = progress
        self._stopping = stopping
        self._copied = self._kept = self._bytes = 0
        self._spare_bytes, self._cluster_bytes = 0, 1

    def outcome(self, problem: str) -> Outcome:
        return Outcome(self._copied, self._kept, self._bytes, problem)

    def run(self, drive: Drive) -> None:
        folder = self._own_folder(drive)
        sources = dict(_sources(self._root))
        done, begun = (plan.read_list(drive.read(name, LIST_LIMIT_BYTES)) for name in (plan.DONE, plan.COPYING))
        names = set(plan.names_on_drive(sources, folder).values())
        copies = _copies(drive, names | {name for name in {**done, **begun} if name.startswith(f"{folder}/")})
        listed = {name: digest for name, digest in {**done, **begun}.items() if _still(name, folder, copies)}
        tasks = plan.new_tasks(sources, folder, listed, copies)
        free_bytes, self._cluster_bytes = drive.free_bytes()
        fit, left, lacking = plan.fitting(tasks, free_bytes, self._cluster_bytes)
        self._spare_bytes = plan.spare_bytes(fit, free_bytes, self._cluster_bytes)
        self._kept = len(sources) - len(tasks)
        for task in fit:
            listed.pop(task.name, None)
        if fit or left or listed != done or begun:
            self._begin(drive, listed)
            outgrown = self._copy_all(drive, fit, listed)
            count, lacking = len(left) + len(outgrown), lacking + sum(outgrown)
            if count:
                self._tell(f"не хватает места: не скопировано файлов {count}, нужно ещё {lacking // 1_000_000 + 1} МБ")
            self._finish(drive, listed)

    def _own_folder(self, drive: Drive) -> str:
        """The folder of this board, marked as its own."""
        number, identity = _number(self._root), _identity(self._root)
        mark = plan.board_text(number, identity)
        for attempt in range(1, MOST_BOARDS + 1):
            folder = plan.folder_name(number, attempt)
            stands = drive.read(f"{folder}/{plan.BOARD}", len(mark) + 1)
            if stands == mark:
                return folder
            if not stands:
                drive.write(f"{folder}/{plan.BOARD}", mark)
                return folder
        raise FileExistsError(f"{MOST_BOARDS} boards have the Number {number}")

    def _begin(self, drive: Drive, listed: dict[str, str]) -> None:
        """From here on the drive says that it is not done, whatever happens; the list is true at every moment."""
        drive.write(plan.COPYING, plan.list_text(listed))
        drive.remove(plan.DONE)
        drive.sync_folders()

    def _copy_all(self, drive: Drive, tasks: list[Task], listed: dict[str, str]) -> list[int]:
        """Copy them; the bytes that each one lacks that has outgrown the drive meanwhile."""
        outgrown: list[int] = []
        for place, task in enumerate(tasks, 1):
            self._progress(f"{task.source}: файл {place} из {len(tasks)}")
            try:
                listed[task.name] = self._copy(drive, task)
            except _SourceFault as fault:
                self._tell(str(fault))
                continue
            except _Outgrown as fault:
                outgrown.append(fault.args[0])
                continue
            drive.append(plan.COPYING, plan.list_line(task.name, listed[task.name]))
            self._copied += 1
        return outgrown

    def _copy(self, drive: Drive, task: Task) -> str:
        """Copy the file that has the name now, to its end or, an archive, as far as it went when it was looked at.

        Returns the sum. What takes the name meanwhile does not matter: the file that was opened stays as it was.
        """
        digest = hashlib.sha256()
        with self._opened(task) as source:
            stamp = self._stamp(source, task)
            with drive.replacing(task.name, stamp.mtime_ns) as file:
                for piece in _pieces(source, task.source, stamp.size):
                    write_all(file, piece)
                    digest.update(piece)
                    self._bytes += len(piece)
                    if self._stopping():
                        raise _Stopped
        return digest.hexdigest()

    def _opened(self, task: Task) -> BinaryIO:
        try:
            return open(self._root / task.source, "rb", opener=files.open_regular)
        except OSError as error:
            raise _fault(task.source, error) from error

    def _stamp(self, source: BinaryIO, task: Task) -> Stamp:
        """What is to be copied of an open file, its growth taken from the room that is spare."""
        status = os.fstat(source.fileno())
        stamp = Stamp(status.st_size, status.st_mtime_ns)
        if stamp.size > task.stamp.size and _is_archive(task.source):
            return task.stamp  # archives grow by whole records at their end, the rest is replaced by rename
        growth = plan.growth_bytes(task.stamp.size, stamp.size, self._cluster_bytes)
        if growth > self._spare_bytes:
            raise _Outgrown(growth - self._spare_bytes)
        self._spare_bytes -= growth
        return stamp

    def _finish(self, drive: Drive, listed: dict[str, str]) -> None:
        drive.sync_folders()
        if self.problem:
            drive.write(plan.FAULT, f"{self.problem}\n".encode())
            return
        drive.write(plan.DONE, plan.list_text(listed))
        drive.remove(plan.COPYING)
        drive.remove(plan.FAULT)
        drive.sync_folders()

    def _tell(self, problem: str) -> None:
        self.problem = f"{self.problem}; {problem}" if self.problem else problem


def _sources(root: Path) -> Iterator[tuple[str, Stamp]]:
    """Every visible file of `www/`, at most `MOST_FILES`."""
    count = 0
    for folder, inner, names in os.walk(root / naming.ARCHIVES):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in sorted(names):
            path = Path(folder) / name
            try:
                status = path.lstat()
            except FileNotFoundError:
                continue  # archives go by their limit at any moment
            if name.startswith(".") or not stat.S_ISREG(status.st_mode) or count >= MOST_FILES:
                continue
            count += 1
            yield path.relative_to(root).as_posix(), Stamp(status.st_size, status.st_mtime_ns)


def _pieces(file: BinaryIO, source: str, size: int) -> Iterator[bytes]:
    """The first `size` bytes, of an archive only whole records. Reading fails as `_SourceFault`."""
    is_archive = _is_archive(source)
    held = b""
    try:
        while size and (piece := file.read(min(size, PIECE_BYTES))):
            size -= len(piece)
            held += piece
            end = _whole(held) if is_archive else len(held)
            yield held[:end]
            held = held[end:]
    except OSError as error:
        raise _fault(source, error) from error


def _fault(source: str, error: OSError) -> _SourceFault:
    return _SourceFault(f"{source}: {why(error)}, не скопирован")


def _is_archive(source: str) -> bool:
    return naming.archive_kind(source.rpartition("/")[2]) is not None


def _whole(data: bytes) -> int:
    """Length up to the end of the last whole record: one that is just being written goes with the next copy."""
    end = data.rfind(_RECORD_END)
    return end + len(_RECORD_END) if end >= 0 else len(data) * (len(data) > PIECE_BYTES)


def _copies(drive: Drive, names: set[str]) -> dict[str, Stamp]:
    found: dict[str, Stamp] = {}
    for folder in sorted({name.rpartition("/")[0] for name in names}):
        found |= drive.copies(folder)
    return found


def _still(name: str, folder: str, copies: dict[str, Stamp]) -> bool:
    """Lines of other boards stay; of our own those whose file is there."""
    return not name.startswith(f"{folder}/") or name in copies


def _number(root: Path) -> int:
    """Number of the settings in force; 1, the factory's, where there are none that can be read."""
    for place in (root, root / naming.VAR / "good"):
        try:
            agent = read_file(naming.AGENT_INI, files.read_limited(place / naming.AGENT_INI, 1 << 20))[0]
        except (OSError, SettingsWrong):
            continue
        if isinstance(agent, AgentSettings):
            return agent.number
    return 1


def _identity(root: Path) -> str:
    """What tells this board from another one with its Number; made once. A disk that takes nothing is no hindrance."""
    path = root / IDENTITY
    try:
        return files.read_limited(path, 64).decode("ascii", "replace").strip()
    except OSError:
        identity = os.urandom(8).hex()
        files.write_whole(path, f"{identity}\n".encode(), synced=True)
        return identity

"""The configuration files on the disk: seen, checked, restored, and the last good copy of each kept in `var/good/`.

Formats guide, sections 1 to 3. One thread only: the main one. Nothing outside of the root's `log/` is ever read as
configuration, wherever a symbolic link leads.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from engine import files, naming
from engine.config.shipped import Shipped, templates_of
from engine.dialect import textfile
from engine.errors import Problem, SettingsWrong
from engine.reasons import why
from engine.settings import (
    AgentSettings,
    DeviceSettings,
    FtpSettings,
    Parsed,
    Settings,
    check_file,
    read_file,
    together,
)

GOOD = f"{naming.VAR}/good"
FACTORY = Path(__file__).resolve().parents[2] / naming.FACTORY

_SINGLE = tuple(path for path in naming.RESTORED if naming.is_config(path))
_FOLDERS = (naming.DEVICES, naming.TEMPLATES)
_FILES_MOST = 1024

_Stamp = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class _Held:
    """What is known of one file: as it was last seen, and what is in force of it (None: nothing).

    `stamp` is None when the file is to be looked at again in any case. `factory`: the factory's is in force.
    """

    stamp: _Stamp | None
    digest: bytes
    in_force: Parsed | None
    problems: tuple[Problem, ...] = ()
    factory: bool = False


class Config:
    """The settings in force. `problems` are those of now, `restored` the paths that the last call had to put back."""

    def __init__(self, root: Path, factory: Path = FACTORY) -> None:
        self.problems: tuple[Problem, ...] = ()
        self.restored: tuple[str, ...] = ()
        self._root = root
        self._factory = factory
        self._held: dict[str, _Held] = {}
        self._in_force: dict[str, Parsed | None] = {}
        self._emptied: dict[str, _Stamp] = {}
        self._started = False
        self._shipped = Shipped(factory.parent)

    def load(self) -> Settings:
        """Make the tree whole and read everything; for the start."""
        return self.reload()[0]

    def reload(self) -> tuple[Settings, bool]:
        """Look at every file again: what is in force now, and whether that is something else than before.

        A file whose stamp is the same is not read. Comments and spaces change nothing.
        """
        told = self._restore()
        paths = list(_SINGLE)
        for folder in _FOLDERS:
            names, problems = self._listed(folder)
            paths += names
            told += problems
            told += self._forget(folder, names)
        for path in paths:
            self._look(path)
        settings, warnings = self._together()
        held = [problem for each in self._held.values() for problem in each.problems]
        self.problems = tuple(sorted({*told, *warnings, *held}))
        before, self._in_force = self._in_force, {path: each.in_force for path, each in self._held.items()}
        self._started = True
        return settings, before != self._in_force

    def text(self, path: str) -> str:
        """What is in force of a file whose use is elsewhere: mail, LCD; empty when nothing is."""
        in_force = self._in_force.get(path)
        return in_force if isinstance(in_force, str) else ""

    def to_factory(self, name: str) -> str:
        """Put the factory's copy of a file in place (command `factory NAME`); its path. `SettingsWrong`, `OSError`."""
        for path in naming.RESTORED:
            if path.rpartition("/")[2].casefold() == name.casefold():
                files.write_whole(self._root / path, (self._factory / path).read_bytes(), synced=True)
                return path
        known = ", ".join(path.rpartition("/")[2] for path in naming.RESTORED)
        raise SettingsWrong((Problem(name, 0, f"заводской копии нет, она есть у {known}"),))

    def _look(self, path: str) -> None:
        held = self._held.get(path)
        try:
            stamp = _stamp((self._root / path).stat())
            if held is not None and held.stamp == stamp:
                return
            content = _read(self._root, path)
        except OSError as error:
            self._held[path] = self._fallen_back(path, held, _Held(None, b"", None, (Problem(path, 0, why(error)),)))
            return
        digest = hashlib.blake2b(content, digest_size=16).digest()
        if held is not None and held.digest == digest:
            self._held[path] = replace(held, stamp=stamp)
            return
        try:
            in_force, warnings = read_file(path, content)
        except SettingsWrong as wrong:
            self._held[path] = self._fallen_back(path, held, _Held(stamp, digest, None, wrong.problems))
        else:
            self._held[path] = self._kept(path, content, _Held(stamp, digest, in_force, warnings))

    def _kept(self, path: str, content: bytes, accepted: _Held) -> _Held:
        try:
            files.write_whole(self._root / GOOD / path, content, synced=True)
        except OSError as error:
            problem = Problem(path, 0, f"копия исправных настроек не записана: {why(error)}", True)
            return replace(accepted, stamp=None, digest=b"", problems=(*accepted.problems, problem))
        return accepted

    def _fallen_back(self, path: str, held: _Held | None, refused: _Held) -> _Held:
        """The file is refused: what was in force stays, after a restart from the copy, else from the factory's."""
        if held is None:
            in_force, factory = self._last_good(path)
        else:
            in_force, factory = held.in_force, held.factory
        problems = (*refused.problems, Problem(path, 0, together.consequence(path, in_force, factory), True))
        return replace(refused, in_force=in_force, factory=factory, problems=problems)

    def _last_good(self, path: str) -> tuple[Parsed | None, bool]:
        for content, factory in self._spares(path):
            return read_file(path, content)[0], factory
        if path in (naming.AGENT_INI, naming.FTP_INI):
            return read_file(path, b"\n")[0], True
        return None, False

    def _spares(self, path: str) -> Iterator[tuple[bytes, bool]]:
        """Copies that can be used, and whether it is the factory's."""
        for folder, factory in ((self._root / GOOD, False), (self._factory, True)):
            with suppress(OSError):
                content = files.read_limited(folder / path, textfile.LIMIT_BYTES)
                if content and all(problem.warning for problem in check_file(path, content)):
                    yield content, factory

    def _together(self) -> tuple[Settings, tuple[Problem, ...]]:
        agent = self._held[naming.AGENT_INI].in_force
        ftp = self._held[naming.FTP_INI].in_force
        assert isinstance(agent, AgentSettings) and isinstance(ftp, FtpSettings)
        devices = [each.in_force for each in self._held.values() if isinstance(each.in_force, DeviceSettings)]
        in_force = {path: each.in_force for path, each in self._held.items()}
        checked, warnings = together.cross_check(devices, templates_of(in_force, self._shipped))
        return Settings(agent, ftp, checked), warnings

    def _listed(self, folder: str) -> tuple[list[str], list[Problem]]:
        """The files of a folder; while the folder cannot be read, those that are known."""
        try:
            return _list(self._root, folder)
        except OSError as error:
            known = {path for path in self._held if path.startswith(f"{folder}/")} | self._copies(folder)
            return sorted(known), [Problem(folder, 0, f"папка не читается: {why(error)}")]

    def _forget(self, folder: str, present: list[str]) -> list[Problem]:
        """A file that was removed takes its last good copy along."""
        known = {path for path in self._held if path.startswith(f"{folder}/")}
        told = []
        for path in (known if self._started else self._copies(folder)) - set(present):
            self._held.pop(path, None)
            try:
                files.remove(self._root / GOOD / path)
            except OSError as error:
                told.append(Problem(path, 0, f"копия удалённого файла осталась: {why(error)}", True))
        return told

    def _copies(self, folder: str) -> set[str]:
        try:
            names = [path.name for path in (self._root / GOOD / folder).iterdir()]
        except OSError:
            return set()
        return {f"{folder}/{name}" for name in names if not files.is_temporary(name)}

    def _restore(self) -> list[Problem]:
        told: list[Problem] = []
        restored: list[str] = []
        for path in (*naming.FOLDERS, *naming.RESTORED):
            try:
                if self._put_back(path):
                    restored.append(path)
            except OSError as error:
                told.append(Problem(path, 0, f"не восстановлено: {why(error)}"))
        self.restored = tuple(restored)
        return told

    def _put_back(self, path: str) -> bool:
        target = self._root / path
        if path in naming.FOLDERS:
            if target.is_dir():
                return False
            files.make_folder(target)
            self._fill(path)
            return True
        if not self._is_missing(path):
            return False
        for content, _ in self._spares(path):
            return files.write_whole(target, content, synced=True)
        raise FileNotFoundError(errno.ENOENT, "no copy", path)

    def _fill(self, folder: str) -> None:
        """What a folder has from the factory; taken away by the user it stays away, unlike what is restored."""
        source = self._factory / folder
        for path in sorted(source.iterdir()) if source.is_dir() else ():
            if path.is_file() and f"{folder}/{path.name}" not in naming.RESTORED:
                files.write_whole(self._root / folder / path.name, path.read_bytes(), synced=False)

    def _is_missing(self, path: str) -> bool:
        """Not there, or empty: what a power failure leaves.

        While the agent runs an empty file gets a second look first: an editor may be just about to fill it.
        """
        try:
            found = (self._root / path).stat()
        except FileNotFoundError:
            return not (self._root / path).is_symlink()
        if found.st_size or not stat.S_ISREG(found.st_mode):
            self._emptied.pop(path, None)
            return False
        stamp = _stamp(found)
        seen_before = self._emptied.get(path) == stamp
        self._emptied[path] = stamp
        return seen_before or not self._started


def check(root: Path, factory: Path = FACTORY) -> tuple[Problem, ...]:
    """Every problem of the files that are there; writes nothing and touches no port. For `agent.py check`."""
    told: list[Problem] = []
    paths = list(_SINGLE)
    for folder in _FOLDERS:
        with suppress(FileNotFoundError):
            names, problems = _list(root, folder)
            paths += names
            told += problems
    shipped = Shipped(factory.parent)
    told += shipped.problems()
    found: dict[str, Parsed] = {}
    for path in paths:
        try:
            found[path], warnings = read_file(path, _read(root, path))
        except FileNotFoundError:
            continue
        except OSError as error:
            told.append(Problem(path, 0, why(error)))
        except SettingsWrong as wrong:
            told += wrong.problems
        else:
            told += warnings
    devices = [each for each in found.values() if isinstance(each, DeviceSettings)]
    return tuple(sorted({*told, *together.cross_check(devices, templates_of(found, shipped))[1]}))


def _stamp(found: os.stat_result) -> _Stamp:
    """What differs after any change; `ctime` also when somebody set the time of the file back."""
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _read(root: Path, path: str) -> bytes:
    """A configuration file that truly lies in the root's `log/`. `OSError`, whose meaning `reasons.why` tells."""
    home = os.path.realpath(root / naming.LOG, strict=True)
    real = os.path.realpath(root / path, strict=True)
    if os.path.commonpath((home, real)) != home:
        raise OSError(errno.ELOOP, "leads out of the tree", path)
    return files.read_limited(Path(real), textfile.LIMIT_BYTES)


def _list(root: Path, folder: str) -> tuple[list[str], list[Problem]]:
    """The configuration files of a folder in the order of their names, and those names that cannot be used."""
    names = sorted(path.name for path in (root / folder).iterdir() if naming.is_config(f"{folder}/{path.name}"))
    usable = [name for name in names if name.isprintable()]
    odd = (ascii(name)[1:-1] for name in names if not name.isprintable())
    told = [Problem(f"{folder}/{name}", 0, "имя файла не читается: переименуйте") for name in odd]
    if len(usable) > _FILES_MOST:
        told.append(Problem(folder, 0, f"файлов больше {_FILES_MOST}: остальные по имени не читаются"))
    return [f"{folder}/{name}" for name in usable[:_FILES_MOST]], told

"""The checked copy that OpenVPN runs from: a folder that nobody reaches over FTP, replaced as a whole.

What stands in `log/VPN/` may change at any moment; what was checked is what runs.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from engine import files, naming
from engine.errors import Problem, SettingsWrong
from engine.reasons import why
from engine.vpn.profile import LIMIT_BYTES, read_profile

COPIES = f"{naming.VAR}/vpn"
CONFIG = "openvpn.conf"
_FOLDER_MODE, _FILE_MODE = 0o700, 0o600

Contents = Mapping[str, bytes]


def checked(root: Path, name: str) -> Contents | None:
    """Every file of the copy of `log/VPN/<name>.ovpn`; None when there is no such file. `SettingsWrong`."""
    path = f"{naming.VPN}/{name}.ovpn"
    try:
        profile = read_profile(path, _read(root, f"{name}.ovpn"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsWrong((Problem(path, 0, why(error)),)) from None
    contents = {copy: text.encode() for copy, text in profile.inline.items()}
    problems = []
    for named in profile.named.values():
        try:
            contents[f"file-{named.name}"] = _read(root, named.name)
        except OSError as error:
            problems.append(Problem(path, named.line, f"{naming.VPN}/{named.name}: {why(error)}"))
    if problems:
        raise SettingsWrong(tuple(problems))
    return {**contents, CONFIG: profile.text.encode()}


def _read(root: Path, name: str) -> bytes:
    """A regular file that lies in the folder itself: no link leads elsewhere, neither the file nor the folder."""
    if (root / naming.VPN).is_symlink():
        raise PermissionError(1, "a link", name)
    return files.read_limited(root / naming.VPN / name, LIMIT_BYTES)


def config_of(root: Path, name: str) -> Path:
    """The file that OpenVPN is started with."""
    return root.absolute() / COPIES / name / CONFIG


def stored(root: Path, name: str) -> Contents | None:
    """The copy that stands, None when there is none. Raises OSError."""
    folder = config_of(root, name).parent
    try:
        return {path.name: path.read_bytes() for path in folder.iterdir()}
    except FileNotFoundError:
        return None


def store(root: Path, name: str, contents: Contents) -> None:
    """Put a copy in place of the one before, all of it or nothing. Raises OSError."""
    folder = config_of(root, name).parent
    files.make_folder(folder.parent)
    folder.parent.chmod(_FOLDER_MODE)
    fresh, old = folder.with_name(f".{name}.new"), folder.with_name(f".{name}.old")
    for left in (fresh, old):
        shutil.rmtree(left, ignore_errors=True)
    fresh.mkdir(_FOLDER_MODE)
    for file_name, content in contents.items():
        with open(fresh / file_name, "xb", opener=_private) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    files.sync(fresh)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    files.sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def remove(root: Path, name: str) -> None:
    """The copy goes when the user has taken his file away."""
    shutil.rmtree(config_of(root, name).parent, ignore_errors=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, _FILE_MODE)

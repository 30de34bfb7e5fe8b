"""What pyftpdlib asks about users and files, answered by our accounts, rights and tree."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from engine.files import open_regular
from engine.ftpd.accounts import Account, authenticate, may_come_from, role_of
from engine.ftpd.intake import Upload
from engine.ftpd.library import AbstractedFS, AuthenticationFailed, FilesystemError
from engine.ftpd.rights import MOST_LEVELS, Act, Role, allowed, is_too_deep
from engine.ftpd.tree import Tree

if TYPE_CHECKING:
    from engine.ftpd.session import Session

# pyftpdlib's letters for what a command needs: enter, list, read, write, make a folder, delete, rename.
_ACTS = {
    "e": (Act.SEE,), "l": (Act.SEE,), "r": (Act.READ,), "w": (Act.STORE,), "m": (Act.MAKE_FOLDER,),
    "d": (Act.DELETE, Act.REMOVE_FOLDER), "f": (Act.RENAME, Act.STORE),
}  # fmt: skip
_LETTERS = {Role.USER: "elrdfmw", Role.READER: "elr", Role.INBOX: "elfmw"}


class Users:
    """What pyftpdlib asks about users: the part of its authorizer that it calls."""

    def __init__(self, accounts: tuple[Account, ...], tree: Tree) -> None:
        self._accounts = accounts
        self._tree = tree

    def validate_authentication(self, username: str, password: str, handler: Session) -> None:
        """`AuthenticationFailed` for a wrong pair, and for the factory's password from outside."""
        if authenticate(self._accounts, username, password) is None:
            raise AuthenticationFailed("Неверное имя или пароль.")
        if not may_come_from(password, handler.remote_ip):
            raise AuthenticationFailed("Заводской пароль действует только из местной сети: смените его в ftp.ini.")

    def role(self, username: str) -> Role:
        """The role of a user who is logged in."""
        role = role_of(self._accounts, username)
        assert role is not None
        return role

    def has_perm(self, username: str, perm: str, path: str) -> bool:
        """Whether any of the acts that this letter of pyftpdlib stands for is allowed."""
        relative = self._tree.relative(Path(path))
        return any(allowed(self.role(username), act, relative) for act in _ACTS.get(perm, ()))

    def get_perms(self, username: str) -> str:
        """pyftpdlib's letters, for the facts of a listing only."""
        return _LETTERS[self.role(username)]

    def get_home_dir(self, _username: str) -> str:
        """Everybody starts at the root."""
        return str(self._tree.root)

    def get_msg_login(self, _username: str) -> str:
        """The text of the 230."""
        return "Login successful."

    def get_msg_quit(self, _username: str) -> str:
        """The text of the 221."""
        return "Goodbye."

    def impersonate_user(self, username: str, password: str) -> None:
        """All users share the rights of the process."""

    def terminate_impersonation(self, username: str) -> None:
        """All users share the rights of the process."""


class VisibleFiles(AbstractedFS):  # type: ignore[misc]
    """pyftpdlib's file system over `Tree`: real paths are absolute and hold no link."""

    cmd_channel: Session

    def ftp2fs(self, ftppath: str) -> str:
        """What is hidden or cannot be looked up is answered by a 550."""
        try:
            return str(self._tree.locate(self.ftpnorm(ftppath)))
        except OSError as error:
            raise FilesystemError(os.strerror(error.errno or 0)) from error

    def fs2ftp(self, fspath: str) -> str:
        """The path as clients see it."""
        return f"/{self._relative(fspath)}"

    def validpath(self, _path: str) -> bool:
        """`ftp2fs` lets nothing else through."""
        return True

    def realpath(self, path: str) -> str:
        """There are no links to follow."""
        return path

    def chdir(self, path: str) -> None:
        """Remember the folder; the working folder of the process belongs to all threads."""
        if not Path(path).is_dir():
            raise FilesystemError("Not a directory")
        self.cwd = self.fs2ftp(path)

    def listdir(self, path: str) -> list[str]:
        """The names that this user may know of."""
        folder = self._relative(path)
        role = self.cmd_channel.role
        return [
            name for name in self._tree.names(Path(path)) if allowed(role, Act.SEE, f"{folder}/{name}".lstrip("/"))
        ]

    def open(self, filename: str, mode: str) -> IO[Any] | Upload:
        """For reading a regular file as it is, for writing an `Upload`; there are no other modes."""
        if mode == "wb":
            return self.cmd_channel.intake.begin(self._relative(filename))
        if mode != "rb":
            raise FilesystemError("Not supported")
        return open(filename, mode, opener=open_regular)

    def mkdir(self, path: str) -> None:
        """Make a folder, not deeper than anybody needs."""
        if is_too_deep(self._relative(path)):
            raise FilesystemError(f"Больше {MOST_LEVELS} папок одна в другой нельзя")
        super().mkdir(path)

    def rmdir(self, path: str) -> None:
        """Remove an empty folder, where folders may be removed."""
        self._check(Act.REMOVE_FOLDER, path)
        super().rmdir(path)

    def remove(self, path: str) -> None:
        """Remove a file, where files may be removed."""
        self._check(Act.DELETE, path)
        super().remove(path)

    def get_user_by_uid(self, _uid: int) -> str:
        """The users of the machine concern nobody."""
        return "agent"

    def get_group_by_gid(self, _gid: int) -> str:
        """The groups of the machine concern nobody."""
        return "agent"

    @property
    def _tree(self) -> Tree:
        return self.cmd_channel.tree

    def _relative(self, path: str) -> str:
        return self._tree.relative(Path(path))

    def _check(self, act: Act, path: str) -> None:
        if not allowed(self.cmd_channel.role, act, self._relative(path)):
            raise FilesystemError("Not enough privileges")

"""One client of the embedded FTP server: pyftpdlib's protocol with our tree, rights and uploads.

What is changed against pyftpdlib 2.2 besides: no working folder of the process is ever changed, names travel as the
bytes that they are, and commands that write into the middle of a file are gone.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, ClassVar

from engine.ftpd.intake import Intake, Upload
from engine.ftpd.library import AsyncChat, FilesystemError, FTPHandler
from engine.ftpd.rights import Act, Role, allowed
from engine.ftpd.transfer import PassiveRange, Transfer
from engine.ftpd.tree import Tree
from engine.ftpd.view import VisibleFiles

LOGIN_TIMEOUT_S = 60
LOGIN_DELAY_S = 3
"""So long whoever guesses waits for each answer; the third one ends the connection."""
IDLE_TIMEOUT_S = 300
_DROPPED_COMMANDS = ("APPE", "STOU", "REST", "MFMT", "SITE", "SITE CHMOD", "SITE HELP")


class Session(FTPHandler):  # type: ignore[misc]
    """A control connection. `authorizer`, `tree` and `intake` come with the subclass that a server makes for itself."""

    banner = "ready"
    encoding = "utf8"
    unicode_errors = "surrogateescape"
    timeout = LOGIN_TIMEOUT_S
    auth_failed_timeout = LOGIN_DELAY_S
    max_login_attempts = 3
    abstracted_fs = VisibleFiles
    dtp_handler = Transfer
    passive_dtp = PassiveRange
    proto_cmds: ClassVar = {
        name: entry for name, entry in FTPHandler.proto_cmds.items() if name not in _DROPPED_COMMANDS
    }
    tree: Tree
    intake: Intake
    _idler: Any
    _in_dtp_queue: Any
    _out_dtp_queue: Any
    _rnfr: str | None

    def __init__(self, conn: socket.socket, server: Any, ioloop: Any = None) -> None:
        super().__init__(conn, server, ioloop)
        if self.connected:
            server.sessions.add(self)

    @property
    def role(self) -> Role:
        """What the user of this session may do."""
        role: Role = self.authorizer.role(self.username)
        return role

    def close(self) -> None:
        """End the session, with whatever is on its way."""
        self.server.sessions.discard(self)
        self.forget_queued()
        super().close()

    def push(self, data: str) -> None:
        """Answer in the bytes that the client used: the library cannot send back a name that is no UTF-8."""
        AsyncChat.push(self, data.encode(self.encoding, self.unicode_errors))

    def pre_process_command(self, line: str, cmd: str, arg: str) -> None:
        """A path that cannot be looked up is an answer."""
        try:
            super().pre_process_command(line, cmd, arg)
        except FilesystemError as error:
            self.respond(f"550 {error}.")

    def on_login(self, _username: str) -> None:
        """Who is logged in may be idle for longer."""
        self.timeout = IDLE_TIMEOUT_S
        self._idler.cancel()
        self._idler = self.ioloop.call_later(self.timeout, self.handle_timeout, _errback=self.handle_error)

    def on_login_failed(self, username: str, _password: str) -> None:
        """Told outside with the address, never with what was tried as a password."""
        self.server.on_login_failed("".join(filter(str.isprintable, username))[:40], self.remote_ip)

    def still_there(self) -> bool:
        """Whether the client is connected, or has said good-bye in due form."""
        if self._quit_pending:
            return True
        try:
            return bool(self.connection().recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def connection(self) -> socket.socket:
        """The client's connection itself, whatever lies over it."""
        connection: socket.socket = self.socket
        return connection

    def take(self, upload: Upload) -> str | None:
        """The reply to an upload that came whole; None when it is in its place."""
        return self.intake.take(self.role, self.tree.relative(upload.path), upload)

    def ftp_STOR(self, file: str, mode: str = "w") -> None:
        """Refuse what need not even be sent."""
        objection = self.intake.objection(self.role, self.tree.relative(Path(file)))
        if objection is None:
            super().ftp_STOR(file, mode)
        else:
            self.respond(objection)

    def ftp_RNTO(self, path: str) -> None:
        """Rename a file, checked like an upload under its new name."""
        if not self._rnfr:
            self.respond("503 Bad sequence of commands: use RNFR first.")
            return
        source, target = (self.tree.relative(Path(place)) for place in (self._rnfr, path))
        self._rnfr = None
        if allowed(self.role, Act.RENAME, source) and allowed(self.role, Act.STORE, target):
            self.respond(self.intake.rename(source, target) or "250 Renaming ok.")
        else:
            self.respond("550 Not enough privileges.")

    def ftp_CWD(self, path: str) -> None:
        """Change the folder of this session only."""
        try:
            self.fs.chdir(path)
        except FilesystemError as error:
            self.respond(f"550 {error}.")
        else:
            self.respond(f'250 "{self.fs.cwd}" is the current directory.')

    def push_dtp_data(self, data: Any, isproducer: bool = False, file: Any = None, cmd: str | None = None) -> None:
        """One transfer at a time: the library would leave the file of the other one open."""
        self.forget_queued()
        if file is not None and self.data_channel is not None and self.data_channel.transfer_in_progress():
            file.close()
            self.respond("450 Another transfer is under way.")
            return
        super().push_dtp_data(data, isproducer, file, cmd)

    def flush_account(self) -> None:
        """Another user begins with nothing on its way."""
        self.forget_queued()
        super().flush_account()

    def forget_queued(self) -> bool:
        """Drop a transfer whose data connection never came; whether there was one.

        The library keeps it, and would give the next connection to it.
        """
        waiting = [queued for queued in (self._in_dtp_queue, self._out_dtp_queue) if queued is not None]
        if self._out_dtp_queue is not None and self._out_dtp_queue[2] is not None:
            self._out_dtp_queue[2].close()
        self._in_dtp_queue = self._out_dtp_queue = None
        return bool(waiting)

    def _make_eport(self, ip: str, port: int) -> None:
        self.forget_queued()
        super()._make_eport(ip, port)

    def _make_epasv(self, extmode: bool = False) -> None:
        self.forget_queued()
        try:
            super()._make_epasv(extmode)
        except OSError:
            self.respond_w_warning("425 No passive port is free.")

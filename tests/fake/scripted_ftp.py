"""An FTP server in memory that misbehaves as it is told. One flat folder; passive mode only.

    with ScriptedFtp() as server:
        server.replies["STOR"] = "552 no room"       # instead of doing it
        server.silent.add("SIZE")                    # no answer at all
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable


class ScriptedFtp:
    """What it holds is in `files`, what it was asked in `commands` (`STOR name`), who logged in does not matter."""

    host = "127.0.0.1"

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.commands: list[str] = []
        self.greeting = b"220 ready\r\n"
        self.replies: dict[str, str] = {}
        self.silent: set[str] = set()
        self.hang_up: set[str] = set()
        self.after_data: dict[str, str] = {}
        self.cut_after: int | None = None
        self.keep_only: int | None = None
        self.overwrites = True
        self.renames_over = True
        self.renames_anything = False
        self.before: Callable[[str, str], None] = lambda *_: None
        self._listener = socket.create_server((self.host, 0))
        self.port = int(self._listener.getsockname()[1])
        self._sockets: list[socket.socket] = [self._listener]
        self._threads: list[threading.Thread] = []
        self._spawn(self._accept)

    def __enter__(self) -> ScriptedFtp:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Cut every connection and end every thread."""
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for sock in self._sockets:
            sock.close()
        assert not any(thread.is_alive() for thread in self._threads)

    def _spawn(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name="scripted ftp", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                control, _ = self._listener.accept()
                self._sockets.append(control)
                self._spawn(_Conversation(self, control).run)

    def keep(self, sock: socket.socket) -> None:
        """This socket ends with the server."""
        self._sockets.append(sock)


class _Conversation:
    def __init__(self, server: ScriptedFtp, control: socket.socket) -> None:
        self.server = server
        self.control = control
        self.passive: socket.socket | None = None
        self.renamed = ""

    def run(self) -> None:
        with contextlib.suppress(OSError), self.control, self.control.makefile("rb") as lines:
            self.control.sendall(self.server.greeting)
            while line := lines.readline():
                if not self.obey(line.decode("utf-8", "replace").rstrip("\r\n")):
                    self.control.shutdown(socket.SHUT_RDWR)
                    return

    def obey(self, line: str) -> bool:
        command, _, argument = line.partition(" ")
        command = command.upper()
        self.server.commands.append(line)
        self.server.before(command, argument)
        if command in self.server.hang_up:
            return False
        if command in self.server.silent:
            return True
        if command in self.server.replies:
            self.say(self.server.replies[command])
        else:
            getattr(self, f"do_{command.lower()}", self.do_unknown)(argument)
        return command != "QUIT"

    def say(self, reply: str) -> None:
        self.control.sendall(f"{reply}\r\n".encode())

    def do_unknown(self, _argument: str) -> None:
        self.say("502 not known")

    def do_user(self, _argument: str) -> None:
        self.say("331 password")

    def do_pass(self, _argument: str) -> None:
        self.say("230 in")

    def do_pwd(self, _argument: str) -> None:
        self.say('257 "/"')

    def do_cwd(self, _argument: str) -> None:
        self.say("250 there")

    def do_type(self, _argument: str) -> None:
        self.say("200 type")

    def do_noop(self, _argument: str) -> None:
        self.say("200 well")

    def do_quit(self, _argument: str) -> None:
        self.say("221 bye")

    def do_pasv(self, _argument: str) -> None:
        self.passive = socket.create_server((self.server.host, 0))
        self.server.keep(self.passive)
        high, low = divmod(self.passive.getsockname()[1], 256)
        self.say(f"227 entering (127,0,0,1,{high},{low})")

    def do_size(self, name: str) -> None:
        known = name in self.server.files
        self.say(f"213 {len(self.server.files[name])}" if known else "550 no such file")

    def do_dele(self, name: str) -> None:
        self.say("250 gone" if self.server.files.pop(name, None) is not None else "550 no such file")

    def do_rnfr(self, name: str) -> None:
        self.renamed = name
        known = name in self.server.files or self.server.renames_anything
        self.say("350 to what" if known else "550 no such file")

    def do_rnto(self, name: str) -> None:
        if not name:
            self.say("501 no name")
        elif self.renamed not in self.server.files:
            self.say("550 no such file")
        elif name in self.server.files and not self.server.renames_over:
            self.say("553 it exists")
        else:
            self.server.files[name] = self.server.files.pop(self.renamed)
            self.say("250 renamed")

    def do_stor(self, name: str) -> None:
        if name in self.server.files and not self.server.overwrites:
            self.say("553 it exists")
            return
        data = self.data("STOR", self.receive)
        self.server.files[name] = data[: self.server.keep_only]
        self.say(self.server.after_data.get("STOR", "226 stored"))

    def do_retr(self, name: str) -> None:
        if name not in self.server.files:
            self.say("550 no such file")
            return
        self.data("RETR", lambda connection: self.give(connection, self.server.files[name]))
        self.say(self.server.after_data.get("RETR", "226 sent"))

    def do_nlst(self, _argument: str) -> None:
        listing = "".join(f"{name}\r\n" for name in self.server.files).encode()
        self.data("NLST", lambda connection: self.give(connection, listing))
        self.say(self.server.after_data.get("NLST", "226 listed"))

    def data(self, _command: str, work: Callable[[socket.socket], bytes]) -> bytes:
        assert self.passive is not None, "the client asked for no data connection"
        self.say("150 data")
        connection, _ = self.passive.accept()
        self.server.keep(connection)
        with connection:
            return work(connection)

    def receive(self, connection: socket.socket) -> bytes:
        data = b""
        while piece := connection.recv(4096):
            data += piece
            if self.server.cut_after is not None and len(data) >= self.server.cut_after:
                break
        return data

    def give(self, connection: socket.socket, data: bytes) -> bytes:
        with contextlib.suppress(OSError):
            connection.sendall(data)
        return data

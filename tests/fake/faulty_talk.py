"""One conversation of the FTP server that fails as planned: what is answered to a command, and where it breaks off."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from tests.fake.faulty_ftp import FaultyFtp

HELD_S = 60.0


@dataclass(frozen=True)
class Fault:
    point: str
    kind: str
    done: bool = False


@dataclass
class Hit:
    """A fault that came to pass; `left_s` is how long the client stayed with a silent server."""

    fault: Fault
    left_s: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)


class _Left(Exception):
    """This conversation is over."""


class Conversation:
    def __init__(self, server: FaultyFtp, control: socket.socket) -> None:
        self.server = server
        self.control = control
        self.may_fail = server.begin()
        self.passive: socket.socket | None = None
        self.active: tuple[str, int] | None = None
        self.connection: socket.socket | None = None
        self.renamed = ""
        self.lines: BinaryIO = control.makefile("rb")

    def run(self) -> None:
        try:
            self.meet("banner", lambda: "220 ready")
            while line := self.lines.readline():
                self.obey(line.decode("utf-8").rstrip("\r\n"))
        except (OSError, _Left):
            pass
        finally:
            for each in (self.connection, self.passive, self.lines, self.control):
                if each is not None:
                    each.close()

    def obey(self, line: str) -> None:
        command, _, argument = line.partition(" ")
        command = command.upper()
        self.server.commands.append(line)
        self.server.before(command, argument)
        point = self.point_of(command, argument)
        do = getattr(self, f"do_{command.lower()}", None)
        self.meet(point, lambda: do(argument) if do else "502 not known")
        if command == "QUIT":
            raise _Left

    def point_of(self, command: str, argument: str) -> str:
        """Where a fault may come; what only asks whether something is there is another point than the real thing."""
        if command == "RNTO" and not argument:
            return "RNTO nothing"
        if command == "RNFR" and argument.endswith(".part") and argument not in self.server.files:
            return "RNFR no .part"
        return f"{command} .part" if argument.endswith(".part") and command in ("SIZE", "RNFR") else command

    def meet(self, point: str, work: Callable[[], str]) -> None:
        """Do it and answer, unless this is where it fails."""
        hit = self.take(point)
        if hit is None or hit.fault.done:
            answer = work()
            if hit is None:
                self.say(answer)
                return
        self.suffer(hit)

    def take(self, point: str) -> Hit | None:
        hit = self.server.take(point) if self.may_fail else None
        self.may_fail = self.may_fail and hit is None
        return hit

    def suffer(self, hit: Hit) -> None:
        try:
            if hit.fault.kind == "hang":
                self.wait_for_the_end(hit)
            if hit.fault.kind in ("hang", "cut"):
                raise _Left
            self.say(hit.fault.kind)
            if hit.fault.kind.startswith("421"):
                raise _Left
        finally:
            hit.over.set()

    def wait_for_the_end(self, hit: Hit) -> None:
        begun_s = time.monotonic()
        self.control.settimeout(HELD_S)
        with contextlib.suppress(OSError):
            self.lines.read()
        hit.left_s = time.monotonic() - begun_s

    def say(self, reply: str) -> None:
        self.control.sendall(f"{reply}\r\n".encode())

    # --- commands: what they return is the answer

    def do_user(self, _argument: str) -> str:
        return "331 password"

    def do_pass(self, argument: str) -> str:
        return "230 in" if argument == self.server.password else "530 no"

    def do_opts(self, _argument: str) -> str:
        return "200 well"

    def do_pwd(self, _argument: str) -> str:
        return '257 "/"'

    def do_cwd(self, _argument: str) -> str:
        return "250 there"

    def do_type(self, _argument: str) -> str:
        return "200 type"

    def do_noop(self, _argument: str) -> str:
        return "200 well"

    def do_quit(self, _argument: str) -> str:
        return "221 bye"

    def do_pasv(self, _argument: str) -> str:
        if self.passive:
            self.passive.close()
        self.passive = socket.create_server((self.server.host, 0))
        self.server.keep(self.passive)
        high, low = divmod(self.passive.getsockname()[1], 256)
        return f"227 entering (127,0,0,1,{high},{low})"

    def do_port(self, argument: str) -> str:
        *host, high, low = argument.split(",")
        self.active = ".".join(host), int(high) * 256 + int(low)
        return "200 well"

    def do_size(self, name: str) -> str:
        known = self.server.files.get(name)
        return "550 no such file" if known is None else f"213 {len(known)}"

    def do_dele(self, name: str) -> str:
        if not name.endswith(".part"):
            self.server.wrongs.append(f"DELE {name}")
        return "550 no such file" if self.server.files.pop(name, None) is None else "250 gone"

    def do_rnfr(self, name: str) -> str:
        self.renamed = name
        return "350 to what" if name in self.server.files else "550 no such file"

    def do_rnto(self, name: str) -> str:
        if not name:
            return "501 no name"
        if self.renamed not in self.server.files:
            return "550 no such file"
        if name in self.server.files:
            self.server.wrongs.append(f"RNTO {name}, which exists")
            return "553 it exists"
        data = self.server.files.pop(self.renamed)
        if not _is_whole(data):
            self.server.wrongs.append(f"RNTO {name}, which is torn")
        self.server.files[name] = data
        self.server.landed_s.append(time.monotonic())
        return "250 renamed"

    def do_stor(self, name: str) -> str:
        if not name.endswith(".part"):
            self.server.wrongs.append(f"STOR {name}")
        if name in self.server.files and not self.server.overwrites:
            return "553 it exists"
        self.server.files[name] = b""
        return self.with_data("STOR", lambda connection: self.receive(name, connection))

    def do_retr(self, name: str) -> str:
        if name not in self.server.files:
            return "550 no such file"
        return self.with_data("RETR", lambda connection: connection.sendall(self.server.files[name]))

    def do_nlst(self, _argument: str) -> str:
        names = self.server.listing + "".join(f"{name}\r\n" for name in self.server.files).encode()
        return self.with_data("NLST", lambda connection: connection.sendall(names))

    def receive(self, name: str, connection: socket.socket) -> None:
        while piece := connection.recv(4096):
            self.server.files[name] += piece

    def with_data(self, command: str, work: Callable[[socket.socket], None]) -> str:
        hit = self.take(f"{command} data")
        self.say("150 data")
        if hit is not None and hit.fault.kind != "cut data":
            self.suffer(hit)
        self.connection = self.reached()
        self.server.keep(self.connection)
        with self.connection:
            if hit is None:
                with contextlib.suppress(ConnectionError):
                    work(self.connection)
                return "226 well"
            self.connection.recv(100)
        hit.over.set()
        return "426 the line is cut"

    def reached(self) -> socket.socket:
        if self.active is not None:
            return socket.create_connection(self.active, timeout=HELD_S)
        assert self.passive is not None, "no data connection was asked for"
        return self.passive.accept()[0]


def _is_whole(data: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.testzip() is None
    except zipfile.BadZipFile:
        return False

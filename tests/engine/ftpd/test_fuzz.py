"""Whatever comes on the control connection: the server lives, others are served, nothing that is not his is touched."""

from __future__ import annotations

import contextlib
import random
import re
import resource
import socket
import string
import threading
from collections.abc import Iterator
from ftplib import FTP
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.ftpd import FtpServer
from engine.ftpd import session as ftpd_session
from engine.ftpd import transfer as ftpd_transfer
from engine.settings import InternalFtp
from tests.fake.leaks import nothing_left

USERS = {"main": "secret-1", "reader": "secret-2", "inbox": "secret-3"}
INTERNAL = InternalFtp(
    enabled=True, bind="127.0.0.1", port=0, passive_ports=None, user="main", password="secret-1", read_user="reader",
    read_password="secret-2", inbox_user="inbox", inbox_password="secret-3", tls=0, inbox_limit_bytes=100_000,
)  # fmt: skip
HIDDEN = {"var/cursor.txt": b"cursor", "etc/passwd": b"passwd", "agent.py": b"program", "log/.hidden": b"hidden"}
SHOWN = {"log/User/agent.ini": b"[agent]\n", "log/User/status.txt": b"status", "www/440020/M.txt": b"[0]\n\n"}
KEPT_FROM_ALL = ("log/User/status.txt", "www/440020/M.txt")
"""What no user may change."""
COMMANDS = re.findall(
    "[A-Z]+",
    "ABOR ACCT ALLO APPE AUTH CCC CDUP CWD DELE EPRT EPSV FEAT HELP LIST MDTM MFMT MKD MLSD MLST MODE NLST NOOP OPTS "
    "PASS PASV PBSZ PORT PROT PWD REIN REST RETR RMD RNFR RNTO SITE SIZE SMNT STAT STOR STOU STRU SYST TYPE USER XCUP "
    "XCWD XMKD XPWD XRMD",
)
ARGUMENTS = (
    "", " ", "/", "..", "../../etc/passwd", "/../../../etc/passwd", "//var//cursor.txt", "/var/cursor.txt", "~root",
    "log/../../agent.py", "/log/.hidden", "log/User/agent.ini", "/www/440020/M.txt", "/log/User/status.txt", "/log/x",
    "%s%n%x", "-la /", "-R", "*", "a\tb", "\0", "log/User/\0/agent.ini", "\\..\\..", "x" * 300, "/".join("y" * 300),
    "I", "A", "L 8", "8 999999999999999999999", "-1", "9" * 400, "127,0,0,1,0,22", "127,0,0,1,256,256", "1,2,3", ",,,,",
    "|1|127.0.0.1|22|", "|3|::1|99999|", "|||", "ALL", "TLS", "UTF8 ON", "MLST Type*;Size;", "20180101000000 /log/x",
    "CHMOD 777 /log/User/agent.ini", "Котельная", "\udcff\udcfe", "\u202e\u2028",
)  # fmt: skip
GROWTH_LIMIT_BYTES = 24 * 1024 * 1024
TIMEOUT_S = 10.0


class Rig:
    """A server, and one client who is served all the while."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for path, content in {**HIDDEN, **SHOWN, "log/Ftp/.keep.tmp": b""}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
        self.outside = self._outside()
        self.server = FtpServer(root, INTERNAL, lambda _path, _content: None, lambda _path: None)
        self.server.start()
        self.witness = FTP()
        self.witness.connect("127.0.0.1", self.server.port, timeout=TIMEOUT_S)
        self.witness.login("reader", USERS["reader"])

    def _outside(self) -> dict[str, bytes]:
        """Everything that is neither in `log/` nor in `www/`."""
        paths = (path for path in self.root.rglob("*") if path.is_file())
        names = {path.relative_to(self.root).as_posix(): path.read_bytes() for path in paths}
        return {name: data for name, data in names.items() if name.split("/")[0] not in ("log", "www")}

    def stop(self) -> None:
        self.witness.close()
        self.server.stop()

    @contextlib.contextmanager
    def talk(self, user: str = "") -> Iterator[socket.socket]:
        """A connection behind its greeting, logged in if there is a user."""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=TIMEOUT_S) as connection:
            assert _answer(connection).startswith(b"220")
            if user:
                connection.sendall(f"USER {user}\r\nPASS {USERS[user]}\r\n".encode())
                assert _answer(connection).startswith(b"331")
                assert _answer(connection).startswith(b"230")
            yield connection

    def feed(self, data: bytes, user: str = "") -> bytes:
        """Everything that is answered to these bytes, until the client ends the connection."""
        with self.talk(user) as connection, contextlib.suppress(ConnectionError):
            sender = threading.Thread(target=_send, args=(connection, data))
            sender.start()
            try:
                return _everything(connection)
            finally:
                sender.join(TIMEOUT_S)
                assert not sender.is_alive(), "the server does not read"
        return b""

    def check(self) -> None:
        """The other client is served as before, and everything is in its place."""
        assert self.server.alive
        assert self.witness.voidcmd("NOOP").startswith("2")
        assert self._outside() == self.outside
        for path in (*KEPT_FROM_ALL, "log/.hidden"):
            assert (self.root / path).read_bytes() == {**HIDDEN, **SHOWN}[path], path


def _answer(connection: socket.socket) -> bytes:
    """One line."""
    data = b""
    while not data.endswith(b"\r\n") and (piece := connection.recv(1)):
        data += piece
    return data


def _send(connection: socket.socket, data: bytes) -> None:
    with contextlib.suppress(OSError):
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)


def _everything(connection: socket.socket) -> bytes:
    data = bytearray()
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65536):
            data += piece
    return bytes(data)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with pytest.MonkeyPatch.context() as patch, nothing_left():
        patch.setattr(ftpd_session.Session, "auth_failed_timeout", 0.02)
        patch.setattr(ftpd_transfer, "GRACE_S", 0.01)
        built = Rig(tmp_path_factory.mktemp("fuzz") / "root")
        yield built
        built.stop()


@pytest.fixture(autouse=True)
def no_traceback(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    told = "".join(capfd.readouterr()) + caplog.text
    assert "Traceback" not in told, told
    assert not [record for record in caplog.records if record.exc_info or record.levelname in ("ERROR", "CRITICAL")]


def encoded(line: str) -> bytes:
    return line.encode("utf-8", "surrogateescape")


known_lines = st.builds(
    lambda command, argument, end: encoded(f"{command} {argument}{end}"),
    st.sampled_from(COMMANDS) | st.sampled_from(COMMANDS).map(str.lower),
    st.sampled_from(ARGUMENTS) | st.text(alphabet=string.printable, max_size=40),
    st.sampled_from(["\r\n", "\n", "\r", "", "\r\n\r\n", "\0\r\n"]),
)
telnet = st.lists(st.sampled_from([b"\xff\xf4", b"\xff\xf2", b"\xff\xff", b"\xff\xfb\x01", b"\xff"])).map(b"".join)
conversations = st.lists(known_lines | telnet | st.binary(max_size=60), max_size=12).map(b"".join)
fuzz = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@fuzz
@given(data=conversations)
def test_anything_before_the_login(rig: Rig, data: bytes) -> None:
    rig.feed(data)
    rig.check()


@fuzz
@given(user=st.sampled_from(sorted(USERS)), data=conversations)
def test_anything_behind_the_login(rig: Rig, user: str, data: bytes) -> None:
    rig.feed(data, user)
    rig.check()


@pytest.mark.parametrize("user", ["", *USERS])
def test_every_command_with_every_odd_argument(rig: Rig, user: str) -> None:
    """The last is answered as the first, and nothing of what is hidden stands in an answer."""
    skipped = {"USER", "PASS", "REIN"} if user else {"PASS"}
    for command in [name for name in COMMANDS if name not in skipped]:
        data = b"".join(encoded(f"{command} {argument}\r\n") for argument in ARGUMENTS)
        answers = rig.feed(data + b"NOOP\r\n", user)
        assert answers.splitlines()[-1].startswith(b"200"), (command, answers[-300:])
        assert not any(secret in answers for secret in (b"cursor\r", b"program", str(rig.root).encode())), command
        rig.check()


def test_lines_without_an_end_take_no_memory(rig: Rig) -> None:
    before = _resident_bytes()
    for user in ("", "main"):
        for filler in (b"A", b"\xff", b"\0", b" ", b"STOR "):
            rig.feed(filler * (4 * 1024 * 1024 // len(filler)), user)
            rig.check()
    assert _resident_bytes() - before < GROWTH_LIMIT_BYTES


def test_thousands_of_commands_at_once_are_answered_in_their_order(rig: Rig) -> None:
    before = _resident_bytes()
    answers = rig.feed(b"NOOP\r\nPWD\r\n" * 3000, "reader").splitlines()
    assert answers[::2] == [answers[0]] * 3000
    assert answers[1::2] == [answers[1]] * 3000
    assert _resident_bytes() - before < GROWTH_LIMIT_BYTES
    rig.check()


def test_a_client_that_reads_no_answers_holds_up_nobody(rig: Rig) -> None:
    """He is fed slower, or cut; what waits for him is limited."""
    before = _resident_bytes()
    with rig.talk("main") as deaf:
        deaf.settimeout(0.2)
        with contextlib.suppress(OSError):
            for _ in range(400):
                deaf.sendall(b"HELP\r\nFEAT\r\n" * 500)
        rig.check()
        assert _resident_bytes() - before < 2 * GROWTH_LIMIT_BYTES
    rig.check()


def test_half_commands_and_sudden_ends(rig: Rig) -> None:
    chance = random.Random("half commands")
    whole = b"USER main\r\nPASS secret-1\r\nTYPE I\r\nPASV\r\nEPSV\r\nSTOR /log/Ftp/x.part\r\nRNFR /log/Ftp/x.part\r\n"
    for _ in range(60):
        with rig.talk() as connection:
            for byte in whole[: chance.randrange(len(whole))]:
                connection.sendall(bytes((byte,)))
                if chance.random() < 0.02:
                    break
    rig.check()


def test_a_byte_at_a_time_is_a_command_too(rig: Rig) -> None:
    with rig.talk("main") as connection:
        for byte in b"NOOP\r\n":
            connection.sendall(bytes((byte,)))
        assert _answer(connection).startswith(b"2")


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()

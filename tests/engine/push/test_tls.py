"""Encryption towards external servers: real ones, with certificates that can and cannot be believed."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from engine.errors import DeliveryFailed
from engine.push import Session
from engine.push.tls import PLAIN
from engine.settings import Server
from tests.fake.certificates import Identity, authority, server_identity
from tests.fake.debian_servers import DebianServer, proftpd, pure_ftpd, vsftpd
from tests.fake.leaks import nothing_left
from tests.fake.scripted_ftp import ScriptedFtp
from tests.fake.sending import send

NAME = "1_00000007_linux.zip"
DATA = bytes(range(256)) * 3000

Real = Callable[..., AbstractContextManager[DebianServer]]

REAL = pytest.mark.parametrize(
    "real",
    [
        vsftpd,
        proftpd,
        pytest.param(pure_ftpd, marks=pytest.mark.skipif(os.getuid() != 0, reason="pure-ftpd runs as root only")),
    ],
)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`ca.pem` vouches for `known.pem`; everything else nobody knows."""
    folder = tmp_path_factory.mktemp("keys")
    ours = authority(folder, "ca")
    server_identity(folder, ours, name="known")
    server_identity(folder, ours, name="elsewhere", address="192.0.2.7")
    server_identity(folder, ours, name="old", days=-1)
    server_identity(folder, name="alone")
    authority(folder, "stranger")
    return folder


def identity(keys: Path, name: str) -> Identity:
    return Identity(keys / f"{name}.pem", keys / f"{name}.key")


def server_at(port: int, **changes: object) -> Server:
    told: dict[str, object] = {
        "section": "server1", "enabled": True, "host": "127.0.0.1", "port": port, "user": "tsm",
        "password": "tsm-secret", "directory": "", "interval_s": 60, "variants": ("linux", "dos"), "passive": True,
        "tls": 2, "encoding": "utf-8", "timeout_s": 5.0,
    }  # fmt: skip
    return Server(**{**told, **changes})  # type: ignore[arg-type]


@contextmanager
def session_with(server: Server, ca_file: Path, told: list[str] | None = None) -> Iterator[Session]:
    session = Session(server, ca_file, ([] if told is None else told).append)
    try:
        session.open()
        yield session
    finally:
        session.close()


def real_server(real: DebianServer, **changes: object) -> Server:
    return server_at(real.port, user=real.user, password=real.password, **changes)


def failure(server: Server, ca_file: Path) -> str:
    with pytest.raises(DeliveryFailed) as caught, session_with(server, ca_file):
        pass
    return str(caught.value)


# --- real servers that take nothing in the clear, and no data connection of another session


@REAL
@pytest.mark.parametrize(("passive", "tls"), [(True, 2), (False, 1)])
def test_everything_works_encrypted_passive_and_active(
    real: Real, passive: bool, tls: int, keys: Path, tmp_path: Path
) -> None:
    told: list[str] = []
    with real(tmp_path, identity(keys, "known")) as server, nothing_left():
        wanted = real_server(server, directory="drops/котельная 1", passive=passive, tls=tls)
        with session_with(wanted, keys / "ca.pem", told) as session:
            assert session.highest_seq(1) == 0
            send(session, NAME, DATA)
            assert session.exists(NAME)
            assert session.highest_seq(1) == 7
            assert session.fetch(NAME, len(DATA) + 1) == DATA
        assert (server.folder / "drops/котельная 1" / NAME).read_bytes() == DATA
    assert told == [""]


@pytest.mark.parametrize("real", [vsftpd, proftpd])
def test_a_transfer_that_was_cut_short_leaves_the_session_in_order(real: Real, keys: Path, tmp_path: Path) -> None:
    """pure-ftpd garbles its answer to that, encrypted or not."""
    known = identity(keys, "known")
    with real(tmp_path, known) as server, session_with(real_server(server), keys / "ca.pem") as session:
        send(session, NAME, DATA)
        assert session.fetch(NAME, 1000) == DATA[:1000]
        assert session.exists(NAME)


@REAL
def test_names_in_another_encoding_arrive_as_their_bytes(real: Real, keys: Path, tmp_path: Path) -> None:
    with real(tmp_path, identity(keys, "known")) as server:
        wanted = real_server(server, directory="ТСМ/дом 13", encoding="cp1251")
        with session_with(wanted, keys / "ca.pem") as session:
            send(session, NAME, DATA)
        folder = bytes(server.folder) + b"/" + "ТСМ/дом 13".encode("cp1251")
        assert Path(folder.decode("utf-8", "surrogateescape"), NAME).read_bytes() == DATA


def test_the_session_of_the_control_connection_is_used_for_the_data(
    keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reused = []
    shake = ssl.SSLSocket.do_handshake
    monkeypatch.setattr(
        ssl.SSLSocket, "do_handshake", lambda self: (shake(self), reused.append(self.session_reused))[0]
    )
    known = identity(keys, "known")
    with vsftpd(tmp_path, known) as server, session_with(real_server(server), keys / "ca.pem") as session:
        send(session, NAME, DATA)
    assert reused == [False, True]


def test_a_server_s_own_certificate_in_the_file_is_enough(keys: Path, tmp_path: Path) -> None:
    alone = identity(keys, "alone")
    with vsftpd(tmp_path, alone) as server, session_with(real_server(server), alone.certificate) as session:
        send(session, NAME, DATA)


# --- certificates that cannot be believed


@pytest.mark.parametrize("tls", [1, 2])
@pytest.mark.parametrize(
    ("name", "ca", "words"),
    [
        ("alone", "none", "он самоподписанный; если это ваш сервер, положите его в log/User/ca.pem"),
        ("known", "none", "его выдал неизвестный центр"),
        ("known", "stranger", "его выдал неизвестный центр"),
        ("elsewhere", "ca", "сертификат сервера выписан не на 127.0.0.1"),
        ("old", "ca", "его срок истёк (или часы агента спешат)"),
    ],
)
def test_a_certificate_that_cannot_be_believed_ends_it_before_the_name_is_told(
    name: str, ca: str, words: str, tls: int, keys: Path, scripted: TlsServer
) -> None:
    scripted.identity = identity(keys, name)
    told = failure(server_at(scripted.port, tls=tls), keys / f"{ca}.pem")
    assert told.startswith("вход: сертификат") and words in told
    assert scripted.commands == ["AUTH TLS"]


@pytest.mark.parametrize("content", [b"no certificate", b"\xff\xfe", b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_a_file_of_authorities_that_cannot_be_read_is_told_and_nothing_is_sent(
    content: bytes, tmp_path: Path, scripted: TlsServer
) -> None:
    (tmp_path / "ca.pem").write_bytes(content)
    assert "log/User/ca.pem" in failure(server_at(scripted.port), tmp_path / "ca.pem")
    (tmp_path / "folder.pem").mkdir()
    assert "log/User/ca.pem" in failure(server_at(scripted.port), tmp_path / "folder.pem")
    assert scripted.commands == []


def test_the_authorities_of_the_system_are_believed(
    keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(keys / "ca.pem"))
    known = identity(keys, "known")
    with vsftpd(tmp_path, known) as server, session_with(real_server(server), tmp_path / "none.pem") as session:
        send(session, NAME, DATA)


# --- servers without encryption


def test_a_server_without_encryption_never_hears_the_name_when_it_is_required(keys: Path) -> None:
    with ScriptedFtp() as plain:
        plain.replies["AUTH"] = "502 not implemented"
        told = failure(server_at(plain.port), keys / "ca.pem")
        assert told == "вход: сервер не умеет шифровать (AUTH TLS), а Tls=2 этого требует"
        assert plain.commands == ["AUTH TLS"]


@REAL
def test_a_server_without_encryption_is_used_and_told_when_it_is_not_required(
    real: Real, keys: Path, tmp_path: Path
) -> None:
    told: list[str] = []
    with real(tmp_path) as plain, session_with(real_server(plain, tls=1), keys / "ca.pem", told) as session:
        send(session, NAME, DATA)
        assert (plain.folder / NAME).read_bytes() == DATA
    assert told == [PLAIN]


def test_a_server_that_is_busy_is_not_used_in_the_clear(keys: Path) -> None:
    with ScriptedFtp() as plain:
        plain.replies["AUTH"] = "431 not now"
        assert failure(server_at(plain.port, tls=1), keys / "ca.pem") == "вход: отказ: 431 not now"
        assert plain.commands == ["AUTH TLS"]


def test_an_answer_that_is_no_handshake_is_told(keys: Path, scripted: TlsServer) -> None:
    scripted.identity = None
    assert failure(server_at(scripted.port), keys / "ca.pem").startswith("вход: шифрование не удалось (")


def test_abort_ends_a_handshake_that_waits(keys: Path, scripted: TlsServer) -> None:
    scripted.identity, scripted.is_silent = None, True
    session = Session(server_at(scripted.port, timeout_s=60), keys / "ca.pem")
    ended: list[str] = []
    thread = threading.Thread(target=lambda: ended.append(_failed_open(session)))
    thread.start()
    assert scripted.reached.wait(10)
    session.abort()
    thread.join(10)
    assert ended == ["вход: соединение разорвано"]


def _failed_open(session: Session) -> str:
    try:
        session.open()
    except DeliveryFailed as error:
        return str(error)
    finally:
        session.close()
    return ""


class TlsServer:
    """Answers AUTH, shakes hands as `identity` if it has one, and notes every command in `commands`."""

    def __init__(self) -> None:
        self.identity: Identity | None = None
        self.is_silent = False
        self.commands: list[str] = []
        self.reached = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(10)
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        connection.sendall(b"220 ready\r\n")
        first = connection.recv(100)
        if not first:
            return
        self.commands.append(first.decode().strip())
        connection.sendall(b"234 go\r\n")
        if self.identity is None:
            connection.recv(10_000)
            self.reached.set()
            connection.recv(1) if self.is_silent else connection.sendall(b"500 what?\r\n")
            return
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.identity.certificate, self.identity.key)
        try:
            with context.wrap_socket(connection, server_side=True) as secured:
                if more := secured.recv(100):
                    self.commands.append(more.decode().strip())
        except OSError:
            return


@pytest.fixture
def scripted() -> Iterator[TlsServer]:
    server = TlsServer()
    try:
        yield server
    finally:
        server.close()

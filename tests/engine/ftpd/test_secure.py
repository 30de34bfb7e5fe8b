"""The embedded FTP server encrypted, over the wire."""

from __future__ import annotations

import ftplib
import hashlib
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from engine.ftpd import FtpServer, NotEncrypted
from engine.ftpd import transfer as ftpd_transfer
from engine.push import Session
from engine.settings import InternalFtp, Server
from tests.fake.certificates import server_identity
from tests.fake.ftp_rig import fetch, hurry, starting, store
from tests.fake.sending import send

TIMEOUT_S = 20.0
INTERNAL = InternalFtp(
    enabled=True, bind="127.0.0.1", port=0, passive_ports=None, user="main", password="secret-1", read_user="",
    read_password="", inbox_user="inbox", inbox_password="secret-3", tls=2, inbox_limit_bytes=10_000_000,
)  # fmt: skip
GOOD = b"[agent]\nNumber=1\n"
DATA = bytes(range(256)) * 4000
CERTIFICATE, KEY = "var/tls/cert.pem", "var/tls/key.pem"


class Rig:
    """A running server that refuses `=x` in `agent.ini`."""

    def __init__(self, root: Path, settings: InternalFtp) -> None:
        self.root = root
        self.uploads: list[str] = []
        self.server = FtpServer(root, settings, self.refusal, self.uploads.append)

    def refusal(self, path: str, content: bytes) -> str | None:
        return "agent.ini:2: Number: не число" if path == "log/User/agent.ini" and b"=x" in content else None

    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.root / CERTIFICATE))

    @contextmanager
    def client(self, user: str = "main", password: str = "secret-1") -> Iterator[ftplib.FTP_TLS]:
        client = ftplib.FTP_TLS(timeout=TIMEOUT_S, encoding="utf-8", context=self.trusting())
        try:
            client.connect("127.0.0.1", self.server.port)
            client.login(user, password)
            client.prot_p()
            yield client
        finally:
            client.close()

    @contextmanager
    def plain(self) -> Iterator[ftplib.FTP]:
        with ftplib.FTP(timeout=TIMEOUT_S, encoding="utf-8") as client:
            client.connect("127.0.0.1", self.server.port)
            yield client


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    for folder in ("log/User/devices", "log/Ftp", "www/440020", "var"):
        (root / folder).mkdir(parents=True)
    (root / "log/User/agent.ini").write_bytes(GOOD)
    (root / "www/440020/M.txt").write_bytes(DATA)
    return root


@pytest.fixture
def start(root: Path) -> Iterator[Callable[..., Rig]]:
    with starting(lambda **changes: Rig(root, replace(INTERNAL, **changes))) as start_one:
        yield start_one


@pytest.fixture
def rig(start: Callable[..., Rig]) -> Rig:
    return start()


def eventually(holds: Callable[[], bool]) -> bool:
    ends_s = time.monotonic() + TIMEOUT_S
    while not holds() and time.monotonic() < ends_s:
        time.sleep(0.01)
    return holds()


# --- encrypted clients


def test_files_go_up_and_down_encrypted(rig: Rig) -> None:
    with rig.client() as client:
        assert store(client, "log/Ftp/1_00000001_linux.zip", DATA).startswith("226")
        assert fetch(client, "log/Ftp/1_00000001_linux.zip") == DATA
        assert fetch(client, "www/440020/M.txt") == DATA
        assert "devices" in client.nlst("log/User")
        assert client.quit().startswith("221")
    assert rig.uploads == ["log/Ftp/1_00000001_linux.zip"]


def test_small_and_empty_files_arrive(rig: Rig) -> None:
    with rig.client() as client:
        for number, content in enumerate((b"", b"1", b"[0]\n")):
            assert store(client, f"log/Ftp/{number}.txt", content).startswith("226")
            assert fetch(client, f"log/Ftp/{number}.txt") == content


def test_refused_settings_change_nothing_and_are_kept_aside(rig: Rig) -> None:
    with rig.client() as client:
        with pytest.raises(ftplib.error_perm, match=r"553 agent.ini:2"):
            store(client, "log/User/agent.ini", b"[agent]\nNumber=x\n")
        assert store(client, "log/User/agent.ini", GOOD + b"Name=a\n").startswith("226")
    assert (rig.root / "log/User/agent.ini").read_bytes() == GOOD + b"Name=a\n"


def test_an_upload_that_is_too_long_is_told(start: Callable[..., Rig]) -> None:
    with start(inbox_limit_bytes=1000).client() as client:
        with pytest.raises(ftplib.error_perm, match="552"):
            store(client, "log/Ftp/a.zip", DATA)
        assert store(client, "log/Ftp/a.zip", b"small").startswith("226")


@pytest.mark.parametrize("good_bye", [True, False])
def test_only_an_upload_that_ends_with_a_good_bye_is_taken(rig: Rig, good_bye: bool) -> None:
    with rig.client() as client:
        client.voidcmd("TYPE I")
        with client.transfercmd("STOR log/Ftp/a.zip") as data:
            data.sendall(DATA)
            if good_bye:
                assert isinstance(data, ssl.SSLSocket)
                data.unwrap().close()
            else:
                socket.socket.shutdown(data, socket.SHUT_WR)
        if good_bye:
            assert client.voidresp().startswith("226")
        else:
            with pytest.raises(ftplib.error_temp, match="426"):
                client.voidresp()
        assert client.voidcmd("NOOP")
    assert [path.name for path in (rig.root / "log/Ftp").iterdir()] == (["a.zip"] if good_bye else [])


def test_a_client_that_is_killed_while_it_sends_leaves_nothing(rig: Rig) -> None:
    with rig.client() as client:
        client.voidcmd("TYPE I")
        data = client.transfercmd("STOR log/Ftp/a.zip")
        data.sendall(DATA)
        assert client.sock is not None
        data.close()
        client.close()
    assert eventually(lambda: not any((rig.root / "log/Ftp").iterdir()))
    assert rig.uploads == []


def test_a_client_that_leaves_before_the_verdict_leaves_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ftpd_transfer, "GRACE_S", 0.3)
    with rig.client() as client:
        client.voidcmd("TYPE I")
        with client.transfercmd("STOR log/Ftp/a.zip") as data:
            data.sendall(DATA)
            assert isinstance(data, ssl.SSLSocket)
            data.unwrap().close()
        client.close()
    assert eventually(lambda: not any((rig.root / "log/Ftp").iterdir()))
    assert rig.uploads == []


def test_a_client_that_has_said_good_bye_is_not_a_client_that_left(rig: Rig) -> None:
    with rig.client() as client:
        client.voidcmd("TYPE I")
        with client.transfercmd("STOR log/Ftp/a.zip") as data:
            data.sendall(DATA)
            assert isinstance(data, ssl.SSLSocket)
            data.unwrap().close()
        client.putcmd("QUIT")
        assert sorted(client.voidresp()[:3] for _ in range(2)) == ["221", "226"]
    assert rig.uploads == ["log/Ftp/a.zip"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_of_the_protocol_are_spoken(rig: Rig, version: ssl.TLSVersion) -> None:
    context = rig.trusting()
    context.minimum_version = context.maximum_version = version
    with ftplib.FTP_TLS(timeout=TIMEOUT_S, context=context) as client:
        client.connect("127.0.0.1", rig.server.port)
        client.login("main", "secret-1")
        client.prot_p()
        assert store(client, "log/Ftp/a.zip", DATA).startswith("226")
        assert fetch(client, "log/Ftp/a.zip") == DATA


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")
def test_curl_sends_and_fetches(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "sent").write_bytes(DATA)
    url = f"ftp://127.0.0.1:{rig.server.port}"
    curl = ["curl", "-sS", "--ssl-reqd", "--cacert", str(rig.root / CERTIFICATE), "-u", "main:secret-1", "-m", "20"]
    subprocess.run([*curl, "-T", str(tmp_path / "sent"), f"{url}/log/Ftp/a.zip"], check=True)
    subprocess.run([*curl, "-o", str(tmp_path / "got"), f"{url}/log/Ftp/a.zip"], check=True)
    assert (tmp_path / "got").read_bytes() == DATA


@pytest.mark.parametrize("tls", [1, 2])
def test_our_own_client_delivers_into_the_inbox(start: Callable[..., Rig], tls: int, root: Path) -> None:
    rig = start()
    server = Server(
        section="server1", enabled=True, host="127.0.0.1", port=rig.server.port, user="inbox", password="secret-3",
        directory="log/Ftp/котельная", interval_s=60, variants=("linux",), passive=True, tls=tls, encoding="utf-8",
        timeout_s=5.0,
    )  # fmt: skip
    session = Session(server, root / CERTIFICATE)
    try:
        session.open()
        send(session, "1_00000001_linux.zip", DATA)
        assert session.exists("1_00000001_linux.zip")
        assert session.highest_seq(1) == 1
    finally:
        session.close()
    assert (root / "log/Ftp/котельная/1_00000001_linux.zip").read_bytes() == DATA


# --- what is required


def test_a_login_in_the_clear_is_refused_where_encryption_is_required(rig: Rig) -> None:
    with rig.plain() as client, pytest.raises(ftplib.error_perm, match="550"):
        client.login("main", "secret-1")


def test_commands_smuggled_in_behind_auth_are_thrown_away(rig: Rig) -> None:
    with socket.create_connection(("127.0.0.1", rig.server.port), TIMEOUT_S) as connection:
        connection.recv(100)
        connection.sendall(b"AUTH TLS\r\nFEAT\r\n")
        assert connection.recv(100).startswith(b"234")
        with rig.trusting().wrap_socket(connection, server_hostname="127.0.0.1") as secured:
            secured.sendall(b"NOOP\r\n")
            assert secured.recv(100).startswith(b"200")


def test_data_in_the_clear_are_refused_where_encryption_is_required(rig: Rig) -> None:
    with rig.client() as client:
        with pytest.raises(ftplib.error_perm, match="534"):
            client.prot_c()
        client.sendcmd("USER main")
        client.voidcmd("PASS secret-1")
        for command in ("PASV", "EPSV", "PORT 127,0,0,1,200,200"):
            with pytest.raises(ftplib.error_perm, match="550"):
                client.voidcmd(command)


def test_both_kinds_of_clients_are_served_where_encryption_is_offered(start: Callable[..., Rig]) -> None:
    rig = start(tls=1)
    with rig.plain() as client:
        client.login("main", "secret-1")
        assert store(client, "log/Ftp/plain.zip", DATA).startswith("226")
    with rig.client() as secured:
        assert fetch(secured, "log/Ftp/plain.zip") == DATA
        secured.prot_c()
        assert store(secured, "log/Ftp/clear.zip", DATA).startswith("226")


def test_a_client_that_never_shakes_hands_does_not_stop_the_others_or_the_end(rig: Rig) -> None:
    with socket.create_connection(("127.0.0.1", rig.server.port), TIMEOUT_S) as connection:
        connection.recv(100)
        connection.sendall(b"AUTH TLS\r\n")
        connection.recv(100)
        with rig.client() as client:
            assert client.pwd() == "/"
        rig.server.stop()
        assert connection.recv(1000) == b""


# --- who the server is


def test_the_certificate_is_made_once_and_its_fingerprint_told(start: Callable[..., Rig], root: Path) -> None:
    rig = start()
    seen = ssl.PEM_cert_to_DER_cert((root / CERTIFICATE).read_text())
    assert rig.server.encryption == (
        f"шифрование обязательно, сертификат SHA-256 {hashlib.sha256(seen).digest().hex(':').upper()}"
    )
    assert (root / KEY).stat().st_mode & 0o777 == 0o600
    before = (root / CERTIFICATE).read_bytes()
    again = start()
    assert (root / CERTIFICATE).read_bytes() == before
    assert again.server.encryption == rig.server.encryption


def test_an_own_certificate_is_used(start: Callable[..., Rig], root: Path, tmp_path: Path) -> None:
    own = server_identity(tmp_path / "own")
    (root / "var/tls").mkdir()
    shutil.copy(own.certificate, root / CERTIFICATE)
    shutil.copy(own.key, root / KEY)
    with start().client() as client:
        assert client.sock.getpeercert(binary_form=True) == ssl.PEM_cert_to_DER_cert(own.pem.decode())  # type: ignore[union-attr]


def test_a_key_whose_certificate_is_gone_gets_a_new_one(start: Callable[..., Rig], root: Path) -> None:
    start().server.stop()
    key = (root / KEY).read_bytes()
    (root / CERTIFICATE).unlink()
    with start().client() as client:
        assert client.pwd() == "/"
    assert (root / KEY).read_bytes() == key


@pytest.mark.parametrize("tls", [1, 2])
@pytest.mark.parametrize("damage", ["certificate", "key", "other", "missing"])
def test_a_pair_that_cannot_be_used_is_told_and_left_alone(
    start: Callable[..., Rig], root: Path, tmp_path: Path, tls: int, damage: str
) -> None:
    own = server_identity(tmp_path / "own")
    (root / "var/tls").mkdir()
    (root / CERTIFICATE).write_bytes(b"nonsense" if damage == "certificate" else own.pem)
    if damage != "missing":
        other = server_identity(tmp_path / "other").key
        (root / KEY).write_bytes({"key": b"nonsense", "other": other.read_bytes()}.get(damage, own.key.read_bytes()))
    before = (root / CERTIFICATE).read_bytes()
    if tls == 2:
        with pytest.raises(NotEncrypted, match=r"Tls=2, а var/tls/ не годится: .*pem"):
            start(tls=2)
    else:
        assert start(tls=1).server.encryption.startswith("без шифрования: Tls=1, а var/tls/ не годится")
    assert (root / CERTIFICATE).read_bytes() == before


# --- the optional package


def test_without_the_package_it_is_refused_where_required_and_told_where_offered(
    start: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "engine.ftpd.secure", raising=False)
    monkeypatch.delattr("engine.ftpd.secure", raising=False)
    monkeypatch.setitem(sys.modules, "OpenSSL", None)
    with pytest.raises(NotEncrypted, match=r"^Tls=2, а пакет pyOpenSSL не установлен$"):
        start(tls=2)
    rig = start(tls=1)
    assert rig.server.encryption == "без шифрования: Tls=1, а пакет pyOpenSSL не установлен"
    with rig.plain() as client:
        assert client.login("main", "secret-1").startswith("230")


def test_it_is_not_imported_where_nobody_asks_for_it() -> None:
    code = "import sys, engine.ftpd; sys.exit('OpenSSL' in sys.modules or 'cryptography' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])

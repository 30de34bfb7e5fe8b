"""The configuration that is shipped for vsftpd, in the real server: all that an agent does there, and no more."""

from __future__ import annotations

import ftplib
import io
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from engine.errors import DeliveryFailed, NameTaken
from engine.push import Session
from tests.fake.certificates import authority, server_identity
from tests.fake.debian_servers import PASSWORD
from tests.fake.fleet_vsftpd import FleetServer, fleet_vsftpd
from tests.fake.sending import send

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0, reason="vsftpd gives up rights that only root has"),
    pytest.mark.skipif(shutil.which("unshare") is None, reason="no unshare"),
]

NAME = "1_00000001_linux.zip"
DATA = bytes(range(256)) * 300


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FleetServer]:
    base = tmp_path_factory.mktemp("fleet")
    ours = authority(base / "keys", "ca")
    with fleet_vsftpd(base, server_identity(base / "keys", ours), ("agent-1", "agent-2", "agent-3")) as server:
        yield server


@contextmanager
def session(server: FleetServer, user: str, **changes: object) -> Iterator[Session]:
    session = Session(server.settings(user, **changes), server.base / "keys/ca.pem")
    try:
        session.open()
        yield session
    finally:
        session.close()


@contextmanager
def client(server: FleetServer) -> Iterator[ftplib.FTP]:
    """Any program, in the clear."""
    ftp = ftplib.FTP(timeout=20, encoding="utf-8")
    try:
        ftp.connect("127.0.0.1", server.port)
        yield ftp
    finally:
        ftp.close()


def test_a_drop_arrives_whole_and_encrypted_under_its_final_name(server: FleetServer) -> None:
    with session(server, "agent-1") as agent:
        assert not agent.exists(NAME)
        send(agent, NAME, DATA)
        assert agent.exists(NAME) and agent.size(NAME) == len(DATA) and agent.holds(NAME, DATA)
        assert agent.highest_seq(1) == 1
    assert (server.drops / "agent-1" / NAME).read_bytes() == DATA
    assert sorted(path.name for path in (server.drops / "agent-1").iterdir()) == [NAME]


def test_a_part_that_was_cut_short_is_replaced_and_a_drop_never(server: FleetServer) -> None:
    (server.drops / "agent-2" / f"{NAME}.part").write_bytes(b"cut short")
    with session(server, "agent-2") as agent:
        agent.clear(NAME, is_new=False)
        agent.store(NAME, DATA)
        agent.rename(NAME, len(DATA))
        agent.store(NAME, b"another board of this Number")
        with pytest.raises(NameTaken):
            agent.rename(NAME, 28)
    assert (server.drops / "agent-2" / NAME).read_bytes() == DATA


def test_a_drop_that_was_moved_away_at_once_is_no_failure(server: FleetServer) -> None:
    with session(server, "agent-1") as agent:
        send(agent, "1_00000009_linux.zip", DATA)
        (server.drops / "agent-1/1_00000009_linux.zip").unlink()
        assert not agent.exists("1_00000009_linux.zip")
        send(agent, "1_00000010_linux.zip", DATA)
    assert (server.drops / "agent-1/1_00000010_linux.zip").exists()


def test_an_agent_sees_its_own_folder_only(server: FleetServer) -> None:
    with session(server, "agent-3") as agent:
        assert not agent.exists(f"../agent-1/{NAME}") and not agent.exists("/etc/passwd")
        assert agent.highest_seq(1) == 0
    with session(server, "agent-3", directory="north/cellar") as agent:
        send(agent, NAME, DATA)
    assert (server.drops / "agent-3/north/cellar" / NAME).read_bytes() == DATA


def test_nothing_goes_in_the_clear(server: FleetServer) -> None:
    with client(server) as ftp, pytest.raises(ftplib.error_perm, match="530"):
        ftp.login("agent-1", PASSWORD)


def test_a_data_connection_of_somebody_else_is_refused(server: FleetServer) -> None:
    """Python's own client brings no session of its control connection; the agent does."""
    ftp = ftplib.FTP_TLS(context=server.trust(), timeout=20, encoding="utf-8")
    try:
        ftp.connect("127.0.0.1", server.port)
        ftp.login("agent-1", PASSWORD)
        ftp.prot_p()
        with pytest.raises((ftplib.Error, OSError, EOFError)):
            ftp.storbinary("STOR stranger.zip", io.BytesIO(DATA))
    finally:
        ftp.close()
    stranger = server.drops / "agent-1/stranger.zip"
    assert not stranger.exists() or stranger.stat().st_size == 0


def test_a_wrong_password_and_an_account_of_the_system_are_told(server: FleetServer) -> None:
    """At the same time: each is made to wait."""

    def refused(user: str, password: str) -> bool:
        with pytest.raises(DeliveryFailed, match="вход"), session(server, user, password=password):
            pass
        return True

    with ThreadPoolExecutor(2) as pool:
        assert all(pool.map(refused, ("agent-1", "nobody"), ("wrong", PASSWORD)))


@pytest.mark.parametrize("command", ["APPE x", "SITE CHMOD 777 x", "STOU", "RMD north", "PORT 127,0,0,1,200,200"])
def test_what_a_delivery_does_not_need_is_refused(server: FleetServer, command: str) -> None:
    ftp = ftplib.FTP_TLS(context=server.trust(), timeout=20, encoding="utf-8")
    try:
        ftp.connect("127.0.0.1", server.port)
        ftp.login("agent-3", PASSWORD)
        with pytest.raises(ftplib.error_perm, match=r"5[05]0"):
            ftp.sendcmd(command)
    finally:
        ftp.close()

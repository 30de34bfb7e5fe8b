"""Whatever comes on an encrypted control connection, and instead of it: the server lives and serves others."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import ssl
import struct
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.ftpd import session as ftpd_session
from engine.ftpd import transfer as ftpd_transfer
from tests.fake.leaks import nothing_left
from tests.fake.tormented_ftp import (
    ARGUMENTS,
    COMMANDS,
    GROWTH_LIMIT_BYTES,
    USERS,
    Rig,
    answer,
    conversations,
    encoded,
    resident_bytes,
)

pytest.importorskip("OpenSSL", reason="PyOpenSSL of requirements-tls.lock is optional and is not installed")

RECORD_TYPES = (20, 21, 22, 23, 24, 128)
"""Of TLS: change of ciphers, alert, handshake, data, heartbeat; and the begin of an SSL 2 hello."""


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with pytest.MonkeyPatch.context() as patch, nothing_left():
        patch.setattr(ftpd_session.Session, "auth_failed_timeout", 0.02)
        patch.setattr(ftpd_transfer, "GRACE_S", 0.01)
        built = Rig(tmp_path_factory.mktemp("fuzz") / "root", tls=2)
        yield built
        built.stop()


@pytest.fixture(autouse=True)
def no_traceback(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    told = "".join(capfd.readouterr()) + caplog.text
    assert "Traceback" not in told, told
    assert not [record for record in caplog.records if record.exc_info or record.levelname in ("ERROR", "CRITICAL")]


def record(kind: int, content: bytes, length: int | None = None) -> bytes:
    """A frame of TLS 1.2, telling the truth about its length or not."""
    return struct.pack(">BHH", kind, 0x0303, len(content) if length is None else length) + content


frames = st.builds(
    record,
    st.sampled_from(RECORD_TYPES) | st.integers(0, 255),
    st.binary(max_size=60) | st.sampled_from([b"\1\0\0\0", b"\1\xff\xff\xff", b"\2\x28", b"\1\0", bytes(16000)]),
    st.none() | st.sampled_from([0, 1, 5, 16384, 65535]),
)
no_encryption = st.lists(frames | st.binary(max_size=60), min_size=1, max_size=5).map(b"".join)
fuzz = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@fuzz
@given(user=st.sampled_from(["", *sorted(USERS)]), data=conversations)
def test_anything_inside_the_encryption(rig: Rig, user: str, data: bytes) -> None:
    rig.feed(data, user)
    rig.check()


@pytest.mark.parametrize("user", ["", *USERS])
def test_every_command_with_every_odd_argument(rig: Rig, user: str) -> None:
    """The last but the good-bye is answered as the first, and nothing of what is hidden stands in an answer."""
    skipped = {"USER", "PASS", "REIN"} if user else {"PASS"}
    for command in [name for name in COMMANDS if name not in skipped]:
        data = b"".join(encoded(f"{command} {argument}\r\n") for argument in ARGUMENTS)
        answers = rig.feed(data + b"NOOP\r\n", user)
        assert answers.splitlines()[-1].startswith(b"221"), (command, answers[-300:])
        assert any(line.startswith(b"200") for line in answers.splitlines()[-3:-1]), (command, answers[-300:])
        assert not any(secret in answers for secret in (b"cursor\r", b"program", b"PRIVATE", str(rig.root).encode()))
        rig.check()


def test_lines_without_an_end_take_no_memory(rig: Rig) -> None:
    before = resident_bytes()
    for user in ("", "main"):
        for filler in (b"A", b"\xff", b"\0", b"STOR "):
            rig.feed(filler * (4 * 1024 * 1024 // len(filler)), user)
            rig.check()
    assert resident_bytes() - before < GROWTH_LIMIT_BYTES


def test_a_client_that_reads_no_answers_holds_up_nobody(rig: Rig) -> None:
    before = resident_bytes()
    with rig.talk("main") as deaf:
        deaf.settimeout(0.2)
        with contextlib.suppress(OSError):
            for _ in range(400):
                deaf.sendall(b"HELP\r\nFEAT\r\n" * 500)
        rig.check()
        assert resident_bytes() - before < 2 * GROWTH_LIMIT_BYTES
    rig.check()


@fuzz
@given(data=no_encryption)
def test_anything_instead_of_the_handshake(rig: Rig, data: bytes) -> None:
    with rig.greeted() as connection:
        connection.sendall(b"AUTH TLS\r\n")
        assert answer(connection).startswith(b"234")
        with contextlib.suppress(OSError):
            connection.sendall(data)
    rig.check()


@fuzz
@given(data=conversations)
def test_anything_in_the_clear_where_encryption_is_required(rig: Rig, data: bytes) -> None:
    """No name is asked for, nothing is shown."""
    with rig.greeted() as connection, contextlib.suppress(OSError):
        connection.sendall(data)
        connection.sendall(b"\r\nUSER main\r\nPASS secret-1\r\nLIST\r\nQUIT\r\n")
        connection.shutdown(socket.SHUT_WR)
        told = b""
        while piece := connection.recv(65536):
            told += piece
        assert b"\r\n230" not in told and b"\r\n331" not in told and b"\r\n150" not in told
    rig.check()


@fuzz
@given(user=st.sampled_from(["", "main"]), data=no_encryption)
def test_anything_in_the_clear_behind_the_handshake(rig: Rig, user: str, data: bytes) -> None:
    """Below the encryption: frames that no key has sealed."""
    with rig.talk(user) as connection, socket.socket(fileno=os.dup(connection.fileno())) as below:
        with contextlib.suppress(OSError):
            below.sendall(data)
        connection.settimeout(0.02)
        with contextlib.suppress(OSError):
            assert b"230" not in connection.recv(4096)
    rig.check()


def test_a_handshake_that_is_cut_at_any_byte_costs_nobody_anything(rig: Rig) -> None:
    chance = random.Random("half handshakes")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = rig.context().wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    hello = outgoing.read()
    for _ in range(40):
        with rig.greeted() as connection:
            connection.sendall(b"AUTH TLS\r\n")
            assert answer(connection).startswith(b"234")
            connection.sendall(hello[: chance.randrange(len(hello) + 1)])
    rig.check()


def test_whoever_stops_in_the_handshake_is_sent_away_like_one_who_does_not_log_in(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ftpd_session.Session, "timeout", 0.2)
    with rig.greeted() as connection:
        connection.sendall(b"AUTH TLS\r\n")
        assert answer(connection).startswith(b"234")
        while connection.recv(4096):
            pass
    rig.check()

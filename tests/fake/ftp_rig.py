"""What tests of the embedded server share: starting it as often as they like, hurrying it, sending and fetching."""

from __future__ import annotations

import ftplib
import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Protocol, TypeVar

import pytest

from engine.ftpd import FtpServer
from engine.ftpd import session as ftpd_session
from engine.ftpd import transfer as ftpd_transfer
from tests.fake.leaks import nothing_left


class HasServer(Protocol):
    server: FtpServer


Rig = TypeVar("Rig", bound=HasServer)


@contextmanager
def starting(make: Callable[..., Rig]) -> Iterator[Callable[..., Rig]]:
    """A function that makes a rig and starts its server; all are stopped at the end, and nothing is left."""
    with nothing_left(), ExitStack() as stack:

        def start_one(**changes: object) -> Rig:
            rig = make(**changes)
            rig.server.start()
            stack.callback(rig.server.stop)
            return rig

        yield start_one


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pauses are for people and lines, not for tests."""
    monkeypatch.setattr(ftpd_session.Session, "auth_failed_timeout", 0.05)
    monkeypatch.setattr(ftpd_transfer, "GRACE_S", 0.05)


def store(client: ftplib.FTP, path: str, content: bytes) -> str:
    return client.storbinary(f"STOR {path}", io.BytesIO(content))


def fetch(client: ftplib.FTP, path: str) -> bytes:
    received = bytearray()
    client.retrbinary(f"RETR {path}", received.extend)
    return bytes(received)

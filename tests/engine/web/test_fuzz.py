"""Whatever comes over HTTP: nothing but files of `www/` goes out, and others are served all the while."""

from __future__ import annotations

import contextlib
import socket
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.settings import InternalFtp
from engine.web import WebServer, listener, request
from engine.web.tree import names_of
from tests.fake.leaks import nothing_left

TIMEOUT_S = 20.0
INTERNAL = InternalFtp(
    enabled=False, bind="127.0.0.1", port=21, passive_ports=None, user="main", password="secret-1", read_user="",
    read_password="", inbox_user="", inbox_password="", tls=0, inbox_limit_bytes=1000,
)  # fmt: skip
LOGIN = f"Authorization: Basic {b64encode(b'main:secret-1').decode()}"
SHOWN = b"shown to who may read"
HIDDEN = b"hidden from everybody"
PIECES = (
    "/", "..", ".", "%2e%2e", "%2f", "%5c", "\\", "//", "~", "%00", "index.html", "www", "log", "User", "ftp.ini",
    "var", "secret.txt", ".hidden", "link", "?", "#", "%", "%zz", "%ff", "file:",
    "http://127.0.0.1", ":80", " ", "*", "я",
)  # fmt: skip
ASIDE = (
    "/", "/link/User/ftp.ini", "/link/", "/../secret.txt", "/%2e%2e/secret.txt", "/.hidden/", "//log/User/ftp.ini",
    "/..%2fvar/index.html", "/index.html/../../secret.txt",
)  # fmt: skip
TARGETS = st.one_of(st.sampled_from(ASIDE), st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
METHODS = st.just("GET") | st.sampled_from(
    ("GET", "HEAD", "get", "POST", "PUT", "DELETE", "TRACE", "CONNECT", "OPTIONS", "", "Я")
)
VERSIONS = st.just("HTTP/1.0") | st.sampled_from(
    ("HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/", "HTTP/1.1.1", "", "x")
)
HEADERS = st.lists(
    st.sampled_from(
        ("Host: x", "Range: bytes=0-1", "Content-Length: -1", "Content-Length: 9", "Transfer-Encoding: chunked", ": x",
         "Expect: 100-continue", "Connection: keep-alive", "Authorization: Basic", "Authorization: Basic ====", " x")
    ),
    max_size=4,
)  # fmt: skip


class Served:
    """A server and what every client got of it."""

    def __init__(self, server: WebServer) -> None:
        self._server = server

    def answer(self, sent: bytes) -> bytes:
        """All that comes until the server hangs up; the client says at once that it has no more to say."""
        with socket.create_connection(("127.0.0.1", self._server.port), TIMEOUT_S) as client:
            got = b""
            with contextlib.suppress(ConnectionError, BrokenPipeError):
                client.sendall(sent)
                client.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionError):
                while part := client.recv(65536):
                    got += part
            return got


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(request, "LOGIN_DELAY_S", 0.0)
    monkeypatch.setattr(listener.Listener, "timeout", 0.02)
    for name, content in {
        "www/index.html": SHOWN, "www/.hidden/index.html": HIDDEN, "log/User/ftp.ini": HIDDEN, "secret.txt": HIDDEN,
        "var/index.html": HIDDEN, "log/index.html": HIDDEN,
    }.items():  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "www/link").symlink_to(tmp_path / "log")
    crashes: list[str] = []
    with nothing_left():
        server = WebServer(tmp_path, 0, INTERNAL, lambda *_: None, lambda _thread, text: crashes.append(text))
        server.start()
        try:
            yield Served(server)
        finally:
            server.stop()
    assert crashes == []


def check(served: Served, sent: bytes, *, may_read: bool) -> None:
    got = served.answer(sent)
    assert HIDDEN not in got
    assert may_read or SHOWN not in got
    assert b"Traceback" not in got and b"Python" not in got
    whole = f"GET / HTTP/1.1\r\n{LOGIN}\r\n\r\n".encode()
    assert SHOWN in served.answer(whole), "others are served as before"


LIVE = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@LIVE
@given(sent=st.binary(max_size=400))
def test_noise_gets_nothing_and_stops_nobody(served: Served, sent: bytes) -> None:
    check(served, sent, may_read=False)


@LIVE
@example(method="GET", target="/link/User/ftp.ini", version="HTTP/1.0", headers=[], login=True, cut=0)
@example(method="GET", target="/..%2flog/User/ftp.ini", version="HTTP/1.0", headers=[], login=True, cut=0)
@given(method=METHODS, target=TARGETS, version=VERSIONS, headers=HEADERS, login=st.booleans(), cut=st.integers(0, 3))
def test_odd_requests_get_no_more_than_plain_ones(
    served: Served, method: str, target: str, version: str, headers: list[str], login: bool, cut: int
) -> None:
    lines = [f"{method} {target} {version}", *headers, *([LOGIN] if login else []), "", ""]
    sent = "\r\n".join(lines).encode()
    check(served, sent[: len(sent) - cut], may_read=login)


@given(target=st.one_of(TARGETS, st.text(max_size=60)))
def test_the_names_of_a_target_never_lead_up_or_aside(target: str) -> None:
    for name in names_of(target) or ():
        assert name and "/" not in name and "\\" not in name and "\0" not in name and not name.startswith(".")

"""`www/` over HTTP: who gets what, and that nothing of the server outlives it."""

from __future__ import annotations

import http.client
import os
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from engine.settings import InternalFtp
from engine.web import WebServer, listener, request
from engine.web.tree import names_of
from tests.fake.leaks import nothing_left

TIMEOUT_S = 20.0
INTERNAL = InternalFtp(
    enabled=False, bind="127.0.0.1", port=21, passive_ports=None, user="main", password="секрет:1",
    read_user="reader", read_password="secret-2", inbox_user="inbox", inbox_password="secret-3", tls=0,
    inbox_limit_bytes=1000,
)  # fmt: skip


class Rig:
    """A server on a free port; what it told its owner."""

    def __init__(self, root: Path, settings: InternalFtp = INTERNAL) -> None:
        self.root = root
        self.failed: list[tuple[str, str]] = []
        self.crashes: list[str] = []
        self.server = WebServer(
            root, 0, settings, lambda *told: self.failed.append(told), lambda _thread, text: self.crashes.append(text)
        )

    def get(
        self, target: str, login: str | None = "main:секрет:1", method: str = "GET", **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        client = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=TIMEOUT_S)
        if login is not None:
            headers["Authorization"] = f"Basic {b64encode(login.encode()).decode()}"
        try:
            client.request(method, target, headers=headers)
            answer = client.getresponse()
            return answer, answer.read()
        finally:
            client.close()

    def status(self, target: str, login: str | None = "main:секрет:1") -> int:
        return self.get(target, login)[0].status

    def raw(self, data: bytes = b"") -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.server.port), TIMEOUT_S)
        client.sendall(data)
        return client


@contextmanager
def serving(root: Path, settings: InternalFtp = INTERNAL) -> Iterator[Rig]:
    with nothing_left():
        rig = Rig(root, settings)
        rig.server.start()
        try:
            yield rig
        finally:
            rig.server.stop()
    assert rig.crashes == []


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request, "LOGIN_DELAY_S", 0.0)
    monkeypatch.setattr(listener.Listener, "timeout", 0.02)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in {
        "www/index.html": "<html>список", "www/440020/index.html": "<html>архив", "www/440020/H-2026-09.txt": "[0]\n\n",
        "www/440020/.x.tmp": "x", "www/empty/a.pdf": "%PDF", "www/Отчёт 1.txt": "да", "log/User/ftp.ini": "secret",
        "www/.hidden/a.txt": "x",
    }.items():  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def rig(root: Path) -> Iterator[Rig]:
    with serving(root) as running:
        yield running


# --- what is served


@pytest.mark.parametrize(
    ("target", "body", "kind"),
    [
        ("/", "<html>список", "text/html; charset=utf-8"),
        ("/index.html?x=1", "<html>список", "text/html; charset=utf-8"),
        ("/440020/", "<html>архив", "text/html; charset=utf-8"),
        ("/440020/H-2026-09.txt", "[0]\n\n", "text/plain; charset=utf-8"),
        ("/%D0%9E%D1%82%D1%87%D1%91%D1%82%201.txt", "да", "text/plain; charset=utf-8"),
        ("/empty/a.pdf", "%PDF", "application/pdf"),
    ],
)
def test_a_file_is_served_as_what_it_is(rig: Rig, target: str, body: str, kind: str) -> None:
    answer, got = rig.get(target)
    assert (answer.status, got.decode(), answer.headers["Content-Type"]) == (200, body, kind)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_head_tells_the_same_without_the_file(rig: Rig) -> None:
    answer, body = rig.get("/440020/H-2026-09.txt", method="HEAD")
    assert (answer.status, body, answer.headers["Content-Length"]) == (200, b"", "5")
    assert rig.get("/none", method="HEAD")[1] == b""


def test_a_folder_asked_for_as_a_file_leads_into_it(rig: Rig) -> None:
    answer, _ = rig.get("/440020")
    assert (answer.status, answer.headers["Location"]) == (301, "/440020/")


def test_a_folder_without_an_index_is_not_listed(rig: Rig) -> None:
    assert rig.status("/empty/") == 404


@pytest.mark.parametrize(
    "target",
    [
        "/../log/User/ftp.ini", "/%2e%2e/log/User/ftp.ini", "/440020/../../log/User/ftp.ini", "/..%2flog/User/ftp.ini",
        "/440020/%2e%2e%2f%2e%2e%2flog%2fUser%2fftp.ini", "/..\\log\\User\\ftp.ini", "//log/User/ftp.ini",
        "/./index.html", "/440020/.x.tmp", "/.hidden/a.txt", "/index.html%00.txt", "/%ff.txt",
        "/440020//H-2026-09.txt", "/index.html/", "http://127.0.0.1/index.html", "*", "/none",
        "/%0d%0aSet-Cookie:%20a=b", "/440020/H-2026-09.txt/x", "/" + "a" * 300,
    ],
)  # fmt: skip
def test_nothing_else_is_there(rig: Rig, target: str) -> None:
    with rig.raw(f"GET {target} HTTP/1.0\r\nAuthorization: Basic {_basic()}\r\n\r\n".encode("latin-1")) as client:
        answer = _all(client)
    assert answer.startswith((b"HTTP/1.0 404", b"HTTP/1.0 400")), answer[:200]
    assert b"secret" not in answer and b"Set-Cookie" not in answer


def test_no_link_and_no_pipe_is_followed(rig: Rig) -> None:
    (rig.root / "www/link.txt").symlink_to(rig.root / "log/User/ftp.ini")
    (rig.root / "www/outside").symlink_to(rig.root / "log")
    os.mkfifo(rig.root / "www/pipe")
    for target in ("/link.txt", "/outside/User/ftp.ini", "/outside/", "/outside", "/pipe"):
        assert rig.status(target) == 404, target


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PROPFIND", "TRACE"])
def test_files_can_only_be_read(rig: Rig, method: str) -> None:
    answer, _ = rig.get("/index.html", method=method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert (rig.root / "www/index.html").read_text() == "<html>список"


@pytest.mark.parametrize("path", ["/a/b.txt", "/Отчёт", "/a:b", "/~x"])
def test_a_plain_path_is_taken_as_it_is(path: str) -> None:
    assert names_of(path) == tuple(path[1:].split("/"))


# --- who is served


@pytest.mark.parametrize("login", ["main:секрет:1", "reader:secret-2"])
def test_the_users_of_the_ftp_server_read(rig: Rig, login: str) -> None:
    assert rig.status("/", login) == 200
    assert rig.failed == []


@pytest.mark.parametrize("login", [None, "main:", "main:wrong", "Main:секрет:1", ":", "", "main", "nobody:секрет:1"])
@pytest.mark.parametrize("target", ["/", "/none", "/440020"])
def test_nobody_else_learns_anything(rig: Rig, login: str | None, target: str) -> None:
    answer, body = rig.get(target, login)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert "Введите имя и пароль" in body.decode()


def test_who_may_only_send_sees_nothing(rig: Rig) -> None:
    assert rig.status("/", "inbox:secret-3") == 403


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !!!", "Basic bWFpbg==", "Bearer x", "Digest username=main", "Basic " + "A" * 9000]
)
def test_a_login_that_cannot_be_read_is_none(rig: Rig, header: str) -> None:
    assert rig.get("/", None, Authorization=header)[0].status == 401
    assert rig.failed == []


def test_a_failed_login_is_told_with_its_address_and_waits(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request, "LOGIN_DELAY_S", 0.2)
    begun = time.monotonic()
    assert rig.status("/", "main:wrong") == 401
    assert time.monotonic() - begun >= 0.2
    assert rig.status("/", None) == 401
    assert rig.failed == [("main", "127.0.0.1")]


def test_the_factory_s_password_works_only_from_here(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    factory = replace(INTERNAL, user="TsmSmartFtp", password="TsmSmartFtp")
    with serving(root, factory) as rig:
        assert rig.status("/", "TsmSmartFtp:TsmSmartFtp") == 200
        monkeypatch.setattr(request, "may_come_from", lambda password, _: password != "TsmSmartFtp")
        assert rig.status("/", "TsmSmartFtp:TsmSmartFtp") == 401
        assert rig.failed == [("TsmSmartFtp", "127.0.0.1")]


def test_nothing_tells_what_serves(rig: Rig) -> None:
    with rig.raw(b"GARBAGE\r\n\r\n") as client:
        answers = [_all(client)]
    for target, login in (("/", None), ("/none", "main:секрет:1"), ("/", "main:секрет:1")):
        answer, body = rig.get(target, login)
        answers.append(str(answer.headers).encode() + body)
    for told in answers:
        assert b"Python" not in told and b"Server:" not in told and b"GARBAGE" not in told


# --- limits


def test_a_request_that_is_too_long_is_refused(rig: Rig) -> None:
    for lines in (
        b"X: " + b"a" * 60_000,
        b"\r\n".join(b"X%d: a" % number for number in range(90)) + b"\r\nY: " + b"b" * 20_000,
    ):
        with rig.raw(b"GET / HTTP/1.0\r\n" + lines[:17_000] + b"\r\n\r\n") as client:
            assert _all(client).startswith(b"HTTP/1.0 431")
    with rig.raw(b"GET /" + b"a" * 17_000) as client:
        assert not _all(client).startswith(b"HTTP/1.0 2")


def test_a_client_that_dribbles_is_dropped_and_others_are_served_meanwhile(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "REQUEST_TIMEOUT_S", 0.5)
    with rig.raw(b"GET / HT") as slow:
        assert rig.status("/") == 200
        dropped = threading.Event()

        def dribble() -> None:
            while not dropped.wait(0.05):
                try:
                    slow.sendall(b"T")
                except OSError:
                    return

        thread = threading.Thread(target=dribble, name="dribble")
        thread.start()
        try:
            assert b"200" not in _all(slow)
        finally:
            dropped.set()
            thread.join(TIMEOUT_S)


def test_a_client_that_does_not_read_is_dropped(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request.Request, "timeout", 0.3)
    (root / "www/large.txt").write_bytes(b"x" * 20_000_000)
    with serving(root) as rig, rig.raw() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(f"GET /large.txt HTTP/1.0\r\nAuthorization: Basic {_basic()}\r\n\r\n".encode())
        assert client.recv(1) == b"H"
        _until(lambda: len(_threads()) == 1)


def test_one_address_cannot_take_every_place(rig: Rig) -> None:
    idle = [rig.raw() for _ in range(listener.MAX_CONNECTIONS_PER_ADDRESS)]
    try:
        _until(lambda: len(_threads()) == listener.MAX_CONNECTIONS_PER_ADDRESS + 1)
        with rig.raw(b"GET / HTTP/1.0\r\n\r\n") as one_more:
            assert _all(one_more) == b""
    finally:
        for client in idle:
            client.close()
    _until(lambda: len(_threads()) == 1)
    assert rig.status("/") == 200


def test_a_file_that_grows_while_it_is_sent_ends_where_it_was_said_to(rig: Rig) -> None:
    large = rig.root / "www/large.txt"
    large.write_bytes(b"x" * 3_000_000)
    with rig.raw(f"GET /large.txt HTTP/1.0\r\nAuthorization: Basic {_basic()}\r\n\r\n".encode()) as client:
        head = client.recv(100)
        with large.open("ab") as file:
            file.write(b"y" * 1000)
        body = (head + _all(client)).partition(b"\r\n\r\n")[2]
    assert body == b"x" * 3_000_000


# --- life


def test_the_end_disconnects_whoever_is_there_and_leaves_nothing(root: Path) -> None:
    (root / "www/large.txt").write_bytes(b"x" * 20_000_000)
    with serving(root) as rig:
        waiting = rig.raw(b"GET / HTTP/1.0\r\n")
        reading = rig.raw(f"GET /large.txt HTTP/1.0\r\nAuthorization: Basic {_basic()}\r\n\r\n".encode())
        reading.recv(100)
        _until(lambda: len(_threads()) == 3)
        port = rig.server.port
        rig.server.stop()
        assert not rig.server.alive and _threads() == []
        rig.server.stop()
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", port), 1.0)
        waiting.close()
        reading.close()


def test_a_port_that_is_taken_is_an_error_and_leaves_nothing(root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, nothing_left():
        server = WebServer(root, taken.getsockname()[1], INTERNAL, lambda *_: None, lambda *_: None)
        with pytest.raises(OSError):
            server.start()
        assert not server.alive


def test_it_listens_where_the_ftp_server_does(root: Path) -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with serving(root, replace(INTERNAL, bind="::1")) as rig:
        client = http.client.HTTPConnection("::1", rig.server.port, timeout=TIMEOUT_S)
        client.request("GET", "/", headers={"Authorization": f"Basic {_basic()}"})
        assert client.getresponse().status == 200
        client.close()


def _basic() -> str:
    return b64encode("main:секрет:1".encode()).decode()


def _all(client: socket.socket) -> bytes:
    """Whatever comes until the other side ends, however it does."""
    client.settimeout(TIMEOUT_S)
    parts = []
    try:
        while part := client.recv(65536):
            parts.append(part)
    except ConnectionError:
        pass
    return b"".join(parts)


def _threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "web"]


def _until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)

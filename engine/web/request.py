"""One request: who asks, for what, and the answer. One answer a connection, and never a word on what serves it."""

from __future__ import annotations

import binascii
import io
import os
import socket
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import BinaryIO

from engine import naming
from engine.ftpd.accounts import Account, authenticate, may_come_from
from engine.ftpd.rights import Act, Role, allowed
from engine.web.tree import content_type, folder_target, names_of, open_file

HEAD_LIMIT_BYTES = 16 * 1024
"""Of a whole request, its headers included."""
CHUNK_BYTES = 64 * 1024
CHUNK_TIMEOUT_S = 30.0
"""So long a chunk may take on its way: a line of two kilobytes a second is still served."""
LOGIN_DELAY_S = 1.0

_TEXTS = {
    HTTPStatus.UNAUTHORIZED: "Введите имя и пароль встроенного FTP-сервера.",
    HTTPStatus.FORBIDDEN: "Этому пользователю файлы не показываются.",
    HTTPStatus.NOT_FOUND: "Такого файла нет.",
    HTTPStatus.METHOD_NOT_ALLOWED: "Файлы можно только читать.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "Запрос слишком длинный.",
}


@dataclass(frozen=True, slots=True)
class Site:
    """What is served and to whom. `on_login_failed(user, address)` is called in the thread of a connection."""

    www: Path
    accounts: tuple[Account, ...]
    on_login_failed: Callable[[str, str], None]


class Request(BaseHTTPRequestHandler):
    """Takes one request and answers it. `asked()` is told when it is whole, `pause(seconds)` waits unless it ends."""

    timeout = CHUNK_TIMEOUT_S

    def __init__(
        self,
        client: socket.socket,
        address: str,
        server: HTTPServer,
        site: Site,
        asked: Callable[[], None],
        pause: Callable[[float], None],
    ) -> None:
        self._site = site
        self._asked = asked
        self._pause = pause
        super().__init__(client, (address, 0), server)

    def setup(self) -> None:
        super().setup()
        self._head = _Limited(self.rfile, HEAD_LIMIT_BYTES)
        self.rfile = self._head

    def do_GET(self) -> None:
        self._asked()
        if not self._head.left:
            self.send_error(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return
        role = self._role()
        if role is None:
            self.send_error(HTTPStatus.UNAUTHORIZED)
        elif not allowed(role, Act.READ, naming.INDEX):
            self.send_error(HTTPStatus.FORBIDDEN)
        else:
            self._answer()

    do_HEAD = do_GET

    # --- who asks

    def _role(self) -> Role | None:
        user, password = _credentials(self.headers.get("Authorization", ""))
        role = authenticate(self._site.accounts, user, password)
        address = self.client_address[0]
        if role is not None and may_come_from(password, address):
            return role
        if user or password:
            self._site.on_login_failed(user, address)
            self._pause(LOGIN_DELAY_S)
        return None

    # --- the answer

    def _answer(self) -> None:
        names = names_of(self.path)
        if names is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        try:
            file = open_file(self._site.www, names)
        except IsADirectoryError:
            self._send_head(HTTPStatus.MOVED_PERMANENTLY, {"Location": folder_target(names), "Content-Length": "0"})
        except OSError:
            self.send_error(HTTPStatus.NOT_FOUND)
        else:
            with file:
                self._send_file(names[-1], file)

    def _send_file(self, name: str, file: BinaryIO) -> None:
        """As long as it is now: an archive may grow meanwhile."""
        stat = os.fstat(file.fileno())
        headers = {"Content-Type": content_type(name), "Content-Length": str(stat.st_size)}
        self._send_head(HTTPStatus.OK, {**headers, "Last-Modified": self.date_time_string(int(stat.st_mtime))})
        left = 0 if self.command == "HEAD" else stat.st_size
        while left and (chunk := file.read(min(left, CHUNK_BYTES))):
            self.wfile.write(chunk)
            left -= len(chunk)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """A short text in Russian; what the library would say of the request is not repeated to whoever sent it."""
        del message, explain
        status = HTTPStatus(code)
        if status is HTTPStatus.NOT_IMPLEMENTED:
            status = HTTPStatus.METHOD_NOT_ALLOWED
        body = f"{_TEXTS.get(status, 'Запрос не понят.')}\n".encode()
        headers = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body))}
        if status is HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = 'Basic realm="TSM-SMART", charset="UTF-8"'
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = "GET, HEAD"
        self._send_head(status, headers)
        if self.command != "HEAD":
            self.wfile.write(body)

    def _send_head(self, status: HTTPStatus, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Date", self.date_time_string())
        self.send_header("Cache-Control", "no-cache, private")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not journaled; refused logins are counted by the owner."""


def _credentials(header: str) -> tuple[str, str]:
    """Name and password of HTTP Basic (RFC 7617); both empty when the header tells none."""
    scheme, _, encoded = header.partition(" ")
    try:
        text = b64decode(encoded.strip(), validate=True).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError):
        return "", ""
    user, colon, password = text.partition(":")
    return (user, password) if scheme.lower() == "basic" and colon else ("", "")


class _Limited(io.BufferedIOBase):
    """The lines of a request, up to a number of bytes; then it is at its end."""

    def __init__(self, source: io.BufferedIOBase, limit_bytes: int) -> None:
        super().__init__()
        self.left = limit_bytes
        self._source = source

    def readable(self) -> bool:
        return True

    def readline(self, size: int | None = -1, /) -> bytes:
        most = self.left if size is None or size < 0 else min(size, self.left)
        line = self._source.readline(most)
        self.left -= len(line)
        return line

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()

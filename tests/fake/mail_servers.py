"""Real mail servers on loopback: one that takes letters, with encryption and login as wanted, and a silent one."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP as POLICY
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.fake.certificates import LOOPBACK, Identity
from tests.fake.debian_servers import free_port

USER, PASSWORD = "robot", "s3cret-word"


class Letters:
    """What has come, in its order. `answers` gives what is said instead of 250, by command or address.

    `looks_s` is how long a letter is looked at before it is taken.
    """

    def __init__(self, answers: Mapping[str, str] | None = None) -> None:
        self.answers = dict(answers or {})
        self.envelopes: list[Envelope] = []
        self.logins: list[str] = []
        self.secured: list[bool] = []
        self.looks_s = 0.0

    @property
    def messages(self) -> list[EmailMessage]:
        parser = BytesParser(policy=POLICY)
        return [cast("EmailMessage", parser.parsebytes(bytes(each.content or b""))) for each in self.envelopes]

    async def handle_MAIL(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "MAIL" in self.answers:
            return self.answers["MAIL"]
        envelope.mail_from, envelope.mail_options = address, options
        return "250 OK"

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        for key in ("RCPT", address):
            if key in self.answers:
                return self.answers[key]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:
        await asyncio.sleep(self.looks_s)
        if len(envelope.content or b"") > int(self.answers.get("most", 1 << 30)):
            return "552 too much for this server"
        if "DATA" in self.answers:
            return self.answers["DATA"]
        self.envelopes.append(envelope)
        self.secured.append(session.ssl is not None)
        return "250 OK"

    def login(self, _server: Any, _session: Any, _envelope: Any, mechanism: str, data: Any) -> AuthResult:
        self.logins.append(mechanism)
        assert isinstance(data, LoginPassword)
        right = data.login == USER.encode() and data.password == PASSWORD.encode()
        return AuthResult(success=right, handled=False)


@contextmanager
def mail_server(
    letters: Letters,
    identity: Identity | None = None,
    *,
    implicit: bool = False,
    login: bool = False,
    size: int = 1 << 25,
    port: int = 0,
) -> Iterator[int]:
    """The port of a server for as long as the block lasts; with an `identity` it encrypts, at once or by STARTTLS."""
    context = None
    if identity is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(identity.certificate, identity.key)
    settings: dict[str, Any] = {"data_size_limit": size, "server_hostname": "mail.example.ru"}
    if login:
        settings |= {"authenticator": letters.login, "auth_require_tls": context is not None and not implicit}
    if context is not None and implicit:
        settings["ssl_context"] = context
    elif context is not None:
        settings["tls_context"] = context
    controller = Controller(letters, hostname=LOOPBACK, port=port or free_port(), **settings)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@contextmanager
def scripted_server(answers: Mapping[str, bytes]) -> Iterator[int]:
    """The port of a server that greets one client and answers each of its lines by the first word, as it is told."""
    listening = socket.create_server((LOOPBACK, 0))

    def serve() -> None:
        with suppress(OSError), listening.accept()[0] as client, client.makefile("rb") as lines:
            client.sendall(b"220 hello\r\n")
            for line in lines:
                client.sendall(answers.get(line.split()[0].decode().upper(), b"250 OK\r\n"))

    thread = threading.Thread(target=serve, name="scripted mail server", daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)


@contextmanager
def silent_server(greeting: bytes = b"", port: int = 0) -> Iterator[int]:
    """The port of a server that takes a connection, says `greeting` and nothing more."""
    held: list[socket.socket] = []
    listening = socket.create_server((LOOPBACK, port))

    def serve() -> None:
        try:
            while True:
                client, _ = listening.accept()
                held.append(client)
                if greeting:
                    client.sendall(greeting)
        except OSError:
            return

    thread = threading.Thread(target=serve, name="silent mail server", daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)
        for client in held:
            client.close()

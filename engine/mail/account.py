"""How mail is sent, out of the manual's own two files `ssmtp.conf` and `revaliases` (7.5, #114, #115). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from engine.settings.smallfiles import Alias

IMPLICIT_TLS_PORT, STARTTLS_PORT, PLAIN_PORT = 465, 587, 25
METHODS = ("PLAIN", "LOGIN", "CRAM-MD5")
KNOWN = frozenset(
    (
        "mailhub", "authuser", "authpass", "authmethod", "root", "rewritedomain", "hostname", "fromlineoverride",
        "usetls", "usestarttls", "usetlscert",
    )
)  # fmt: skip
"""Keys that act. `UseTLSCert` asks for a certificate of our own, which only `TLSCert` could name."""
SILENT = frozenset(("debug", "minuserid", "mailhubport"))

_NAME = r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*"
_HOST = re.compile(rf"{_NAME}\.?|[0-9A-Fa-f]{{0,4}}:[0-9A-Fa-f:.]{{1,40}}")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_ADDRESS = re.compile(rf"(?=[^@]{{1,64}}@.{{1,190}}$){_ATOM}(?:\.{_ATOM})*@{_NAME}")
"""What can be sent to: no dot stands alone, and every letter is Latin (RFC 5321 without SMTPUTF8)."""


class Security(StrEnum):
    """How the connection is encrypted."""

    TLS = "TLS"
    STARTTLS = "STARTTLS"
    NONE = "без шифрования"


@dataclass(frozen=True, slots=True)
class Account:
    """A server and who sends. `display`: the sender's address is shown with the agent's name (FromLineOverride).

    `hostname` is what the agent calls itself towards the server, empty: the name of the board.
    """

    host: str
    port: int
    security: Security
    user: str
    password: str = field(repr=False)
    method: str
    sender: str
    display: bool
    hostname: str


def account_of(ssmtp: Mapping[str, str], aliases: Sequence[Alias]) -> Account | str:
    """The account that both files together say; a text says what is missing. Keys of `ssmtp` are in lower case."""
    alias = next((each for each in aliases if each.local.lower() == "root"), None)
    mailhub = (alias.mailhub if alias else "") or ssmtp.get("mailhub", "")
    place = _place(mailhub)
    if place is None:
        return "ssmtp.conf: mailhub не указан или не читается, нужно сервер:порт"
    host, port = place
    user, method = ssmtp.get("authuser", ""), ssmtp.get("authmethod", "").upper()
    if method and method not in METHODS:
        return f"ssmtp.conf: AuthMethod бывает {', '.join(METHODS)}"
    hostname, password = ssmtp.get("hostname", ""), ssmtp.get("authpass", "")
    if not (user + password).isascii() or (hostname and not _HOST.fullmatch(hostname)):
        return "ssmtp.conf: в AuthUser, AuthPass и hostname бывают только латинские буквы, цифры и знаки"
    sender = alias.address if alias else _sender(user, ssmtp.get("rewritedomain", ""), hostname)
    if not _ADDRESS.fullmatch(sender):
        return "ssmtp.conf, revaliases: адрес отправителя не читается, нужно имя@сервер"
    display = _is_yes(ssmtp.get("fromlineoverride", ""))
    return Account(host, port, _security(port, ssmtp), user, password, method, sender, display, hostname)


def recipients_of(mail_to: Sequence[str], ssmtp: Mapping[str, str]) -> tuple[str, ...]:
    """`MailTo`, else whoever gets the mail of root; only what is an address, else nobody would get the letter."""
    wanted = tuple(dict.fromkeys(mail_to)) or (ssmtp.get("root", ""),)
    return tuple(each for each in wanted if _ADDRESS.fullmatch(each))


def unsendable_of(mail_to: Sequence[str]) -> list[str]:
    """Which of `MailTo` get nothing, and why."""
    wrong = (each for each in dict.fromkeys(mail_to) if not _ADDRESS.fullmatch(each))
    return [f"почта: MailTo: {each} не адрес вида имя@сервер латиницей, туда ничего не уходит" for each in wrong]


def remarks_of(account: Account, ssmtp: Mapping[str, str]) -> list[str]:
    """What a person should know of these settings."""
    remarks = [f"ssmtp.conf: ключ {key} не действует" for key in sorted(set(ssmtp) - KNOWN - SILENT)]
    if account.security is Security.NONE:
        remarks.append(f"почта: {account.host} без шифрования, всё идёт открытым текстом")
    return remarks


def _security(port: int, ssmtp: Mapping[str, str]) -> Security:
    """By the port where it says it, whatever the keys say: 465 with STARTTLS, as the manual shows it, cannot work."""
    starttls = ssmtp.get("usestarttls", "")
    if port == IMPLICIT_TLS_PORT:
        return Security.TLS
    if _is_yes(starttls) or (port == STARTTLS_PORT and not starttls):
        return Security.STARTTLS
    return Security.TLS if _is_yes(ssmtp.get("usetls", "")) else Security.NONE


def _sender(user: str, domain: str, hostname: str) -> str:
    """As ssmtp builds it: a whole address of the login, else the login at the domain that mail is rewritten to."""
    if domain:
        return f"{user.partition('@')[0] or 'root'}@{domain}"
    return user if "@" in user else f"{user or 'root'}@{hostname or 'localhost'}"


def _place(mailhub: str) -> tuple[str, int] | None:
    mailhub = mailhub.strip()
    host, colon, port = mailhub.rpartition(":")
    if not colon or mailhub.endswith("]") or (":" in host and not host.startswith("[")):
        host, port = mailhub, str(PLAIN_PORT)
    host = host.strip("[]")
    if not _HOST.fullmatch(host) or not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:
        return None
    return host, int(port)


def _is_yes(value: str) -> bool:
    return value.lower() in ("yes", "on", "true", "1")

"""ssmtp.conf and revaliases: which server, how encrypted, who sends."""

from __future__ import annotations

from email.headerregistry import Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import naming
from engine.config import FACTORY
from engine.mail.account import Account, Security, account_of, recipients_of, remarks_of, unsendable_of
from engine.settings.smallfiles import Alias, parse_revaliases, parse_ssmtp


def account(*aliases: Alias, **ssmtp: str) -> Account:
    found = account_of({"mailhub": "mail.example.ru:587", **ssmtp}, aliases)
    assert isinstance(found, Account), found
    return found


def test_the_factory_files_say_what_the_manual_says() -> None:
    ssmtp = parse_ssmtp("ssmtp.conf", (FACTORY / naming.SSMTP_CONF).read_text(encoding="utf-8"))
    found = account_of(ssmtp, parse_revaliases("revaliases", (FACTORY / naming.REVALIASES).read_text(encoding="utf-8")))
    assert isinstance(found, Account)
    assert (found.host, found.port, found.security) == ("smtp.gmail.com", 587, Security.STARTTLS)
    assert found.display and remarks_of(found, ssmtp) == []


@pytest.mark.parametrize(
    ("mailhub", "keys", "security"),
    [
        ("h:465", {}, Security.TLS),
        ("h:465", {"usestarttls": "YES"}, Security.TLS),
        ("h:587", {}, Security.STARTTLS),
        ("h:587", {"usestarttls": "NO"}, Security.NONE),
        ("h:2525", {"usestarttls": "yes"}, Security.STARTTLS),
        ("h:2525", {"usetls": "YES"}, Security.TLS),
        ("h:2525", {"usetls": "YES", "usestarttls": "YES"}, Security.STARTTLS),
        ("h", {}, Security.NONE),
    ],
)
def test_the_port_says_how_it_is_encrypted_then_the_keys(
    mailhub: str, keys: dict[str, str], security: Security
) -> None:
    found = account(mailhub=mailhub, **keys)
    assert found.security is security
    assert any("открытым текстом" in remark for remark in remarks_of(found, {})) == (security is Security.NONE)


@pytest.mark.parametrize(
    ("mailhub", "place"),
    [("h", ("h", 25)), ("h:26", ("h", 26)), ("[::1]:587", ("::1", 587)), ("::1", ("::1", 25)), ("[::1]", ("::1", 25))],
)
def test_a_mailhub_is_a_host_with_or_without_a_port(mailhub: str, place: tuple[str, int]) -> None:
    found = account(mailhub=mailhub)
    assert (found.host, found.port) == place


@pytest.mark.parametrize(
    "mailhub", ["", "h:", "h:0", "h:70000", "h:x", "a b:25", "сервер:25", "h:²5", "a..b:25", ".h:25", "."]
)
def test_a_mailhub_that_cannot_be_is_told(mailhub: str) -> None:
    assert "mailhub" in str(account_of({"mailhub": mailhub}, ()))


def test_revaliases_gives_the_sender_and_its_server() -> None:
    found = account(Alias("root", "me@yandex.ru", "smtp.yandex.ru:465"), rewritedomain="other.ru", authuser="x")
    assert (found.sender, found.host, found.security) == ("me@yandex.ru", "smtp.yandex.ru", Security.TLS)
    assert account(Alias("other", "me@yandex.ru", "h:1")).host == "mail.example.ru"
    assert account(Alias("root", "me@yandex.ru", "")).host == "mail.example.ru"


@pytest.mark.parametrize(
    ("keys", "sender"),
    [
        ({"authuser": "me@gmail.com"}, "me@gmail.com"),
        ({"authuser": "me@gmail.com", "rewritedomain": "mydomain.ru"}, "me@mydomain.ru"),
        ({"authuser": "me", "rewritedomain": "mydomain.ru"}, "me@mydomain.ru"),
        ({"authuser": "me", "hostname": "board.local"}, "me@board.local"),
        ({"hostname": "board.local"}, "root@board.local"),
        ({"rewritedomain": "mydomain.ru"}, "root@mydomain.ru"),
        ({}, "root@localhost"),
    ],
)
def test_without_revaliases_the_sender_is_built_as_ssmtp_does(keys: dict[str, str], sender: str) -> None:
    assert account(**keys).sender == sender


@pytest.mark.parametrize(
    "keys",
    [
        {"authpass": "пароль"}, {"authuser": "я"}, {"hostname": "а"}, {"authmethod": "NTLM"}, {"rewritedomain": "a b"},
        {"authuser": "a b"}, {"authuser": "<a>@b"},
    ],
)  # fmt: skip
def test_what_would_break_a_session_is_told_before_it(keys: dict[str, str]) -> None:
    told = account_of({"mailhub": "h", **keys}, ())
    assert isinstance(told, str) and "пароль" not in told


def test_a_password_is_in_no_diagnostic() -> None:
    assert "s3cret" not in repr(account(authuser="me", authpass="s3cret"))


def test_from_line_override_shows_the_name() -> None:
    assert account(fromlineoverride="YES").display and not account(fromlineoverride="NO").display


def test_mail_goes_to_mailto_else_to_root() -> None:
    assert recipients_of(("a@b.ru", "a@b.ru", "c@d.ru"), {"root": "r@b.ru"}) == ("a@b.ru", "c@d.ru")
    assert recipients_of((), {"root": "r@b.ru"}) == ("r@b.ru",)
    for root in ("postmaster", "", "a@b c"):
        assert recipients_of((), {"root": root}) == ()


def test_keys_that_do_nothing_are_told() -> None:
    ssmtp: dict[str, Any] = {"tlscert": "/etc/x.pem", "debug": "YES", "usetlscert": "YES"}
    assert remarks_of(account(), ssmtp) == ["ssmtp.conf: ключ tlscert не действует"]


WRONG = ("почта@пример.рф", "a..b@x.ru", ".a@x.ru", "a@x..ru", "a@x.ru.", "a@.", f"a@{'x' * 64}.ru", "a@")


@pytest.mark.parametrize("address", WRONG)
def test_an_address_that_nothing_can_be_sent_to_is_told_and_the_others_get_it(address: str) -> None:
    assert recipients_of((address, "good@x.ru"), {"root": "r@b.ru"}) == ("good@x.ru",)
    (told,) = unsendable_of((address, "good@x.ru", address))
    assert told == f"почта: MailTo: {address} не адрес вида имя@сервер латиницей, туда ничего не уходит"


@pytest.mark.parametrize("address", ["a@b.ru", "a.b+c@x-y.example.ru", "o'neil@x.ru", f"{'a' * 64}@x.ru"])
def test_what_counts_as_an_address_can_stand_in_a_letter(address: str) -> None:
    assert recipients_of((address,), {}) == (address,)
    assert Address(addr_spec=address).addr_spec == address


@given(st.text("aA1.@-_+", max_size=12))
def test_no_address_breaks_a_letter(address: str) -> None:
    for each in recipients_of((address,), {}):
        assert Address(addr_spec=each).addr_spec == each

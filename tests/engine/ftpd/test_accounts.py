"""Who logs in, and from where."""

from __future__ import annotations

import pytest

from engine.ftpd.accounts import FACTORY_PASSWORD, accounts_of, authenticate, from_here, may_come_from, role_of
from engine.ftpd.rights import Role
from engine.settings import InternalFtp


def internal(**changes: str) -> InternalFtp:
    names = {
        "user": "main", "password": "secret-1", "read_user": "reader", "read_password": "secret-2",
        "inbox_user": "inbox", "inbox_password": "secret-3",
    }  # fmt: skip
    return InternalFtp(
        enabled=True, bind="127.0.0.1", port=0, passive_ports=None, tls=0, inbox_limit_bytes=1000, **(names | changes)
    )


@pytest.mark.parametrize(
    ("name", "password", "role"),
    [("main", "secret-1", Role.USER), ("reader", "secret-2", Role.READER), ("inbox", "secret-3", Role.INBOX)],
)
def test_each_user_gets_his_role(name: str, password: str, role: Role) -> None:
    known = accounts_of(internal())
    assert authenticate(known, name, password) is role
    assert role_of(known, name) is role


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("main", ""), ("main", "secret-2"), ("main", "SECRET-1"), ("main", "secret-1 "), ("Main", "secret-1"),
        ("", ""), ("", "secret-1"), ("anonymous", ""), ("anonymous", "a@b"), ("nobody", "secret-1"),
        ("main", "\udcff"),
    ],
)  # fmt: skip
def test_nobody_else_gets_in(name: str, password: str) -> None:
    assert authenticate(accounts_of(internal()), name, password) is None


def test_a_user_without_a_name_or_a_password_is_no_user() -> None:
    known = accounts_of(internal(read_user="", read_password="", inbox_password=""))
    assert authenticate(known, "", "") is None
    assert authenticate(known, "inbox", "") is None
    assert role_of(known, "") is None


def test_of_two_users_with_one_name_the_first_counts() -> None:
    known = accounts_of(internal(read_user="main"))
    assert role_of(known, "main") is Role.USER


def test_a_password_shows_in_no_text_of_an_account() -> None:
    assert "secret" not in repr(accounts_of(internal()))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.10.1", "169.254.7.7", "::1", "fe80::1%eth0",
        "fd00::5", "::ffff:192.168.1.2",
    ],
)  # fmt: skip
def test_local_addresses_may_use_the_factory_password(address: str) -> None:
    assert from_here(address)
    assert may_come_from(FACTORY_PASSWORD, address)


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8", "94.230.6.210", "172.32.0.1", "100.64.0.1", "192.0.2.1", "2001:db8::1", "::ffff:8.8.8.8", "", "x",
        "0.0.0.0", "224.0.0.1",
    ],
)  # fmt: skip
def test_the_world_may_not(address: str) -> None:
    assert not from_here(address)
    assert not may_come_from(FACTORY_PASSWORD, address)


def test_a_password_of_ones_own_opens_from_everywhere() -> None:
    assert may_come_from("secret-1", "8.8.8.8")

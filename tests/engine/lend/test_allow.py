"""Who may have a line."""

from __future__ import annotations

import pytest

from engine.lend.allow import is_allowed

NETWORKS = ("10.0.0.0/8", "192.168.1.5/32", "fd00::/8")


@pytest.mark.parametrize("address", ["10.1.2.3", "192.168.1.5", "::ffff:10.1.2.3", "fd00::1", "fd00::1%eth0"])
def test_an_address_of_a_network_may(address: str) -> None:
    assert is_allowed(address, NETWORKS)


@pytest.mark.parametrize("address", ["11.1.2.3", "192.168.1.6", "::ffff:11.0.0.1", "fe80::1%eth0", "127.0.0.1"])
def test_any_other_may_not(address: str) -> None:
    assert not is_allowed(address, NETWORKS)


@pytest.mark.parametrize("address", ["11.1.2.3", "::1", "fe80::1%eth0"])
def test_without_networks_everybody_may(address: str) -> None:
    assert is_allowed(address, ())

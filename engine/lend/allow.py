"""Who may have a line: addresses and networks of `[tcp] Allow`. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence


def is_allowed(address: str, networks: Sequence[str]) -> bool:
    """Whether a client of this address may; no networks: everybody may. An IPv4 client may come in IPv6's clothes."""
    client = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(client, "ipv4_mapped", None)
    return not networks or any((mapped or client) in ipaddress.ip_network(network) for network in networks)

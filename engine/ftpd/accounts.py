"""Who logs in to the embedded FTP server, and from where (formats guide, section 3, `[internal]`). Pure."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from engine.ftpd.rights import Role
from engine.settings import InternalFtp

FACTORY_PASSWORD = "TsmSmartFtp"

# Loopback, private (RFC 1918, RFC 4193) and link-local (RFC 3927, RFC 4291). A provider's shared 100.64.0.0/10 is not.
_LOCAL_NETWORKS: tuple[IPv4Network | IPv6Network, ...] = tuple(
    ip_network(network)
    for network in (
        "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
        "::1/128", "fc00::/7", "fe80::/10",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Account:
    """One user of the server. A user without a name or a password never logs in."""

    name: str
    password: str = field(repr=False)
    role: Role


def accounts_of(settings: InternalFtp) -> tuple[Account, ...]:
    """The users of these settings; of two with one name the first one counts."""
    return (
        Account(settings.user, settings.password, Role.USER),
        Account(settings.read_user, settings.read_password, Role.READER),
        Account(settings.inbox_user, settings.inbox_password, Role.INBOX),
    )


def role_of(known: tuple[Account, ...], name: str) -> Role | None:
    """What the user of this name may do; None when there is none."""
    return next((account.role for account in known if account.name == name and name), None)


def authenticate(known: tuple[Account, ...], name: str, password: str) -> Role | None:
    """The role of whoever shows this name and password; takes the same time whether or not they are right."""
    found: Role | None = None
    for account in known:
        same_name = _equal(account.name, name)
        same_password = _equal(account.password, password)
        if same_name and same_password and account.name and account.password and found is None:
            found = account.role
    return found


def from_here(address: str) -> bool:
    """Whether an address is of this machine or of a local network; one that cannot be read is not."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in _LOCAL_NETWORKS if network.version == parsed.version)


def may_come_from(password: str, address: str) -> bool:
    """The factory's password, which stands in the manual, opens nothing to the outside world."""
    return password != FACTORY_PASSWORD or from_here(address)


def _equal(left: str, right: str) -> bool:
    """Constant-time comparison that does not tell the length either."""
    return hmac.compare_digest(_digest(left), _digest(right))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()

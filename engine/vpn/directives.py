"""Directives of OpenVPN 2.6 (openvpn(8)) that a file from FTP may hold, and what each may be given. Pure.

Only what stands here is allowed: nothing that runs a program, loads a library, opens a control port, or reads and
writes where it likes.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Given = tuple[str, ...]
"""What stands behind a directive, split into words."""
Check = Callable[[Given], bool]

_WORD = re.compile(r"[\w.,:;=@/+*!()|%^~$&#\[\]{}<>?' -]{1,200}")
_NUMBER = re.compile(r"-?[0-9]{1,10}")
_HOST = re.compile(r"[A-Za-z0-9_.:%-]{1,253}")
_PROTO = re.compile(r"(?:udp|tcp)[46]?(?:-client)?")
_DEVICE = re.compile(r"(?:tun|tap|null)[a-z0-9-]{0,10}")


def _words(least: int, most: int) -> Check:
    return lambda given: least <= len(given) <= most and all(map(_WORD.fullmatch, given))


def _numbers(least: int, most: int) -> Check:
    return lambda given: least <= len(given) <= most and all(map(_NUMBER.fullmatch, given))


def _one_of(*allowed: str) -> Check:
    return lambda given: len(given) == 1 and given[0] in allowed


def _like(pattern: re.Pattern[str]) -> Check:
    return lambda given: len(given) == 1 and pattern.fullmatch(given[0]) is not None


def _remote(given: Given) -> bool:
    host, *rest = given or ("",)
    fits = (_NUMBER, _PROTO)
    return (
        len(rest) <= 2 and bool(_HOST.fullmatch(host)) and all(p.fullmatch(t) for p, t in zip(fits, rest, strict=False))
    )


def _setenv(given: Given) -> bool:
    """`setenv opt …` would be any directive at all."""
    return len(given) == 2 and (given[0] in ("FORWARD_COMPATIBLE", "CLIENT_CERT") or given[0].startswith("UV_"))


_NONE, _ANY = _words(0, 0), _words(0, 6)

ALLOWED: dict[str, Check] = {
    **dict.fromkeys(
        (
            "client",
            "tls-client",
            "pull",
            "nobind",
            "float",
            "persist-tun",
            "persist-key",
            "persist-local-ip",
            "persist-remote-ip",
            "auth-nocache",
            "remote-random",
            "remote-random-hostname",
            "fast-io",
            "passtos",
            "mute-replay-warnings",
            "route-nopull",
            "route-noexec",
            "ifconfig-noexec",
            "ifconfig-nowarn",
            "single-session",
            "ping-timer-rem",
            "allow-pull-fqdn",
            "disable-occ",
            "tls-exit",
            "mtu-test",
            "ncp-disable",
            "block-ipv6",
            "push-peer-info",
            "disable-dco",
        ),
        _NONE,
    ),
    **dict.fromkeys(
        (
            "port",
            "rport",
            "lport",
            "connect-retry-max",
            "connect-timeout",
            "server-poll-timeout",
            "ping",
            "ping-exit",
            "ping-restart",
            "tun-mtu",
            "tun-mtu-extra",
            "tun-mtu-max",
            "link-mtu",
            "fragment",
            "sndbuf",
            "rcvbuf",
            "txqueuelen",
            "reneg-bytes",
            "reneg-pkts",
            "hand-window",
            "tran-window",
            "tls-timeout",
            "max-routes",
            "route-metric",
            "verb",
            "mute",
            "key-direction",
            "keysize",
        ),
        _numbers(1, 1),
    ),
    **dict.fromkeys(("keepalive", "replay-window", "inactive", "reneg-sec", "connect-retry"), _numbers(1, 2)),
    **dict.fromkeys(("route-delay", "explicit-exit-notify"), _numbers(0, 2)),
    **dict.fromkeys(
        (
            "cipher",
            "data-ciphers",
            "ncp-ciphers",
            "data-ciphers-fallback",
            "auth",
            "tls-version-max",
            "tls-cipher",
            "tls-ciphersuites",
            "tls-groups",
            "tls-cert-profile",
            "ns-cert-type",
            "peer-fingerprint",
            "remote-cert-eku",
            "topology",
            "dev-type",
            "mtu-disc",
            "allow-compression",
            "compat-mode",
            "ecdh-curve",
        ),
        _words(1, 1),
    ),
    **dict.fromkeys(("comp-lzo", "compress", "route-gateway"), _words(0, 1)),
    **dict.fromkeys(
        (
            "route",
            "route-ipv6",
            "redirect-gateway",
            "redirect-private",
            "ifconfig",
            "ifconfig-ipv6",
            "dhcp-option",
            "remote-cert-ku",
            "verify-x509-name",
            "verify-hash",
            "tls-version-min",
            "mssfix",
            "pull-filter",
            "socket-flags",
            "ignore-unknown-option",
            "http-proxy-option",
        ),
        _ANY,
    ),
    "remote-cert-tls": _one_of("server"),
    "auth-retry": _one_of("none", "nointeract"),
    "resolv-retry": lambda given: _one_of("infinite")(given) or _numbers(1, 1)(given),
    "remote": _remote,
    "proto": _like(_PROTO),
    "proto-force": _one_of("udp", "tcp"),
    "dev": _like(_DEVICE),
    "http-proxy": lambda given: len(given) == 2 and _remote(given),
    "socks-proxy": lambda given: 1 <= len(given) <= 2 and _remote(given),
    "setenv": _setenv,
    "user": _one_of("nobody", "openvpn"),
    "group": _one_of("nogroup", "nobody", "openvpn"),
}

FILES: dict[str, Check] = {
    **dict.fromkeys(
        (
            "ca", "cert", "key", "pkcs12", "extra-certs", "tls-crypt", "tls-crypt-v2", "auth-user-pass", "askpass",
            "crl-verify", "dh", "http-proxy-user-pass",
        ),
        _NONE,
    ),
    **dict.fromkeys(("tls-auth", "secret"), lambda given: not given or (given[0] in ("0", "1") and len(given) == 1)),
}  # fmt: skip
"""Directives whose first word is a file, which may stand in the text itself too (`<ca>`); the check is of the rest."""

_PROGRAM, _CONTROL, _PLACE = "запускает программу", "открывает управление", "пишет или читает не в своей папке"
_RUNS_AS = "права и запуск задаёт агент"

REFUSED: dict[str, str] = {
    **dict.fromkeys(
        (
            "up",
            "down",
            "up-delay",
            "up-restart",
            "down-pre",
            "route-up",
            "route-pre-down",
            "ipchange",
            "iproute",
            "tls-verify",
            "auth-user-pass-verify",
            "client-connect",
            "client-disconnect",
            "client-crresponse",
            "learn-address",
            "script-security",
            "plugin",
            "engine",
            "providers",
            "pkcs11-providers",
            "dns-updown",
        ),
        _PROGRAM,
    ),
    **dict.fromkeys(
        (
            "management",
            "management-client",
            "management-hold",
            "management-query-passwords",
            "management-up-down",
            "management-client-auth",
            "management-client-user",
            "management-external-key",
        ),
        _CONTROL,
    ),
    **dict.fromkeys(
        (
            "config",
            "cd",
            "chroot",
            "log",
            "log-append",
            "status",
            "writepid",
            "tmp-dir",
            "capath",
            "dev-node",
            "replay-persist",
            "ifconfig-pool-persist",
            "client-config-dir",
            "tls-export-cert",
            "genkey",
        ),
        _PLACE,
    ),
    **dict.fromkeys(("daemon", "syslog", "inetd", "nice", "mlock", "setcon", "bind-dev", "mark"), _RUNS_AS),
    **dict.fromkeys(("mode", "server", "server-bridge", "tls-server", "push"), "это сервер, а нужен клиент"),
}
"""Why some of the others are refused, in the user's words."""

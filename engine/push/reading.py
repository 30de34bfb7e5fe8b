"""What a server sends: a file, or the names in its folder. Never more than was asked for, nor for ever.

Everything raises what ftplib and the sockets raise.
"""

from __future__ import annotations

import ftplib
import re
import socket
import time
from collections.abc import Iterator

from engine.naming import parse_drop_name
from engine.push.wire import Wire

BLOCK_BYTES = 8192
LINE_LIMIT_BYTES = 4096
TRANSFER_LIMIT_TIMEOUTS = 60
"""What a server sends may take so many time-outs in all, however it trickles."""
PART = ".part"


class ListRefused(Exception):
    """The server does not show its folder; it may still take files."""


def read(wire: Wire, name: str, limit: int, begin: int = 0) -> bytes:
    """At most `limit` bytes of a file, from `begin` on."""
    data, conn = bytearray(), wire.transfercmd(f"RETR {name}", begin or None)
    with conn:
        for piece in _pieces(wire, conn):
            data += piece
            if len(data) >= limit:
                break
    _end_of_data(wire, cut=len(data) >= limit)
    return bytes(data[:limit])


def names(wire: Wire) -> Iterator[str]:
    """Bare names in the folder; those that are no text of ours may come out garbled. Also raises `ListRefused`."""
    try:
        conn = wire.transfercmd("NLST")
    except (ftplib.error_perm, ftplib.error_temp) as error:
        if _says_empty(str(error)):
            return
        if str(error).startswith("42"):
            raise
        raise ListRefused from error
    rest = b""
    with conn:
        for piece in _pieces(wire, conn):
            *lines, rest = (rest + piece).split(b"\n")
            rest = rest[:LINE_LIMIT_BYTES]
            yield from map(_bare_name, lines)
    _end_of_data(wire, cut=False)
    yield _bare_name(rest)


def seq_of(name: str, number: int) -> int:
    """The seq of a drop of ours, or of one on its way; 0 for any other name."""
    drop = parse_drop_name(name.removesuffix(PART))
    return drop.seq if drop and drop.number == number else 0


def _pieces(wire: Wire, conn: socket.socket) -> Iterator[bytes]:
    ends_s = time.monotonic() + TRANSFER_LIMIT_TIMEOUTS * float(wire.timeout or 0)
    while piece := conn.recv(BLOCK_BYTES):
        wire.step()
        if time.monotonic() > ends_s:
            raise TimeoutError
        yield piece


def _end_of_data(wire: Wire, *, cut: bool) -> None:
    try:
        wire.voidresp()
    except (ftplib.error_temp, ftplib.error_perm):
        if not cut:
            raise


def _bare_name(line: bytes) -> str:
    return re.split(r"[/\\]", line.decode("latin-1").rstrip("\r"))[-1]


def _says_empty(answer: str) -> bool:
    """Some servers answer `NLST` of an empty folder as if it failed (RFC 959 gives 450 and 550 for that)."""
    return re.match(r"[45]50.*(no (such )?files?|empty|not found)", answer, re.IGNORECASE) is not None

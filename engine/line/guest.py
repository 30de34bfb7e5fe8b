"""A TCP client to whom a line is lent: his socket, what he said, and how it ended."""

from __future__ import annotations

import select
import socket

from engine.line.link import Link

SLICES_PER_S = 4
"""So much of the line's time at most is written at once, so that the line's thread hears orders meanwhile."""
BITS_PER_BYTE = 10
LEAST_BYTES, MOST_BYTES = 16, 4096
DEAF_S = 10
"""A far end that acknowledges nothing for so long is gone, however silent it may be."""


class Guest:
    """One client. `gone` says why he is no client any more, empty while he is one; `line` whose bytes are his.

    The thread of the line carries his bytes; any thread may `close` him, or look at `gone` and the counts of bytes.
    """

    def __init__(self, client: socket.socket, address: str, baud: int) -> None:
        self.address = address
        self.baud = baud
        self.gone = ""
        self.line = ""
        self.to_line = self.from_line = 0
        self._slice_bytes = min(max(baud // BITS_PER_BYTE // SLICES_PER_S, LEAST_BYTES), MOST_BYTES)
        self._client = client
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, DEAF_S)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, DEAF_S // 2)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 2)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAF_S * 2000)

    def has_spoken(self) -> bool:
        """Whether bytes of his wait, or his end."""
        return bool(self.gone) or self._ready(None, 0.0)[0]

    def carry(self, link: Link, timeout_s: float) -> tuple[bool, bool]:
        """Wait for the first bytes of either side and hand them on; whether he spoke, whether the line did.

        Raises LineDown. One who has gone, or does not take what the line says, is closed.
        """
        if self.gone:
            return False, False
        he, line = self._ready(link, timeout_s)
        if line:
            self._answer(link.read(MOST_BYTES, 0.0))
        said = self._said() if he else b""
        if said:
            link.write(said)
            self.to_line += len(said)
        return bool(said), line

    def close(self, reason: str) -> None:
        """Disconnect him. Does nothing the second time."""
        self.gone = self.gone or reason
        try:
            self._client.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # he was quicker
        self._client.close()

    def _ready(self, link: Link | None, timeout_s: float) -> tuple[bool, bool]:
        waited: list[socket.socket | Link] = [self._client, link] if link else [self._client]
        try:
            ready, _, _ = select.select(waited, [], [], timeout_s)
        except (ValueError, OSError):
            self.close("отключён")  # another thread was quicker
            return False, False
        return self._client in ready, link in ready

    def _said(self) -> bytes:
        try:
            said = self._client.recv(self._slice_bytes)
        except BlockingIOError:
            return b""
        except OSError:
            self.close("соединение разорвано")
            return b""
        if not said:
            self.close("отключился")
        return said

    def _answer(self, heard: bytes) -> None:
        """What the system does not buffer for him any more he has not taken for minutes at the speed of a line."""
        try:
            sent = self._client.send(heard)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close("соединение разорвано")
            return
        self.from_line += sent
        if sent < len(heard):
            self.close("не забирает ответы")

"""Listens for the clients of transparent TCP ports (formats guide, section 10) and says who is let in.

What a client says is carried by the thread of his line, not here: here one thread takes clients of all ports.
"""

from __future__ import annotations

import os
import select
import socket
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from engine.lend.allow import is_allowed
from engine.worker import Worker

WAITING_MOST = 4
ADDRESSES_MOST = 1000
BREATH_S = 0.2
STOP_TIMEOUT_S = 5.0

Welcome = Callable[[str, socket.socket, str], bool]
"""`welcome(tty, client, address)`: takes the client over, or answers False: the line is somebody else's."""


class Lender(Worker):
    """All ports of one agent; other settings are another lender. `refused` counts clients by address."""

    def __init__(self, bind: str, allow: Sequence[str], welcome: Welcome, crashed: Callable[[str, str], None]) -> None:
        super().__init__("lend", crashed)
        self.refused: Counter[str] = Counter()
        self._bind = bind
        self._allow = allow
        self._welcome = welcome
        self._ports: dict[socket.socket, str] = {}
        self._wake_read, self._wake_write = os.pipe()

    def open(self, ports: Mapping[str, int]) -> tuple[dict[str, int], dict[str, OSError]]:
        """Listen for each tty on its port; the ports that were had and the others' errors. Before the start."""
        had: dict[str, int] = {}
        problems: dict[str, OSError] = {}
        for tty, port in ports.items():
            try:
                listener = _listen(self._bind, port)
            except OSError as error:
                problems[tty] = error
            else:
                self._ports[listener] = tty
                had[tty] = listener.getsockname()[1]
        return had, problems

    def work(self) -> None:
        try:
            while not self.stopping.is_set():
                waited: list[socket.socket | int] = [*self._ports, self._wake_read]
                ready, _, _ = select.select(waited, [], [])
                for listener in [each for each in self._ports if each in ready]:
                    self._take(listener)
        finally:
            self._close()

    def stop(self) -> None:
        """Close every port; whoever has a line keeps it. Waits for the thread. Does nothing the second time."""
        if self.stopping.is_set():
            return
        super().stop()
        if self.is_alive():
            os.write(self._wake_write, b".")
            self.join(STOP_TIMEOUT_S)
        else:
            self._close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _take(self, listener: socket.socket) -> None:
        try:
            client, (address, *_) = listener.accept()
        except OSError:
            self.stopping.wait(BREATH_S)  # he was gone before he was taken, or there are too many open files
            return
        if not is_allowed(address, self._allow) or not self._welcome(self._ports[listener], client, address):
            self._refuse(client, address)

    def _refuse(self, client: socket.socket, address: str) -> None:
        if len(self.refused) < ADDRESSES_MOST or address in self.refused:
            self.refused[address] += 1
        client.close()

    def _close(self) -> None:
        for listener in self._ports:
            listener.close()
        self._ports.clear()


def _listen(bind: str, port: int) -> socket.socket:
    """Of an address of either kind; `::` is every address of both."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, bind != "::")
        listener.bind((bind, port))
        listener.listen(WAITING_MOST)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener

"""Tells the service manager how the agent is: datagrams on `NOTIFY_SOCKET` (systemd, sd_notify(3))."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress

READY, ALIVE, STOPPING = "READY=1", "WATCHDOG=1", "STOPPING=1"


class Notifier:
    """`address` is a path, or `@name` for a socket without one; empty where nobody wants to know."""

    def __init__(self, address: str) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address

    def tell(self, state: str) -> None:
        """One state, at once or not at all: a manager that does not listen is no reason to wait or to stop."""
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.setblocking(False)
            out.sendto(state.encode(), self._address)


def watchdog_s(environment: Mapping[str, str], pid: int) -> float:
    """After how many seconds without a ping the manager ends this process; 0: never (sd_watchdog_enabled(3))."""
    if environment.get("WATCHDOG_PID", str(pid)) != str(pid):
        return 0.0
    text = environment.get("WATCHDOG_USEC", "")
    return int(text) / 1e6 if text.isascii() and text.isdigit() else 0.0

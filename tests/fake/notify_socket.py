"""A service manager that listens: the socket of `NOTIFY_SOCKET`."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Self


class NotifySocket:
    """`told` are the states that came so far, with the moment of each (monotonic)."""

    def __init__(self, folder: Path, *, abstract: bool = False) -> None:
        self.address = f"@tsm-test-{folder}" if abstract else str(folder / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + self.address[1:] if abstract else self.address)
        self._socket.setblocking(False)
        self._told: list[tuple[float, str]] = []

    @property
    def told(self) -> list[str]:
        return [state for _, state in self.moments]

    @property
    def moments(self) -> list[tuple[float, str]]:
        while True:
            try:
                self._told.append((time.monotonic(), self._socket.recv(4096).decode()))
            except BlockingIOError:
                return list(self._told)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

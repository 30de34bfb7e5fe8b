"""Speaks to the LCD server `LCDd` of LCDproc: one screen, a caption and a value at a time.

Protocol: LCDproc developer's guide 0.5, chapter "LCDproc client language": `hello` is answered by `connect …`, later
lines by `success`, `huh? …`, or what the server tells by itself (`listen`, `ignore`).
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable

from engine.due import growing_pause
from engine.lcd.letters import shown_bytes
from engine.reasons import why
from engine.worker import Worker

TIMEOUT_S = 5.0
REFRESH_S = 1.0
GREETING_LIMIT = 1024
SCREEN = (
    b"client_set -name tsm-smart\nscreen_add tsm\nscreen_set tsm -heartbeat off -priority info\n"
    b"widget_add tsm top string\nwidget_add tsm middle string\nwidget_add tsm bottom string\n"
)

Frame = tuple[str, str, str]
"""Device, caption, value."""


class Lcd(Worker):
    """Shows what `frame()` says at this moment, as long as it runs. `problem` says why nothing is shown, if so."""

    def __init__(
        self,
        host: str,
        port: int,
        encoding: str,
        frame: Callable[[], Frame | None],
        crashed: Callable[[str, str], None],
    ) -> None:
        super().__init__("lcd", crashed)
        self.problem = "ещё не соединён"
        self._address = (host, port)
        self._encoding = encoding
        self._frame = frame

    def work(self) -> None:
        failures = 0
        while not self.stopping.is_set():
            try:
                with socket.create_connection(self._address, TIMEOUT_S) as server:
                    width, height = self._greet(server)
                    self.problem, failures = "", 0
                    self._show(server, width, height)
            except OSError as error:
                self.problem = f"нет связи: {why(error)}"
            failures += 1
            self.stopping.wait(growing_pause(failures))

    def _greet(self, server: socket.socket) -> tuple[int, int]:
        server.settimeout(TIMEOUT_S)
        server.sendall(b"hello\n")
        told = b""
        while b"\n" not in told and len(told) < GREETING_LIMIT:
            part = server.recv(GREETING_LIMIT)
            if not part:
                raise ConnectionResetError(104, "hung up")
            told += part
        words = told.partition(b"\n")[0].split()
        try:
            width, height = (int(words[words.index(name) + 1]) for name in (b"wid", b"hgt"))
        except (ValueError, IndexError):
            raise ConnectionResetError(104, "no LCDproc server") from None
        server.sendall(SCREEN)
        return width, height

    def _show(self, server: socket.socket, width: int, height: int) -> None:
        before: Frame | None = None
        while not self.stopping.is_set():
            frame = self._frame()
            if frame != before:
                server.sendall(self._drawn(frame or ("", "", ""), width, height))
                before = frame
            ready, _, _ = select.select([server], [], [], 0.0)
            if ready and not server.recv(65536):
                raise ConnectionResetError(104, "hung up")
            self.stopping.wait(REFRESH_S / 4)

    def _drawn(self, frame: Frame, width: int, height: int) -> bytes:
        device, caption, value = frame
        lines = {1: (f"{caption} {value}",), 2: (caption, value)}.get(height, (device, caption, value))
        drawn = b""
        for row, (name, text) in enumerate(zip((b"top", b"middle", b"bottom"), lines, strict=False), 1):
            shown = shown_bytes(text, self._encoding)[:width].ljust(width)
            drawn += b'widget_set tsm %s 1 %d "%s"\n' % (name, row, shown)
        return drawn

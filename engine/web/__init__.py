"""`www/` over HTTP, read-only, in threads of its own (`[web] Port`; formats guide, section 3).

`http.server` of the standard library brings the protocol (docs/decisions/web-server.md); users, passwords and the
address to listen on are those of the embedded FTP server.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine import naming
from engine.ftpd.accounts import accounts_of
from engine.settings import InternalFtp
from engine.web.listener import Listener
from engine.web.request import Site
from engine.worker import Worker

STOP_TIMEOUT_S = 10.0


class WebServer:
    """The server for one port and one set of users; changed settings are a new server.

    `on_login_failed(user, address)` hears of every refused login, `crashed(thread, traceback)` of what nobody expected;
    both in threads of the server.
    """

    def __init__(
        self,
        root: Path,
        port: int,
        settings: InternalFtp,
        on_login_failed: Callable[[str, str], None],
        crashed: Callable[[str, str], None],
    ) -> None:
        self.port = port
        self._bind = settings.bind
        self._site = Site(root / naming.ARCHIVES, accounts_of(settings), on_login_failed)
        self._crashed = crashed
        self._thread: _Serving | None = None

    @property
    def alive(self) -> bool:
        """Whether clients are served: False before the start, after the stop and after a bug ended the thread."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Listen and serve; `port` is then the one that was had. `OSError` when none is; nothing is left open then."""
        listener = Listener(self._bind, self.port, self._site, self._crashed)
        self.port = listener.server_address[1]
        self._thread = _Serving(listener, self._crashed)
        self._thread.start()

    def stop(self) -> None:
        """Disconnect everybody and wait for all threads. Does nothing the second time."""
        if self._thread is None:
            return
        self._thread.stop()
        self._thread.join(STOP_TIMEOUT_S)
        self._thread = None


class _Serving(Worker):
    """The thread that takes clients; when it ends, however that comes, nothing of the server is left."""

    def __init__(self, listener: Listener, crashed: Callable[[str, str], None]) -> None:
        super().__init__("web", crashed)
        self._listener = listener

    def work(self) -> None:
        try:
            while not self.stopping.is_set():
                self._listener.handle_request()
                self._listener.service_actions()
        finally:
            self._listener.server_close()
            self._listener.disconnect_all(STOP_TIMEOUT_S / 2)

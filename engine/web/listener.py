"""Takes clients, each into a thread that is known, as many as there may be, and drops those that take too long."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from engine.web.request import Request, Site
from engine.worker import Worker

MAX_CONNECTIONS = 16
MAX_CONNECTIONS_PER_ADDRESS = 8
REQUEST_TIMEOUT_S = 15.0
"""A request that is not whole by then is dropped, however slowly its bytes come."""
CONNECTION_TIMEOUT_S = 1800.0
POLL_S = 0.25


class _Connection(Worker):
    """One client, from the first byte to the last."""

    def __init__(
        self,
        client: socket.socket,
        address: str,
        serve: Callable[[_Connection], None],
        crashed: Callable[[str, str], None],
    ) -> None:
        super().__init__("web", crashed)
        self.client = client
        self.address = address
        self._serve = serve
        self._begun_s = time.monotonic()
        self._limit_s = REQUEST_TIMEOUT_S

    def work(self) -> None:
        self._serve(self)

    def asked(self) -> None:
        """The request is whole: its answer may take longer."""
        self._limit_s = CONNECTION_TIMEOUT_S

    def pause(self, seconds: float) -> None:
        self.stopping.wait(seconds)

    def is_overdue(self, now_s: float) -> bool:
        return now_s - self._begun_s > self._limit_s

    def disconnect(self) -> None:
        """Ends whatever the thread waits for; it closes the socket itself."""
        self.stop()
        try:
            self.client.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the client was quicker


class Listener(HTTPServer):
    """`http.server` with a limit on everything. `OSError` when the address or the port cannot be had."""

    request_queue_size = MAX_CONNECTIONS
    timeout = POLL_S

    def __init__(self, bind: str, port: int, site: Site, crashed: Callable[[str, str], None]) -> None:
        self.address_family = socket.AF_INET6 if ":" in bind else socket.AF_INET
        self._site = site
        self._crashed = crashed
        self._connections: set[_Connection] = set()
        self._lock = threading.Lock()
        super().__init__((bind, port), BaseHTTPRequestHandler)

    def server_bind(self) -> None:
        """`::` is every address of both kinds, as for FTP. The host's name, which may take long, is not looked up."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, self.server_address[0] != "::")
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:
        """One that is too many is hung up on."""
        connection = _Connection(request, client_address[0], self._serve, self._crashed)
        if not self._admit(connection):
            self.shutdown_request(request)
            return
        connection.start()

    def _admit(self, connection: _Connection) -> bool:
        with self._lock:
            alike = sum(other.address == connection.address for other in self._connections)
            if len(self._connections) >= MAX_CONNECTIONS or alike >= MAX_CONNECTIONS_PER_ADDRESS:
                return False
            self._connections.add(connection)
            return True

    def _serve(self, connection: _Connection) -> None:
        try:
            Request(connection.client, connection.address, self, self._site, connection.asked, connection.pause)
        except OSError:
            pass  # the client is gone, or was too slow
        finally:
            with self._lock:
                self._connections.discard(connection)
            self.shutdown_request(connection.client)

    def service_actions(self) -> None:
        """Called by the library between clients, a few times a second."""
        now_s = time.monotonic()
        with self._lock:
            for connection in self._connections:
                if connection.is_overdue(now_s):
                    connection.disconnect()

    def disconnect_all(self, timeout_s: float) -> None:
        """Ends every connection and waits for its thread."""
        with self._lock:
            left = tuple(self._connections)
            for connection in left:
                connection.disconnect()
        for connection in left:
            connection.join(timeout_s)

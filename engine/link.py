"""A byte pipe to the meters: a serial port or a TCP connection. Every fault of it is `LineDown`."""

from __future__ import annotations

import os
import select
import socket
import termios
from typing import Protocol

import serial

from engine.errors import LineDown

CONNECT_TIMEOUT_S = 5.0
WRITE_TIMEOUT_S = 5.0


class Link(Protocol):
    """What a bus needs of a line. `read` returns b"" after `timeout_s` of silence."""

    name: str

    def open(self, baud: int) -> None: ...

    def write(self, data: bytes) -> None: ...

    def read(self, limit: int, timeout_s: float) -> bytes: ...

    def close(self) -> None: ...


def _reason(error: Exception) -> str:
    text = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
    return text or type(error).__name__


def _read_ready(descriptor: int, limit: int, timeout_s: float) -> bytes:
    """pyserial's own time-outs are useless here: the gap between bytes never ends a read on Linux."""
    ready, _, _ = select.select([descriptor], [], [], max(0.0, timeout_s))
    if not ready:
        return b""
    data = os.read(descriptor, limit)
    if not data:
        raise LineDown("порт исчез")
    return data


class SerialLink:
    """A serial port, 8N1, held exclusively. Reopened by its path, so `/dev/serial/by-id/…` follows the adapter."""

    def __init__(self, path: str) -> None:
        self.name = path
        self._port: serial.Serial | None = None

    def open(self, baud: int) -> None:
        """Open the port, or give an open one another speed. Raises LineDown."""
        try:
            if self._port is None:
                self._port = serial.Serial(self.name, baud, exclusive=True, timeout=0, write_timeout=WRITE_TIMEOUT_S)
            elif self._port.baudrate != baud:
                self._port.baudrate = baud
        except (serial.SerialException, OSError, termios.error, ValueError) as error:
            self.close()
            raise LineDown(f"порт не открывается: {_reason(error)}") from error

    def write(self, data: bytes) -> None:
        try:
            self._opened().write(data)
        except (serial.SerialException, OSError, termios.error) as error:
            raise LineDown(f"запись в порт: {_reason(error)}") from error

    def read(self, limit: int, timeout_s: float) -> bytes:
        try:
            return _read_ready(self._opened().fileno(), limit, timeout_s)
        except (serial.SerialException, OSError, termios.error) as error:
            raise LineDown(f"чтение порта: {_reason(error)}") from error

    def close(self) -> None:
        """A descriptor left open would make a re-plugged adapter come back under another name."""
        port, self._port = self._port, None
        if port is not None:
            try:
                port.close()
            except (serial.SerialException, OSError, termios.error):
                pass  # an unplugged port cannot be closed politely, the descriptor is gone all the same

    def _opened(self) -> serial.Serial:
        if self._port is None:
            raise LineDown("порт закрыт")
        return self._port


class TcpLink:
    """A connection to a serial server, or to another agent's transparent port. The speed is the far end's affair."""

    def __init__(self, host: str, port: int) -> None:
        self.name = f"{host}:{port}"
        self._address = (host, port)
        self._socket: socket.socket | None = None

    def open(self, baud: int) -> None:
        """Connect if not connected. Raises LineDown. `baud` is not used."""
        del baud
        if self._socket is not None:
            return
        try:
            self._socket = socket.create_connection(self._address, CONNECT_TIMEOUT_S)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.settimeout(WRITE_TIMEOUT_S)
        except OSError as error:
            self.close()
            raise LineDown(f"нет соединения: {_reason(error)}") from error

    def write(self, data: bytes) -> None:
        try:
            self._opened().sendall(data)
        except OSError as error:
            raise LineDown(f"соединение разорвано: {_reason(error)}") from error

    def read(self, limit: int, timeout_s: float) -> bytes:
        try:
            return _read_ready(self._opened().fileno(), limit, timeout_s)
        except OSError as error:
            raise LineDown(f"соединение разорвано: {_reason(error)}") from error

    def close(self) -> None:
        connection, self._socket = self._socket, None
        if connection is not None:
            connection.close()

    def _opened(self) -> socket.socket:
        if self._socket is None:
            raise LineDown("нет соединения")
        return self._socket

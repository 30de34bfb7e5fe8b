"""A byte pipe to the meters: a serial port or a TCP connection. Every fault of it is `LineDown`."""

from __future__ import annotations

import errno
import os
import select
import socket
import termios
import time
from typing import Protocol

import serial

from engine.errors import LineDown

CONNECT_TIMEOUT_S = 5.0
WRITE_TIMEOUT_S = 5.0
ACKNOWLEDGED_S = 20.0
"""A far end that acknowledges nothing for so long has lost the connection: a router forgot it, or it was restarted."""

_WHY = {
    errno.ENOENT: "такого порта нет",
    errno.ENXIO: "такого порта нет",
    errno.ENODEV: "такого порта нет",
    errno.EACCES: "нет прав",
    errno.EPERM: "нет прав",
    errno.EAGAIN: "занят другой программой",
    errno.EBUSY: "занят другой программой",
    errno.EIO: "устройство отключено",
    errno.ENOTTY: "это не последовательный порт",
    errno.ECONNREFUSED: "не принимает соединение",
    errno.ECONNRESET: "закрыто с той стороны",
    errno.EPIPE: "закрыто с той стороны",
    errno.ETIMEDOUT: "нет ответа",
    errno.EHOSTUNREACH: "нет пути по сети",
    errno.ENETUNREACH: "нет пути по сети",
}


class Link(Protocol):
    """What a bus needs of a line. `read` returns b"" after `timeout_s` of silence."""

    name: str

    def open(self, baud: int) -> None: ...

    def write(self, data: bytes) -> None: ...

    def read(self, limit: int, timeout_s: float) -> bytes: ...

    def close(self) -> None: ...

    def fileno(self) -> int:
        """For `select`. Raises LineDown while it is closed."""
        ...


def _reason(error: Exception) -> str:
    if isinstance(error, serial.SerialTimeoutException | TimeoutError):
        return "нет ответа"
    if isinstance(error, socket.gaierror):
        return "имя не найдено"
    code = _code(error)
    return _WHY.get(code) or f"ошибка {errno.errorcode.get(code, str(error))}"


def _code(error: BaseException | None) -> int:
    """pyserial often hides the error of the system behind its own."""
    while error is not None:
        code = error.args[0] if isinstance(error, termios.error) else getattr(error, "errno", None)
        if isinstance(code, int):
            return code
        error = error.__context__
    return 0


def _is_ready(descriptor: int, event: int, timeout_s: float) -> bool:
    """`poll`, because `select` takes no descriptor beyond 1023: with a thousand lines there are such."""
    waiting = select.poll()
    waiting.register(descriptor, event)
    return bool(waiting.poll(max(0.0, timeout_s) * 1000))


def _read_ready(descriptor: int, limit: int, timeout_s: float, ended: int) -> bytes:
    """pyserial's own time-outs are useless here: the gap between bytes never ends a read on Linux.

    `ended` is what the end of the stream means, as a number of an error.
    """
    if not _is_ready(descriptor, select.POLLIN, timeout_s):
        return b""
    data = os.read(descriptor, limit)
    if not data:
        raise OSError(ended, os.strerror(ended))
    return data


def _write_whole(descriptor: int, data: bytes) -> None:
    """Nearly always one call. pyserial asks after each whether more would fit, and spins while nothing fits."""
    give_up_at_s = time.monotonic() + WRITE_TIMEOUT_S
    while data := data[_written(descriptor, data) :]:
        left_s = give_up_at_s - time.monotonic()
        if left_s <= 0 or not _is_ready(descriptor, select.POLLOUT, left_s):
            raise TimeoutError


def _written(descriptor: int, data: bytes) -> int:
    try:
        return os.write(descriptor, data)
    except BlockingIOError:
        return 0


class SerialLink:
    """A serial port, 8N1, held exclusively. Reopened by its path, so `/dev/serial/by-id/…` follows the adapter."""

    def __init__(self, path: str) -> None:
        self.name = path
        self._port: serial.Serial | None = None

    def open(self, baud: int) -> None:
        """Open the port, or give an open one another speed. Raises LineDown."""
        try:
            if self._port is None:
                self._port = serial.Serial(self.name, baud, exclusive=True, timeout=0)
            elif self._port.baudrate != baud:
                self._port.baudrate = baud
        except (serial.SerialException, OSError, termios.error, ValueError) as error:
            self.close()
            raise LineDown(f"порт не открывается: {_reason(error)}") from error

    def write(self, data: bytes) -> None:
        try:
            _write_whole(self._opened().fileno(), data)
        except (serial.SerialException, OSError, termios.error) as error:
            raise LineDown(f"запись в порт: {_reason(error)}") from error

    def read(self, limit: int, timeout_s: float) -> bytes:
        try:
            return _read_ready(self._opened().fileno(), limit, timeout_s, errno.EIO)
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

    def fileno(self) -> int:
        return int(self._opened().fileno())

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
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(ACKNOWLEDGED_S * 1000))
            self._socket.setblocking(False)
        except OSError as error:
            self.close()
            raise LineDown(f"нет соединения: {_reason(error)}") from error

    def write(self, data: bytes) -> None:
        try:
            _write_whole(self._opened().fileno(), data)
        except OSError as error:
            raise LineDown(f"соединение разорвано: {_reason(error)}") from error

    def read(self, limit: int, timeout_s: float) -> bytes:
        try:
            return _read_ready(self._opened().fileno(), limit, timeout_s, errno.ECONNRESET)
        except OSError as error:
            raise LineDown(f"соединение разорвано: {_reason(error)}") from error

    def close(self) -> None:
        connection, self._socket = self._socket, None
        if connection is not None:
            connection.close()

    def fileno(self) -> int:
        return self._opened().fileno()

    def _opened(self) -> socket.socket:
        if self._socket is None:
            raise LineDown("нет соединения")
        return self._socket

"""Data connections of the embedded FTP server: an upload counts only when its client is still there to hear of it.

pyftpdlib 2.2 takes the half that a killed client sent for a whole file: the end of the data looks the same. The end of
the client's control connection tells them apart a moment later.
"""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING, Any

from engine.ftpd.intake import Upload
from engine.ftpd.library import DTPHandler, PassiveDTP, RetryError

if TYPE_CHECKING:
    from engine.ftpd.session import Session

DATA_TIMEOUT_S = 60
GRACE_S = 0.3
"""From the end of the data to the verdict: so long a killed client's control connection takes to end as well."""

_LOG = logging.getLogger("pyftpdlib")
_DONE = "226 Transfer complete."
_RESET = "426 Connection reset; transfer aborted."


class PassiveRange(PassiveDTP):  # type: ignore[misc]
    """A passive data port out of the configured range, never another one: a firewall would drop it."""

    _range_tried = False

    def __init__(self, cmd_channel: Session, extmode: bool = False) -> None:
        try:
            super().__init__(cmd_channel, extmode)
        except OSError:
            self.close()
            raise

    def bind(self, address: tuple[Any, ...]) -> None:
        """When the whole range is in use the library asks for any port at all: `OSError`."""
        if address[1] == 0 and self._range_tried:
            raise OSError("no passive port is free")
        self._range_tried = self._range_tried or address[1] != 0
        super().bind(address)


class Transfer(DTPHandler):  # type: ignore[misc]
    """A data connection. An upload waits `GRACE_S` after its last byte and is taken if its client still lives."""

    timeout = DATA_TIMEOUT_S
    cmd_channel: Session
    transfer_finished: bool
    _resp: tuple[Any, ...]
    _waiting = False
    _was_reset = False

    def __init__(self, sock: socket.socket, cmd_channel: Session) -> None:
        super().__init__(sock, cmd_channel)
        if not self.connected and cmd_channel.forget_queued():
            cmd_channel.respond_w_warning(_RESET)

    def recv(self, buffer_size: int) -> bytes:
        """Like the library's, but a connection that was torn down is no end of file."""
        try:
            data: bytes = self.socket.recv(buffer_size)
        except BlockingIOError as error:
            raise RetryError from error
        except OSError:
            self._was_reset = True
            data = b""
        if not data:
            self.handle_close()
        return data

    def handle_read(self) -> None:
        """Stop listening to an upload that cannot be taken any more."""
        super().handle_read()
        upload = self.file_obj
        if isinstance(upload, Upload) and not upload.closed and not self._waiting and upload.hopeless:
            self._resp = (upload.failure, _LOG.warning)
            self.close()

    handle_read_event = handle_read

    def handle_close(self) -> None:
        """The client ended the connection; a reset drops what came."""
        if self.receive and not self._closed and (self._was_reset or _socket_error(self.socket)):
            self._resp = (_RESET, _LOG.warning)
            self.close()
        else:
            super().handle_close()

    def close(self) -> None:
        """Hold the verdict on an upload that ended; in all other cases, also while it is held, drop it."""
        upload = self.file_obj
        if not self._closed and isinstance(upload, Upload) and not upload.closed:
            if self.transfer_finished and not self._waiting and self.cmd_channel.connected:
                self._wait()
                return
            upload.close()
            self.transfer_finished = False
            if self._resp and self._resp[0] == _DONE:
                self._resp = ()
        super().close()

    def _wait(self) -> None:
        self._waiting = True
        self.del_channel()
        self.call_later(GRACE_S, self._decide)

    def _decide(self) -> None:
        if self._closed or self.file_obj.closed:
            return
        session = self.cmd_channel
        if session.still_there():
            answer = session.take(self.file_obj)
            self.transfer_finished = answer is None
            self._resp = (answer or _DONE, _LOG.warning if answer else _LOG.debug)
        else:
            self.transfer_finished = False
            self._resp = ()
        self.file_obj.close()
        super().close()


def _socket_error(connection: socket.socket) -> int:
    return connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

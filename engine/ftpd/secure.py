"""The embedded FTP server encrypted (RFC 4217): our sessions and transfers over pyftpdlib's use of PyOpenSSL.

Imported only where `Tls=` asks for it: PyOpenSSL is an optional package, and takes a lot of memory.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, ClassVar

from OpenSSL import SSL

from engine import reasons
from engine.ftpd import certificate
from engine.ftpd.library import DTPHandler, RetryError
from engine.ftpd.session import Session
from engine.ftpd.transfer import Transfer

# isort: split
# After the others: this part of pyftpdlib is not to be imported before the rest.
from pyftpdlib.handlers.ftps.control import TLS_FTPHandler
from pyftpdlib.handlers.ftps.data import TLS_DTPHandler

PLACE = f"{certificate.FOLDER}/"
FAILURES = (OSError, ValueError, TypeError, SSL.Error)
"""What `context_of` raises: a disk that fails, files that are no certificate or key, a pair that does not match."""


def why(error: BaseException) -> str:
    """One of `FAILURES` in a few Russian words."""
    if isinstance(error, OSError):
        return f"{Path(error.filename or PLACE).name}: {reasons.why(error)}"
    return "cert.pem и key.pem не читаются или не подходят друг к другу"


def context_of(root: Path, bind: str) -> tuple[SSL.Context, str]:
    """TLS 1.2 and newer with the server's own key, and the fingerprint of its certificate.

    Raises one of `FAILURES`.
    """
    fingerprint = certificate.prepare(root, bind)
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
    context.set_session_id(b"ftpd")
    context.use_certificate_chain_file(str(root / certificate.CERTIFICATE))
    context.use_privatekey_file(str(root / certificate.KEY))
    context.check_privatekey()
    return context, fingerprint


class SecureTransfer(TLS_DTPHandler, Transfer):  # type: ignore[misc]
    """A data connection that may be encrypted. Then only its end in due form is the end of a file."""

    _is_whole = False

    def recv(self, buffer_size: int) -> bytes:
        """An encrypted connection that ends without a good-bye was cut."""
        try:
            return Transfer.recv(self, buffer_size)
        except SSL.WantReadError as error:
            self._ssl_want_read = True
            raise RetryError from error
        except SSL.WantWriteError as error:
            self._ssl_want_write = True
            raise RetryError from error
        except SSL.ZeroReturnError:
            self._is_whole = True
        except SSL.Error:
            # Nothing more can be said on this connection, no good-bye either.
            self._error = self._was_reset = True
        self.handle_close()
        return b""

    def handle_close(self) -> None:
        """After the good-bye a reset means nothing any more: clients do not wait for ours."""
        if self._is_whole:
            DTPHandler.handle_close(self)
        else:
            super().handle_close()

    def handle_timeout(self) -> None:
        """Whoever stalls is not waited for with a good-bye."""
        self._error = True
        super().handle_timeout()

    def use_sendfile(self) -> bool:
        """Never: it would go round the encryption."""
        return False

    def modify_ioloop_events(self, events: int, logdebug: bool = False) -> None:
        """While the verdict is held nobody listens: the library would begin again."""
        if not self._waiting:
            super().modify_ioloop_events(events, logdebug)


class SecureSession(TLS_FTPHandler, Session):  # type: ignore[misc]
    """A control connection that may be encrypted, or must be: `tls_control_required`, `tls_data_required`."""

    dtp_handler = SecureTransfer
    proto_cmds: ClassVar = {
        **Session.proto_cmds,
        **{name: TLS_FTPHandler.proto_cmds[name] for name in ("AUTH", "PBSZ", "PROT")},
    }
    _plain: socket.socket | None = None

    def secure_connection(self, ssl_context: SSL.Context) -> None:
        """Commands that came in the clear behind AUTH are not its client's."""
        self.ac_in_buffer = b""
        self._plain = self.socket
        super().secure_connection(ssl_context)

    def close(self) -> None:
        """The library's way, when encrypted, leaves out ours."""
        self.server.sessions.discard(self)
        transfer: Any = getattr(self, "data_channel", None)
        if transfer is not None:
            transfer._error = True
        super().close()

    def ftp_PROT(self, line: str) -> None:
        """Where data must be encrypted there is no way back."""
        if self.tls_data_required and line.upper() == "C":
            self.respond("534 Data connections are encrypted here: PROT P.")
        else:
            super().ftp_PROT(line)

    def connection(self) -> socket.socket:
        """The connection below the encryption."""
        return self._plain or super().connection()

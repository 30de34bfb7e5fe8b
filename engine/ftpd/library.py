"""What the embedded server uses of pyftpdlib, imported once, quietly and without its encryption.

pyftpdlib imports PyOpenSSL whenever it is installed, which costs more memory than the whole server. Here it is hidden
meanwhile; `engine.ftpd.secure` gets it where it is wanted.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_OPENSSL = "OpenSSL"


@contextmanager
def _openssl_hidden() -> Iterator[None]:
    if _OPENSSL in sys.modules:
        yield
        return
    sys.modules[_OPENSSL] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[_OPENSSL]


with _openssl_hidden(), warnings.catch_warnings():
    # Python 3.11 announces the end of asyncore; later ones get it from a package of its own.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pyftpdlib.exceptions import AuthenticationFailed, FilesystemError, _RetryError
    from pyftpdlib.filesystems import AbstractedFS
    from pyftpdlib.handlers import DTPHandler, FTPHandler
    from pyftpdlib.handlers.ftp.dispatchers import PassiveDTP
    from pyftpdlib.ioloop import AsyncChat, IOLoop
    from pyftpdlib.servers import FTPServer

RetryError = _RetryError

__all__ = [
    "AbstractedFS", "AsyncChat", "AuthenticationFailed", "DTPHandler", "FTPHandler", "FTPServer", "FilesystemError",
    "IOLoop", "PassiveDTP", "RetryError",
]  # fmt: skip

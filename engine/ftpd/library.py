"""What the embedded server uses of pyftpdlib, imported once, quietly and without what the server does not use.

pyftpdlib imports what it can find: PyOpenSSL, which costs more memory than the whole server, and what colours its log,
checks passwords of the system or forks. It does without what it does not find, so all that is hidden meanwhile;
`engine.ftpd.secure` gets PyOpenSSL where it is wanted.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

UNUSED = ("OpenSSL", "curses", "crypt", "multiprocessing")


@contextmanager
def _hidden(names: tuple[str, ...]) -> Iterator[None]:
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


with _hidden(UNUSED), warnings.catch_warnings():
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

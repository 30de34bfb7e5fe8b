"""Whom to believe as a server that is spoken to encrypted: the system's authorities, and the user's own certificates.

`log/User/ca.pem` holds any number of certificates in PEM, of authorities or of single servers. It need not be there,
and is read at every connection.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from engine import files
from engine.errors import DeliveryFailed
from engine.naming import CA_PEM
from engine.reasons import why

LIMIT_BYTES = 1 << 20


def trust(ca_file: Path | None) -> ssl.SSLContext:
    """TLS 1.2 and newer, certificate and host name checked.

    `DeliveryFailed` when `ca_file` is there and cannot be used: without it another server might be believed.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A server's own certificate in the file is enough; one that breaks only the form (newer Pythons) is taken as well.
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VerifyFlags.VERIFY_X509_STRICT
    try:
        if ca_file is not None:
            context.load_verify_locations(cadata=files.read_limited(ca_file, LIMIT_BYTES).decode("ascii"))
    except FileNotFoundError:
        pass
    except (ssl.SSLError, ValueError) as error:
        raise DeliveryFailed(
            f"{CA_PEM}: это не сертификаты PEM, ничего не отправляется; исправьте или удалите файл"
        ) from error
    except OSError as error:
        raise DeliveryFailed(f"{CA_PEM}: файл не читается ({why(error)}), ничего не отправляется") from error
    return context

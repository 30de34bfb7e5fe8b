"""Whom to believe as a mail server: the system's authorities, and certificates of the user's own."""

from __future__ import annotations

import ssl
from pathlib import Path

from engine import files
from engine.errors import DeliveryFailed
from engine.reasons import why

CA_PATH = "log/User/ca.pem"
"""Relative to the root; external FTP servers are believed by the same file."""
CA_LIMIT_BYTES = 1 << 20


def trust(ca_file: Path) -> ssl.SSLContext:
    """TLS 1.2 and newer, certificate and host name checked. `DeliveryFailed` for a `ca_file` that cannot be used."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A server's own certificate in the file is enough; one that breaks only the form (newer Pythons) is taken as well.
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VerifyFlags.VERIFY_X509_STRICT
    try:
        context.load_verify_locations(cadata=files.read_limited(ca_file, CA_LIMIT_BYTES).decode("ascii"))
    except FileNotFoundError:
        pass
    except (ssl.SSLError, ValueError) as error:
        raise DeliveryFailed(f"{CA_PATH}: это не сертификаты PEM, почта не уходит; исправьте файл") from error
    except OSError as error:
        raise DeliveryFailed(f"{CA_PATH}: файл не читается ({why(error)}), почта не уходит") from error
    return context

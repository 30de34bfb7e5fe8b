"""Who the embedded server says that it is: `var/tls/cert.pem` and `key.pem`, made at the first use.

The names in the certificate are those that the machine has at that moment. Whoever wants others puts a pair of his own
there; it is never written over. Needs the package `cryptography`, which comes with PyOpenSSL.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID

from engine import files

FOLDER = "var/tls"
CERTIFICATE, KEY = f"{FOLDER}/cert.pem", f"{FOLDER}/key.pem"
LIMIT_BYTES = 1 << 20
_KEY_MODE = 0o600

# A board without a clock of its own may live in 1970 when it makes this.
_BEGINS, _ENDS = datetime(2020, 1, 1, tzinfo=UTC), datetime(2049, 12, 31, tzinfo=UTC)


def prepare(root: Path, bind: str) -> str:
    """Make what is missing, and return the SHA-256 fingerprint of the certificate in hexadecimal.

    A key alone gets a certificate; a certificate without its key is nobody's to mend. Raises `OSError`, and
    `ValueError` for files that are not what they should be.
    """
    certificate, key = root / CERTIFICATE, root / KEY
    if not certificate.exists():
        if not key.exists():
            _write_key(key)
        signer = serialization.load_pem_private_key(files.read_limited(key, LIMIT_BYTES), None)
        files.write_whole(certificate, _self_signed(signer, _names(bind)), synced=True)  # type: ignore[arg-type]
    known = x509.load_pem_x509_certificate(files.read_limited(certificate, LIMIT_BYTES))
    return known.fingerprint(hashes.SHA256()).hex(":").upper()


def _write_key(path: Path) -> None:
    """Nobody else may read it at any moment."""
    data = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    files.make_folder(path.parent)
    temporary, file = files.open_temporary(path)
    with file:
        file.write(data)
        file.flush()
        os.fchmod(file.fileno(), _KEY_MODE)
        os.fsync(file.fileno())
    files.put_in_place(temporary, path, synced=True)


def _self_signed(signer: CertificateIssuerPrivateKeyTypes, names: list[x509.GeneralName]) -> bytes:
    public = signer.public_key()
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "TSM-SMART")])
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    builder = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_BEGINS)
        .not_valid_after(_ENDS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _names(bind: str) -> list[x509.GeneralName]:
    addresses = {"127.0.0.1", "::1", bind, _own_address()} - {"0.0.0.0", "::", ""}
    hosts = {"localhost", socket.gethostname()}
    named: list[x509.GeneralName] = [x509.DNSName(host) for host in sorted(hosts) if host.isascii()]
    return named + [x509.IPAddress(ip_address(address)) for address in sorted(addresses)]


def _own_address() -> str:
    """The address that others see, if there is a network; nothing is sent to find it."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
    return ""

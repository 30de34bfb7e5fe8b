"""Certificates for tests: an authority, and servers that it vouches for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Identity:
    """Two files in PEM. An identity whose issuer is itself is self-signed."""

    certificate: Path
    key: Path

    @property
    def pem(self) -> bytes:
        return self.certificate.read_bytes()


def authority(folder: Path, name: str = "authority") -> Identity:
    """One that may vouch for others."""
    return _made(folder, name, None, x509.BasicConstraints(ca=True, path_length=0), None, 365)


def server_identity(
    folder: Path, issuer: Identity | None = None, *, address: str = LOOPBACK, days: int = 365, name: str = "server"
) -> Identity:
    """A server under an IP address, self-signed without an `issuer`. `days` below 0: it is out of date."""
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
    return _made(folder, name, issuer, x509.BasicConstraints(ca=False, path_length=None), names, days)


def _made(
    folder: Path,
    name: str,
    issuer: Identity | None,
    constraints: x509.BasicConstraints,
    names: x509.SubjectAlternativeName | None,
    days: int,
) -> Identity:
    folder.mkdir(parents=True, exist_ok=True)
    key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    above = x509.load_pem_x509_certificate(issuer.pem) if issuer else None
    ends = datetime.now(UTC) + timedelta(days=days)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(above.subject if above else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends - timedelta(days=3650))
        .not_valid_after(ends)
        .add_extension(constraints, critical=True)
    )
    if names:
        builder = builder.add_extension(names, critical=False)
    signer = serialization.load_pem_private_key(issuer.key.read_bytes(), None) if issuer else key
    assert isinstance(signer, rsa.RSAPrivateKey)
    made = Identity(folder / f"{name}.pem", folder / f"{name}.key")
    made.certificate.write_bytes(builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    made.key.chmod(0o600)
    return made

"""Whom to believe: the user's file adds to the system's authorities, and one that is of no use is told in Russian."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from engine.errors import DeliveryFailed
from engine.trust import trust
from tests.fake.certificates import authority


def test_the_users_certificates_are_believed_beside_the_systems(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(authority(tmp_path).pem)
    known = len(trust(tmp_path / "none.pem").get_ca_certs())
    assert len(trust(tmp_path / "ca.pem").get_ca_certs()) == known + 1
    assert len(trust(None).get_ca_certs()) == known


def test_certificate_and_host_name_are_always_checked() -> None:
    context = trust(None)
    assert context.check_hostname and context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("content", [b"", "это не сертификат".encode(), b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_a_file_that_holds_no_certificate_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ca.pem").write_bytes(content)
    with pytest.raises(DeliveryFailed, match=r"log/User/ca\.pem: это не сертификаты PEM"):
        trust(tmp_path / "ca.pem")


def test_a_file_that_cannot_be_read_is_told_in_the_users_words(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").mkdir()
    with pytest.raises(DeliveryFailed, match=r"log/User/ca\.pem: файл не читается \(это не обычный файл\)"):
        trust(tmp_path / "ca.pem")

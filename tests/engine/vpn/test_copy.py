"""The copy that runs: made of what was checked, out of reach, whole."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from engine import naming
from engine.errors import SettingsWrong
from engine.vpn import copy

TEXT = "remote x.ru\nca ca.crt\n<key>\nsecret\n</key>\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / naming.VPN).mkdir(parents=True)
    (tmp_path / naming.VPN / "client.ovpn").write_text(TEXT)
    (tmp_path / naming.VPN / "ca.crt").write_text("certificate")
    return tmp_path


def told(root: Path) -> list[str]:
    with pytest.raises(SettingsWrong) as refused:
        copy.checked(root, "client")
    return list(map(str, refused.value.problems))


def test_a_copy_holds_everything_that_the_text_names(root: Path) -> None:
    contents = copy.checked(root, "client")
    assert contents == {
        "openvpn.conf": b'"remote" "x.ru"\n"ca" "file-ca.crt"\n"key" "inline-key-0"\n',
        "file-ca.crt": b"certificate",
        "inline-key-0": b"secret\n",
    }
    assert copy.checked(root, "client1") is None


def test_nobody_else_may_read_it_and_a_new_one_replaces_the_old_as_a_whole(root: Path) -> None:
    assert copy.stored(root, "client") is None
    copy.store(root, "client", {"openvpn.conf": b"1", "file-old": b"x"})
    copy.store(root, "client", {"openvpn.conf": b"2"})
    assert copy.stored(root, "client") == {"openvpn.conf": b"2"}
    folder = copy.config_of(root, "client").parent
    assert [path.name for path in folder.parent.iterdir()] == ["client"]
    assert stat.S_IMODE(folder.parent.stat().st_mode) == stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "openvpn.conf").stat().st_mode) == 0o600
    copy.remove(root, "client")
    assert copy.stored(root, "client") is None


def test_a_named_file_that_is_not_there_is_told_with_the_line(root: Path) -> None:
    (root / naming.VPN / "ca.crt").unlink()
    assert told(root) == ["log/VPN/client.ovpn:2: log/VPN/ca.crt: файла нет"]


def test_a_link_is_not_followed_neither_the_file_nor_the_folder(root: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("root:x")
    (root / naming.VPN / "ca.crt").unlink()
    (root / naming.VPN / "ca.crt").symlink_to(secret)
    assert "ссылка" in told(root)[0]
    (root / naming.VPN).rename(tmp_path / "elsewhere")
    (root / naming.VPN).symlink_to(tmp_path / "elsewhere")
    assert told(root) == ["log/VPN/client.ovpn: нет прав"]


def test_a_file_without_end_is_refused(root: Path) -> None:
    (root / naming.VPN / "ca.crt").write_bytes(bytes(copy.LIMIT_BYTES + 1))
    assert told(root) == ["log/VPN/client.ovpn:2: log/VPN/ca.crt: файл слишком велик"]

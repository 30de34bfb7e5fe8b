"""vsftpd with the very files of etc/fleet/, as root, its users in a file of the test.

Only the places of this test are put in by options on the command line. `/etc/pam.d` is the server's own, in a mount
namespace that ends with it.
"""

from __future__ import annotations

import os
import shlex
import shutil
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.settings import Server
from tests.fake.certificates import Identity
from tests.fake.debian_servers import (
    PASSWORD,
    PASSWORD_CRYPT,
    PROJECT,
    DebianServer,
    debian_environment,
    free_port,
)

FLEET = PROJECT / "etc/fleet"
GUEST = "daemon"
"""Stands for the user that owns all drops: one of Debian that has a home, which vsftpd asks for."""


@dataclass(frozen=True)
class FleetServer:
    """A running server; each agent's folder is `drops / user`."""

    base: Path
    drops: Path
    port: int

    def settings(self, user: str, **changes: object) -> Server:
        """`[server1]` of an agent that delivers here."""
        told: dict[str, object] = {
            "section": "server1", "enabled": True, "host": "127.0.0.1", "port": self.port, "user": user,
            "password": PASSWORD, "directory": "", "interval_s": 60, "variants": ("linux",), "passive": True,
            "tls": 2, "encoding": "utf-8", "timeout_s": 20.0,
        }  # fmt: skip
        return Server(**{**told, **changes})  # type: ignore[arg-type]

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.base / "keys/ca.pem")


@contextmanager
def fleet_vsftpd(base: Path, tls: Identity, agents: Sequence[str]) -> Iterator[FleetServer]:
    """The server with these agents, all of one password; `base/keys/ca.pem` vouches for `tls`."""
    port, drops = free_port(), base / "drops"
    for agent in agents:
        (drops / agent).mkdir(parents=True)
        shutil.chown(drops / agent, GUEST, GUEST)
    for folder in (*base.parents[: len(base.parents) - 1], base, drops):
        _let_through(folder)
    (base / "empty").mkdir()
    (base / "agents").write_text("".join(f"{agent}:{PASSWORD_CRYPT}\n" for agent in agents))
    _pam(base)
    settings = {
        "listen_port": port, "guest_username": GUEST, "local_root": f"{drops}/$USER", "rsa_cert_file": tls.certificate,
        "rsa_private_key_file": tls.key, "vsftpd_log_file": base / "vsftpd.log", "secure_chroot_dir": base / "empty",
        "background": "NO", "delay_failed_login": 0, "pasv_min_port": 0, "pasv_max_port": 0,
    }  # fmt: skip
    root, _ = debian_environment("vsftpd")
    options = [f"-o{name}={value}" for name, value in settings.items()]
    serving = shlex.join([str(root / "usr/sbin/vsftpd"), str(FLEET / "vsftpd.conf"), *options])
    script = f"mount --bind {shlex.quote(str(base / 'pam.d'))} /etc/pam.d && exec {serving}"
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]
    server = DebianServer("vsftpd", command, port, drops, "", base / "log")
    server.start()
    try:
        yield FleetServer(base, drops, port)
    finally:
        server.stop()


def _let_through(folder: Path) -> None:
    """pytest's folders are for their owner only; a virtual user has to pass."""
    if folder.stat().st_uid == os.getuid():
        folder.chmod(folder.stat().st_mode | 0o011)


def _pam(base: Path) -> None:
    """The shipped file, with the module where Debian's package was unpacked and the users of this test."""
    root, _ = debian_environment("libpam-pwdfile")
    (module,) = root.rglob("pam_pwdfile.so")
    text = (FLEET / "pam.d/vsftpd-drops").read_text(encoding="utf-8")
    (base / "pam.d").mkdir()
    placed = text.replace("pam_pwdfile.so", str(module)).replace("/etc/vsftpd/agents", str(base / "agents"))
    (base / "pam.d/vsftpd-drops").write_text(placed, encoding="utf-8")

"""Real FTP servers of Debian on a free loopback port, as the user that runs the tests: fetched by scripts/debian.

    with vsftpd(tmp_path) as server:
        push to server.host, server.port, server.user, server.password; look into server.folder
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.fake.certificates import Identity

PROJECT = Path(__file__).parents[2]
START_TIMEOUT_S = 20.0
PASSWORD = "tsm-secret"
PASSWORD_CRYPT = "$6$tsm$FR.00thseQulGN12QLJZ3juhrmAPOpMxkxkkB1hxTjrdEPDruSCyEdrVlqqgioiP.8mZS1dNuDpkGglyrCxwu/"


_VSFTPD_TLS = (
    "ssl_enable=YES\nallow_anon_ssl=YES\nforce_anon_data_ssl=YES\nforce_anon_logins_ssl=YES\nrequire_ssl_reuse=YES\n"
    "ssl_tlsv1=YES\nssl_ciphers=HIGH\nrsa_cert_file={0.certificate}\nrsa_private_key_file={0.key}\n"
)
_PROFTPD_TLS = (
    "ModulePath {modules}\nLoadModule mod_tls.c\nTLSEngine on\nTLSRequired on\nTLSLog {log}\n"
    "TLSRSACertificateFile {0.certificate}\nTLSRSACertificateKeyFile {0.key}\n"
)


class DebianServer:
    """A server process. `folder` is where a login lands; `stop` and `start` keep the port."""

    host: str = "127.0.0.1"

    def __init__(self, package: str, command: list[str], port: int, folder: Path, user: str, log: Path) -> None:
        self.port = port
        self.folder = folder
        self.user = user
        self.password = PASSWORD
        self._command = command
        self._environment = {**os.environ, "LD_LIBRARY_PATH": _libraries(package)}
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The first of its processes."""
        assert self._process is not None, "the server was not started"
        return self._process.pid

    def start(self) -> None:
        """Returns when the server greets."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not self._greets():
            if time.monotonic() > deadline_s or self._process.poll() is not None:
                self.stop()
                raise RuntimeError(f"{self._command[0]} does not start:\n{self._log.read_text(errors='replace')}")
            time.sleep(0.02)

    def stop(self) -> None:
        """The server and every child of it are gone when this returns, whatever they were doing."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def _greets(self) -> bool:
        try:
            with socket.create_connection((self.host, self.port), timeout=1) as connection:
                return connection.recv(3) == b"220"
        except OSError:
            return False


@contextlib.contextmanager
def vsftpd(tmp_path: Path, tls: Identity | None = None, host: str = "127.0.0.1") -> Iterator[DebianServer]:
    """vsftpd, writable without rights: it takes any password. `tls`: encryption of everything is required."""
    listening = "listen=NO\nlisten_ipv6=YES\nlisten_address6" if ":" in host else "listen=YES\nlisten_address"
    base = _base(tmp_path, "vsftpd")
    folder, port = base / "files", free_port()
    folder.mkdir()
    (base / "empty").mkdir()
    config = base / "vsftpd.conf"
    config.write_text(
        f"{listening}={host}\nlisten_port={port}\nbackground=NO\nrun_as_launching_user=YES\n"
        f"anonymous_enable=YES\nno_anon_password=NO\nlocal_enable=NO\nwrite_enable=YES\nanon_upload_enable=YES\n"
        f"anon_mkdir_write_enable=YES\nanon_other_write_enable=YES\nanon_world_readable_only=NO\nanon_umask=022\n"
        f"anon_root={folder}\nftp_username={_user()}\nsecure_chroot_dir={base / 'empty'}\nseccomp_sandbox=NO\n"
        "connect_from_port_20=NO\nxferlog_enable=NO\nutf8_filesystem=YES\n" + (_VSFTPD_TLS.format(tls) if tls else "")
    )
    command = [str(_binary("vsftpd", "vsftpd")), str(config)]
    server = DebianServer("vsftpd", command, port, folder, "anonymous", base / "log")
    server.host = host
    yield from _running(server)


@contextlib.contextmanager
def proftpd(tmp_path: Path, tls: Identity | None = None) -> Iterator[DebianServer]:
    """proftpd with one user and his password. `tls`: encryption of everything is required."""
    base = _base(tmp_path, "proftpd")
    folder, port = base / "files", free_port()
    folder.mkdir()
    users = base / "passwd"
    users.write_text(f"tsm:{PASSWORD_CRYPT}:{os.getuid()}:{os.getgid()}::{folder}:/bin/sh\n")
    users.chmod(0o600)
    group = grp.getgrgid(os.getgid()).gr_name
    config = base / "proftpd.conf"
    config.write_text(
        f"ServerType standalone\nDefaultAddress 127.0.0.1\nSocketBindTight on\nPort {port}\nUseIPv6 off\n"
        f"UseReverseDNS off\nUser {_user()}\nGroup {group}\nAuthOrder mod_auth_file.c\n"
        f"AuthUserFile {users}\nRequireValidShell off\nRootLogin on\nAllowOverwrite on\nWtmpLog off\n"
        f"TransferLog none\nSystemLog {base}/system\n"
        f"ScoreboardFile {base}/scoreboard\nPidFile {base}/pid\nDelayEngine off\nUmask 022\nMaxInstances none\n"
        "<IfModule mod_ctrls.c>\nControlsEngine off\n</IfModule>\n"
        + (_PROFTPD_TLS.format(tls, modules=_modules(), log=base / "tls") if tls else "")
    )
    command = [str(_binary("proftpd-core", "proftpd")), "--nodaemon", "--quiet", "--config", str(config)]
    yield from _running(DebianServer("proftpd-core", command, port, folder, "tsm", base / "log"))


@contextlib.contextmanager
def pure_ftpd(tmp_path: Path, tls: Identity | None = None) -> Iterator[DebianServer]:
    """pure-ftpd, which only root can run; any name and password are `nobody`'s. `tls` as above."""
    base = _base(tmp_path, "pure-ftpd")
    folder, port = base / "files", free_port()
    folder.mkdir()
    folder.chmod(0o777)
    nobody = pwd.getpwnam("nobody")
    script, place = base / "who", base / "who.socket"
    told = ("auth_ok:1", f"uid:{nobody.pw_uid}", f"gid:{nobody.pw_gid}", f"dir:{folder}", "end")
    script.write_text("#!/bin/sh\n" + "".join(f"echo {line}\n" for line in told))
    script.chmod(0o755)
    asked = f"{_binary('pure-ftpd', 'pure-authd')} -s {place} -r {script}"
    serving = f"{_binary('pure-ftpd', 'pure-ftpd')} -S 127.0.0.1,{port} -l extauth:{place} -A -E -H"
    encrypted = f" -Y 3 -2 {tls.certificate},{tls.key}" if tls else ""
    command = ["sh", "-c", f"{asked} & until [ -S {place} ]; do sleep 0.02; done; exec {serving}{encrypted}"]
    yield from _running(DebianServer("pure-ftpd", command, port, folder, "tsm", base / "log"))


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _running(server: DebianServer) -> Iterator[DebianServer]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _base(tmp_path: Path, name: str) -> Path:
    base = tmp_path / name
    base.mkdir()
    return base


def _binary(package: str, name: str) -> Path:
    found = PROJECT / ".debian" / package / "usr/sbin" / name
    if not found.exists():
        subprocess.run([str(PROJECT / "scripts/debian"), package], check=True)
    return found


def _modules() -> Path:
    """The folder of proftpd's modules for encryption, which Debian has in a package of their own."""
    package = "proftpd-mod-crypto"
    if not (PROJECT / ".debian" / package).exists():
        subprocess.run([str(PROJECT / "scripts/debian"), package], check=True)
    return PROJECT / ".debian" / package / "usr/lib/proftpd"


def debian_environment(package: str) -> tuple[Path, dict[str, str]]:
    """Where a package of Debian lies, fetched if need be, and the environment that its programs run in."""
    root = PROJECT / ".debian" / package
    if not root.exists():
        subprocess.run([str(PROJECT / "scripts/debian"), package], check=True)
    return root, {**os.environ, "LD_LIBRARY_PATH": _libraries(package)}


def _libraries(package: str) -> str:
    root = PROJECT / ".debian" / package
    return ":".join(str(folder) for top in ("lib", "usr/lib") for folder in sorted(root.glob(f"{top}/*-linux-*")))


def _user() -> str:
    return pwd.getpwuid(os.getuid()).pw_name

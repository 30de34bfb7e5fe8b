"""A clean Debian 12 that boots with its own systemd, without a network, and forgets everything at its end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
ROOT = PROJECT / ".debian/bookworm"
START_S = 60.0
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


class Machine:
    """`leader` is its process 1, as it is called outside."""

    def __init__(self, leader: int) -> None:
        self.leader = leader

    def run(self, script: str, timeout_s: float = 300.0) -> subprocess.CompletedProcess[str]:
        """A script of the shell inside, as root."""
        inside = ["nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-n", "-p", "-C", "sh", "-c", script]
        return subprocess.run(inside, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=timeout_s)

    def tell(self, script: str) -> str:
        """What a script prints; it has to succeed."""
        done = self.run(script)
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def wait_for(self, script: str, timeout_s: float = 120.0) -> None:
        """Until a script succeeds."""
        deadline_s = time.monotonic() + timeout_s
        while (done := self.run(script)).returncode:
            assert time.monotonic() < deadline_s, f"{script}\n{done.stdout}{done.stderr}"
            time.sleep(0.5)


@contextmanager
def debian_machine(shown: Mapping[str, Path], log: Path) -> Iterator[Machine]:
    """`shown` are folders of ours that stand inside under these paths, to be read only. Skips where it cannot run."""
    if os.getuid() or shutil.which("systemd-nspawn") is None:
        pytest.skip("root and systemd-nspawn are needed (apt-get install systemd-container)")
    if not (ROOT / ".ok").exists() and subprocess.run([str(PROJECT / "scripts/debian-root")], check=False).returncode:
        pytest.skip("no clean Debian: scripts/debian-root says why")
    binds = [f"--bind-ro={ours}:{path}" for path, ours in shown.items()]
    command = ["systemd-nspawn", "-q", "--register=no", "--keep-unit", "--private-network", "--volatile=overlay"]
    with log.open("wb") as output:
        nspawn = subprocess.Popen(
            [*command, *binds, "-D", str(ROOT), "--boot", "--console=pipe"],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        yield _booted(nspawn, log)
    finally:
        for leader in _children(nspawn.pid):
            os.kill(leader, signal.SIGKILL)
        nspawn.terminate()
        nspawn.wait(60)


def _booted(nspawn: subprocess.Popen[bytes], log: Path) -> Machine:
    deadline_s = time.monotonic() + START_S
    while time.monotonic() < deadline_s and nspawn.poll() is None:
        for leader in _children(nspawn.pid):
            machine = Machine(leader)
            if machine.run("systemctl is-system-running").stdout.strip() in ("running", "degraded"):
                return machine
        time.sleep(0.2)
    pytest.skip(f"a container does not boot here:\n{log.read_text(errors='replace')[-2000:]}")


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []

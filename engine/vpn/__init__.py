"""One OpenVPN process: started from a checked copy, watched, ended; and the one that an agent before left behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from engine.vpn.copy import config_of
from engine.worker import Worker

GRACE_S = 10.0
"""So long OpenVPN may take to say farewell and remove its addresses, then it is killed."""
LINE_LIMIT_BYTES = 4096
TOLD_CHARACTERS = 200
PROGRAM_FOLDERS = f"{os.defpath}:/usr/local/sbin:/usr/sbin:/sbin"

_UP = "Initialization Sequence Completed"
_DOWN = re.compile(r"process restarting|SIGUSR1\[|Restart pause|\bexiting\b")
_TROUBLE = re.compile(r"error|fail|cannot|denied|refused|unreachable|expired|not found|unrecognized", re.IGNORECASE)


def find_program(name: str) -> str | None:
    """Where a program of the system stands."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:{PROGRAM_FOLDERS}")


def arguments(openvpn: str, setpriv: str | None, config: Path) -> list[str]:
    """The command line. What stands behind the file overrules it: it could not say these things anyway.

    With `setpriv` the kernel ends OpenVPN when the agent ends, however that happens.
    """
    bound = [setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []
    return [
        *bound, openvpn, "--cd", str(config.parent), "--config", str(config),
        "--script-security", "0", "--verb", "3", "--auth-nocache", "--suppress-timestamps",
    ]  # fmt: skip


class _Listener(Worker):
    """Reads what OpenVPN says until it ends."""

    def __init__(
        self, name: str, descriptor: int, heard: Callable[[str], None], crashed: Callable[[str, str], None]
    ) -> None:
        super().__init__(f"vpn-{name}", crashed)
        self._descriptor = descriptor
        self._heard = heard

    def work(self) -> None:
        rest = b""
        with suppress(OSError):
            while data := os.read(self._descriptor, LINE_LIMIT_BYTES):
                *lines, rest = (rest + data).split(b"\n")
                rest = rest[-LINE_LIMIT_BYTES:]
                for line in lines:
                    self._heard(line.decode("utf-8", "replace").strip())


class Tunnel:
    """One process. Made by the main thread, which lives as long as the agent: that is whose end ends OpenVPN."""

    def __init__(self, root: Path, name: str, openvpn: str, crashed: Callable[[str, str], None]) -> None:
        """Raises OSError when it cannot be started."""
        self.name = name
        self.is_up = False
        self.trouble = ""
        config = config_of(root, name)
        self._process = subprocess.Popen(
            arguments(openvpn, find_program("setpriv"), config),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self._listener = _Listener(name, self._process.stdout.fileno(), self._heard, crashed)
        self._listener.start()
        self._kill_at_s: float | None = None

    @property
    def ended(self) -> bool:
        """Whether the process is gone; then nothing of it is left."""
        if self._process.poll() is None:
            return False
        self._listener.join(1.0)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return True

    def ask_to_end(self, now_s: float) -> None:
        """Begin to end it; `tick` does the rest."""
        if self._kill_at_s is None:
            self._kill_at_s = now_s + GRACE_S
            self._process.terminate()

    def tick(self, now_s: float) -> None:
        """Kill one that does not end."""
        if self._kill_at_s is not None and now_s >= self._kill_at_s:
            self._process.kill()

    def end(self) -> None:
        """End it and wait: for the end of the agent."""
        self._process.terminate()
        try:
            self._process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self.ended

    def _heard(self, line: str) -> None:
        """Called by the listener; whoever reads sees the one or the other."""
        if _UP in line:
            self.is_up, self.trouble = True, ""
        elif _DOWN.search(line):
            self.is_up = False
        if _TROUBLE.search(line):
            self.trouble = line[:TOLD_CHARACTERS]


def left_behind(root: Path, name: str, proc: Path = Path("/proc")) -> Iterator[int]:
    """Processes that run from this very copy although no agent watches them any more."""
    config = os.fsencode(config_of(root, name))
    for folder in proc.iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                if b"--config" in words[:-1] and words[words.index(b"--config") + 1] == config:
                    yield int(folder.name)


def end_left_behind(root: Path, name: str) -> int:
    """Kill them; how many there were."""
    found = list(left_behind(root, name))
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(found)

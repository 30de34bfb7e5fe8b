"""The real agent as a process of its own, on a folder of a test, and the settings that it finds there.

    configure(root, devices={"a.ini": tcp_device(port)})
    with AgentProcess(root) as agent:
        eventually(lambda: agent.shown("440020").get("Online") == "1", "the first reading", agent)

A wait looks often and is patient: what it waits for is a file, never a moment.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from engine import naming
from engine.formats.archive import Block, blocks
from tests.fake.debian_servers import free_port

PROJECT = Path(__file__).parents[2]
AGENT = PROJECT / "agent.py"
PATIENCE_S = 60.0
STOP_S = 30.0
LOOK_S = 0.02


class AgentProcess:
    """`agent.py --root ROOT run` between `start` and `stop`, or inside `with`. What it says is in `log`.

    On the way out of the block SIGTERM ends the agent with 0, and no child of it is left.
    """

    def __init__(self, root: Path, *options: str) -> None:
        self.root = root
        self.log = root.with_name(f"{root.name}.stderr")
        self._command = [sys.executable, str(AGENT), "--root", str(root), *options, "run"]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "the agent was not started"
        return self._process.pid

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Returns at once: wait for a file to know how far it is."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """The exit code after a signal."""
        assert self._process is not None, "the agent was not started"
        self._process.send_signal(number)
        return self.wait(STOP_S)

    def wait(self, timeout_s: float = PATIENCE_S) -> int:
        """The exit code; AssertionError when there is none in time, with everything killed."""
        assert self._process is not None, "the agent was not started"
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the agent did not end in {timeout_s} s:\n{self.told()}") from None

    def kill(self) -> None:
        """The agent and all its children are gone when this returns, whatever they were doing."""
        if self._process is not None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # it was the last of its group
            self._process.wait()

    def left(self) -> list[str]:
        """Command lines of processes of the agent's session, itself among them."""
        return [_command_line(pid) for pid in session(self.pid)]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self.runs:
                code = self.stop()
                assert code == 0, f"exit code {code}:\n{self.told()}"
                assert self.left() == []
        finally:
            self.kill()

    # --- what it says and writes

    def told(self) -> str:
        """Everything on stderr and stdout so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def status(self) -> str:
        return read(self.root / naming.STATUS)

    def journal(self) -> str:
        return read(self.root / naming.JOURNAL)

    def shown(self, dev_number: str, section: str = "0") -> dict[str, str]:
        """One section of a snapshot; empty while there is none."""
        return section_of(read(self.root / naming.snapshot_path(dev_number)), section)


def eventually(
    condition: Callable[[], object], what: str, agent: AgentProcess | None = None, patience_s: float = PATIENCE_S
) -> float:
    """Wait until `condition()` is true; returns the seconds that it took."""
    begun_s = time.monotonic()
    while not condition():
        if time.monotonic() - begun_s > patience_s:
            raise AssertionError(f"in vain for {patience_s} s: {what}\n{_situation(agent)}")
        if agent is not None and not agent.runs:
            raise AssertionError(f"the agent has ended, in vain: {what}\n{_situation(agent)}")
        time.sleep(LOOK_S)
    return time.monotonic() - begun_s


def run_agent(root: Path, *arguments: str, timeout_s: float = PATIENCE_S) -> subprocess.CompletedProcess[str]:
    """`agent.py --root ROOT …` until it ends by itself."""
    command = [sys.executable, str(AGENT), "--root", str(root), *arguments]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=timeout_s, check=False
    )


# --- settings


def configure(
    root: Path,
    *,
    agent: Mapping[str, object] | None = None,
    ftp: str = "[internal]\nEnabled=0\n",
    devices: Mapping[str, str] | None = None,
) -> None:
    """The files of the user, before the agent starts. `agent` holds keys of `[agent]`."""
    keys = {"Timezone": "UTC", "PollInterval": 1, **(agent or {})}
    put(root, "agent.ini", section_text("agent", keys))
    put(root, "ftp.ini", ftp)
    for name, text in (devices or {}).items():
        put(root, f"devices/{name}", text)


def put(root: Path, name: str, text: str) -> None:
    """A file of `log/User/`, complete at once, as an editor that knows its trade writes it."""
    path = root / naming.USER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def section_text(section: str, keys: Mapping[str, object]) -> str:
    return f"[{section}]\n" + "".join(f"{key}={value}\n" for key, value in keys.items())


def tcp_device(port: int, **keys: object) -> str:
    """A device file of a meter on loopback that does not keep a test waiting."""
    place = {"Connection": "TCP", "NetIP": "127.0.0.1", "NetPort": port}
    return section_text("device", {**place, **_quick(), **keys})


def serial_device(port: str, **keys: object) -> str:
    """The same on a serial port."""
    return section_text("device", {"Port": port, **_quick(), **keys})


def server_text(section: str, port: int, user: str, password: str, **keys: object) -> str:
    """One external server of `ftp.ini` that gets a drop every second."""
    own = {"Enabled": 1, "Host": "127.0.0.1", "Port": port, "User": user, "Password": password, "Interval": 1}
    return section_text(section, {**own, **keys})


def internal_text(port: int, **keys: object) -> str:
    """The embedded server of `ftp.ini` on loopback."""
    return section_text("internal", {"Enabled": 1, "Bind": "127.0.0.1", "Port": port, **keys})


def closed_port() -> int:
    """A loopback port where nobody listens."""
    return free_port()


def _quick() -> dict[str, object]:
    return {"NetAddr": 1, "PacketTimeout": 250, "ByteTimeout": 60, "BlockSize": 255}


# --- files of the agent


def read(path: Path) -> str:
    """The text of a file; empty while there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def section_of(text: str, section: str) -> dict[str, str]:
    """Keys and texts of one section of a snapshot."""
    _, found, rest = f"\n{text}".partition(f"\n[{section}]\n")
    lines = rest.partition("\n[")[0].splitlines() if found else []
    return dict(line.split("=", 1) for line in lines if line)


def archive_files(root: Path, dev_number: str) -> list[Path]:
    """Every archive file of a device, in the order of the names."""
    folder = root / naming.archive_folder(dev_number)
    return sorted(path for path in folder.glob("*.txt") if naming.archive_kind(path.name)) if folder.is_dir() else []


def stored(root: Path, dev_number: str, *, growing: bool = False) -> list[Block]:
    """All records of a device; AssertionError when a file is anything but a head and whole records, numbered on.

    `growing`: the agent may be writing at this moment, so the last record may stand there in part.
    """
    found = []
    for path in archive_files(root, dev_number):
        data = path.read_bytes()
        whole = list(blocks(data))
        assert growing or (whole and whole[-1].end == len(data)), f"{path} is torn"
        assert [block.number for block in whole] == list(range(len(whole))), path
        found += whole[1:]
    return found


def session(pid: int) -> list[int]:
    """Processes of the session that `pid` began; zombies count as gone."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                state, _, _, session, *_ = (folder / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(session) == pid and state != "Z":
                found.append(int(folder.name))
    return found


def _command_line(pid: int) -> str:
    return read(Path(f"/proc/{pid}/cmdline")).replace("\0", " ")


def _situation(agent: AgentProcess | None) -> str:
    return "" if agent is None else f"--- status\n{agent.status()}\n--- stderr\n{agent.told()[-4000:]}"

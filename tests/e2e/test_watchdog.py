"""systemd as the agent sees it: told when it is up, pinged while all goes on, told when it ends."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.fake.agent_process import (
    PROJECT,
    AgentProcess,
    closed_port,
    configure,
    eventually,
    put,
    server_text,
    tcp_device,
)
from tests.fake.notify_socket import NotifySocket
from tests.fake.prometheus import read

USEC = "400000"
SILENT_S = 1.2


class WatchedAgent(AgentProcess):
    """The agent under a manager that expects pings. What hangs is named by a file of `flags`."""

    def __init__(self, root: Path, manager: NotifySocket, flags: Path) -> None:
        super().__init__(root)
        wrapper = [sys.executable, str(PROJECT / "tests/fake/hang_wrapper.py"), str(flags)]
        environment = [f"NOTIFY_SOCKET={manager.address}", f"WATCHDOG_USEC={USEC}"]
        self._command = ["env", *environment, *wrapper, *self._command[2:]]


def pings(manager: NotifySocket) -> int:
    return manager.told.count("WATCHDOG=1")


def silent_s(manager: NotifySocket) -> float:
    return time.monotonic() - manager.moments[-1][0]


def test_pings_stop_while_anything_hangs_and_go_on_after_it(tmp_path: Path) -> None:
    root, flags = tmp_path / "root", tmp_path / "flags"
    flags.mkdir()
    server = server_text("server1", closed_port(), "u", "p")
    device = tcp_device(closed_port())
    configure(root, ftp=f"[internal]\nEnabled=0\n{server}", devices={"a.ini": device})
    with NotifySocket(tmp_path) as manager, WatchedAgent(root, manager, flags) as agent:
        eventually(lambda: pings(manager) >= 3, "pings", agent)
        assert manager.told[0] == "READY=1"
        for flag in ("line", "delivery"):
            (flags / flag).touch()
        eventually(lambda: agent.status().count("» завис: systemd перезапустит агента") == 2, "both hang", agent)
        before = pings(manager)
        (flags / "line").unlink()
        eventually(lambda: agent.journal().count("снова работает"), "one goes on", agent)
        assert pings(manager) == before, "the other one hangs"
        (flags / "delivery").unlink()
        eventually(lambda: pings(manager) > before, "pings when both go on", agent)
        (flags / "main").touch()
        eventually(lambda: silent_s(manager) > SILENT_S, "silence while the main loop hangs", agent)
        before = pings(manager)
        (flags / "main").unlink()
        eventually(lambda: pings(manager) > before, "pings when it goes on", agent)
        assert agent.stop() == 0
        assert manager.told[-1] == "STOPPING=1"


def test_without_a_watchdog_the_manager_is_told_begin_and_end_and_figures_live_as_long(tmp_path: Path) -> None:
    root = tmp_path / "root"
    configure(root, devices={"a.ini": tcp_device(closed_port(), DevNumber=440020)})
    put(root, "agent.ini", "[agent]\nPollInterval=1\n[metrics]\nFile=www/metrics.prom\n")
    figures = root / "www/metrics.prom"
    with NotifySocket(tmp_path, abstract=True) as manager:
        agent = AgentProcess(root)
        agent._command = ["env", f"NOTIFY_SOCKET={manager.address}", *agent._command]
        with agent:
            eventually(lambda: manager.told and figures.exists(), "it is up", agent)
            found = read(figures.read_text())
            assert found["tsm_polls"][1][0][0] == {"device": "440020", "file": "a.ini"}
            assert 5e6 < found["process_resident_memory_bytes"][1][0][1] < 100e6
            eventually(lambda: "[Агент]\nприборов 1, на связи 0" in agent.status(), "it is told to a person too", agent)
        assert manager.told == ["READY=1", "STOPPING=1"]
        assert not figures.exists()

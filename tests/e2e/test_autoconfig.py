"""`agent.py autoconfig` as a user starts it: beside a running agent, twice at once, stopped on the way."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from engine import naming
from engine.runtime.autoconfig import LOCK
from engine.runtime.root_lock import RootLock
from tests.e2e.meters import meter, on_pty
from tests.fake.agent_process import AGENT, AgentProcess, configure, eventually, run_agent, serial_device

NOWHERE = "/dev/ttyS4077"


def test_a_found_meter_is_a_file_at_once_and_a_signal_ends_the_search(tmp_path: Path) -> None:
    found = tmp_path / naming.DEVICES / "476721.ini"
    with on_pty(meter(address=17)) as line:
        command = [sys.executable, str(AGENT), "--root", str(tmp_path), "autoconfig", line.device]
        with subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8") as process:
            try:
                eventually(found.exists, "the file of the meter")
                process.send_signal(signal.SIGTERM)
                _, told = process.communicate(timeout=30)
            finally:
                process.kill()
    assert process.returncode == 1
    assert "найден ТЕМ-104 №476721, скорость 9600, адрес 17" in told
    assert "автонастройка прервана" in told
    checked = run_agent(tmp_path, "check")
    assert (checked.returncode, checked.stdout) == (0, "")


def test_a_line_of_a_running_agent_is_not_disturbed(tmp_path: Path) -> None:
    root, other = tmp_path / "root", tmp_path / "other"
    with on_pty(meter(address=17)) as line:
        configure(root, devices={"a.ini": serial_device(line.device, NetAddr=17)})
        with AgentProcess(root) as agent:
            eventually(lambda: agent.shown("476721").get("Online") == "1", "the first reading", agent)
            own = run_agent(root, "autoconfig", line.device)
            foreign = run_agent(other, "autoconfig", line.device)
            assert "пропущен, его опрашивает a.ini" in own.stderr
            assert "порт не открывается: занят другой программой" in foreign.stderr
            assert (own.returncode, foreign.returncode) == (0, 0)
            assert agent.shown("476721")["Online"] == "1"
            assert "476721" not in agent.journal().partition("запущен")[2]
    assert not (other / naming.DEVICES).exists()


def test_a_second_search_at_the_same_time_is_refused(tmp_path: Path) -> None:
    lock = RootLock(tmp_path, LOCK)
    lock.take()
    refused = run_agent(tmp_path, "autoconfig", NOWHERE)
    assert refused.returncode == 3
    assert "уже идёт" in refused.stderr
    lock.release()
    assert run_agent(tmp_path, "autoconfig", NOWHERE).returncode == 0


def test_what_is_no_port_is_told(tmp_path: Path) -> None:
    refused = run_agent(tmp_path, "autoconfig", "/etc/passwd")
    assert refused.returncode == 1
    assert "/etc/passwd: нужен порт" in refused.stderr

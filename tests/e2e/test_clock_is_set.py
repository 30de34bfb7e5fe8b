"""The real agent sets its clock: by a meter on a board without a battery, then by hand. The clock is libfaketime's."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from drivers.emulated import tem
from engine import naming
from engine.emulate import PtyServer
from engine.emulate.line import Line
from tests.fake.agent_process import PROJECT, AgentProcess, configure, eventually, put, serial_device
from tests.fake.faulty_clock import FaultyClock

NEVER_SET = datetime(1970, 1, 1, 0, 1, tzinfo=UTC)
METER = datetime(2026, 9, 25, 14, 30, 7)
"""In the agent's zone; it stands still."""
INI = "; Часы\n[agent]\nTimezone=Etc/GMT-3\nPollInterval=1\n[time]\nSet={}\nSyncPort={}\n"


class SettingAgent(AgentProcess):
    """The agent on a board whose clock it may set."""

    def __init__(self, root: Path, clock: FaultyClock, path: Path) -> None:
        super().__init__(root)
        wrapper = [sys.executable, str(PROJECT / "tests/fake/clock_wrapper.py"), str(path)]
        environment = [f"{key}={value}" for key, value in clock.environment().items()]
        self._command = ["env", *environment, *wrapper, *self._command[2:]]


def shows(clock: FaultyClock, moment: datetime) -> bool:
    return abs(clock.now() - moment) < timedelta(minutes=2)


def test_a_meter_sets_the_clock_then_a_person_does_once(tmp_path: Path) -> None:
    root, path = tmp_path / "root", tmp_path / "clock"
    clock = FaultyClock(path, NEVER_SET)
    speaker = tem.Meter(tem.Options(model="tesmart", flash_kb=512, records=(3, 1, 1), serial=1001), now=METER)
    with PtyServer(Line(speaker, baud=0, turnaround_s=0, time_scale=0)) as server:
        configure(root, devices={"a.ini": serial_device(server.device)})
        put(root, "agent.ini", INI.format("", ""))
        with SettingAgent(root, clock, path) as agent:
            eventually(lambda: agent.shown("1001").get("Online") == "1", "a reading", agent)
            assert agent.shown("1001")["ReadDate"] == "", "nothing is stamped with a clock that was never set"
            put(root, "agent.ini", INI.format("", server.device))
            eventually(lambda: "часы поставлены по прибору 1001" in agent.journal(), "the meter's time", agent)
            assert shows(clock, datetime(2026, 9, 25, 11, 30, 7, tzinfo=UTC))
            eventually(lambda: agent.shown("1001")["ReadDate"] == "25.09.26", "readings are stamped", agent)
            put(root, "agent.ini", INI.format("1122093026", ""))
            eventually(lambda: agent.shown("1001")["ReadDate"] == "22.11.26", "the person's time", agent)
            eventually(lambda: "Set=1122093026: часы поставлены" in agent.status(), "it is told", agent)
            assert (root / naming.AGENT_INI).read_text() == INI.format("", "")
            eventually(lambda: not (root / "var/time-set.txt").exists(), "nothing is left to be done", agent)
        clock.set(datetime(2026, 12, 1, tzinfo=UTC))
        with SettingAgent(root, clock, path) as agent:
            eventually(lambda: agent.shown("1001").get("ReadDate") == "01.12.26", "a later start", agent)
        assert shows(clock, datetime(2026, 12, 1, tzinfo=UTC))
    assert "Traceback" not in agent.told()

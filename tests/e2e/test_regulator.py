"""A regulator as it is met in the field: the real agent between an emulated meter and an emulated valve."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from drivers.emulated import Piece
from drivers.emulated.modbus import Device, Places, put
from engine.emulate import TcpServer
from engine.ftpd.accounts import FACTORY_PASSWORD
from tests.e2e.meters import on_tcp
from tests.fake import agent_process
from tests.fake.agent_process import AgentProcess, configure, eventually, internal_text, section_text, tcp_device
from tests.fake.debian_servers import free_port
from tests.fake.leaks import nothing_left

REGISTER, BEGIN = 40, 400
FLOW_PER_UNIT = 0.02
ONE_STEP = 60
"""What the law adds in one step at most, and what a note may lack."""
VALVE_MAP = "[extra]\nS1Valve=40 u16 scale 0.1\n"
BLIND_MAP = "[values]\nS1T1=41 u16 unit °C\n"
METER_MAP = "[values]\nS1G1=0 float unit t/h\n"
KEYS: dict[str, object] = {
    "Enabled": 1, "Source": "440020.S1G1", "Setpoint": 12, "Response": 0.2, "Lag": 1, "Delay": 0, "Period": 1,
    "MaxAge": 2, "Rate": 50, "Register": REGISTER, "Scale": 0.1,
}  # fmt: skip


class Meter(Device):
    """What flows through the valve."""

    def __init__(self, valve: Device) -> None:
        super().__init__({}, 1, "tcp", self.flow)
        self.valve = valve
        self.silent = False

    def flow(self) -> Places:
        places = Places()
        put(places, "holding", 0, "float", self.valve.places[3, REGISTER] * FLOW_PER_UNIT)
        return places

    def pieces(self, data: bytes) -> list[Piece]:
        return [] if self.silent else super().pieces(data)


@dataclass
class Site:
    root: Path
    valve: Device
    meter: Meter
    ports: tuple[int, int]
    template: str = VALVE_MAP

    def valve_text(self, **keys: object) -> str:
        device = tcp_device(self.ports[0], DevType="Modbus", Template="valve", DevNumber=55662)
        return device + section_text("regulator", {**KEYS, **keys})

    def configure(self, ftp: str = "[internal]\nEnabled=0\n", **keys: object) -> AgentProcess:
        meter = tcp_device(self.ports[1], DevType="Modbus", Template="meter", DevNumber=440020, Retries=0)
        configure(self.root, ftp=ftp, devices={"valve.ini": self.valve_text(**keys), "meter.ini": meter})
        agent_process.put(self.root, "templates/valve.ini", self.template)
        agent_process.put(self.root, "templates/meter.ini", METER_MAP)
        return AgentProcess(self.root)

    def set(self, **keys: object) -> None:
        """The user's file with these keys, put while the agent works."""
        agent_process.put(self.root, "devices/valve.ini", self.valve_text(**keys))

    @property
    def held(self) -> int:
        return self.valve.places[3, REGISTER]

    @property
    def written(self) -> list[int]:
        return [raw for _, raw in self.valve.writes]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    valve = Device({(3, REGISTER): BEGIN, (3, 41): 20}, 1, "tcp")
    valve.writable = True
    meter = Meter(valve)
    servers: list[TcpServer] = []
    with nothing_left(), on_tcp(valve) as first, on_tcp(meter) as second:
        servers += [first, second]
        yield Site(tmp_path / "root", valve, meter, (first.port, second.port))


def test_a_new_setpoint_is_followed_and_a_lost_meter_leads_to_the_safe_output(site: Site) -> None:
    with site.configure(Safe=10) as agent:
        eventually(lambda: site.held >= 440, "it opens towards 12 t/h", agent)
        assert site.written == sorted(site.written) and site.written[0] < BEGIN + 100, "from where the valve was"
        site.set(Safe=10, Setpoint=6)
        eventually(lambda: site.held < max(site.written), "it closes towards 6 t/h", agent)
        assert "желаемое 6;" in agent.status()
        site.meter.silent = True
        eventually(lambda: site.held == 100, "the safe output", agent)
        eventually(lambda: "выход идёт к Safe=10" in agent.status(), "it is told", agent)
        assert "показания 440020.S1G1 нет" in agent.journal()
        assert "выход изменён не регулятором" not in agent.journal()


@pytest.mark.parametrize("template", [VALVE_MAP, BLIND_MAP], ids=["read back", "noted"])
def test_killed_it_leaves_the_valve_and_goes_on_without_a_bump(
    site: Site, template: str, request: pytest.FixtureRequest
) -> None:
    if template == BLIND_MAP and not request.config.option.long:
        pytest.skip("with --long: the note itself is tested where the part is")
    site.template = template
    agent = site.configure(Output=40)
    with agent:
        eventually(lambda: site.held >= 440, "it opens", agent)
        agent.stop(signal.SIGKILL)
        before, writes = site.held, len(site.written)
        time.sleep(1.2)
        assert len(site.written) == writes, "nobody writes any more"
        agent.start()
        eventually(lambda: len(site.written) > writes, "it goes on", agent)
        assert abs(site.written[writes] - before) <= ONE_STEP


def test_a_person_sets_the_output_by_hand(site: Site) -> None:
    with site.configure(Mode="manual", Output=55) as agent:
        eventually(lambda: site.held == 550, "the output of the file", agent)
        site.set(Mode="hold")
        eventually(lambda: "Mode=hold" in agent.status(), "hold", agent)
        site.valve.places[3, REGISTER] = 700
        eventually(lambda: "в регистре 700 вместо 550" in agent.journal(), "somebody turned it", agent)
        assert site.written[-1] == 550


def test_with_the_factory_password_nothing_is_written(site: Site) -> None:
    with site.configure(internal_text(free_port(), Password=FACTORY_PASSWORD)) as agent:
        eventually(lambda: "не запущен: пароль встроенного FTP заводской" in agent.status(), "it is told", agent)
        eventually(lambda: agent.shown("440020").get("S1G1"), "the meter is read", agent)
        assert "[Регулятор]" in agent.status()
        assert site.written == []

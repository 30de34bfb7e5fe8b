"""Lines and what is wrong with them: dead neighbours, an adapter that is pulled, a meter that is away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import drivers
from drivers.emulated import Speaker
from drivers.emulated.bus import Bus
from drivers.emulated.faults import Fault, Faulty
from engine import naming
from engine.emulate import PtyServer, TcpServer
from engine.errors import LineDown
from engine.formats import fields
from engine.line.link import SerialLink
from engine.news import Contact
from engine.settings import parse_device
from tests.e2e.meters import meter, on_pty, on_tcp, still
from tests.e2e.truth import assert_all_true, assert_shows, current_of, records_of, wait_for_archive
from tests.fake.agent_process import (
    AgentProcess,
    closed_port,
    configure,
    eventually,
    put,
    read,
    run_agent,
    serial_device,
    stored,
    tcp_device,
)
from tests.fake.virtual_line import VirtualLine

BY_ID = Path("/dev/serial/by-id")
NUMBER = "476721"
LOST_SOON = {"Retries": 0, "Reconnects": 2}


def readings_s(agent: AgentProcess, numbers: tuple[str, ...], count: int) -> float:
    """Seconds until each of these devices has been read at `count` more moments."""
    moments: dict[str, set[str]] = {number: set() for number in numbers}

    def look() -> bool:
        for number, seen in moments.items():
            seen.add(agent.shown(number).get("ReadTime", ""))
        return all(len(seen) > count for seen in moments.values())

    return eventually(look, f"{count} readings of each of {numbers}", agent)


def is_online(agent: AgentProcess, number: str = NUMBER) -> bool:
    return agent.shown(number).get("Online") == "1"


def is_offline(agent: AgentProcess, number: str = NUMBER) -> bool:
    return agent.shown(number).get("Online") == "0"


# --- dead neighbours


def test_a_dead_meter_on_a_line_and_a_dead_line_cost_the_others_nothing(tmp_path: Path) -> None:
    bus = Bus([meter(address=1, serial=11), meter(address=2, serial=12), meter("tem106", address=3, serial=13)])
    with on_pty(bus) as line, on_tcp(meter(serial=14)) as network:
        configure(
            tmp_path / "root",
            devices={
                **{f"{n}.ini": serial_device(line.device, NetAddr=n) for n in (1, 2, 3)},
                "dead.ini": serial_device(line.device, NetAddr=9, DevNumber="19", Reconnects=3, Retries=2),
                "network.ini": tcp_device(network.port),
                "dead-line.ini": tcp_device(closed_port(), DevNumber="20", Reconnects=3),
            },
        )
        with AgentProcess(tmp_path / "root") as agent:
            for number, one in zip(("11", "12", "13"), bus.meters, strict=True):
                wait_for_archive(agent, number, one)
                assert assert_all_true(stored(agent.root, number), one) == set(records_of(one))
            eventually(lambda: agent.status().count("; не на связи (") == 2, "both dead ones are told", agent)
            took_s = readings_s(agent, ("11", "12", "13", "14"), 3)
            status = agent.status()
        print(f"\n3 readings of 4 meters, each due once a second: {took_s:.1f} s")
    assert took_s < 20
    assert "dead.ini: auto №19 " in status
    assert "не на связи (нет ответа)" in status
    assert "нет связи, нет соединения: " in status
    assert agent.shown("19") == agent.shown("20") == {}


def test_lost_answers_make_no_wait_longer() -> None:
    """Every sixth answer is lost: a reading every ten seconds is still had, for one wait and one silence each."""
    line = VirtualLine(Faulty(meter(), [Fault.parse("silent:6")]), drivers.load())
    settings, _ = parse_device(f"{naming.DEVICES}/a.ini", "[device]\nPort=ttyS0\nNetAddr=1\n")
    line.set_devices((settings,), 10.0)
    assert sum(isinstance(news, Contact) for news in line.run_for(600)) >= 55


# --- an adapter that is pulled out and put back


@pytest.fixture
def adapter(tmp_path: Path) -> Iterator[Path]:
    """A name below /dev/serial/by-id that leads to whatever terminal stands for the adapter."""
    made = [folder for folder in (BY_ID, BY_ID.parent) if not folder.exists()]
    try:
        BY_ID.mkdir(parents=True, exist_ok=True)
        path = BY_ID / f"usb-test_{tmp_path.name}"
        path.symlink_to("/dev/null")
        path.unlink()
    except OSError as error:
        pytest.skip(f"{BY_ID} cannot be written here: {error.strerror}")
    yield path
    path.unlink(missing_ok=True)
    for folder in made:
        with suppress(OSError):
            folder.rmdir()


def plugged(path: Path, speaker: Speaker) -> PtyServer:
    return PtyServer(still(speaker), link=str(path))


def test_an_adapter_that_was_pulled_is_used_again_when_it_is_back(tmp_path: Path, adapter: Path) -> None:
    whole = meter()
    configure(tmp_path / "root", devices={"a.ini": serial_device(str(adapter), **LOST_SOON)})
    with AgentProcess(tmp_path / "root") as agent:
        eventually(lambda: "порт не открывается: " in agent.status(), "the adapter is missing", agent)
        with plugged(adapter, whole):
            wait_for_archive(agent, NUMBER, whole)
        eventually(lambda: is_offline(agent), "pulled", agent)
        with plugged(adapter, whole) as line:
            took_s = eventually(lambda: is_online(agent), "back", agent)
            eventually(lambda: f"{adapter}: работает" in agent.status(), "status tells it", agent)
            assert line.device.startswith("/dev/pts/")
    print(f"\nread {took_s:.1f} s after the adapter is back")
    assert assert_all_true(stored(agent.root, NUMBER), whole) == set(records_of(whole))
    assert "не на связи" in agent.journal()


def test_a_serial_port_is_opened_anew_by_its_path(tmp_path: Path) -> None:
    path, identify = tmp_path / "adapter", bytes.fromhex("55 01 FE 00 00 00 AB")
    link = SerialLink(str(path))
    with pytest.raises(LineDown, match="порт не открывается"):
        link.open(9600)
    for _ in range(2):
        with plugged(path, meter()):
            link.open(9600)
            link.write(identify)
            assert link.read(100, 10)[:2] == b"\xaa\x01"
        with pytest.raises(LineDown, match="порт"):
            link.read(100, 10)
        link.close()


# --- a meter that is away


def test_a_meter_that_is_lost_is_shown_so_once_and_comes_back(tmp_path: Path) -> None:
    whole, root = meter("tem106", serial=440020), tmp_path / "root"
    path = root / "log/User/txt/440020.txt"
    with on_tcp(whole) as line:
        port = line.port
        configure(root, devices={"a.ini": tcp_device(port, **LOST_SOON)})
        agent = AgentProcess(root)
        agent.start()
        wait_for_archive(agent, "440020", whole)
        eventually(lambda: agent.shown("440020", "2"), "the newest day", agent)
        before = agent.shown("440020")
    try:
        eventually(lambda: is_offline(agent, "440020"), "off line", agent)
        assert_nothing_measured(before, agent.shown("440020"))
        assert agent.shown("440020", "1")["DateTime"] == "25.09.26 14:00:00"
        assert agent.shown("440020", "2")["DateTime"] == "25.09.26 00:00:00"
        written = path.stat()
        time.sleep(2)  # further failures follow within this time
        assert (path.stat().st_mtime_ns, path.stat().st_ino) == (written.st_mtime_ns, written.st_ino)
        with TcpServer(still(whole), port=port):
            eventually(lambda: is_online(agent, "440020"), "back", agent)
            assert_shows(agent.shown("440020"), current_of(whole))
            assert agent.stop() == 0
    finally:
        agent.kill()


def assert_nothing_measured(before: dict[str, str], now: dict[str, str]) -> None:
    """All keys are there; what was measured is empty, what is set stays."""
    assert list(now) == list(before)
    measured = {f"S{n}{key}" for n in range(1, 4) for key in fields.SYSTEM_MEASURED} | {"Date", "Time", "ErrText"}
    assert {key for key in now if key in measured and now[key]} == set()
    settings = [key for key in now if key not in measured | {"Online", "ReadTime", "ReadDate"}]
    assert [now[key] for key in settings] == [before[key] for key in settings]


@pytest.mark.parametrize("number", ["", NUMBER], ids=["own number", "number given"])
def test_a_snapshot_of_an_earlier_run_is_not_shown_as_current(tmp_path: Path, number: str) -> None:
    with on_tcp(meter()) as line:
        text = tcp_device(line.port, DevNumber=number, **LOST_SOON)
        configure(tmp_path, devices={"a.ini": text})
        assert run_agent(tmp_path, "once").returncode == 0
    with AgentProcess(tmp_path) as agent:
        assert is_online(agent)
        eventually(lambda: is_offline(agent), "what an earlier run left", agent)
        assert agent.shown(NUMBER)["S1T1"] == agent.shown(NUMBER)["Date"] == ""
        assert agent.shown(NUMBER)["S1Type"] == "Подача"
        assert agent.shown(NUMBER, "1")["DateTime"] == "25.09.26 14:00:00"


@pytest.mark.parametrize("way", ["removed", "switched off", "polling off"])
def test_a_device_that_is_polled_no_more_is_not_shown_as_current(tmp_path: Path, way: str) -> None:
    with on_tcp(meter()) as line, on_tcp(meter(serial=14)) as other:
        configure(tmp_path, devices={"a.ini": tcp_device(line.port), "b.ini": tcp_device(other.port)})
        with AgentProcess(tmp_path) as agent:
            eventually(lambda: is_online(agent) and is_online(agent, "14"), "both", agent)
            if way == "removed":
                (tmp_path / "log/User/devices/a.ini").unlink()
            elif way == "switched off":
                put(tmp_path, "devices/a.ini", tcp_device(line.port, Enabled=0))
            else:
                put(tmp_path, "agent.ini", "[agent]\nAutoPoll=0\n")
            eventually(lambda: is_offline(agent), "not current", agent)
            if way == "polling off":
                eventually(lambda: is_offline(agent, "14"), "not current", agent)
            else:
                assert is_online(agent, "14")
    assert read(tmp_path / f"log/User/txt/{NUMBER}.txt").startswith("[0]\n")

"""The command line: one cycle, a check of the settings, a trace, two agents on one folder, signals."""

from __future__ import annotations

import re
import signal
import socket
import time
from datetime import datetime
from pathlib import Path

import pytest

from drivers import tem_384
from engine.dialogue import Setup
from tests.drivers.test_captures import pairs_of
from tests.e2e.drops import assert_in_one_row, assert_nothing_unfinished, keys_in, keys_of, received
from tests.e2e.meters import meter, on_pty, on_tcp
from tests.e2e.truth import assert_all_true, records_of
from tests.fake.agent_process import (
    AgentProcess,
    closed_port,
    configure,
    eventually,
    internal_text,
    put,
    run_agent,
    section_of,
    serial_device,
    server_text,
    stored,
    tcp_device,
)
from tests.fake.debian_servers import vsftpd
from tests.fake.dialogue_runner import run

NUMBER = "476721"


def tree(root: Path) -> dict[str, tuple[float, bytes]]:
    """Every file and folder below `root` with its time and content."""
    return {
        str(path.relative_to(root)): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in sorted(root.rglob("*"))
    }


# --- once


def test_once_reads_stores_and_delivers_and_ends_with_0(tmp_path: Path) -> None:
    root, whole = tmp_path / "root", meter()
    with on_tcp(whole) as line, vsftpd(tmp_path) as server:
        configure(
            root,
            agent={"PollInterval": 3600},
            ftp="[internal]\nEnabled=0\n"
            + server_text("server1", server.port, server.user, server.password, Interval=3600),
            devices={"a.ini": tcp_device(line.port)},
        )
        done = run_agent(root, "once")
    assert done.returncode == 0, done.stderr
    assert assert_all_true(stored(root, NUMBER), whole) == set(records_of(whole))
    drops = received(server.folder, "linux")
    assert keys_in(drops) == keys_in(received(server.folder, "dos")) == keys_of(NUMBER, stored(root, NUMBER))
    assert section_of(drops[-1].snapshots[NUMBER], "0")["Online"] == "1"
    assert_in_one_row(drops)
    assert_nothing_unfinished(server.folder)


def test_once_again_finds_nothing_new(tmp_path: Path) -> None:
    root = tmp_path / "root"
    with on_tcp(meter()) as line, vsftpd(tmp_path) as server:
        configure(
            root,
            ftp="[internal]\nEnabled=0\n" + server_text("server1", server.port, server.user, server.password),
            devices={"a.ini": tcp_device(line.port)},
        )
        assert run_agent(root, "once").returncode == 0
        before, drops = stored(root, NUMBER), received(server.folder, "linux")
        assert run_agent(root, "once").returncode == 0
    assert stored(root, NUMBER) == before
    later = received(server.folder, "linux")
    assert len(later) > len(drops)
    assert keys_in(later) == keys_in(drops)
    assert_in_one_row(later)


def test_once_ends_with_1_when_a_meter_is_silent_and_does_the_rest(tmp_path: Path) -> None:
    root, whole = tmp_path / "root", meter()
    with on_tcp(whole) as line, vsftpd(tmp_path) as server:
        configure(
            root,
            ftp="[internal]\nEnabled=0\n" + server_text("server1", server.port, server.user, server.password),
            devices={"a.ini": tcp_device(line.port), "dead.ini": tcp_device(closed_port(), DevNumber="777")},
        )
        done = run_agent(root, "once")
    assert done.returncode == 1, done.stderr
    assert set(records_of(whole)) == assert_all_true(stored(root, NUMBER), whole)
    assert keys_in(received(server.folder, "dos")) == keys_of(NUMBER, stored(root, NUMBER))


def test_once_ends_when_a_server_is_away(tmp_path: Path) -> None:
    root = tmp_path / "root"
    with on_tcp(meter()) as line:
        configure(
            root,
            ftp="[internal]\nEnabled=0\n" + server_text("server1", closed_port(), "u", "p"),
            devices={"a.ini": tcp_device(line.port)},
        )
        done = run_agent(root, "once")
    assert done.returncode == 0, done.stderr
    assert "нет доставки" in (root / "log/User/status.txt").read_text(encoding="utf-8")


# --- check


def test_check_of_good_settings_says_nothing_and_touches_nothing(tmp_path: Path) -> None:
    root = tmp_path / "root"
    with socket.create_server(("127.0.0.1", 0)) as meter_port:
        meter_port.setblocking(False)
        configure(root, ftp=internal_text(closed_port()), devices={"a.ini": tcp_device(meter_port.getsockname()[1])})
        before = tree(tmp_path)
        done = run_agent(root, "check")
        with pytest.raises(BlockingIOError):
            meter_port.accept()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert tree(tmp_path) == before


def test_check_of_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    done = run_agent(tmp_path / "rot", "check")
    assert done.returncode == 1 and "такой папки нет" in done.stderr
    assert not (tmp_path / "rot").exists()


def test_check_tells_every_problem_with_its_line(tmp_path: Path) -> None:
    root = tmp_path / "root"
    configure(root, devices={"a.ini": "[device]\nPort=ttyS0\nBaud=9601\nNetAdr=1\n", "b.ini": "Port=ttyS1\n"})
    put(root, "agent.ini", "[agent]\nPollInterval=0\nPollInterval=1\n[alerts]\nInterval=60\n")
    put(root, "ftp.ini", "[internal]\nPort=99999\n[server1]\nEnabled=1\n")
    before = tree(tmp_path)
    done = run_agent(root, "check")
    places = set(re.findall(r"^(log/User/\S+?)(?::(\d+))?: ", done.stdout, re.MULTILINE))
    assert places == {
        ("log/User/agent.ini", "2"),
        ("log/User/agent.ini", "3"),
        ("log/User/agent.ini", "5"),
        ("log/User/ftp.ini", "2"),
        ("log/User/ftp.ini", "4"),
        ("log/User/devices/a.ini", "3"),
        ("log/User/devices/a.ini", "4"),
        ("log/User/devices/b.ini", "1"),
        ("log/User/devices/b.ini", ""),
    }
    assert done.returncode == 1
    assert tree(tmp_path) == before


def test_check_passes_a_warning(tmp_path: Path) -> None:
    configure(tmp_path)
    put(tmp_path, "agent.ini", "[alerts]\nInterval=60\n")
    done = run_agent(tmp_path, "check")
    assert done.returncode == 0
    assert done.stdout.startswith("log/User/agent.ini:2: ")


# --- trace


def test_a_trace_is_a_capture_that_the_driver_can_replay(tmp_path: Path) -> None:
    root, trace = tmp_path / "root", tmp_path / "trace.txt"
    with on_tcp(meter()) as line:
        configure(root, devices={"a.ini": tcp_device(line.port, BlockSize=64)})
        assert run_agent(root, "--trace-to", str(trace), "once").returncode == 0
    text = trace.read_text(encoding="utf-8")
    assert text.startswith(f"# 127.0.0.1:{line.port}\n")
    pairs = iter(pairs_of(text))

    def answer(request: bytes) -> bytes:
        wanted, reply = next(pairs)
        assert request == wanted
        return reply

    setup = Setup(address=1)
    identity = run(tem_384.DRIVER.open(setup, run(tem_384.DRIVER.ask_id(setup), answer)), answer)
    reading = run(tem_384.DRIVER.read(setup, identity), answer)
    assert (identity.meter_number, reading.clock) == (NUMBER, datetime(2026, 9, 25, 14, 30, 7))


# --- one agent on a folder


def test_a_second_agent_on_the_same_folder_refuses_to_start(tmp_path: Path) -> None:
    root = tmp_path / "root"
    configure(root)
    with AgentProcess(root) as first:
        eventually(first.status, "the first agent", first)
        for command in ("run", "once"):
            second = run_agent(root, command)
            assert second.returncode == 3
            assert "уже работает другой агент" in second.stderr
        assert first.runs
    assert run_agent(root, "once").returncode == 0


# --- signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_0_whatever_it_is_doing(tmp_path: Path, number: signal.Signals) -> None:
    root, whole = tmp_path / "root", meter(records=(864, 300, 100))
    with on_pty(whole) as line, socket.create_server(("127.0.0.1", 0)) as deaf:
        configure(
            root,
            ftp=internal_text(closed_port())
            + server_text("server1", deaf.getsockname()[1], "u", "p")
            + server_text("server2", closed_port(), "u", "p"),
            devices={
                "a.ini": serial_device(line.device),
                "deaf.ini": tcp_device(deaf.getsockname()[1], PacketTimeout=2000),
                "dead.ini": tcp_device(closed_port()),
            },
        )
        with AgentProcess(root) as agent:
            eventually(lambda: len(stored(root, NUMBER)) > 20, "the archive is being read", agent)
            begun_s = time.monotonic()
            assert agent.stop(number) == 0, agent.told()
            took_s = time.monotonic() - begun_s
            assert agent.left() == []
    print(f"\n{number.name}: {took_s:.2f} s")
    assert took_s < 8
    assert "Traceback" not in agent.told()
    assert "агент остановлен" in agent.status()
    assert assert_all_true(stored(root, NUMBER), whole) < set(records_of(whole))


def test_a_signal_before_anything_is_set_up_ends_it_too(tmp_path: Path) -> None:
    configure(tmp_path / "root")
    for pause_s in (0.15, 0.3, 0.4, 0.5):
        agent = AgentProcess(tmp_path / "root")
        agent.start()
        time.sleep(pause_s)
        assert agent.stop() in (0, -signal.SIGTERM), agent.told()
        agent.kill()

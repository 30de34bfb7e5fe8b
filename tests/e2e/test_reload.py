"""Settings that change while the agent works: over FTP and on the disk, good ones and broken ones."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ftplib import FTP, error_perm
from io import BytesIO
from pathlib import Path

import pytest

from engine import naming
from tests.e2e.meters import Counted, meter, on_tcp
from tests.e2e.truth import assert_all_true, records_of, wait_for_archive
from tests.fake.agent_process import (
    AgentProcess,
    closed_port,
    configure,
    eventually,
    internal_text,
    put,
    read,
    section_text,
    stored,
    tcp_device,
)

NUMBER = "476721"
USER, PASSWORD = "operator", "kotel-17"
SOON_S = 5.0
"""What is promised is one second; a busy machine gets more."""


@contextmanager
def logged_in(port: int, user: str = USER) -> Iterator[FTP]:
    with FTP() as client:
        client.connect("127.0.0.1", port, timeout=20)
        client.encoding = "utf-8"
        client.login(user, PASSWORD)
        yield client


def sent(client: FTP, path: str, text: str) -> float:
    """Puts a file; the moment of the server's answer."""
    client.storbinary(f"STOR {path}", BytesIO(text.encode()))
    return time.monotonic()


def ftp_text(port: int) -> str:
    return internal_text(port, User=USER, Password=PASSWORD)


def greets(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            return connection.recv(3) == b"220"
    except OSError:
        return False


def is_online(agent: AgentProcess, number: str = NUMBER) -> bool:
    return agent.shown(number).get("Online") == "1"


# --- over FTP


def test_a_device_file_sent_over_ftp_is_polled_within_a_second(tmp_path: Path) -> None:
    port, one, other = closed_port(), Counted(meter()), meter(serial=14)
    with on_tcp(one) as line, on_tcp(other) as second:
        configure(tmp_path, ftp=ftp_text(port), devices={"a.ini": tcp_device(line.port)})
        with AgentProcess(tmp_path) as agent:
            eventually(lambda: greets(port) and is_online(agent), "the first device", agent)
            with logged_in(port) as client:
                begun_s = sent(client, "/log/User/devices/Дом 14.ini", tcp_device(second.port))
                eventually(lambda: is_online(agent, "14"), "the new device", agent)
                took_s = time.monotonic() - begun_s
            print(f"\nread {took_s:.2f} s after the last byte")
            wait_for_archive(agent, "14", other)
    assert "Дом 14.ini: auto №14" in agent.status()
    assert took_s < SOON_S
    assert one.identified == 1, "the device that it does not concern was disturbed"


def test_a_broken_file_sent_over_ftp_is_answered_with_its_lines_and_the_old_one_stays(tmp_path: Path) -> None:
    port = closed_port()
    with on_tcp(meter()) as line:
        good = tcp_device(line.port)
        configure(tmp_path, ftp=ftp_text(port), devices={"a.ini": good})
        devices = tmp_path / naming.DEVICES
        with AgentProcess(tmp_path) as agent:
            eventually(lambda: greets(port) and is_online(agent), "the device", agent)
            with logged_in(port) as client:
                with pytest.raises(error_perm, match=r"^553 a\.ini:3: .*; a\.ini:4: "):
                    sent(client, "/log/User/devices/a.ini", "[device]\nPort=ttyS1\nBaud=9601\nNetAdr=1\n")
                assert read(devices / "a.ini") == good
                assert read(devices / "a.ini.refused") == "[device]\nPort=ttyS1\nBaud=9601\nNetAdr=1\n"
                with pytest.raises(error_perm, match=r"^553 agent\.ini:2: "):
                    sent(client, "/log/User/agent.ini", "[agent]\nPollInterval=0\n")
                assert is_online(agent)
                assert "Ошибок нет" in agent.status()
                sent(client, "/log/User/devices/a.ini", good + "; checked\n")
            assert not (devices / "a.ini.refused").exists()
            assert read(devices / "a.ini") == good + "; checked\n"


def test_a_changed_port_in_ftp_ini_moves_the_ftp_server(tmp_path: Path) -> None:
    first, second = closed_port(), closed_port()
    configure(tmp_path, ftp=ftp_text(first))
    with AgentProcess(tmp_path) as agent:
        eventually(lambda: greets(first), "the first port", agent)
        with logged_in(first) as client:
            begun_s = sent(client, "/log/User/ftp.ini", ftp_text(second))
            eventually(lambda: greets(second), "the second port", agent)
            print(f"\nmoved {time.monotonic() - begun_s:.2f} s after the last byte")
            assert not greets(first)
        with logged_in(second) as client:
            assert "User" in client.nlst("/log")
    assert f"работает, порт {second}" in agent.status()


# --- on the disk


def test_a_broken_file_on_the_disk_is_told_and_the_last_good_settings_stay(tmp_path: Path) -> None:
    one = Counted(meter())
    with on_tcp(one) as line:
        configure(tmp_path, devices={"a.ini": tcp_device(line.port)})
        with AgentProcess(tmp_path) as agent:
            eventually(lambda: is_online(agent), "the device", agent)
            put(tmp_path, "devices/a.ini", "[device]\nNetPort=0\n")
            put(tmp_path, "agent.ini", "[agent]\nPollInterval=1\nNumber=none\n")
            for place in ("log/User/devices/a.ini:2: ", "log/User/agent.ini:3: "):
                eventually(lambda place=place: place in agent.status(), place, agent)  # type: ignore[misc]
            asked = one.asked
            eventually(lambda: one.asked > asked + 20, "still polled", agent)
            assert one.identified == 1
        with AgentProcess(tmp_path) as agent:
            eventually(lambda: one.identified == 2 and "на связи" in agent.status(), "polled after a restart", agent)
            assert "log/User/devices/a.ini:2: " in agent.status()
            assert "log/User/agent.ini:3: " in agent.status()
            put(tmp_path, "devices/a.ini", tcp_device(line.port))
            put(tmp_path, "agent.ini", section_text("agent", {"PollInterval": 1}))
            eventually(lambda: "Ошибок нет" in agent.status(), "mended", agent)
    assert "log/User/devices/a.ini:2: " in agent.journal()


def test_a_new_device_file_with_errors_is_told_and_polls_nothing(tmp_path: Path) -> None:
    one = Counted(meter())
    with on_tcp(one) as line:
        configure(tmp_path)
        with AgentProcess(tmp_path) as agent:
            eventually(lambda: "Ошибок нет" in agent.status(), "the start", agent)
            put(tmp_path, "devices/a.ini", tcp_device(line.port) + "Retries=many\n")
            eventually(lambda: "log/User/devices/a.ini:9: " in agent.status(), "the problem", agent)
            assert one.asked == 0
            put(tmp_path, "devices/a.ini", tcp_device(line.port))
            eventually(lambda: is_online(agent), "mended", agent)


def test_deleted_configuration_files_are_back_within_seconds(tmp_path: Path) -> None:
    one = Counted(meter())
    with on_tcp(one) as line:
        configure(tmp_path, agent={"Name": "Котельная"}, devices={"a.ini": tcp_device(line.port)})
        with AgentProcess(tmp_path) as agent:
            eventually(lambda: is_online(agent) and (tmp_path / naming.LCD_INFO).exists(), "the start", agent)
            before = {path: (tmp_path / path).read_bytes() for path in naming.RESTORED}
            for path in before:
                (tmp_path / path).unlink()
            took_s = eventually(lambda: all((tmp_path / path).exists() for path in before), "all back", agent)
            print(f"\nback after {took_s:.2f} s")
            assert {path: (tmp_path / path).read_bytes() for path in before} == before
            shutil.rmtree(tmp_path / "log/VPN")
            shutil.rmtree(tmp_path / naming.TEMPLATES)
            took_more_s = eventually(
                lambda: all((tmp_path / path).is_dir() for path in naming.FOLDERS), "folders", agent
            )
            asked = one.asked
            eventually(lambda: one.asked > asked + 20, "still polled", agent)
    assert max(took_s, took_more_s) < 5 + SOON_S
    assert one.identified == 1
    assert "log/User/agent.ini: восстановлен" in agent.journal()


def test_a_log_folder_that_was_removed_is_made_anew(tmp_path: Path) -> None:
    with on_tcp(meter()) as line:
        configure(tmp_path, devices={"a.ini": tcp_device(line.port)})
        with AgentProcess(tmp_path) as agent:
            eventually(lambda: is_online(agent), "the start", agent)
            (tmp_path / "log").rename(tmp_path / "away")  # in one step: the agent writes there at any moment
            eventually(lambda: "Ошибок нет" in agent.status(), "the tree is back", agent)
            eventually(lambda: "PollInterval=1" in read(tmp_path / naming.AGENT_INI), "the user's settings", agent)
            put(tmp_path, "devices/b.ini", tcp_device(line.port))
            eventually(lambda: is_online(agent), "a device in the new folder", agent)


def test_another_interval_acts_at_once_and_disturbs_no_archive(tmp_path: Path) -> None:
    whole = meter(records=(864, 30, 12))
    one = Counted(whole)
    with on_tcp(one) as line:
        configure(tmp_path, agent={"PollInterval": 3600}, devices={"a.ini": tcp_device(line.port)})
        with AgentProcess(tmp_path) as agent:
            eventually(lambda: len(stored(tmp_path, NUMBER, growing=True)) > 20, "the archive is being read", agent)
            first = agent.shown(NUMBER)["ReadTime"]
            put(tmp_path, "agent.ini", section_text("agent", {"PollInterval": 1, "Timezone": "UTC"}))
            took_s = eventually(lambda: agent.shown(NUMBER)["ReadTime"] != first, "the new interval", agent)
            wait_for_archive(agent, NUMBER, whole)
    print(f"\nread {took_s:.2f} s after the change")
    assert took_s < SOON_S
    assert one.identified == 1
    assert assert_all_true(stored(tmp_path, NUMBER), whole) == set(records_of(whole))


def test_removing_a_device_file_stops_polling_and_keeps_the_archive(tmp_path: Path) -> None:
    whole, other = Counted(meter()), Counted(meter(serial=14))
    with on_tcp(whole) as line, on_tcp(other) as second:
        configure(tmp_path, devices={"a.ini": tcp_device(line.port), "b.ini": tcp_device(second.port)})
        with AgentProcess(tmp_path) as agent:
            wait_for_archive(agent, NUMBER, whole.inside)
            wait_for_archive(agent, "14", other.inside)
            (tmp_path / naming.DEVICES / "a.ini").unlink()
            eventually(lambda: "a.ini" not in agent.status(), "removed", agent)
            asked, still_asked = whole.asked, other.asked
            eventually(lambda: other.asked > still_asked + 40, "the other is polled", agent)
            assert whole.asked == asked
            assert assert_all_true(stored(tmp_path, NUMBER), whole.inside) == set(records_of(whole.inside))
            put(tmp_path, "devices/renamed.ini", tcp_device(line.port))
            eventually(lambda: is_online(agent), "added again", agent)
    assert other.identified == 1
    assert assert_all_true(stored(tmp_path, NUMBER), whole.inside) == set(records_of(whole.inside))

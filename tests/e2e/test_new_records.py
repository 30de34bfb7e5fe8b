"""A meter lives on: what it writes is stored, shown and delivered, also after it was away."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from drivers.emulated import tem
from engine.emulate import TcpServer
from engine.emulate.line import Line
from tests.e2e.drops import assert_in_one_row, keys_in, keys_of, received
from tests.e2e.meters import NOW, meter, on_tcp
from tests.e2e.truth import (
    assert_all_known,
    assert_all_true,
    assert_growth_adds_up,
    assert_shows,
    records_of,
    wait_for_archive,
)
from tests.fake.agent_process import (
    AgentProcess,
    configure,
    eventually,
    read,
    run_agent,
    server_text,
    stored,
    tcp_device,
)
from tests.fake.debian_servers import vsftpd

NUMBER = "476721"
HOUR = timedelta(hours=1)


def newest_hour(agent: AgentProcess) -> str:
    return agent.shown(NUMBER, "1").get("DateTime", "")


def test_records_that_appear_are_stored_shown_and_delivered(tmp_path: Path) -> None:
    """Two seconds are an hour of the meter; a day ends, then a month."""
    whole = tem.Meter(tem.Options(flash_kb=512, records=(12, 4, 2)), now=datetime(2026, 9, 30, 21, 40))
    line = Line(whole, baud=0, turnaround_s=0, time_scale=1800)
    with TcpServer(line) as server, vsftpd(tmp_path) as far:
        ftp = server_text("server1", far.port, far.user, far.password)
        configure(tmp_path / "root", ftp=f"[internal]\nEnabled=0\n{ftp}", devices={"a.ini": tcp_device(server.port)})
        with AgentProcess(tmp_path / "root") as agent:
            for hour in ("30.09.26 22:00:00", "30.09.26 23:00:00", "01.10.26 00:00:00", "01.10.26 01:00:00"):
                eventually(lambda hour=hour: newest_hour(agent) == hour, f"{hour} as the newest", agent)  # type: ignore[misc]
                truth = records_of(whole)
                assert_shows(agent.shown(NUMBER, "1"), truth["H", hour].values)
                assert agent.shown(NUMBER, "1")["S1dTall"] == "1.000"
            eventually(lambda: agent.shown(NUMBER, "2")["DateTime"] == "01.10.26 00:00:00", "the new day", agent)
            last = (NUMBER, "H", "01.10.26 01:00:00")
            eventually(lambda: last in {key[:3] for key in keys_in(received(far.folder, "dos"))}, "delivered", agent)
        blocks = stored(agent.root, NUMBER)
        seen = assert_all_true(blocks, whole)
        drops = received(far.folder, "linux")
    assert_growth_adds_up(blocks)
    assert {("D", "01.10.26 00:00:00"), ("M", "01.10.26 00:00:00")} <= seen
    assert {key for key in records_of(whole) if key[1] <= "01.10.26 01:00:00" and key[1][3:5] == "10"} <= seen
    assert_in_one_row(drops)
    assert set(keys_in(drops).values()) == {1}
    assert keys_in(drops) <= keys_of(NUMBER, blocks)
    assert (agent.root / f"www/{NUMBER}/H-2026-10.txt").exists()


@pytest.mark.parametrize("agent_runs", [True, False], ids=["meter away", "agent away"])
def test_what_was_written_meanwhile_is_read_across_the_end_of_the_ring(tmp_path: Path, agent_runs: bool) -> None:
    """The ring ends after four more hours; forty are written."""
    whole = meter(records=(864, 20, 3), next_places=(860, 20, 3))
    with on_tcp(whole) as line:
        port = line.port
        configure(tmp_path, devices={"a.ini": tcp_device(port, Retries=0, Reconnects=2)})
        agent = AgentProcess(tmp_path)
        agent.start()
        wait_for_archive(agent, NUMBER, whole)
        before = records_of(whole)
        if not agent_runs:
            assert agent.stop() == 0
    try:
        if agent_runs:
            eventually(lambda: agent.shown(NUMBER)["Online"] == "0", "away", agent)
        whole.live(NOW + 40 * HOUR)
        with on_tcp(whole, port):
            if not agent_runs:
                agent.start()
            wanted = before | records_of(whole)
            eventually(lambda: len(stored(tmp_path, NUMBER)) >= len(wanted), "the backlog", agent)
            assert newest_hour(agent) == "27.09.26 06:00:00"
            assert agent.stop() == 0
    finally:
        agent.kill()
    assert assert_all_known(stored(tmp_path, NUMBER), wanted) == set(wanted)
    assert read(tmp_path / f"www/{NUMBER}/gaps.txt") == ""


def test_what_the_meter_has_written_over_is_told_as_missing(tmp_path: Path) -> None:
    """A ring of 864 hours, and 900 pass: 36 of them and nothing else are lost."""
    whole = meter(records=(30, 4, 2))
    with on_tcp(whole) as line:
        configure(tmp_path, devices={"a.ini": tcp_device(line.port)})
        assert run_agent(tmp_path, "once").returncode == 0
        before = records_of(whole)
        with line.lock:
            whole.live(NOW + 900 * HOUR)
        wanted = before | records_of(whole)
        with AgentProcess(tmp_path) as agent:
            eventually(lambda: len(stored(tmp_path, NUMBER)) >= len(wanted), "the whole ring", agent)
    assert "архив полон" in agent.status()
    assert assert_all_known(stored(tmp_path, NUMBER), wanted) == set(wanted)
    assert read(tmp_path / f"www/{NUMBER}/gaps.txt") == "H;25.09.26 15:00:00;27.09.26 02:00:00;нет в приборе\n"

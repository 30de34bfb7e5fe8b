"""Bad meters and bad lines: nothing wrong is stored, and what was refused is counted where the user looks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from drivers.emulated import tem
from drivers.emulated.faults import Fault, Faulty
from tests.e2e.meters import meter, on_tcp
from tests.e2e.truth import (
    assert_all_true,
    assert_growth_adds_up,
    assert_shows,
    current_of,
    records_of,
    wait_for_archive,
)
from tests.fake.agent_process import (
    AgentProcess,
    archive_files,
    configure,
    eventually,
    put,
    read,
    run_agent,
    section_text,
    stored,
    tcp_device,
)

NUMBER = "476721"


def faulty(whole: tem.Meter, *texts: str) -> Faulty:
    return Faulty(whole, [Fault.parse(text) for text in texts], disguises=tem.disguises(whole))


FAULTS = {
    "noise": (("noise:2",), "шум"),
    "much noise": (("noise:3:300",), "шум"),
    "echo": (("echo",), "эхо"),
    "echo and noise": (("noise:3", "echo"), "эхо"),
    "cut": (("cut:9",), "неполный кадр|нет ответа"),
    "damaged": (("damaged:9",), "контрольная сумма"),
    "false start": (("false-start:2",), "шум"),
    "silent": (("silent:9",), "нет ответа"),
    "pause in a frame": (("pause:9:0.1",), "неполный кадр"),
    "late": (("late:9",), "другая длина|чужая команда"),
    "slow": (("slow:11:0.3",), "нет ответа"),
    "another address": (("wrong-address:9",), "чужой адрес"),
    "another id": (("other-id:3",), ""),
    "all at once": (("noise:5", "damaged:23", "cut:29", "late:31", "silent:37", "echo"), "эхо"),
}
"""Every n-th answer is spoiled; the reason by which the line's count tells it."""


@pytest.mark.parametrize("name", FAULTS)
def test_a_bad_line_gives_the_whole_archive_and_nothing_but_the_truth(tmp_path: Path, name: str) -> None:
    texts, reason = FAULTS[name]
    whole = meter(records=(4, 2, 1))
    with on_tcp(faulty(whole, *texts)) as line:
        keys = {"DevNumber": NUMBER, "PacketTimeout": 40, "ByteTimeout": 30}
        configure(tmp_path, agent={"PollInterval": 5}, devices={"a.ini": tcp_device(line.port, **keys)})
        with AgentProcess(tmp_path) as agent:
            wait_for_archive(agent, NUMBER, whole)
            eventually(lambda: agent.shown(NUMBER).get("S1T1"), "a reading", agent)
            assert_shows(agent.shown(NUMBER), current_of(whole))
            counted = re.compile(rf"{line.place}: работает; запросов \d+, ответов \d+; не принято: .*({reason}) \d")
    assert not reason or counted.search(agent.status()), agent.status()
    assert "Внутренние сбои" not in agent.status()
    blocks = stored(tmp_path, NUMBER)
    assert assert_all_true(blocks, whole) == set(records_of(whole))
    assert_growth_adds_up(blocks)
    assert read(tmp_path / f"www/{NUMBER}/gaps.txt") == ""


def test_a_meter_whose_clock_is_lost_is_read_and_told(tmp_path: Path) -> None:
    whole = meter(clock_valid=False)
    with on_tcp(whole) as line:
        configure(tmp_path, devices={"a.ini": tcp_device(line.port)})
        with AgentProcess(tmp_path) as agent:
            wait_for_archive(agent, NUMBER, whole)
            shown = agent.shown(NUMBER)
    assert "часы прибора: недопустимая дата" in agent.status()
    assert (shown["Date"], shown["Time"], shown["Online"]) == ("", "", "1")
    assert_shows(shown, current_of(whole))
    assert assert_all_true(stored(tmp_path, NUMBER), whole) == set(records_of(whole))


def test_what_is_no_number_stays_empty_and_is_told(tmp_path: Path) -> None:
    whole = meter(nan=("T2", "G1"), systems=1)
    with on_tcp(whole) as line:
        configure(tmp_path, devices={"a.ini": tcp_device(line.port)})
        with AgentProcess(tmp_path) as agent:
            wait_for_archive(agent, NUMBER, whole)
            shown = agent.shown(NUMBER)
    assert "S1T2: не число" in agent.status()
    assert "S1G1: не число" in agent.status()
    assert shown["S1T2"] == shown["S1G1"] == shown["S1Gv1"] == ""
    assert_shows(shown, current_of(whole))
    blocks = stored(tmp_path, NUMBER)
    assert assert_all_true(blocks, whole) == set(records_of(whole))
    assert all("\nS1T2=\n" in block.text for block in blocks)


def test_damaged_and_empty_records_are_left_out_and_told(tmp_path: Path) -> None:
    """Ages 2 and 5 of the hours are damaged in a counter and in the stamp, a day by a write that was cut off."""
    damaged, empty = (("H", 2), ("H", 5), ("D", 1)), (("H", 7),)
    whole = meter(damaged=damaged, empty=empty)
    with on_tcp(whole) as line:
        configure(tmp_path, devices={"a.ini": tcp_device(line.port)})
        with AgentProcess(tmp_path) as agent:
            wait_for_archive(agent, NUMBER, whole)
            gaps = tmp_path / f"www/{NUMBER}/gaps.txt"
            eventually(lambda: read(gaps).count("\n") >= 4, "gaps are told", agent)
    assert "архив полон" in agent.status()
    assert assert_all_true(stored(tmp_path, NUMBER), whole) == set(records_of(whole))
    assert read(gaps).splitlines() == [
        "H;25.09.26 07:00:00;25.09.26 07:00:00;нет в приборе",
        "H;25.09.26 09:00:00;25.09.26 09:00:00;повреждена",
        "H;25.09.26 12:00:00;25.09.26 12:00:00;повреждена",
        "D;24.09.26 00:00:00;24.09.26 00:00:00;повреждена",
    ]


@pytest.mark.parametrize(
    ("model", "records"),
    [("tesmart", (30, 9, 4)), ("tem106", (30, 9, 4)), ("tesmart", (864, 368, 128))],
    ids=["tesmart", "tem106", "full rings"],
)
def test_a_meter_without_pointers_is_read_as_a_whole(tmp_path: Path, model: str, records: tuple[int, ...]) -> None:
    whole = meter(model, serial=476721, pointers=False, records=records)
    with on_tcp(whole) as line:
        configure(tmp_path, devices={"a.ini": tcp_device(line.port)})
        with AgentProcess(tmp_path) as agent:
            wait_for_archive(agent, NUMBER, whole)
    assert assert_all_true(stored(tmp_path, NUMBER), whole) == set(records_of(whole))


def test_a_meter_without_sums_is_read_twice_and_told(tmp_path: Path) -> None:
    whole = meter(sums=False)
    with on_tcp(whole) as line:
        configure(tmp_path, devices={"a.ini": tcp_device(line.port)})
        with AgentProcess(tmp_path) as agent:
            wait_for_archive(agent, NUMBER, whole)
    assert "записей с чужой контрольной суммой, прочитанных дважды: 18" in agent.status()
    assert assert_all_true(stored(tmp_path, NUMBER), whole) == set(records_of(whole))


# --- another meter behind the same settings


def test_another_meter_now_and_then_spoils_nothing(tmp_path: Path) -> None:
    """Its serial number comes in every seventh answer; the archive is the same in both."""
    whole = meter(records=(4, 2, 1))
    with on_tcp(whole) as line:
        configure(tmp_path, devices={"a.ini": tcp_device(line.port)})
        assert run_agent(tmp_path, "once").returncode == 0
    before = stored(tmp_path, NUMBER)
    with on_tcp(faulty(whole, "other-serial:7")) as line:
        put(tmp_path, "devices/a.ini", tcp_device(line.port, Reconnects=1))
        with AgentProcess(tmp_path) as agent:
            eventually(lambda: "ответил другой прибор" in agent.journal(), "the change is told", agent)
            eventually(lambda: agent.shown(NUMBER)["Online"] == "1", "the meter itself", agent)
            assert agent.shown(NUMBER)["MeterNumber"] == NUMBER
    assert [block for block in stored(tmp_path, NUMBER) if "Source=agent" not in block.text] == before


def test_another_meter_behind_a_given_number_is_polled_and_told_but_not_stored(tmp_path: Path) -> None:
    first, second = meter("tem106", serial=440020), meter("tem106", serial=440021, records=(20, 6, 3), seed=5)
    with on_tcp(first) as line:
        configure(tmp_path, devices={"a.ini": tcp_device(line.port, DevNumber="77")})
        assert run_agent(tmp_path, "once").returncode == 0
    before = {path: path.read_bytes() for path in archive_files(tmp_path, "77")}
    assert assert_all_true(stored(tmp_path, "77"), first) == set(records_of(first))
    with on_tcp(second) as line:
        put(tmp_path, "devices/a.ini", tcp_device(line.port, DevNumber="77"))
        with AgentProcess(tmp_path) as agent:
            told = "архив 77 начат прибором 440020, отвечает прибор 440021"
            eventually(lambda: told in agent.status(), told, agent)
            shown = agent.shown("77")
            assert (shown["MeterNumber"], shown["DevNumber"], shown["Online"]) == ("440021", "77", "1")
            assert_shows(shown, current_of(second))
            put(tmp_path, "agent.ini", section_text("agent", {"PollInterval": 2}))
            eventually(lambda: agent.shown("77")["ReadTime"] != shown["ReadTime"], "polled on", agent)
            assert {path: path.read_bytes() for path in archive_files(tmp_path, "77")} == before
            put(tmp_path, "devices/a.ini", tcp_device(line.port, DevNumber="78"))
            wait_for_archive(agent, "78", second)
            eventually(lambda: agent.shown("77")["Online"] == "0", "the old number is not current", agent)
    assert assert_all_true(stored(tmp_path, "78"), second) == set(records_of(second))
    assert {path: path.read_bytes() for path in archive_files(tmp_path, "77")} == before

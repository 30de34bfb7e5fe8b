"""The wall clock is wrong, is set, steps and changes to summer time: nothing is twice, nothing stands still."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.fake.agent_process import AgentProcess, eventually
from tests.fake.faulty_clock import ClockedAgent, FaultyClock
from tests.fake.faulty_ftp import FaultyFtp
from tests.fake.faulty_site import FaultySite, faulty_site
from tests.fake.kill_check import read_drop

ZONE = ZoneInfo("Europe/Berlin")
NEVER_SET = datetime(1970, 1, 1, 0, 1, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 25, 1, tzinfo=UTC)
"""Three o'clock in summer time is two o'clock."""
SPRING = datetime(2027, 3, 28, 1, tzinfo=UTC)
PATIENCE_S = 20.0
"""What a step may cost at most: a server waits a second, and five while the clock cannot be believed."""


def test_a_clock_that_steps_neither_doubles_nor_stops_anything(tmp_path: Path) -> None:
    server, clock = FaultyFtp(), FaultyClock(tmp_path / "clock", NEVER_SET)
    with faulty_site(tmp_path, ((server, {}),), Timezone=ZONE.key) as site:
        with ClockedAgent(site.root, clock) as agent:
            nothing_is_stamped_before_the_clock_is_set(site, agent)
            steps = {
                "set for the first time": AUTUMN - timedelta(seconds=6),
                "a day forward": AUTUMN + timedelta(days=1),
                "a day back": AUTUMN,
                "over the end of summer time again": AUTUMN - timedelta(seconds=1),
                "over the beginning of summer time": SPRING - timedelta(seconds=1),
                "an hour back by hand": SPRING - timedelta(hours=1),
                "years back, yet to be believed": datetime(2026, 1, 1, tzinfo=UTC),
            }
            for what, moment in steps.items():
                clock.set(moment)
                took_s = goes_on(site, agent, clock)
                print(f"{what}: read and delivered after {took_s:.1f} s")
            sent = len(server.landed_s)
            clock.set(NEVER_SET)
            site.write(hours=1)
            site.wait_for_archive(agent)
            eventually(lambda: "часы устройства не установлены" in agent.status(), "it is told", agent)
            clock.set(SPRING)
            goes_on(site, agent, clock)
            assert len(server.landed_s) > sent
        site.check()
    assert {stamp_year(path) for path in (tmp_path / "taken1").iterdir()} == {"26"}
    assert "Traceback" not in agent.told()
    assert "01.01.70" not in agent.journal()


def nothing_is_stamped_before_the_clock_is_set(site: FaultySite, agent: AgentProcess) -> None:
    """Devices are read and archives stored meanwhile."""
    site.wait_for_archive(agent)
    number = site.lines[0][0].number
    eventually(lambda: agent.shown(number).get("Online") == "1", "the meter is shown", agent)
    eventually(lambda: "часы устройства не установлены" in agent.status(), "it is told", agent)
    assert agent.shown(number)["ReadDate"] == agent.shown(number)["ReadTime"] == ""
    assert site.servers[0].commands == []
    assert not list(site.root.glob("var/delivery/*/cursor.txt"))
    assert ".70 " not in agent.journal() + agent.status()


def goes_on(site: FaultySite, agent: AgentProcess, clock: FaultyClock) -> float:
    """A new record comes to the server, and readings bear the new time. Seconds until then."""
    number = site.lines[0][0].number
    before = len(site.servers[0].landed_s)
    site.write(hours=1)

    def is_shown() -> bool:
        shown = agent.shown(number)
        local = clock.now().astimezone(ZONE).replace(tzinfo=None)
        try:
            read = datetime.strptime(f"{shown['ReadDate']} {shown['ReadTime']}", "%d.%m.%y %H:%M:%S")
        except (KeyError, ValueError):
            return False
        return abs(local - read) < timedelta(seconds=10)

    begun_s = time.monotonic()
    eventually(is_shown, "read at the new time", agent, PATIENCE_S)
    site.wait_for_archive(agent, PATIENCE_S)
    site.wait_for_servers(agent, PATIENCE_S)
    eventually(lambda: len(site.servers[0].landed_s) >= before + 4, "drops", agent, PATIENCE_S)
    return time.monotonic() - begun_s


def stamp_year(drop: Path) -> str:
    """Of the begin of its count."""
    return read_drop(drop).count.start.split(" ")[0][-2:]

"""A month without the network: the archive is the queue, and what waits goes out at once, oldest first."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

from engine import naming
from tests.fake.agent_process import eventually
from tests.fake.faulty_ftp import FaultyFtp
from tests.fake.faulty_site import faulty_site, resident_kb
from tests.fake.faulty_talk import Fault
from tests.fake.kill_check import fields, instant, read_drop

OUTAGE_HOURS = 30 * 24
MODELS = ("tem106", "tem106", "tesma106", "tesma106")
SYSTEMS = 6
DROP_BYTES = 4_000_000
DELIVERED_WITHIN_S = 60.0


def test_after_a_month_without_the_network_drops_follow_one_another_oldest_first(tmp_path: Path) -> None:
    faults = [Fault("STOR data", "hang"), Fault("STOR data", "cut data")]
    away, present = FaultyFtp(), FaultyFtp()
    servers = ((away, {"Interval": 3}), (present, {}))
    with faulty_site(tmp_path, servers, models=MODELS, systems=SYSTEMS, records=(4, 1, 0)) as site:
        with site.agent() as agent:
            site.wait_for_archive(agent)
            site.wait_for_servers(agent)
            before = len(away.visible) // 2
            away.close()
            site.write(OUTAGE_HOURS)
            site.wait_for_archive(agent, patience_s=120)
            memory_kb = resident_kb(agent.pid)
            assert "ждёт отправки" in agent.status()
            away.plan.extend(faults)
            away.open()
            eventually(lambda: away.is_well, "a large drop is disturbed", agent)
            begun_s = time.monotonic()
            site.wait_for_servers(agent)
            took_s = time.monotonic() - begun_s
            held_kb = resident_kb(agent.pid)
        site.check()
    backlog_bytes = archive_bytes(site.root)
    large = large_drops(tmp_path / "taken1")
    print(f"{backlog_bytes / 1e6:.1f} MB of archive in {len(large)} large drops, {took_s:.1f} s after the last fault")
    print(f"memory before {memory_kb} kB, after {held_kb} kB")
    assert len(large) > backlog_bytes // DROP_BYTES > 0
    assert large == list(range(large[0], large[0] + len(large))), "something else went in between"
    assert before <= large[0] - 1
    assert took_s < DELIVERED_WITHIN_S
    assert held_kb - memory_kb < 32_000


def archive_bytes(root: Path) -> int:
    return sum(path.stat().st_size for path in (root / naming.ARCHIVES).glob("*/*.txt"))


def large_drops(taken: Path) -> list[int]:
    """The numbers of drops with more than two days of hours of some meter; the hours in each are in their order."""
    found = []
    for path in sorted(taken.glob("*_linux.zip")):
        drop = read_drop(path)
        hours = [bodies for name, bodies in drop.records.items() if name.endswith("_H.txt")]
        for bodies in hours:
            stamps = [instant(fields(body)) for body in bodies]
            assert all(one < other for one, other in pairwise(stamps))
        if any(len(bodies) > 48 for bodies in hours):
            found.append(drop.count.seq)
    return found

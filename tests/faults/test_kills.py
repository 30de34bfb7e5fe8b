"""kill -9 at every step, again and again: no record is lost, none is delivered twice, nothing that is seen is torn."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from engine.config import check
from tests.fake.kill_campaign import Campaign
from tests.fake.kill_check import OWN_SNAPSHOT, check_archives, check_drops, is_whole_snapshot, read_archives
from tests.fake.kill_site import Site, site

LONG = 50
"""A campaign of more kills has slower meters, whose rings must not come round, and more records to begin with."""


def test_killed_at_any_step_it_delivers_every_record_once(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    kills, seed = pytestconfig.option.kills, pytestconfig.option.seed
    print(f"--kills {kills} --seed {seed}")
    scale, hours = (1800, 700) if kills > LONG else (3600, 40)
    with site(tmp_path.resolve(), time_scale=scale, seed=seed, hours=hours) as around:
        campaign = Campaign(around, seed)
        campaign.run(kills)
        campaign.settle()
        print(told(campaign.ends))
        check_everything(around, campaign)


def told(ends: Counter[tuple[str, str]]) -> str:
    return ", ".join(f"{how} {phase} {count}" for (how, phase), count in sorted(ends.items()))


def check_everything(around: Site, campaign: Campaign) -> None:
    archives = read_archives(around.root / "www")
    check_archives(archives, around.truth())
    for server in range(len(around.servers)):
        drops = check_drops(around.drops(server), archives)
        taken = len(list(around.collected(server).iterdir()))
        print(f"server {server + 1}: {drops} files of drops, {taken} taken away")
        assert not list(around.folder(server).glob("*.part")), "a piece of a drop was left behind"
    check_tree(around.root)
    assert "сбой" not in (around.root / "log/User/journal.txt").read_text("utf-8")
    assert "Traceback" not in campaign.log.read_text(errors="replace")
    assert not campaign.missed(), f"phases without a kill: {campaign.missed()}"


def check_tree(root: Path) -> None:
    """Whole snapshots, settings and status; no gap that is none; nothing left of files that were not finished."""
    snapshots = sorted(path for path in (root / "log/User/txt").glob("*.txt") if path.stem != OWN_SNAPSHOT)
    assert len(snapshots) == 3
    for path in snapshots:
        assert is_whole_snapshot(path.read_text("utf-8")), f"{path}: torn"
    assert check(root) == ()
    assert "агент остановлен" in (root / "log/User/status.txt").read_text("utf-8")
    assert [path for path in root.glob("www/*/gaps.txt") if path.read_text("utf-8")] == []
    assert [path for path in root.rglob("*") if path.name.endswith((".tmp", ".damaged"))] == []

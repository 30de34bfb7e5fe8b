"""The power fails at any step, and all that was not synced is gone: names, renamings, bytes, whole folders."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import files
from tests.fake.kill_campaign import PROJECT, Campaign, Kill, plan
from tests.fake.kill_check import OWN_SNAPSHOT, check_archives, check_drops, is_whole_snapshot, read_archives
from tests.fake.kill_site import Site, site
from tests.fake.kill_wrapper import PHASES
from tests.fake.power_disk import Recorder, after_power_loss

WRAPPER = PROJECT / "tests/fake/power_wrapper.py"
LONG = 50
STRICT_SHARE = 0.6
"""Cuts after which only what was synced is there; after the others some of the rest is there too."""


class PowerCampaign(Campaign):
    """A campaign of kills whose every kill takes along what was not synced. Settings change between two lives."""

    def run(self, kills: int) -> None:
        for kill in plan(self.random, kills):
            if kill.phase != "reload":
                self.live(kill)
                self.cut_power()
                if self.random.random() < 0.5:
                    self.site.edit()

    def start(self, kill: Kill) -> subprocess.Popen[bytes]:
        shutil.rmtree(self.store, ignore_errors=True)
        self.store.mkdir()
        own = [self.store, self.board, self.synced, kill.phase or "-", kill.nth, self.random.randrange(10**6)]
        return self._popen([WRAPPER, *own])

    def disturb(self, kill: Kill) -> None:
        """Nobody edits meanwhile: what another program wrote is not in the model of the disk."""
        self._edit_at_s = float("inf")
        super().disturb(kill)

    def cut_power(self) -> None:
        strict = self.random.random() < STRICT_SHARE
        after_power_loss(self.site.root, self.store, None if strict else self.random)

    @property
    def store(self) -> Path:
        return self.site.base / "store"


def test_after_any_loss_of_power_every_record_is_delivered_once(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    cuts, seed = max(len(PHASES) + 1, pytestconfig.option.kills // 2), pytestconfig.option.seed
    print(f"--kills {2 * cuts} --seed {seed}")
    scale, hours = (1800, 700) if cuts > LONG else (3600, 40)
    with site(tmp_path.resolve(), time_scale=scale, seed=seed, hours=hours) as around:
        campaign = PowerCampaign(around, seed)
        campaign.run(cuts)
        campaign.settle()
        print(dict(campaign.ends))
        check_everything(around, campaign)


def check_everything(around: Site, campaign: Campaign) -> None:
    archives = read_archives(around.root / "www")
    check_archives(archives, around.truth())
    for server in range(len(around.servers)):
        check_drops(around.drops(server), archives)
        assert not list(around.folder(server).glob("*.part")), "a piece of a drop was left behind"
    snapshots = sorted(path for path in (around.root / "log/User/txt").glob("*.txt") if path.stem != OWN_SNAPSHOT)
    assert len(snapshots) == len(around.meters)
    assert all(is_whole_snapshot(path.read_text("utf-8")) for path in snapshots)
    assert [path for path in around.root.glob("www/*/gaps.txt") if path.read_text("utf-8")] == []
    assert [path for path in around.root.rglob("*") if path.name.endswith((".tmp", ".damaged"))] == []
    assert "Traceback" not in campaign.log.read_text(errors="replace")


# --- one by one


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    """A root whose every sync from now on is seen; called, it loses its power."""
    root, store = tmp_path / "root", tmp_path / "store"
    root.mkdir()
    store.mkdir()
    monkeypatch.setattr(os, "fsync", Recorder(root, store).fsync)

    def cut() -> Path:
        after_power_loss(root, store, None)
        return root

    return cut


def test_a_file_that_was_written_synced_is_there_with_every_new_folder_above_it(
    disk: Callable[[], Path], tmp_path: Path
) -> None:
    files.write_whole(tmp_path / "root/var/removed/440020.txt", b"H-2018-09.txt\n", synced=True)
    assert (disk() / "var/removed/440020.txt").read_bytes() == b"H-2018-09.txt\n"


def test_a_synced_rewrite_leaves_the_old_or_the_new_file(disk: Callable[[], Path], tmp_path: Path) -> None:
    path = tmp_path / "root/cursor.txt"
    files.write_whole(path, b"old", synced=True)
    files.write_whole(path, b"new", synced=False)
    assert path.read_bytes() == b"new"
    assert (disk() / "cursor.txt").read_bytes() == b"old"


def test_what_is_appended_counts_from_its_sync(disk: Callable[[], Path], tmp_path: Path) -> None:
    path = tmp_path / "root/M.txt"
    files.write_whole(path, b"head\n", synced=True)
    files.append_whole(path, b"one\n")
    files.sync(path)
    files.append_whole(path, b"two\n")
    assert (disk() / "M.txt").read_bytes() == b"head\none\n"

"""Which mounts are flash drives: by the kernel's own tables, as files of the test."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.export.media import ELSEWHERE, Media
from engine.export.mounts import mount_of, parse_mounts

USB, INNER, READER, LOOP = "8:16", "179:0", "11:0", "7:0"
TABLE = """\
21 1 179:2 / / rw,relatime shared:1 - ext4 /dev/mmcblk0p2 rw
22 21 0:5 / /proc rw - proc proc rw
30 21 8:17 / /media/tsm-sdb1 rw,nosuid - fuseblk /dev/sdb1 rw,user_id=0
31 21 8:17 / /srv/disk rw - ext4 /dev/sdb1 rw
32 21 179:1 / /media/boot rw - vfat /dev/mmcblk0p1 rw
33 21 0:44 / /media/share rw - nfs4 far:/share rw
34 21 11:0 / /media/card\\040one ro - vfat /dev/sr0 ro
35 21 7:0 / /media/image rw - ext4 /dev/loop0 rw
36 21 7:0 / /media/tsm-loop0 rw - ext4 /dev/loop0 rw
"""


@pytest.fixture
def media(tmp_path: Path) -> Media:
    devices = tmp_path / "sys/devices"
    block = tmp_path / "sys/dev/block"
    block.mkdir(parents=True)
    for number, disk, partition, removable in (
        ("8:17", "pci0/usb1/1-2/host0/block/sdb", "sdb1", "0"),
        ("179:1", "soc/mmc/block/mmcblk0", "mmcblk0p1", "1"),
        ("179:2", "soc/mmc/block/mmcblk0", "mmcblk0p2", "1"),
        ("11:0", "pci0/ata/block/sr0", "", "1"),
        ("7:0", "virtual/block/loop0", "", "0"),
    ):
        place = devices / disk / partition
        place.mkdir(parents=True)
        (devices / disk / "removable").write_text(f"{removable}\n")
        if partition:
            (place / "partition").write_text("1\n")
        (block / number).symlink_to(place)
    table = tmp_path / "mountinfo"
    table.write_text(TABLE)
    return Media(tmp_path / "root", table, tmp_path / "sys")


def test_a_drive_is_removable_or_on_usb_and_stands_where_drives_appear(media: Media) -> None:
    assert [(mount.point, mount.read_only) for mount in media.plugged()] == [
        ("/media/tsm-sdb1", False), ("/media/card one", True), ("/media/tsm-loop0", False),
    ]  # fmt: skip


def test_the_card_that_the_system_runs_from_is_no_drive_although_it_can_be_pulled(media: Media) -> None:
    assert "/media/boot" not in [mount.point for mount in media.plugged()]
    assert media.holding(Path("/media/boot/x")) is None


@pytest.mark.usefixtures("media")
def test_the_disk_that_holds_the_agents_own_folder_is_no_drive(tmp_path: Path) -> None:
    own = Media(Path("/srv/disk/tsm"), tmp_path / "mountinfo", tmp_path / "sys")
    assert "/media/tsm-sdb1" not in [mount.point for mount in own.plugged()]


def test_a_command_may_name_a_drive_wherever_it_is_mounted_and_nothing_else(media: Media) -> None:
    held = media.holding(Path("/srv/disk/inner/../folder"))
    assert held is not None and held.point == "/srv/disk"
    assert media.holding(Path("/home")) is None
    assert media.holding(Path("/media/share/x")) is None
    assert media.holding(Path("/media/image")) is None


def test_a_link_to_itself_is_on_no_drive_and_no_bug(media: Media, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert media.holding(tmp_path / "loop" / "x") is None


def test_of_two_mounts_on_one_point_the_upper_counts() -> None:
    mounts = parse_mounts("30 1 8:1 / /media/a rw - ext4 /dev/sda1 rw\n31 30 8:2 / /media/a ro - vfat /dev/sda2 rw\n")
    assert [(mount.identity, mount.device, mount.read_only) for mount in mounts] == [(31, "8:2", True)]
    assert mount_of("/media/ab", mounts) is None


def test_an_agent_that_is_tried_out_is_kept_away_from_every_drive(
    tmp_path: Path, media: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ELSEWHERE, "/dev/null")
    assert Media(tmp_path, sysfs=tmp_path / "sys").plugged() == []
    monkeypatch.setenv(ELSEWHERE, str(tmp_path / "mountinfo"))
    assert Media(tmp_path, sysfs=tmp_path / "sys").plugged() == media.plugged() != []


@pytest.mark.parametrize("line", ["", "garbage", "x 1 8:1 / /media/a rw - ext4 /dev/a rw", "30 1 8:1 / /m rw ext4"])
def test_a_line_that_is_not_understood_is_no_mount(line: str) -> None:
    assert parse_mounts(line) == []

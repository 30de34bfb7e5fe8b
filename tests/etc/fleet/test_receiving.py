"""What else stands in front of the table: drops move into object storage, examples are what they claim to be."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.fake.debian_servers import PROJECT, debian_environment

FLEET = PROJECT / "etc/fleet"


def move(source: Path, target: Path) -> int:
    root, environment = debian_environment("rclone")
    environment |= {
        "PATH": f"{root / 'usr/bin'}:{os.environ['PATH']}", "RCLONE_CONFIG": "/dev/null", "DROPS_MIN_AGE": "10m",
    }  # fmt: skip
    command = [str(FLEET / "drops_to_bucket"), str(source), str(target)]
    return subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False).returncode


@pytest.fixture
def drops(tmp_path: Path) -> Path:
    """Two complete drops and one on its way, all of an hour ago."""
    folder = tmp_path / "drops"
    for name in ("agent-1/1_00000001_linux.zip", "agent-2/2_00000001_linux.zip", "agent-2/2_00000002_linux.zip.part"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
        os.utime(folder / name, (time.time() - 3600,) * 2)
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_complete_drops_are_moved_young_ones_wait_and_nothing_is_written_over(drops: Path, tmp_path: Path) -> None:
    (drops / "agent-1/1_00000002_linux.zip").write_bytes(b"just renamed")
    assert move(drops, tmp_path / "bucket") == 0
    assert names(drops) == ["1_00000002_linux.zip", "2_00000002_linux.zip.part"]
    assert names(tmp_path / "bucket") == ["1_00000001_linux.zip", "2_00000001_linux.zip"]
    (moved,) = tmp_path.glob("bucket/????-??-??/agent-1/1_00000001_linux.zip")
    again = drops / "agent-1/1_00000001_linux.zip"
    again.write_bytes(b"another one of that name")
    os.utime(again, (time.time() - 1800,) * 2)
    code = move(drops, tmp_path / "bucket")
    # At midnight, between the two, it would have got a folder of its own.
    assert (code != 0 and again.exists()) or len(list(tmp_path.glob("bucket/*"))) == 2
    assert moved.read_bytes() == b"agent-1/1_00000001_linux.zip"


def test_the_examples_for_sftpgo_let_nothing_go_in_the_clear_and_nothing_be_overwritten() -> None:
    server = json.loads((FLEET / "sftpgo.json").read_text(encoding="utf-8"))
    assert [binding["tls_mode"] for binding in server["ftpd"]["bindings"]] == [1]
    (user,) = json.loads((FLEET / "sftpgo-agent.json").read_text(encoding="utf-8"))["users"]
    for permissions in user["permissions"].values():
        assert {"list", "upload", "rename", "delete"} <= set(permissions) and not {"overwrite", "*"} & set(permissions)


def test_every_file_of_the_folder_is_told_of_in_the_guide() -> None:
    guide = (PROJECT / "docs/fleet.md").read_text(encoding="utf-8")
    files = [path.name for path in FLEET.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert [name for name in sorted(files) if name not in guide] == []

"""Whatever lies in the folders that users fill, the agent starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.runtime.sweep import sweep
from tests.fake.deep_folders import BEYOND_PATH_MAX, BEYOND_RECURSION, deep_folders, level


@pytest.mark.parametrize("levels", [BEYOND_RECURSION, BEYOND_PATH_MAX])
def test_folders_of_any_depth_are_swept_and_do_not_hinder_the_start(tmp_path: Path, levels: int) -> None:
    inbox = tmp_path / "log/Ftp"
    beside = tmp_path / "www/440020/.x.tmp"
    beside.parent.mkdir(parents=True)
    beside.touch()
    with deep_folders(inbox, levels, (1100, ".half.tmp"), (1100, "a.zip"), (levels, ".deepest.tmp")):
        sweep(tmp_path)
        assert [path.name for path in level(inbox, 1100).iterdir() if path.name != "a"] == ["a.zip"]
    assert not beside.exists()

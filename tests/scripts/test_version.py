"""The version is said in one place, and everything that tells it reads it there."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import agent
from engine.version import VERSION
from scripts.wheels import Requirement, own_lock, requirements

PROJECT = Path(__file__).parents[2]
LOCK = """# a comment
one==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via two
Two_Words==2.1 ; python_full_version >= '3.12' \\
    --hash=sha256:cc
"""


def test_the_program_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        agent.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"{VERSION}\n"


def test_what_shell_scripts_read_is_the_same() -> None:
    for script in ("install", "package", "update"):
        text = (PROJECT / "scripts" / script).read_text()
        expression = re.search(r"sed -n '(s/\^VERSION[^']*)'", text)
        assert expression, script
        command = ["sed", "-n", expression[1], str(PROJECT / "engine/version.py")]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == f"{VERSION}\n"


def test_the_changelog_has_a_chapter_for_it_and_the_wheel_takes_it_from_there() -> None:
    assert re.search(r"^## \[(.+?)\]", (PROJECT / "CHANGELOG.md").read_text(), re.MULTILINE)[1] in (
        VERSION,
        "Unreleased",
    )  # type: ignore[index]
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    assert "version" not in project["project"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "engine.version.VERSION"}


def test_a_lock_file_is_read_whole_with_markers_and_hashes() -> None:
    assert requirements(LOCK) == [
        Requirement("one==1.0", "", ("sha256:aa", "sha256:bb")),
        Requirement("Two_Words==2.1", "python_full_version >= '3.12'", ("sha256:cc",)),
    ]


def test_every_package_of_the_projects_lock_files_is_found() -> None:
    for name in ("requirements.lock", "requirements-tls.lock"):
        text = (PROJECT / name).read_text()
        found = requirements(text)
        assert len(found) == len(re.findall(r"^[A-Za-z0-9]", text, re.MULTILINE))
        assert sum(len(each.hashes) for each in found) == text.count("--hash=")


def test_the_lock_of_a_folder_keeps_the_hashes_and_adds_those_of_wheels_built_here(tmp_path: Path) -> None:
    (tmp_path / "two_words-2.1-py3-none-any.whl").write_bytes(b"built")
    again = requirements(own_lock(requirements(LOCK), tmp_path))
    assert again[0] == requirements(LOCK)[0]
    assert (again[1].marker, again[1].hashes[0]) == ("python_full_version >= '3.12'", "sha256:cc")
    assert len(again[1].hashes) == 2

"""`./scripts/run --demo` as a newcomer starts it, in a copy of the project."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.drops import assert_nothing_unfinished, keys_in, received
from tests.fake.agent_process import PROJECT, eventually, read, section_of, session, stored

PROMISED_S = 20.0
SETUP_STAMP = "(cat requirements.lock; python3 -V; pwd) | cksum"
"""What scripts/setup keeps to know that there is nothing to set up."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project without its tests and history, with the libraries of this Python."""
    for name in ("agent.py", "drivers", "engine", "etc", "scripts", "requirements.lock"):
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(PROJECT / name, tmp_path / name)
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    stamp = subprocess.run(["sh", "-c", SETUP_STAMP], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    (tmp_path / ".venv/.ok").write_text(stamp.strip(), encoding="utf-8")
    return tmp_path


@pytest.fixture
def demo(copy: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (copy / "output").open("wb") as output:
        process = subprocess.Popen(
            ["./scripts/run", "--demo"],
            cwd=copy,
            env={key: value for key, value in os.environ.items() if key != "PYTHON"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    yield process
    if session(process.pid):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_the_demo_shows_the_whole_way_within_seconds_and_ends_on_ctrl_c(
    copy: Path, demo: subprocess.Popen[bytes]
) -> None:
    agent, dispatch = copy / "demo/agent", copy / "demo/dispatch/log/Ftp"
    numbers = ("440020", "476721")

    def shows_everything() -> bool:
        assert demo.poll() is None, read(copy / "output")
        snapshots = [section_of(read(agent / f"log/User/txt/{number}.txt"), "0") for number in numbers]
        archives = [stored(agent, number) for number in numbers]
        delivered = keys_in(received(dispatch, "dos"))
        return all(shown.get("Online") == "1" for shown in snapshots) and all(archives) and len(delivered) > 0

    took_s = eventually(shows_everything, "snapshots, archives and a drop")
    print(f"\nsnapshots, archives and a drop after {took_s:.1f} s")
    assert took_s < PROMISED_S
    os.killpg(demo.pid, signal.SIGINT)
    assert demo.wait(20) == 0, read(copy / "output")
    assert session(demo.pid) == []
    told = read(copy / "output")
    assert "Traceback" not in told
    assert "ftp://TsmSmartFtp:TsmSmartFtp@127.0.0.1:" in told
    assert "агент остановлен" in read(agent / "log/User/status.txt")
    for number in numbers:
        assert stored(agent, number)
    assert_nothing_unfinished(dispatch)

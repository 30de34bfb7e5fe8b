"""A disk that can only be read when the agent starts, as a worn flash card is: told, and no silent loop."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.e2e.meters import NOW, Counted, meter, on_tcp
from tests.e2e.truth import assert_all_true, records_of, wait_for_archive
from tests.fake.agent_process import AgentProcess, configure, eventually, run_agent, stored, tcp_device

NUMBER = "476721"
TOLD = "log/User/status.txt: диск только для чтения"
EXIT_PROBLEM, EXIT_ROOT_TAKEN = 1, 3


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    _mount("--bind", str(folder), str(folder))
    try:
        _mount("-o", "remount,bind,ro", str(folder))
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")


@pytest.mark.parametrize("command", ["run", "once"])
def test_where_no_agent_ever_ran_it_says_why_it_does_not_start(tmp_path: Path, command: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with read_only(root):
        done = run_agent(root, command)
    assert (done.returncode, done.stdout) == (EXIT_PROBLEM, "")
    assert done.stderr == f"агент не запущен: в папке ничего нельзя хранить: {root}: диск только для чтения\n"
    assert list(root.iterdir()) == []


def test_an_agent_polls_tells_and_stores_as_soon_as_it_can(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A failed write is tried again after ten seconds: that is waited for with `--long` only."""
    whole, root = Counted(meter()), tmp_path / "root"
    with on_tcp(whole) as line:
        configure(root, devices={"a.ini": tcp_device(line.port)})
        with AgentProcess(root) as agent:
            wait_for_archive(agent, NUMBER, whole.inside)
        before = len(stored(root, NUMBER))
        whole.inside.live(NOW + timedelta(hours=2))
        agent, asked = AgentProcess(root), whole.asked
        agent.log = tmp_path / "agent.stderr"
        with ExitStack() as stack:
            with read_only(root):
                stack.enter_context(agent)
                eventually(lambda: whole.asked > asked and TOLD in agent.told(), "it is asked and told", agent)
                assert run_agent(root, "run").returncode == EXIT_ROOT_TAKEN
                assert len(stored(root, NUMBER)) == before
            assert run_agent(root, "run").returncode == EXIT_ROOT_TAKEN
            if request.config.option.long:
                wait_for_archive(agent, NUMBER, whole.inside)
                assert len(stored(root, NUMBER)) == before + 2
    found = assert_all_true(stored(root, NUMBER), whole.inside)
    assert found == set(records_of(whole.inside)) or not request.config.option.long
    assert "Traceback" not in agent.told()

"""A password that nobody knows any more is set anew on the board itself, as SECURITY.md says."""

from __future__ import annotations

import ftplib
import time
from pathlib import Path

import pytest

from engine import naming
from tests.fake.agent_process import (
    PROJECT,
    AgentProcess,
    closed_port,
    configure,
    eventually,
    internal_text,
    put,
    server_text,
)

FORGOTTEN, FACTORY, NEW = "nobody-knows-17", "TsmSmartFtp", "better-18"
SLOW_HAND_S = 1.5
"""Between two commands of a person; the agent looks at changed files at once."""

TOLD = "пароль встроенного FTP заводской"


def opens(port: int, password: str) -> bool:
    with ftplib.FTP(timeout=10) as client:
        try:
            client.connect("127.0.0.1", port)
            client.login("TsmSmartFtp", password)
        except (OSError, EOFError, ftplib.Error):
            return False
        return client.pwd() == "/"


def copy(root: Path) -> Path:
    """The last good one, which would come back."""
    return root / "var/good" / naming.FTP_INI


def on_port(text: str, port: int) -> str:
    """The settings with another port, and this machine only."""
    return text.replace("\nBind=0.0.0.0\nPort=21\n", f"\nBind=127.0.0.1\nPort={port}\n")


def begun(tmp_path: Path) -> tuple[AgentProcess, int, str]:
    """An agent that is not running yet, its port, and the external server in its settings."""
    port = closed_port()
    server = server_text("server1", closed_port(), "board", "secret", Interval=600)
    configure(tmp_path / "root", ftp=internal_text(port, Password=FORGOTTEN) + server)
    return AgentProcess(tmp_path / "root"), port, server


def test_a_line_in_the_file_sets_it_and_keeps_the_rest(tmp_path: Path) -> None:
    agent, port, server = begun(tmp_path)
    with agent:
        eventually(lambda: opens(port, FORGOTTEN), "the server", agent)
        path = agent.root / naming.FTP_INI
        put(agent.root, "ftp.ini", path.read_text().replace(f"Password={FORGOTTEN}", f"Password={NEW}"))
        eventually(lambda: "новые настройки действуют" in agent.journal(), "they are read", agent)
        eventually(lambda: opens(port, NEW), "the new password", agent)
        assert not opens(port, FORGOTTEN)
        assert server in path.read_text()
        assert "server1" in agent.status()


def test_the_factory_s_file_comes_back_where_both_copies_are_deleted(tmp_path: Path) -> None:
    agent, port, _ = begun(tmp_path)
    factory = (PROJECT / naming.FACTORY / naming.FTP_INI).read_text("utf-8")
    with agent:
        eventually(lambda: opens(port, FORGOTTEN), "the server", agent)
        path = agent.root / naming.FTP_INI
        copy(agent.root).unlink()
        time.sleep(SLOW_HAND_S)
        path.unlink()
        eventually(lambda: path.is_file() and path.read_text("utf-8") == factory, "the factory's file", agent)
        put(agent.root, "ftp.ini", on_port(factory, port))
        eventually(lambda: TOLD in agent.status(), "it is told", agent)
        eventually(lambda: opens(port, FACTORY), "the factory's password", agent)


def test_an_agent_that_stands_still_finds_the_factory_s_file_at_its_start(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if not request.config.option.long:
        pytest.skip("with --long")
    agent, port, _ = begun(tmp_path)
    with agent:
        eventually(lambda: copy(agent.root).is_file(), "the copy", agent)
    copy(agent.root).unlink()
    (agent.root / naming.FTP_INI).unlink()
    with agent:
        path = agent.root / naming.FTP_INI
        eventually(lambda: path.is_file() and FORGOTTEN not in path.read_text("utf-8"), "the factory's file", agent)
        put(agent.root, "ftp.ini", on_port(path.read_text("utf-8"), port))
        eventually(lambda: opens(port, FACTORY), "the factory's password", agent)


def test_the_way_stands_in_the_document() -> None:
    text = " ".join((PROJECT / "SECURITY.md").read_text("utf-8").split())
    assert "`[internal] Password=`" in text
    assert f"first its last good copy `var/good/{naming.FTP_INI}`, then `{naming.FTP_INI}`" in text

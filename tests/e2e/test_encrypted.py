"""One agent delivers to another, everything encrypted; and to a server that must not be believed, nothing."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

from tests.e2e.drops import keys_in, keys_of, received
from tests.e2e.meters import meter, on_tcp
from tests.e2e.truth import wait_for_archive
from tests.fake.agent_process import (
    AgentProcess,
    closed_port,
    configure,
    eventually,
    internal_text,
    server_text,
    stored,
    tcp_device,
)

NUMBER = "476721"
USER, PASSWORD = "boards", "prinimay-17"


def test_a_board_delivers_encrypted_to_whom_it_believes_only(tmp_path: Path) -> None:
    port, whole = closed_port(), meter()
    inbox = internal_text(port, Password="kotel-17", InboxUser=USER, InboxPassword=PASSWORD, Tls=2)
    configure(tmp_path / "collector", ftp=inbox)
    with AgentProcess(tmp_path / "collector") as collector, on_tcp(whole) as line:
        eventually(lambda: "сертификат SHA-256" in collector.status(), "an encrypted server", collector)
        server = server_text("server1", port, USER, PASSWORD, Directory="log/FTP", Timeout=5, Tls=2)
        devices = {"a.ini": tcp_device(line.port)}
        configure(tmp_path / "board", ftp=f"[internal]\nEnabled=0\n{server}", devices=devices)
        with AgentProcess(tmp_path / "board") as board:
            wait_for_archive(board, NUMBER, whole)
            eventually(lambda: "самоподписанный" in board.status(), "why nothing is sent", board)
            assert not any((collector.root / "log/Ftp").iterdir())
            shutil.copy(collector.root / "var/tls/cert.pem", board.root / "log/User/ca.pem")
            eventually(partial(_has_all, collector, board), "everything delivered", board)
        for agent in (board, collector):
            assert "Traceback" not in agent.told()
            assert PASSWORD not in agent.told() + agent.status() + agent.journal()


def _has_all(collector: AgentProcess, board: AgentProcess) -> bool:
    everything = keys_of(NUMBER, stored(board.root, NUMBER))
    return keys_in(received(collector.root / "log/Ftp", "linux")) == everything

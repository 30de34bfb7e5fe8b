"""The Python that the guide shows to dispatch systems and installers does what is said of it, as it stands there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from engine.formats.archive import Head, record_text
from engine.formats.drop import DropInfo, drop_ini, encode, encoding_of, pack, records_text
from engine.ftpd import FtpServer
from engine.model import Record, RecType
from engine.naming import AGENT_INI, FTP_INI, drop_name
from engine.settings import check_file, parse_ftp
from engine.settings.together import refusal
from tests.fake import guide_text
from tests.fake.guide_text import GUIDE, PROJECT

PYTHON = [block.text for block in guide_text.blocks(GUIDE.read_text("utf-8")) if block.language == "python"]
HEAD = Head("ТЕМ-104", "ТЕМ-104", "476721", 1)
HOUR = Record(RecType.HOUR, datetime(2026, 11, 22, 12), ({"Q1": 3228.965, "dQ1": 0.336, "T1": 90.17, "Tall": 7.0},))
ACCOUNTS = "[internal]\nBind=127.0.0.1\nPassword=Kotelnaya-3\nReadUser=Dispatch\nReadPassword=Dispatch-3\n"


@pytest.fixture
def board(tmp_path: Path) -> Iterator[FtpServer]:
    """The embedded FTP server of a board whose folder is `tmp_path/board`."""
    settings, _ = parse_ftp(FTP_INI, ACCOUNTS)
    (tmp_path / "board/log/User/txt").mkdir(parents=True)
    server = FtpServer(tmp_path / "board", replace(settings.internal, port=0), refusal, lambda _path: None)
    server.start()
    yield server
    server.stop()


def _example(words: str) -> str:
    (found,) = [text for text in PYTHON if words in text]
    return found


def _run(text: str, folder: Path, port: int = 0) -> list[str]:
    """What it prints. The board listens on another port than 21 here, and on no address of a network."""
    text = f"import ftplib\nftplib.FTP.port = {port}\n" + text.replace("192.168.1.200", "127.0.0.1")
    command = [sys.executable, "-W", "error", "-c", text]
    done = subprocess.run(
        command,
        cwd=folder,
        env={"PYTHONPATH": str(PROJECT), "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def _drop(folder: Path, variant: str) -> None:
    records = records_text(HEAD, [record_text(1, HOUR)])
    info = DropInfo(17, 1, variant, "22.11.26 13:00:00", "ymd", encoding_of(variant, "cp1251"))
    members = {"drop.ini": drop_ini(info), "476721_H.txt": records}
    (folder / "drops").mkdir(exist_ok=True)
    (folder / "drops" / drop_name(17, 1, variant)).write_bytes(
        pack([(name, [encode(text, variant, "cp1251")]) for name, text in members.items()])
    )


def test_every_example_is_tried_here() -> None:
    assert len(PYTHON) == 4


def test_current_values_over_ftp(tmp_path: Path, board: FtpServer) -> None:
    (snapshot,) = (block for block in guide_text.marked("file") if block.path.endswith("txt/476721.txt"))
    (tmp_path / "board" / snapshot.path).write_text(snapshot.text, "utf-8")
    assert _run(_example("RETR log/User/txt"), tmp_path, board.port) == ["3229.197 Гкал, 90.21 °C"]


def test_hours_out_of_drops(tmp_path: Path) -> None:
    _drop(tmp_path, "linux")
    assert _run(_example("read_drop"), tmp_path) == ["476721 2026-11-22 12:00:00 3228.965"]


def test_hours_out_of_a_drop_with_nothing_but_python(tmp_path: Path) -> None:
    _drop(tmp_path, "dos")
    assert _run(_example("ZipFile"), tmp_path) == ["22.11.26 12:00:00 0.336"]


def test_a_hundred_boards_get_their_settings(tmp_path: Path, board: FtpServer) -> None:
    (tmp_path / "platy.csv").write_text("17;127.0.0.1;Котельная №3\n0;127.0.0.1;Лишняя\n", "utf-8")
    (tmp_path / "agent.ini").write_text("[agent]\nNumber={Number}\nName={Name}\n", "utf-8")
    taken, refused = _run(_example("platy.csv"), tmp_path, board.port)
    assert taken == "127.0.0.1 226 Transfer complete."
    assert refused.startswith("127.0.0.1 553 agent.ini:2: Number: ")
    stored = (tmp_path / "board" / AGENT_INI).read_bytes()
    assert "Name=Котельная №3" in stored.decode()
    assert check_file(AGENT_INI, stored) == ()

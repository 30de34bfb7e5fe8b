"""The embedded FTP server, over the wire."""

from __future__ import annotations

import ftplib
import os
import queue
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from engine import ftpd
from engine.ftpd import FtpServer
from engine.ftpd import session as ftpd_session
from engine.ftpd import transfer as ftpd_transfer
from engine.settings import InternalFtp
from tests.fake.ftp_rig import fetch, hurry, starting, store

TIMEOUT_S = 20.0
INTERNAL = InternalFtp(
    enabled=True, bind="127.0.0.1", port=0, passive_ports=None, user="main", password="secret-1", read_user="reader",
    read_password="secret-2", inbox_user="inbox", inbox_password="secret-3", tls=0, inbox_limit_bytes=100_000,
)  # fmt: skip
USERS = {"main": "secret-1", "reader": "secret-2", "inbox": "secret-3"}
GOOD = b"[agent]\nNumber=1\n"
BAD = b"[agent]\nNumber=x\n"
TREE = {
    "log/User/agent.ini": GOOD, "log/User/ftp.ini": b"[internal]\n", "log/User/devices/a.ini": b"[device]\n",
    "log/User/status.txt": b"status", "log/User/txt/440020.txt": b"[0]\n", "log/User/cmd/a.out": b"DONE\n",
    "log/lcd.info": b"", "log/USB.rules": b"", "log/Ftp/.keep.tmp": b"", "log/VPN/client.ovpn": b"client\n",
    "www/index.html": b"<html>", "www/440020/M.txt": b"[0]\n\n", "var/cursors": b"secret", "agent.py": b"",
    "log/.hidden": b"",
}  # fmt: skip


class Rig:
    """A running server and what it told its owner."""

    def __init__(self, root: Path, settings: InternalFtp) -> None:
        self.root = root
        self.uploads: queue.Queue[str] = queue.Queue()
        self.failures: queue.Queue[tuple[str, str]] = queue.Queue()
        self.judged: list[str] = []
        self.server = FtpServer(root, settings, self.refusal, self.uploads.put, self.on_login_failed)

    def refusal(self, path: str, content: bytes) -> str | None:
        self.judged.append(path)
        wrong = path == "log/User/agent.ini" and b"=x" in content
        return "agent.ini:2: Number: не число;\nagent.ini:3: ещё" if wrong else None

    def on_login_failed(self, user: str, address: str) -> None:
        self.failures.put((user, address))

    @contextmanager
    def client(self, user: str = "main", source: str = "127.0.0.1") -> Iterator[ftplib.FTP]:
        client = ftplib.FTP(timeout=TIMEOUT_S, encoding="utf-8", source_address=(source, 0))
        try:
            client.connect("127.0.0.1", self.server.port)
            client.login(user, USERS[user])
            yield client
        finally:
            client.close()

    def read(self, path: str) -> bytes:
        return (self.root / path).read_bytes()


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    for path, content in TREE.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    (root / "log/User/templates").mkdir()
    return root


@pytest.fixture
def start(root: Path) -> Iterator[Callable[..., Rig]]:
    with starting(lambda **changes: Rig(root, replace(INTERNAL, **changes))) as start_one:
        yield start_one


@pytest.fixture
def rig(start: Callable[..., Rig]) -> Rig:
    return start()


def refused(code: str, call: Callable[[], object]) -> str:
    with pytest.raises(ftplib.error_perm) as caught:
        call()
    assert str(caught.value).startswith(code)
    return str(caught.value)


def names(rig: Rig, folder: str) -> list[str]:
    return sorted(path.name for path in (rig.root / folder).iterdir())


# --- logging in


@pytest.mark.parametrize("user", USERS)
def test_each_user_logs_in_and_out(rig: Rig, user: str) -> None:
    with rig.client(user) as client:
        assert client.pwd() == "/"
        assert client.quit().startswith("221")


@pytest.mark.parametrize(("user", "password"), [("main", "wrong"), ("anonymous", "a@b"), ("nobody", ""), ("main", "")])
def test_a_wrong_login_is_refused_and_counted(rig: Rig, user: str, password: str) -> None:
    with ftplib.FTP(timeout=TIMEOUT_S) as client:
        client.connect("127.0.0.1", rig.server.port)
        client.sendcmd(f"USER {user}")
        refused("530", lambda: client.sendcmd(f"PASS {password}"))
        assert rig.failures.get(timeout=TIMEOUT_S) == (user, "127.0.0.1")


def test_guessing_is_slow_and_holds_up_nobody_else(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ftpd_session.LOGIN_DELAY_S >= 3
    monkeypatch.setattr(ftpd_session.Session, "auth_failed_timeout", 0.3)
    with ftplib.FTP(timeout=TIMEOUT_S) as guessing, rig.client() as client:
        guessing.connect("127.0.0.1", rig.server.port)
        guessing.sendcmd("USER main")
        begun_s = time.monotonic()
        guessing.putcmd("PASS wrong")
        assert client.voidcmd("NOOP").startswith("200")
        refused("530", guessing.getresp)
        assert time.monotonic() - begun_s >= 0.3


def test_guessing_ends_the_connection(rig: Rig) -> None:
    with ftplib.FTP(timeout=TIMEOUT_S) as client:
        client.connect("127.0.0.1", rig.server.port)
        for _ in range(3):
            refused("530", lambda: client.login("main", "wrong"))
        with pytest.raises((EOFError, OSError)):
            client.voidcmd("NOOP")


def test_the_factory_password_opens_from_here_only(start: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch) -> None:
    rig = start(password="TsmSmartFtp")
    with ftplib.FTP(timeout=TIMEOUT_S, encoding="utf-8") as client:
        client.connect("127.0.0.1", rig.server.port)
        assert client.login("main", "TsmSmartFtp").startswith("230")
    monkeypatch.setattr("engine.ftpd.accounts.from_here", lambda _address: False)
    with ftplib.FTP(timeout=TIMEOUT_S, encoding="utf-8") as client:
        client.connect("127.0.0.1", rig.server.port)
        assert "местной сети" in refused("530", lambda: client.login("main", "TsmSmartFtp"))


def test_no_answer_tells_a_version(rig: Rig) -> None:
    with ftplib.FTP(timeout=TIMEOUT_S) as client:
        told = client.connect("127.0.0.1", rig.server.port)
        client.login("main", USERS["main"])
        told += "".join(client.sendcmd(command) for command in ("SYST", "STAT", "HELP", "FEAT", "NOOP"))
    assert "pyftpdlib" not in told
    assert "python" not in told.lower()
    assert not any(version in told for version in ("2.2", "3.11", "3.12", "3.13"))


@pytest.mark.parametrize("command", ["APPE a", "STOU", "REST 5", "SITE CHMOD 777 log", "MFMT 20200101000000 a"])
def test_commands_that_write_into_files_are_gone(rig: Rig, command: str) -> None:
    with rig.client() as client:
        refused("500", lambda: client.sendcmd(command))


# --- what is seen


def test_each_user_sees_his_part_of_the_tree(rig: Rig) -> None:
    seen = {
        "main": {
            "/": ["log", "www"],
            "/log": ["Ftp", "USB.rules", "User", "VPN", "lcd.info"],
            "/www": ["440020", "index.html"],
        },
        "reader": {"/": ["log", "www"], "/log": ["User"], "/log/User": ["txt"], "/log/User/txt": ["440020.txt"]},
        "inbox": {"/": ["log"], "/log": ["Ftp"], "/log/Ftp": []},
    }
    for user, folders in seen.items():
        with rig.client(user) as client:
            for folder, expected in folders.items():
                assert sorted(client.nlst(folder)) == expected
                assert sorted(name for name, _ in client.mlsd(folder)) == expected
                lines: list[str] = []
                client.dir(folder, lines.append)
                assert [line.split()[-1] for line in lines] == expected


@pytest.mark.parametrize(
    "path", ["var/cursors", "agent.py", "log/.hidden", "log/../var/cursors", "/../../etc/passwd", "log/Ftp/.keep.tmp"]
)
def test_what_is_hidden_is_answered_like_what_is_not_there(rig: Rig, path: str) -> None:
    with rig.client() as client:
        missing = refused("550", lambda: fetch(client, "log/User/devices/missing.ini"))
        assert refused("550", lambda: fetch(client, path)) == missing
        refused("550", lambda: store(client, path, b"1"))
        refused("550", lambda: client.delete(path))
        refused("550", lambda: client.cwd(path.rpartition("/")[0] + "/.hidden"))


def test_links_pipes_and_what_lies_behind_them_are_not_there(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    links = {"log/VPN/file": tmp_path / "secret", "www/inside": rig.root / "www/440020", "www/outside": tmp_path}
    for path, target in links.items():
        (rig.root / path).symlink_to(target)
    os.mkfifo(rig.root / "log/VPN/pipe")
    with rig.client() as client:
        assert client.nlst("log/VPN") == ["client.ovpn"]
        assert sorted(client.nlst("www")) == ["440020", "index.html"]
        for path in ("log/VPN/file", "log/VPN/pipe", "www/inside/M.txt", "www/outside/secret", "WWW/Outside/secret"):
            refused("550", lambda path=path: fetch(client, path))
        refused("550", lambda: store(client, "log/VPN/file", b"1"))
        refused("550", lambda: client.cwd("www/outside"))
    assert (tmp_path / "secret").read_bytes() == b"secret"


def test_files_are_read_byte_for_byte(rig: Rig) -> None:
    content = bytes(range(256)) * 4000
    (rig.root / "www/440020/H-2018-09.txt").write_bytes(content)
    for user in ("main", "reader"):
        with rig.client(user) as client:
            assert fetch(client, "www/440020/H-2018-09.txt") == content
            assert client.size("www/440020/H-2018-09.txt") == len(content)


def test_paths_are_found_under_any_case(rig: Rig) -> None:
    with rig.client() as client:
        assert fetch(client, "LOG/user/AGENT.INI") == GOOD
        assert fetch(client, "Log/user/TXT/440020.TXT") == b"[0]\n"
        assert fetch(client, "WWW/440020/m.txt") == b"[0]\n\n"
        client.cwd("/LOG/FTP")
        assert client.pwd() == "/log/Ftp"


def test_the_working_folder_of_the_process_stays(rig: Rig) -> None:
    before = Path.cwd()
    with rig.client() as client:
        client.cwd("/log/User")
        client.cwd("devices")
        client.cwd("..")
        assert client.pwd() == "/log/User"
        assert Path.cwd() == before


# --- what is changed


def test_a_file_takes_its_place_and_is_told(rig: Rig) -> None:
    with rig.client() as client:
        assert store(client, "log/User/agent.ini", GOOD + b"Name=a\n").startswith("226")
    assert rig.read("log/User/agent.ini") == GOOD + b"Name=a\n"
    assert rig.uploads.get(timeout=TIMEOUT_S) == "log/User/agent.ini"
    assert rig.judged == ["log/User/agent.ini"]


@pytest.mark.parametrize(
    ("user", "path"),
    [("main", "log/User/devices/new.ini"), ("main", "log/VPN/client1.ovpn"), ("inbox", "log/Ftp/1_00000001_dos.zip")],
)
def test_a_file_is_not_there_until_it_is_complete(rig: Rig, user: str, path: str) -> None:
    folder, _, name = path.rpartition("/")
    with rig.client(user) as sending, rig.client() as looking:
        before = sorted(looking.nlst(folder))
        data = begin_upload(sending, path, GOOD)
        with data:
            assert sorted(looking.nlst(folder)) == before
            assert sorted(entry for entry, _ in looking.mlsd(folder)) == before
            refused("550", lambda: fetch(looking, path))
            assert not (rig.root / path).exists()
        sending.voidresp()
        assert sorted(looking.nlst(folder)) == sorted([*before, name])
        assert fetch(looking, path) == GOOD


def test_a_file_under_another_case_replaces_the_one_that_is_there(rig: Rig) -> None:
    with rig.client() as client:
        store(client, "log/user/AGENT.INI", GOOD + b"Name=b\n")
        store(client, "log/User/devices/A.INI", b"[device]\nPort=ttyS1\n")
        store(client, "log/User/devices/New.INI", b"[device]\n")
    assert rig.read("log/User/agent.ini") == GOOD + b"Name=b\n"
    assert names(rig, "log/User/devices") == ["New.ini", "a.ini"]


def test_a_wrong_file_is_refused_with_its_reasons_and_kept_beside(rig: Rig) -> None:
    with rig.client() as client:
        answer = refused("553", lambda: store(client, "log/User/agent.ini", BAD))
        assert answer == "553 agent.ini:2: Number: не число; agent.ini:3: ещё"
        assert rig.read("log/User/agent.ini") == GOOD
        assert fetch(client, "log/User/agent.ini.refused") == BAD
        assert rig.uploads.empty()
        store(client, "log/User/agent.ini", GOOD)
        assert "agent.ini.refused" not in names(rig, "log/User")


def test_a_rename_of_a_wrong_file_changes_nothing(rig: Rig) -> None:
    (rig.root / "log/User/agent.ini.new").write_bytes(BAD)
    with rig.client() as client:
        answer = refused("553", lambda: client.rename("log/User/agent.ini.new", "log/User/agent.ini"))
        assert "не число" in answer
        assert rig.read("log/User/agent.ini") == GOOD
        assert rig.read("log/User/agent.ini.refused") == BAD
        assert rig.read("log/User/agent.ini.new") == BAD
        assert rig.uploads.empty()


def test_a_rename_of_a_right_file_takes_its_place(rig: Rig) -> None:
    (rig.root / "log/User/agent.ini.refused").write_bytes(BAD)
    with rig.client() as client:
        store(client, "log/User/agent.ini.new", GOOD + b"Name=c\n")
        client.rename("log/User/agent.ini.new", "log/User/Agent.ini")
    assert rig.read("log/User/agent.ini") == GOOD + b"Name=c\n"
    assert [rig.uploads.get(timeout=TIMEOUT_S) for _ in range(2)] == ["log/User/agent.ini.new", "log/User/agent.ini"]
    assert not {"agent.ini.new", "agent.ini.refused"} & set(names(rig, "log/User"))


def test_a_user_deletes_what_is_his(rig: Rig) -> None:
    with rig.client() as client:
        for path in ("log/User/devices/a.ini", "log/User/txt/440020.txt", "log/User/agent.ini", "log/User/cmd/a.out"):
            assert client.delete(path).startswith("250")
            assert not (rig.root / path).exists()


@pytest.mark.parametrize("path", ["log/User/status.txt", "log/USB.rules", "www/index.html", "www/440020/M.txt"])
def test_the_agents_own_files_are_only_read(rig: Rig, path: str) -> None:
    with rig.client() as client:
        before = fetch(client, path)
        refused("550", lambda: store(client, path, b"1"))
        refused("550", lambda: client.delete(path))
        refused("550", lambda: client.rename(path, "log/Ftp/taken"))
        refused("550", lambda: client.rename("log/User/devices/a.ini", path))
    assert rig.read(path) == before


@pytest.mark.parametrize("folder", ["log", "log/User", "log/User/devices", "log/Ftp", "www", "www/440020"])
def test_no_folder_of_the_tree_is_removed_renamed_or_overwritten(rig: Rig, folder: str) -> None:
    with rig.client() as client:
        refused("550", lambda: client.rmd(folder))
        refused("550", lambda: client.delete(folder))
        refused("550", lambda: client.rename(folder, "log/Ftp/x"))
        refused("550", lambda: store(client, folder, b"1"))


def test_the_reading_user_changes_nothing(rig: Rig) -> None:
    with rig.client("reader") as client:
        assert fetch(client, "log/User/txt/440020.txt") == b"[0]\n"
        for path in ("log/User/agent.ini", "log/User/status.txt", "log/VPN/client.ovpn"):
            refused("550", lambda path=path: fetch(client, path))
        for path in ("log/User/devices/b.ini", "log/User/txt/440020.txt", "www/a", "log/Ftp/a.zip"):
            refused("550", lambda path=path: store(client, path, b"1"))
            refused("550", lambda path=path: client.delete(path))
            refused("550", lambda path=path: client.mkd(path))


@pytest.mark.parametrize("name", ["котельная №1.ini", "ТЭМ.ini", "a b.ini"])
def test_names_in_any_letters_go_there_and_back(rig: Rig, name: str) -> None:
    with rig.client() as client:
        store(client, f"log/User/devices/{name}", b"[device]\n")
        assert name in client.nlst("log/User/devices")
        assert fetch(client, f"log/User/devices/{name.upper()}") == b"[device]\n"
    assert name in names(rig, "log/User/devices")


def test_two_names_in_cp1251_become_two_readable_names(rig: Rig) -> None:
    with rig.client() as client:
        client.encoding = "cp1251"
        store(client, "log/User/devices/насос.ini", b"[device]\nAddress=1\n")
        store(client, "log/User/devices/котел.ini", b"[device]\nAddress=2\n")
        assert fetch(client, "log/User/devices/насос.ini") == b"[device]\nAddress=1\n"
    assert names(rig, "log/User/devices") == ["a.ini", "котел.ini", "насос.ini"]


def test_a_name_on_the_disk_that_is_no_utf_8_can_be_had_and_deleted(rig: Rig) -> None:
    path = os.fsencode(rig.root / "log/VPN") + b"/\xed\xe0\xf1\xee\xf1\x98"
    Path(os.fsdecode(path)).write_bytes(b"1")
    with rig.client() as client:
        client.encoding = "latin-1"
        assert "íàñîñ\x98" in client.nlst("log/VPN")
        assert fetch(client, "log/VPN/íàñîñ\x98") == b"1"
        client.delete("log/VPN/íàñîñ\x98")
    assert names(rig, "log/VPN") == ["client.ovpn"]


@pytest.mark.parametrize("name", ["a\tb.ini", "a\x01.ini", "a\x7f.ini", ".a.ini", "a\\b.ini", "a\0.ini", "a\u2028.ini"])
def test_names_that_break_a_line_or_hide_are_refused(rig: Rig, name: str) -> None:
    with rig.client() as client:
        refused("550", lambda: store(client, f"log/User/devices/{name}", b"[device]\n"))
        assert client.voidcmd("NOOP").startswith("200")
    assert names(rig, "log/User/devices") == ["a.ini"]


def test_a_file_over_the_limit_is_refused_and_leaves_nothing(rig: Rig) -> None:
    with rig.client() as client:
        refused("552", lambda: store(client, "log/User/agent.ini", b"#" * (256 * 1024 + 1)))
        assert store(client, "log/User/agent.ini", b"#" * (256 * 1024)).startswith("226")
    assert len(rig.read("log/User/agent.ini")) == 256 * 1024
    assert not [name for name in names(rig, "log/User") if name.startswith(".")]


def test_an_endless_upload_is_cut(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.ftpd.intake.DRAIN_BYTES", 100_000)
    with rig.client() as client:
        client.voidcmd("TYPE I")
        data = client.transfercmd("STOR log/User/agent.ini")
        with data, pytest.raises(OSError):
            while True:
                data.sendall(b"#" * 65536)
        refused("552", client.voidresp)
    assert rig.read("log/User/agent.ini") == GOOD


def test_an_empty_file_is_a_file(rig: Rig) -> None:
    with rig.client() as client:
        store(client, "log/VPN/empty", b"")
    assert rig.read("log/VPN/empty") == b""


# --- the inbox


def test_a_drop_arrives_is_renamed_and_stays(rig: Rig) -> None:
    with rig.client("inbox") as client:
        client.mkd("log/FTP/north")
        client.cwd("/log/ftp/North")
        store(client, "1_00000001_dos.zip.part", b"PK")
        assert client.size("1_00000001_dos.zip.part") == 2
        client.rename("1_00000001_dos.zip.part", "1_00000001_dos.zip")
        assert client.nlst() == ["1_00000001_dos.zip"]
    assert rig.read("log/Ftp/north/1_00000001_dos.zip") == b"PK"
    assert rig.judged == []


def test_a_drop_that_arrived_is_neither_read_replaced_nor_deleted(rig: Rig) -> None:
    (rig.root / "log/Ftp/a.zip").write_bytes(b"PK")
    with rig.client("inbox") as client:
        refused("550", lambda: fetch(client, "log/Ftp/a.zip"))
        refused("550", lambda: client.delete("log/Ftp/a.zip"))
        refused("553", lambda: store(client, "log/Ftp/A.zip", b"other"))
        store(client, "log/Ftp/a.zip.part", b"half")
        store(client, "log/Ftp/a.zip.part", b"other")
        refused("553", lambda: client.rename("log/Ftp/a.zip.part", "log/Ftp/a.zip"))
        for path in ("log/User/agent.ini", "log/a.zip", "www/a.zip"):
            refused("550", lambda path=path: store(client, path, b"1"))
            refused("550", lambda path=path: client.rename("log/Ftp/a.zip.part", path))
    assert rig.read("log/Ftp/a.zip") == b"PK"
    assert rig.read("log/Ftp/a.zip.part") == b"other"


@pytest.mark.parametrize("user", ["inbox", "main"])
def test_nobody_makes_folders_without_end(rig: Rig, user: str) -> None:
    folder = "log/Ftp"
    with rig.client(user) as client:
        for _ in range(8):
            folder += "/a"
            client.mkd(folder)
        told = refused("550", lambda: client.mkd(f"{folder}/a"))
        assert told == "550 Больше 8 папок одна в другой нельзя."
        client.cwd(folder)
        refused("550", lambda: client.mkd("a"))
        store(client, "a.zip.part", b"PK")
        refused("550", lambda: client.rename("a.zip.part", "a/a.zip"))
        client.rename("a.zip.part", "a.zip")
    assert names(rig, folder) == ["a.zip"]


def test_a_full_inbox_refuses_and_deletes_nothing(start: Callable[..., Rig]) -> None:
    rig = start(inbox_limit_bytes=1000)
    with rig.client("inbox") as client:
        store(client, "log/Ftp/a.zip", b"1" * 600)
        refused("552", lambda: store(client, "log/Ftp/b.zip", b"2" * 600))
        store(client, "log/Ftp/c.zip", b"3" * 400)
        refused("552", lambda: store(client, "log/Ftp/d.zip", b""))
    assert names(rig, "log/Ftp") == ["a.zip", "c.zip"]


def test_uploads_side_by_side_share_the_room_of_the_inbox(start: Callable[..., Rig]) -> None:
    rig = start(inbox_limit_bytes=1000)
    with rig.client("inbox") as one, rig.client("inbox") as other:
        one.voidcmd("TYPE I")
        data = one.transfercmd("STOR log/Ftp/a.zip")
        with data:
            data.sendall(b"1" * 600)
            store(other, "log/Ftp/b.zip", b"2" * 300)
            data.sendall(b"1" * 300)
        refused("552", one.voidresp)
    assert names(rig, "log/Ftp") == ["b.zip"]


def test_the_start_sweeps_what_broken_uploads_left(start: Callable[..., Rig], root: Path) -> None:
    (root / "log/Ftp/north").mkdir()
    (root / "log/Ftp/north/.abc.tmp").write_bytes(b"half")
    rig = start()
    assert names(rig, "log/Ftp/north") == []
    assert names(rig, "log/Ftp") == ["north"]


# --- what breaks


def reset(connection: socket.socket) -> None:
    """Close like a machine that lost its memory: RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def control_of(client: ftplib.FTP) -> socket.socket:
    """The control connection, so that closing it closes it: the library's second handle on it is gone."""
    assert client.sock is not None
    assert client.file is not None
    client.file.close()
    return client.sock


def begin_upload(client: ftplib.FTP, path: str, content: bytes) -> socket.socket:
    client.voidcmd("TYPE I")
    data = client.transfercmd(f"STOR {path}")
    data.sendall(content)
    return data


@pytest.mark.parametrize("end_data", [socket.socket.close, reset])
@pytest.mark.parametrize("end_control", [socket.socket.close, reset])
def test_the_half_of_a_killed_client_is_not_taken(
    rig: Rig,
    monkeypatch: pytest.MonkeyPatch,
    end_data: Callable[[socket.socket], None],
    end_control: Callable[[socket.socket], None],
) -> None:
    ended = threading.Event()
    monkeypatch.setattr(ftpd_session.Session, "on_disconnect", lambda _session: ended.set())
    monkeypatch.setattr(ftpd_transfer, "GRACE_S", 2.0)
    with rig.client() as client:
        data = begin_upload(client, "log/User/agent.ini", GOOD[:9])
        end_data(data)
        end_control(control_of(client))
        assert ended.wait(TIMEOUT_S)
    assert rig.read("log/User/agent.ini") == GOOD
    assert rig.uploads.empty()
    assert not [name for name in names(rig, "log/User") if name.startswith(".")]


def test_a_killed_client_is_noticed_while_the_verdict_waits(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts: queue.Queue[bool] = queue.Queue()
    still_there = ftpd_session.Session.still_there

    def record(session: ftpd_session.Session) -> bool:
        verdicts.put(still_there(session))
        return False

    monkeypatch.setattr(ftpd_session.Session, "still_there", record)
    with rig.client() as client:
        data = begin_upload(client, "log/User/agent.ini", GOOD[:9])
        data.close()
        assert verdicts.get(timeout=TIMEOUT_S)
        assert client.voidcmd("NOOP").startswith("200")
    assert rig.read("log/User/agent.ini") == GOOD


def test_a_reset_of_the_data_alone_is_told_to_the_client(rig: Rig) -> None:
    with rig.client() as client:
        reset(begin_upload(client, "log/User/agent.ini", GOOD[:9]))
        with pytest.raises(ftplib.error_temp, match="426"):
            client.voidresp()
        assert client.voidcmd("NOOP").startswith("200")
    assert rig.read("log/User/agent.ini") == GOOD


def test_a_data_connection_that_broke_before_it_was_accepted_is_told(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    accepted, proceed = threading.Event(), threading.Event()
    handle_accept = ftpd_transfer.PassiveRange.handle_accept

    def late(acceptor: ftpd_transfer.PassiveRange) -> None:
        accepted.set()
        assert proceed.wait(TIMEOUT_S)
        handle_accept(acceptor)

    monkeypatch.setattr(ftpd_transfer.PassiveRange, "handle_accept", late)
    with rig.client() as client:
        client.voidcmd("TYPE I")
        host, port = client.makepasv()
        client.putcmd("STOR log/User/agent.ini")
        assert client.getresp().startswith("150")
        reset(socket.create_connection((host, port), TIMEOUT_S))
        assert accepted.wait(TIMEOUT_S)
        proceed.set()
        with pytest.raises(ftplib.error_temp, match="426"):
            client.voidresp()
        assert fetch(client, "log/User/agent.ini") == GOOD


def test_a_transfer_that_never_began_does_not_get_the_next_connection(rig: Rig) -> None:
    with rig.client() as client:
        client.voidcmd("TYPE I")
        for command in ("STOR log/User/agent.ini", "RETR www/index.html"):
            client.makepasv()
            client.putcmd(command)
            assert client.getresp().startswith("150")
        assert fetch(client, "log/User/agent.ini") == GOOD


def test_an_aborted_upload_is_not_taken(rig: Rig) -> None:
    with rig.client() as client:
        data = begin_upload(client, "log/User/agent.ini", GOOD[:9])
        with data:
            assert client.abort()[:3] in ("225", "226", "426")
    assert rig.read("log/User/agent.ini") == GOOD
    assert rig.uploads.empty()


def test_an_abort_while_the_verdict_waits_drops_the_upload(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ftpd_transfer, "GRACE_S", 3600.0)
    with rig.client() as client:
        begin_upload(client, "log/User/agent.ini", b"[agent]\n").close()
        client.putcmd("ABOR")
        assert client.getmultiline()[:3] in ("225", "226", "426")
    assert rig.read("log/User/agent.ini") == GOOD


def test_a_client_that_says_good_bye_at_once_has_sent_its_file(rig: Rig) -> None:
    with rig.client() as client:
        data = begin_upload(client, "log/User/agent.ini", GOOD + b"Name=d\n")
        client.putcmd("QUIT")
        data.close()
        control_of(client).close()
        assert rig.uploads.get(timeout=TIMEOUT_S) == "log/User/agent.ini"
    assert rig.read("log/User/agent.ini") == GOOD + b"Name=d\n"


def test_a_stop_in_the_middle_of_everything_leaves_nothing(start: Callable[..., Rig], root: Path) -> None:
    (root / "www/440020/H-2018-09.txt").write_bytes(bytes(32_000_000))
    with ExitStack() as stack:
        rig = start()
        idle = stack.enter_context(rig.client())
        sending, receiving, waiting, guessing = (stack.enter_context(rig.client()) for _ in range(4))
        stack.enter_context(begin_upload(sending, "log/User/agent.ini", GOOD[:9]))
        receiving.voidcmd("TYPE I")
        stack.enter_context(receiving.transfercmd("RETR www/440020/H-2018-09.txt"))
        waiting.sendcmd("PASV")
        waiting.sendcmd("TYPE I")
        waiting.putcmd("STOR log/User/devices/b.ini")
        assert waiting.getresp().startswith("150")
        guessing.putcmd("REIN")
        guessing.getresp()
        guessing.sendcmd("USER main")
        guessing.putcmd("PASS wrong")
        idle.voidcmd("NOOP")
        rig.server.stop()
        assert not rig.server.alive
    assert rig.read("log/User/agent.ini") == GOOD
    assert names(rig, "log/User/devices") == ["a.ini"]
    assert not [name for name in names(rig, "log/User") if name.startswith(".")]


def test_a_stop_while_a_verdict_waits_leaves_nothing(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ftpd_transfer, "GRACE_S", 3600.0)
    with rig.client() as client:
        begin_upload(client, "log/User/agent.ini", b"[agent]\n").close()
        client.putcmd("QUIT")
        assert client.getresp().startswith("221")
        rig.server.stop()
    assert rig.read("log/User/agent.ini") == GOOD


def test_stopping_twice_or_before_the_start_is_harmless(rig: Rig) -> None:
    rig.server.stop()
    rig.server.stop()
    Rig(rig.root, INTERNAL).server.stop()


def test_a_new_server_takes_over_the_port_at_once(start: Callable[..., Rig]) -> None:
    first = start()
    port = first.server.port
    with first.client() as client:
        client.voidcmd("NOOP")
        first.server.stop()
    second = start(port=port)
    with second.client() as client:
        assert client.voidcmd("NOOP").startswith("200")


def test_a_port_that_is_taken_is_an_error_of_the_start(rig: Rig, start: Callable[..., Rig]) -> None:
    with pytest.raises(OSError):
        start(port=rig.server.port)


def test_a_bug_in_a_check_costs_the_upload_and_not_the_server(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_self: object, _role: object, _path: str, _upload: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("engine.ftpd.intake.Intake.take", fail)
    with rig.client() as client:
        with pytest.raises(ftplib.error_temp, match="426"):
            store(client, "log/User/agent.ini", GOOD)
        assert client.voidcmd("NOOP").startswith("200")
    assert rig.server.alive
    assert names(rig, "log/User/devices") == ["a.ini"]


# --- limits


def test_one_address_gets_only_so_many_connections(rig: Rig) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(rig.client()) for _ in range(ftpd.MAX_SESSIONS_PER_ADDRESS)]
        with pytest.raises(ftplib.error_temp, match="421"):
            stack.enter_context(rig.client())
        stack.enter_context(rig.client(source="127.0.0.2"))
        assert clients[0].nlst("/") == ["log", "www"]


def test_all_together_get_only_so_many_connections(rig: Rig) -> None:
    with ExitStack() as stack:
        for number in range(ftpd.MAX_SESSIONS):
            stack.enter_context(rig.client(source=f"127.0.0.{2 + number // ftpd.MAX_SESSIONS_PER_ADDRESS}"))
        with pytest.raises(ftplib.error_temp, match="421"):
            stack.enter_context(rig.client(source="127.0.0.99"))


def test_passive_ports_stay_in_their_range(start: Callable[..., Rig]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    rig = start(passive_ports=(port, port))
    with rig.client() as one, rig.client() as other:
        assert one.makepasv()[1] == port
        with pytest.raises(ftplib.error_temp, match="425"):
            other.sendcmd("PASV")
        assert other.voidcmd("NOOP").startswith("200")
    with rig.client() as client:
        assert client.nlst("/") == ["log", "www"]


def test_active_transfers_work_too(rig: Rig) -> None:
    with rig.client() as client:
        client.set_pasv(False)
        store(client, "log/User/devices/b.ini", b"[device]\n")
        assert fetch(client, "log/User/devices/b.ini") == b"[device]\n"


def test_whoever_does_not_log_in_is_sent_away(start: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ftpd_session.Session, "timeout", 0.2)
    rig = start()
    with socket.create_connection(("127.0.0.1", rig.server.port), TIMEOUT_S) as silent, silent.makefile("rb") as lines:
        assert lines.readline().startswith(b"220")
        assert lines.readline().startswith(b"421")
        assert lines.readline() == b""


def test_whoever_is_idle_is_sent_away(start: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ftpd_session, "IDLE_TIMEOUT_S", 0.2)
    rig = start()
    with rig.client() as client:
        assert client.getline().startswith("421")
        with pytest.raises(EOFError):
            client.getline()


def test_a_download_that_nobody_takes_is_dropped(start: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ftpd_transfer.Transfer, "timeout", 0.2)
    rig = start()
    (rig.root / "www/440020/H-2026-01.txt").write_bytes(bytes(16 << 20))
    with rig.client() as client:
        client.voidcmd("TYPE I")
        with client.transfercmd("RETR www/440020/H-2026-01.txt"), pytest.raises(ftplib.error_temp, match="421"):
            client.voidresp()


def test_an_upload_that_stalls_is_dropped(start: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ftpd_transfer.Transfer, "timeout", 0.2)
    rig = start()
    with rig.client() as client:
        data = begin_upload(client, "log/User/agent.ini", GOOD[:9])
        with data, pytest.raises(ftplib.error_temp, match="421"):
            client.voidresp()
    assert rig.read("log/User/agent.ini") == GOOD
    assert not [name for name in names(rig, "log/User") if name.startswith(".")]


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 on this machine")
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_both_kinds_of_addresses_are_served(start: Callable[..., Rig], address: str) -> None:
    rig = start(bind="::")
    with ftplib.FTP(timeout=TIMEOUT_S) as client:
        client.connect(address, rig.server.port)
        client.login("main", USERS["main"])
        assert client.nlst("/") == ["log", "www"]


def test_the_server_works_in_a_thread_with_a_name(rig: Rig) -> None:
    assert rig.server.alive
    assert "ftpd" in {thread.name for thread in threading.enumerate()}

"""`etc/fleet/roll_out.py` against real embedded servers: what it shows, sends, leaves alone and puts back."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from engine.ftpd import FtpServer, transfer
from engine.settings import InternalFtp
from engine.settings.together import refusal
from tests.fake.debian_servers import free_port
from tests.fake.fleet_agents import INTERNAL, OLD_AGENT, OLD_FTP, TEMPLATES
from tests.fake.leaks import nothing_left

PROJECT = Path(__file__).parents[3]
AGENT, FTP, DEVICE = TEMPLATES


class Rig:
    """A running server of one agent, what it was sent, and how it stands."""

    def __init__(self, root: Path, settings: InternalFtp, judge: Callable[[str, bytes], str | None]) -> None:
        (root / "log/User/devices").mkdir(parents=True, exist_ok=True)
        (root / AGENT).write_text(OLD_AGENT, encoding="utf-8")
        (root / FTP).write_text(OLD_FTP, encoding="utf-8")
        self.root, self.sent, self.judge = root, list[str](), judge
        self.server = FtpServer(root, settings, self._refusal, lambda _path: None)
        self.server.start()
        self.address = f"127.0.0.1:{self.server.port}"

    def _refusal(self, path: str, content: bytes) -> str | None:
        self.sent.append(path)
        return self.judge(path, content)

    def text(self, path: str) -> str:
        return (self.root / path).read_text(encoding="utf-8")

    def files(self) -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in sorted(self.root.rglob("*")) if path.is_file()}


class Bench:
    """Agents, their table, the templates, and the command."""

    def __init__(self, folder: Path, program: ModuleType, stack: ExitStack) -> None:
        self.folder, self._program, self._stack = folder, program, stack
        self.rigs: list[Rig] = []
        self.table, self.templates = folder / "agents.csv", folder / "templates"
        (folder / "password").write_text("secret-1\n")
        for path, text in TEMPLATES.items():
            self.template(path, text)

    def template(self, path: str, text: str) -> None:
        place = self.templates / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")

    def add(self, judge: Callable[[str, bytes], str | None] = refusal, settings: InternalFtp = INTERNAL) -> Rig:
        rig = Rig(self.folder / f"root{len(self.rigs)}", settings, judge)
        self._stack.callback(rig.server.stop)
        self.rigs.append(rig)
        return rig

    def list_agents(self, *more: str, net: str = "7") -> None:
        """The table of all servers, numbered from 11, and `more` addresses."""
        addresses = [*(rig.address for rig in self.rigs), *more]
        lines = [f"{address},main,password,{number},{net}" for number, address in enumerate(addresses, 11)]
        self.table.write_text("\n".join(["address,user,password_file,number,net", *lines, ""]), encoding="utf-8")

    def run(self, *options: str) -> int:
        code: int = self._program.main([str(self.table), str(self.templates), *options])
        return code


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.syspath_prepend(str(PROJECT / "etc/fleet"))
    monkeypatch.setattr(transfer, "GRACE_S", 0.05)
    with nothing_left(), ExitStack() as stack:
        yield Bench(tmp_path, importlib.import_module("roll_out"), stack)


def words(told: str) -> list[list[str]]:
    """The words of each line about an agent."""
    return [line.split() for line in told.splitlines() if line.startswith("127.0.0.1:") and " " in line]


def test_a_dry_run_shows_each_difference_and_no_secret_and_sends_nothing(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = bench.add(), bench.add()
    bench.list_agents()
    before = (first.files(), second.files())
    assert bench.run("--dry-run") == 0
    told = capsys.readouterr().out
    assert (first.files(), second.files()) == before and not first.sent and not second.sent
    assert not bench.table.with_suffix(".state").exists()
    for line in ("-Name=Старое", "+Name=Котельная 11, 5 $", "+Name=Котельная 12, 5 $", "+Host=drops.example.ru"):
        assert line in told.splitlines()
    assert "-Password=***" in told and "+Password=***" in told and "sesame" not in told and "secret-1" not in told
    assert told.count("будет отправлено") == 3 and "агентов 2: будет отправлено 2" in told


def test_each_agent_gets_its_own_files_and_one_that_refuses_keeps_the_old_ones(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    def strict(path: str, content: bytes) -> str | None:
        return "ftp.ini:4: Host: такого здесь нет" if path == FTP else refusal(path, content)

    good, bad = bench.add(), bench.add(strict)
    bench.list_agents(f"127.0.0.1:{free_port()}")
    assert bench.run() == 1
    assert "Name=Котельная 11, 5 $\n" in good.text(AGENT) and "Password=new-sesame-11\n" in good.text(FTP)
    assert good.text(DEVICE).endswith("NetAddr=7\n") and good.sent[-1] == FTP
    assert bad.text(FTP) == OLD_FTP and "Name=Котельная 12, 5 $\n" in bad.text(AGENT)
    told = capsys.readouterr().out
    lines = [line.split(maxsplit=1) for line in told.splitlines()]
    assert [address for address, _ in lines[:2]] == [good.address, bad.address]
    assert lines[0][1].startswith("отправлено") and "553 ftp.ini:4: Host: такого здесь нет" in lines[1][1]
    assert lines[1][1].startswith("отказ") and f"до этого: {AGENT}, {DEVICE}" in lines[1][1]
    assert lines[2][1].startswith("нет связи") and "агентов 3:" in told and "sesame" not in told


def test_a_second_run_turns_to_those_that_failed_only(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = bench.add(), bench.add(lambda path, _content: "agent.ini:2: нет" if path == AGENT else None)
    bench.list_agents()
    assert bench.run() == 1
    good.server.stop()
    bad.judge = refusal
    capsys.readouterr()
    assert bench.run() == 0
    told = capsys.readouterr().out.splitlines()
    assert "сделано раньше" in told[0] and "отправлено" in told[1]
    assert "Котельная 12" in bad.text(AGENT) and len(good.sent) == 3
    bench.template(AGENT, "[agent]\nNumber=$number\nName=Другое\n")
    assert bench.run() == 1
    assert "нет связи" in capsys.readouterr().out and "Другое" in bad.text(AGENT)


def test_what_is_wrong_here_is_not_even_offered_there(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    rig = bench.add()
    bench.list_agents(net="300")
    assert bench.run() == 1
    told = capsys.readouterr().out
    assert "файл неверен" in told and "kotel.ini:4: NetAddr" in told and not rig.sent
    bench.list_agents()
    bench.template(AGENT, "[agent]\nNumber=$nummer\n")
    assert bench.run() == 1
    assert f"{AGENT}: нет столбца nummer" in capsys.readouterr().out and not rig.sent


def test_what_stood_there_comes_back(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    rig = bench.add()
    bench.list_agents()
    before = rig.files()
    assert bench.run("--back") == 0 and "возвращать нечего" in capsys.readouterr().out
    assert bench.run() == 0 and rig.files() != before
    bench.template(FTP, TEMPLATES[FTP].replace("Tls=2", "Tls=1"))
    rig.judge = lambda path, _content: "ftp.ini:2: нет" if path == FTP else None
    assert bench.run() == 1
    rig.judge = refusal
    assert bench.run("--back") == 0 and "возвращено" in capsys.readouterr().out
    assert {path: content for path, content in rig.files().items() if "refused" not in path} == before
    assert bench.run() == 0 and "Tls=1" in rig.text(FTP)


def test_the_state_is_for_its_owner_only(bench: Bench) -> None:
    bench.add()
    bench.list_agents()
    assert bench.run("--state", str(bench.folder / "kept")) == 0
    (folder,) = (bench.folder / "kept").iterdir()
    assert folder.stat().st_mode & 0o077 == 0 and (folder / "former" / FTP).read_text() == OLD_FTP


def test_no_more_agents_at_once_than_asked_for(bench: Bench) -> None:
    """Two meet, else the barrier would break; a third would break the count."""
    meeting, lock, now, most = threading.Barrier(2, timeout=20), threading.Lock(), [0], [0]

    def judge(path: str, _content: bytes) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        if path == AGENT:
            meeting.wait()
        with lock:
            now[0] -= 1

    for _ in range(4):
        bench.add(judge)
    bench.list_agents()
    assert bench.run("--parallel", "2") == 0 and most == [2]


def test_encrypted_and_the_certificate_is_checked(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    rig = bench.add(settings=replace(INTERNAL, tls=2))
    bench.list_agents()
    assert bench.run() == 1 and "отказ" in capsys.readouterr().out
    assert bench.run("--tls") == 1 and "CERTIFICATE_VERIFY_FAILED" in capsys.readouterr().out
    assert bench.run("--tls", "--ca", str(rig.root / "var/tls/cert.pem")) == 0 and "Котельная 11" in rig.text(AGENT)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("address,user\nhost,main\n", "нужны столбцы"),
        ("address,user,password_file\n../x,main,password\n", "нужны столбцы"),
        ("address,user,password_file\nhost,main,password\nhost,main,password\n", "такой адрес уже был"),
        ("address,user,password_file\nhost,main,missing\n", "missing"),
    ],
)
def test_a_table_that_is_wrong_begins_nothing(
    bench: Bench, capsys: pytest.CaptureFixture[str], table: str, told: str
) -> None:
    bench.table.write_text(table)
    assert bench.run() == 2 and told in capsys.readouterr().err


def test_only_settings_of_the_agent_are_sent(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.list_agents()
    bench.template("log/User/notes.txt", "my own")
    assert bench.run() == 2 and "log/User/notes.txt" in capsys.readouterr().err

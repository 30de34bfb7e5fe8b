"""Commands to the real agent with emulated meters: by files over FTP, on the shell, with and without an agent."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ftplib import FTP, error_perm
from io import BytesIO
from pathlib import Path

import pytest
import serial

from engine import naming
from engine.emulate import TcpServer
from engine.emulate.line import Line
from tests.e2e.drops import keys_in, keys_of, received
from tests.e2e.meters import meter, on_pty, on_tcp
from tests.e2e.truth import assert_all_true, records_of, wait_for_archive
from tests.fake.agent_process import (
    AGENT,
    AgentProcess,
    archive_files,
    closed_port,
    configure,
    eventually,
    internal_text,
    put,
    run_agent,
    serial_device,
    server_text,
    stored,
    tcp_device,
)
from tests.fake.debian_servers import vsftpd

NUMBER = "476721"
USER, PASSWORD = "operator", "kotel-17"


@contextmanager
def logged_in(port: int) -> Iterator[FTP]:
    with FTP() as client:
        client.connect("127.0.0.1", port, timeout=20)
        client.encoding = "utf-8"
        client.login(USER, PASSWORD)
        yield client


def fetched(client: FTP, path: str) -> str:
    """The text of a file over FTP; empty while there is none."""
    data = BytesIO()
    try:
        client.retrbinary(f"RETR {path}", data.write)
    except error_perm:
        return ""
    return data.getvalue().decode()


def answered(client: FTP, name: str, text: str, agent: AgentProcess) -> list[str]:
    """Send a command file; its answer, which has its last line when the file is gone."""
    client.storbinary(f"STOR /log/User/cmd/{name}.txt", BytesIO(text.encode()))
    eventually(lambda: f"{name}.txt" not in str(client.nlst("/log/User/cmd")), "the command is gone", agent)
    return fetched(client, f"/log/User/cmd/{name}.out").splitlines()


def said(root: Path, *words: str, code: int = 0) -> str:
    """What a command on the shell says; it leaves nothing behind."""
    done = run_agent(root, *words)
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    assert list((root / naming.COMMANDS).glob("*")) == []
    return done.stdout if code == 0 else done.stdout + done.stderr


def test_commands_by_files_over_ftp(tmp_path: Path) -> None:
    root, whole, port = tmp_path / "root", meter(), closed_port()
    with on_tcp(whole) as line, vsftpd(tmp_path) as server:
        servers = server_text("server1", server.port, server.user, server.password, Interval=3600)
        own = internal_text(port, User=USER, Password=PASSWORD)
        configure(root, ftp=own + servers, devices={"a.ini": tcp_device(line.port)})
        with AgentProcess(root) as agent:
            wait_for_archive(agent, NUMBER, whole)
            (root / naming.LCD_INFO).write_text("T1=мой;5;1\n", encoding="utf-8")
            with logged_in(port) as client:
                n = NUMBER
                lines = ("pause", f"read {n}", f"archive {n}", "resume", f"trace {n} 1s", "factory lcd.info", "push")
                told = answered(client, "all", "".join(f"{each}\n" for each in lines), agent)
                assert told[-1] == "DONE", told
                assert [each for each in told if each.startswith("# ") and each[2:] in lines] == [
                    f"# {e}" for e in lines
                ]
                assert any(each.startswith(f"{n}: прочитан") and "25.09.26 14:30:07" in each for each in told)
                assert "прочитано записей: D 4, H 12; добавлено: 0; расходится: 0" in told
                assert f"# 127.0.0.1:{line.port}" in told and any(each.startswith(">> 55") for each in told)
                assert told[-2].startswith("server1 127.0.0.1: доставлено, последняя посылка №")
                told = answered(client, "wrong", "resume\nread\n", agent)
                assert told[0].startswith("wrong.txt:2: ") and told[-1] == "FAILED: ошибок 1, ничего не выполнено"
                told = answered(client, "out", f"export {tmp_path}/else\n", agent)
                assert told[-1].startswith("FAILED: ") and not (tmp_path / "else").exists()
                client.delete("/log/User/cmd/out.out")
                a_device_is_exported_and_imported_as_its_file(agent, client)
        assert keys_in(received(server.folder, "linux")) == keys_of(NUMBER, stored(root, NUMBER))
    assert (root / naming.LCD_INFO).read_bytes() == (AGENT.parent / naming.FACTORY / naming.LCD_INFO).read_bytes()


def a_device_is_exported_and_imported_as_its_file(agent: AgentProcess, client: FTP) -> None:
    """«Импорт настроек» and «Экспорт настроек» of the manual (8.1): the file is taken here and put there."""
    exported = fetched(client, "/log/User/devices/a.ini")
    client.delete("/log/User/devices/a.ini")
    eventually(lambda: agent.shown(NUMBER)["Online"] == "0", "it is gone", agent)
    client.storbinary("STOR /log/User/devices/Котельная.ini", BytesIO(exported.encode()))
    eventually(lambda: agent.shown(NUMBER)["Online"] == "1", "it is here again", agent)
    assert fetched(client, "/log/User/devices/Котельная.ini") == exported


def test_commands_on_the_shell_of_a_running_agent(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    root, whole = tmp_path / "root", meter()
    with on_pty(whole) as line:
        configure(root, agent={"PollInterval": 3600}, devices={"a.ini": serial_device(line.device)})
        with AgentProcess(root) as agent:
            wait_for_archive(agent, NUMBER, whole)
            readings = agent.shown(NUMBER)["ReadTime"]
            assert f"{NUMBER}: прочитан" in said(root, "read", NUMBER)
            assert agent.shown(NUMBER)["ReadTime"] != readings
            if request.config.option.long:
                ctrl_c_leaves_the_agent_alone(root, agent)
            said(root, "pause", "1h")
            assert "ВНИМАНИЕ: опрос приборов выключен командой pause до" in agent.status()
            with serial.Serial(line.device, exclusive=True):
                pass
            eventually(lambda: agent.shown(NUMBER)["Online"] == "0", "nothing stale is shown", agent)
            before = b"".join(path.read_bytes() for path in archive_files(root, NUMBER))
            assert "D 4, H 12, M 2; добавлено: 0; расходится: 0" in said(root, "rebuild", NUMBER)
            assert b"".join(path.read_bytes() for path in archive_files(root, NUMBER)) == before
        with AgentProcess(root) as agent:
            eventually(lambda: "агент остановлен" not in agent.status(), "it runs again", agent)
            assert "выключен командой pause до" in agent.status(), "the pause lasts over a restart"
            assert said(root, "resume").endswith("опрос приборов включён\n")
            eventually(lambda: agent.shown(NUMBER)["Online"] == "1", "polling again", agent)


def ctrl_c_leaves_the_agent_alone(root: Path, agent: AgentProcess) -> None:
    command = [sys.executable, str(AGENT), "--root", str(root), "trace", NUMBER, "2s"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8") as shell:
        assert shell.stdout is not None
        assert shell.stdout.readline() == f"# trace {NUMBER} 2s\n"
        shell.send_signal(signal.SIGINT)
        _, told = shell.communicate(timeout=30)
    assert shell.returncode == 1 and "ответ будет в log/User/cmd" in told
    (out,) = (root / naming.COMMANDS).glob("trace-*.out")
    eventually(lambda: out.read_text().endswith("DONE\n"), "the agent went on", agent)
    out.unlink()


def test_what_is_missing_is_added_and_nothing_stored_is_touched(tmp_path: Path) -> None:
    root, whole = tmp_path / "root", meter(records=(60, 20, 4))
    with on_tcp(whole) as line:
        configure(root, devices={"a.ini": tcp_device(line.port)})
        with AgentProcess(root) as agent:
            wait_for_archive(agent, NUMBER, whole)
        for path in archive_files(root, NUMBER):
            blocks = path.read_bytes().split(b"\n\n")
            blocks[1:-1] = blocks[6:-1] if len(blocks) > 12 else blocks[1:-1]
            path.write_bytes(b"\n\n".join(_renumbered(blocks)))
        kept = {path.name: path.read_bytes() for path in archive_files(root, NUMBER)}
        missing = len(records_of(whole)) - len(stored(root, NUMBER))
        assert missing >= 10
        with AgentProcess(root) as agent:
            eventually(lambda: "архив полон" in agent.status(), "the cursor says that nothing is missing", agent)
            put(root, "cmd/x.txt", f"archive {NUMBER} D 01.09.2026 30.09.2026\nrebuild {NUMBER}\n")
            out = root / naming.COMMANDS / "x.out"
            eventually(lambda: out.exists() and out.read_text().endswith("DONE\n"), "both commands", agent)
    told = out.read_text(encoding="utf-8").splitlines()
    assert sum(line.startswith("добавлена ") for line in told) == missing
    assert assert_all_true(stored(root, NUMBER), whole) == set(records_of(whole))
    for path in archive_files(root, NUMBER):
        assert path.read_bytes().startswith(kept[path.name])


def _renumbered(blocks: list[bytes]) -> list[bytes]:
    head, *records, tail = blocks
    return [head, *(b"[%d]\n" % number + each.partition(b"\n")[2] for number, each in enumerate(records, 1)), tail]


def test_commands_without_an_agent(tmp_path: Path) -> None:
    root, whole = tmp_path / "root", meter()
    with on_tcp(whole) as line, on_tcp(meter(serial=5)) as other:
        configure(root, devices={"a.ini": tcp_device(line.port), "b.ini": tcp_device(other.port)})
        assert "агент не запущен" in said(root, "pause", code=1)
        assert "«X» не понятно; нужно: archive" in said(root, "archive", NUMBER, "X", code=1)
        put(root, "cmd/waiting.txt", "push\n")
        assert "Q1=" in run_agent(root, "read", NUMBER).stdout
        done = run_agent(root, "archive", NUMBER, "H", "25.09.2026", "25.09.2026")
        assert done.returncode == 0, done.stderr
        wanted = {key for key in records_of(whole) if key[0] == "H" and key[1].startswith("25.09.26")}
        assert wanted <= assert_all_true(stored(root, NUMBER), whole)
        assert [path.name for path in (root / naming.COMMANDS).iterdir()] == ["waiting.txt"], "it waits for an agent"
        (tmp_path / "copy").mkdir()
        assert run_agent(root, "export", str(tmp_path / "copy")).returncode == 0
        assert (tmp_path / "copy/DONE.txt").exists()
        assert run_agent(root, "once").returncode == 0
        assert [path.name for path in (root / naming.COMMANDS).iterdir()] == ["waiting.txt"]


def test_a_command_that_a_crash_broke_off_is_not_run_again(tmp_path: Path) -> None:
    root, whole = tmp_path / "root", meter(records=(150, 30, 4))
    with TcpServer(Line(whole, baud=0, turnaround_s=0.03, time_scale=0)) as line:
        configure(root, devices={"a.ini": tcp_device(line.port)})
        put(root, "cmd/x.txt", f"rebuild {NUMBER}\npause\n")
        with AgentProcess(root) as agent:
            eventually(lambda: len(stored(root, NUMBER, growing=True)) > 10, "the rebuild is under way", agent)
            agent.kill()
    out = root / naming.COMMANDS / "x.out"
    assert out.read_text(encoding="utf-8").startswith(f"# rebuild {NUMBER}\n")
    with on_tcp(whole) as line:
        configure(root, devices={"a.ini": tcp_device(line.port)})
        with AgentProcess(root) as agent:
            eventually(lambda: not (root / naming.COMMANDS / "x.txt").exists(), "it is gone", agent)
            assert out.read_text(encoding="utf-8").splitlines()[-1] == "FAILED: прервано перезапуском"
            wait_for_archive(agent, NUMBER, whole)
            assert "ВНИМАНИЕ: опрос" not in agent.status(), "its next line is not run either"
            assert out.read_text(encoding="utf-8").count("FAILED") == 1
        assert "x.txt: прервано перезапуском" in agent.journal()
    assert assert_all_true(stored(root, NUMBER), whole) == set(records_of(whole))


# --- what was deleted comes back; device files are moved


def test_whatever_is_deleted_below_log_is_back_soon(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if not request.config.option.long:
        pytest.skip("with --long: it waits for the slow look at all files")
    root = tmp_path / "root"
    configure(root, agent={"Name": "Котельная 5"})
    with AgentProcess(root) as agent:
        eventually(lambda: "Котельная 5" in agent.status(), "the start", agent)
        own = {path: (root / path).read_bytes() for path in naming.RESTORED}
        shutil.rmtree(root / "log")
        folders = [each for each in naming.FOLDERS if each.startswith("log")]
        took_s = eventually(
            lambda: all((root / path).is_file() for path in own) and all((root / each).is_dir() for each in folders),
            "everything is back", agent,
        )  # fmt: skip
        assert {path: (root / path).read_bytes() for path in own} == own, "the user's own, not the factory's"
        eventually(lambda: (root / "log/User/txt/0.txt").exists(), "the agent's snapshot of itself (#81)", agent)
        print(f"\nback after {took_s:.1f} s")

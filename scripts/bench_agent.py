"""Ten meters on loopback, the real agent, a vsftpd: delivery of a backlog, reload over FTP, memory."""

from __future__ import annotations

import shutil
import socket
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from ftplib import FTP
from itertools import pairwise
from pathlib import Path

from drivers.emulated import Piece, tem
from engine.delivery import cursor
from engine.emulate import TcpServer
from engine.emulate.line import Line
from tests.fake.agent_process import (
    AgentProcess,
    configure,
    eventually,
    internal_text,
    run_agent,
    section_text,
    server_text,
    stored,
    tcp_device,
)
from tests.fake.debian_servers import DebianServer, free_port, vsftpd

METERS = 10
HOURS, DAYS = 720, 30
RUNS = 5
RELOADS = 20
WATCHED_S = 12.0
DAY_TAKES_S = 120.0
SETTLING_S = 10.0
DAY_S = 86400.0
NOW = datetime(2026, 10, 25, 14, 30, 7)
LONG_S = 600.0


class Watched:
    """A meter that remembers when it was asked."""

    def __init__(self, inside: tem.Meter) -> None:
        self.inside = inside
        self.asked_s: list[float] = []

    def pieces(self, data: bytes) -> Sequence[Piece]:
        self.asked_s.append(time.monotonic())
        return self.inside.pieces(data)

    def elapse(self, seconds: float) -> None:
        self.inside.elapse(seconds)

    def pause(self) -> None:
        self.inside.pause()

    def longest_silence_s(self, begin_s: float) -> float:
        moments = [moment for moment in self.asked_s if moment >= begin_s]
        return max((after - before for before, after in pairwise(moments)), default=0.0)


@contextmanager
def meters(hours: int, days: int, time_scale: float = 0.0) -> Iterator[tuple[list[Watched], dict[str, str]]]:
    """Meters, whose time stands still unless it is scaled, and their device files."""
    with ExitStack() as stack:
        speakers, devices = [], {}
        for number in range(METERS):
            options = tem.Options("tem106", 440020 + number, flash_kb=512, records=(hours, days, 1))
            speaker = Watched(tem.Meter(options, NOW))
            server = stack.enter_context(TcpServer(Line(speaker, baud=0, turnaround_s=0.0, time_scale=time_scale)))
            speakers.append(speaker)
            devices[f"{number}.ini"] = tcp_device(server.port, DevType="ТЕМ-106/1")
        yield speakers, devices


@contextmanager
def stalled() -> Iterator[int]:
    """The port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


def delivery(base: Path) -> Iterator[tuple[str, str]]:
    """A backlog goes out while another server stalls and the meters are polled every second."""
    with meters(HOURS, DAYS) as (speakers, devices), stalled() as dead:
        configure(base / "past", devices=devices)
        done = run_agent(base / "past", "once", timeout_s=LONG_S)
        assert done.returncode == 0, done.stderr
        size = sum(path.stat().st_size for path in (base / "past/www").rglob("*.txt"))
        times_s, silences_s, gaps_s = [], [], []
        for run in range(RUNS):
            folder = base / str(run)
            shutil.copytree(base / "past", folder / "root")
            with vsftpd(folder) as server:
                took_s, silence_s, gap_s = _deliver(folder / "root", server, dead, devices, speakers)
            times_s.append(took_s)
            silences_s.append(silence_s)
            gaps_s.append(gap_s)
    records = METERS * (HOURS + DAYS + 1)
    what = f"{records} records ({size / 1e6:.1f} MB of archives) to vsftpd in two variants, median of {RUNS}"
    yield what, f"{statistics.median(times_s):.2f} s ({min(times_s):.2f} to {max(times_s):.2f})"
    yield "meanwhile, another server stalled: longest silence of a meter polled every 1 s", f"{max(silences_s):.2f} s"
    yield "the same: longest time between two drops at the good server, due every 1 s", f"{max(gaps_s):.2f} s"


def _deliver(
    root: Path, server: DebianServer, dead: int, devices: dict[str, str], speakers: list[Watched]
) -> tuple[float, float, float]:
    """Seconds from the first byte on the server to all records; longest silence of a meter; longest gap of drops."""
    ftp = "[internal]\nEnabled=0\n" + server_text("server1", dead, "a", "b", Timeout=5)
    ftp += server_text("server2", server.port, server.user, server.password)
    configure(root, ftp=ftp, devices=devices)
    with AgentProcess(root) as agent:
        eventually(lambda: any(server.folder.iterdir()), "the first byte", agent)
        begin_s = time.monotonic()
        eventually(lambda: _is_delivered(agent, server), "everything delivered", agent, LONG_S)
        took_s = time.monotonic() - begin_s
        time.sleep(WATCHED_S)
        silence_s = max(speaker.longest_silence_s(begin_s) for speaker in speakers)
        moments = sorted(path.stat().st_mtime for path in server.folder.glob("*_dos.zip"))
    return took_s, silence_s, max(after - before for before, after in pairwise(moments))


def _is_delivered(agent: AgentProcess, server: DebianServer) -> bool:
    """The cursor stands at the end of every archive, and no drop is in flight."""
    path = agent.root / cursor.cursor_path(cursor.Target(server.host, server.port, server.user, ""))
    standing = cursor.read(path.read_text("utf-8")) if path.exists() else None
    return standing is not None and not standing.in_flight and standing.positions == _sizes(agent.root / "www")


def _sizes(archives: Path) -> dict[str, int]:
    paths = (path for path in archives.glob("*/*.txt") if path.name != "gaps.txt")
    return {path.relative_to(archives).as_posix(): path.stat().st_size for path in paths}


def reload(base: Path) -> Iterator[tuple[str, str]]:
    """A new `agent.ini` over FTP, until `status.txt` bears the new name."""
    port = free_port()
    with meters(12, 4) as (_, devices):
        ftp = internal_text(port, User="operator", Password="kotel-17")
        configure(base / "root", ftp=ftp, devices=devices)
        times_s = []
        with AgentProcess(base / "root") as agent, FTP() as client:
            eventually(lambda: f"работает, порт {port}" in agent.status(), "the server", agent)
            client.connect("127.0.0.1", port, timeout=20)
            client.login("operator", "kotel-17")
            for number in range(RELOADS):
                keys = {"Timezone": "UTC", "PollInterval": 1, "Name": f"reload-{number}-"}
                data = section_text("agent", keys).encode()
                times_s.append(_reloaded_s(agent, client, data, f"reload-{number}-"))
    yield (
        f"settings over FTP, last byte to acting, ten meters polled every 1 s; median and worst of {RELOADS}",
        f"{statistics.median(times_s):.2f} s, {max(times_s):.2f} s",
    )


def _reloaded_s(agent: AgentProcess, client: FTP, data: bytes, name: str) -> float:
    with client.transfercmd("STOR /log/User/agent.ini") as connection:
        connection.sendall(data)
        begin_s = time.monotonic()
    client.voidresp()
    eventually(lambda: name in agent.status(), "the new name", agent)
    return time.monotonic() - begin_s


def memory(base: Path) -> Iterator[tuple[str, str]]:
    """Resident memory with everything on: when the archives are read and delivered, and a day of the meters later."""
    with meters(240, DAYS, time_scale=DAY_S / DAY_TAKES_S) as (speakers, devices), ExitStack() as stack:
        ftp = internal_text(free_port(), User="operator", Password="kotel-17")
        for number in (1, 2, 3):
            (base / str(number)).mkdir()
            server = stack.enter_context(vsftpd(base / str(number)))
            ftp += server_text(f"server{number}", server.port, server.user, server.password)
        configure(base / "root", ftp=ftp, devices=devices)
        with AgentProcess(base / "root") as agent:
            for speaker in speakers:
                _wait_for(agent, str(speaker.inside.options.serial_number), 240 + DAYS + 1)
            time.sleep(SETTLING_S)
            before = _memory_mib(agent.pid)
            time.sleep(DAY_TAKES_S)
            after = _memory_mib(agent.pid)
    what = "resident memory: ten meters polled every 1 s, FTP server on, three servers every 1 s"
    yield f"{what}, archives read", f"{before['VmRSS']:.1f} MiB"
    figure = f"{after['VmRSS']:.1f} MiB (highest {after['VmHWM']:.1f})"
    yield "the same after a day of the meters, in two minutes", figure


def _wait_for(agent: AgentProcess, number: str, wanted: int) -> None:
    eventually(lambda: len(stored(agent.root, number, growing=True)) >= wanted, "the archive", agent, LONG_S)


def _memory_mib(pid: int) -> dict[str, float]:
    text = Path(f"/proc/{pid}/status").read_text()
    return {key: int(value.split()[0]) / 1024 for key, _, value in _lines(text) if key in ("VmRSS", "VmHWM")}


def _lines(text: str) -> Iterator[tuple[str, str, str]]:
    return (line.partition(":") for line in text.splitlines())

"""A utility with very many agents: their drops received and made into a table, their settings rolled out."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from engine.ftpd import FtpServer
from engine.naming import drop_name
from engine.push import Session
from engine.settings.together import refusal
from tests.fake.agent_process import session
from tests.fake.certificates import authority, server_identity
from tests.fake.debian_servers import PROJECT
from tests.fake.fleet_agents import INTERNAL, TEMPLATES
from tests.fake.fleet_drops import make_fleet
from tests.fake.fleet_vsftpd import fleet_vsftpd
from tests.fake.sending import send

AGENTS, DROPS, WORKERS = 1000, 100_000, 2
AT_ONCE = 32
"""Agents of the bench that deliver at one moment."""
SAMPLE_S = 0.5


class Run(NamedTuple):
    """What a program told, how long it took, and what it needed at most with all its children."""

    told: str
    took_s: float
    cpu_s: float
    peak_mib: float

    @property
    def figure(self) -> str:
        return f"{self.took_s:.0f} s, CPU {self.cpu_s:.0f} s, peak {self.peak_mib:.0f} MiB"


def fleet(base: Path, agents: int = AGENTS, drops: int = DROPS) -> Iterator[tuple[str, str]]:
    """Very many agents: 100,000 drops into a table, in one process and on Dask; receiving; rolling settings out.

    A tenth of the drops are those of a second server; of every fiftieth the first variant is damaged.
    """
    subprocess.run([str(PROJECT / "scripts/fleet")], check=True)
    made = make_fleet(base / "drops", agents, drops)
    size = f"{made.drops} drops of {agents} agents, {made.rows} rows, {made.doubles} doubles, {made.bad} damaged files"
    agent = [sys.executable, str(PROJECT / "agent.py"), "read-drops", str(base / "drops"), "-o", str(base / "t.csv")]
    single = _run(agent)
    yield f"{size}: `read-drops`, one process", single.figure
    script = [str(PROJECT / ".fleet/bin/python"), str(PROJECT / "etc/fleet/drops_to_table.py"), str(base / "drops")]
    for workers in (1, WORKERS):
        output = base / f"table{workers}"
        dask = _run([*script, "-o", str(output), "--format", "csv", "--workers", str(workers)])
        assert dask.told == single.told, (dask.told, single.told)
        same = "the same table" if _lines(output.glob("*.csv")) == _lines([base / "t.csv"]) else "ANOTHER TABLE"
        yield f"the same drops on Dask, {workers} workers: {same}, row for row after sorting", dask.figure
    yield from _received(base, agents)
    yield from _rolled_out(base, agents)


def _run(command: list[str]) -> Run:
    begun_s = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
    assert process.stdout is not None
    peak: list[float] = [0.0]
    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, peak, over), name="memory")
    watcher.start()
    told = process.stdout.read().decode()
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    took_s = time.monotonic() - begun_s
    over.set()
    watcher.join()
    process.stdout.close()
    return Run(told, took_s, usage.ru_utime + usage.ru_stime, peak[0])


def _watch(pid: int, peak: list[float], over: threading.Event) -> None:
    while not over.wait(SAMPLE_S):
        peak[0] = max(peak[0], sum(map(_memory_mib, session(pid))))


def _memory_mib(pid: int) -> float:
    """Pages that several processes share are counted in parts."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _lines(paths: Iterator[Path] | list[Path]) -> list[bytes]:
    """All rows, sorted, without the heads."""
    return sorted(line for path in paths for line in path.read_bytes().split(b"\n")[1:] if line)


def _received(base: Path, agents: int) -> Iterator[tuple[str, str]]:
    """Each agent logs in, encrypted, delivers one drop and goes, as after an hour in which the server was away."""
    if os.getuid() != 0:
        return
    users = [f"agent-{number}" for number in range(1, agents + 1)]
    drop = next((base / "drops/a/00001").glob("*_linux.zip")).read_bytes()
    keys = base / "vsftpd/keys"
    with fleet_vsftpd(base / "vsftpd", server_identity(keys, authority(keys, "ca")), users) as server:

        def deliver(number: int) -> None:
            wire = Session(server.settings(users[number - 1]), keys / "ca.pem")
            try:
                wire.open()
                send(wire, drop_name(number, 1, "linux"), drop)
            finally:
                wire.close()

        begun_s, cpu_s = time.monotonic(), time.process_time()
        with ThreadPoolExecutor(AT_ONCE, "agent") as pool:
            list(pool.map(deliver, range(1, agents + 1)))
        took_s, cpu_s = time.monotonic() - begun_s, time.process_time() - cpu_s
        arrived = sum(path.stat().st_size == len(drop) for path in server.drops.glob("*/*.zip"))
    assert arrived == agents, arrived
    what = f"{agents} agents deliver a drop each to vsftpd as in etc/fleet/ (TLS), {AT_ONCE} at once"
    yield what, f"{took_s:.0f} s, {agents / took_s:.0f} a second; CPU of the agents {cpu_s:.0f} s of it"


def _rolled_out(base: Path, agents: int) -> Iterator[tuple[str, str]]:
    """All addresses are one real embedded server: what is measured is the program that rolls out."""
    root = base / "root"
    for path, text in TEMPLATES.items():
        for place in (root / path, base / "templates" / path):
            place.parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("; old\n", encoding="utf-8")
        (base / "templates" / path).write_text(text, encoding="utf-8")
    server = FtpServer(root, replace(INTERNAL, bind="0.0.0.0"), refusal, lambda _path: None)
    server.start()
    (base / "password").write_text("secret-1\n")
    lines = [f"127.0.{n // 250}.{n % 250 + 1}:{server.port},main,password,{n + 1},7" for n in range(agents)]
    (base / "agents.csv").write_text("\n".join(["address,user,password_file,number,net", *lines, ""]))
    script = [sys.executable, str(PROJECT / "etc/fleet/roll_out.py"), str(base / "agents.csv"), str(base / "templates")]
    try:
        for what, options in (("dry run", ["--dry-run"]), ("sent", []), ("second run", [])):
            run = _run([*script, "--parallel", "8", *options])
            yield f"three settings files to {agents} agents, 8 at once: {what}", f"{run.figure}: {_last(run.told)}"
    finally:
        server.stop()


def _last(told: str) -> str:
    return told.splitlines()[-1].partition(": ")[2]

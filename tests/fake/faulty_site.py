"""An agent with running meters before servers that fail, and what must hold when all is over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from engine import naming
from engine.emulate import TcpServer
from engine.emulate.line import Line
from engine.formats.archive import blocks
from tests.fake.agent_process import AgentProcess, configure, eventually, run_agent, server_text, tcp_device
from tests.fake.faulty_ftp import FaultyFtp
from tests.fake.kill_check import check_archives, check_drops, read_archives
from tests.fake.kill_site import RunningMeter, options

NUMBER = 7
FIRST_SERIAL = 440020
TYPES = {"tesmart": "ТЕМ-104", "tem106": "ТЕМ-106/1", "tesma106": "ТЭСМА-106/1"}
CYCLES = 5
NOW = datetime(2026, 9, 29, 20, 30)


class FaultySite:
    """The root of one agent, meters each on a line of its own, servers with `Timeout=1` unless their keys say more."""

    def __init__(
        self,
        base: Path,
        root: Path,
        servers: Sequence[tuple[FaultyFtp, Mapping[str, object]]],
        lines: Sequence[tuple[RunningMeter, TcpServer]],
        agent: Mapping[str, object],
    ) -> None:
        self.base = base
        self.root = root
        self.servers = tuple(server for server, _ in servers)
        self.lines = tuple(lines)
        texts = [_server_text(number, *each) for number, each in enumerate(servers, 1)]
        devices = {
            f"{meter.number}.ini": tcp_device(line.port, DevType=TYPES[meter.meter.options.model])
            for meter, line in lines
        }
        ftp = "[internal]\nEnabled=0\n" + "".join(texts)
        configure(root, agent={"Number": NUMBER, **agent}, ftp=ftp, devices=devices)

    def agent(self) -> AgentProcess:
        made = AgentProcess(self.root)
        made.log = self.base / "agent.stderr"
        return made

    def write(self, hours: int) -> None:
        """The meters live on for so many hours at once."""
        for meter, line in self.lines:
            with line.lock:
                meter.meter.elapse(3600 * hours)

    def stop_time(self) -> None:
        for meter, line in self.lines:
            with line.lock:
                meter.runs = False

    def truth(self) -> set[tuple[str, ...]]:
        return {tuple(record) for meter, _ in self.lines for record in meter.truth()}

    def wait_for_archive(self, agent: AgentProcess, patience_s: float = 60.0) -> None:
        """Every record of the meters, whose time stands still, is stored."""
        owed = len(self.truth())
        eventually(lambda: self._stored() >= owed, f"{owed} records stored", agent, patience_s)

    def wait_for_servers(self, agent: AgentProcess, patience_s: float = 60.0) -> None:
        """Every server has all that is stored, and knows that."""
        eventually(lambda: all(map(self._has_all, self.servers)), "everything delivered", agent, patience_s)
        eventually(lambda: "нет доставки" not in agent.status(), "all servers well", agent)

    def check(self) -> None:
        """The promise: every record once on every server, no hole in the count, nothing torn, nothing overwritten.

        The agent has ended, maybe in the middle of a drop: one more cycle brings it to its end. While one server takes
        long, that cycle may begin and leave another drop at a quick one.
        """
        for _ in range(CYCLES):
            done = run_agent(self.root, "once")
            assert done.returncode == 0, done.stderr
            if not any("[in flight]" in text for text in self._cursors()):
                break
        archives = read_archives(self.root / naming.ARCHIVES)
        check_archives(archives, self.truth())
        for place, server in enumerate(self.servers, 1):
            assert server.wrongs == []
            check_drops(self._taken(place, server), archives)
            assert [name for name in server.files if name.endswith(".part")] == []

    def _taken(self, place: int, server: FaultyFtp) -> list[Path]:
        folder = self.base / f"taken{place}"
        folder.mkdir()
        for name, data in server.visible.items():
            (folder / name).write_bytes(data)
        return sorted(folder.iterdir())

    def _stored(self) -> int:
        """Whole records in all files: a reader who comes in the middle of a write sees a part of it."""
        return sum(1 for path in self._files() for block in blocks(path.read_bytes()) if block.number)

    def _has_all(self, server: FaultyFtp) -> bool:
        """Whether its cursor has come to the end of every file and nothing is on its way."""
        mine = next((text for text in self._cursors() if f"\nPort={server.port}\n" in text), "")
        sizes = {path.relative_to(self.root / naming.ARCHIVES): path.stat().st_size for path in self._files()}
        return bool(sizes) and "[in flight]" not in mine and all(
            f"\n{path.as_posix()}={size}\n" in mine for path, size in sizes.items()
        )

    def _cursors(self) -> list[str]:
        return [path.read_text("utf-8") for path in (self.root / "var/delivery").glob("*/cursor.txt")]

    def _files(self) -> list[Path]:
        return [path for path in (self.root / naming.ARCHIVES).glob("*/*.txt") if naming.archive_kind(path.name)]


@contextmanager
def faulty_site(
    base: Path,
    servers: Sequence[tuple[FaultyFtp, Mapping[str, object]]],
    *,
    root: Path | None = None,
    models: Sequence[str] = ("tesmart",),
    systems: int = 1,
    records: tuple[int, int, int] = (30, 3, 2),
    time_scale: float = 0.0,
    now: datetime = NOW,
    **agent: object,
) -> Iterator[FaultySite]:
    """Meters whose time runs `time_scale` times as fast; the servers end with the site."""
    with ExitStack() as stack:
        for server, _ in servers:
            stack.enter_context(server)
        lines = []
        for serial, model in enumerate(models, FIRST_SERIAL):
            meter = RunningMeter(replace(options(model, 1, records, serial), systems=systems), now)
            line = TcpServer(Line(meter, baud=0, turnaround_s=0.0, time_scale=time_scale))
            lines.append((meter, stack.enter_context(line)))
        yield FaultySite(base, root or base / "agent", servers, lines, agent)


def resident_kb(pid: int) -> int:
    """Memory of a process that is in use, all threads and libraries."""
    return next(int(line.split()[1]) for line in _status(pid) if line.startswith("VmRSS:"))


def descriptors(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def threads(pid: int) -> int:
    return next(int(line.split()[1]) for line in _status(pid) if line.startswith("Threads:"))


def _status(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/status").read_text().splitlines()


def _server_text(number: int, server: FaultyFtp, keys: Mapping[str, object]) -> str:
    own = {"Directory": "drops", "Timeout": 1, **keys}
    return server_text(f"server{number}", server.port, server.user, server.password, **own)

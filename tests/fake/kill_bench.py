"""One meter that writes when it is told to, one external server, an agent that is run once at a time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from engine import naming
from engine.delivery import cursor
from engine.emulate import TcpServer
from engine.emulate.line import Line
from tests.fake.agent_process import configure, run_agent, server_text, tcp_device
from tests.fake.debian_servers import DebianServer, vsftpd
from tests.fake.kill_check import Count, FoundDrop, check_archives, check_delivered, read_archives, read_drop
from tests.fake.kill_site import RunningMeter, options

NUMBER = 7


class Bench:
    """A root and a folder on a server; both may be copied for further experiments with the same past."""

    def __init__(self, root: Path, server: DebianServer, meter: RunningMeter, line: TcpServer, directory: str) -> None:
        self.root = root
        self.server = server
        self.meter = meter
        self.directory = directory
        self._line = line

    def copy(self, name: str) -> Bench:
        """The same agent elsewhere, which has delivered nothing to its folder on the server yet."""
        root = self.root.with_name(name)
        shutil.copytree(self.root, root)
        return Bench(root, self.server, self.meter, self._line, name)

    def configure(self, *, delivers: bool = True, number: int = NUMBER) -> None:
        server = self.server
        ftp = server_text("server1", server.port, server.user, server.password, Directory=self.directory, Timeout=5)
        configure(
            self.root,
            agent={"Number": number},
            ftp="[internal]\nEnabled=0\n" + (ftp if delivers else ""),
            devices={"one.ini": tcp_device(self._line.port, DevType="ТЕМ-104")},
        )

    def once(self) -> str:
        """One full cycle; what was told on stderr."""
        done = run_agent(self.root, "once")
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        return done.stderr

    def write(self, hours: int) -> None:
        """The meter lives on for so many hours."""
        with self._line.lock:
            self.meter.meter.elapse(3600 * hours)

    # --- what there is

    @property
    def newest_hours(self) -> Path:
        """The file of hours that was begun last."""
        return sorted((self.root / naming.archive_folder(self.meter.number)).glob("H-*.txt"))[-1]

    @property
    def ledger(self) -> Path:
        return self.root / "var/meters" / f"{self.meter.number}.txt"

    @property
    def cursor(self) -> Path:
        server = self.server
        return self.root / cursor.cursor_path(cursor.Target(server.host, server.port, server.user, self.directory))

    @property
    def folder(self) -> Path:
        return self.server.folder / self.directory

    @property
    def status(self) -> str:
        return (self.root / naming.STATUS).read_text("utf-8")

    def contents(self) -> dict[str, bytes]:
        """Everything on the server, by name."""
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}

    def drops(self) -> dict[Count, FoundDrop]:
        """Every drop on the server in the variant `linux`, in the order of the counts."""
        found = map(read_drop, self.folder.glob("*_linux.zip"))
        return {drop.count: drop for drop in sorted(found, key=lambda drop: drop.count.seq)}

    # --- what must be

    def check_archive(self) -> None:
        """The archive has every record of the meter once, in order, and its growth adds up."""
        check_archives(read_archives(self.root / naming.ARCHIVES), self.meter.truth())

    def check_delivered(self, start: str | None = None) -> None:
        """The drops of one count (of all there are, if they have one) bring the whole archive, each record once."""
        drops = self.drops()
        starts = {count.start for count in drops}
        assert start in starts if start else len(starts) == 1, starts
        chosen = [drop for count, drop in drops.items() if start in (None, count.start)]
        check_delivered(chosen, read_archives(self.root / naming.ARCHIVES))


@contextmanager
def bench(base: Path, records: tuple[int, int, int] = (30, 3, 2)) -> Iterator[Bench]:
    """A bench whose meter stands still at half past eight in the evening of 29.09.26."""
    with vsftpd(base) as server, board(base / "agent", server, records=records) as built:
        yield built


@contextmanager
def board(
    root: Path, server: DebianServer, *, records: tuple[int, int, int], serial: int | None = None
) -> Iterator[Bench]:
    """An agent with a meter of its own, before a server that stands."""
    meter = RunningMeter(options("tesmart", 1, records, serial), datetime(2026, 9, 29, 20, 30), runs=False)
    with TcpServer(Line(meter, baud=0, turnaround_s=0.0)) as line:
        yield Bench(root, server, meter, line, "drops")

"""What stands around an agent that is killed: meters that write on, external servers, a reader, a user who edits."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import NamedTuple

from drivers.emulated import Piece, tem
from drivers.emulated.bus import Bus
from engine.emulate import TcpServer
from engine.emulate.line import Line
from tests.fake.debian_servers import DebianServer, proftpd, vsftpd

NUMBER = 7
DIRECTORY = "drops"
_FLOW_CODE = 4
_FLOW_DIVISOR = 100
"""What code 4 means for mass (exchange protocol of ТЭМ-106)."""


class TrueRecord(NamedTuple):
    """A record as the meter wrote it: what an archive must say of it, as text."""

    device: str
    rec_type: str
    stamp: str
    powered_h: str
    mass_t: str


class RunningMeter:
    """A meter at the end of a line whose own time stands still while `runs` is False."""

    def __init__(self, options: tem.Options, now: datetime, *, runs: bool = True) -> None:
        self.meter = tem.Meter(options, now)
        self.runs = runs

    @property
    def number(self) -> str:
        return str(self.meter.options.serial_number)

    @property
    def address(self) -> int:
        return self.meter.options.address

    def pieces(self, data: bytes) -> Sequence[Piece]:
        return self.meter.pieces(data)

    def elapse(self, seconds: float) -> None:
        if self.runs:
            self.meter.elapse(seconds)

    def pause(self) -> None:
        self.meter.pause()

    def truth(self) -> Iterator[TrueRecord]:
        """Everything that it ever wrote; its rings have not come round."""
        for letter, (_, places) in self.meter.options.rings.items():
            written = self.meter.records(letter)
            assert len(written) < places, "the ring came round: records may be lost by right"
            for record in written:
                moment = record.moment
                fractions, integers = moment.mass
                yield TrueRecord(
                    self.number,
                    letter,
                    f"{record.made:%d.%m.%y %H:%M:%S}",
                    _printed(moment.powered_s / 3600),
                    _printed((integers[0] + fractions[0]) / _FLOW_DIVISOR),
                )


def _printed(value: float) -> str:
    return str(Decimal(repr(value)).quantize(Decimal("0.001"), ROUND_HALF_UP))


def options(model: str, address: int, records: tuple[int, int, int], serial: int | None = None) -> tem.Options:
    """A meter with large rings, every channel scaled by 100."""
    codes = (_FLOW_CODE,) * 6
    return tem.Options(
        model, serial, address=address, flash_kb=1024, records=records, commas=codes, next_places=records
    )


class Site:
    """One agent's root, its meters behind TCP, and three external servers.

    The meters begin with `hours` hour records, so that the first drops are as large as drops get if there are many.
    """

    def __init__(
        self, base: Path, servers: Sequence[DebianServer], *, time_scale: float, seed: int, hours: int
    ) -> None:
        self.base = base
        self.root = base / "agent"
        self.servers = tuple(servers)
        self.meters = (
            RunningMeter(options("tesmart", 1, (hours, 12, 5)), datetime(2026, 9, 29, 20, 30)),
            RunningMeter(options("tem106", 1, (hours, 12, 5)), datetime(2026, 12, 30, 8, 30)),
            RunningMeter(options("tesma106", 2, (hours, 12, 5)), datetime(2026, 11, 29, 16, 30)),
        )
        self.lines = tuple(
            TcpServer(Line(speaker, baud=0, turnaround_s=0.0, time_scale=time_scale))
            for speaker in (self.meters[0], Bus(self.meters[1:]))
        )
        self.random = random.Random(f"site/{seed}")
        self._edits = itertools.count(1)
        self._taken = itertools.count(1)
        for number in range(len(self.servers)):
            self.collected(number).mkdir(parents=True)
        for path, text in self.configuration().items():
            self.write(path, text)

    # --- the user

    def configuration(self, edit: int = 0) -> dict[str, str]:
        """Every file of the user, in the form number `edit`."""
        files = {
            "log/User/agent.ini": f"[agent]\nNumber={NUMBER}\nName=проба {edit}\nPollInterval=1\n"
            f"[txt]\nDosEncoding={('cp1251', 'cp866', 'utf-8')[edit % 3]}\n",
            "log/User/ftp.ini": "[internal]\nEnabled=0\n" + "".join(map(self._server, (1, 2, 3), (edit,) * 3)),
        }
        types = ("ТЕМ-104", "ТЕМ-106/1", "ТЭСМА-106/1")
        for meter, type_, line in zip(self.meters, types, (0, 1, 1), strict=True):
            files[f"log/User/devices/{meter.number}.ini"] = (
                f"[device]\nDevType={type_}\nConnection=TCP\nNetIP=127.0.0.1\nNetPort={self.lines[line].port}\n"
                f"NetAddr={meter.address}\nBlockSize={(64, 128, 192)[edit % 3]}\nResponsible=Иванов {edit}\n"
            )
        return files

    def _server(self, number: int, edit: int) -> str:
        server = self.servers[number - 1]
        variants = "dos,linux" if edit % 2 else "linux,dos"
        return (
            f"[server{number}]\nEnabled=1\nHost={server.host}\nPort={server.port}\nUser={server.user}\n"
            f"Password={server.password}\nDirectory={DIRECTORY}\nInterval={1 + edit % 2}\nTimeout=5\n"
            f"Variants={variants}\n"
        )

    def edit(self) -> None:
        """A file is changed, now and then into one with an error, or in place instead of by renaming."""
        path, text = self.random.choice(sorted(self.configuration(next(self._edits)).items()))
        if self.random.random() < 0.2:
            text += "Таких_ключей=нет\n"
        self.write(path, text, renamed=self.random.random() < 0.7)

    def write(self, path: str, text: str, *, renamed: bool = True) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        place = target.with_name(f"{target.name}~") if renamed else target
        place.write_text(text, encoding="utf-8")
        if renamed:
            place.replace(target)

    # --- the reader of a dispatch system

    def folder(self, server: int) -> Path:
        return self.servers[server].folder / DIRECTORY

    def collected(self, server: int) -> Path:
        return self.base / f"collected{server + 1}"

    def take_away(self) -> None:
        """Every drop that has its name is moved out of the servers' folders."""
        for server in range(len(self.servers)):
            for drop in self.folder(server).glob("*.zip"):
                drop.rename(self.collected(server) / f"{next(self._taken):06d}-{drop.name}")

    def drops(self, server: int) -> list[Path]:
        """All that ever appeared: what was taken away, in that order, then what stands."""
        return sorted(self.collected(server).iterdir()) + sorted(self.folder(server).glob("*.zip"))

    # --- the meters

    def stop_time(self) -> None:
        """The meters answer on, but write no more."""
        for line in self.lines:
            with line.lock:
                for meter in self.meters:
                    meter.runs = False

    def truth(self) -> set[TrueRecord]:
        return {record for meter in self.meters for record in meter.truth()}


@contextmanager
def site(base: Path, *, time_scale: float, seed: int, hours: int) -> Iterator[Site]:
    """A site with vsftpd, proftpd and another vsftpd."""
    with ExitStack() as stack:
        folders = [base / f"server{number}" for number in (1, 2, 3)]
        for folder in folders:
            folder.mkdir(parents=True)
        kinds = (vsftpd, proftpd, vsftpd)
        servers = [stack.enter_context(kind(folder)) for kind, folder in zip(kinds, folders, strict=True)]
        built = Site(base, servers, time_scale=time_scale, seed=seed, hours=hours)
        for line in built.lines:
            stack.enter_context(line)
        yield built

"""Kills the agent again and again, at chosen steps and at random moments, and lets it come to rest at last."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engine.delivery import cursor
from tests.fake.kill_check import key, read_archives, records_of_the_meter
from tests.fake.kill_site import Site
from tests.fake.kill_wrapper import BOARD_BYTES, PHASES, read_board

PROJECT = Path(__file__).resolve().parents[2]
WRAPPER = PROJECT / "tests/fake/kill_wrapper.py"
PATIENCE_S = 20.0
"""So long a run that is to die in a phase is waited for; then it is killed whatever it does."""
EXTRA = 3
"""A slow machine may need more lives until every phase had its kill."""
REST_S = 90.0
SETTLED_WITHIN = 5
TICK_S = 0.05
DISK_BLOCK_BYTES = 4096
MOST_POINTS = {
    "append": 6, "sync": 8, "ledger": 6, "whole": 60, "note": 24, "STOR": 99, "stored": 16, "between": 8, "renamed": 12,
    "reload": 6,
}  # fmt: skip


@dataclass(frozen=True)
class Kill:
    """One end: in a phase of the wrapper at its `nth` point, or from outside ("") after so many seconds.

    `power`: with it goes what was not yet synced. `reader`: meanwhile drops are taken away from the servers.
    """

    phase: str
    nth: int
    after_s: float
    power: bool
    reader: bool


def plan(chance: random.Random, kills: int) -> list[Kill]:
    """Every phase once, the rest half in phases and half from outside, shuffled."""
    phases = [*PHASES, *(chance.choice(PHASES) if chance.random() < 0.5 else "" for _ in range(kills - len(PHASES)))]
    chance.shuffle(phases)
    return [
        Kill(
            phase,
            chance.randint(1, MOST_POINTS.get(phase, 1)),
            chance.uniform(0.3, 6.0),
            chance.random() < 0.3,
            number % 2 == 0,
        )
        for number, phase in enumerate(phases[:kills])
    ]


@dataclass
class Campaign:
    """The lives and ends of one agent. `ends` counts them by (how, phase)."""

    site: Site
    seed: int
    ends: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.random = random.Random(f"campaign/{self.seed}")
        self.board = self.site.base / "board"
        self.synced = self.site.base / "synced"
        self.log = self.site.base / "agent.log"
        self._lives = itertools.count(1)
        self._edit_at_s = self._toggle_at_s = 0.0
        self._is_server_up = True

    def run(self, kills: int) -> None:
        for kill in plan(self.random, kills):
            self.live(kill)
            if kill.power:
                self.cut_power()
        for phase in PHASES * EXTRA:
            if phase in self.missed():
                self.live(Kill(phase, nth=1, after_s=0.0, power=False, reader=True))

    def missed(self) -> set[str]:
        """Phases that had no kill so far."""
        return set(PHASES) - {phase for _, phase in self.ends}

    def live(self, kill: Kill) -> None:
        """One run from its start to its end."""
        self.board.write_bytes(bytes(BOARD_BYTES))
        started_s = time.monotonic()
        self._edit_at_s = started_s + (1.0 if kill.phase == "reload" else self.random.uniform(0.5, 6.0))
        self._toggle_at_s = started_s + self.random.uniform(0.5, 6.0)
        process = self.start(kill)
        end_s = started_s + (PATIENCE_S if kill.phase else kill.after_s)
        try:
            while process.poll() is None and time.monotonic() < end_s:
                self.disturb(kill)
                time.sleep(TICK_S)
        finally:
            process.kill()
            process.wait()
        assert process.returncode == -signal.SIGKILL, f"the agent ended by itself: {self.log_tail()}"
        died, active = read_board(self.board.read_bytes())
        for phase in (died,) if died else active or ("idle",):
            self.ends["inside" if died else "outside", phase] += 1

    def start(self, kill: Kill) -> subprocess.Popen[bytes]:
        own = [self.board, self.synced, kill.phase or "-", kill.nth, self.seed * 1000 + next(self._lives)]
        return self._popen([WRAPPER, *own])

    def _popen(self, program: list[object]) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-W", "error", *map(str, program), "--root", str(self.site.root), "run"]
        with self.log.open("ab") as log:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=PROJECT)

    def disturb(self, kill: Kill) -> None:
        """The reader, the user and the third server, each in its own time."""
        if kill.reader:
            self.site.take_away()
        if time.monotonic() >= self._edit_at_s:
            self._edit_at_s = time.monotonic() + (1.5 if kill.phase == "reload" else self.random.uniform(2.0, 8.0))
            self.site.edit()
        if time.monotonic() >= self._toggle_at_s:
            self.toggle_server()
            self._toggle_at_s = time.monotonic() + self.random.uniform(0.3, 8.0 if self._is_server_up else 2.0)

    def toggle_server(self) -> None:
        """The third server stops, whatever it is doing, or comes back."""
        server = self.site.servers[2]
        if self._is_server_up:
            server.stop()
        else:
            server.start()
        self._is_server_up = not self._is_server_up

    # --- what a power failure takes along

    def cut_power(self) -> None:
        """Bytes that were appended and never synced are gone or zeros; unsynced files are torn."""
        lengths = self.synced_lengths()
        for path in sorted(self.site.root.glob("www/*/[HDM]*.txt")):
            length, size = lengths.get(str(path), 0), path.stat().st_size
            if length and size > length:
                self.tear(path, self.random.randint(length, size))
        for path in sorted(self.site.root.glob("log/User/txt/*.txt")):
            if self.random.random() < 0.3:
                self.tear(path, self.random.randrange(0, path.stat().st_size + 1, DISK_BLOCK_BYTES))
        journal = self.site.root / "log/User/journal.txt"
        if journal.exists():
            self.tear(journal, max(0, journal.stat().st_size - self.random.randrange(200)))

    def synced_lengths(self) -> dict[str, int]:
        lines = self.synced.read_text().splitlines() if self.synced.exists() else []
        return {path: int(length) for length, path in (line.split(" ", 1) for line in lines)}

    def tear(self, path: Path, length: int) -> None:
        size = path.stat().st_size
        os.truncate(path, length)
        if self.random.random() < 0.3:
            os.truncate(path, size)

    # --- the rest

    def settle(self) -> None:
        """The meters stand still; the agent runs until it has stored and delivered everything, and is stopped.

        The stop may cut a drop that was due just then, with nothing but snapshots: the next run ends it.
        """
        if not self._is_server_up:
            self.toggle_server()
        self.site.stop_time()
        for path, text in self.site.configuration().items():
            self.site.write(path, text)
        for _ in range(SETTLED_WITHIN):
            self._run_to_rest()
            if not next(self.unrest(), ""):
                return
        raise AssertionError(f"every stop cut a drop: {self.log_tail()}")

    def _run_to_rest(self) -> None:
        process = self._popen([PROJECT / "agent.py"])
        try:
            end_s = time.monotonic() + REST_S
            while (unrest := next(self.unrest(), "")) and time.monotonic() < end_s and process.poll() is None:
                time.sleep(0.3)
            assert not unrest, f"no rest: {unrest}; {self.log_tail()}"
            process.terminate()
            assert process.wait(30) == 0, self.log_tail()
        finally:
            process.kill()
            process.wait()

    def unrest(self) -> Iterator[str]:
        """What is still to be done."""
        sizes = {
            path.relative_to(self.site.root / "www").as_posix(): path.stat().st_size
            for path in self.site.root.glob("www/*/*.txt")
            if path.name != "gaps.txt"
        }
        for server in self.site.servers:
            target = cursor.Target(server.host, server.port, server.user, "drops")
            path = self.site.root / cursor.cursor_path(target)
            if not path.exists():
                yield f"{path}: not there"
                continue
            standing = cursor.read(path.read_text("utf-8"))
            if standing.in_flight or standing.positions != sizes:
                yield f"{path}: {standing}, {sizes}"
        try:
            archives = records_of_the_meter(read_archives(self.site.root / "www"))
        except AssertionError as torn:
            yield str(torn)
            return
        stored = {key(path.partition("/")[0], body) for path, bodies in archives.items() for body in bodies}
        if missing := {tuple(record) for record in self.site.truth()} - stored:
            yield f"{len(missing)} records not stored, {sorted(missing)[:3]}"

    def log_tail(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]

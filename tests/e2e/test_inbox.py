"""One agent is the dispatch server of others: they deliver into its inbox by their InboxUser."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from drivers.emulated import tem
from engine.formats.drop import Drop
from engine.runtime.inbox import STALE_S
from tests.e2e.drops import Key, assert_in_one_row, assert_nothing_unfinished, keys_in, keys_of, received
from tests.e2e.meters import NOW, meter, on_tcp
from tests.e2e.truth import assert_all_true, records_of, wait_for_archive
from tests.fake.agent_process import (
    AgentProcess,
    closed_port,
    configure,
    eventually,
    internal_text,
    put,
    run_agent,
    server_text,
    stored,
    tcp_device,
)

USER, PASSWORD = "boards", "prinimay-17"
FIRST, SECOND = "476721", "440020"
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Collector:
    """The agent whose inbox takes drops."""

    agent: AgentProcess
    port: int

    @property
    def inbox(self) -> Path:
        return self.agent.root / "log/Ftp"

    def drops(self, variant: str = "linux") -> list[Drop]:
        return received(self.inbox, variant)

    def limit(self, limit_bytes: int) -> None:
        put(self.agent.root, "ftp.ini", inbox_text(self.port, limit_bytes))


def inbox_text(port: int, limit_bytes: int) -> str:
    return internal_text(
        port, User="operator", Password="kotel-17", InboxUser=USER, InboxPassword=PASSWORD, InboxLimit=limit_bytes
    )


@contextmanager
def collector(base: Path, limit_bytes: int = 10_000_000) -> Iterator[Collector]:
    port = closed_port()
    configure(base / "collector", ftp=inbox_text(port, limit_bytes))
    with AgentProcess(base / "collector") as agent:
        eventually(lambda: f"порт {port}" in agent.status() and "работает" in agent.status(), "the server", agent)
        yield Collector(agent, port)


@contextmanager
def board(base: Path, name: str, whole: tem.Meter, to: Collector) -> Iterator[AgentProcess]:
    """An agent with one meter, not yet started, that delivers every second."""
    with on_tcp(whole) as line:
        ftp = server_text("server1", to.port, USER, PASSWORD, Directory="log/FTP", Timeout=5)
        configure(
            base / name,
            agent={"Number": 7},
            ftp=f"[internal]\nEnabled=0\n{ftp}",
            devices={"a.ini": tcp_device(line.port)},
        )
        yield AgentProcess(base / name)


def has_all(to: Collector, agent: AgentProcess, number: str) -> bool:
    """Whether all that an agent has stored has arrived, in both variants."""
    everything = keys_of(number, stored(agent.root, number))
    return all(everything <= keys_in(to.drops(variant)) for variant in ("linux", "dos"))


def test_an_agent_delivers_into_the_inbox_of_another(tmp_path: Path) -> None:
    whole = meter()
    with collector(tmp_path) as to, board(tmp_path, "board", whole, to) as agent, agent:
        wait_for_archive(agent, FIRST, whole)
        eventually(partial(has_all, to, agent, FIRST), "everything delivered", agent)
        before = len(records_of(whole))
        whole.live(NOW + 5 * HOUR)
        eventually(lambda: len(stored(agent.root, FIRST)) == before + 5, "what the meter wrote", agent)
        eventually(partial(has_all, to, agent, FIRST), "what came later", agent)
        agent.stop()
        everything = keys_of(FIRST, stored(agent.root, FIRST))
        for variant in ("linux", "dos"):
            assert keys_in(to.drops(variant)) == everything
            assert_in_one_row(to.drops(variant))
        assert_nothing_unfinished(to.inbox)
        assert "Ошибок нет" in to.agent.status()
    assert assert_all_true(stored(agent.root, FIRST), whole) >= set(records_of(whole))
    assert "Traceback" not in agent.told() + to.agent.told()
    assert PASSWORD not in agent.told() + agent.status() + agent.journal() + to.agent.told() + to.agent.journal()


def test_two_boards_with_one_number_destroy_nothing_and_are_told(tmp_path: Path) -> None:
    """Each in its turn; who finds the other's drops begins a count of its own above them. Nothing may be read there."""
    meters = {FIRST: meter(), SECOND: meter("tem106", serial=int(SECOND))}
    with ExitStack() as stack:
        to = stack.enter_context(collector(tmp_path))
        boards = {number: stack.enter_context(board(tmp_path, number, whole, to)) for number, whole in meters.items()}
        seen: dict[str, bytes] = {}
        for hours in range(1, 4):
            for number, agent in boards.items():
                done = run_agent(agent.root, "once")
                assert done.returncode == 0, done.stderr
                assert has_all(to, agent, number)
                now = {path.name: path.read_bytes() for path in to.inbox.iterdir()}
                assert {name: now.get(name) for name in seen} == seen
                seen = now
            for whole in meters.values():
                whole.live(NOW + hours * HOUR)
        everything = Counter[Key]()
        for number, agent in boards.items():
            everything += keys_of(number, stored(agent.root, number))
            assert "Number=7 на сервере уже занят" in agent.journal()
        assert keys_in(to.drops()) == keys_in(to.drops("dos")) == everything
        assert [drop.info.seq for drop in to.drops()] == list(range(1, len(to.drops()) + 1))
        assert_nothing_unfinished(to.inbox)


def test_a_full_inbox_takes_nothing_deletes_nothing_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    whole = meter(records=(200, 20, 2))
    with collector(tmp_path, limit_bytes=3000) as to:
        older = to.inbox / "3_00000001_linux.zip"
        older.parent.mkdir(parents=True, exist_ok=True)
        older.write_bytes(bytes(2000))
        with board(tmp_path, "board", whole, to) as agent, agent:
            wait_for_archive(agent, FIRST, whole)
            eventually(lambda: "552" in agent.status(), "refused", agent)
            assert "InboxLimit" in agent.status()
            assert [path.name for path in to.inbox.iterdir() if not path.name.startswith(".")] == [older.name]
            eventually(lambda: agent.shown(FIRST).get("Online") == "1", "polled on", agent)
            to.limit(10_000_000)
            eventually(lambda: keys_in(own(to)) == keys_of(FIRST, stored(agent.root, FIRST)), "delivered", agent)
            eventually(lambda: "552" not in agent.status(), "the trouble is over", agent)
            eventually(lambda: "доставка восстановлена" in agent.journal(), "told", agent)
            agent.stop()
            assert_in_one_row(own(to))
        assert older.read_bytes() == bytes(2000)
        assert_nothing_unfinished(to.inbox)


def own(to: Collector) -> list[Drop]:
    """Without the file that stands there already."""
    older = to.inbox / "3_00000001_linux.zip"
    older.rename(older.with_suffix(".aside"))
    try:
        return to.drops()
    finally:
        older.with_suffix(".aside").rename(older)


def test_the_pieces_that_a_dead_board_left_are_cleared_away(tmp_path: Path) -> None:
    with collector(tmp_path) as to:
        names = ("9_00000004_dos.zip.part", "8_00000001_dos.zip.part", "9_00000003_dos.zip")
        old, young, whole = (to.inbox / name for name in names)
        for path in (old, young, whole):
            path.write_bytes(b"half")
        moment = time.time() - STALE_S - 60
        for path in (old, whole):
            os.utime(path, (moment, moment))
        assert to.agent.stop() == 0
        to.agent.start()
        eventually(lambda: not old.exists(), "cleared away", to.agent)
        assert young.exists()
        assert whole.exists()

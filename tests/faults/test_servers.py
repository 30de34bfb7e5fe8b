"""External servers that fail in every way at every point: each record comes once, and nobody else waits for it."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.fake.agent_process import AgentProcess, eventually
from tests.fake.faulty_ftp import FaultyFtp
from tests.fake.faulty_site import FaultySite, descriptors, faulty_site, resident_kb, threads
from tests.fake.faulty_talk import Fault

TIMEOUT_S = 1.0
PARTS = 4
ANSWERS_EACH = 6
GROWTH_KB = 8192
SLACK_S = 4.0
"""What a busy machine may take on top."""
LONGEST_PAUSE_S = 10.0
"""Of the sound server, whose drops come every second."""
PASSIVE: tuple[str, ...] = ("banner", "USER", "PASS", "OPTS", "PWD", "CWD", "TYPE", "PASV", "STOR", "STOR data")
PASSIVE += ("SIZE", "SIZE .part", "RNFR", "RNFR no .part", "RNFR .part", "RNTO", "RETR", "RETR data", "QUIT")
ACTIVE = tuple("PORT" if point == "PASV" else point for point in PASSIVE)
ANSWERS: tuple[str, ...] = ("421 leaving", "425 no line", "450 busy", "451 an error here", "452 no room", "500 what")
ANSWERS += ("502 not known", "530 not in", "550 not for you", "552 no room for more", "553 not this name", "299 odd")
ANSWERS += ("what is this", "")
ASKED = ("421 leaving", "451 an error here", "500 what", "530 not in")
"""To a question whether something is there."""
UNANSWERED = ("STOR data", "RETR data", "RNFR", "RNFR no .part", "QUIT")
LIES = {("PORT", "299 odd")}
"""Success is claimed for what was not done, and nothing tells."""
ODD_LISTING = b"total 3\r\ndrwxr-xr-x 2 ftp ftp 4096 Jan 1 1970 .\r\n/drops/a b.zip\r\n\xff\xfe\r\n\r\n" + b"x" * 999


def silences(points: tuple[str, ...]) -> list[Fault]:
    """The server says nothing more, or is gone, at each point; also with the work done and the answer lost."""
    ends = ("STOR", "RNTO", "SIZE .part", "RNFR .part")
    return [
        *(Fault(point, kind) for point in points for kind in ("hang", "cut")),
        *(Fault(point, kind, done=True) for point in ends for kind in ("hang", "cut")),
        Fault("STOR data", "cut data"),
    ]


def answers(points: tuple[str, ...]) -> list[Fault]:
    """Every answer that is none at each point that has one; lies that the client cannot see through are left out."""
    points = tuple(point for point in points if point not in UNANSWERED)
    return [
        *(Fault(point, answer) for point in points for answer in ANSWERS if (point, answer) not in LIES),
        *(Fault("STOR", answer, done=True) for answer in ANSWERS),
        *(Fault("RNTO", answer, done=True) for answer in ANSWERS),
        *(Fault("SIZE .part", f"213 {told}") for told in ("0", "7", "99999999", "-1", "many")),
        *(Fault(point, answer) for point in ("RNFR", "RNFR no .part") for answer in ASKED),
    ]


def in_a_row(chance: random.Random, faults: list[Fault]) -> list[Fault | None]:
    """Three of four sessions fail."""
    found: list[Fault | None] = []
    for fault in chance.sample(faults, len(faults)):
        found += [fault] if chance.random() < 0.7 else [fault, None]
    return found


def whole_plan(chance: random.Random, points: tuple[str, ...], part: int, *, every: bool) -> list[Fault | None]:
    """This part of the silences and a choice of the answers, or all; then what needs a past of its own."""
    silent, said = silences(points), answers(points)
    chosen = [*silent, *said] if every else [*silent[part::PARTS], *chance.sample(said, ANSWERS_EACH)]
    first: list[Fault | None] = [Fault("NLST", "hang"), Fault("NLST data", "cut data"), Fault("NLST", "421 leaving")]
    stands = Fault("RNTO", "cut", done=True)
    after: list[Fault | None] = []
    for fault in (Fault("RETR", "451 not now"), Fault("RETR data", "cut"), Fault("RETR data", "cut data")):
        after += [stands, fault, None]
    return first + in_a_row(chance, chosen) + after


def stale_part(kind: str) -> list[Fault | None]:
    """A piece was left that may not be overwritten, and to delete it fails."""
    return [Fault("RNFR .part", "cut"), Fault("DELE", kind), None]


def test_whatever_a_server_does_each_record_comes_once(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    """Two agents, each with a server in passive mode, one in active mode and a sound one."""
    seed, every = pytestconfig.option.seed, pytestconfig.option.long
    print(f"--seed {seed}{' --long' if every else ''}")
    chance = random.Random(f"servers/{seed}")
    with ExitStack() as stack:
        sites = [stack.enter_context(faulty(tmp_path / f"{place}", chance, place, every=every)) for place in range(2)]
        with ExitStack() as running:
            agents = [running.enter_context(site.agent()) for site in sites]
            before = [begin(site, agent) for site, agent in zip(sites, agents, strict=True)]
            for site, agent in zip(sites, agents, strict=True):
                end(site, agent)
            after = [used(agent) for agent in agents]
        for place, (site, agent) in enumerate(zip(sites, agents, strict=True)):
            check_servers(site)
            site.check()
            check_agent(agent, before[place], after[place])


@contextmanager
def faulty(base: Path, chance: random.Random, place: int, *, every: bool) -> Iterator[FaultySite]:
    base.mkdir()
    passive = FaultyFtp(whole_plan(chance, PASSIVE, 2 * place, every=every))
    plan = whole_plan(chance, ACTIVE, 2 * place + 1, every=every)
    plan += [*stale_part("cut"), *stale_part("450 busy"), *stale_part("550 not for you")]
    active = FaultyFtp(plan, overwrites=False, listing=ODD_LISTING)
    servers = ((passive, {}), (active, {"Passive": 0}), (FaultyFtp(), {}))
    with faulty_site(base, servers, time_scale=1200) as site:
        yield site


Held = tuple[int, int, int]


def begin(site: FaultySite, agent: AgentProcess) -> Held:
    eventually(lambda: len(site.servers[2].visible) >= 6, "the sound server gets its drops", agent)
    return used(agent)


def end(site: FaultySite, agent: AgentProcess) -> None:
    """All plans are through and everything is delivered."""
    patience_s = 60.0 + 4 * max(len(server.plan) for server in site.servers)
    eventually(lambda: all(server.is_well for server in site.servers), "all faults met", agent, patience_s)
    site.stop_time()
    site.wait_for_archive(agent)
    site.wait_for_servers(agent)


def check_servers(site: FaultySite) -> None:
    """Every fault came; the agent stayed with no silent server, and nobody waited for another."""
    for server in site.servers:
        assert server.missed == []
        assert [hit for hit in server.hits if hit.left_s > TIMEOUT_S + SLACK_S] == []
    longest_s = longest_pause_s(site.servers[2])
    faults = sum(len(server.hits) for server in site.servers)
    print(f"{faults} faults, the sound server waited {longest_s:.1f} s at most")
    assert longest_s < LONGEST_PAUSE_S


def check_agent(agent: AgentProcess, before: Held, after: Held) -> None:
    """No crash, no secret in what is told, and no more memory, descriptors and threads in use than before."""
    print(f"memory in kB, descriptors, threads: {before} before, {after} after")
    told = agent.told() + agent.journal() + agent.status()
    assert "Traceback" not in told and "сбой" not in told
    assert FaultyFtp.password not in told
    assert after[0] - before[0] < GROWTH_KB
    assert after[1] <= before[1] + 4
    assert after[2] <= before[2]


def used(agent: AgentProcess) -> Held:
    return resident_kb(agent.pid), descriptors(agent.pid), threads(agent.pid)


def longest_pause_s(server: FaultyFtp) -> float:
    """Between two drops of two variants each."""
    drops = server.landed_s[::2]
    return max(after - before for before, after in itertools.pairwise(drops))


@pytest.mark.parametrize("point", ["banner", "STOR data"])
def test_while_a_server_is_silent_the_others_get_their_drops(point: str, tmp_path: Path) -> None:
    """However long its Timeout is."""
    silent, sound = FaultyFtp([Fault(point, "hang")]), FaultyFtp()
    with faulty_site(tmp_path, ((silent, {"Timeout": 50}), (sound, {}))) as site:
        with site.agent() as agent:
            eventually(lambda: silent.hits, "the silence begins", agent)
            before = len(sound.landed_s)
            site.write(hours=1)
            eventually(lambda: len(sound.landed_s) >= before + 4, "two drops more elsewhere", agent)
            assert not silent.hits[0].over.is_set()
            silent.close()
            silent.open()
            site.wait_for_archive(agent)
            site.wait_for_servers(agent)
        site.check()


def test_a_server_that_refuses_connections_and_then_the_login_gets_everything_later(tmp_path: Path) -> None:
    server = FaultyFtp([Fault("PASS", "530 not in")] * 2)
    server.close()
    with faulty_site(tmp_path, ((server, {}),)) as site:
        with site.agent() as agent:
            eventually(lambda: "сервер не принимает соединение" in agent.status(), "it is told", agent)
            site.write(hours=2)
            site.wait_for_archive(agent)
            server.open()
            eventually(lambda: "отказ: 530 not in" in agent.journal(), "the refusal is told", agent)
            site.wait_for_servers(agent)
        site.check()

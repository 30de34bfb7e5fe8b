"""Reads whole rings of a meter with a driver, place by place, as the agent does."""

from __future__ import annotations

from collections.abc import Callable

from engine.archive.findings import Damaged, Finding, Found, Task
from engine.archive.ring_walk import RingWalk
from engine.dialogue import Driver, Fetched, Identity, Mark, Ring, Setup
from engine.model import Entry
from tests.fake.dialogue_runner import run

Answer = Callable[[bytes], bytes]


def rings_of(driver: Driver, setup: Setup, identity: Identity, answer: Answer) -> tuple[Ring, ...]:
    assert driver.rings is not None
    return run(driver.rings(setup, identity), answer)


def read_place(driver: Driver, setup: Setup, identity: Identity, task: Task, answer: Answer) -> Fetched | Mark:
    assert driver.probe is not None and driver.fetch is not None
    if task.probe:
        return run(driver.probe(setup, identity, task.ring, task.place), answer)
    return run(driver.fetch(setup, identity, task.ring, task.place), answer)


def walked(
    driver: Driver, setup: Setup, identity: Identity, ring: Ring, answer: Answer, walk: RingWalk | None = None
) -> list[Finding]:
    """Everything that a walk through the ring finds."""
    walk = walk or RingWalk(None, None)
    findings = walk.refresh(ring)
    while (task := walk.task()) is not None:
        findings += walk.answer(read_place(driver, setup, identity, task, answer))
    return findings


def stored(findings: list[Finding]) -> list[Entry]:
    """The records and events in the order in which they are stored."""
    return [finding.record for finding in findings if isinstance(finding, Found)]


def damaged(findings: list[Finding]) -> list[int]:
    """The places that could not be read."""
    return [finding.place for finding in findings if isinstance(finding, Damaged)]

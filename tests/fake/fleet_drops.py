"""What very many agents have sent: drops that are quickly made, with copies, doubles and damage among them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from engine.formats.archive import Head, head_text, numbered, record_text
from engine.formats.drop import DropInfo, drop_ini, pack
from engine.model import Record, RecType
from engine.naming import drop_name

HOURS_EACH, SYSTEMS = 4, 2
ONE_IN = 10
"""Of the last tenth of each agent's drops the second server got copies of the records under a count of its own."""
DAMAGED_EVERY = 50
BEGIN = datetime(2020, 1, 1)


class Made(NamedTuple):
    """What a reader must say of it: drops read, rows, rows that were there already, damaged files."""

    drops: int
    rows: int
    doubles: int
    bad: int


def make_fleet(folder: Path, agents: int, drops: int) -> Made:
    """`drops` of `agents` with one meter each, in `folder`: a folder for each server, in it one for each agent.

    A tenth of the drops are those of a second server: the same records once more. Of some the first variant is
    damaged and the second is whole.
    """
    hours = list(_hours(drops // agents * HOURS_EACH))
    bad = doubles = 0
    for agent in range(1, agents + 1):
        first = drops // agents - drops // agents // ONE_IN
        for server, count in (("a", first), ("b", drops // agents - first)):
            place = folder / server / f"{agent:05}"
            place.mkdir(parents=True)
            for seq in range(1, count + 1):
                is_damaged = (7 * agent + seq) % DAMAGED_EVERY == 0
                _make(place, agent, server, seq, hours[(seq - 1) * HOURS_EACH : seq * HOURS_EACH], is_damaged)
                bad += is_damaged
                doubles += (server == "b") * HOURS_EACH * SYSTEMS
    made = drops // agents * agents
    return Made(made, made * HOURS_EACH * SYSTEMS - doubles, doubles, bad)


def _make(place: Path, agent: int, server: str, seq: int, hours: list[str], is_damaged: bool) -> None:
    dev_number = str(440000 + agent)
    head = head_text(Head("ТЕМ-106/1", "ТЕМ-106/1", dev_number, SYSTEMS))
    text = head + "".join(numbered(hour, number) for number, hour in enumerate(hours, 1))
    start = "01.01.26 00:00:00" if server == "a" else "02.01.26 00:00:00"
    for variant in ("linux", "dos")[: 1 + is_damaged]:
        encoding, end = ("utf-8", "\n") if variant == "linux" else ("cp1251", "\r\n")
        info = DropInfo(agent, seq, variant, start, "ymd", encoding)
        members = [("drop.ini", drop_ini(info)), (f"{dev_number}_H.txt", text)]
        packed = pack((name, [content.replace("\n", end).encode(encoding)]) for name, content in members)
        whole = not (is_damaged and variant == "linux")
        (place / drop_name(agent, seq, variant)).write_bytes(packed if whole else packed[: len(packed) // 2])


def _hours(count: int) -> Iterator[str]:
    for number in range(count):
        values = {"Q1": number * 1.0, "M1": number * 1.5, "V1": number * 1.6, "T1": 70.0, "Tall": float(number)}
        yield record_text(1, Record(RecType.HOUR, BEGIN + timedelta(hours=number), (values,) * SYSTEMS))

"""The promise of section 7 of the formats guide, looked at from outside: with a reader of its own."""

from __future__ import annotations

import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

TOTALS = ("Q1", "M1", "V1", "Q2", "M2", "V2", "Tall", "Tgood", "Tmin", "Tmax", "Tdt", "Terr")
OWN_SNAPSHOT = "0"
"""The agent's own, which has another form."""
VARIANTS = {"linux", "dos"}


class Count(NamedTuple):
    """What a drop is known by for all time."""

    number: int
    start: str
    seq: int


@dataclass(frozen=True)
class FoundDrop:
    """One zip; `records` by member (`440020_H.txt`), each record as the lines below its `[n]`."""

    path: Path
    count: Count
    variant: str
    snapshots: Mapping[str, str]
    records: Mapping[str, tuple[str, ...]]


def read_drop(path: Path) -> FoundDrop:
    """A drop; AssertionError when it is torn, or its name and its inside differ."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None, f"{path}: damaged"
        members = {name: archive.read(name) for name in archive.namelist()}
    info = fields(members.pop("drop.ini").decode("utf-8"))
    texts = {name: _decoded(path, data, info) for name, data in members.items()}
    count = Count(int(info["Number"]), info["Start"], int(info["Seq"]))
    name = path.name.rpartition("-")[2]
    assert name == f"{count.number}_{count.seq:08d}_{info['Variant']}.zip", f"{path}: inside is {info}"
    return FoundDrop(
        path,
        count,
        info["Variant"],
        {name: text for name, text in texts.items() if "_" not in name},
        {name: tuple(records(text)) for name, text in texts.items() if "_" in name},
    )


def _decoded(path: Path, data: bytes, info: Mapping[str, str]) -> str:
    text = data.decode(info["Encoding"])
    if info["Variant"] == "dos":
        assert text.count("\n") == text.count("\r\n"), f"{path}: not the line ends of dos"
    return text.replace("\r\n", "\n")


def fields(text: str) -> dict[str, str]:
    """Keys and values of one section."""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def records(text: str) -> Iterable[str]:
    """The records of an archive file, without their numbers; AssertionError when a part of it is none."""
    assert text.endswith("\n\n"), f"torn: …{text[-200:]!r}"
    head, *blocks = text[:-2].split("\n\n")
    assert head.startswith("[0]\nDevName="), f"no head: {head!r}"
    for number, block in enumerate(blocks, 1):
        title, _, body = block.partition("\n")
        assert title == f"[{number}]", f"{title} where [{number}] belongs"
        assert body.startswith("RecType=") and all("=" in line for line in body.split("\n")), f"torn: {block!r}"
        yield body


def read_archives(www: Path) -> dict[str, tuple[str, ...]]:
    """Every archive file below `www/` by its path, wholly read."""
    paths = sorted(path for path in www.glob("*/*.txt") if path.name != "gaps.txt")
    return {path.relative_to(www).as_posix(): tuple(records(path.read_text("utf-8"))) for path in paths}


def key(device: str, record: str) -> tuple[str, str, str, str, str]:
    """Device, type, stamp, powered time and mass of a record, as `TrueRecord`."""
    told = fields(record)
    return device, told["RecType"], told["DateTime"], told["S1Tall"], told["S1M1"]


def records_of_the_meter(archives: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Without events: what the agent saw itself depends on when it looked."""
    return {path: bodies for path, bodies in archives.items() if not path.partition("/")[2].startswith("E")}


def check_archives(archives: Mapping[str, tuple[str, ...]], truth: Iterable[tuple[str, ...]]) -> None:
    """Each true record stands once, and nothing else; files hold what belongs to them; growth adds up."""
    by_kind: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path, bodies in records_of_the_meter(archives).items():
        device, _, name = path.partition("/")
        for body in bodies:
            assert name == file_name(fields(body)), f"{path}: {body[:40]!r} does not belong here"
            by_kind[device, name[0]].append(body)
    found = [key(device, body) for (device, _), bodies in by_kind.items() for body in bodies]
    expected = {tuple(record) for record in truth}
    assert len(found) == len(set(found)), f"stored twice: {_twice(found)}"
    lost, invented = sorted(expected - set(found)), sorted(set(found) - expected)
    assert not lost and not invented, f"lost {lost}, never written {invented}"
    for (device, _), bodies in by_kind.items():
        check_order_and_growth(device, bodies)


def file_name(told: Mapping[str, str]) -> str:
    first, month, year = told["DateTime"].split(" ")[0].split(".")
    if told["RecType"] == "E":
        return f"E-20{first}.txt"
    return {"H": f"H-20{year}-{month}.txt", "D": f"D-20{year}.txt", "M": "M.txt"}[told["RecType"]]


def check_order_and_growth(device: str, bodies: Iterable[str]) -> None:
    """In the order of the meter; each growth is the difference of the totals as they are printed."""
    before: dict[str, str] = {}
    for body in bodies:
        told = fields(body)
        if before:
            assert instant(told) > instant(before), f"{device}: {told['DateTime']} behind {before['DateTime']}"
        for name in [name for name in told if name[0] == "S" and name[2:] in TOTALS]:
            growth = told[f"{name[:2]}d{name[2:]}"]
            expected = str(Decimal(told[name]) - Decimal(before[name])) if before else ""
            assert growth == expected, f"{device}: d{name} of {told['DateTime']} is {growth!r}, not {expected!r}"
        before = told


def instant(told: Mapping[str, str]) -> tuple[str, ...]:
    date, _, time = told["DateTime"].partition(" ")
    return (*reversed(date.split(".")), time)


def check_drops(paths: Iterable[Path], archives: Mapping[str, tuple[str, ...]]) -> int:
    """One server's drops carry each record of the archives once, once per variant; returns how many drops there are."""
    seen: dict[tuple[Count, str], FoundDrop] = {}
    for drop in map(read_drop, paths):
        first = seen.setdefault((drop.count, drop.variant), drop)
        assert drop.records == first.records, f"{drop.path} is another drop than {first.path}"
        for name, text in drop.snapshots.items():
            assert shows_current_values(text), f"{drop.path}: {name} is torn: {text[-100:]!r}"
    check_counts({count for count, _ in seen})
    for count in {count for count, _ in seen}:
        both = {variant: drop.records for (of, variant), drop in seen.items() if of == count}
        assert both.keys() == VARIANTS, f"{count}: only {set(both)}"
        assert both["linux"] == both["dos"], f"{count}: variants with different records"
    check_delivered([drop for (_, variant), drop in sorted(seen.items()) if variant == "linux"], archives)
    return len(seen)


def check_counts(counts: set[Count]) -> None:
    """No seq is left out, and there is no reason for a second count."""
    starts = {(count.number, count.start) for count in counts}
    assert len(starts) == 1, f"a new count was begun: {sorted(starts)}"
    seqs = sorted(count.seq for count in counts)
    assert seqs == list(range(1, len(seqs) + 1)), f"missing {sorted(set(range(1, seqs[-1])) - set(seqs))}"


def check_delivered(drops: Iterable[FoundDrop], archives: Mapping[str, tuple[str, ...]]) -> None:
    """Of every archive file the drops bring exactly its records, in the order in which they were stored."""
    delivered: dict[str, list[str]] = defaultdict(list)
    for drop in sorted(drops, key=lambda drop: drop.count.seq):
        for member, bodies in drop.records.items():
            for body in bodies:
                delivered[f"{member.partition('_')[0]}/{file_name(fields(body))}"].append(body)
    assert delivered.keys() == archives.keys()
    for path, bodies in archives.items():
        brought = delivered[path]
        assert len(brought) == len(set(brought)), f"{path}: delivered twice: {_twice(brought)}"
        assert tuple(brought) == bodies, f"{path}: {len(brought)} delivered in another order, of {len(bodies)}"


def shows_current_values(text: str) -> bool:
    """Whether `[0]` of a snapshot is whole, and so is the last line."""
    own = re.split(r"^\[[12]\]\n", text, flags=re.MULTILINE)[0]
    return text.startswith("[0]\nDevName=") and own.splitlines()[-1].startswith("ErrText=") and text.endswith("\n")


def is_whole_snapshot(text: str) -> bool:
    """Every section is there up to its last key."""
    own, *newest = re.split(r"^\[[12]\]\n", text, flags=re.MULTILINE)
    last = f"S{fields(own)['NumSystems']}Err="
    return shows_current_values(text) and all(section.splitlines()[-1].startswith(last) for section in newest)


def _twice(found: Iterable[object]) -> list[object]:
    seen: set[object] = set()
    return [each for each in found if each in seen or seen.add(each)][:5]  # type: ignore[func-returns-value]

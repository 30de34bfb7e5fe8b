"""What a dispatch system has got: the drops in a folder of its server, and the records in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from engine.formats.archive import Block, block_key
from engine.formats.drop import Drop, read_drop
from engine.naming import parse_drop_name

Key = tuple[str, str, str, str]
"""DevNumber, RecType, DateTime, powered time."""


def received(folder: Path, variant: str) -> list[Drop]:
    """The drops of one variant in the order of their numbers; the inside of each agrees with its name."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        name = parse_drop_name(path.name)
        if name and name.variant == variant:
            drop = read_drop(path.read_bytes())
            assert (drop.info.number, drop.info.seq, drop.info.variant) == (name.number, name.seq, variant)
            found.append(drop)
    return sorted(found, key=lambda drop: drop.info.seq)


def keys_in(drops: Iterable[Drop]) -> Counter[Key]:
    """Every record, with the number of times that it came."""
    return Counter(
        (number, *block_key(block))
        for drop in drops
        for (number, _), file in drop.records.items()
        for block in file.blocks
    )


def keys_of(dev_number: str, blocks: Iterable[Block]) -> Counter[Key]:
    """The same of an archive."""
    return Counter((dev_number, *block_key(block)) for block in blocks)


def assert_in_one_row(drops: list[Drop]) -> None:
    """One count from 1 on without a hole."""
    assert [drop.info.seq for drop in drops] == list(range(1, len(drops) + 1))
    assert len({drop.info.start for drop in drops}) == 1


def assert_nothing_unfinished(folder: Path) -> None:
    """Whatever stands there is a whole drop under its final name."""
    odd = [path.name for path in folder.iterdir() if parse_drop_name(path.name) is None]
    assert odd == []

"""An archive file that the disk damaged is mended where it lies: every whole record keeps its place.

How far a server got is a place in the file, so nothing may move: damage between whole records becomes empty lines. Only
what has no whole record behind it is cut off. What stood in the damage comes from the meter once more, if it is there.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from engine.archive.shelf_index import indexed
from engine.formats.archive import Head, after_damage, head_text

HOLE_LIMIT_BYTES = 32 * 1024
"""A longer stretch of empty lines would be taken for damage by whoever reads in pieces."""


@dataclass
class Repair:
    """What is to be written where, and how long the file is then. `holes` are (from, to) of what was damaged.

    `gives_up`: not all that is whole can stay.
    """

    size: int
    length: int
    holes: list[tuple[int, int]] = field(default_factory=list)
    writes: list[tuple[int, bytes]] = field(default_factory=list)
    gives_up: bool = False

    @property
    def is_damage(self) -> bool:
        """Whether more than a torn end is to be mended: records may have been lost."""
        return bool(self.holes) or self.gives_up

    def told(self, name: str, aside: str) -> str:
        """For the user, in Russian. `aside` is where the file as it was is kept."""
        if self.gives_up:
            kept = f"весь файл отложен как {aside}, архив прибора читается снова"
            return f"{name}: повреждён с байта {self.length}; {kept}"
        if not self.holes:
            return f"{name}: отрезан оборванный конец, {self.size - self.length} байт"
        places = ", ".join([*(f"{begin}–{end}" for begin, end in self.holes[:5]), *["…"][: len(self.holes) > 5]])
        kept = f"целые записи остались на местах, файл как он был отложен как {aside}"
        return f"{name}: повреждён, байты {places}; {kept}, пропавшее читается из прибора снова"


def repair_of(data: bytes, head: Head | None) -> Repair:
    """How a file with these bytes is mended. `head` takes the place of one that is damaged, if it is surely the same.

    In a file of events only the old head tells in which order the dates are.
    """
    content = bytearray(data)
    repair = Repair(len(data), len(data))
    while (begin := indexed(bytes(content)).length) < len(data):
        end = after_damage(bytes(content), begin)
        filler = b"" if end is None else _filler(begin, end, head)
        if end is None or not filler:
            repair.length, repair.gives_up = begin, end is not None or not begin
            break
        content[begin:end] = filler
        repair.holes.append((begin, end))
        repair.writes.append((begin, filler))
    return repair


def apply(repair: Repair, path: Path) -> None:
    """Write it and sync. If the power goes meanwhile, what is left of the damage is mended like any other."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        for begin, filler in repair.writes:
            os.pwrite(descriptor, filler, begin)
        os.ftruncate(descriptor, repair.length)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _filler(begin: int, end: int, head: Head | None) -> bytes:
    """As long as the damage; empty where nothing fits."""
    if end - begin > HOLE_LIMIT_BYTES:
        return b""
    if begin:
        return b"\n" * (end - begin)
    text = head_text(head).encode() if head else b""
    return text.ljust(end, b"\n") if 0 < len(text) <= end else b""

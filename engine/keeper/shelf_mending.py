"""An archive file that the disk damaged is mended where it lies: every whole record keeps its place.

How far a server got is a place in the file, so nothing may move, and no file becomes shorter than what was sent of it:
damage becomes empty lines, also at the end. Only a torn end is cut off, the beginning of a record or zeros, and only if
no server has it. What stood in the damage comes from the meter once more, if it is there.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from engine import files
from engine.archive.shelf_index import indexed
from engine.delivery import cursor
from engine.formats.archive import Head, after_damage, blocks, head_text
from engine.naming import VAR

HOLE_LIMIT_BYTES = 32 * 1024
"""A longer stretch of empty lines would be taken for damage by whoever reads in pieces."""
_ENDING = b"1]\nRecType=H\nDateTime=01.01.01 00:00:00\nA=\n\n"
"""With one of its ends the beginning of a record is whole, wherever it was torn."""


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
        """For the user, in Russian, empty when all is well. `aside` is where the file as it was is kept."""
        if self.gives_up:
            kept = f"весь файл отложен как {aside}, архив прибора читается снова"
            return f"{name}: повреждён с байта {self.length}; {kept}"
        if not self.holes:
            cut = self.size - self.length
            return f"{name}: отрезан оборванный конец, {cut} байт" if cut else ""
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
        if end is None and begin and (kept := _before_torn(data, begin)) is not None:
            repair.length = kept
            break
        filler = _filler(begin, end or len(data), head) if end or begin else b""
        if not filler:
            repair.length, repair.gives_up = begin, True
            break
        content[begin : begin + len(filler)] = filler
        repair.holes.append((begin, begin + len(filler)))
        repair.writes.append((begin, filler))
        if end is None:
            break
    return repair


def apply(repair: Repair, path: Path) -> None:
    """Write it and sync. If the power goes meanwhile, what is left of the damage is mended like any other."""
    if repair.length == repair.size and not repair.writes:
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        for begin, filler in repair.writes:
            os.pwrite(descriptor, filler, begin)
        tail = repair.size - repair.length
        if not repair.gives_up and 0 < tail <= HOLE_LIMIT_BYTES and _sent(path) > repair.length:
            os.pwrite(descriptor, b"\n" * tail, repair.length)
        else:
            os.ftruncate(descriptor, repair.length)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sent(path: Path) -> int:
    """How far into this archive file any server got, or may have got with a drop in flight."""
    places, name = [0], f"{path.parent.name}/{path.name}"
    for noted in path.parents[2].glob(f"{VAR}/delivery/*/cursor.txt"):
        # One that cannot be read is put aside by its delivery, and everything is sent anew.
        with suppress(OSError, UnicodeDecodeError, cursor.CursorDamaged):
            found = cursor.read(files.read_limited(noted, cursor.LIMIT_BYTES).decode())
            flying = found.in_flight.ranges if found.in_flight else ()
            places += [found.position(name), *(taken.end for taken in flying if taken.path == name)]
    return max(places)


def _before_torn(data: bytes, begin: int) -> int | None:
    """How much of a file stays whose last whole record ends at `begin`, when nothing but a torn one follows; else None.

    Zeros are what a file system makes of a length that reached the disk before the bytes did. Empty lines stand where a
    damaged end was mended before.
    """
    tail = data[begin:].lstrip(b"\n")
    kept = len(data) - len(tail)
    if kept - begin > HOLE_LIMIT_BYTES:
        return None
    torn = tail.rstrip(b"\0")
    return kept if not torn or any(_is_record(torn + _ENDING[at:]) for at in range(len(_ENDING))) else None


def _is_record(data: bytes) -> bool:
    block = next(blocks(data), None)
    return block is not None and block.number > 0 and (block.start, block.end) == (0, len(data))


def _filler(begin: int, end: int, head: Head | None) -> bytes:
    """As long as the damage; empty where nothing fits."""
    if end - begin > HOLE_LIMIT_BYTES:
        return b""
    if begin:
        return b"\n" * (end - begin)
    text = head_text(head).encode() if head else b""
    return text.ljust(end, b"\n") if 0 < len(text) <= end else b""

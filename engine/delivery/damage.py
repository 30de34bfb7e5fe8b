"""Damage in an archive file, seen by whoever delivers it: up to where it goes, and whether the file is still the same.

The keeper mends such a file when its next record comes, and an old file gets none any more. So whole records behind
damage are sent from where they stand: mending moves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.formats.archive import after_damage, blocks_past_damage

PASSED_LIMIT_BYTES = 32 * 1024
"""No more than the keeper fills with empty lines: behind longer damage it cuts a file off."""


@dataclass(frozen=True, slots=True)
class Hole:
    """Bytes without a whole record. `end` is where the next one begins, None when there is only a tail."""

    begin: int
    end: int | None

    @property
    def passed_to(self) -> int | None:
        """Where whole records stand that may go before it is mended."""
        return self.end if self.end and self.end - self.begin <= PASSED_LIMIT_BYTES else None


def hole_around(data: bytes, first: int, place: int) -> Hole | None:
    """The hole that holds `place` or begins there, in a piece of a file from its byte `first` on.

    None: a whole record stands across `place`, where one ended when it was delivered, so this is another file.
    """
    begin = first
    for block in blocks_past_damage(data, after_damage(data, 0)):
        if first + block.start >= place:
            return Hole(begin, first + block.start)
        if first + block.end > place:
            return None
        begin = first + block.end
    return Hole(begin, None)


def behind(hole: Hole | None, path: str, notices: list[str], *, waits: bool) -> int | None:
    """Where to go on behind a hole of the file `path`; None when nothing is there or all `waits`.

    What is there is told, in Russian. A torn tail is no damage.
    """
    if hole is None or hole.end is None:
        return None
    if waits or not hole.passed_to:
        notices.append(f"{path}: повреждён с байта {hole.begin}, записи за ним ждут исправления")
        return None
    notices.append(f"{path}: повреждены байты {hole.begin}–{hole.end}, записи за ними отправляются")
    return hole.end

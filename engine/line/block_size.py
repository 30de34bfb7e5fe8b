"""How many bytes of its memory a device is asked for at once while its archive is read. Pure."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import TypeVar

from engine.dialogue import Ask
from engine.errors import NoAnswer

LARGER = (255, 127)
"""The longest answer that a frame of the ТЭМ family holds, and the one that modems were seen to carry where they
lose the longest. The documents promise 64; fewer frames for the same records are read in three quarters of the time.
"""
ATTEMPTS = 2
"""A size that is only tried is asked for so often."""
AGAIN_AFTER = 200
"""So many records later a size that failed is tried once more, then after twice as many: it may have been noise."""

Result = TypeVar("Result")


class BlockSize:
    """The largest size that the device has not refused by silence. `fixed`: the user said how much."""

    def __init__(self, usual: int, *, fixed: bool) -> None:
        self._sizes = (usual,) if fixed else tuple(size for size in (*LARGER, usual) if size >= usual)
        self._chosen = 0
        self._left = self._patience = AGAIN_AFTER

    @property
    def size(self) -> int:
        """Bytes to be asked for now."""
        return self._sizes[self._chosen]

    @property
    def can_shrink(self) -> bool:
        return self._chosen < len(self._sizes) - 1

    def answered(self) -> None:
        """A record came in blocks of this size."""
        self._left -= 1
        if self._chosen and not self._left:
            self._chosen -= 1
            self._left = self._patience

    def unanswered(self) -> None:
        """This size is too large, here and now."""
        self._chosen += 1
        self._patience *= 2
        self._left = self._patience


def tried_only(dialogue: Generator[Ask, bytes, Result]) -> Generator[Ask, bytes, Result]:
    """The same dialogue that gives up soon."""
    try:
        ask = next(dialogue)
        while True:
            try:
                payload = yield replace(ask, attempts=ATTEMPTS)
            except NoAnswer as error:
                ask = dialogue.throw(error)
            else:
                ask = dialogue.send(payload)
    except StopIteration as end:
        result: Result = end.value
        return result

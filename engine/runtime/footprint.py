"""How the C library keeps memory, set for a process that lives for months in little of it."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_KEPT_BYTES = 65536


def keep_small() -> None:
    """Call before the first thread starts.

    glibc gives each thread a heap of its own and returns little of what was freed (mallopt(3)): two megabytes for
    an agent with ten lines, which gains nothing by it, because one Python thread runs at a time.
    Another C library is left as it is.
    """
    with suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in ((_ARENA_MAX, 1), (_TRIM_THRESHOLD, _KEPT_BYTES), (_MMAP_THRESHOLD, _KEPT_BYTES)):
            mallopt(option, value)

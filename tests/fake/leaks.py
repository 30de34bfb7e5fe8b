"""Finds what a test left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def nothing_left() -> Iterator[None]:
    """Fails when a thread or a descriptor of this process outlives the block."""
    threads, descriptors = set(threading.enumerate()), open_descriptors()
    yield
    assert set(threading.enumerate()) <= threads
    assert open_descriptors() == descriptors


def open_descriptors() -> dict[str, str]:
    """Every open descriptor of this process and what it leads to."""
    found = {}
    for link in Path("/proc/self/fd").iterdir():
        try:
            found[link.name] = str(link.readlink())
        except FileNotFoundError:
            # The one that listed the folder.
            continue
    return found

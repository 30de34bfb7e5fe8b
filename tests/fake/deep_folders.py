"""Folders one in another, deeper than Python calls itself and, if wanted, than a path can be long."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BEYOND_RECURSION = 1200
BEYOND_PATH_MAX = 3000


@contextmanager
def deep_folders(top: Path, levels: int, *files: tuple[int, str]) -> Iterator[None]:
    """Make `a/a/a…` below `top` with a file at each named level; all is gone at the end, which `rmtree` cannot do."""
    top.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(top, os.O_RDONLY)
    try:
        for level in range(1, levels + 1):
            os.mkdir("a", dir_fd=descriptor)
            inner = os.open("a", os.O_RDONLY, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
            for name in (name for at, name in files if at == level):
                os.close(os.open(name, os.O_CREAT | os.O_WRONLY, 0o640, dir_fd=descriptor))
                os.utime(name, (0, 0), dir_fd=descriptor)
        yield
    finally:
        os.close(descriptor)
        subprocess.run(["rm", "-rf", "--", str(top / "a")], check=True)


def level(top: Path, number: int) -> Path:
    """The folder of this level."""
    return top.joinpath(*("a" for _ in range(number)))

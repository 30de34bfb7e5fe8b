"""One way of writing the `Directory` of a server: it is part of what makes two servers one."""

from __future__ import annotations

import re


def bare_directory(directory: str) -> str:
    """`/drops/` and `/drops` are one folder; `/` and the folder of the login are two."""
    bare = re.sub(r"/+", "/", directory)
    return bare if bare == "/" else bare.rstrip("/")

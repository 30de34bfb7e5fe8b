"""The text of a PDF as another program reads it: pdftotext of this machine, or the one that scripts/debian fetched."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.fake.debian_servers import _libraries

FETCHED = Path(__file__).parents[2] / ".debian" / "poppler-utils"


def pages_of(pdf: bytes) -> list[list[str]]:
    """Lines of each page; neighbouring cells with single spaces between them."""
    pages = _told("pdftotext", ["-layout", "-", "-"], pdf).split("\f")[:-1]
    return [[" ".join(line.split()) for line in page.split("\n") if line.strip()] for page in pages]


def fonts_of(path: Path) -> list[str]:
    """What pdffonts tells of each font: name, type, encoding, embedded, subset, has a map to Unicode, object."""
    return _told("pdffonts", [str(path)], b"").splitlines()[2:]


def _told(name: str, arguments: list[str], sent: bytes) -> str:
    tool = shutil.which(name)
    environment = dict(os.environ)
    if tool is None:
        tool = str(FETCHED / "usr" / "bin" / name)
        environment["LD_LIBRARY_PATH"] = _libraries("poppler-utils")
    ran = subprocess.run([tool, *arguments], input=sent, capture_output=True, check=True, env=environment, timeout=60)
    return ran.stdout.decode()

"""The memory of an agent with many threads stays in one heap."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HEAPS = """
import ctypes, sys, threading
from engine.runtime.footprint import keep_small
if sys.argv[1] == "small":
    keep_small()
together = threading.Barrier(6)
def work():
    together.wait()
    kept.append(bytearray(2000))
    together.wait()
kept = []
threads = [threading.Thread(target=work) for _ in range(6)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(libc.fopen(sys.argv[2].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
"""


def heaps(told: Path, how: str) -> int:
    subprocess.run([sys.executable, "-c", HEAPS, how, str(told)], cwd=ROOT, check=True, timeout=60)
    return told.read_text().count("<heap nr=")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives each thread a heap of its own")
def test_all_threads_share_one_heap(tmp_path: Path) -> None:
    assert heaps(tmp_path / "usual.xml", "usual") > 1, "or there is nothing to be kept small"
    assert heaps(tmp_path / "small.xml", "small") == 1

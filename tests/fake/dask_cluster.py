"""A Dask cluster as it stands on other machines: a scheduler and workers, each a process that knows no project."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.fake.debian_servers import free_port

PATIENCE_S = 60.0


@contextmanager
def cluster(python: Path, folder: Path, workers: int) -> Iterator[str]:
    """The address of a scheduler that `workers` workers are coming to. All of it is gone at the end."""
    folder.mkdir()
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    scheduler = ["scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard", "--dashboard-address", ":0"]
    worker = ["worker", address, "--nthreads", "1", "--no-dashboard", "--no-nanny", "--local-directory", str(folder)]
    started: list[subprocess.Popen[bytes]] = []
    with (folder / "log").open("wb") as log:
        try:
            for command in (scheduler, *([worker] * workers)):
                whole = [str(python), "-m", "dask", *command]
                started.append(subprocess.Popen(whole, cwd=folder, stdout=log, stderr=log, start_new_session=True))
            _wait(folder / "log", workers, started)
            yield address
        finally:
            for process in started:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _wait(log: Path, workers: int, started: list[subprocess.Popen[bytes]]) -> None:
    ends_s = time.monotonic() + PATIENCE_S
    while log.read_text(errors="replace").count("Registered to:") < workers:
        if time.monotonic() > ends_s or any(process.poll() is not None for process in started):
            raise RuntimeError(f"no cluster:\n{log.read_text(errors='replace')}")
        time.sleep(0.05)

"""The real smsd of Debian's smstools on a folder of the test: fetched by scripts/debian."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from engine.sms.smsd_conf import FOLDERS
from tests.fake.debian_servers import PROJECT

PACKAGE = "smstools"
STOP_S = 20.0


def make_spool(folder: Path) -> Path:
    for name in FOLDERS:
        (folder / name).mkdir(parents=True)
    return folder


class Smsd:
    """smsd with a configuration between `__enter__` and `__exit__`; what it writes for itself goes into `folder`."""

    def __init__(self, folder: Path, conf: str) -> None:
        self._log = folder / "smsd.log"
        path = folder / "smsd.conf"
        path.write_text(conf)
        program = PROJECT / ".debian" / PACKAGE / "usr/sbin/smsd"
        if not program.exists():
            subprocess.run([str(PROJECT / "scripts/debian"), PACKAGE], check=True)
        places = (f"-c{path}", f"-p{folder}/pid", f"-i{folder}/info", f"-l{self._log}")
        self._command = [str(program), "-t", *places]
        self._environment = {**os.environ, "LD_LIBRARY_PATH": str(program.parents[1] / "lib")}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self._log.with_suffix(".out").open("wb") as told:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=told,
                env=self._environment,
                start_new_session=True,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, 9)
        self._process.wait(STOP_S)

    def told(self) -> str:
        places = (self._log, self._log.with_suffix(".out"))
        return "".join(path.read_text(errors="replace") for path in places if path.exists())

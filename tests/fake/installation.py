"""A program small enough to be installed in a blink, by the real `scripts/install`, into a folder.

Everything that belongs to systemd, udev and the scripts is the real thing; `agent.py` is two lines, and the Python that
makes the venv is one whose pip has nothing to do.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
AGENT = "import sys\nfrom engine.version import VERSION\nprint(VERSION)\nsys.exit({code})\n"
SMSD_AGENT = 'import sys\nprint("# Written for ТСМ-смарт" if "smsd-conf" in sys.argv else "0")\n'
PYTHON = """#!/bin/sh
if [ "$1 $2" = "-m venv" ]; then
    mkdir -p "$3/bin" "$3/lib/{lib}"
    cp "$0" "$3/bin/python"
elif [ "$1 $2" = "-m pip" ]; then
    echo "$@" >>"{log}"
    [ ! -e "{log}.fails" ]
else
    exec {real} "$@"
fi
"""


class Installation:
    """`source` is what is installed, `place` is where: the `/` of a machine that nobody runs."""

    def __init__(self, base: Path) -> None:
        self.source = base / "source"
        self.place = base / "a machine"
        self.opt = self.place / "opt/tsm-smart"
        self.root = self.place / "var/lib/tsm-smart"
        self.pip_log = base / "pip.log"
        self._python = base / "python3"
        self._python.write_text(PYTHON.format(lib="python3.x", log=self.pip_log, real=sys.executable))
        self._python.chmod(0o755)
        self._make_source()

    def _make_source(self) -> None:
        for folder in ("engine", "drivers", "scripts"):
            (self.source / folder).mkdir(parents=True)
        shutil.copytree(PROJECT / "etc", self.source / "etc", ignore=shutil.ignore_patterns("font", "fleet"))
        for script in ("install", "update", "tsm-smart"):
            shutil.copy(PROJECT / "scripts" / script, self.source / "scripts")
        for name in ("LICENSE", "requirements.lock", "requirements-tls.lock"):
            shutil.copy(PROJECT / name, self.source)
        self.release("1.0.0")

    def release(self, version: str, *, starts: bool = True) -> None:
        """From now on the source is this version."""
        (self.source / "engine/version.py").write_text(f'"""Version."""\n\nVERSION = "{version}"\n')
        (self.source / "agent.py").write_text(AGENT.format(code=0 if starts else 1))

    def run(self, *words: str, script: Path | None = None) -> subprocess.CompletedProcess[str]:
        """`scripts/install --into …`, by default of the source."""
        environment = {**os.environ, "PYTHON": str(self._python)}
        command = [str(script or self.source / "scripts/install"), "--into", str(self.place), *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)

    def install(self, *words: str) -> None:
        done = self.run(*words)
        assert done.returncode == 0, done.stderr

    def installed(self, link: str = "current") -> str:
        """The version behind `current` or `previous`; empty when there is none."""
        path = self.opt / link / "engine/version.py"
        return path.read_text().split('"')[-2] if path.exists() else ""

    def installer(self) -> Path:
        """The script of the installed program, as somebody uses it who has no sources any more."""
        return self.opt / "current/scripts/install"

"""Fills a folder with all that `requirements.lock` and `requirements-tls.lock` name, for boards without a network.

Every file that is fetched has a hash of the lock. What its makers publish as source only is built here, from a source
of such a hash, and must come out the same for every Python and machine; the folder's own `requirements.lock` names the
hashes of these wheels too.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
"""Of Debian 12, Ubuntu 24.04, Debian 13, and the next one."""
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
"""Those of Debian for which every package has wheels, by their names there; 32-bit ARM is none of them."""
LIBC = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")
FOR_ALL = ("--only-binary=:all:", "--platform=any", "--implementation=py", "--abi=none")
"""A wheel that serves every Python on every machine: preferred, as four others of the same take four times the room."""


@dataclass(frozen=True)
class Requirement:
    """One package of a lock file: `name==version`, its marker, its lines as they stand."""

    pin: str
    marker: str
    hashes: tuple[str, ...]

    @property
    def wheel_start(self) -> str:
        """How the name of its wheel begins."""
        name, _, version = self.pin.partition("==")
        return f"{name.lower().replace('-', '_')}-{version}-"

    def line(self, more: tuple[str, ...] = ()) -> str:
        marker = f" ; {self.marker}" if self.marker else ""
        return " \\\n    --hash=".join([f"{self.pin}{marker}", *self.hashes, *more]) + "\n"


def requirements(lock: str) -> list[Requirement]:
    """What a lock file names."""
    found = []
    for line in lock.replace("\\\n", " ").splitlines():
        if line and line[0] not in "# ":
            head, *hashes = line.split("--hash=")
            pin, _, marker = head.partition(";")
            found.append(Requirement(pin.strip(), marker.strip(), tuple(map(str.strip, hashes))))
    return found


def fetch(requirement: Requirement, machine: str, folder: Path) -> None:
    """Its wheels for every Python into the folder."""
    if _pip("download", requirement, folder, list(FOR_ALL)):
        return
    with_platforms = [f"--platform={libc}_{MACHINES[machine]}" for libc in LIBC]
    for python in PYTHONS:
        options = ["--only-binary=:all:", f"--python-version={python}", *with_platforms]
        if not _pip("download", requirement, folder, options):
            _build(requirement, folder)
            return


def _build(requirement: Requirement, folder: Path) -> None:
    if not _pip("wheel", requirement, folder, []):
        sys.exit(f"{requirement.pin}: neither a wheel nor a source that can be built")
    built = [path for path in folder.iterdir() if path.name.lower().startswith(requirement.wheel_start)]
    if not any(path.name.endswith("-none-any.whl") for path in built):
        sys.exit(f"{requirement.pin} was built for this machine only: {[path.name for path in built]}")


def _pip(command: str, requirement: Requirement, folder: Path, options: list[str]) -> bool:
    """`--no-deps`: the lock names everything. Its marker is for the board, not for here."""
    lock = folder / ".one.lock"
    lock.write_text(Requirement(requirement.pin, "", requirement.hashes).line(), "utf-8")
    where = ["-d" if command == "download" else "-w", str(folder)]
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", command, "--no-deps"]
    done = subprocess.run(
        [*pip, *options, "--require-hashes", "-r", str(lock), *where], stderr=subprocess.PIPE, text=True
    )
    lock.unlink()
    if done.returncode and not options:
        print(done.stderr, file=sys.stderr)
    return done.returncode == 0


def own_lock(wanted: list[Requirement], folder: Path) -> str:
    """The lock of the folder: as before, with the hash of each wheel that was built here."""
    lines = []
    for requirement in wanted:
        files = [path for path in sorted(folder.glob("*.whl")) if path.name.lower().startswith(requirement.wheel_start)]
        sums = tuple(f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files)
        lines.append(requirement.line(tuple(each for each in sums if each not in requirement.hashes)))
    return "".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--machine", choices=sorted(MACHINES), default="amd64")
    options = parser.parse_args()
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("requirements.lock", "requirements-tls.lock"):
        wanted = requirements((PROJECT / name).read_text("utf-8"))
        for requirement in wanted:
            fetch(requirement, options.machine, folder)
        (folder / name).write_text(own_lock(wanted, folder), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

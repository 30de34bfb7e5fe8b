"""A machine that takes updates by file: real minisign, real packages of Debian's form, the real `scripts/update`.

Only `dpkg -i` is not: it would need root. What it is asked to install is kept, and `current` becomes that version.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.fake.debian_servers import debian_environment

PROJECT = Path(__file__).parents[2]
DPKG = """#!/bin/sh
case $1 in
--compare-versions) exec {dpkg} "$@" ;;
--print-architecture) echo arm64 ;;
--root=*)
    cp "$3" "{installed}"
    version=$(dpkg-deb -f "$3" Version)
    [ "$version" != 9.9.9 ] || exit 1
    echo "VERSION = \\"$version\\"" >"{version_file}"
    ;;
esac
"""


class UpdateSite:
    """`key` signs; its public half is what the machine believes."""

    def __init__(self, base: Path, version: str = "1.0.1") -> None:
        self.base = base
        self.place = base / "machine"
        self.inbox = self.place / "var/lib/tsm-smart/log/Ftp"
        self.installed = base / "installed.deb"
        self.pub = self.place / "etc/tsm-smart/update.pub"
        version_file = self.place / "opt/tsm-smart/current/engine/version.py"
        programs = base / "bin"
        for folder in (
            self.inbox,
            self.place / "var/lib/tsm-smart/var",
            self.pub.parent,
            version_file.parent,
            programs,
        ):
            folder.mkdir(parents=True)
        version_file.write_text(f'VERSION = "{version}"\n')
        script = DPKG.format(dpkg="/usr/bin/dpkg", installed=self.installed, version_file=version_file)
        (programs / "dpkg").write_text(script)
        (programs / "dpkg").chmod(0o755)
        minisign, environment = debian_environment("minisign")
        path = f"{programs}:{minisign}/usr/bin:{os.environ['PATH']}"
        self.environment = {**environment, "PATH": path, "MINISIGN_OPTIONS": "-W"}
        self.key = self.new_key("maker")
        self.pub.write_bytes((base / "maker/update.pub").read_bytes())

    def new_key(self, name: str) -> Path:
        self._script("sign-update", "--new-key", str(self.base / name))
        return self.base / name / "update.key"

    def package(self, version: str, *, architecture: str = "arm64", name: str = "tsm-smart") -> Path:
        tree = self.base / f"tree-{name}-{version}"
        (tree / "DEBIAN").mkdir(parents=True, exist_ok=True)
        control = f"Package: {name}\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: x <x@y.z>\n"
        (tree / "DEBIAN/control").write_text(f"{control}Description: x\n")
        (tree / "payload").write_bytes(os.urandom(100_000))
        path = self.base / f"{name}_{version}_{architecture}.deb"
        subprocess.run(["dpkg-deb", "-Znone", "-b", str(tree), str(path)], check=True, capture_output=True)
        return path

    def signed(self, package: Path, *words: str, key: Path | None = None) -> bytes:
        """The update file that `scripts/sign-update` makes of a package."""
        self._script("sign-update", "--key", str(key or self.key), str(package), *words)
        return package.with_suffix(".update").read_bytes()

    def signed_as(self, package: Path, words: str) -> bytes:
        """The same with any words signed beside it."""
        signature = package.with_suffix(".minisig")
        command = ["minisign", "-S", "-W", "-s", str(self.key), "-m", str(package), "-x", str(signature), "-t", words]
        subprocess.run(command, env=self.environment, capture_output=True, check=True, timeout=60)
        return signature.read_bytes() + package.read_bytes()

    def put(self, data: bytes, name: str = "tsm-smart.update") -> None:
        (self.inbox / name).write_bytes(data)

    def run(self) -> str:
        """What the service does when a file is there; returns what the user is told."""
        self._script("update", "--into", str(self.place), check=False)
        result = self.place / "var/lib/tsm-smart/var/update.txt"
        return result.read_text() if result.exists() else ""

    def _script(self, name: str, *words: str, check: bool = True) -> None:
        command = [str(PROJECT / "scripts" / name), *words]
        subprocess.run(command, env=self.environment, capture_output=True, check=check, timeout=60)

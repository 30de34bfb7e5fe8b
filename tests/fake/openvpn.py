"""OpenVPN of Debian, fetched by scripts/debian: a server for the tests, and the environment that finds the program."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fake.certificates import Identity
from tests.fake.debian_servers import debian_environment, free_port


def find_openvpn(monkeypatch: pytest.MonkeyPatch) -> str:
    """Make the program findable for the test; returns where it is."""
    root, environment = debian_environment("openvpn")
    monkeypatch.setenv("LD_LIBRARY_PATH", environment["LD_LIBRARY_PATH"])
    monkeypatch.setenv("PATH", f"{root}/usr/sbin:{os.environ['PATH']}")
    return f"{root}/usr/sbin/openvpn"


def fake_openvpn(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A program of that name that does what `script` says; its arguments are in `arguments` beside it."""
    folder.mkdir(exist_ok=True)
    program = folder / "openvpn"
    program.write_text(f'#!/bin/sh\necho "$@" >>{folder}/arguments\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


@contextmanager
def server(folder: Path, issuer: Identity, own: Identity, binary: str) -> Iterator[int]:
    """A server on a loopback port that takes one client with a certificate of `issuer`; its port."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    command = [
        binary, "--dev", "null", "--tls-server", "--dh", "none", "--local", "127.0.0.1", "--lport", str(port),
        "--proto", "udp", "--ca", str(issuer.certificate), "--cert", str(own.certificate), "--key", str(own.key),
        "--ping", "1", "--data-ciphers", "AES-256-GCM", "--verb", "3",
    ]  # fmt: skip
    log = folder / "log"
    with log.open("wb") as told:
        process = subprocess.Popen(command, stdout=told, stderr=told, stdin=subprocess.DEVNULL)
    try:
        deadline_s = time.monotonic() + 20
        while b"UDPv4 link local (bound)" not in log.read_bytes():
            assert process.poll() is None and time.monotonic() < deadline_s, log.read_text()
            time.sleep(0.02)
        yield port
    finally:
        process.kill()
        process.wait()

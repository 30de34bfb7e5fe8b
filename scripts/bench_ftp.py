"""The embedded FTP server beside vsftpd and proftpd: the same client, each server a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from ftplib import FTP
from functools import partial
from pathlib import Path
from typing import NamedTuple

from scripts.bench_peers import OURS, beside, by_turns, own_environment, pss_mib
from tests.fake.debian_servers import DebianServer, proftpd, vsftpd

LARGE_BYTES = 100 << 20
SMALL_BYTES = 3000
FETCHED, STORED = 500, 20
CLIENTS = 100
BLOCK_BYTES = 1 << 20
TIMEOUT_S = 60.0
USER, PASSWORD = "main", "bench-1"
INBOX = "log/Ftp"
SERVER = f"""
import sys
from pathlib import Path
from engine import ftpd
from engine.settings import InternalFtp
ftpd._Listener.max_cons = ftpd._Listener.max_cons_per_ip = {10 * CLIENTS}
settings = InternalFtp(
    enabled=True, bind="127.0.0.1", port=0, passive_ports=None, user="{USER}", password="{PASSWORD}", read_user="",
    read_password="", inbox_user="", inbox_password="", tls=0, inbox_limit_bytes=1 << 40,
)
server = ftpd.FtpServer(Path(sys.argv[1]), settings, lambda path, content: None, lambda path: None)
server.start()
print(server.port, flush=True)
sys.stdin.read()
server.stop()
"""
"""Ours, its limits of sessions lifted for this measurement."""


class Place(NamedTuple):
    """A server, and the folder on it where files may be stored; `pid` is that of its session of processes."""

    port: int
    user: str
    password: str
    folder: Path
    cwd: str
    pid: int

    def login(self, source: str = "127.0.0.1") -> FTP:
        """A client that comes from this address of the loopback."""
        client = FTP(timeout=TIMEOUT_S)
        client.connect("127.0.0.1", self.port, source_address=(source, 0))
        client.login(self.user, self.password)
        client.cwd(self.cwd)
        client.voidcmd("TYPE I")
        return client


def servers(base: Path) -> Iterator[tuple[str, str]]:
    """One large file and many small ones each way; memory with idle clients."""
    with ExitStack() as stack:
        places = {
            OURS: stack.enter_context(_ours(base)),
            "vsftpd": _of(stack.enter_context(vsftpd(base))),
            "proftpd": _of(stack.enter_context(proftpd(base))),
        }
        for place in places.values():
            (place.folder / "large.bin").write_bytes(bytes(LARGE_BYTES))
            for number in range(FETCHED):
                (place.folder / f"{number}.bin").write_bytes(bytes(SMALL_BYTES))
        for what, measure, unit in (
            (f"FTP, one file of {LARGE_BYTES >> 20} MiB from the server", _fetch_large, "MB/s"),
            (f"FTP, one file of {LARGE_BYTES >> 20} MiB to the server", _store_large, "MB/s"),
            (f"FTP, {FETCHED} files of {SMALL_BYTES} bytes from the server, one client", _fetch_small, "files/s"),
            (f"FTP, {STORED} files of {SMALL_BYTES} bytes to the server, one client", _store_small, "files/s"),
        ):
            yield from beside(what, by_turns({name: partial(measure, place) for name, place in places.items()}), unit)
        what = f"FTP, memory (PSS of all its processes) with {CLIENTS} idle clients"
        yield from beside(what, by_turns({name: partial(_crowded, place) for name, place in places.items()}), "MiB", 1)


def _fetch_large(place: Place) -> float:
    with place.login() as client:
        return LARGE_BYTES / 1e6 / _timed(partial(_fetch, client, "large.bin"))


def _store_large(place: Place) -> float:
    with place.login() as client:
        seconds = _timed(partial(_store, client, "stored.bin", bytes(LARGE_BYTES)))
        client.delete("stored.bin")
        return LARGE_BYTES / 1e6 / seconds


def _fetch_small(place: Place) -> float:
    with place.login() as client:
        return FETCHED / _timed(*(partial(_fetch, client, f"{number}.bin") for number in range(FETCHED)))


def _store_small(place: Place) -> float:
    with place.login() as client:
        seconds = _timed(*(partial(_store, client, f"{n}.new", bytes(SMALL_BYTES)) for n in range(STORED)))
        for number in range(STORED):
            client.delete(f"{number}.new")
        return STORED / seconds


def _crowded(place: Place) -> float:
    with ExitStack() as stack:
        for number in range(CLIENTS):
            # vsftpd takes no more than fifty clients from one address.
            stack.enter_context(place.login(f"127.0.0.{number + 2}"))
        return pss_mib(place.pid)


def _timed(*works: Callable[[], None]) -> float:
    begun_s = time.perf_counter()
    for work in works:
        work()
    return time.perf_counter() - begun_s


def _fetch(client: FTP, name: str) -> None:
    """Into the void, by as few and as large calls as can be: what is measured is the server."""
    buffer = bytearray(BLOCK_BYTES)
    with client.transfercmd(f"RETR {name}") as connection:
        while connection.recv_into(buffer):
            pass
    client.voidresp()


def _store(client: FTP, name: str, data: bytes) -> None:
    with client.transfercmd(f"STOR {name}") as connection:
        connection.sendall(data)
    client.voidresp()


# --- the servers


@contextmanager
def _ours(base: Path) -> Iterator[Place]:
    root = base / "ours"
    (root / INBOX).mkdir(parents=True)
    command = [sys.executable, "-c", SERVER, str(root)]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, env=own_environment(), stdin=pipe, stdout=pipe, text=True, start_new_session=True
    ) as server:
        try:
            assert server.stdout is not None
            yield Place(int(server.stdout.readline()), USER, PASSWORD, root / INBOX, f"/{INBOX}", server.pid)
        finally:
            server.kill()


def _of(server: DebianServer) -> Place:
    return Place(server.port, server.user, server.password, server.folder, ".", server.pid)

"""The delivery of drops beside lftp and weewx's uploader, to one server behind a line with delay.

Run as a program it is the agent's side: `python bench_upload.py PORT USER PASSWORD FOLDER`.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

DROPS, DROP_BYTES = 50, 20_000
ONE_WAY_S = 0.010
VARIANT = "dos"
PATIENCE_S = 120.0
WEEWX = ("weewx==5.5.2",)
WEEWX_CLIENT = """
import shutil, sys, tempfile
from weeutil.ftpupload import FtpUpload
port, user, password, folder = sys.argv[1:]
with tempfile.TemporaryDirectory() as copy:
    shutil.copytree(folder, copy, dirs_exist_ok=True)
    FtpUpload("127.0.0.1", user, password, copy, "weewx", port=int(port)).run()
"""
"""It keeps a note of what it has sent in the folder itself."""


# --- the line with delay


class DelayedLine:
    """A server seen through a line on which every byte takes `ONE_WAY_S`; its passive ports as well.

    A connection itself is made without delay: who opens more of them is flattered.
    """

    def __init__(self, port: int) -> None:
        self._far = port
        self.port = 0
        self.commands = 0
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self.port = self._loop.run_until_complete(self._listen(self._far, is_control=True))
        self._ready.set()
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _listen(self, far: int, *, is_control: bool) -> int:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if not is_control:
                server.close()
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", far)
            there = self._carry(reader, far_writer, is_control=False, counts=is_control)
            await asyncio.gather(there, self._carry(far_reader, writer, is_control=is_control, counts=False))

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        return int(server.sockets[0].getsockname()[1])

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_control: bool, counts: bool
    ) -> None:
        while data := await reader.read(65536):
            self.commands += data.count(b"\n") if counts else 0
            if is_control:
                data = await self._with_own_port(data)
            self._loop.call_later(ONE_WAY_S, writer.write, data)
        self._loop.call_later(ONE_WAY_S, writer.close)

    async def _with_own_port(self, data: bytes) -> bytes:
        """An answer to PASV with a port of this line in it."""
        found = re.search(rb"(227 [^(]*\()\d+,\d+,\d+,\d+,(\d+),(\d+)\)", data)
        if not found:
            return data
        port = await self._listen(int(found[2]) * 256 + int(found[3]), is_control=False)
        return data.replace(found[0], found[1] + f"127,0,0,1,{port // 256},{port % 256})".encode())


@contextmanager
def delayed(port: int) -> Iterator[DelayedLine]:
    line = DelayedLine(port)
    try:
        yield line
    finally:
        line.stop()


# --- who sends


def uploads(base: Path) -> Iterator[tuple[str, str]]:
    """Files a second, each program started anew for all of them."""
    from scripts.bench_peers import OURS, beside, by_turns, own_environment, python_of
    from tests.fake.debian_servers import debian_environment, vsftpd

    files = base / "files"
    files.mkdir()
    for number in range(DROPS):
        (files / f"{number}.zip").write_bytes(_content(number))
    package, environment = debian_environment("lftp")
    with vsftpd(base) as server, delayed(server.port) as line:
        (server.folder / "lftp").mkdir()
        told = [str(line.port), server.user, server.password]
        connect = f"open -u {server.user},{server.password} -p {line.port} 127.0.0.1; set ftp:ssl-allow no; cd lftp; "
        put = f"mput {files}/*; bye"
        lftp = [str(package / "usr/bin/lftp"), "--norc", "-c"]
        commands: dict[str, tuple[list[str], dict[str, str]]] = {
            OURS: ([sys.executable, str(Path(__file__)), *told, str(base)], own_environment()),
            "lftp": ([*lftp, connect + put], environment),
            "lftp by way of another name": ([*lftp, connect + "set xfer:use-temp-file yes; " + put], environment),
            "weewx": ([str(python_of("weewx", *WEEWX)), "-c", WEEWX_CLIENT, *told, str(files)], own_environment()),
        }
        asked: dict[str, int] = {}
        subjects = {name: partial(_rate, line, server.folder, asked, name, *each) for name, each in commands.items()}
        what = f"{DROPS} files of {DROP_BYTES} bytes to vsftpd, {2000 * ONE_WAY_S:.0f} ms there and back"
        yield from beside(what, by_turns(subjects), "files/s", 2)
    for name, commands_sent in asked.items():
        yield f"commands for a file: {name}", f"{commands_sent / DROPS:.1f}"


def _rate(
    line: DelayedLine, folder: Path, asked: dict[str, int], name: str, command: list[str], environment: dict[str, str]
) -> float:
    """Everything that was sent is looked for, then removed."""
    line.commands = 0
    begun_s = time.perf_counter()
    subprocess.run(command, env=environment, check=True, timeout=PATIENCE_S, stdout=subprocess.DEVNULL)
    took_s = time.perf_counter() - begun_s
    asked[name] = line.commands
    found = list(folder.rglob("*.zip"))
    assert len(found) == DROPS
    assert {path.stat().st_size for path in found} == {DROP_BYTES}
    for path in found:
        path.unlink()
    return DROPS / took_s


def _content(number: int) -> bytes:
    return number.to_bytes(4, "big") * (DROP_BYTES // 4)


# --- the agent's side


def deliver(port: int, user: str, password: str, base: Path) -> None:
    """All drops by the agent's session, its steps and its notes on the disk; only the archives are not there."""
    from engine.delivery.cursor import Choice, Cursor, InFlight, Parcel, Range, Target, write
    from engine.delivery.handover import Handover, Memory
    from engine.files import write_whole
    from engine.push import Session
    from engine.settings import Server

    class Archives:
        def backlog_bytes(self, _positions: Mapping[str, int]) -> int:
            return 0

        def gone(self, _paths: Iterable[str]) -> frozenset[str]:
            return frozenset()

        def choose(self, positions: Mapping[str, int]) -> Choice:
            return Choice((Range(f"{len(positions)}.txt", 0, 1),), len(positions) + 1 < DROPS)

        def build(self, drop: InFlight) -> Parcel:
            return Parcel(dict.fromkeys(drop.variants, _content(drop.seq % DROPS)), drop.ranges)

    class Notes:
        def __init__(self, cursor: Cursor) -> None:
            self.cursor = cursor
            self.is_new = True

        def note(self, cursor: Cursor) -> None:
            write_whole(base / "cursor.txt", write(cursor).encode(), synced=True)
            self.cursor, self.is_new = cursor, False

    server = Server(
        section="server1", enabled=True, host="127.0.0.1", port=port, user=user, password=password, directory="",
        interval_s=60, variants=(VARIANT,), passive=True, tls=0, encoding="utf-8", timeout_s=30.0,
    )  # fmt: skip
    session = Session(server)
    handover = Handover(
        1, server.variants, session=session, outbox=Archives(), logbook=Notes(Cursor(Target(*server.identity), 1, "")),
        memory=Memory(), count_start=lambda: "22.11.26 13:00:00", notices=lambda _: None,
    )  # fmt: skip
    session.open()
    while handover.deliver_next():
        pass
    session.close()


if __name__ == "__main__":
    deliver(int(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4]))

"""The disk is full, or can only be read, at the worst moment of a delivery; a second agent wants the same root."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fake.agent_process import AgentProcess, eventually, run_agent
from tests.fake.faulty_ftp import FaultyFtp
from tests.fake.faulty_site import FaultySite, faulty_site

SIZE_BYTES = 4 << 20
PAGE_BYTES = 4096


class SmallDisk:
    """A file system of its own in `folder`. `fill` may be called again and again: nothing that is freed stays free."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "something else"

    def fill(self) -> None:
        try:
            with self._filler.open("ab", buffering=0) as file:
                while file.write(bytes(PAGE_BYTES)):
                    pass
        except OSError as error:
            assert error.errno == errno.ENOSPC

    def make_room(self) -> None:
        self._filler.unlink()


def mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system of its own can be mounted here: {done.stderr.strip()}")


def unmount(folder: Path) -> None:
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount("-t", "tmpfs", "-o", f"size={SIZE_BYTES}", "tmpfs", str(folder))
    yield SmallDisk(folder)
    unmount(folder)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Whoever opens something below `folder` meanwhile may not write. What is open already stays so."""
    mount("--bind", str(folder), str(folder))
    try:
        mount("-o", "remount,bind,ro", str(folder))
        yield
    finally:
        unmount(folder)


def cursor_of(site: FaultySite) -> str:
    return next(site.root.glob("var/delivery/*/cursor.txt")).read_text("utf-8")


def fills_at(moment: Callable[[str, str], bool], disk: SmallDisk) -> Callable[[str, str], None]:
    """For `FaultyFtp.before`: from that moment on, whatever is freed, there is no room."""
    begun = False

    def before(command: str, argument: str) -> None:
        nonlocal begun
        begun = begun or moment(command, argument)
        if begun:
            disk.fill()

    return before


def nothing(_command: str, _argument: str) -> None:
    """Before it."""


def test_a_drop_that_cannot_be_noted_is_not_sent(disk: SmallDisk, tmp_path: Path) -> None:
    """The disk is full when the agent has asked whether the name is free."""
    server = FaultyFtp()
    with faulty_site(tmp_path, ((server, {}),), root=disk.folder / "agent") as site:
        with site.agent() as agent:
            begin(site, agent)
            server.before = fills_at(lambda command, name: command == "SIZE" and name.endswith("_dos.zip"), disk)
            site.write(hours=1)
            eventually(lambda: is_told(agent, "нет места на диске"), "it is told", agent)
            sent = len(server.visible)
            asked = len(server.commands)
            eventually(lambda: "QUIT" in server.commands[asked:], "one more try", agent)
            assert len(server.visible) == sent
            assert "[in flight]" not in cursor_of(site)
            server.before = nothing
            disk.make_room()
            goes_on(site, agent)
        site.check()


def test_a_drop_that_cannot_be_struck_out_is_not_sent_again(disk: SmallDisk, tmp_path: Path) -> None:
    """The disk is full when the first byte of a drop is sent."""
    server = FaultyFtp()
    with faulty_site(tmp_path, ((server, {}),), root=disk.folder / "agent") as site:
        with site.agent() as agent:
            begin(site, agent)
            server.before = fills_at(lambda command, _: command == "STOR", disk)
            eventually(lambda: is_told(agent, "нет места на диске"), "it is told", agent)
            assert "[in flight]" in cursor_of(site)
            sent, stored = len(server.visible), server.commands.count("RNFR")
            asked = len(server.commands)
            site.write(hours=1)
            eventually(lambda: server.commands[asked:].count("QUIT") >= 2, "two more tries", agent)
            assert len(server.visible) == sent and server.commands.count("RNFR") == stored
            server.before = nothing
            disk.make_room()
            goes_on(site, agent)
        site.check()


def test_a_disk_that_can_only_be_read_for_a_while_loses_and_doubles_nothing(tmp_path: Path) -> None:
    server = FaultyFtp()
    with faulty_site(tmp_path, ((server, {}),)) as site:
        with site.agent() as agent:
            begin(site, agent)
            with read_only(site.root):
                site.write(hours=2)
                eventually(lambda: "127.0.0.1: диск только для чтения" in agent.told(), "it is told", agent)
                asked = len(server.commands)
                eventually(lambda: "QUIT" in server.commands[asked:], "one more try", agent)
            goes_on(site, agent)
        site.check()
    assert "Traceback" not in agent.told()


def test_a_second_agent_refuses_and_the_first_is_not_disturbed(tmp_path: Path) -> None:
    server = FaultyFtp()
    with faulty_site(tmp_path, ((server, {}),), time_scale=600) as site:
        with site.agent() as agent:
            begin(site, agent)
            for command in ("run", "once", "run"):
                second = run_agent(site.root, command)
                assert second.returncode == 3
                assert "уже работает другой агент" in second.stderr
            landed = len(server.landed_s)
            eventually(lambda: len(server.landed_s) >= landed + 4, "two drops more", agent)
            site.stop_time()
            goes_on(site, agent)
            assert agent.journal().count("агент запущен") == 1
            assert "сбой" not in agent.journal()
        site.check()


def begin(site: FaultySite, agent: AgentProcess) -> None:
    """Some drops stand on the server."""
    eventually(lambda: len(site.servers[0].visible) >= 4, "the first drops", agent)


def is_told(agent: AgentProcess, text: str) -> bool:
    """By the status or, where that cannot be written, on stderr."""
    return text in agent.status() or text in agent.told()


def goes_on(site: FaultySite, agent: AgentProcess) -> None:
    site.write(hours=1)
    site.wait_for_archive(agent)
    site.wait_for_servers(agent)

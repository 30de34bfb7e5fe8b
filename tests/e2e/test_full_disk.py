"""A disk that is full: polling goes on, nothing is torn, and what was missed comes when there is room again."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from engine.formats.archive import Head
from engine.keeper.shelf import Shelf
from engine.model import Record, RecType
from engine.runtime.limit import keep_limit
from tests.e2e.drops import assert_in_one_row, assert_nothing_unfinished, keys_in, keys_of, received
from tests.e2e.meters import Counted, meter, on_tcp
from tests.e2e.truth import assert_all_true, records_of, wait_for_archive
from tests.fake.agent_process import AgentProcess, configure, eventually, server_text, stored, tcp_device
from tests.fake.debian_servers import vsftpd

NUMBER = "476721"
SIZE_BYTES = 4 << 20
HEAD = Head("ТЕМ-104", "ТЕМ-104", NUMBER, 1)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own that nothing else is kept on."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_BYTES}", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system of its own can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path, left_bytes: int) -> Path:
    """Takes all room but `left_bytes`."""
    free = os.statvfs(disk)
    path = disk / "something-else"
    with path.open("wb") as file:
        file.write(bytes(free.f_bavail * free.f_bsize - left_bytes))
    return path


def free_bytes(disk: Path) -> int:
    found = os.statvfs(disk)
    return found.f_bavail * found.f_bsize


def test_a_full_disk_stops_no_polling_and_tears_nothing(small_disk: Path, tmp_path: Path) -> None:
    whole, root = Counted(meter(records=(864, 60, 12))), small_disk / "root"
    with on_tcp(whole) as line, vsftpd(tmp_path) as far:
        ftp = server_text("server1", far.port, far.user, far.password)
        configure(root, ftp=f"[internal]\nEnabled=0\n{ftp}", devices={"a.ini": tcp_device(line.port)})
        agent = AgentProcess(root)
        agent.log = tmp_path / "agent.stderr"
        with agent:
            eventually(lambda: len(stored(root, NUMBER, growing=True)) > 20, "the archive is begun", agent)
            filler = fill(small_disk, 60_000)
            eventually(lambda: free_bytes(small_disk) < 8192, "no room is left", agent)
            eventually(lambda: "нет места на диске" in agent.told() + agent.status(), "it is told", agent)
            known = len(stored(root, NUMBER, growing=True))
            assert known < len(records_of(whole.inside))
            assert assert_all_true(stored(root, NUMBER, growing=True), whole.inside) < set(records_of(whole.inside))
            asked = whole.asked
            eventually(lambda: whole.asked > asked + 100, "polled on", agent)
            filler.unlink()
            took_s = eventually(lambda: len(stored(root, NUMBER, growing=True)) > known, "the archive goes on", agent)
            wait_for_archive(agent, NUMBER, whole.inside)
            everything = keys_of(NUMBER, stored(root, NUMBER))
            eventually(lambda: keys_in(received(far.folder, "linux")) == everything, "everything delivered", agent)
        drops = received(far.folder, "dos")
    print(f"\nthe archive goes on {took_s:.1f} s after there is room")
    assert assert_all_true(stored(root, NUMBER), whole.inside) == set(records_of(whole.inside))
    assert keys_in(drops) == everything
    assert_in_one_row(drops)
    assert_nothing_unfinished(far.folder)
    assert not list(root.rglob(".*.tmp"))
    assert "архив полон" in agent.status()
    assert "нет места" not in agent.status()
    assert "Traceback" not in agent.told()


def test_old_archives_make_room_where_no_byte_is_free(small_disk: Path) -> None:
    """What went is remembered although there was no room to write it down, and told as soon as there is."""
    shelf, told = Shelf(small_disk, NUMBER, lambda _text: None), list[str]()
    for quarter in range(90 * 4):
        shelf.keep(record(quarter), HEAD)
    shelf.sync()
    fill(small_disk, 0)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        (small_disk / "more").write_bytes(bytes(1))
    keep_limit(small_disk, 1 << 30, lambda _number: shelf, lambda _path, _size: True, told.append)
    folder = small_disk / "www" / NUMBER
    assert sorted(path.name for path in folder.iterdir()) == ["H-2026-03.txt", "gaps.txt"]
    assert [text.partition(":")[0] for text in told] == [f"{NUMBER}/H-2026-01.txt", f"{NUMBER}/H-2026-02.txt"]
    spans = (folder / "gaps.txt").read_text("utf-8").split(";удалено по ArchiveLimit\n")
    assert spans == ["H;01.01.26 05:00:00;31.01.26 23:00:00", "H;01.02.26 05:00:00;28.02.26 23:00:00", ""]
    for again in (shelf, Shelf(small_disk, NUMBER, lambda _text: None)):
        assert not again.keep(record(3), HEAD)
    assert shelf.keep(record(90 * 4), HEAD), "there is room for a new one"


def record(quarter: int) -> Record:
    """Four a day."""
    stamp = datetime(2026, 1, 1, 5) + timedelta(hours=6 * quarter)
    return Record(RecType.HOUR, stamp, ({"Q1": 1.0, "M1": 2.0, "V1": 3.0, "Tall": float(quarter)},))


def test_an_agent_that_starts_on_a_full_disk_works_as_soon_as_there_is_room(small_disk: Path, tmp_path: Path) -> None:
    whole, root = Counted(meter()), small_disk / "root"
    with on_tcp(whole) as line:
        configure(root, devices={"a.ini": tcp_device(line.port)})
        filler = fill(small_disk, 0)
        agent = AgentProcess(root)
        agent.log = tmp_path / "agent.stderr"
        with agent:
            eventually(lambda: whole.asked > 60, "polled", agent)
            filler.unlink()
            wait_for_archive(agent, NUMBER, whole.inside)
            eventually(lambda: agent.shown(NUMBER).get("Online") == "1", "shown", agent)
    assert "Ошибок нет" in agent.status()
    assert assert_all_true(stored(root, NUMBER), whole.inside) == set(records_of(whole.inside))

"""The disk damages an archive between two runs: what is whole stays, what is lost comes from the meter again."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

from engine.formats.archive import Block, blocks
from tests.e2e.drops import assert_in_one_row, keys_in, keys_of, received
from tests.e2e.meters import NOW, meter, on_tcp
from tests.e2e.truth import assert_all_true, records_of
from tests.fake.agent_process import archive_files, configure, run_agent, server_text, tcp_device
from tests.fake.debian_servers import vsftpd

NUMBER = "476721"
FIRST, BEHIND = 10, 13
"""The damage takes the records from the first of these numbers up to the other one."""


def damage(path: Path) -> Counter[tuple[str, str, str, str]]:
    """Zeros over some records, as a bad page of a flash card gives; returns those records."""
    taken = [block for block in blocks(path.read_bytes()) if FIRST <= block.number < BEHIND]
    with path.open("r+b") as file:
        file.seek(taken[0].start)
        file.write(bytes(taken[-1].end - taken[0].start))
    return keys_of(NUMBER, taken)


def readable(root: Path) -> list[Block]:
    return [block for path in archive_files(root, NUMBER) for block in blocks(path.read_bytes()) if block.number]


def test_what_damage_took_is_read_again_and_nothing_whole_is_sent_twice(tmp_path: Path) -> None:
    whole, root = meter(records=(40, 4, 2)), tmp_path / "root"
    with on_tcp(whole) as line, vsftpd(tmp_path) as far:
        ftp = server_text("server1", far.port, far.user, far.password)
        configure(root, ftp=f"[internal]\nEnabled=0\n{ftp}", devices={"a.ini": tcp_device(line.port)})
        assert run_agent(root, "once").returncode == 0
        everything = keys_of(NUMBER, readable(root))
        assert set(everything) == set(keys_in(received(far.folder, "linux")))
        path = root / f"www/{NUMBER}/H-2026-09.txt"
        lost = damage(path)
        assert sum(lost.values()) == BEHIND - FIRST
        whole.live(NOW + timedelta(hours=1))
        done = run_agent(root, "once")
        assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
        new = keys_of(NUMBER, readable(root)) - everything
        wanted = everything + lost + new
        assert run_agent(root, "once").returncode == 0
        drops = received(far.folder, "dos")
    assert assert_all_true(readable(root), whole) == set(records_of(whole))
    assert keys_in(drops) == wanted
    assert sum(new.values()) == 1
    assert_in_one_row(drops)
    assert path.read_bytes().endswith(b"\n\n") and b"\0" not in path.read_bytes()
    assert "H-2026-09.txt: повреждён, байты" in done.stderr
    assert (root / f"var/damaged/{NUMBER}/H-2026-09.txt").read_bytes().count(b"\0") > 0
    assert "не тот файл" not in done.stderr

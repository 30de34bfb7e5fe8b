"""The spool of smsd as the agent sees it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.sms import KEPT_MOST, KEPT_S, Spool
from tests.fake.smsd import make_spool

NUMBERS = ("+79161234567", "+79161234568")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_spool(tmp_path / "sms")


def files_of(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def move(folder: Path, name: str, to: str) -> None:
    next(folder.glob(f"*/{name}")).rename(folder / to / name)


def test_a_text_is_put_once_for_each_number(folder: Path) -> None:
    spool = Spool(folder)
    for _ in range(2):
        spool.put("a", NUMBERS, "Авария")
    assert files_of(folder) == ["outgoing/tsm.a.79161234567", "outgoing/tsm.a.79161234568"]
    assert (folder / "outgoing/tsm.a.79161234567").stat().st_mode & 0o777 == 0o660


@pytest.mark.parametrize("place", ["checked", "sent", "failed"])
def test_what_has_gone_its_way_is_not_put_again(folder: Path, place: str) -> None:
    spool = Spool(folder)
    spool.put("a", NUMBERS[:1], "Авария")
    move(folder, "tsm.a.79161234567", place)
    spool.put("a", NUMBERS[:1], "Авария")
    assert files_of(folder) == [f"{place}/tsm.a.79161234567"]


def test_the_state_follows_the_folders(folder: Path) -> None:
    spool = Spool(folder)
    assert spool.state("a") == "absent"
    spool.put("a", NUMBERS, "Авария")
    assert spool.state("a") == "waiting"
    move(folder, "tsm.a.79161234567", "sent")
    move(folder, "tsm.a.79161234568", "checked")
    assert spool.state("a") == "waiting"
    move(folder, "tsm.a.79161234568", "failed")
    assert spool.state("a") == "failed", "not all have got it"
    move(folder, "tsm.a.79161234568", "sent")
    assert spool.state("a") == "sent"


def test_a_key_that_begins_like_another_is_another(folder: Path) -> None:
    spool = Spool(folder)
    spool.put("a-1", NUMBERS[:1], "x")
    assert spool.state("a") == "absent"
    spool.put("a", NUMBERS[:1], "x")
    assert len(files_of(folder)) == 2


def test_why_it_failed_is_told(folder: Path) -> None:
    spool = Spool(folder)
    assert spool.failure("a") == ""
    (folder / "failed/tsm.a.79161234567").write_text("To: 1\nFail_reason: +CMS ERROR: 331\n\nx")
    assert spool.failure("a") == "+CMS ERROR: 331"


def test_old_ends_are_cleared_away_and_nothing_else(folder: Path) -> None:
    spool = Spool(folder)
    for key, age_s in (("old", KEPT_S + 1), ("young", KEPT_S - 1)):
        for place in ("sent", "failed", "checked"):
            path = folder / place / f"tsm.{key}.79161234567"
            path.write_text("x")
            os.utime(path, (1e9 - age_s, 1e9 - age_s))
    foreign = folder / "sent/send_x1"
    foreign.write_text("x")
    os.utime(foreign, (0, 0))
    spool.clean(1e9)
    assert files_of(folder) == [
        "checked/tsm.old.79161234567",
        "checked/tsm.young.79161234567",
        "failed/tsm.young.79161234567",
        "sent/send_x1",
        "sent/tsm.young.79161234567",
    ]


def test_only_so_many_are_kept_the_newest(folder: Path) -> None:
    for number in range(KEPT_MOST + 5):
        path = folder / "sent" / f"tsm.k{number}.79161234567"
        path.write_text("x")
        os.utime(path, (1e9 + number, 1e9 + number))
    Spool(folder).clean(1e9)
    assert len(files_of(folder)) == KEPT_MOST
    assert not (folder / "sent/tsm.k4.79161234567").exists()


def test_a_spool_that_is_not_there_is_told_to_whoever_asks(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        spool.put("a", NUMBERS, "x")
    with pytest.raises(FileNotFoundError):
        spool.state("a")


def test_a_disk_that_takes_nothing_leaves_no_half_message(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        Spool(folder).put("a", NUMBERS, "x")
    assert files_of(folder) == []

"""Records that the agent makes itself, on the disk: never twice, gaps told, nothing lost."""

from __future__ import annotations

import errno
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from engine import files, naming
from engine.formats.archive import Head, blocks, read_record
from engine.keeper.own_archive import OwnArchive
from engine.keeper.shelf import Shelf
from engine.keeper.snapshot_file import SnapshotFile
from engine.model import Reading, Record, RecType, Values

HEAD = Head("Modbus", "Modbus", "7", 1)


class Agent:
    """What an agent has of one device, from start to start on the same root."""

    def __init__(self, root: Path, extra_totals: frozenset[str] = frozenset()) -> None:
        self.told: list[str] = []
        self.root = root
        self.shelf = Shelf(root, "7", self.told.append)
        self.own = OwnArchive(self.shelf, SnapshotFile(root, "7"), extra_totals)

    def read(self, moment: datetime | None, **values: float | None) -> int:
        return self.own.take(Reading("", None, {}, (values,)), moment, 60.0, HEAD)

    def records(self, rec_type: RecType) -> list[Record]:
        names = sorted(path for path in (self.root / naming.archive_folder("7")).glob(f"{rec_type.value}*.txt"))
        return [read_record(block) for path in names for block in blocks(path.read_bytes()) if block.number]

    def stamps(self, rec_type: RecType = RecType.HOUR) -> list[datetime]:
        return [record.stamp for record in self.records(rec_type)]

    def gaps(self) -> str:
        path = self.root / naming.gaps_path("7")
        return path.read_text("utf-8") if path.exists() else ""


def clock(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-09-{text}")


def first(records: list[Record], place: int = -1) -> Values:
    return records[place].systems[0]


def test_hours_and_days_are_stored_with_their_growth(tmp_path: Path) -> None:
    agent = Agent(tmp_path)
    moment = clock("24 22:30")
    for minute in range(27 * 60):
        agent.read(moment + timedelta(minutes=minute), Q1=100 + minute / 60, T1=70.0)
    hours, days = agent.records(RecType.HOUR), agent.records(RecType.DAY)
    assert agent.stamps() == [clock("24 23:00") + timedelta(hours=number) for number in range(27)]
    assert agent.stamps(RecType.DAY) == [clock("25 00:00"), clock("26 00:00")]
    assert first(hours, 0) == {"Q1": 100.5, "dQ1": None, "T1": 70.0}
    assert first(hours) == {"Q1": 126.5, "dQ1": 1.0, "T1": 70.0}
    assert first(days) == {"Q1": 125.5, "dQ1": 24.0, "T1": 70.0}
    assert agent.gaps() == ""


def test_a_restart_makes_no_record_twice_and_goes_on_with_the_growth(tmp_path: Path) -> None:
    agent = Agent(tmp_path)
    agent.read(clock("25 10:59"), Q1=1.0, Tall=100.0)
    assert agent.read(clock("25 11:00:20"), Q1=1.5, Tall=100.0) == 1
    again = Agent(tmp_path)
    assert again.read(clock("25 11:03"), Q1=1.6, Tall=100.05) == 0
    assert again.read(clock("25 12:00"), Q1=2.75, Tall=101.0) == 1
    assert again.stamps() == [clock("25 11:00"), clock("25 12:00")]
    assert first(again.records(RecType.HOUR))["dQ1"] == 1.25


def test_hours_without_a_reading_are_gaps(tmp_path: Path) -> None:
    agent = Agent(tmp_path)
    agent.read(clock("25 10:59"), Q1=1.0)
    agent.read(clock("25 11:00"), Q1=1.0)
    agent.read(clock("25 14:20"), Q1=2.0)
    assert agent.stamps() == [clock("25 11:00")]
    Agent(tmp_path).read(clock("25 15:00"), Q1=3.0)
    assert agent.stamps() == [clock("25 11:00"), clock("25 15:00")]
    assert agent.gaps() == "H;25.09.26 12:00:00;25.09.26 14:00:00;нет в приборе\n"
    assert first(agent.records(RecType.HOUR))["dQ1"] == 2.0


def test_without_a_clock_to_be_believed_nothing_is_recorded(tmp_path: Path) -> None:
    agent = Agent(tmp_path)
    assert agent.read(None, Q1=1.0) == 0
    assert agent.read(None, Q1=1.0) == 0
    assert agent.stamps() == []


def test_a_disk_that_takes_nothing_for_a_while_loses_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = Agent(tmp_path)
    agent.read(clock("25 10:59"), Q1=1.0)
    with monkeypatch.context() as full:
        full.setattr(files, "write_whole", _full)
        full.setattr(files, "append_whole", _full)
        for hour in (11, 12):
            with pytest.raises(OSError):
                agent.read(clock(f"25 {hour}:00"), Q1=float(hour))
    assert agent.read(clock("25 12:01"), Q1=12.5) == 2
    assert [first(agent.records(RecType.HOUR), place)["Q1"] for place in (0, 1)] == [11.0, 12.0]
    assert first(agent.records(RecType.HOUR))["dQ1"] == 1.0


def _full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "full")


def test_the_snapshot_shows_the_newest_records_from_the_start(tmp_path: Path) -> None:
    agent = Agent(tmp_path)
    agent.read(clock("24 23:59"), Q1=1.0)
    agent.read(clock("25 00:00"), Q1=2.0)
    shown: list[Record] = []
    snapshot = SnapshotFile(tmp_path, "7")
    snapshot.show_newest = shown.append  # type: ignore[method-assign]
    OwnArchive(Shelf(tmp_path, "7", print), snapshot, frozenset())
    assert [(record.rec_type, record.stamp) for record in shown] == [
        (RecType.HOUR, clock("25 00:00")), (RecType.DAY, clock("25 00:00")),
    ]  # fmt: skip


def test_totals_that_the_manual_has_not_got_grow_too(tmp_path: Path) -> None:
    agent = Agent(tmp_path, frozenset({"E1"}))
    agent.read(clock("25 10:59"), E1=10.0, U1=230.0)
    agent.read(clock("25 11:00"), E1=10.5, U1=230.0)
    Agent(tmp_path, frozenset({"E1"})).read(clock("25 12:00"), E1=12.0, U1=230.0)
    assert first(agent.records(RecType.HOUR)) == {"E1": "12", "dE1": "1.5"}


def test_a_device_without_a_powered_time_is_told_apart_by_its_stamps(tmp_path: Path) -> None:
    agent = Agent(tmp_path)
    for hour in (11, 12, 11, 12, 13):
        agent.read(clock(f"25 {hour}:00"), V1=float(hour))
        agent.read(clock(f"25 {hour}:59"), V1=float(hour))
    assert agent.stamps() == [clock(f"25 {hour}:00") for hour in (11, 12, 13)]


@pytest.mark.parametrize("restarted", [False, True])
def test_hours_of_a_clock_in_the_future_spoil_no_later_hour(tmp_path: Path, restarted: bool) -> None:
    agent = Agent(tmp_path)
    future = datetime(2026, 11, 5, 13)
    agent.read(clock("25 10:59"), M1=10.0)
    for moment, total in ((clock("25 11:00"), 11.0), (future, 12.0), (future + timedelta(hours=1), 13.0)):
        agent.read(moment, M1=total)
    for number in range(4):
        agent.shelf.sync()
        agent = Agent(tmp_path) if restarted else agent
        moment = clock("25 14:00") + timedelta(hours=number)
        agent.read(moment - timedelta(minutes=1), M1=13.5 + number)
        agent.read(moment, M1=14.0 + number)
    agent.shelf.sync()
    hours = agent.records(RecType.HOUR)
    assert [first([hour])["dM1"] for hour in hours] == [None, 3.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    assert agent.gaps() == (
        "H;25.09.26 12:00:00;25.09.26 13:00:00;нет в приборе\nH;25.09.26 18:00:00;05.11.26 12:00:00;нет в приборе\n"
    )


def test_a_future_hour_whose_time_has_come_is_not_what_the_next_one_grew_from(tmp_path: Path) -> None:
    agent = Agent(tmp_path)
    for hour, total in ((14, 2.0), (12, 500.0), (13, 501.0), (14, 502.0), (15, 503.0)):
        agent.read(clock(f"25 {hour}:00") - timedelta(minutes=1), M1=total)
        agent.read(clock(f"25 {hour}:00"), M1=total)
    told = [(record.stamp.hour, first([record])["dM1"]) for record in agent.records(RecType.HOUR)]
    assert told == [(14, None), (12, None), (13, 1.0), (15, 2.0)]
    assert agent.gaps() == ""


def test_a_gap_of_the_own_archive_is_taken_from_the_latest_hour_that_is_not_later(tmp_path: Path) -> None:
    agent = Agent(tmp_path)
    for moment in (clock("25 11:00"), clock("03 13:00"), clock("03 14:00"), clock("25 14:00")):
        agent.read(moment - timedelta(minutes=1), M1=1.0)
        agent.read(moment, M1=1.0)
    assert agent.gaps() == "H;25.09.26 12:00:00;25.09.26 13:00:00;нет в приборе\n"

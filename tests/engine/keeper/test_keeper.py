"""What becomes of the news of one device: snapshot, archive, standing. An OSError never leaves the keeper."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.archive.findings import Cursor, Damaged, Finding, Found, Healed, Newest, Passed
from engine.archive.ring_walk import RingWalk
from engine.dialogue import Identity, Mark, Ring
from engine.formats.archive import blocks
from engine.keeper import HOLD_S, SYNC_PERIOD_S, Keeper
from engine.keeper.standing import Note
from engine.model import Event, Reading, Record, RecType, Value
from engine.news import Archived, Contact, Missed
from engine.settings import DeviceSettings
from tests.fake.failing_disk import FailingDisk
from tests.fake.keeper_orders import KeeperOrders
from tests.fake.ring_meter import RingMeter
from tests.fake.toy_driver import CLOCK, device_settings

NUMBER = "440020"
READ_AT = datetime(2026, 11, 22, 6, 5, 30, tzinfo=UTC)
IDENTITY = Identity("TSM-104", "ТЕМ-104", NUMBER, None)
VALUES: dict[str, Value] = {"Q1": 12.5, "T1": 70.5, "G1": None, "Tmin": 1.0, "Tmax": 0.0, "Tdt": 0.0, "Terr": 0.0}


class Desk:
    """A keeper with everything around it."""

    def __init__(self, root: Path, orders: KeeperOrders | None = None, **changed: object) -> None:
        self.root = root
        self.orders = orders or KeeperOrders()
        self.settings: DeviceSettings = device_settings(**{"dev_number": NUMBER, **changed})  # type: ignore[arg-type]
        self.keeper = Keeper(root, self.settings, self.orders)

    def contact(self, *, first: bool = False, number: str = NUMBER, refusal: str = "", **values: Value) -> None:
        reading = Reading(number, CLOCK, {"SoftVer": "1.2"}, ({**VALUES, **values},), ("T2: не число",))
        self.keeper.contact(Contact(self.settings, IDENTITY, reading, READ_AT, first, refusal))

    def lose(self, reason: str = "нет ответа") -> None:
        self.keeper.missed(Missed(self.settings.file, reason, 10, True))

    def archived(self, *findings: Finding, walk: int | None = None, remaining: int = 0, complete: bool = True) -> None:
        walk = self.walk if walk is None else walk
        self.keeper.archived(Archived(self.settings.file, walk, findings, remaining, 10, complete))

    @property
    def walk(self) -> int:
        return self.orders.catchups[-1][2]

    def walk_of(self, rec_type: RecType = RecType.HOUR) -> RingWalk:
        return self.orders.catchups[-1][1].walks[rec_type]

    def shown(self, number: str = NUMBER) -> dict[str, str]:
        """The snapshot's keys; those of `[1]` and `[2]` with the section before them."""
        found: dict[str, str] = {}
        section = ""
        for line in (self.root / f"log/User/txt/{number}.txt").read_text().splitlines():
            if line.startswith("["):
                section = "" if line == "[0]" else line
            else:
                key, _, value = line.partition("=")
                found[section + key] = value
        return found

    def stored(self, name: str = "H-2018-09.txt", number: str = NUMBER) -> list[str]:
        path = self.root / "www" / number / name
        texts = [block.text for block in blocks(path.read_bytes())] if path.exists() else []
        return [text.split("DateTime=")[1][:17] for text in texts[1:]]

    def gaps(self) -> list[str]:
        path = self.root / f"www/{NUMBER}/gaps.txt"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def note(self) -> str:
        return self.keeper.standing.note


def record(number: int, rec_type: RecType = RecType.HOUR) -> Record:
    return Record(rec_type, datetime(2018, 9, 25, number), ({"Q1": float(number), "Tall": float(number)},))


def found(number: int, *, newest: bool = False, before: int | None = None, rec_type: RecType = RecType.HOUR) -> Found:
    entry = record(number, rec_type)
    before_stamp = record(before).stamp if before is not None else None
    return Found(entry, Cursor(number + 1, Mark(entry.stamp, float(number))), before_stamp, False, newest)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


# --- the snapshot


def test_a_reading_is_shown_with_settings_meter_s_clock_and_moment(desk: Desk) -> None:
    desk.contact(first=True)
    shown = desk.shown()
    wanted = {
        "DevName": "ТЕМ-104", "DevType": "ТЕМ-104", "SoftVer": "1.2", "Connection": "Serial", "Port": "/dev/ttyS0",
        "Baud": "9600", "DevNumber": NUMBER, "NumSystems": "1", "Date": "22.11.26", "Time": "09:05:00",
        "S1DevNumber": NUMBER, "S1Q1": "12.500", "S1T1": "70.50", "MeterNumber": NUMBER, "Online": "1",
        "ReadDate": "22.11.26", "ReadTime": "09:05:30", "QUnit": "Gcal",
    }  # fmt: skip
    assert {key: shown[key] for key in wanted} == wanted


def test_what_is_not_known_is_empty_and_what_the_system_has_not_got_is_left_out(desk: Desk) -> None:
    desk.contact(first=True)
    assert desk.shown()["S1G1"] == ""
    assert "S1G2" not in desk.shown()


def test_a_given_number_names_the_files_and_the_meter_s_own_stands_inside(tmp_path: Path) -> None:
    desk = Desk(tmp_path, dev_number="7")
    desk.contact(first=True, number="1001")
    assert (desk.shown("7")["DevNumber"], desk.shown("7")["MeterNumber"]) == ("7", "1001")
    assert not (tmp_path / f"log/User/txt/{NUMBER}.txt").exists()


def test_the_user_s_type_is_written_and_auto_takes_the_device_s(tmp_path: Path) -> None:
    desk = Desk(tmp_path, dev_type="ТЭСМА-106/1")
    desk.contact(first=True)
    assert desk.shown()["DevType"] == "ТЭСМА-106/1"
    desk = Desk(tmp_path, dev_type="auto")
    desk.contact(first=True)
    assert desk.shown()["DevType"] == "ТЕМ-104"


def test_errors_are_told_from_two_readings_not_from_one(desk: Desk) -> None:
    desk.contact(first=True)
    assert (desk.shown()["S1Err"], desk.shown()["ErrText"]) == ("", "")
    desk.contact(Tmin=1.1, Terr=0.1)
    assert desk.shown()["S1Err"] == "14"
    assert desk.shown()["ErrText"] == "расход меньше Gmin, тех. неисправность"
    desk.contact(Tmin=1.1, Terr=0.1)
    assert desk.shown()["S1Err"] == "0"


def test_the_newest_hour_and_day_stand_in_the_snapshot(desk: Desk) -> None:
    desk.contact(first=True)
    assert "[1]RecType" not in desk.shown()
    desk.archived(Newest(record(13)), Newest(record(0, RecType.DAY)), complete=False)
    assert desk.shown()["[1]DateTime"] == "25.09.18 13:00:00"
    assert desk.shown()["[2]RecType"] == "D"
    desk.archived(found(14, newest=True))
    assert desk.shown()["[1]DateTime"] == "25.09.18 14:00:00"
    desk.contact()
    assert desk.shown()["[1]DateTime"] == "25.09.18 14:00:00", "and stay there with the next reading"


def test_records_that_are_caught_up_do_not_take_the_newest_one_s_place(desk: Desk) -> None:
    desk.contact(first=True)
    desk.archived(Newest(record(13)), found(5))
    assert desk.shown()["[1]DateTime"] == "25.09.18 13:00:00"


def test_a_month_record_or_an_event_is_stored_and_not_shown(desk: Desk) -> None:
    desk.contact(first=True)
    event = Event(datetime(2018, 9, 25, 1, 2, 3), {"TK": "1"})
    desk.archived(
        found(1, newest=True, rec_type=RecType.MONTH), Found(event, Cursor(1, Mark(event.stamp)), None, False, True)
    )
    assert "[1]RecType" not in desk.shown()
    assert desk.stored("M.txt") == ["25.09.18 01:00:00"]
    assert desk.stored("E-2018.txt") == ["18.09.25 01:02:03"]


def test_dates_of_events_follow_the_setting(desk: Desk) -> None:
    desk.orders.dates = "dmy"
    desk.contact(first=True)
    event = Event(datetime(2018, 9, 25, 1, 2, 3), {"TK": "1"})
    desk.archived(Found(event, Cursor(1, Mark(event.stamp)), None, False, True))
    assert desk.stored("E-2018.txt") == ["25.09.18 01:02:03"]


def test_an_agent_s_clock_that_is_not_to_be_believed_stamps_nothing(desk: Desk) -> None:
    desk.orders.plausible = False
    desk.contact(first=True)
    assert (desk.shown()["ReadDate"], desk.shown()["ReadTime"]) == ("", "")
    assert desk.shown()["Date"] == "22.11.26", "the meter's own clock is shown all the same"
    assert desk.keeper.standing.read_at is None


def test_a_device_that_is_lost_is_shown_off_line_with_nothing_stale(desk: Desk) -> None:
    desk.contact(first=True)
    desk.archived(Newest(record(13)))
    desk.lose()
    shown = desk.shown()
    assert shown["Online"] == "0"
    assert [shown[key] for key in ("S1Q1", "S1T1", "S1Err", "Date", "Time", "ErrText")] == [""] * 6
    assert (shown["Port"], shown["SoftVer"], shown["[1]DateTime"]) == ("/dev/ttyS0", "1.2", "25.09.18 13:00:00")
    assert shown["ReadTime"] == "09:05:30", "when it was read last is still true"


def test_a_reading_that_only_failed_once_changes_nothing(desk: Desk) -> None:
    desk.contact(first=True)
    desk.keeper.missed(Missed(desk.settings.file, "нет ответа", 1, False))
    assert desk.shown()["Online"] == "1"
    assert desk.keeper.standing.failures == 1


def test_a_snapshot_that_an_earlier_run_left_is_not_shown_as_current(tmp_path: Path) -> None:
    before = Desk(tmp_path)
    before.contact(first=True)
    before.archived(Newest(record(13)))
    desk = Desk(tmp_path)
    desk.lose()
    assert (desk.shown()["Online"], desk.shown()["S1Q1"]) == ("0", "")
    assert desk.shown()["[1]DateTime"] == "25.09.18 13:00:00"


def test_a_torn_snapshot_of_an_earlier_run_is_left_to_the_next_contact(tmp_path: Path) -> None:
    path = tmp_path / f"log/User/txt/{NUMBER}.txt"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\x00torn")
    desk = Desk(tmp_path)
    desk.lose()
    assert path.read_bytes() == b"\x00torn"
    desk.contact(first=True)
    assert desk.shown()["Online"] == "1"


def test_a_device_that_is_lost_stays_lost_without_further_writes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.contact(first=True)
    desk.lose()
    disk = FailingDisk(monkeypatch)
    for failures in range(11, 20):
        desk.keeper.missed(Missed(desk.settings.file, "нет ответа", failures, False))
    assert disk.steps == []


def test_a_deleted_snapshot_comes_back_with_the_next_reading(desk: Desk) -> None:
    desk.contact(first=True)
    (desk.root / f"log/User/txt/{NUMBER}.txt").unlink()
    desk.contact()
    assert desk.shown()["Online"] == "1"


# --- the number


def test_without_a_number_there_are_no_files_only_a_note(tmp_path: Path) -> None:
    desk = Desk(tmp_path, dev_number="")
    desk.contact(first=True, number="")
    assert "задайте DevNumber" in desk.note
    assert list(tmp_path.rglob("*.txt")) == []
    assert desk.orders.catchups == []


@pytest.mark.parametrize("number", ["", "../../etc/passwd", "a b", "1" * 21])
def test_a_number_that_cannot_name_files_names_none(tmp_path: Path, number: str) -> None:
    desk = Desk(tmp_path, dev_number="")
    desk.contact(first=True, number=number)
    assert list(tmp_path.rglob("*")) == []


def test_a_number_that_becomes_known_later_begins_everything(tmp_path: Path) -> None:
    desk = Desk(tmp_path, dev_number="")
    desk.contact(first=True, number="")
    desk.contact(number="1001")
    assert desk.note == ""
    assert desk.shown("1001")["Online"] == "1"
    assert len(desk.orders.catchups) == 1


def test_of_two_files_with_one_number_the_first_by_name_has_it(tmp_path: Path) -> None:
    orders = KeeperOrders()
    first, second = (Desk(tmp_path, orders, file=file, dev_number="") for file in ("a.ini", "b.ini"))
    first.contact(first=True, T1=1.0)
    second.contact(first=True, T1=2.0)
    assert "уже занят файлом a.ini" in second.note
    assert first.shown()["S1T1"] == "1.00"
    assert [file for file, _, _ in orders.catchups] == ["a.ini"]


def test_a_file_that_comes_first_takes_the_number_and_the_other_writes_no_more(tmp_path: Path) -> None:
    orders = KeeperOrders()
    second = Desk(tmp_path, orders, file="b.ini", dev_number="")
    second.contact(first=True, T1=2.0)
    walk = second.walk
    first = Desk(tmp_path, orders, file="a.ini", dev_number="")
    first.contact(first=True, T1=1.0)
    second.contact(T1=2.0)
    assert "уже занят файлом a.ini" in second.note
    assert orders.dropped == ["b.ini"]
    second.archived(found(5), walk=walk)
    assert second.stored() == []
    second.lose()
    assert first.shown()["Online"] == "1", "another's snapshot is not touched"


def test_a_number_that_was_set_free_begins_everything(tmp_path: Path) -> None:
    orders = KeeperOrders()
    first, second = (Desk(tmp_path, orders, file=file, dev_number="") for file in ("a.ini", "b.ini"))
    first.contact(first=True)
    second.contact(first=True)
    orders.claims.release("a.ini")
    second.contact(T1=2.0)
    assert second.note == ""
    assert second.shown()["S1T1"] == "2.00"
    assert orders.catchups[-1][0] == "b.ini"


def test_another_meter_of_its_own_number_gets_files_of_its_own(tmp_path: Path) -> None:
    desk = Desk(tmp_path, dev_number="")
    desk.contact(first=True)
    desk.archived(found(5))
    desk.contact(first=True, number="777", Tmin=9.0)
    desk.archived(found(6))
    assert (desk.stored(number=NUMBER), desk.stored(number="777")) == (["25.09.18 05:00:00"], ["25.09.18 06:00:00"])
    assert desk.shown("777")["S1Err"] == "", "counters of another meter tell nothing"
    assert (tmp_path / f"var/meters/{NUMBER}.txt").exists(), "what the first one had is synced"


def test_news_of_the_device_as_it_was_before_its_file_changed_are_of_yesterday(desk: Desk) -> None:
    old = Contact(
        replace(desk.settings, net_addr=9), IDENTITY, Reading("999", CLOCK, {}, ({},)), READ_AT, True
    )
    desk.keeper.contact(old)
    assert not (desk.root / "log").exists()
    desk.contact(first=True, number="1001")
    assert desk.note == ""


# --- the archive


def test_the_first_contact_begins_the_archive_and_later_ones_do_not(desk: Desk) -> None:
    desk.contact(first=True)
    desk.contact()
    assert [(file, walk) for file, _, walk in desk.orders.catchups] == [("a.ini", desk.walk)]
    assert set(desk.orders.catchups[0][1].walks) == set(RecType)


def test_what_is_found_is_stored_and_the_cursor_moves(desk: Desk) -> None:
    desk.contact(first=True)
    desk.archived(found(5), found(6, before=5), Passed(RecType.HOUR, Cursor(9, Mark(None))), remaining=3)
    assert desk.stored() == ["25.09.18 05:00:00", "25.09.18 06:00:00"]
    assert desk.keeper.shelf is not None
    assert desk.keeper.shelf.ledger.cursors[RecType.HOUR].place == 9
    standing = desk.keeper.standing
    assert (standing.stored, standing.remaining, standing.total) == (2, 3, 10)


def test_a_whole_walk_through_a_meter_is_stored_once_also_over_a_restart(tmp_path: Path) -> None:
    meter = RingMeter(count=20)
    meter.write(12)
    for restart in range(2):
        desk = Desk(tmp_path)
        desk.contact(first=True)
        desk.archived(*meter.walk(desk.walk_of()))
        assert desk.keeper.standing.stored == (12 if not restart else 0)
        desk.keeper.sync()
    assert len(desk.stored()) == 12
    meter.write(3)
    desk = Desk(tmp_path)
    desk.contact(first=True)
    meter.fetched.clear()
    desk.archived(*meter.walk(desk.walk_of()))
    assert desk.keeper.standing.stored == 3
    assert len(meter.fetched) <= 5, "the cursor saves reading"


def test_news_of_a_walk_that_has_begun_anew_meanwhile_are_ignored(desk: Desk) -> None:
    desk.contact(first=True)
    old = desk.walk
    desk.lose()
    desk.contact(first=True)
    desk.archived(found(5), walk=old)
    assert desk.stored() == []
    desk.archived(found(5))
    assert desk.stored() == ["25.09.18 05:00:00"]


def test_news_of_a_lost_device_are_ignored_before_it_is_back(desk: Desk) -> None:
    desk.contact(first=True)
    desk.lose()
    desk.archived(found(5))
    assert desk.stored() == []


def test_what_the_meter_has_not_got_is_told(desk: Desk) -> None:
    desk.contact(first=True)
    desk.archived(found(5), found(8, before=5))
    assert desk.gaps() == ["H;25.09.18 06:00:00;25.09.18 07:00:00;нет в приборе"]


def test_after_a_long_outage_the_gap_begins_behind_what_is_stored(desk: Desk) -> None:
    desk.contact(first=True)
    desk.archived(found(5))
    desk.keeper.sync()
    desk = Desk(desk.root)
    desk.contact(first=True)
    desk.archived(found(9))
    assert desk.gaps() == ["H;25.09.18 06:00:00;25.09.18 08:00:00;нет в приборе"]


def test_a_damaged_record_is_told_and_tried_again_at_the_next_start(desk: Desk) -> None:
    desk.contact(first=True)
    stamp = record(6).stamp
    desk.archived(
        found(5), Damaged(RecType.HOUR, 6, stamp, "контрольная сумма", Cursor(7, Mark(None))), found(7, before=5)
    )
    assert desk.gaps() == ["H;25.09.18 06:00:00;25.09.18 06:00:00;повреждена"]
    desk.keeper.sync()
    desk = Desk(desk.root)
    desk.contact(first=True)
    assert desk.walk_of().damaged == {6: stamp}
    desk.archived(Healed(record(6), 6, stamp, unsummed=False))
    assert desk.gaps() == []
    assert desk.stored() == ["25.09.18 05:00:00", "25.09.18 07:00:00", "25.09.18 06:00:00"]


def test_records_that_were_read_twice_are_counted(desk: Desk) -> None:
    desk.contact(first=True)
    desk.archived(replace(found(5), unsummed=True), found(6))
    assert desk.keeper.standing.unsummed == 1


def test_a_refused_archive_is_told_while_it_lasts(desk: Desk) -> None:
    for _ in range(3):
        desk.contact(first=True, refusal="нет такого архива")
        assert desk.note == "архив не читается: нет такого архива"
    assert desk.orders.catchups == []
    assert sum("не читается" in text for text in desk.orders.journaled) == 1
    desk.contact(first=True)
    assert desk.note == ""
    assert len(desk.orders.catchups) == 1


def test_another_meter_behind_the_same_settings_is_polled_and_told_but_not_stored(tmp_path: Path) -> None:
    desk = Desk(tmp_path, dev_number="7")
    desk.contact(first=True, number="1001")
    desk.archived(Found(record(5), Cursor(6, Mark(None)), None, False, True))
    walk = desk.walk
    desk.contact(first=True, number="2002", T1=33.0)
    desk.archived(Found(record(6), Cursor(7, Mark(None)), None, False, True), walk=walk)
    assert desk.stored(number="7") == ["25.09.18 05:00:00"]
    assert desk.shown("7")["MeterNumber"] == "2002"
    for _ in range(2):
        assert "архив 7 начат прибором 1001, отвечает прибор 2002" in desk.note
        desk.contact(number="2002")
    assert len(desk.orders.catchups) == 1
    desk.contact(first=True, number="1001")
    assert desk.note == ""
    assert len(desk.orders.catchups) == 2


# --- a disk that damages and one that takes nothing


def test_an_archive_that_had_to_be_mended_is_looked_through_once_more(tmp_path: Path) -> None:
    first = Desk(tmp_path)
    first.contact(first=True)
    first.archived(found(4), found(5), found(6))
    first.keeper.sync()
    path = tmp_path / f"www/{NUMBER}/H-2018-09.txt"
    path.write_bytes(path.read_bytes().replace(b"\n[2]\nRec", b"\n\0\0\0\0Rec"))
    desk = Desk(tmp_path)
    desk.contact(first=True)
    walk = desk.walk
    desk.archived(found(5), found(7), complete=True)
    assert len(desk.orders.catchups) == 2
    assert not desk.keeper.standing.caught_up
    assert desk.keeper.shelf and not desk.keeper.shelf.ledger.cursors
    desk.archived(found(8), walk=walk)
    assert desk.stored() == [f"25.09.18 0{number}:00:00" for number in (4, 6, 5, 7)]
    desk.archived(found(8))
    assert desk.keeper.standing.caught_up
    assert len(desk.orders.catchups) == 2


def held(desk: Desk, disk: FailingDisk) -> None:
    """A contact, and a record that could not be stored."""
    desk.contact(first=True)
    disk.fail(0, for_good=True)
    desk.archived(found(5), found(6, before=5))


def test_a_record_that_cannot_be_stored_holds_the_archive_and_nothing_else(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FailingDisk(monkeypatch)
    held(desk, disk)
    assert desk.note.startswith("архив не записан: нет места на диске")
    assert desk.orders.dropped == ["a.ini"]
    desk.contact()
    assert desk.keeper.standing.online is True
    assert "архив не записан" in desk.note
    assert "показания не записаны: нет места на диске" in desk.note


def test_what_was_under_way_during_a_hold_is_ignored(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = FailingDisk(monkeypatch)
    held(desk, disk)
    disk.recover()
    desk.archived(found(6))
    assert desk.stored() == []


def test_after_its_pause_the_archive_begins_again_from_what_is_stored(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FailingDisk(monkeypatch)
    held(desk, disk)
    disk.recover()
    desk.keeper.tick(100.0)
    desk.keeper.tick(100.0 + HOLD_S - 0.1)
    assert len(desk.orders.catchups) == 1
    desk.keeper.tick(100.0 + HOLD_S)
    assert len(desk.orders.catchups) == 2
    desk.archived(found(5), found(6, before=5))
    assert desk.stored() == ["25.09.18 05:00:00", "25.09.18 06:00:00"]
    assert desk.note == ""
    told = [text for text in desk.orders.journaled if "архив" in text]
    assert told == [
        f"{NUMBER}: архив не записан: нет места на диске; повтор каждые 10 с",
        f"{NUMBER}: архив снова пишется",
    ]


def test_a_disk_that_stays_full_is_journaled_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = FailingDisk(monkeypatch)
    held(desk, disk)
    for turn in range(5):
        desk.keeper.tick(100.0 + 20 * turn)
        desk.keeper.tick(111.0 + 20 * turn)
        desk.archived(found(5))
    assert sum("архив" in text for text in desk.orders.journaled) == 1


def test_a_hold_is_over_when_the_device_is_lost_and_another_meter_gets_no_catch_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FailingDisk(monkeypatch)
    desk = Desk(tmp_path, dev_number="7")
    desk.contact(first=True, number="1001")
    disk.fail(0, for_good=True)
    desk.archived(found(5))
    disk.recover()
    desk.contact(first=True, number="2002")
    desk.keeper.tick(100.0)
    desk.keeper.tick(200.0)
    assert len(desk.orders.catchups) == 1, "records of another meter would be stored"
    assert "отвечает прибор 2002" in desk.note


def test_a_sync_that_fails_holds_the_archive(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.contact(first=True)
    desk.archived(found(5), found(6))
    disk = FailingDisk(monkeypatch)
    disk.fail(0)
    desk.keeper.tick(1000.0)
    assert "архив не записан" in desk.note
    disk.recover()
    desk.keeper.tick(1000.0)
    desk.keeper.tick(1000.0 + HOLD_S)
    desk.archived(found(5), found(6, before=5))
    assert desk.stored() == ["25.09.18 05:00:00", "25.09.18 06:00:00"], "once"


def test_after_a_sync_that_failed_what_was_not_synced_is_read_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.contact(first=True)
    desk.archived(found(5))
    desk.keeper.tick(1000.0)
    desk.archived(found(6, before=5))
    disk = FailingDisk(monkeypatch)
    disk.fail(0)
    desk.keeper.tick(2000.0)
    assert desk.keeper.shelf is not None
    assert desk.keeper.shelf.ledger.cursors[RecType.HOUR].place == 6, "record 5 is surely there, record 6 is not"


@pytest.mark.parametrize("obstacle", ["var", "var/removed", "var/meters", "www", "log/User/txt"])
def test_a_file_in_the_place_of_a_folder_stops_nothing_but_what_needs_it(tmp_path: Path, obstacle: str) -> None:
    path = tmp_path / obstacle
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    desk = Desk(tmp_path)
    desk.contact(first=True)
    if desk.orders.catchups:
        desk.archived(found(5))
    desk.keeper.tick(100.0)
    desk.keeper.sync()
    assert desk.keeper.standing.online is True
    assert desk.note != ""
    path.unlink()
    desk.contact()
    desk.keeper.tick(200.0)
    desk.keeper.tick(300.0)
    desk.archived(found(5))
    desk.keeper.sync()
    assert desk.note == ""
    assert (desk.shown()["Online"], desk.stored()) == ("1", ["25.09.18 05:00:00"])


def test_a_gap_that_could_not_be_told_is_told_with_its_record(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """At whatever step the disk fails, the second try tells what one without a failure would have told."""
    disk = FailingDisk(monkeypatch)
    desk.contact(first=True)
    desk.archived(found(5))
    for step in range(6):
        root = desk.root / str(step)
        one = Desk(root)
        one.contact(first=True)
        one.archived(found(5))
        disk.fail(step)
        one.archived(found(8, before=5))
        disk.recover()
        one.keeper.tick(100.0)
        one.keeper.tick(200.0)
        one.archived(found(8, before=5))
        assert one.gaps() == ["H;25.09.18 06:00:00;25.09.18 07:00:00;нет в приборе"], f"step {step}"
        assert one.stored() == ["25.09.18 05:00:00", "25.09.18 08:00:00"]


def test_what_was_stored_is_synced_now_and_then_and_not_more_often(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.contact(first=True)
    desk.keeper.tick(1000.0)
    desk.archived(found(5), found(6, before=5))
    disk = FailingDisk(monkeypatch)
    desk.keeper.tick(1000.0 + SYNC_PERIOD_S - 0.1)
    assert disk.steps == []
    desk.keeper.tick(1000.0 + SYNC_PERIOD_S)
    assert "sync" in disk.steps
    disk.steps.clear()
    desk.keeper.tick(1000.0 + 2 * SYNC_PERIOD_S)
    assert disk.steps == []


# --- the standing


def test_doubts_are_counted_over_all_readings(desk: Desk) -> None:
    for _ in range(3):
        desk.contact()
    assert desk.keeper.standing.doubts == {"T2: не число": 3}
    assert desk.keeper.standing.readings == 3


def test_losing_and_coming_back_is_journaled_once_each(desk: Desk) -> None:
    desk.contact(first=True)
    desk.lose()
    desk.lose()
    desk.contact(first=True)
    assert desk.orders.journaled == [f"{NUMBER}: не на связи, нет ответа", f"{NUMBER}: на связи"]


def test_a_device_that_rests_has_no_state_and_keeps_what_it_stored(desk: Desk) -> None:
    desk.contact(first=True)
    desk.archived(found(5), found(6, before=5))
    desk.keeper.rest()
    assert (desk.keeper.standing.online, desk.keeper.shelf) == (None, None)
    assert (desk.root / f"var/meters/{NUMBER}.txt").exists()
    desk.contact(first=True)
    assert len(desk.orders.catchups) == 2


@pytest.mark.parametrize(
    ("act", "hindered"),
    [
        (lambda desk: desk.contact(first=True), False),
        (lambda desk: desk.contact(first=True, refusal="нет"), True),
        (lambda desk: desk.keeper.standing.notes.update({Note.NUMBER: "x"}), True),
        (lambda desk: desk.keeper.standing.notes.update({Note.SNAPSHOT: "x"}), False),
    ],
)
def test_what_a_person_must_mend_is_no_reason_to_wait_for(
    desk: Desk, act: Callable[[Desk], None], hindered: bool
) -> None:
    act(desk)
    assert desk.keeper.standing.is_hindered is hindered


def test_the_archive_is_complete_when_the_walk_says_so_and_no_sooner(desk: Desk) -> None:
    desk.contact(first=True)
    assert not desk.keeper.standing.caught_up
    desk.archived(found(5), complete=False, remaining=1)
    assert not desk.keeper.standing.caught_up
    desk.archived(found(6), complete=True)
    assert desk.keeper.standing.caught_up


def test_a_ring_of_the_meter_decides_what_is_asked(desk: Desk) -> None:
    desk.contact(first=True)
    catchup = desk.orders.catchups[0][1]
    catchup.refresh((Ring(RecType.HOUR, 0, 10, 3),))
    task = catchup.task()
    assert task is not None and task.ring.rec_type is RecType.HOUR

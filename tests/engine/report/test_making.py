from __future__ import annotations

import os
import re
import shutil
from datetime import date, datetime
from pathlib import Path

import pytest

from engine import files, naming
from engine.model import RecType
from engine.report import making, plan, reading
from engine.report.of_settings import report_device
from engine.report.plan import Device
from engine.report.statement import Statement
from engine.settings import DeviceSettings, read_file
from tests.fake.pdf_text import pages_of
from tests.fake.statement_data import store

NOW_S = datetime(2020, 8, 28, 3, 31).timestamp()
MADE = date(2020, 8, 28)
DEVICE = Device("440020", report_day=15)


def due(root: Path, made: date = MADE, device: Device = DEVICE, now_s: float = NOW_S) -> list[str]:
    problems: list[str] = []
    new = making.make_due(root, [device], 31, made, now_s, problems.append)
    assert problems == []
    return new


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_daily_and_monthly_reports_are_made_once(tmp_path: Path) -> None:
    store(tmp_path, 69)
    new = due(tmp_path)
    assert new == [
        "www/Otchety280820/from28072020to27082020_440020s1.pdf",
        "www/Otchety0820m/from15072020to14082020_440020s1.pdf",
    ]
    assert all((tmp_path / path).read_bytes().startswith(b"%PDF") for path in new)
    assert all((tmp_path / path).with_suffix(".xlsx").exists() for path in new)
    assert due(tmp_path) == []


def test_what_a_crash_left_out_is_made_at_the_next_look(tmp_path: Path) -> None:
    store(tmp_path, 69)
    new = due(tmp_path)
    (tmp_path / new[0]).unlink()
    assert due(tmp_path) == new[:1]


def test_a_day_that_was_stored_later_renews_the_report_and_leaves_one(tmp_path: Path) -> None:
    store(tmp_path, 67)
    due(tmp_path)
    store(tmp_path, 69)
    due(tmp_path)
    assert names(tmp_path / "www/Otchety280820") == [
        "from28072020to27082020_440020s1.pdf", "from28072020to27082020_440020s1.xlsx",
    ]  # fmt: skip


MONTHLY = "www/Otchety0820m/from15072020to14082020_440020s1.pdf"


@pytest.mark.parametrize("lost", [range(40, 70), range(30, 32), range(20, 25)], ids=["end", "inside", "before it"])
def test_a_month_that_was_made_in_a_gap_is_made_again_when_its_days_came(tmp_path: Path, lost: range) -> None:
    store(tmp_path, 69, lost=lost)
    assert MONTHLY in due(tmp_path)
    at_first = (tmp_path / MONTHLY).read_bytes()
    assert due(tmp_path) == [] and (tmp_path / MONTHLY).read_bytes() == at_first
    store(tmp_path, 69)
    assert MONTHLY in due(tmp_path)
    rows = [line for page in pages_of((tmp_path / MONTHLY).read_bytes()) for line in page]
    assert not any("нет данных" in row or "Примечание" in row for row in rows)
    assert any(row.startswith("Итого: 31.000 310.000 279.000") for row in rows)


def test_a_month_that_misses_nothing_is_not_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store(tmp_path, 68)
    due(tmp_path)
    store(tmp_path, 69)
    drawn: list[str] = []
    draw = making._drawn

    def watched(statement: Statement) -> tuple[bytes, bytes]:
        drawn.append(statement.span)
        return draw(statement)

    monkeypatch.setattr(making, "_drawn", watched)
    due(tmp_path)
    assert drawn == ["с 28.07.2020 по 27.08.2020"]


def test_a_crash_between_its_two_files_leaves_no_month_half_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(tmp_path, 69, lost=range(30, 32))
    due(tmp_path)
    store(tmp_path, 69)
    write, written = files.write_whole, [0]

    def cut_off(path: Path, data: bytes, *, synced: bool) -> bool:
        written[0] += path.parent.name.endswith("m")
        if written[0] == 2:
            raise OSError("cut off")
        return write(path, data, synced=synced)

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_whole", cut_off)
        making.make_due(tmp_path, [DEVICE], 31, MADE, NOW_S, lambda _problem: None)
    due(tmp_path)
    assert not reading.has_holes((tmp_path / MONTHLY).with_suffix(".xlsx"))
    assert not any("нет данных" in line for page in pages_of((tmp_path / MONTHLY).read_bytes()) for line in page)


def test_a_damaged_sheet_of_a_month_is_made_again(tmp_path: Path) -> None:
    store(tmp_path, 69)
    due(tmp_path)
    sheet = (tmp_path / MONTHLY).with_suffix(".xlsx")
    whole = sheet.read_bytes()
    sheet.write_bytes(whole[: len(whole) // 2])
    assert due(tmp_path) == [MONTHLY]
    assert sheet.read_bytes() == whole


def test_an_older_month_is_left_as_it_was_made(tmp_path: Path) -> None:
    store(tmp_path, 69, lost=range(30, 32))
    due(tmp_path)
    before = (tmp_path / MONTHLY).read_bytes()
    store(tmp_path, 100)
    due(tmp_path, date(2020, 9, 15))
    assert (tmp_path / MONTHLY).read_bytes() == before


def test_the_newest_folder_and_the_monthly_ones_stay(tmp_path: Path) -> None:
    store(tmp_path, 69)
    due(tmp_path)
    due(tmp_path, date(2020, 8, 29), now_s=NOW_S + 86400)
    assert names(tmp_path / "www") == ["440020", "Otchety0820m", "Otchety290820"]


def test_an_old_folder_is_out_of_sight_before_it_is_emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who writes its index at this moment finds no folder: nothing is put into what is being removed."""
    store(tmp_path, 69)
    due(tmp_path)
    old = tmp_path / "www/Otchety280820"
    (old / "index.html").write_text("<html>", encoding="utf-8")
    seen: list[bool] = []
    remove = shutil.rmtree

    def watched(folder: Path) -> None:
        seen.append(old.exists() or not folder.name.startswith("."))
        remove(folder)

    monkeypatch.setattr(making.shutil, "rmtree", watched)
    due(tmp_path, date(2020, 8, 29), now_s=NOW_S + 86400)
    assert seen == [False]
    assert names(tmp_path / "www") == ["440020", "Otchety0820m", "Otchety290820"]


def test_what_a_cut_off_removal_left_goes_at_the_next_look(tmp_path: Path) -> None:
    store(tmp_path, 69)
    due(tmp_path)
    for name in (".Otchety280820.old", ".Otchety270820.old"):
        (tmp_path / "www" / name).mkdir()
        (tmp_path / "www" / name / "x.pdf").write_bytes(b"%PDF")
    due(tmp_path, date(2020, 8, 29), now_s=NOW_S + 86400)
    assert names(tmp_path / "www") == ["440020", "Otchety0820m", "Otchety290820"]


def test_the_users_words_and_columns_come_from_his_file_into_the_pdf(tmp_path: Path) -> None:
    """Every key of a device file that is printed, from its text to the page."""
    text = (
        "[device]\nDevType=ТСМ\nPort=ttyS1\nDevNumber=440020\nReportDay=30\nReportRecords=31\n"
        "Responsible=Иванов И. И.\nAddress=Москва, пр. Московский, д. 13\n[report]\nFields=M1,dM1,T1\n"
    )
    settings, _ = read_file("log/User/devices/a.ini", text.encode())
    assert isinstance(settings, DeviceSettings)
    store(tmp_path, 69)
    [daily, monthly] = due(tmp_path, device=report_device(settings, "440020"))
    assert monthly.startswith("www/Otchety0720m/from30062020to29072020_")
    first = pages_of((tmp_path / daily).read_bytes())[0]
    assert first[2] == "Адрес установки: Москва, пр. Московский, д. 13"
    assert first[4:6] == ["Ответственное лицо: Иванов И. И.", "Отчетный день: 30 Число записей: 31"]
    assert any("M1 M1 T1" in line for line in first)
    assert "28.07.2020 1390.000 10.000 70.00" in first


def test_ordered_reports_move_to_the_newest_folder_and_go_after_a_month(tmp_path: Path) -> None:
    store(tmp_path, 69)
    due(tmp_path)
    for name in ("from01082020to02082020_440020s1D.pdf", "from01082020to03082020_440020s1H.pdf"):
        path = tmp_path / "www/Otchety280820" / name
        path.write_bytes(b"%PDF")
        os.utime(path, (NOW_S, NOW_S - (0 if "D" in name else 32 * 86400)))
    due(tmp_path, date(2020, 8, 29), now_s=NOW_S + 86400)
    left = [name for name in names(tmp_path / "www/Otchety290820") if plan.is_ordered(name)]
    assert left == ["from01082020to02082020_440020s1D.pdf"]
    due(tmp_path, date(2020, 8, 29), now_s=NOW_S + 40 * 86400)
    assert not any(map(plan.is_ordered, names(tmp_path / "www/Otchety290820")))


def test_while_nothing_can_be_made_the_old_reports_stay(tmp_path: Path) -> None:
    store(tmp_path, 69)
    due(tmp_path)
    (tmp_path / naming.archive_path("440020", RecType.DAY, datetime(2020, 8, 1))).unlink()
    assert due(tmp_path, date(2020, 8, 29)) == []
    assert (tmp_path / "www/Otchety280820").is_dir()


def test_the_reports_of_a_device_that_is_not_known_now_stay_and_move_nowhere(tmp_path: Path) -> None:
    store(tmp_path, 70)
    due(tmp_path)
    foreign = tmp_path / "www/Otchety280820/from28072020to27082020_551100s1.pdf"
    foreign.write_bytes(b"%PDF")
    for day in (date(2020, 8, 29), date(2020, 8, 30)):
        making.make_due(tmp_path, [DEVICE], 31, day, NOW_S, pytest.fail, nameless=True)
    assert names(tmp_path / "www") == ["440020", "Otchety0820m", "Otchety280820", "Otchety300820"]
    assert foreign.exists()
    due(tmp_path, date(2020, 8, 30))
    assert not foreign.exists()


def test_a_device_that_nobody_ever_knew_keeps_nothing(tmp_path: Path) -> None:
    store(tmp_path, 70)
    due(tmp_path)
    ordered = tmp_path / "www/Otchety280820/from01082020to02082020_551100s1D.pdf"
    ordered.write_bytes(b"%PDF")
    making.make_due(tmp_path, [DEVICE], 31, date(2020, 8, 29), NOW_S, pytest.fail, nameless=True)
    assert names(tmp_path / "www") == ["440020", "Otchety0820m", "Otchety290820"]
    assert ordered.name in names(tmp_path / "www/Otchety290820")


def test_what_is_very_old_goes_whoever_it_is_of(tmp_path: Path) -> None:
    store(tmp_path, 70)
    old = tmp_path / "www/Otchety010720"
    old.mkdir()
    (old / "from01062020to30062020_551100s1.pdf").write_bytes(b"%PDF")
    making.make_due(tmp_path, [DEVICE], 31, MADE, NOW_S, pytest.fail, nameless=True)
    assert not old.exists()


def test_a_device_that_fails_is_told_and_costs_the_others_nothing(tmp_path: Path) -> None:
    store(tmp_path, 69)
    (tmp_path / "www/1/D-2020.txt").mkdir(parents=True)
    problems: list[str] = []
    new = making.make_due(tmp_path, [Device("1"), DEVICE], 31, MADE, NOW_S, problems.append)
    assert len(new) == 2
    assert len(problems) == 1 and problems[0].startswith("отчет 1: ")


def test_the_last_whole_day_is_one_before_today_however_the_clock_of_the_meter_goes(tmp_path: Path) -> None:
    store(tmp_path, 90)
    assert reading.last_whole_day(tmp_path, "440020", MADE) == date(2020, 8, 27)


def test_amounts_at_the_begin_of_a_file_count_from_the_file_before(tmp_path: Path) -> None:
    store(tmp_path, 70, datetime(2020, 7, 30), RecType.HOUR)
    order = plan.ordered(DEVICE, RecType.HOUR, date(2020, 8, 1), date(2020, 8, 1), "www/x")
    rows = reading.statement_of(tmp_path, DEVICE, 1, order.period).data.rows
    assert rows[0].amounts["M1"] == 10.0 and rows[0].steps == 1
    assert [row.is_missing for row in rows] == [False] * 22 + [True] * 2


def test_a_counter_that_the_file_before_told_last_counts_from_there(tmp_path: Path) -> None:
    store(tmp_path, 70, datetime(2020, 7, 30), RecType.HOUR)
    for month, stamp in ((7, "31.07.20 23:00:00"), (8, "01.08.20 00:00:00")):
        path = tmp_path / naming.archive_path("440020", RecType.HOUR, datetime(2020, month, 1))
        text, found = re.subn(f"({stamp}\n(?:.+\n)*?S1M1=).+", r"\1", path.read_text(encoding="utf-8"))
        assert found == 1
        path.write_text(text, encoding="utf-8")
    order = plan.ordered(DEVICE, RecType.HOUR, date(2020, 8, 1), date(2020, 8, 1), "www/x")
    row = reading.statement_of(tmp_path, DEVICE, 1, order.period).data.rows[0]
    assert (row.amounts["M1"], row.amounts["M2"], row.span("M1"), row.steps) == (30.0, 9.0, 3, 1)


@pytest.mark.parametrize("torn", [b"\0" * 300, b"[3]\nRecType=D\nDateTime=31.02.20 00:00:00\n\n"])
def test_damage_in_an_archive_is_a_missing_day_and_no_more(tmp_path: Path, torn: bytes) -> None:
    store(tmp_path, 69)
    path = tmp_path / naming.archive_path("440020", RecType.DAY, datetime(2020, 8, 1))
    data = path.read_bytes()
    at = data.index(b"[60]")
    path.write_bytes(data[:at] + torn + b"\n" + data[data.index(b"[61]") :])
    order = plan.daily(DEVICE, date(2020, 8, 27), 31, MADE)
    rows = reading.statement_of(tmp_path, DEVICE, 1, order.period).data.rows
    assert [row.begin.date() for row in rows if row.is_missing] == [date(2020, 8, 17)]

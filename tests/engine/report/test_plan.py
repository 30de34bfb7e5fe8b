from __future__ import annotations

from datetime import date, datetime

import pytest

from engine.model import RecType
from engine.report import plan
from engine.report.letter import Ask, ask_text, read_ask
from engine.report.plan import Device

DEVICE = Device("440020", "Москва", "Иванов", 30, ("Q", "T1"))


def test_before_half_past_three_yesterdays_reports_are_due() -> None:
    assert plan.made_on(datetime(2020, 8, 28, 3, 30, 59)) == date(2020, 8, 27)
    assert plan.made_on(datetime(2020, 8, 28, 3, 31)) == date(2020, 8, 28)


def test_the_daily_report_has_the_manuals_name() -> None:
    order = plan.daily(Device("2405"), date(2020, 8, 26), 31, date(2020, 8, 28))
    assert order.path(1) == "www/Otchety280820/from27072020to26082020_2405s1.pdf"


@pytest.mark.parametrize(
    ("report_day", "made", "first", "last", "folder"),
    [
        (1, date(2020, 9, 1), date(2020, 8, 1), date(2020, 8, 31), "www/Otchety0820m"),
        (30, date(2020, 9, 2), date(2020, 7, 30), date(2020, 8, 29), "www/Otchety0820m"),
        (31, date(2020, 3, 5), date(2020, 1, 31), date(2020, 2, 28), "www/Otchety0220m"),
        (15, date(2021, 1, 14), date(2020, 11, 15), date(2020, 12, 14), "www/Otchety1220m"),
    ],
)
def test_the_monthly_report_covers_the_days_between_two_report_dates(
    report_day: int, made: date, first: date, last: date, folder: str
) -> None:
    order = plan.monthly(Device("1", report_day=report_day), last, made)
    assert order is not None
    assert (order.period.first.date(), order.period.last.date(), order.folder) == (first, last, folder)


def test_the_monthly_report_waits_three_days_for_its_last_day_and_no_longer() -> None:
    stored = date(2020, 8, 27)
    assert plan.monthly(DEVICE, stored, date(2020, 8, 30)) is None
    assert plan.monthly(DEVICE, stored, date(2020, 9, 2)) is not None
    assert plan.monthly(DEVICE, date(2020, 7, 1), date(2020, 9, 2)) is None


def test_without_report_day_there_is_no_monthly_report() -> None:
    assert plan.monthly(Device("1"), date(2020, 8, 31), date(2020, 9, 1)) is None


def test_an_ordered_report_is_told_from_an_automatic_one_by_its_name() -> None:
    order = plan.ordered(DEVICE, RecType.HOUR, date(2020, 8, 1), date(2020, 8, 2), "www/Otchety280820")
    assert order.path(2, "xlsx") == "www/Otchety280820/from01082020to02082020_440020s2H.xlsx"
    assert order.period.last == datetime(2020, 8, 2, 23)
    name = order.path(2).rpartition("/")[2]
    assert plan.is_ordered(name) and not plan.is_of_device(name, "440020")
    assert plan.is_of_device(name.replace("H.", "."), "440020")
    assert not plan.is_of_device(name.replace("H.", "."), "44002")


@pytest.mark.parametrize(
    ("kind", "first", "last"),
    [(RecType.DAY, date(2020, 8, 2), date(2020, 8, 1)), (RecType.HOUR, date(2018, 8, 2), date(2020, 8, 1))],
)
def test_a_period_that_cannot_be_is_refused(kind: RecType, first: date, last: date) -> None:
    with pytest.raises(ValueError, match="отчет: "):
        plan.ordered(DEVICE, kind, first, last, "www/x")


def test_old_daily_folders_go_and_monthly_ones_and_archives_stay() -> None:
    names = ["440020", "Otchety270820", "Otchety280820", "Otchety0820m", "Otchety990820", "Otchety010720"]
    made = date(2020, 8, 28)
    assert plan.old_folders(names, made, complete=True) == ["Otchety270820", "Otchety010720"]
    assert plan.old_folders(names, made, complete=False) == ["Otchety010720"]


def test_ordered_reports_go_into_the_newest_folder_that_is_not_of_the_future() -> None:
    today = date(2020, 8, 28)
    assert plan.newest_folder(["Otchety260820", "Otchety270820", "Otchety010130"], today) == "www/Otchety270820"
    assert plan.newest_folder(["440020"], today) == "www/Otchety280820"


def test_a_question_to_the_process_comes_through() -> None:
    for ask in (
        Ask("/root", (DEVICE, Device("1")), date(2020, 8, 28)),
        Ask("/root", (DEVICE,), date(2020, 8, 28), 31, RecType.HOUR, date(2020, 8, 1), date(2020, 8, 2)),
        Ask("/root", (DEVICE,), date(2020, 8, 28), nameless=True),
    ):
        assert read_ask(ask_text(ask)) == ask

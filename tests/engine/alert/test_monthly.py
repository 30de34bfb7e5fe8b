"""When the monthly reports are mailed, and which files go."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from engine.alert.monthly import LATE_DAYS, body, due, paths, settled
from engine.report.plan import Device


@pytest.mark.parametrize(
    ("now", "day", "expected"),
    [
        ("2026-11-29 05:59", 29, None),
        ("2026-11-29 06:00", 29, "2026-11-29"),
        ("2026-12-05 00:00", 29, "2026-11-29"),
        ("2026-12-20 00:00", 29, None),
        ("2027-02-28 12:00", 29, "2027-02-28"),
        ("2026-11-30 12:00", 31, "2026-11-30"),
        ("2026-11-28 12:00", 29, None),
    ],
)
def test_the_day_of_mail(now: str, day: int, expected: str | None) -> None:
    """A shorter month has it on its last day; too late is never."""
    assert LATE_DAYS == 10
    mailed = date(2026, 10, 31) if "2027" not in now else date(2027, 1, 29)
    assert due(datetime.fromisoformat(now), day, mailed) == (date.fromisoformat(expected) if expected else None)


def test_what_was_mailed_is_not_due_again() -> None:
    assert due(datetime(2026, 11, 30, 12), 29, date(2026, 11, 29)) is None


def test_a_day_of_the_future_was_mailed_by_a_wrong_clock() -> None:
    now = datetime(2026, 11, 20, 12)
    assert settled(now, 29, date(2090, 1, 29)) == settled(now, 29, None) == date(2026, 10, 29)
    assert settled(datetime(2026, 11, 29, 12), 29, None) == date(2026, 10, 29)
    assert settled(now, 29, date(2026, 9, 29)) == date(2026, 9, 29)


def _names(tree: dict[str, list[str]]) -> object:
    return lambda folder: tree.get(folder, [])


def test_a_monthly_report_goes_before_the_daily_one() -> None:
    tree = {
        "www": ["440020", "Otchety291126", "Otchety281126", "Otchety1126m"],
        "www/Otchety1126m": ["from25102026to24112026_1s1.pdf", "from25102026to24112026_1s1.xlsx", "index.html"],
        "www/Otchety291126": ["from29102026to28112026_1s1.pdf", "from29102026to28112026_2s1.pdf", "index.html"],
        "www/Otchety281126": ["from28102026to27112026_2s1.pdf"],
    }
    devices = [Device("1", report_day=25), Device("2"), Device("3")]
    assert paths(devices, date(2026, 11, 29), _names(tree)) == [  # type: ignore[arg-type]
        "www/Otchety1126m/from25102026to24112026_1s1.pdf",
        "www/Otchety1126m/from25102026to24112026_1s1.xlsx",
        "www/Otchety291126/from29102026to28112026_2s1.pdf",
    ]
    assert paths(devices, date(2026, 11, 29), _names({})) == []  # type: ignore[arg-type]


def test_the_letter_says_where_the_files_lie() -> None:
    text = body("ТСМ-СМАРТ №1", ["www/Otchety1126m/a.pdf", "www/Otchety291126/b.pdf"], date(2026, 11, 29))
    assert text == (
        "ТСМ-СМАРТ №1, отчет за месяц на 29.11.2026. Файлов: 2, по FTP они лежат в "
        "www/Otchety1126m, www/Otchety291126.\n"
    )
    assert "отчетов ещё нет" in body("x", [], date(2026, 11, 29))

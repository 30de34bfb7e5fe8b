from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

import pytest

from engine.report import making
from engine.report.mailing import mail_day, monthly_files
from engine.report.plan import Device
from tests.fake.statement_data import store

DEVICE = Device("440020", report_day=25)
SEPTEMBER = "www/Otchety0920m"


def names_in(root: Path) -> list[str]:
    return [path.name for path in root.iterdir()]


@pytest.mark.parametrize(
    ("today", "day", "expected"),
    [
        (date(2020, 9, 29), 29, date(2020, 9, 29)),
        (date(2020, 9, 28), 29, date(2020, 8, 29)),
        (date(2021, 2, 28), 29, date(2021, 2, 28)),
        (date(2020, 9, 30), 31, date(2020, 9, 30)),
    ],
)
def test_the_day_of_mail_is_the_newest_one(today: date, day: int, expected: date) -> None:
    assert mail_day(today, day) == expected


def test_pdf_and_sheet_of_each_system_go_by_mail_and_nobody_elses() -> None:
    own = [f"from25082020to24092020_440020s{system}.{suffix}" for system in (1, 2) for suffix in ("pdf", "xlsx")]
    folders = {
        SEPTEMBER: [
            *reversed(own), "index.html", "from25082020to24092020_44002s1.pdf", "from26072020to24092020_440020s1.pdf",
            "from25082020to24092020_440020s1D.pdf",
        ]
    }  # fmt: skip

    def names(folder: str) -> Iterable[str]:
        return folders[folder]

    [month] = monthly_files([DEVICE, Device("1")], date(2020, 9, 29), names)
    assert month.device == DEVICE
    assert (month.period.first, month.period.last) == (datetime(2020, 8, 25), datetime(2020, 9, 24))
    assert month.paths == tuple(f"{SEPTEMBER}/{name}" for name in own)


def test_a_report_that_is_not_made_yet_is_named_without_files() -> None:
    [month] = monthly_files([DEVICE], date(2020, 9, 25), lambda _folder: ())
    assert month.paths == () and month.period.last == datetime(2020, 9, 24)


def test_what_was_made_is_what_goes_by_mail(tmp_path: Path) -> None:
    store(tmp_path, 69)
    device = Device("440020", report_day=15)
    made = making.make_due(tmp_path, [device], 31, date(2020, 8, 28), 0.0, lambda _problem: None)
    [month] = monthly_files([device], date(2020, 8, 29), lambda folder: names_in(tmp_path / folder))
    assert month.paths[0] in made and month.paths[1] == month.paths[0].replace(".pdf", ".xlsx")
    assert len(month.paths) == 2

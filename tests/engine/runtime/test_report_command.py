from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

import agent
from engine.model import RecType
from engine.runtime.report_command import make_report
from tests.fake.pdf_text import pages_of
from tests.fake.statement_data import store

DEVICE = (
    "[device]\nDevType=ТСМ\nPort=ttyS1\nDevNumber=440020\nReportDay=30\nReportRecords=31\nAddress=Москва\n"
    "[report]\nFields=dM1,T1\n"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    store(tmp_path, 72, datetime(2020, 8, 1), RecType.HOUR)
    devices = tmp_path / "log/User/devices"
    devices.mkdir(parents=True)
    (devices / "a.ini").write_text(DEVICE, encoding="utf-8")
    return tmp_path


def test_a_report_of_hours_has_a_row_for_each_hour_of_its_days(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert agent.main(["--root", str(root), "report", "440020", "H", "01.08.2020", "02.08.2020"]) == 0
    path = root / capsys.readouterr().out.strip()
    assert path.name == "from01082020to02082020_440020s1H.pdf"
    pages = pages_of(path.read_bytes())
    assert pages[0][1] == "Среднечасовые статистические данные с 01.08.2020 по 02.08.2020"
    assert "Отчетный день: 30 Число записей: 31" in pages[0]
    rows = [line for page in pages for line in page if line.startswith(("01.08.2020 ", "02.08.2020 "))]
    assert len(rows) == 48
    assert (rows[0], rows[-1]) == ("01.08.2020 00:00 10.000 70.00", "02.08.2020 23:00 10.000 70.00")
    assert any(line.startswith("Итого: 480.000 70.00") for page in pages for line in page)


def test_words_that_make_no_sense_are_refused_as_in_a_command_file(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert agent.main(["--root", str(root), "report", "440020", "02.08.2020", "01.08.2020"]) == 1
    told = capsys.readouterr().err.strip()
    assert told.startswith("конец 01.08.2020 раньше начала 02.08.2020; нужно: report НОМЕР")


def test_the_same_order_gives_the_same_file(root: Path) -> None:
    words = ["440020", "H", "01.08.2020", "01.08.2020"]
    [made] = make_report(root, words).made
    before = (root / made).read_bytes()
    assert make_report(root, words).made == (made,)
    assert (root / made).read_bytes() == before


def test_hours_that_are_not_there_are_rows_that_say_so(root: Path) -> None:
    [made] = make_report(root, ["440020", "H", "03.08.2020", "04.08.2020"]).made
    lines = [line for page in pages_of((root / made).read_bytes()) for line in page]
    assert sum(line.endswith("нет данных") for line in lines) == 24

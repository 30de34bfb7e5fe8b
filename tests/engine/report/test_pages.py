from __future__ import annotations

import io
import re
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from fpdf import FPDF

from engine.model import RecType
from engine.report import layout
from engine.report.making import FONTS
from engine.report.pages import Paper, pdf_of
from engine.report.sheet import xlsx_of
from engine.settings.keys import REPORT_FIELDS
from tests.fake import statement_data
from tests.fake.pdf_text import pages_of
from tests.fake.statement_data import Day, statement

AUGUST = datetime(2018, 7, 29)


def month() -> list[Day | None]:
    week = statement_data.figure_9_2()[3:]
    return [None if number in (10, 11) else {**week[number % 5], "P2": 0.5} for number in range(31)]


def test_the_manuals_rows_stand_in_the_text_of_the_pdf() -> None:
    first = pages_of(pdf_of(statement(AUGUST, statement_data.figure_9_2()), FONTS))[0]
    assert first[0] == "Ведомость учёта параметров ресурсопотребления. Прибор ТЭСМА-106/2 №440020"
    assert first[1] == "Среднесуточные статистические данные с 29.07.2018 по 05.08.2018"
    assert "29.07.2018 0.000 0.000 0.000 0.000 0.000 --- 0 71.90 54.63 50.60 17.27 0.70 24.00" in first
    assert "02.08.2018 10.423 8.69 1.74 577.554 476.987 100.57 --- 72.01 54.74 50.72 17.27 0.70 24.00" in first
    assert any("Q Qот Qгвс M1 M2 + − T1 T2 T3 dT P1 Tнар" in line for line in first)


def test_a_month_with_its_totals_stands_on_one_page_and_says_what_is_missing() -> None:
    pages = pages_of(pdf_of(statement(AUGUST, month()), FONTS))
    assert len(pages) == 3
    assert any(line.startswith("Итого: ") for line in pages[0])
    assert "08.08.2018 нет данных" in pages[0] and "09.08.2018 нет данных" in pages[0]
    assert any(line.startswith("10.08.2018") and line.endswith("за 3 сут.") for line in pages[0])
    assert pages[1][0] == "Результирующая таблица"
    assert any("Подпись Потребителя" in line and "Подпись Поставщика" in line for line in pages[1])
    assert any("Масса, тонн" in line for line in pages[2]) and any("Температура, °C" in line for line in pages[2])


def test_the_same_statement_gives_the_same_bytes() -> None:
    assert pdf_of(statement(AUGUST, month()), FONTS) == pdf_of(statement(AUGUST, month()), FONTS)
    assert xlsx_of(statement(AUGUST, month())) == xlsx_of(statement(AUGUST, month()))


@pytest.mark.parametrize("address", ["очень длинный проспект " * 20, "непрерывный" * 60])
def test_a_long_address_wraps_within_the_page(address: str) -> None:
    first = pages_of(pdf_of(statement(AUGUST, month(), address=address.strip()), FONTS))[0]
    begin = next(number for number, line in enumerate(first) if line.startswith("Адрес"))
    end = next(number for number, line in enumerate(first) if line.startswith("Система"))
    told = "".join(first[begin:end]).removeprefix("Адрес установки:")
    assert end - begin > 2
    assert told.replace(" ", "") == address.replace(" ", "")


class Ruler(Paper):
    """Notes how far each cell reaches, and whether its text fits it."""

    reached: list[tuple[float, float, bool]]

    def cell(self, w: float = 0, h: float = 0, text: str = "", **rest: object) -> bool:  # type: ignore[override]
        if w:
            fits = self.get_string_width(text) <= w
            self.reached.append((self.get_x() + w, self.get_y() + h, fits))
        return bool(FPDF.cell(self, w, h, text, **rest))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "fields"), [(RecType.DAY, ()), (RecType.HOUR, ()), (RecType.DAY, REPORT_FIELDS), (RecType.HOUR, ("T1",))]
)
def test_every_row_of_every_table_fits_its_page(
    kind: RecType, fields: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    reached: list[tuple[float, float, bool]] = []
    monkeypatch.setattr(Ruler, "reached", reached, raising=False)
    monkeypatch.setattr("engine.report.pages.Paper", Ruler)
    huge: list[Day | None] = [{**(day or {}), "M1": 123456789.123, "M2": 1.0} if day else None for day in month()]
    pdf_of(statement(AUGUST, huge * 3, kind, fields=fields), FONTS)
    assert len(reached) > 90
    assert max(right for right, _, _ in reached) <= layout.PAGE_WIDTH - layout.MARGIN + 0.01
    assert max(bottom for _, bottom, _ in reached) <= layout.PAGE_HEIGHT - layout.MARGIN
    assert all(fits for _, _, fits in reached)


def test_a_statement_without_any_data_is_drawn_too() -> None:
    pages = pages_of(pdf_of(statement(AUGUST, [None] * 31), FONTS))
    assert sum("нет данных" in line for line in pages[0]) == 31


def test_the_fonts_have_every_letter_that_reports_print() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in Path("engine/report").glob("*.py"))
    wanted = set(re.findall(r"[^\x00-\x7f]", sources)) | set("абвгдеёжзийклмнопрстуфхцчшщъыьэюяАБЁЯІіЎў«»№°³—…")
    for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"):
        with TTFont(FONTS / name) as font:
            assert {letter for letter in wanted if ord(letter) not in font.getBestCmap()} == set()
    assert "Bitstream" in (FONTS / "LICENSE").read_text(encoding="utf-8")


def test_numbers_of_the_sheet_are_numbers() -> None:
    with zipfile.ZipFile(io.BytesIO(xlsx_of(statement(AUGUST, month())))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert re.search(r'<c r="B8" s="\d+"><v>4\.692</v></c>', sheet)
    assert "нет данных" in sheet
    assert sheet.count("<row ") > 31 + len(statement(AUGUST, month()).result)


def test_a_row_names_the_hour_that_it_covers() -> None:
    hours = [{"M1": 1.0, "M2": 1.0, "T1": 70.0, "T2": 50.0, "Tgood": 1.0}] * 3
    pages = pages_of(pdf_of(statement(AUGUST + timedelta(hours=22), hours, RecType.HOUR), FONTS))
    assert [line.split()[1] for line in pages[0] if re.match(r"\d\d\.\d\d\.2018 \d\d:", line)] == [
        "22:00", "23:00", "00:00",
    ]  # fmt: skip

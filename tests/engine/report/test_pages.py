from __future__ import annotations

import io
import re
import zipfile
import zlib
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from fpdf import FPDF

from engine.model import RecType
from engine.report import layout
from engine.report.making import FONTS
from engine.report.pages import TEXT_PT, Paper, pdf_of
from engine.report.rows import Period, rows_of
from engine.report.sheet import xlsx_of
from engine.report.statement import Subject, make_statement
from engine.settings.keys import REPORT_FIELDS
from tests.fake import statement_data
from tests.fake.pdf_text import fonts_of, pages_of
from tests.fake.statement_data import Day, records, statement

AUGUST = datetime(2018, 7, 29)


def month() -> list[Day | None]:
    week = statement_data.figure_9_2()[3:]
    return [None if number in (10, 11) else {**week[number % 5], "P2": 0.5} for number in range(31)]


def result_cells() -> list[str]:
    """The signs of the result table and their values, as figure 9.6 of the manual prints them."""
    told = """\
        Tобщ 718.88 Tошиб 0 Tнар.н.п 608.59 Q 265.4 Tнар.к.п 1327.48 Q.н.п 222.51 Tнар 718.88 Q.к.п 487.92
        M1 7594.26 M2 7278.02 M1.н.п 6369 M2.н.п 6307.34 M1.к.п 13963.26 M2.к.п 13585.36
        dTGmin 0 dTdt 0 dTGmax 0 dTerr 0"""
    words = told.split()
    return [f"{sign} {value}" for sign, value in zip(words[::2], words[1::2], strict=True)]


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


def test_the_manuals_totals_stand_in_the_text_of_the_pdf() -> None:
    """Figure 11.5: masses and hours are summed, t1 is weighted by M1; rounded rows cost 0.01 of a mean at most."""
    days = statement_data.figure_11_5()
    first = pages_of(pdf_of(statement(datetime(2017, 11, 24), days, facts={"Type": "Р-Подача"}), FONTS))[0]
    assert "Итого 11.2017: 0.000 4911.200 4909.300 2 0.1 70.17 57.34 12.83 0.51 0.44 168.00" in first
    assert "Итого 12.2017: 0.000 4856.000 4849.800 6.2 0 69.42 58.20 11.22 0.52 0.45 144.00" in first
    assert "Итого: 0.000 9767.200 9759.100 8.2 0.1 69.80 57.77 12.03 0.51 0.44 312.00" in first


def test_the_manuals_result_table_stands_in_the_text_of_the_pdf() -> None:
    start = {"Q1": 222.514, "M1": 6369.0, "M2": 6307.34, "Tgood": 608.594, "Tall": 620.0}
    errors = dict.fromkeys(("Tmin", "Tmax", "Tdt", "Terr"), 0.0)
    grown = {"Q1": 265.402, "M1": 7594.26, "M2": 7278.02, "Tgood": 718.884, "Tall": 718.884}
    first = datetime(2018, 5, 15)
    data = rows_of(records(first, [grown], **start, **errors), 1, Period(RecType.DAY, first, first))
    made = make_statement(Subject("ТЭМ-104", "476842", 1, {**statement_data.FACTS, "Type": "Р-Подача"}), data)
    text = "\n".join(pages_of(pdf_of(made, FONTS))[1])
    assert [told for told in result_cells() if not re.search(rf"(?<!\S){re.escape(told)}(?!\S)", text)] == []
    assert "Тип прибора ТЭМ-104 Номер прибора 476842" in text
    assert "Тип системы Р-Подача Разность температур мин, град.С dTmin 2.00" in text
    assert "(расход меньше Gmin)" in text and "(тех. неисправность)" in text


def test_each_page_says_what_it_belongs_to() -> None:
    pages = pages_of(pdf_of(statement(AUGUST, month()), FONTS))
    brief = "Прибор ТЭСМА-106/2 №440020, система 1, с 29.07.2018 по 28.08.2018"
    assert [page[-1] for page in pages] == [f"{brief} стр. {number} из 3" for number in (1, 2, 3)]


def test_the_heading_says_who_where_and_when_to_report() -> None:
    made = statement(AUGUST, month(), report_day=30, report_records=31)
    assert pages_of(pdf_of(made, FONTS))[0][2:6] == [
        "Адрес установки: Москва, пр. Московский, д. 13",
        "Система 1: Открытая система Q = M1(h1 - h3) - M2(h2 - h3)",
        "Ответственное лицо: Иванов Иван Иванович",
        "Отчетный день: 30 Число записей: 31",
    ]


@pytest.mark.parametrize("rows", range(70, 82))
def test_no_page_begins_with_a_total(rows: int) -> None:
    pages = pages_of(pdf_of(statement(datetime(2018, 8, 1), [month()[0]] * rows), FONTS))
    tables = [[line for line in page if re.match(r"Итого|\d\d\.\d\d\.2018", line)] for page in pages[:3]]
    assert tables[1] and not any(lines and lines[0].startswith("Итого") for lines in tables)


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
    """Notes how far each cell reaches, whether its text fits it, and how large that is."""

    reached: list[tuple[float, float, bool]]
    sizes: dict[str, float]

    def cell(self, w: float = 0, h: float = 0, text: str = "", **rest: object) -> bool:  # type: ignore[override]
        if w:
            fits = self.get_string_width(text) <= w
            self.reached.append((self.get_x() + w, self.get_y() + h, fits))
            self.sizes[text] = min(self.font_size_pt, self.sizes.get(text, self.font_size_pt))
        return bool(FPDF.cell(self, w, h, text, **rest))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "fields"), [(RecType.DAY, ()), (RecType.HOUR, ()), (RecType.DAY, REPORT_FIELDS), (RecType.HOUR, ("T1",))]
)
def test_every_row_of_every_table_fits_its_page(
    kind: RecType, fields: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    reached: list[tuple[float, float, bool]] = []
    monkeypatch.setattr(Ruler, "reached", reached, raising=False)
    monkeypatch.setattr(Ruler, "sizes", {}, raising=False)
    monkeypatch.setattr("engine.report.pages.Paper", Ruler)
    huge: list[Day | None] = [{**(day or {}), "M1": 123456789.123, "M2": 1.0} if day else None for day in month()]
    pdf_of(statement(AUGUST, huge * 3, kind, fields=fields), FONTS)
    assert len(reached) > 90
    assert max(right for right, _, _ in reached) <= layout.PAGE_WIDTH - layout.MARGIN + 0.01
    assert max(bottom for _, bottom, _ in reached) <= layout.PAGE_HEIGHT - layout.MARGIN
    assert all(fits for _, _, fits in reached)


def test_usual_numbers_and_all_headings_are_printed_whole_and_in_full_size(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: dict[str, float] = {}
    monkeypatch.setattr(Ruler, "reached", [], raising=False)
    monkeypatch.setattr(Ruler, "sizes", sizes, raising=False)
    monkeypatch.setattr("engine.report.pages.Paper", Ruler)
    day = {**month()[0], "M1": 9999.999, "M2": 9899.999, "P2": 0.55, "P3": 0.5}  # type: ignore[dict-item]
    pdf_of(statement(AUGUST, [day, None, day, day]), FONTS)
    assert {"9999.999", "29999.997", "Примечание", "Итого 07.2018:"} <= sizes.keys()
    assert {text: size for text, size in sizes.items() if size < TEXT_PT or "…" in text} == {}


def test_a_statement_without_any_data_keeps_the_columns_of_its_system() -> None:
    pages = pages_of(pdf_of(statement(AUGUST, [None] * 31), FONTS))
    assert sum("нет данных" in line for line in pages[0]) == 31
    assert any("Q M1 M2 + − Tнар" in line for line in pages[0])


def test_a_device_that_never_stored_a_day_has_the_columns_of_its_snapshot() -> None:
    facts = {**statement_data.FACTS, "Q1": None, "M1": None, "T1": None, "Tgood": None}
    made = make_statement(Subject("ТСМ", "1", 1, facts), rows_of([], 1, statement_data.period(AUGUST, 3)))
    assert [column.key for column in made.columns] == ["Q", "dM1", "T1", "dTgood"]
    assert sum(line.gap for line in made.lines()) == 3


def test_the_fonts_have_every_letter_that_reports_print() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in Path("engine/report").glob("*.py"))
    wanted = set(re.findall(r"[^\x00-\x7f]", sources)) | set("абвгдеёжзийклмнопрстуфхцчшщъыьэюяАБЁЯІіЎў«»№°³—…")
    for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"):
        with TTFont(FONTS / name) as font:
            assert {letter for letter in wanted if ord(letter) not in font.getBestCmap()} == set()
    assert "Bitstream" in (FONTS / "LICENSE").read_text(encoding="utf-8")


def test_fonts_are_embedded_as_subsets_and_the_text_can_be_searched(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf_of(statement(AUGUST, month()), FONTS))
    fonts = [line.split() for line in fonts_of(path)]
    assert sorted(font[0].partition("+")[2] for font in fonts) == ["DejaVuSansBold", "DejaVuSansBook"]
    assert [font[-5:-2] for font in fonts] == [["yes"] * 3] * 2


def test_graphs_are_lines_without_colour_that_differ_by_their_strokes() -> None:
    days = [{**(day or {}), "T3": 10.0} if day else None for day in month()]
    drawn = page_contents(pdf_of(statement(AUGUST, days), FONTS))[-1]
    assert not re.search(r"\b(rg|RG|k|K|Do)\n", drawn), "no colour and no picture"
    assert len(set(re.findall(r"\[([^\]]*)\] 0(?:\.0*)? d\b", drawn))) == 3


def page_contents(pdf: bytes) -> list[str]:
    """What draws each page, in order: the streams that set text or lines."""
    found = [zlib.decompress(data) for data in re.findall(rb"stream\n(x.*?)\nendstream", pdf, re.DOTALL)]
    return [data.decode("latin-1") for data in found if b" l\n" in data or b" re" in data]


def test_numbers_of_the_sheet_are_numbers() -> None:
    with zipfile.ZipFile(io.BytesIO(xlsx_of(statement(AUGUST, month())))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert re.search(r'<c r="B8" s="\d+"><v>4\.692</v></c>', sheet)
    assert re.search(r'<c r="A8" s="\d+"><v>43310</v></c>', sheet), "29.07.2018 is a date"
    assert 'orientation="landscape"' in sheet and '<pane xSplit="1" ySplit="7"' in sheet
    assert "нет данных" in sheet
    assert sheet.count("<row ") > 31 + len(statement(AUGUST, month()).result)


def test_a_row_names_the_hour_that_it_covers() -> None:
    hours = [{"M1": 1.0, "M2": 1.0, "T1": 70.0, "T2": 50.0, "Tgood": 1.0}] * 3
    pages = pages_of(pdf_of(statement(AUGUST + timedelta(hours=22), hours, RecType.HOUR), FONTS))
    assert [line.split()[1] for line in pages[0] if re.match(r"\d\d\.\d\d\.2018 \d\d:", line)] == [
        "22:00", "23:00", "00:00",
    ]  # fmt: skip

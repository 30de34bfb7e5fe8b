"""The static pages, from plain values."""

from __future__ import annotations

import html
import re
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.formats.gaps import Gap
from engine.formats.index import main_page
from engine.formats.index.device import GAPS_MOST, device_page, values_lines
from engine.formats.index.folder import folder_page, is_reports
from engine.formats.index.page import ITEMS_MOST, NO_BREAK, count_text, href, listed, shown, size_text
from engine.formats.index.tree import AgentState, ArchiveFile, DeviceFolder, DeviceState, Folder, StoredFile, Tree
from engine.formats.values import clean
from engine.model import RecType

GOLDEN = Path(__file__).parents[2] / "golden"

DEVICE = DeviceFolder(
    "440020",
    archives=(
        ArchiveFile("D-2026.txt", 365_000, RecType.DAY, datetime(2026, 1, 1), datetime(2026, 9, 25)),
        ArchiveFile("H-2026-08.txt", 1_400_000, RecType.HOUR, datetime(2026, 8, 1, 1), datetime(2026, 9, 1)),
        ArchiveFile("H-2026-09.txt", 812, RecType.HOUR, datetime(2026, 9, 1, 1), datetime(2026, 9, 25, 14)),
        ArchiveFile("M.txt", 40, RecType.MONTH),
    ),
    gaps=(
        Gap(RecType.HOUR, datetime(2026, 8, 3, 4), datetime(2026, 8, 3, 9), "нет в приборе"),
        Gap(RecType.DAY, datetime(2026, 9, 2), datetime(2026, 9, 2), "повреждена"),
    ),
    others=(StoredFile("gaps.txt", 120),),
)
REPORTS = Folder(
    "Otchety250926",
    (
        StoredFile("from25082026to24092026_440020s1.pdf", 36_600),
        StoredFile("from25082026to24092026_440020s1.xlsx", 9_600),
        StoredFile("from01092026to25092026_440020s2.pdf", 30_000),
        StoredFile("примечание.txt", 12),
    ),
)
AGENT = AgentState(
    "ТСМ-СМАРТ",
    7,
    "ТСМ-смарт работает с 25.09.26 08:00:00",
    notices=("в настройках есть ошибки (2), смотрите log/User/status.txt",),
    devices=(
        DeviceState(
            "440020", "ТЕМ-104", "на связи", "25.09.26 14:30:07", ("Система 1: T1 68,20 °C",), "расход меньше Gmin"
        ),
        DeviceState("", "kotelnaya.ini", "ещё не опрошен"),
    ),
)
TREE = Tree(
    (DEVICE, DeviceFolder("99")), (Folder("Otchety240926"), Folder("Otchety0826m"), REPORTS, Folder("Прочее & разное"))
)


def golden(name: str) -> str:
    return (GOLDEN / name).read_text(encoding="utf-8")


def test_the_first_page_is_the_golden_one() -> None:
    assert main_page(AGENT, TREE) == golden("index.html")


def test_the_page_of_an_archive_is_the_golden_one() -> None:
    assert device_page(DEVICE, "ТЕМ-104") == golden("index_440020.html")


def test_the_page_of_reports_is_the_golden_one() -> None:
    assert folder_page(REPORTS) == golden("index_Otchety250926.html")


class Reader(HTMLParser):
    """Tags opened and closed in order, links, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


PAGES = (main_page(AGENT, TREE), device_page(DEVICE), folder_page(REPORTS), folder_page(Folder("Прочее")))


@pytest.mark.parametrize("page", PAGES)
def test_a_page_needs_nothing_from_elsewhere(page: str) -> None:
    reader = Reader(page)
    assert reader.open == []
    assert not reader.tags & {"script", "img", "link", "iframe", "form", "object"}
    assert all(re.fullmatch(r"(\.\./)?[0-9A-Za-z%._~/-]+", link) for link in reader.links)
    assert "viewport" in page and "url(" not in page and "http:" not in page


@pytest.mark.parametrize("page", PAGES)
def test_links_to_folders_name_their_index_because_a_flash_drive_has_no_server(page: str) -> None:
    assert not [link for link in Reader(page).links if not re.search(r"\.(html|txt|pdf|xlsx)$", link)]


HOSTILE = "\"><script>alert(1)</script>&\u2028\n'x"


def test_no_text_breaks_out_of_the_page() -> None:
    device = DeviceState("1", HOSTILE, HOSTILE, HOSTILE, (HOSTILE,), HOSTILE)
    agent = AgentState(HOSTILE, 1, HOSTILE, (HOSTILE,), (device,))
    gap = Gap(RecType.DAY, datetime(2026, 1, 1), datetime(2026, 1, 1), HOSTILE)
    folder = DeviceFolder("1", gaps=(gap,), others=(StoredFile(HOSTILE, 1),))
    for page in (main_page(agent, Tree((), (Folder(HOSTILE),))), device_page(folder, HOSTILE)):
        reader = Reader(page)
        assert "script" not in reader.tags and reader.open == []
        assert "<script>alert(1)</script>&" in reader.text


@given(st.text(min_size=1))
def test_a_name_as_a_link_never_leads_elsewhere(name: str) -> None:
    assert re.fullmatch(r"[0-9A-Za-z%._~-]*", href(name.encode("utf-8", "replace").decode()))


def test_what_is_not_known_of_a_file_is_not_made_up() -> None:
    page = device_page(DeviceFolder("1", (ArchiveFile("M.txt", 0, RecType.MONTH),)))
    assert "записи не читаются" in page and "Пропусков нет" in page


def test_an_archive_that_no_device_of_the_settings_has_is_shown_too() -> None:
    text = Reader(main_page(AGENT, TREE)).text
    assert "№99" in text and "не опрашивается" in text


def test_reports_stand_newest_first_and_a_month_after_all_its_days() -> None:
    text = main_page(AGENT, TREE)
    places = [text.index(part) for part in ("Otchety250926", "Otchety240926", "Otchety0826m")]
    assert places == sorted(places)
    page = folder_page(REPORTS)
    assert page.index("from01092026to25092026") < page.index("from25082026to24092026") < page.index(">примечание.txt")


def test_an_ordered_report_says_what_its_rows_are() -> None:
    page = folder_page(Folder("x", [StoredFile("from01092018to26092018_440020s12H.xlsx", 1)]))
    assert "Прибор №440020, система 12: 01.09.2018 – 26.09.2018 по часам, Excel" in page


@pytest.mark.parametrize(
    ("name", "reports"),
    [("Otchety250926", True), ("Otchety0926m", True), ("Otchety2509261", False), ("440020", False), ("Otchety", False)],
)
def test_a_folder_of_reports_is_known_by_its_name(name: str, reports: bool) -> None:
    assert is_reports(name) is reports


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 Б"), (999, "999 Б"), (1000, "1,0 кБ"), (1024, "1,0 кБ"), (1_400_000, "1,3 МБ"), (10**15, "909 ТБ")],
)
def test_sizes_are_short_and_on_one_line(size: int, text: str) -> None:
    assert size_text(size) == text.replace(" ", NO_BREAK)


@pytest.mark.parametrize(
    ("count", "text"), [(1, "1 a"), (2, "2 b"), (5, "5 c"), (11, "11 c"), (21, "21 a"), (112, "112 c")]
)
def test_numbers_agree_with_their_words(count: int, text: str) -> None:
    assert count_text(count, "a", "b", "c") == text


def test_long_lists_are_cut_and_say_so() -> None:
    assert f"и ещё {5}" in listed("x" for _ in range(ITEMS_MOST + 5))
    stamp = datetime(2026, 1, 1)
    gaps = [Gap(RecType.DAY, stamp, stamp, "повреждена")] * (GAPS_MOST + 3)
    assert "И ещё 3, смотрите gaps.txt." in device_page(DeviceFolder("1", gaps=gaps))


def test_current_values_are_one_line_a_system_and_unknown_ones_are_left_out() -> None:
    """A name stays beside its number and its unit wherever the line is broken."""
    assert values_lines([{"T1": 68.2, "T2": None, "G1": 1.5}, {}, {"Q1": 0.0}]) == (
        "Система 1: G1~1,500~т/ч, T1~68,20~°C".replace("~", NO_BREAK),
        "Система 3: Q1~0,000~Гкал".replace("~", NO_BREAK),
    )


@given(st.text(alphabet=st.sampled_from("<>&\"'a ;#"), max_size=20))
def test_a_text_is_escaped_as_the_library_would(text: str) -> None:
    assert shown(text) == html.escape(clean(text))

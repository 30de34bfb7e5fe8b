"""Reports and other folders on the static pages. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.formats.index.page import INDEX, files_text, href, listed, page, shown, size_text
from engine.formats.index.tree import Folder, StoredFile

_REPORT = re.compile(
    r"from(\d{2})(\d{2})(\d{4})to(\d{2})(\d{2})(\d{4})_([0-9A-Za-z]+)s(\d{1,2})([DH]?)\.(pdf|xlsx)", re.ASCII
)
_ORDERED = {"": "", "H": " по часам", "D": " по суткам"}
"""Reports that a person ordered say what a row of theirs is."""
_DAILY = re.compile(r"Otchety(\d{2})(\d{2})(\d{2})")
_MONTHLY = re.compile(r"Otchety(\d{2})(\d{2})m")


def is_reports(name: str) -> bool:
    """Whether a folder of this name holds reports."""
    return _made(name) is not None


def folder_page(folder: Folder) -> str:
    """The page of a folder with reports, newest first, or of any other one."""
    reports = [file for file in folder.files if _REPORT.fullmatch(file.name)]
    others = [file for file in folder.files if not _REPORT.fullmatch(file.name)]
    ordered = [*sorted(reports, key=_report_order), *others]
    return page(_folder_title(folder.name), listed(map(file_line, ordered)) or "<p>Файлов нет.</p>\n")


def by_date(folders: Iterable[Folder]) -> tuple[list[Folder], list[Folder]]:
    """Folders with reports, newest first, and the others."""
    reports = [folder for folder in folders if is_reports(folder.name)]
    others = [folder for folder in folders if not is_reports(folder.name)]
    return sorted(reports, key=lambda folder: _made(folder.name) or (), reverse=True), others


def _made(name: str) -> tuple[int, int, int] | None:
    """Year, month, day of a folder of reports; a month's counts as made after all its days."""
    if found := _DAILY.fullmatch(name):
        return int(found[3]), int(found[2]), int(found[1])
    if found := _MONTHLY.fullmatch(name):
        return int(found[2]), int(found[1]), 99
    return None


def _folder_title(name: str) -> str:
    if found := _DAILY.fullmatch(name):
        return f"Отчёты от {found[1]}.{found[2]}.{found[3]}"
    if found := _MONTHLY.fullmatch(name):
        return f"Отчёты за месяц {found[1]}.{found[2]}"
    return name


def folder_link(folder: Folder) -> str:
    """A link to the page of a folder, with what lies there."""
    link = f'<a href="{href(folder.name, INDEX)}">{shown(_folder_title(folder.name))}</a>'
    return f"{link}: {files_text(len(folder.files))}, {size_text(sum(file.size_bytes for file in folder.files))}"


def _report_order(file: StoredFile) -> tuple[int, int, str]:
    """Newest last day first, of one day the newest beginning first, then by device."""
    found = _REPORT.fullmatch(file.name)
    assert found is not None, "only reports are ordered as reports"
    first, last = found[3] + found[2] + found[1], found[6] + found[5] + found[4]
    return -int(last), -int(first), f"{found[7]}s{found[8]:>2}{found[9]}.{found[10]}"


def file_line(file: StoredFile) -> str:
    """A link to a file beside the page, a report by what it covers."""
    return f'<a href="{href(file.name)}">{shown(_file_title(file.name))}</a>, {size_text(file.size_bytes)}'


def _file_title(name: str) -> str:
    found = _REPORT.fullmatch(name)
    if found is None:
        return name
    kind = "PDF" if found[10] == "pdf" else "Excel"
    span = f"{found[1]}.{found[2]}.{found[3]} – {found[4]}.{found[5]}.{found[6]}"
    return f"Прибор №{found[7]}, система {found[8]}: {span}{_ORDERED[found[9]]}, {kind}"

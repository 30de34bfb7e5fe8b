"""A device on the static pages: its card on the first one, and the page of its archive. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from engine.formats.gaps import Gap
from engine.formats.index.folder import file_line
from engine.formats.index.page import INDEX, NO_BREAK, count_text, files_text, href, listed, page, shown, size_text
from engine.formats.index.tree import ArchiveFile, DeviceFolder, DeviceState
from engine.formats.values import value_text
from engine.model import RecType, Values

GAPS_MOST = 200

_SHOWN = (
    ("Q1", "Гкал"), ("M1", "т"), ("M2", "т"), ("G1", "т/ч"), ("G2", "т/ч"), ("T1", "°C"), ("T2", "°C"), ("T3", "°C"),
    ("P1", "МПа"), ("P2", "МПа"),
)  # fmt: skip

KINDS = {
    RecType.HOUR: "Часовой архив",
    RecType.DAY: "Суточный архив",
    RecType.MONTH: "Архив на отчётную дату",
    RecType.EVENT: "Архив событий",
}


def device_page(folder: DeviceFolder, title: str = "") -> str:
    """The page of an archive: every file with its span, gaps, other files."""
    parts = [_kind_table(kind, folder) for kind in RecType]
    parts += ["<h2>Пропуски</h2>\n", _gap_table(folder.gaps)]
    if folder.others:
        parts += ["<h2>Другие файлы</h2>\n", listed(map(file_line, folder.others))]
    return page(_device_title(folder.number, title), "".join(parts))


def _device_title(number: str, title: str) -> str:
    return f"{title or 'Прибор'} №{number}" if number else title or "Прибор"


def device_card(device: DeviceState, folder: DeviceFolder | None) -> str:
    """A device on the first page; `folder` is its archive, None when there is none yet."""
    title = shown(_device_title(device.number, device.title))
    if folder:
        title = f'<a href="{href(folder.number, INDEX)}">{title}</a>'
    lines = [f"Состояние: <strong>{shown(device.state)}</strong>"]
    if device.reading:
        lines.append(f"Последние показания: {shown(device.reading)}")
    lines += map(shown, device.values)
    if device.note:
        lines.append(f"<strong>Внимание:</strong> {shown(device.note)}")
    lines += _summary(folder) if folder else ["Архива нет"]
    return f"<article>\n<h3>{title}</h3>\n{''.join(f'<p>{line}</p>{chr(10)}' for line in lines)}</article>\n"


def _summary(folder: DeviceFolder) -> list[str]:
    lines = [_kind_line(kind, files) for kind in RecType if (files := _of_kind(folder, kind))]
    count = len(folder.gaps)
    gaps = f'<a href="{href(folder.number, INDEX)}">{count_text(count, "пропуск", "пропуска", "пропусков")}</a>'
    return [*(lines or ["Архива нет"]), f"В архиве {gaps}"] if count else lines or ["Архива нет"]


def _kind_line(kind: RecType, files: Sequence[ArchiveFile]) -> str:
    size = size_text(sum(file.size_bytes for file in files))
    return f"{KINDS[kind]}: {_span(files)}; {files_text(len(files))}, {size}"


def _of_kind(folder: DeviceFolder, kind: RecType) -> list[ArchiveFile]:
    return [file for file in folder.archives if file.rec_type is kind]


def _span(files: Sequence[ArchiveFile]) -> str:
    firsts = [file.first for file in files if file.first]
    lasts = [file.last for file in files if file.last]
    return _from_to(min(firsts), max(lasts)) if firsts and lasts else "записи не читаются"


def _kind_table(kind: RecType, folder: DeviceFolder) -> str:
    files = sorted(_of_kind(folder, kind), key=lambda file: file.name, reverse=True)
    if not files:
        return ""
    rows = [
        f'<tr><td><a href="{href(file.name)}">{shown(file.name)}</a></td><td>{_span([file])}</td>'
        f'<td class="n">{size_text(file.size_bytes)}</td></tr>\n'
        for file in files
    ]
    head = '<tr><th>Файл</th><th>Записи</th><th class="n">Размер</th></tr>\n'
    return f"<h2>{KINDS[kind]}</h2>\n<table>\n{head}{''.join(rows)}</table>\n"


def _gap_table(gaps: Sequence[Gap]) -> str:
    if not gaps:
        return "<p>Пропусков нет.</p>\n"
    newest = sorted(gaps, key=lambda gap: gap.last, reverse=True)
    rows = [
        f"<tr><td>{KINDS[gap.rec_type]}</td><td>{_from_to(gap.first, gap.last)}</td><td>{shown(gap.reason)}</td></tr>\n"
        for gap in newest[:GAPS_MOST]
    ]
    head = "<tr><th>Архив</th><th>Нет записей</th><th>Причина</th></tr>\n"
    more = f"<p>И ещё {len(gaps) - GAPS_MOST}, смотрите gaps.txt.</p>\n" if len(gaps) > GAPS_MOST else ""
    return f"<table>\n{head}{''.join(rows)}</table>\n{more}"


def _from_to(first: datetime, last: datetime) -> str:
    return _moment(first) if first == last else f"{_moment(first)} – {_moment(last)}"


def _moment(stamp: datetime) -> str:
    """Date and time stay on one line."""
    return f"{stamp:%d.%m.%y}{NO_BREAK}{stamp:%H:%M}"


def values_lines(systems: Sequence[Values]) -> tuple[str, ...]:
    """The current values of each system in one line; what is not known now is left out."""
    lines = [
        ", ".join(_value(key, unit, system) for key, unit in _SHOWN if system.get(key) is not None)
        for system in systems
    ]
    return tuple(f"Система {number}: {line}" for number, line in enumerate(lines, 1) if line)


def _value(key: str, unit: str, system: Values) -> str:
    """Name, number and unit stay on one line."""
    return NO_BREAK.join((key, value_text(key, system[key]).replace(".", ","), unit))

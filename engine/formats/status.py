"""`log/User/status.txt`: what is in force, every problem, and one line for each device, line and server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from engine.errors import Problem
from engine.formats.values import clean

UNKNOWN_TIME = "время неизвестно"


@dataclass(frozen=True, slots=True)
class StatusView:
    """Everything that the file shows; the lines of its sections are ready, a section without any is left out."""

    name: str
    number: int
    now: datetime | None
    started: datetime | None
    settings_since: datetime | None
    stopped: bool = False
    problems: Sequence[Problem] = ()
    warnings: Sequence[str] = ()
    sections: Mapping[str, Sequence[str]] = field(default_factory=dict)
    crashes: Mapping[str, int] = field(default_factory=dict)


def moment_text(moment: datetime | None) -> str:
    """`dd.mm.yy HH:MM:SS`, or that it is unknown."""
    return moment.strftime("%d.%m.%y %H:%M:%S") if moment else UNKNOWN_TIME


def counts_text(counts: Mapping[str, int]) -> str:
    """`нет ответа 3, шум 1`, the most frequent first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{reason} {count}" for reason, count in ordered if count)


def status_text(view: StatusView) -> str:
    """The whole file."""
    parts = [
        f"{clean(view.name)} №{view.number}",
        f"Состояние на {moment_text(view.now)}, {_life(view)}",
        *(f"ВНИМАНИЕ: {clean(warning)}" for warning in view.warnings),
        "",
        "[Настройки]",
        f"Действуют с {moment_text(view.settings_since)}",
        *(_problems(view.problems) or ["Ошибок нет"]),
    ]
    for title, lines in view.sections.items():
        if lines:
            parts += ["", f"[{title}]", *map(clean, lines)]
    if view.crashes:
        parts += ["", "[Внутренние сбои]", *(f"{clean(name)}: {count}" for name, count in sorted(view.crashes.items()))]
    return "\n".join(parts) + "\n"


def _life(view: StatusView) -> str:
    return "агент остановлен" if view.stopped else f"работает с {moment_text(view.started)}"


def _problems(problems: Sequence[Problem]) -> list[str]:
    return [f"{'предупреждение: ' if problem.warning else ''}{clean(str(problem))}" for problem in problems]

"""A line of words -> a command, and back; a file -> its commands or every problem with its line. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import NamedTuple

from engine import naming
from engine.command import (
    Archive,
    Autoconfig,
    Command,
    Export,
    Factory,
    Pause,
    Push,
    Read,
    Rebuild,
    Report,
    Resume,
    SetTime,
    Trace,
)
from engine.dialect import kinds
from engine.errors import Problem
from engine.model import RecType

LIMIT_LINES = 200
LIMIT_CHARACTERS = 500
LONGEST_PAUSE_S = 31 * 86400
LONGEST_TRACE_S = 3600

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([1-9][0-9]{0,6})([smhd])", re.ASCII)
_DATE = re.compile(r"[0-9]{2}\.[0-9]{2}\.[0-9]{4}", re.ASCII)
_SHOWN_LIMIT = 40


def parse(line: str) -> Command:
    """The command of a line; `ValueError` with what is wrong with it, in Russian."""
    if len(line) > LIMIT_CHARACTERS:
        raise ValueError(f"строка длиннее {LIMIT_CHARACTERS} знаков")
    if not line.isprintable():
        raise ValueError("в строке есть непечатаемые знаки")
    word, _, rest = line.strip().partition(" ")
    form = _FORMS.get(word.lower())
    if form is None:
        raise ValueError(f"неизвестная команда «{_shown(word)}»; есть {', '.join(_FORMS)}")
    try:
        return form.take(rest.strip())
    except ValueError as error:
        raise ValueError(f"{error}; нужно: {form.usage}") from None


def parse_file(name: str, text: str) -> tuple[tuple[Command, ...], tuple[Problem, ...]]:
    """All commands of a file in order, and everything that is wrong in it, each `name:LINE: …`."""
    commands: list[Command] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.split("\n"), 1):
        line = line.replace("\t", " ").strip()
        if not line or line.startswith((";", "#")):
            continue
        try:
            commands.append(parse(line))
        except ValueError as error:
            problems.append(Problem(name, number, str(error)))
        if len(commands) + len(problems) > LIMIT_LINES:
            return (), (Problem(name, number, f"в файле больше {LIMIT_LINES} команд"),)
    if not commands and not problems:
        problems.append(Problem(name, 0, "в файле нет ни одной команды"))
    return tuple(commands), tuple(problems)


class Usage(NamedTuple):
    """A command for a person: how it is written, and what it does."""

    form: str
    does: str


def usages() -> dict[str, Usage]:
    """Every command by its word."""
    return {word: Usage(form.usage, form.does) for word, form in _FORMS.items()}


def write(command: Command) -> str:
    """The line of a command: `parse` gives the same command again."""
    match command:
        case Pause(for_s):
            words = ["pause"] if for_s is None else ["pause", duration_text(for_s)]
        case Archive(number, kind, first, last):
            words = ["archive", number, *([kind.value] if kind else []), *_dates(first, last)]
        case Report(number, kind, first, last):
            words = ["report", number, kind.value, *_dates(first, last)]
        case Autoconfig(ports):
            words = ["autoconfig", *ports]
        case Trace(number, for_s):
            words = ["trace", number, duration_text(for_s)]
        case Read(text) | Rebuild(text) | Factory(text) | SetTime(text) | Export(text):
            words = [_WORD_OF[type(command)], text]
        case Resume() | Push():
            words = [_WORD_OF[type(command)]]
    return " ".join(words)


def duration_text(duration_s: int) -> str:
    """`90s`, `15m`, `1h`: the largest unit that fits."""
    unit, size = next((unit, size) for unit, size in reversed(_UNITS.items()) if duration_s % size == 0)
    return f"{duration_s // size}{unit}"


# --- what follows the word


def _nothing(command: Command) -> Callable[[str], Command]:
    def take(rest: str) -> Command:
        if rest:
            raise ValueError(f"лишнее «{_shown(rest)}»")
        return command

    return take


def _pause(rest: str) -> Command:
    return Pause(_duration(rest, LONGEST_PAUSE_S) if rest else None)


def _trace(rest: str) -> Command:
    number, duration = _exactly(rest, 2)
    return Trace(_number(number), _duration(duration, LONGEST_TRACE_S))


def _archive(rest: str) -> Command:
    words = rest.split() or [""]
    number = _number(words.pop(0))
    kind = _kind(words.pop(0), "HDME") if words and not _DATE.fullmatch(words[0]) else None
    if not words:
        if kind in (RecType.MONTH, RecType.EVENT):
            raise ValueError(f"для {kind.value} нужны две даты")
        return Archive(number, kind)
    return Archive(number, kind, *_period(words))


def _report(rest: str) -> Command:
    words = rest.split() or [""]
    number = _number(words.pop(0))
    kind = _kind(words.pop(0), "HD") if words and not _DATE.fullmatch(words[0]) else RecType.DAY
    return Report(number, kind, *_period(words))


def _autoconfig(rest: str) -> Command:
    return Autoconfig(tuple(_port(word) for word in rest.split()))


def _port(word: str) -> str:
    try:
        known = kinds.tty_port().take(word)
    except ValueError:
        known = None
    if not known:
        raise ValueError(f"«{_shown(word)}» не порт")
    return word


def _factory(rest: str) -> Command:
    (name,) = _exactly(rest, 1)
    names = {path.rpartition("/")[2].casefold(): path.rpartition("/")[2] for path in naming.RESTORED}
    if name.casefold() not in names:
        raise ValueError(f"заводской копии «{_shown(name)}» нет, она есть у {', '.join(names.values())}")
    return Factory(names[name.casefold()])


def _set_time(rest: str) -> Command:
    (text,) = _exactly(rest, 1)
    try:
        kinds.clock_setting().take(text)
    except ValueError:
        raise ValueError(f"время не понятно: «{_shown(text)}»") from None
    return SetTime(text)


def _export(rest: str) -> Command:
    if not rest.startswith("/"):
        raise ValueError("нужен полный путь" if rest else "нет пути")
    return Export(rest)


# --- single words


def _exactly(rest: str, count: int) -> Sequence[str]:
    words = rest.split()
    if len(words) < count:
        raise ValueError("не хватает слов")
    if len(words) > count:
        raise ValueError(f"лишнее «{_shown(words[count])}»")
    return words


def _one_number(make: Callable[[str], Command]) -> Callable[[str], Command]:
    return lambda rest: make(_number(*_exactly(rest, 1)))


def _number(word: str) -> str:
    if not naming.is_dev_number(word):
        raise ValueError(f"номер прибора не понятен: «{_shown(word)}»" if word else "нет номера прибора")
    return word


def _kind(word: str, allowed: str) -> RecType:
    if len(word) != 1 or word.upper() not in allowed:
        raise ValueError(f"«{_shown(word)}» не понятно")
    return RecType(word.upper())


def _period(words: Sequence[str]) -> tuple[date, date]:
    if len(words) != 2:
        raise ValueError("нужны две даты")
    first, last = map(_date, words)
    if last < first:
        raise ValueError(f"конец {words[1]} раньше начала {words[0]}")
    return first, last


def _date(word: str) -> date:
    try:
        found = datetime.strptime(word, "%d.%m.%Y").date() if _DATE.fullmatch(word) else None
    except ValueError:
        found = None
    if found is None:
        raise ValueError(f"дата не понятна: «{_shown(word)}» (дд.мм.гггг)")
    if not 2000 <= found.year < 2099:
        raise ValueError(f"такого года в архивах нет: {word}")
    return found


def _duration(word: str, most_s: int) -> int:
    found = _DURATION.fullmatch(word.lower())
    duration_s = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 0 < duration_s <= most_s:
        raise ValueError(f"срок не понятен: «{_shown(word)}» (90s, 15m, 1h, 2d, не больше {duration_text(most_s)})")
    return duration_s


def _dates(*days: date | None) -> list[str]:
    return [f"{day.day:02d}.{day.month:02d}.{day.year:04d}" for day in days if day]


def _shown(word: str) -> str:
    return word if len(word) <= _SHOWN_LIMIT else f"{word[:_SHOWN_LIMIT]}…"


class _Form(NamedTuple):
    take: Callable[[str], Command]
    usage: str
    does: str


_FORMS: dict[str, _Form] = {
    "pause": _Form(_pause, "pause [1h]", "выключить опрос приборов на срок, или пока не включат"),
    "resume": _Form(_nothing(Resume()), "resume", "включить опрос приборов, также при AutoPoll=0"),
    "read": _Form(_one_number(Read), "read НОМЕР", "прочитать текущие показания прибора сейчас"),
    "archive": _Form(
        _archive,
        "archive НОМЕР [H|D|M|E] [дд.мм.гггг дд.мм.гггг]",
        "прочитать часть архива: недостающее сохранить, расхождения показать",
    ),
    "rebuild": _Form(
        _one_number(Rebuild), "rebuild НОМЕР", "перечитать весь архив прибора: ничего не удаляет и не меняет"
    ),
    "report": _Form(_report, "report НОМЕР [H|D] дд.мм.гггг дд.мм.гггг", "отчет за любой период"),
    "autoconfig": _Form(
        _autoconfig, "autoconfig [ПОРТ…]", "найти приборы на свободных портах и предложить файлы для них"
    ),
    "factory": _Form(_factory, "factory ФАЙЛ", "вернуть заводской файл настроек"),
    "trace": _Form(_trace, "trace НОМЕР 60s", "показать обмен на линии прибора"),
    "set-time": _Form(_set_time, "set-time ммддЧЧММгг", "установить часы этого устройства"),
    "push": _Form(_nothing(Push()), "push", "отправить посылки на все серверы сейчас"),
    "export": _Form(_export, "export /путь/к/папке", "скопировать архивы и отчеты в папку, только новое"),
}
_WORD_OF: dict[type, str] = {
    Resume: "resume", Read: "read", Rebuild: "rebuild", Factory: "factory", SetTime: "set-time", Push: "push",
    Export: "export",
}  # fmt: skip

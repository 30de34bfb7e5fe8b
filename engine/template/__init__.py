"""Template files of Modbus devices: text -> a frozen Template, or every problem with its path and line.

The grammar stands in docs/templates.md; one line of a value is read by `template_line`.
"""

from __future__ import annotations

import difflib
from typing import Any

from engine.dialect import kinds, textfile
from engine.dialect.key import Key
from engine.dialect.kinds import choice, whole
from engine.dialect.textfile import Line
from engine.errors import Problem, SettingsWrong
from engine.template import byte_order
from engine.template.keys import CLOCK_KEYS, CLOCK_PARTS
from engine.template.line import FUNCTIONS, Defaults, read_point
from engine.template.modbus_map import COILS, DISCRETE_INPUTS, HOLDING_REGISTERS, INPUT_REGISTERS, Point, Template

HEAD, VALUES, EXTRA = "template", "values", "extra"
SECTIONS = (HEAD, VALUES, EXTRA)
POINTS_MOST = 500
_BY_NUMBER = {"1": COILS, "2": DISCRETE_INPUTS, "3": HOLDING_REGISTERS, "4": INPUT_REGISTERS}

KEYS = (
    Key(HEAD, "Name", "", kinds.text(60), "name", "название прибора, оно же DevName в показаниях; пусто = имя файла"),
    Key(HEAD, "Manufacturer", "", kinds.text(100), "manufacturer", "изготовитель"),
    Key(HEAD, "Model", "", kinds.text(200), "model", "модели, к которым шаблон подходит"),
    Key(HEAD, "Source", "", kinds.text(400), "source", "документ, в котором описаны регистры"),
    Key(HEAD, "Function", "holding", choice(*FUNCTIONS, *_BY_NUMBER), "function",
        "чем читать регистры, если в строке не сказано; можно номером функции 1…4"),
    Key(HEAD, "AddressBase", "0", choice("0", "1", "40001"), "base",
        "как документ считает адреса: 0 = как на линии, 1 = с единицы, 40001 = первая цифра говорит о функции"),
    Key(HEAD, "Order", "ABCD", choice(*byte_order.DEFAULTS), "order",
        "порядок байт, если в строке не сказано; A = старший"),
    Key(HEAD, "MaxHole", "8", whole(0, 124, "регистров"), "max_hole",
        "через сколько ненужных регистров читать насквозь, чтобы запросов было меньше"),
    Key(HEAD, "MaxRegisters", "125", whole(1, 125, "регистров"), "max_registers", "сколько читать одним запросом"),
    Key(HEAD, "PauseMs", "20", kinds.milliseconds(0, 10000), "pause_s", "тишина на линии перед запросом"),
    Key(HEAD, "EnergyUnit", "Gcal", choice("Gcal", "MWh", "GJ"), "energy_unit",
        "единица тепла там, где в строке нет unit; EnergyUnit в файле прибора важнее"),
)  # fmt: skip
_BY_NAME = {key.name.lower(): key for key in KEYS}


def parse_template(path: str, text: str) -> tuple[Template, tuple[Problem, ...]]:
    """A template and its warnings. `SettingsWrong` with all problems."""
    lines, problems = textfile.parse_ini(path, text)
    problems += _unknown_sections(path, text)
    head, wrong = _head(path, [line for line in lines if line.section.lower() == HEAD])
    points, wrong_points = _points(path, [line for line in lines if line.section.lower() in (VALUES, EXTRA)], head)
    problems += wrong + wrong_points
    if not points and not problems:
        problems.append(Problem(path, 0, "нет ни одного значения в [values]"))
    if problems:
        raise SettingsWrong(tuple(sorted(problems)))
    for name in ("function", "base", "order"):
        del head[name]
    head["name"] = head["name"] or path.rpartition("/")[2].removesuffix(".ini")
    return Template(**head, points=tuple(points)), ()


def _unknown_sections(path: str, text: str) -> list[Problem]:
    wanted = ", ".join(f"[{name}]" for name in SECTIONS)
    return [
        Problem(path, number, f"неизвестная секция [{textfile.shown_name(name)}], бывают {wanted}")
        for folded, (number, name) in textfile.section_lines(text).items()
        if folded not in SECTIONS
    ]


def _head(path: str, lines: list[Line]) -> tuple[dict[str, Any], list[Problem]]:
    """Values of `[template]` by field."""
    values = {key.field: key.kind.take(key.default) for key in KEYS}
    problems: list[Problem] = []
    for line in lines:
        key = _BY_NAME.get(line.key.lower())
        if key is None:
            problems.append(Problem(path, line.number, _unknown_key(line.key)))
            continue
        try:
            values[key.field] = key.kind.take(line.value)
        except ValueError:
            problems.append(Problem(path, line.number, f"{key.name}: нужно {key.kind.allowed}"))
    return values, problems


def _unknown_key(name: str) -> str:
    close = difflib.get_close_matches(name.lower()[:40], _BY_NAME, n=1)
    hint = f", возможно {_BY_NAME[close[0]].name}" if close else ""
    return f"неизвестный ключ {textfile.shown_name(name)} в [template]{hint}"


def _points(path: str, lines: list[Line], head: dict[str, Any]) -> tuple[list[Point], list[Problem]]:
    function = str(head["function"])
    defaults = Defaults(FUNCTIONS.get(function) or _BY_NUMBER[function], str(head["base"]), str(head["order"]))
    points: list[Point] = []
    problems: list[Problem] = []
    for line in lines:
        try:
            points.append(read_point(line.key, line.value, defaults, line.section.lower() == EXTRA))
        except ValueError as wrong:
            problems.append(Problem(path, line.number, f"{textfile.shown_name(line.key)}: {wrong}"))
    if len(lines) > POINTS_MOST:
        problems.append(Problem(path, lines[POINTS_MOST].number, f"значений больше {POINTS_MOST}"))
    return points, problems + _clock_problems(path, lines, points)


def _clock_problems(path: str, lines: list[Line], points: list[Point]) -> list[Problem]:
    """The clock of a device is told in one way, and whole."""
    told = {point.key for point in points if not point.system} & set(CLOCK_KEYS)
    parts = told & set(CLOCK_PARTS)
    ways = [way for way in ({"Clock"}, {"Date", "Time"}, set(CLOCK_PARTS)) if told & way]
    whole_date = not parts or {"Year", "Month", "Day", "Hour", "Minute"} <= parts
    if len(ways) <= 1 and whole_date and told & {"Date", "Time"} in (set(), {"Date", "Time"}):
        return []
    number = next((line.number for line in lines if line.key.lower() in {name.lower() for name in told}), 0)
    text = "часы прибора задаются одним способом: Clock, или Date и Time, или Year Month Day Hour Minute [Second]"
    return [Problem(path, number, text)]

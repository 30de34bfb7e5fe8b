"""`status.txt` says what is in force, what is wrong and where, and one line for everything else."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Problem
from engine.formats.status import StatusView, counts_text, moment_text, status_text

NOW = datetime(2026, 11, 22, 9, 5, 30)
VIEW = StatusView("Котельная 5", 7, NOW, datetime(2026, 11, 21, 8), datetime(2026, 11, 22, 7))

WHOLE = """\
Котельная 5 №7
Состояние на 22.11.26 09:05:30, работает с 21.11.26 08:00:00
ВНИМАНИЕ: пароль заводской

[Настройки]
Действуют с 22.11.26 07:00:00
log/User/agent.ini:3: нет такого ключа
предупреждение: log/User/devices/a.ini: нет шаблона

[Приборы]
a.ini: ТЕМ-104 №440020 /dev/ttyS0; на связи

[Линии]
/dev/ttyS0: работает

[Встроенный FTP]
работает, порт 21

[Внутренние сбои]
delivery server1: 1
line /dev/ttyS0: 2
"""


def test_the_whole_file() -> None:
    view = replace(
        VIEW,
        problems=(
            Problem("log/User/agent.ini", 3, "нет такого ключа"),
            Problem("log/User/devices/a.ini", 0, "нет шаблона", warning=True),
        ),
        warnings=("пароль заводской",),
        sections={
            "Приборы": ["a.ini: ТЕМ-104 №440020 /dev/ttyS0; на связи"],
            "Линии": ["/dev/ttyS0: работает"],
            "Файлы по HTTP": [],
            "Встроенный FTP": ["работает, порт 21"],
        },
        crashes={"line /dev/ttyS0": 2, "delivery server1": 1},
    )
    assert status_text(view) == WHOLE


def test_nothing_is_told_as_nothing() -> None:
    text = status_text(VIEW)
    assert "Ошибок нет" in text
    assert "Внутренние сбои" not in text
    assert "ВНИМАНИЕ" not in text


def test_a_time_that_is_not_known_is_not_invented() -> None:
    assert moment_text(None) == "время неизвестно"
    text = status_text(replace(VIEW, now=None, started=None, settings_since=None))
    assert "Состояние на время неизвестно, работает с время неизвестно" in text


def test_an_agent_that_was_stopped_says_so() -> None:
    assert "Состояние на 22.11.26 09:05:30, агент остановлен" in status_text(replace(VIEW, stopped=True))


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ({}, ""),
        ({"шум": 1, "нет ответа": 3}, "нет ответа 3, шум 1"),
        ({"б": 2, "а": 2, "в": 0}, "а 2, б 2"),
    ],
)
def test_counts_are_told_by_their_number(counts: dict[str, int], text: str) -> None:
    assert counts_text(counts) == text


@given(st.text(max_size=40))
def test_no_text_of_the_user_or_of_a_meter_breaks_a_line(text: str) -> None:
    view = replace(
        VIEW, name=text, warnings=(text,), problems=(Problem("x", 1, text),), sections={"A": (text, text)},
        crashes={text: 1},
    )  # fmt: skip
    whole = replace(
        VIEW, warnings=("x",), problems=(Problem("x", 1, "x"),), sections={"A": ("x", "x")}, crashes={"x": 1},
    )  # fmt: skip
    assert len(status_text(view).split("\n")) == len(status_text(whole).split("\n"))

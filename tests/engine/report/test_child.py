from __future__ import annotations

import sys
import time
from datetime import date, datetime
from pathlib import Path

import pytest

from engine.model import RecType
from engine.report.child import Child
from engine.report.letter import Ask
from engine.report.plan import Device
from tests.fake.statement_data import store

MADE = date(2020, 8, 28)
DEVICE = Device("440020")


def test_the_process_makes_what_is_due_and_answers(tmp_path: Path) -> None:
    store(tmp_path, 69)
    answer = Child(Ask(str(tmp_path), (DEVICE,), MADE), time.monotonic()).wait(60)
    assert answer.problems == ()
    assert [(tmp_path / path).read_bytes()[:4] for path in answer.made] == [b"%PDF"]


def test_an_order_without_records_is_told(tmp_path: Path) -> None:
    (tmp_path / "www").mkdir()
    ask = Ask(str(tmp_path), (DEVICE,), MADE, kind=RecType.HOUR, first=MADE, last=MADE)
    answer = Child(ask, time.monotonic()).wait(60)
    assert answer.problems == ("отчет 440020: в архиве нет часовых записей",)


def test_a_process_that_takes_too_long_is_ended_and_told(tmp_path: Path) -> None:
    store(tmp_path, 600, datetime(2020, 7, 1), RecType.HOUR)
    child = Child(Ask(str(tmp_path), (DEVICE,), MADE), now_s=0.0, timeout_s=0.0)
    answer = child.poll(1.0)
    assert answer is not None and answer.problems == ("отчеты: не готовы за отведенное время",)


def test_a_process_that_breaks_down_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    answer = Child(Ask(str(tmp_path), (DEVICE,), MADE), time.monotonic()).wait(60)
    assert answer.problems == ("отчеты: внутренний сбой: процесс прерван",)

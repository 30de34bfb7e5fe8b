"""The house that a part lives in, with a clock and a journal of the test's own, and no device in it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from engine.news import News
from engine.runtime.devices import Devices
from engine.runtime.lines import Lines
from engine.runtime.part import House

NOW = datetime(2026, 11, 22, 9, 5, 30, tzinfo=UTC)


class TestHouse:
    """`house` is what the part gets; everything else is for the test."""

    __test__ = False

    def __init__(self, root: Path, now: datetime | None = NOW) -> None:
        self.now = now
        self.journaled: list[str] = []
        self.crashes: list[tuple[str, str]] = []
        self.touched: list[str] = []
        self.texts: dict[str, str] = {}
        self.woken = 0
        self.posted: list[News] = []
        lines = Lines((), self.posted.append, self._crashed, lambda _name: None)
        devices = Devices(root, lines, self.journaled.append, lambda moment: moment if self.now else None)
        self.house = House(
            root=root,
            now=lambda: self.now,
            journal=self.journaled.append,
            crashed=self._crashed,
            wake=self._wake,
            touched=self.touched.append,
            text=lambda path: self.texts.get(path, ""),
            devices=devices,
            lines=lines,
        )

    def _crashed(self, thread: str, traceback: str) -> None:
        self.crashes.append((thread, traceback))

    def _wake(self) -> None:
        self.woken += 1

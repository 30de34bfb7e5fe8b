"""Progress for a person who watches: a line that renews itself on a terminal, plain lines in a pipe."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from engine.console.screen import Screen

PLAIN_PERIOD_S = 5.0
TERMINAL_PERIOD_S = 0.2
_WIDTH = 200
SHOWN_MOST = 10
"""Devices in one line; those that are still being read come first."""


class Progress:
    """Reading of archives, device by device. `report` may be called as often as one likes."""

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        self._screen = Screen(stream)
        self._state: dict[str, tuple[int, int]] = {}
        self._begun_s: dict[str, tuple[float, int]] = {}
        self._shown_s = 0.0

    def report(self, device: str, remaining: int, total: int) -> None:
        """`remaining` of `total` places have still to be looked at."""
        now_s = time.monotonic()
        finished = remaining == 0 and self._state.get(device, (0, 0))[0] > 0
        if remaining > self._begun_s.get(device, (0.0, 0))[1]:
            self._begun_s[device] = (now_s, remaining)
        self._state[device] = (remaining, total)
        period_s = TERMINAL_PERIOD_S if self._screen.is_terminal else PLAIN_PERIOD_S
        if finished or now_s - self._shown_s >= period_s:
            self._shown_s = now_s
            self._show(now_s)
        if not remaining:
            self._begun_s.pop(device, None)

    def end(self) -> None:
        """Leave the terminal on a fresh line."""
        self._screen.end("\n")

    def _show(self, now_s: float) -> None:
        known = sorted((not left, device) for device, (left, total) in self._state.items() if total)
        if not known:
            return
        more = f"; и ещё {len(known) - SHOWN_MOST}" if len(known) > SHOWN_MOST else ""
        text = "; ".join(self._line(device, now_s) for _, device in known[:SHOWN_MOST]) + more
        if self._screen.is_terminal:
            self._screen.renew(text[:_WIDTH])
        else:
            self._screen.tell(text)

    def _line(self, device: str, now_s: float) -> str:
        remaining, total = self._state[device]
        if not remaining:
            return f"{device}: архив прочитан, просмотрено {total}"
        done = total - remaining
        return f"{device}: архив {done} из {total} ({100 * done // total} %){self._left(device, remaining, now_s)}"

    def _left(self, device: str, remaining: int, now_s: float) -> str:
        begun_s, first = self._begun_s.get(device, (now_s, remaining))
        read = first - remaining
        if read <= 0:
            return ""
        left_s = (now_s - begun_s) / read * remaining
        return f", ещё {left_s / 60:.0f} мин" if left_s >= 90 else f", ещё {left_s:.0f} с"

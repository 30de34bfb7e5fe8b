"""Starts the process that makes reports, and waits for it without blocking: the PDF library stays out of the agent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from engine.report.letter import Answer, Ask, ask_text, read_answer

TIMEOUT_S = 1800.0
CODE = Path(__file__).resolve().parents[2]
_LAST_LINES_BYTES = 2000


class Child:
    """One run. `poll` until it gives an answer; `stop` ends it at once."""

    def __init__(self, ask: Ask, now_s: float, timeout_s: float = TIMEOUT_S) -> None:
        """Raises OSError when no process can be started."""
        self._deadline_s = now_s + timeout_s
        self._process = subprocess.Popen(
            [sys.executable, "-m", "engine.report"],
            cwd=CODE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self._ask = ask_text(ask).encode()
        self._started = False

    def poll(self, now_s: float) -> Answer | None:
        """The answer when it is there; None while it is made."""
        try:
            told, wrong = self._process.communicate(None if self._started else self._ask, timeout=0.01)
        except subprocess.TimeoutExpired:
            self._started = True
            if now_s < self._deadline_s:
                return None
            self.stop()
            return Answer((), ("отчеты: не готовы за отведенное время",))
        return _answer(told, wrong)

    def wait(self, timeout_s: float = TIMEOUT_S) -> Answer:
        """For who has nothing else to do."""
        try:
            told, wrong = self._process.communicate(None if self._started else self._ask, timeout=timeout_s)
        except subprocess.TimeoutExpired:
            self.stop()
            return Answer((), ("отчеты: не готовы за отведенное время",))
        except BaseException:
            self.stop()
            raise
        return _answer(told, wrong)

    def stop(self) -> None:
        """What was half made is a temporary, which is swept away at the next start."""
        self._process.kill()
        self._process.communicate()


def _answer(told: bytes, wrong: bytes) -> Answer:
    try:
        return read_answer(told.decode())
    except ValueError:
        last = wrong[-_LAST_LINES_BYTES:].decode(errors="replace").strip().splitlines()
        return Answer((), (f"отчеты: внутренний сбой: {last[-1] if last else 'процесс прерван'}",))

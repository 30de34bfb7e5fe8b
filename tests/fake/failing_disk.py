"""A disk that takes nothing from the n-th step on, or at the n-th step only."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import pytest

from engine import files

STEPS = ("open_temporary", "finish", "put_in_place", "_write_at_once", "sync")
"""What can fail at the disk: a new file, its content, its name, an addition, a sync."""


class FailingDisk:
    """`fails_at` is the number of the step (from 0) that fails, None: none does. `steps` are those that were taken."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fails_at: int | None = None
        self.for_good = False
        self.steps: list[str] = []
        for name in STEPS:
            monkeypatch.setattr(files, name, self._step(name, getattr(files, name)))

    def fail(self, at: int, *, for_good: bool = False) -> None:
        """Count steps from now on and fail at that one; `for_good`: and at every later one."""
        self.steps, self.fails_at, self.for_good = [], at, for_good

    def recover(self) -> None:
        self.fails_at = None

    @property
    def failed(self) -> bool:
        """Whether so many steps were taken that one failed."""
        return self.fails_at is not None and len(self.steps) > self.fails_at

    def _step(self, name: str, whole: Callable[..., object]) -> Callable[..., object]:
        def step(*arguments: object, **options: object) -> object:
            self.steps.append(name)
            number = len(self.steps) - 1
            if self.fails_at is not None and (number == self.fails_at or (self.for_good and number > self.fails_at)):
                if name == "_write_at_once":
                    os.write(int(str(arguments[0])), bytes(arguments[1])[:7])  # type: ignore[call-overload]
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return whole(*arguments, **options)

        return step

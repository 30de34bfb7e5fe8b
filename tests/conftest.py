"""Options of the whole suite: how long the campaign of kills is, and which one.

Hypothesis tries the same examples at every run, so that a run that passed passes again; `--hypothesis-profile explore`
looks for new ones.
"""

from __future__ import annotations

import os
import random
import time

import pytest
from hypothesis import settings

settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile("same")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=20, help="how often the agent is killed in tests/faults (20)")
    parser.addoption("--long", action="store_true", help="every fault of external servers, not a choice of them")
    parser.addoption("--seed", type=int, default=None, help="seed of all that is random (any)")


def pytest_configure(config: pytest.Config) -> None:
    # No agent of a test may write to a drive that happens to be plugged in.
    os.environ["TSM_MOUNTINFO"] = os.devnull
    time.clock_settime = _never_set
    if config.option.seed is None:
        config.option.seed = random.randrange(1_000_000)


def _never_set(*_: object) -> None:
    raise AssertionError("a test would have set the clock of this machine")


def pytest_report_header(config: pytest.Config) -> str:
    return f"kills: {config.option.kills}, --seed {config.option.seed}"

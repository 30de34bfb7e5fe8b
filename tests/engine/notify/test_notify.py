"""What is told to the service manager: sd_notify(3), sd_watchdog_enabled(3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.notify import ALIVE, READY, Notifier, watchdog_s
from tests.fake.leaks import nothing_left
from tests.fake.notify_socket import NotifySocket


@pytest.mark.parametrize("abstract", [False, True])
def test_a_state_is_one_datagram(tmp_path: Path, abstract: bool) -> None:
    with nothing_left(), NotifySocket(tmp_path, abstract=abstract) as manager:
        notifier = Notifier(manager.address)
        notifier.tell(READY)
        notifier.tell(ALIVE)
        assert manager.told == ["READY=1", "WATCHDOG=1"]


def test_a_manager_that_is_not_there_or_does_not_listen_holds_nobody_up(tmp_path: Path) -> None:
    Notifier("").tell(READY)
    Notifier(str(tmp_path / "none")).tell(READY)
    with NotifySocket(tmp_path) as manager:
        for _ in range(5000):
            Notifier(manager.address).tell(ALIVE)
        assert 0 < len(manager.told) < 5000, "a full queue takes no more"


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, 0.0),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, 0.0),
        ({"WATCHDOG_USEC": "soon"}, 0.0),
    ],
)
def test_the_watchdog_is_the_manager_s_wish_for_this_very_process(environment: dict[str, str], seconds: float) -> None:
    assert watchdog_s(environment, 7) == seconds

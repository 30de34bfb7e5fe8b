"""Runs the real agent, whose main loop, lines and deliveries stand still while a file of a folder says so.

    python hang_wrapper.py FOLDER ARGUMENTS OF agent.py …      (files `main`, `line`, `delivery`)

A thread counts as hanging after half a second, so that a test need not wait for two minutes.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HANG_S = 0.5


def stand_still(owner: Any, name: str, flag: Path) -> None:
    """Before each call of `owner.name`, as long as `flag` is there."""
    former: Callable[..., Any] = getattr(owner, name)

    @functools.wraps(former)
    def call(*arguments: Any, **named: Any) -> Any:
        while flag.exists():
            time.sleep(0.02)
        return former(*arguments, **named)

    setattr(owner, name, call)


def main(arguments: list[str]) -> int:
    folder, *rest = arguments
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    import agent
    from engine import worker
    from engine.delivery import Delivery
    from engine.line.bus import Bus
    from engine.push import Session
    from engine.runtime.agent import Agent

    worker.HANG_S = HANG_S
    Delivery.step = lambda self: self.give_sign(HANG_S)  # type: ignore[method-assign]
    for owner, name, flag in ((Agent, "_turn", "main"), (Bus, "exchange", "line"), (Session, "open", "delivery")):
        stand_still(owner, name, Path(folder) / flag)
    return agent.main(rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The child process that makes reports: `python -m engine.report`, one question on stdin, one answer on stdout."""

from __future__ import annotations

import gc
import os
import sys
import time
from pathlib import Path

from engine.reasons import why
from engine.report import making, plan
from engine.report.letter import Ask, answer_text, read_ask

LOW_PRIORITY = 15
GARBAGE_THRESHOLD = 50_000
"""The libraries are many objects that stay: they are not looked through again and again."""


def main() -> int:
    """The exit code: 0 when everything that was asked for is there."""
    os.nice(LOW_PRIORITY)
    gc.set_threshold(GARBAGE_THRESHOLD)
    ask = read_ask(sys.stdin.buffer.read().decode())
    problems: list[str] = []
    made = _ordered(ask, problems) if ask.kind else _due(ask, problems)
    sys.stdout.buffer.write(answer_text(made, problems).encode())
    return 1 if problems else 0


def _due(ask: Ask, problems: list[str]) -> list[str]:
    root, told = Path(ask.root), problems.append
    return making.make_due(root, ask.devices, ask.days, ask.made, time.time(), told, nameless=ask.nameless)


def _ordered(ask: Ask, problems: list[str]) -> list[str]:
    root, device = Path(ask.root), ask.devices[0]
    try:
        assert ask.kind and ask.first and ask.last, "an order names its kind and both ends"
        order = plan.ordered(device, ask.kind, ask.first, ask.last, making.order_folder(root, ask.made))
        made = making.make(root, order, anew=True)
    except (OSError, ValueError) as error:
        problems.append(f"отчет {device.dev_number}: {why(error) if isinstance(error, OSError) else error}")
        return []
    if not made:
        problems.append(
            f"отчет {device.dev_number}: в архиве нет {'часовых' if ask.kind == 'H' else 'суточных'} записей"
        )
    return made


if __name__ == "__main__":
    sys.exit(main())

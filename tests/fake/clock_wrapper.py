"""Runs the real agent on a clock of libfaketime that it may set: what it sets is the clock's file, nothing of the host.

python clock_wrapper.py CLOCK ARGUMENTS OF agent.py …
"""

from __future__ import annotations

import sys
import time
from datetime import datetime
from pathlib import Path


def main(arguments: list[str]) -> int:
    path, *rest = arguments
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    import agent
    from engine import clock

    def set_faked_clock(moment: datetime) -> None:
        shown = Path(path)
        true_s = time.time() - int(shown.read_text())
        beside = shown.with_suffix(".set")
        beside.write_text(f"{moment.timestamp() - true_s:+.0f}\n")
        beside.replace(shown)

    def never_set(*_: object) -> None:
        raise AssertionError("a test would have set the clock of this machine")

    clock.set_host_clock = set_faked_clock
    clock.follows_ntp = lambda: False
    time.clock_settime = never_set
    return agent.main(rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

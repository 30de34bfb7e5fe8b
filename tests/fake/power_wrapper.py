"""Runs the real agent on a disk that keeps only what was synced, and ends it at one of its steps.

    python power_wrapper.py STORE ARGUMENTS OF kill_wrapper.py …
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.fake import kill_wrapper
from tests.fake.power_disk import Recorder


def main(arguments: list[str]) -> int:
    store, *rest = arguments
    root = Path(rest[rest.index("--root") + 1])
    os.fsync = Recorder(root, Path(store)).fsync  # type: ignore[assignment]
    return kill_wrapper.main(rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

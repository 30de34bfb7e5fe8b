"""The answers of one capture folder."""

from __future__ import annotations

from pathlib import Path

CAPTURES = Path(__file__).parent.parent / "captures"


def answers(family: str, case: str) -> list[bytes]:
    """Every line `<<` of `tests/captures/<family>/<case>/exchange.txt`."""
    text = (CAPTURES / family / case / "exchange.txt").read_text(encoding="utf-8")
    return [bytes.fromhex(line[2:]) for line in text.splitlines() if line.startswith("<<")]

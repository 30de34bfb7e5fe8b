"""What changes all the time is not worth a record each time. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from engine.alert.change import Sight

CHANGES_MOST = 20
"""Changes of one subject that are noted as they come; then one an hour is."""
HOUR_S = 3600.0
SUBJECTS_MOST = 5000
TOLD = "меняется слишком часто, дальше отмечается раз в час"


class Damping:
    """How many changes each subject still has.

    A loose contact would fill the archive of events in a month, and with it the memory and the flash card. What its
    state is in the end is noted all the same, within the hour.
    """

    def __init__(self) -> None:
        self._left: dict[str, tuple[float, float]] = {}

    def passed(self, sights: Iterable[Sight], is_news: Callable[[Sight], bool], now_s: float) -> Iterator[Sight]:
        """The sights without the changes that come too often. `now_s` is monotonic."""
        for sight in sights:
            if not is_news(sight):
                yield sight
                continue
            left = self._regained(sight.subject.key, now_s)
            if left >= 1.0:
                self._left[sight.subject.key] = (left - 1.0, now_s)
                yield sight if left >= 2.0 else replace(sight, text=f"{sight.text}; {TOLD}")
        while len(self._left) > SUBJECTS_MOST:
            del self._left[next(iter(self._left))]

    def _regained(self, key: str, now_s: float) -> float:
        """Changes that a subject has now; rounding must not cost the one that an hour gives."""
        left, at_s = self._left.pop(key, (float(CHANGES_MOST), now_s))
        regained = min(left + (now_s - at_s) / HOUR_S, float(CHANGES_MOST))
        self._left[key] = (regained, now_s)
        return regained + 1e-9

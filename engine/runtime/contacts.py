"""Control sensors that a file tells (`SW1Source`, `SW2Source`): 0 is open, 1 is short."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine import files
from engine.alert.change import Sight, Subject, What
from engine.alert.watching import contact_sight
from engine.reasons import why
from engine.settings import Limits

LETTERS = {b"0": "O", b"1": "K"}
SOURCE_BYTES_MOST = 64


class Contacts:
    """Looks at the files; a state counts when it was seen twice in a row. Used by the main thread."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}
        self._problems: dict[str, str] = {}

    @property
    def problems(self) -> list[str]:
        """Why a sensor is not known."""
        return sorted(set(self._problems.values()))

    def look(self, device: str, limits: Limits) -> Iterator[Sight]:
        """The sensors of a device whose state is known."""
        for place, wanted, source in (("SW1", limits.sw1, limits.sw1_source), ("SW2", limits.sw2, limits.sw2_source)):
            if wanted and source:
                subject = Subject(device, What.CONTACT, 0, place)
                letter = self._letter(subject.key, f"{place}Source", source)
                if letter:
                    yield contact_sight(subject, letter, wanted)

    def forget(self) -> None:
        """The settings changed: what was wrong may be right."""
        self._problems.clear()

    def _letter(self, key: str, name: str, source: str) -> str:
        try:
            content = files.read_limited(Path(source), SOURCE_BYTES_MOST).strip()
            letter, problem = LETTERS.get(content, ""), "" if content in LETTERS else "не 0 и не 1"
        except OSError as error:
            letter, problem = "", why(error)
        if problem:
            self._problems[key] = f"{name}={source}: {problem}, датчик не контролируется"
        else:
            self._problems.pop(key, None)
        before, self._seen[key] = self._seen.get(key), letter
        return letter if letter == before else ""

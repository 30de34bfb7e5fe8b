"""The agent's snapshot of itself, written when something in it has changed and no more often than once a minute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine import files, naming
from engine.formats.own import own_facts, own_text
from engine.formats.snapshot import clock_values
from engine.reasons import why
from engine.runtime.part import House, Part
from engine.settings import Settings

LOOK_S = 5.0
WRITE_S = 60.0
"""A flash card wears: what changes all the time is as old as this. New settings are shown at once."""


class OwnSnapshot(Part):
    """`parts` add what they know by their `facts()`. Nobody but the agent's user can take the file away for long."""

    def __init__(self, house: House, parts: Sequence[Part]) -> None:
        super().__init__(house)
        self._parts = parts
        self._path = house.root / naming.snapshot_path(naming.AGENT_NUMBER)
        self._settings: Settings | None = None
        self._written: Mapping[str, str] = {}
        self._problem = ""
        self._look_s = self._write_s = 0.0

    def apply(self, settings: Settings, now_s: float) -> None:
        """Show these settings with the next tick."""
        self._settings = settings
        self._look_s = self._write_s = now_s

    def tick(self, now_s: float) -> None:
        """Write what is new."""
        if self._settings is None or now_s < self._look_s:
            return
        self._look_s = now_s + LOOK_S
        facts = self._facts(self._settings, online=True)
        if not self._path.exists() or (facts != self._written and now_s >= self._write_s):
            self._write(facts)
            self._write_s = now_s + WRITE_S

    def stop(self) -> None:
        """Nothing is shown as current that is not."""
        if self._settings is not None:
            self._write(self._facts(self._settings, online=False))

    def _facts(self, settings: Settings, *, online: bool) -> dict[str, str]:
        facts = own_facts(settings, polling=self.house.devices.polling.is_on, online=online)
        for part in self._parts:
            facts.update(part.facts())
        return facts

    def _write(self, facts: Mapping[str, str]) -> None:
        text = own_text(facts, clock_values(self.house.now()), "")
        try:
            files.write_whole(self._path, text.encode("utf-8", "replace"), synced=False)
        except OSError as error:
            if not self._problem:
                self.house.journal(f"{naming.snapshot_path(naming.AGENT_NUMBER)}: не записан: {why(error)}")
            self._problem = why(error)
        else:
            self._written, self._problem = facts, ""

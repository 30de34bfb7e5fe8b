"""Whose the line is while a TCP client has it: his bytes go through untouched, polls wait until he is silent.

Formats guide, section 10.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.errors import LineDown
from engine.line.bus import Bus, Pace
from engine.line.guest import Guest

SILENT_S = 2.0
"""After so long a silence of the client one request of a poll may pass, then he is looked at again."""
LONGEST_SILENCE_S = 60.0
QUIET_S = 0.2
"""An answer that is still coming is his, however long it is."""
LATE_ANSWER_S = 1.0
"""A client may go in the middle of an exchange: its answer must not be taken for one of ours."""
SLICE_S = 0.25
"""Orders of the main thread and a stop are heard so soon."""
STALE_S = 30.0
"""A dialogue that was interrupted for longer begins anew: what it has read so far belongs to another moment."""


class Lending:
    """The client who has the line, none most of the time. Used by the thread of the line only."""

    def __init__(self, bus: Bus, clock: Callable[[], float]) -> None:
        self.guest: Guest | None = None
        self._bus = bus
        self._clock = clock
        self._spoke_at_s = self._heard_at_s = clock()
        self._held_since_s: float | None = None
        self._ready = False

    def begin(self, guest: Guest) -> None:
        """The line is his from now on; one who has it already keeps it."""
        if self.guest is not None and not self.guest.gone:
            guest.close("линия занята другим клиентом")
            return
        self.guest, self._ready = guest, False
        self._spoke_at_s = self._clock()

    def holds(self) -> bool:
        """Carry what waits; whether the line is still his, so that nothing may be asked now."""
        guest, now_s = self.guest, self._clock()
        if guest is None:
            return False
        if now_s - self._spoke_at_s >= LONGEST_SILENCE_S:
            guest.close(f"молчал {LONGEST_SILENCE_S:.0f} с")
        talks = now_s < max(self._spoke_at_s + SILENT_S, self._heard_at_s + QUIET_S)
        if not talks and not guest.has_spoken():
            self._ready = False
            return False
        if self._held_since_s is None:
            self._held_since_s = now_s
        self.carry(SLICE_S)
        return True

    def carry(self, timeout_s: float) -> bool:
        """Wait for bytes of either side, at most so long, and hand them on; False at once when there is no client."""
        guest = self.guest
        if guest is None:
            return False
        if not guest.gone:
            self._carry(guest, timeout_s)
        if guest.gone:
            self.end(guest.gone)
        return True

    def _carry(self, guest: Guest, timeout_s: float) -> None:
        try:
            if not self._ready:
                self._bus.lend(Pace(guest.baud, QUIET_S))
                self._ready = True
            spoke, heard = guest.carry(self._bus.link, min(timeout_s, SLICE_S))
        except LineDown as error:
            self._bus.close()
            guest.close(str(error))
        else:
            self._spoke_at_s = self._clock() if spoke else self._spoke_at_s
            self._heard_at_s = self._clock() if heard else self._heard_at_s

    def end(self, reason: str) -> None:
        """The line is the agent's again."""
        guest, self.guest = self.guest, None
        if guest is None:
            return
        guest.close(reason)
        if guest.to_line:
            self._bus.expect_late_answer(LATE_ANSWER_S)

    def was_long(self) -> bool:
        """Whether polls had to wait so long that what they were about is stale; True once, when they go on."""
        since_s, self._held_since_s = self._held_since_s, None
        return since_s is not None and self._clock() - since_s > STALE_S

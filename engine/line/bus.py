"""One physical line: one request at a time, its deadlines, noise, echo, late answers, and the trace."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from engine.dialogue import Ask
from engine.errors import NoAnswer
from engine.line.link import Link

LIMIT_BYTES = 4096
"""More than any family's longest answer with its echo and a burst of noise."""
SILENCE = "нет ответа"
DRAIN_LIMIT_S = 2.0
LATE_SPAN_LIMIT_S = 20.0
"""So far apart may the answers to one request be: with the default number of repeats they are 12 s."""
SPARE_S = 1.0
LOOK_UP_S = 0.25
"""However long an answer may take, a stop is heard so soon."""
BITS_PER_BYTE = 10


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a device talks: speed of the line, longest silence inside a frame (formats guide, section 3)."""

    baud: int
    byte_timeout_s: float


def longest_s(ask: Ask, wait_s: float, pace: Pace) -> float:
    """How long an exchange may listen for an answer: more time than that it cannot need."""
    return wait_s + SPARE_S + 2 * BITS_PER_BYTE * (ask.expected + len(ask.request)) / pace.baud


class Bus:
    """Runs single exchanges. Not for more than one thread.

    `requests` and `answers` count exchanges, `refused` by reason what came and was not taken; `status.txt` shows them.
    `asked_at_s` is when the last request was sent: the silence that may have to be kept before it is no fault of the
    device.
    """

    def __init__(
        self,
        link: Link,
        clock: Callable[[], float] = time.monotonic,
        trace: Callable[[str], None] | None = None,
    ) -> None:
        self.link = link
        self.requests = self.answers = 0
        self.refused: Counter[str] = Counter()
        self._clock = clock
        self._trace = trace
        self._late_answer_s = self._late_span_s = 0.0
        self._spoken_at_s = float("-inf")
        self._stopped = False
        self.asked_at_s = clock()

    def exchange(self, ask: Ask, wait_s: float, pace: Pace) -> bytes:
        """Send the request, return the payload of its answer.

        `wait_s` is how long the first byte may take. Raises NoAnswer with the reason, or LineDown.
        """
        self.link.open(pace.baud)
        self._drain(ask.pause_s, pace)
        self.asked_at_s = self._clock()
        self.link.write(ask.request)
        self.requests += 1
        self._note(">>", ask.request)
        heard, payload, reason = self._listen(ask, wait_s, pace)
        self._spoken_at_s = self._clock()
        self._note("<<", heard)
        if payload is None:
            self._refuse(reason or SILENCE)
            self._late_answer_s = pace.byte_timeout_s
            raise NoAnswer(reason or SILENCE)
        self.answers += 1
        self._count_surplus(ask, heard)
        return payload

    def count_on_from(self, before: Bus) -> None:
        """It takes the place of another one on the same line: the counts go on."""
        self.requests, self.answers, self.refused = before.requests, before.answers, before.refused

    def expect_late_answer(self, wait_s: float, span_s: float = 0.0) -> None:
        """A request was repeated, so its answer may come once for each time: keep quiet before the next one.

        `wait_s` may lie between two of them, and `span_s` between the first and the last.
        """
        self._late_answer_s = max(self._late_answer_s, wait_s)
        self._late_span_s = max(self._late_span_s, span_s)

    def lend(self, pace: Pace) -> None:
        """Make the line ready for bytes of somebody else: his speed, no late answer to us. Raises LineDown."""
        self.link.open(pace.baud)
        if self._late_answer_s:
            try:
                self._drain(0.0, pace)
            except NoAnswer:
                pass  # it babbles: he shall hear it

    def stop(self) -> None:
        """Wait for no answer any more. May be called by any thread."""
        self._stopped = True

    def close(self) -> None:
        self.link.close()

    def _listen(self, ask: Ask, wait_s: float, pace: Pace) -> tuple[bytes, bytes | None, str]:
        """Until the answer is whole, or silence, or more time than the answer can need."""
        buffer = bytearray()
        reason = ""
        quiet_at = self._clock() + wait_s
        give_up_at = self._clock() + longest_s(ask, wait_s, pace)
        while len(buffer) < LIMIT_BYTES and not self._stopped:
            left_s = min(quiet_at, give_up_at) - self._clock()
            chunk = self.link.read(LIMIT_BYTES - len(buffer), min(left_s, LOOK_UP_S))
            if not chunk and left_s > LOOK_UP_S:
                continue
            if not chunk:
                break
            buffer += chunk
            look = ask.take(bytes(buffer))
            if look.payload is not None:
                return bytes(buffer), look.payload, ""
            reason = look.reason
            quiet_at = max(quiet_at, self._clock() + pace.byte_timeout_s)
            if self._clock() >= give_up_at:
                break
        return bytes(buffer), None, reason

    def _drain(self, pause_s: float, pace: Pace) -> None:
        """What is still on the line belongs to no request of ours: it must not answer the next one.

        Behind one late answer another may follow, so after each the wait begins anew. Who talks on when the last of
        them must have come is somebody else: a short silence of his must do, or nobody could be asked any more.
        """
        late_s, span_s = self._late_answer_s, self._late_span_s
        quiet_s = max(late_s, pause_s - (self._clock() - self._spoken_at_s), 0.0)
        self._late_answer_s = self._late_span_s = 0.0
        late_until = self._clock() + late_s + min(span_s, LATE_SPAN_LIMIT_S)
        end_at = late_until + DRAIN_LIMIT_S
        stale = bytearray()
        while not self._stopped and (chunk := self.link.read(LIMIT_BYTES, quiet_s)):
            stale += chunk[: LIMIT_BYTES - len(stale)]
            quiet_s = max(pace.byte_timeout_s, late_s if self._clock() < late_until else 0.0)
            if self._clock() > end_at:
                self._note("<<", bytes(stale))
                self._refuse("шум")
                raise NoAnswer("линия не умолкает")
        if stale:
            self._note("<<", bytes(stale))
            self._refuse("запоздалый ответ")

    def _count_surplus(self, ask: Ask, heard: bytes) -> None:
        if heard.startswith(ask.request):
            self.refused["эхо"] += 1
        elif len(heard) > ask.expected:
            self.refused["шум"] += 1

    def _refuse(self, reason: str) -> None:
        self.refused[reason] += 1
        if self._trace:
            self._trace(f"# {reason}")

    def _note(self, mark: str, data: bytes) -> None:
        """An empty request is told too: listening is one half of an exchange."""
        if self._trace and (data or mark == ">>"):
            self._trace(f"{mark} {data.hex(' ').upper()}".rstrip())

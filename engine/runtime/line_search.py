"""The thread that looks for devices on one free line: puts the questions of `engine.search` and opens who answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import TypeVar

from engine.dialogue import Ask, Identity, Look
from engine.due import answer_wait
from engine.errors import AgentError, LineDown, NoAnswer, Refused
from engine.line.bus import Bus, Pace
from engine.line.device import identify
from engine.line.link import Link
from engine.search import EVERYBODY, Heard, Outcome, Question, Search, Step, Waits
from engine.search.proposal import Found
from engine.worker import Worker

SETTLE_S = 0.2
"""How much later than the first a second device may answer the call of everybody."""
OPEN_ATTEMPTS = 3
FEWEST_BYTES = 3
"""Fewer bytes are a click of the line, no answer."""
_ANSWER_LIMIT = 4096

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Looking:
    """Progress: what is asked now."""

    line: str
    baud: int
    address: int


@dataclass(frozen=True, slots=True)
class Met:
    line: str
    found: Found


@dataclass(frozen=True, slots=True)
class Told:
    """Something that a person should know of a line."""

    line: str
    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The last news of a line."""

    line: str


LineNews = Looking | Met | Told | Ended


class _Stopped(AgentError):
    """Nobody waits for this line any more."""


class Tap:
    """A link that remembers what came after the last request."""

    def __init__(self, link: Link) -> None:
        self.name = link.name
        self.heard = bytearray()
        self.asked = 0
        self._link = link

    def open(self, baud: int) -> None:
        self._link.open(baud)

    def write(self, data: bytes) -> None:
        self._link.write(data)
        self.heard.clear()
        self.asked += 1

    def read(self, limit: int, timeout_s: float) -> bytes:
        data = self._link.read(limit, timeout_s)
        self.heard += data[: _ANSWER_LIMIT - len(self.heard)]
        return data

    def close(self) -> None:
        self._link.close()

    def fileno(self) -> int:
        return self._link.fileno()


class LineSearch(Worker):
    """Searches one line and posts what it meets. `work` ends by itself, or soon after `stop`."""

    def __init__(
        self,
        link: Link,
        questions: tuple[Question, ...],
        post: Callable[[LineNews], None],
        crashed: Callable[[str, str], None],
        *,
        trace: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        waits: Waits | None = None,
    ) -> None:
        super().__init__(f"search {link.name}", crashed)
        self.line = link.name
        self._tap = Tap(link)
        self._bus = Bus(self._tap, clock, trace)
        self._post = post
        self._waits = waits or Waits()
        self._search = Search(questions, self._waits)
        self._baud = 0
        self._met: set[tuple[str, str]] = set()
        self._sender: int | None = None
        self._surplus = 0
        self._garbled = False

    def work(self) -> None:
        try:
            self._run()
        finally:
            self._bus.close()
            self._post(Ended(self.line))

    def _run(self) -> None:
        steps = self._search.steps()
        try:
            step = next(steps)
            while True:
                self._post(Looking(self.line, step.baud, step.address))
                step = steps.send(self._take(step))
        except StopIteration:
            self._tell_rest()
        except LineDown as error:
            self._tell(str(error))
        except _Stopped:
            self._tell("поиск прерван")

    def _tell_rest(self) -> None:
        search = self._search
        if search.given_up:
            self._tell("линия не умолкает, поиск прекращён: её кто-то занимает, или помехи")
        for baud, address in search.clashes:
            self._tell(f"скорость {baud}, адрес {address}: ответ не разобрать, возможно, этот адрес у двух приборов")
        if search.found or search.given_up:
            return
        if search.crowded:
            heard = ", ".join(map(str, search.crowded))
            self._tell(f"что-то слышно на скорости {heard}, но по адресам 1…32 и 99 никого нет: добавьте прибор сами")
        else:
            self._tell("никто не ответил")

    # --- one step

    def _take(self, step: Step) -> Heard:
        if step.baud != self._baud:
            self._baud = step.baud
            self._bus.expect_late_answer(self._waits.pause_s)
        asked, self._sender, self._surplus, self._garbled = self._tap.asked, None, 0, False
        self._tap.heard.clear()
        try:
            self._converse(step.question.ask_id(step.question.setup(step.address)), step, attempts=1)
        except NoAnswer:
            if self._tap.asked == asked:
                return Heard(Outcome.BUSY if self._tap.heard else Outcome.SILENCE)
            return Heard(Outcome.GARBLE if self._garbled else Outcome.SILENCE)
        except Refused as refusal:
            return self._refused(step, refusal, asked)
        return self._answered(step)

    def _refused(self, step: Step, refusal: Refused, asked: int) -> Heard:
        """Who refuses is there, unless it was the question that refused to be put."""
        if self._tap.asked == asked:
            return Heard(Outcome.SILENCE)
        address = step.address if self._sender is None else self._sender
        self._tell(f"скорость {step.baud}, адрес {address}: кто-то есть, но это не известный прибор: {refusal}")
        return Heard(Outcome.ANSWER, address)

    def _answered(self, step: Step) -> Heard:
        """Who answered the call of everybody is asked for by its own address."""
        more = self._is_called(step) and self._others_speak()
        if more and self._sender is None:
            return Heard(Outcome.GARBLE)
        address = step.address if self._sender is None else self._sender
        places = (address,) if more or address == step.address else (address, step.address)
        reason = ""
        for place in places:
            try:
                identity = self._open(step, place)
            except (NoAnswer, Refused) as error:
                reason = reason or str(error)
            else:
                return Heard(Outcome.ANSWER, place, more, again=self._is_met(step, place, identity, more))
        if more:
            return Heard(Outcome.GARBLE)
        self._tell(f"скорость {step.baud}, адрес {address}: прибор отвечает, но не опознан: {reason}")
        return Heard(Outcome.ANSWER, address)

    def _is_called(self, step: Step) -> bool:
        return step.address == EVERYBODY and step.question.sought.addressed

    def _others_speak(self) -> bool:
        """Whether more is heard than the one answer: a second device that was a little slower."""
        before, surplus = len(self._tap.heard), self._surplus
        while self._tap.read(_ANSWER_LIMIT, SETTLE_S) and len(self._tap.heard) < _ANSWER_LIMIT:
            pass
        return surplus + len(self._tap.heard) - before >= FEWEST_BYTES

    def _open(self, step: Step, address: int) -> Identity:
        dialogue = identify(step.question.drivers, step.question.setup(address))
        return self._converse(dialogue, step, attempts=OPEN_ATTEMPTS)[1]

    def _is_met(self, step: Step, address: int, identity: Identity, more: bool) -> bool:
        key = (identity.device_type, identity.meter_number or f"address {address}")
        if key in self._met:
            return True
        self._met.add(key)
        slow_s = step.wait_s if step.wait_s > self._waits.call_s and step.question.sought.addressed else None
        alone = self._is_called(step) and not more
        protocol = step.question.sought.protocol
        self._post(Met(self.line, Found(self.line, step.baud, address, identity, protocol, alone, slow_s)))
        return False

    # --- dialogues

    def _converse(self, dialogue: Generator[Ask, bytes, Result], step: Step, attempts: int) -> Result:
        """Run a dialogue to its end; each request is sent at most `attempts` times."""
        try:
            ask = next(dialogue)
            while True:
                try:
                    payload = self._exchange(ask, step, attempts)
                except NoAnswer as error:
                    ask = dialogue.throw(error)
                else:
                    ask = dialogue.send(payload)
        except StopIteration as end:
            result: Result = end.value
            return result

    def _exchange(self, ask: Ask, step: Step, attempts: int) -> bytes:
        pace = Pace(step.baud, self._waits.byte_s)
        attempt, attempts = 0, min(attempts, ask.attempts or attempts)
        while True:
            if self.stopping.is_set():
                raise _Stopped
            first_s = max(step.wait_s, self._waits.call_s if attempts > 1 else 0.0)
            wait_s = max(answer_wait(first_s, attempt), ask.wait_s)
            try:
                payload = self._bus.exchange(self._overheard(ask), wait_s, pace)
            except NoAnswer:
                self._garbled = self._garbled or _is_garble(bytes(self._tap.heard), ask.request)
                attempt += 1
                if attempt >= attempts:
                    raise
            else:
                self._bus.expect_late_answer(wait_s if attempt else 0.0)
                return payload

    def _overheard(self, ask: Ask) -> Ask:
        """The same request, that also tells who answers it, and how much came after the answer."""

        def take(received: bytes) -> Look:
            look = ask.take(received)
            if look.payload is not None:
                self._sender, self._surplus = look.sender, 0
                while ask.take(received[: -self._surplus - 1]).payload is not None:
                    self._surplus += 1
            return look

        return replace(ask, take=take)

    def _tell(self, text: str) -> None:
        self._post(Told(self.line, text))


def _is_garble(heard: bytes, request: bytes) -> bool:
    """Whether something was said, the echo of the request aside."""
    rest = heard.removeprefix(request) if request else heard
    return len(rest) >= FEWEST_BYTES and not request.startswith(rest)

"""Looking for devices on a line of which nothing is known: whom to ask next, given what was heard. Pure.

First everybody is called at address 0, speed by speed: a device that is alone on its line answers. Where several
answer at once their answers collide, and where none does it may be one that address 0 does not reach: there each
address is asked. Speeds and addresses are those of the makers' documents; a device that is not met so is put in by
hand.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from enum import Enum

from engine.dialogue import Ask, Driver, Setup, Sought

SPEEDS = (9600, 19200, 38400, 57600, 115200, 4800, 2400)
"""The usual one first."""
ADDRESSES = (*range(1, 33), 99)
EVERYBODY = 0
BUSY_MOST = 3
"""A line that never falls silent is given up after so many tries."""
_REQUEST_BITS = 120
"""A request that lies in the buffers of the port is on its way for so long before anybody can answer."""


@dataclass(frozen=True, slots=True)
class Waits:
    """How long the first byte of an answer may take, in seconds, and a silence inside an answer.

    `pause_s` is the silence after a change of speed: it makes a meter forget what it heard at a speed that is not
    its own (0.5 s by the exchange protocol of ТЭМ-106).
    """

    call_s: float = 0.35
    slow_call_s: float = 1.0
    address_s: float = 0.2
    byte_s: float = 0.1
    pause_s: float = 0.5


@dataclass(frozen=True, slots=True)
class Question:
    """One protocol, asked in one way; `drivers` are those that know its answers."""

    ask_id: Callable[[Setup], Generator[Ask, bytes, bytes]]
    sought: Sought
    drivers: tuple[Driver, ...]

    def setup(self, address: int) -> Setup:
        """The question as it is put to one address."""
        return Setup(self.sought.device_type, address, protocol=self.sought.protocol)


@dataclass(frozen=True, slots=True)
class Step:
    """Put `question` to `address` at the speed `baud`; the first byte may take `wait_s`."""

    question: Question
    baud: int
    address: int
    wait_s: float


class Outcome(Enum):
    """What came after a question."""

    SILENCE = "silence"
    GARBLE = "garble"
    """Bytes that are no answer: several spoke at once, or noise."""
    ANSWER = "answer"
    BUSY = "busy"
    """The line did not fall silent, so nothing was asked."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The outcome of a step. `address` is the one that answered, `more` whether others were heard after it.

    `again`: this very device has answered before on this line, at another speed.
    """

    outcome: Outcome
    address: int = EVERYBODY
    more: bool = False
    again: bool = False


def questions_of(drivers: Iterable[Driver]) -> tuple[Question, ...]:
    """Every distinct question of these drivers; those that a device answers under any name come first."""
    groups: dict[tuple[object, Sought], list[Driver]] = {}
    for driver in drivers:
        for sought in driver.sought:
            groups.setdefault((driver.ask_id, sought), []).append(driver)
    found = [Question(group[0].ask_id, sought, tuple(group)) for (_, sought), group in groups.items()]
    return tuple(sorted(found, key=lambda question: question.sought.device_type != "auto"))


class Search:
    """The search of one line. `steps` yields what to ask and is sent what was heard.

    `found`: the addresses that answered, by speed. `crowded`: speeds at which several spoke at once.
    `clashes`: speed and address where an answer came and was none. `busy`: how often the line did not fall silent.
    """

    def __init__(self, questions: tuple[Question, ...], waits: Waits) -> None:
        self.found: dict[int, set[int]] = {}
        self.crowded: list[int] = []
        self.clashes: dict[tuple[int, int], None] = {}
        self.busy = 0
        self._waits = waits
        self._calls = tuple(each for each in questions if each.sought.called)
        self._addressed = tuple(each for each in questions if each.sought.addressed)
        self._nameless = tuple(each for each in questions if not each.sought.addressed)
        self._any_speed = False

    def steps(self) -> Generator[Step, Heard, None]:
        """Every question, in order, until the line is known or given up."""
        yield from self._call(SPEEDS, self._waits.call_s)
        if not self.found:
            yield from self._listen()
            if self.found:
                return
            yield from self._call(tuple(self.crowded) or SPEEDS, self._waits.slow_call_s)
        yield from self._sweep()

    @property
    def given_up(self) -> bool:
        """Whether the line never fell silent."""
        return self.busy >= BUSY_MOST

    def _needless(self, baud: int) -> bool:
        """Whether this speed tells nothing new: on some lines every device hears every speed."""
        return self.given_up or (self._any_speed and baud != next(iter(self.found)))

    def _call(self, speeds: tuple[int, ...], wait_s: float) -> Generator[Step, Heard, None]:
        for baud in speeds:
            for question in self._calls:
                if self._needless(baud):
                    return
                heard = yield from self._ask(Step(question, baud, EVERYBODY, wait_s))
                if heard.outcome is not Outcome.SILENCE:
                    break

    def _listen(self) -> Generator[Step, Heard, None]:
        for question in self._nameless:
            for baud in question.sought.speeds or SPEEDS:
                if self.found or self.given_up:
                    return
                wait_s = question.sought.wait_s or self._waits.call_s
                yield from self._ask(Step(question, baud, EVERYBODY, wait_s))

    def _sweep(self) -> Generator[Step, Heard, None]:
        """Crowded speeds whole; where one answered alone those whom a call does not reach; all if nobody was heard."""
        unreached = tuple(each for each in self._addressed if not each.sought.called)
        lone = [baud for baud in self.found if baud not in self.crowded]
        tried = list(self.crowded)
        for baud in tried:
            yield from self._sweep_at(baud, self._addressed)
        for baud in lone:
            yield from self._sweep_at(baud, unreached)
        for baud in SPEEDS:
            if not self.found and baud not in tried:
                yield from self._sweep_at(baud, self._addressed)

    def _sweep_at(self, baud: int, questions: tuple[Question, ...]) -> Generator[Step, Heard, None]:
        wait_s = self._waits.address_s + _REQUEST_BITS / baud
        for address in ADDRESSES:
            for question in questions:
                if self._needless(baud):
                    return
                if address in self.found.get(baud, ()):
                    break
                step = Step(question, baud, address, wait_s)
                heard = yield from self._ask(step)
                if heard.outcome is Outcome.GARBLE:
                    heard = yield from self._ask(step)
                if heard.outcome is Outcome.GARBLE:
                    self.clashes[baud, address] = None

    def _ask(self, step: Step) -> Generator[Step, Heard, Heard]:
        heard = yield step
        if heard.outcome is Outcome.BUSY:
            self.busy += 1
        elif heard.again:
            self._any_speed = True
        elif heard.outcome is Outcome.ANSWER:
            self.found.setdefault(step.baud, set()).add(heard.address)
        if step.address == EVERYBODY and step.question.sought.addressed:
            self._note_crowd(step.baud, heard)
        return heard

    def _note_crowd(self, baud: int, heard: Heard) -> None:
        """One clean answer clears a speed: what was garbled before was that answer, late."""
        if heard.more or heard.outcome is Outcome.GARBLE:
            self.crowded += [baud] if baud not in self.crowded else []
        elif heard.outcome is Outcome.ANSWER and baud in self.crowded:
            self.crowded.remove(baud)

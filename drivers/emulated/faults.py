"""What goes wrong between a meter and its reader, on demand: every n-th answer, the same for the same seed.

A fault is written `name[:every[:amount]]`: `damaged:10`, `slow:3:0.5`. Only `echo`, which an RS-485
adapter makes of whatever is sent to it, knows no n-th.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from drivers.emulated import Piece, Speaker

_Change = Callable[[list[Piece], float, Random], list[Piece]]


@dataclass(frozen=True, slots=True)
class Fault:
    """`name` in every `every`-th answer; `amount` is seconds for slow and pause, bytes for noise and cut."""

    name: str
    every: int = 1
    amount: float | None = None

    def __post_init__(self) -> None:
        if self.name not in FAULTS:
            raise ValueError(f"нет помехи {self.name}; есть {', '.join(FAULTS)}")
        if self.every < 1 or (self.amount is not None and self.amount < 0):
            raise ValueError(f"помеха {self.name}: числа должны быть положительны")

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Raises ValueError, in Russian, for what is no fault."""
        name, *numbers = text.split(":")
        try:
            every = int(numbers[0]) if numbers else 1
            amount = float(numbers[1]) if len(numbers) > 1 else None
        except ValueError:
            raise ValueError(f"помеха {text}: нужно ВИД[:N[:X]], N и X — числа") from None
        if len(numbers) > 2:
            raise ValueError(f"помеха {text}: нужно ВИД[:N[:X]]")
        return cls(name, every, amount)


class Faulty:
    """A meter, or a bus of them, behind faults; they act in the order given.

    `disguises` are further speakers for the faults of their names (`wrong-address`, `other-id`,
    `other-serial`): one of them answers instead of the meter.
    """

    def __init__(
        self, meter: Speaker, faults: Sequence[Fault], seed: int = 0, disguises: Mapping[str, Speaker] | None = None
    ) -> None:
        self.meter = meter
        self.faults = tuple(faults)
        self._disguises = {fault.name: (disguises or {})[fault.name] for fault in faults if fault.name in DISGUISES}
        self._random = Random(f"faults/{seed}")
        self._answers = 0
        self._last: list[Piece] = []

    def pieces(self, data: bytes) -> list[Piece]:
        heard = {name: list(speaker.pieces(data)) for name, speaker in self._disguises.items()}
        answer = list(self.meter.pieces(data))
        if answer:
            self._answers += 1
            answer = self._spoiled(answer, heard)
        return self._echo(data) + answer

    def hear(self, data: bytes) -> bytes:
        """The same without the pauses."""
        return b"".join(part for _, part in self.pieces(data))

    def elapse(self, seconds: float) -> None:
        self.meter.elapse(seconds)

    def pause(self) -> None:
        for speaker in (self.meter, *self._disguises.values()):
            speaker.pause()

    def _echo(self, data: bytes) -> list[Piece]:
        return [(0.0, data)] if data and any(fault.name == "echo" for fault in self.faults) else []

    def _spoiled(self, answer: list[Piece], heard: Mapping[str, list[Piece]]) -> list[Piece]:
        before, self._last = self._last, answer
        for fault in self.faults:
            if fault.name == "echo" or self._answers % fault.every:
                continue
            if fault.name == "late":
                answer = before
            elif fault.name in DISGUISES:
                answer = heard[fault.name]
            elif answer:
                change, usual = _CHANGES[fault.name]
                answer = change(answer, usual if fault.amount is None else fault.amount, self._random)
        return answer


def _silent(_answer: list[Piece], _amount: float, _random: Random) -> list[Piece]:
    return []


def _slow(answer: list[Piece], amount: float, _random: Random) -> list[Piece]:
    (delay_s, part), *rest = answer
    return [(delay_s + amount, part), *rest]


def _pause(answer: list[Piece], amount: float, random: Random) -> list[Piece]:
    whole = _joined(answer)
    place = random.randrange(1, len(whole)) if len(whole) > 1 else 1
    return [(answer[0][0], whole[:place]), (amount, whole[place:])]


def _noise(answer: list[Piece], amount: float, random: Random) -> list[Piece]:
    before, after = (random.randbytes(random.randint(1, max(1, int(amount)))) for _ in range(2))
    return [(answer[0][0], before + _joined(answer) + after)]


def _cut(answer: list[Piece], amount: float, random: Random) -> list[Piece]:
    whole = _joined(answer)
    missing = int(amount) or random.randrange(1, len(whole) + 1)
    kept = whole[: max(0, len(whole) - missing)]
    return [(answer[0][0], kept)] if kept else []


def _damaged(answer: list[Piece], _amount: float, random: Random) -> list[Piece]:
    whole = bytearray(_joined(answer))
    whole[random.randrange(len(whole))] ^= random.randrange(1, 256)
    return [(answer[0][0], bytes(whole))]


def _false_start(answer: list[Piece], _amount: float, _random: Random) -> list[Piece]:
    return [(answer[0][0], b"\xaa" + _joined(answer))]


def _joined(answer: list[Piece]) -> bytes:
    return b"".join(part for _, part in answer)


_CHANGES: Mapping[str, tuple[_Change, float]] = {
    "silent": (_silent, 0),
    "slow": (_slow, 1.0),
    "pause": (_pause, 0.3),
    "noise": (_noise, 6),
    "cut": (_cut, 0),
    "damaged": (_damaged, 0),
    "false-start": (_false_start, 0),
}
DISGUISES = ("wrong-address", "other-id", "other-serial")
FAULTS = (*_CHANGES, "echo", "late", *DISGUISES)

"""Several emulated meters on one RS-485 line: each hears everything, the answers of the others too."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from drivers.emulated import Piece, Speaker


class Bus:
    """Speaks for all its meters. When two answer at once the line carries neither: the bits that both leave at 1."""

    def __init__(self, meters: Sequence[Speaker]) -> None:
        self.meters = tuple(meters)

    def pieces(self, data: bytes) -> list[Piece]:
        answers = [list(meter.pieces(data)) for meter in self.meters]
        spoken = [answer for answer in answers if answer]
        result = spoken[0] if len(spoken) == 1 else _collision(spoken)
        for meter, answer in zip(self.meters, answers, strict=True):
            if result and not answer:
                meter.pieces(b"".join(part for _, part in result))
        return result

    def elapse(self, seconds: float) -> None:
        for meter in self.meters:
            meter.elapse(seconds)

    def pause(self) -> None:
        for meter in self.meters:
            meter.pause()


def _collision(answers: Sequence[Sequence[Piece]]) -> list[Piece]:
    if not answers:
        return []
    delay_s = min(answer[0][0] for answer in answers)
    mixed = bytearray()
    for column in zip_longest(*(b"".join(part for _, part in answer) for answer in answers), fillvalue=0xFF):
        byte = 0xFF
        for one in column:
            byte &= one
        mixed.append(byte)
    return [(delay_s, bytes(mixed))]

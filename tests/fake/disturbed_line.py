"""What a line does to answers on their way: hypothesis strategies and callables for dialogues."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

Answer = Callable[[bytes], bytes]


@st.composite
def disturbances(draw: st.DrawFn) -> Answer:
    """One thing that happens to an answer: it stays whole or is visibly not itself."""
    kind = draw(st.sampled_from(["whole", "flip", "drop", "insert", "cut", "noise", "nothing"]))
    share, byte, noise = draw(st.floats(0, 0.999)), draw(st.integers(1, 255)), draw(st.binary(max_size=40))

    def disturb(frame: bytes) -> bytes:
        place = int(share * len(frame))
        # The checksum itself, put in anywhere before it, would make a sound frame of shifted data.
        added = bytes([byte]) if bytes([byte]) != frame[-1:] else b"\x00"
        changed = {
            "whole": frame,
            "flip": frame[:place] + bytes([frame[place] ^ byte]) + frame[place + 1 :],
            "drop": frame[:place] + frame[place + 1 :],
            "insert": frame[:place] + added + frame[place:],
            "cut": frame[:place],
            "noise": noise + frame,
            "nothing": b"",
        }
        return changed[kind]

    return disturb


def disturbed(answer: Answer, changes: list[Answer]) -> Answer:
    """A meter at the end of a line that spoils its next answers, and is quiet afterwards."""
    queue = iter(changes)
    return lambda request: next(queue, lambda frame: frame)(answer(request))


def delayed(answer: Answer) -> Answer:
    """Each answer comes once more before the next one, as after a repeated request on a slow line."""
    late = b""

    def answer_late(request: bytes) -> bytes:
        nonlocal late
        earlier, late = late, answer(request)
        return earlier + late

    return answer_late

"""An archive is read in the largest blocks that the meter proved to take, and in no larger ones."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from drivers import tem_384
from drivers.emulated import tem
from engine.archive.findings import Task
from engine.dialogue import Ask, Condition, Fetched
from engine.errors import NoAnswer
from engine.line.block_size import AGAIN_AFTER, ATTEMPTS, BlockSize, tried_only
from engine.line.device import Device
from tests.fake.agent_settings import serial_device

ARCHIVE_READ = b"\x0f\x03"


class Meter:
    """An emulated ТЭСМАРТ that gives at most `longest` bytes at once; counts its requests by their length."""

    def __init__(self, longest: int) -> None:
        self.inside = tem.Meter(tem.Options("tesmart", flash_kb=512, records=(9, 2, 1), longest=longest))
        self.asked: list[int] = []
        self.broken = False

    def run(self, dialogue: Generator[Ask, bytes, object], usual: int = 3) -> object:
        """As a line runs it: a request is repeated so often, then the dialogue hears of the silence."""
        try:
            ask = next(dialogue)
            while True:
                heard = next(filter(None, (self._hear(ask) for _ in range(ask.attempts or usual))), None)
                ask = dialogue.throw(NoAnswer("нет ответа")) if heard is None else dialogue.send(heard)
        except StopIteration as end:
            return end.value

    def _hear(self, ask: Ask) -> bytes | None:
        if ask.request[3:5] == ARCHIVE_READ:
            self.asked.append(ask.request[6])
        answer = b"" if self.broken else b"".join(part for _, part in self.inside.pieces(ask.request))
        return ask.take(answer).payload


def opened(meter: Meter, **changed: object) -> tuple[Device, Task]:
    device = Device(serial_device("a.ini", **changed), (tem_384.DRIVER,), 60.0, 0.0)
    answers = meter.run(device.reading(0.0))
    device.was_read(answers, 0.0)  # type: ignore[arg-type]
    rings = answers.rings  # type: ignore[attr-defined]
    meter.asked.clear()
    return device, Task(rings[0], rings[0].after(rings[0].next_place, -1))


def read(meter: Meter, device: Device, task: Task) -> Condition:
    fetched = meter.run(device.archive_dialogue(task))
    assert isinstance(fetched, Fetched)
    return fetched.condition


@pytest.mark.parametrize(
    ("longest", "first", "then"),
    [
        (255, [255, 129], [255, 129]),
        (200, [255, 255, 127, 126, 127, 4], [127, 126, 127, 4]),
        (64, [255, 255, 127, 127, 64, 63, 64, 63, 64, 63, 3], [64, 63, 64, 63, 64, 63, 3]),
    ],
)
def test_a_record_is_read_in_as_few_blocks_as_the_meter_allows(longest: int, first: list[int], then: list[int]) -> None:
    meter = Meter(longest)
    device, task = opened(meter)
    for wanted in (first, then):
        assert read(meter, device, task) is Condition.GOOD
        assert meter.asked == wanted
        meter.asked.clear()


def test_the_size_that_the_user_wrote_is_the_size() -> None:
    meter = Meter(255)
    device, task = opened(meter, block_size=64, block_size_fixed=True)
    assert read(meter, device, task) is Condition.GOOD
    assert max(meter.asked) == 64


def test_a_silence_of_the_meter_itself_is_told_as_ever() -> None:
    meter = Meter(255)
    device, task = opened(meter)
    meter.broken = True
    with pytest.raises(NoAnswer):
        read(meter, device, task)
    assert meter.asked == [255] * ATTEMPTS + [127] * ATTEMPTS + [64] * 3


def test_after_a_loss_nothing_is_taken_for_granted() -> None:
    meter = Meter(64)
    device, task = opened(meter)
    read(meter, device, task)
    device.forget()
    answers = meter.run(device.reading(0.0))
    device.was_read(answers, 0.0)  # type: ignore[arg-type]
    meter.asked.clear()
    read(meter, device, task)
    assert meter.asked[0] == 255


def test_what_failed_is_tried_again_later_and_later() -> None:
    block = BlockSize(64, fixed=False)
    waited = []
    for _ in range(3):
        while block.can_shrink:
            block.unanswered()
        for count in range(1, 100 * AGAIN_AFTER):
            block.answered()
            if block.size > 64:
                waited.append(count)
                break
    assert block.size == 127
    assert AGAIN_AFTER < waited[0] < waited[1] < waited[2]


def test_a_dialogue_that_fails_at_once_fails_as_ever() -> None:
    def refuses() -> Generator[Ask, bytes, int]:
        raise NoAnswer("нет")
        yield

    with pytest.raises(NoAnswer):
        next(tried_only(refuses()))

"""Runs a driver's dialogue against a callable: request in, all bytes that came out."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import TypeVar

from engine.dialogue import Ask
from engine.errors import NoAnswer

Result = TypeVar("Result")


def run(
    dialogue: Generator[Ask, bytes, Result], answer: Callable[[bytes], bytes], limit: int = 1000, tries: int = 1
) -> Result:
    """The dialogue's result. One request that was not answered in `tries` is told to it by NoAnswer with the reason."""
    try:
        ask = next(dialogue)
        for _ in range(limit):
            ask = step(dialogue, ask, answer, tries)
    except StopIteration as end:
        return end.value
    raise AssertionError(f"no end after {limit} requests")


def step(dialogue: Generator[Ask, bytes, Result], ask: Ask, answer: Callable[[bytes], bytes], tries: int) -> Ask:
    try:
        payload = exchange(ask, answer, tries)
    except NoAnswer as error:
        return dialogue.throw(error)
    return dialogue.send(payload)


def exchange(ask: Ask, answer: Callable[[bytes], bytes], tries: int) -> bytes:
    reason = ""
    for _ in range(tries):
        look = ask.take(answer(ask.request))
        if look.payload is not None:
            return look.payload
        reason = look.reason or "нет ответа"
    raise NoAnswer(reason)


def asks(dialogue: Generator[Ask, bytes, object], answer: Callable[[bytes], bytes]) -> list[tuple[Ask, bytes]]:
    """Every request of a dialogue with what was answered."""
    met: list[tuple[Ask, bytes]] = []

    def watched() -> Generator[Ask, bytes, None]:
        step: Callable[[], Ask] = dialogue.__next__
        while True:
            try:
                ask = step()
            except StopIteration:
                return
            met.append((ask, answer(ask.request)))
            try:
                step = partial(dialogue.send, (yield ask))
            except NoAnswer as error:
                step = partial(dialogue.throw, error)

    run(watched(), lambda _request: met[-1][1])
    return met

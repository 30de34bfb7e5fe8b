"""Runs a driver's dialogue against a callable: request in, all bytes that came out."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

from engine.dialogue import Ask
from engine.errors import NoAnswer

Result = TypeVar("Result")


def run(
    dialogue: Generator[Ask, bytes, Result], answer: Callable[[bytes], bytes], limit: int = 1000, tries: int = 1
) -> Result:
    """The dialogue's result; NoAnswer with the reason as soon as one request was not answered in `tries`."""
    try:
        ask = next(dialogue)
        for _ in range(limit):
            ask = dialogue.send(exchange(ask, answer, tries))
    except StopIteration as end:
        return end.value
    raise AssertionError(f"no end after {limit} requests")


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
        payload: bytes | None = None
        while True:
            try:
                ask = next(dialogue) if payload is None else dialogue.send(payload)
            except StopIteration:
                return
            met.append((ask, answer(ask.request)))
            payload = yield ask

    run(watched(), lambda _request: met[-1][1])
    return met

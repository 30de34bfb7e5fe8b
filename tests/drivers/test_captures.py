"""Every driver against what was seen, or by the protocol must be seen, on the wire."""

from __future__ import annotations

import importlib
from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

import drivers
from drivers import tem_frame
from engine.dialogue import Ask, Driver, Fetched, Look, Mark, Ring, Setup
from engine.model import Reading, Record
from tests.fake.dialogue_runner import asks, run

CAPTURES = Path(__file__).parent.parent / "captures"
FOLDERS = sorted(path.parent for path in CAPTURES.glob("*/*/exchange.txt"))
REASONS = {"", "шум", "эхо", "неполный кадр", "контрольная сумма", "чужой адрес", "чужая команда", "другая длина"}
NOISE = (b"\x00", b"\xaa", b"\xaa\x01", b"\xaa\x01\xfe\x0f\x01", b"\xff\x55\xaa\xaa\x01\xfe\x00", bytes(range(256)))


@dataclass(frozen=True)
class Case:
    """A folder of `tests/captures`: what went over the wire, and what it tells."""

    driver: Driver
    setup: Setup
    dialogue: str
    exchange: tuple[tuple[bytes, bytes], ...]
    expected: dict[str, str]


def load(folder: Path) -> Case:
    driver = importlib.import_module(f"drivers.{folder.parent.name}").DRIVER
    pairs = pairs_of((folder / "exchange.txt").read_text(encoding="utf-8"))
    lines = (folder / "expected.txt").read_text(encoding="utf-8").splitlines()
    expected = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    setup = Setup(address=int(expected.pop("address")), block_size=int(expected.pop("block_size")))
    return Case(driver, setup, expected.pop("dialogue"), pairs, expected)


def pairs_of(text: str) -> tuple[tuple[bytes, bytes], ...]:
    sides: dict[str, list[bytes]] = {">>": [], "<<": []}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            sides[line[:2]].append(bytes.fromhex(line[2:]))
    return tuple(zip(sides[">>"], sides["<<"], strict=True))


def talk(case: Case) -> Generator[Ask, bytes, object]:
    """The dialogue that a case names, from the identify on."""
    name, *arguments = case.dialogue.split()
    driver, setup = case.driver, case.setup
    if name == "memory":
        memory, address, length = arguments
        return (yield from tem_frame.read_memory(setup, getattr(tem_frame, memory), int(address, 16), int(length)))
    id_bytes = yield from driver.ask_id(setup)
    if name == "id":
        return id_bytes
    identity = yield from driver.open(setup, id_bytes)
    if name == "open":
        return {"id": identity.id_text, "type": identity.device_type, "number": identity.meter_number}
    if name == "read":
        return (yield from driver.read(setup, identity))
    assert driver.rings and driver.probe and driver.fetch
    rings = yield from driver.rings(setup, identity)
    if name == "rings":
        return rings
    (ring,) = (ring for ring in rings if ring.rec_type == arguments[0])
    action = {"probe": driver.probe, "fetch": driver.fetch}[name]
    return (yield from action(setup, identity, ring, int(arguments[1])))


def told(result: object) -> dict[str, str]:
    """A result as the lines of `expected.txt`: what is not known is empty, floats to six digits."""
    if isinstance(result, dict):
        return {key: text(value) for key, value in result.items()}
    if isinstance(result, bytes):
        return {"data": result.hex(" ").upper()}
    if isinstance(result, Reading):
        head = {"MeterNumber": result.meter_number, "Clock": text(result.clock), "Doubts": "; ".join(result.doubts)}
        return head | told(result.device) | systems(result)
    if isinstance(result, Fetched):
        body = systems(result.record) | {"Stamp": text(result.record.stamp)} if result.record else {}
        return {"Condition": result.condition.value, "Reason": result.reason} | body
    if isinstance(result, Mark):
        return {"Stamp": text(result.stamp), "Powered": text(result.powered_h)}
    assert isinstance(result, tuple) and all(isinstance(ring, Ring) for ring in result)
    return {ring.rec_type: f"{ring.first} {ring.count} {ring.next_place}" for ring in result}


def systems(result: Reading | Record) -> dict[str, str]:
    return {f"S{n}{key}": text(value) for n, values in enumerate(result.systems, 1) for key, value in values.items()}


def text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def answered(case: Case) -> list[tuple[Ask, bytes]]:
    replay = iter(case.exchange)
    return asks(talk(case), lambda _request: next(replay)[1])


def payload_of(ask: Ask, received: bytes) -> bytes | None:
    look = ask.take(received)
    assert isinstance(look, Look) and look.reason in REASONS
    return look.payload


def test_every_driver_has_captures() -> None:
    assert {driver.name for driver in drivers.load()} <= {folder.parent.name for folder in FOLDERS}
    assert all((folder / "expected.txt").exists() for folder in FOLDERS)


def test_every_driver_is_named_like_its_module() -> None:
    for driver in drivers.load():
        assert importlib.import_module(f"drivers.{driver.name}").DRIVER is driver


@pytest.fixture(params=FOLDERS, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def case(request: pytest.FixtureRequest) -> Case:
    return load(request.param)


def test_the_exchange_goes_as_captured_and_tells_what_is_expected(case: Case) -> None:
    replay = iter(case.exchange)

    def answer(request: bytes) -> bytes:
        wanted, reply = next(replay)
        assert request.hex(" ") == wanted.hex(" ")
        return reply

    assert told(run(talk(case), answer)) == case.expected
    assert next(replay, None) is None, "the dialogue ended before the exchange did"


def test_an_answer_is_taken_at_its_last_byte_and_not_before(case: Case) -> None:
    for ask, reply in answered(case):
        assert len(reply) <= ask.expected
        assert all(payload_of(ask, reply[:length]) is None for length in range(len(reply)))
        assert payload_of(ask, reply) == reply[6:-1]


def test_noise_before_and_after_an_answer_does_no_harm(case: Case) -> None:
    for ask, reply in answered(case):
        for noise in NOISE:
            assert payload_of(ask, noise + reply) == reply[6:-1]
            assert payload_of(ask, reply + noise) == reply[6:-1]


def test_an_echo_before_the_answer_is_passed_over(case: Case) -> None:
    for ask, reply in answered(case):
        assert ask.take(ask.request).reason == ask.take(ask.request[:3]).reason == "эхо"
        assert payload_of(ask, ask.request + reply) == reply[6:-1]
        assert payload_of(ask, b"\xaa" + ask.request + reply) == reply[6:-1]


def test_an_answer_with_one_broken_byte_is_never_taken(case: Case) -> None:
    for ask, reply in answered(case):
        for place in range(len(reply)):
            for mask in (0x01, 0x80, 0xFF):
                broken = bytearray(reply)
                broken[place] ^= mask
                assert payload_of(ask, bytes(broken)) is None

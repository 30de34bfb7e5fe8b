"""Every driver against what was seen, or by the protocol must be seen, on the wire."""

from __future__ import annotations

import importlib
from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

import drivers
from drivers import rt_05, tem_frame
from engine.config.shipped import Shipped
from engine.dialogue import Ask, Driver, Fetched, Look, Mark, Ring, Setup
from engine.model import Event, Reading, Record
from engine.template.modbus_map import Template
from tests.fake.dialogue_runner import asks, run

PROJECT = Path(__file__).parents[2]
CAPTURES = PROJECT / "tests/captures"
FOLDERS = sorted(path.parent for path in CAPTURES.glob("*/*/exchange.txt"))
REASONS = {"", "шум", "эхо", "неполный кадр", "контрольная сумма", "чужой адрес", "чужая команда", "другая длина"}
LONG_READ = b"\x0f\x01\x06"
"""Group, command and request length of the read whose answer tells its length in two bytes (RT-05)."""
BARE_BLOCK = 344
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
    setup = Setup(
        device_type=expected.pop("dev_type", "auto"),
        address=int(expected.pop("address")),
        block_size=int(expected.pop("block_size")),
        protocol=expected.pop("protocol", "auto"),
        template=shipped(expected.pop("template", "")),
    )
    return Case(driver, setup, expected.pop("dialogue"), pairs, expected)


def shipped(name: str) -> Template | None:
    """The template of this name, as it comes with the agent."""
    found = Shipped(PROJECT / "etc").find(name) if name else None
    assert found or not name, f"no template {name}"
    return found


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
    if name == "ram":
        address, length = arguments
        return (yield rt_05.ask_long(setup, int(address, 16), int(length)))
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
    place = int(arguments[1])
    (ring,) = (ring for ring in rings if ring.rec_type == arguments[0] and holds(ring, place))
    action = {"probe": driver.probe, "fetch": driver.fetch}[name]
    return (yield from action(setup, identity, ring, place))


def holds(ring: Ring, place: int) -> bool:
    return ring.first <= place < ring.first + ring.count


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
        body = entry(result.record) | {"Stamp": text(result.record.stamp)} if result.record else {}
        return {"Condition": result.condition.value, "Reason": result.reason} | body
    if isinstance(result, Mark):
        return {"Stamp": text(result.stamp), "Powered": text(result.powered_h)}
    assert isinstance(result, tuple) and all(isinstance(ring, Ring) for ring in result)
    # A later ring of the same type is known by its first place.
    types = [ring.rec_type for ring in result]
    names = [type_ if type_ not in types[:n] else f"{type_} {result[n].first}" for n, type_ in enumerate(types)]
    return {name: f"{ring.first} {ring.count} {ring.next_place}" for name, ring in zip(names, result, strict=True)}


def systems(result: Reading | Record) -> dict[str, str]:
    return {f"S{n}{key}": text(value) for n, values in enumerate(result.systems, 1) for key, value in values.items()}


def entry(record: Record | Event) -> dict[str, str]:
    return told(dict(record.values)) if isinstance(record, Event) else systems(record)


def text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def answered(case: Case) -> list[tuple[Ask, bytes]]:
    """What was asked and answered; not what met silence."""
    replay = iter(case.exchange)
    return [(ask, reply) for ask, reply in asks(talk(case), lambda _request: next(replay)[1]) if reply]


def data_of(ask: Ask, reply: bytes) -> bytes:
    """What a sound answer hands on, by its frame: that of the ТЭМ family, Modbus RTU, or a block that is all data."""
    if reply[0] == 0xAA:
        return reply[7 if ask.request[3:6] == LONG_READ else 6 : -1]
    return reply[1:-2] if len(ask.request) == 8 else reply


def checked(reply: bytes) -> range:
    """Where a broken byte must be noticed: everywhere, but only in the summed part of a block without a frame."""
    return range(0x0E, 0x80) if len(reply) == BARE_BLOCK else range(len(reply))


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
        assert payload_of(ask, reply) == data_of(ask, reply)


def test_noise_before_and_after_an_answer_does_no_harm(case: Case) -> None:
    for ask, reply in answered(case):
        for noise in NOISE:
            assert payload_of(ask, noise + reply) == data_of(ask, reply)
            assert payload_of(ask, reply + noise) == data_of(ask, reply)


def test_an_echo_before_the_answer_is_passed_over(case: Case) -> None:
    for ask, reply in answered(case):
        if ask.request:
            assert ask.take(ask.request).reason == ask.take(ask.request[:3]).reason == "эхо"
        assert payload_of(ask, ask.request + reply) == data_of(ask, reply)
        assert payload_of(ask, b"\xaa" + ask.request + reply) == data_of(ask, reply)


def test_an_answer_with_one_broken_byte_is_never_taken(case: Case) -> None:
    for ask, reply in answered(case):
        for place in checked(reply):
            for mask in (0x01, 0x80, 0xFF):
                broken = bytearray(reply)
                broken[place] ^= mask
                assert payload_of(ask, bytes(broken)) is None

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers import tem_frame
from drivers.tem_frame import CLOCK, FLASH, FLASH_16, FLASH_LENGTH_LAST, PARAMETERS, RAM, Memory, ask_id, encode, split
from engine.dialogue import Ask, Setup
from tests.fake.dialogue_runner import asks, run
from tests.fake.memory_meter import MemoryMeter

ID_ANSWER = bytes.fromhex("AA 01 FE 00 00 07 54 53 4D 2D 31 30 34 99")


def id_ask(address: int = 1) -> Ask:
    return next(ask_id(Setup(address=address)))


def memory_ask(length: int = 4, address: int = 1) -> Ask:
    return next(tem_frame.read_memory(Setup(address=address), PARAMETERS, 0, length))


def answer(octets: str) -> bytes:
    """An answer whose checksum is computed here."""
    body = bytes.fromhex(octets)
    return body + bytes([255 - sum(body) % 256])


@pytest.mark.parametrize(
    ("memory", "address", "length", "expected"),
    [
        (PARAMETERS, 0x0000, 64, "55 01 FE 0F 01 03 00 00 40 58"),
        (PARAMETERS, 0x0482, 6, "55 01 FE 0F 01 03 04 82 06 0C"),
        (PARAMETERS, 0x04F4, 12, "55 01 FE 0F 01 03 04 F4 0C 94"),
        (CLOCK, 0x10, 16, "55 01 FE 0F 02 02 10 10 78"),
        (RAM, 0x2200, 64, "55 01 FE 0C 01 03 22 00 40 39"),
        (FLASH, 0x060000, 64, "55 01 FE 0F 03 05 40 00 06 00 00 4E"),
        (FLASH, 0x051000, 64, "55 01 FE 0F 03 05 40 00 05 10 00 3F"),
        (FLASH_LENGTH_LAST, 0x018000, 64, "55 01 FE 0F 03 05 00 01 80 00 40 D3"),
        (FLASH_16, 0x9600, 48, "55 01 FE 0F 03 03 96 00 30 D0"),
    ],
)
def test_requests_are_those_of_the_protocol(memory: Memory, address: int, length: int, expected: str) -> None:
    ask = next(tem_frame.read_memory(Setup(address=1), memory, address, length))
    assert ask.request == bytes.fromhex(expected)
    assert ask.expected == 7 + length


def test_identify_requests_are_those_of_the_protocol() -> None:
    assert id_ask(1).request == bytes.fromhex("55 01 FE 00 00 00 AB")
    assert id_ask(0).request == bytes.fromhex("55 00 FF 00 00 00 AB")
    assert encode(1, 0x00, 0x01) == bytes.fromhex("55 01 FE 00 01 00 AA")
    assert encode(1, 0x0D, 0x11, bytes.fromhex("01 00 20 03 04")).hex(" ") == "55 01 fe 0d 11 05 01 00 20 03 04 60"


@pytest.mark.parametrize(
    "frame",
    [
        "AA 01 FE 00 00 07 54 53 4D 2D 31 30 34 99",
        "AA 01 FE 00 00 07 54 45 4D 2D 31 30 34 A7",
        "AA 01 FE 00 00 08 54 45 4D 31 30 34 2D 31 75",
        "AA 01 FE 00 00 07 D2 C5 CC 2D 31 30 31 2D",
    ],
)
def test_the_id_of_every_sister_is_taken(frame: str) -> None:
    assert id_ask().take(bytes.fromhex(frame)).payload == bytes.fromhex(frame)[6:-1]


def test_any_meter_answers_address_0_and_only_the_asked_one_another_address() -> None:
    foreign = answer("AA 07 F8 00 00 07 54 53 4D 2D 31 30 34")
    assert id_ask(0).take(foreign).payload == b"TSM-104"
    assert id_ask(1).take(foreign).payload is None
    assert id_ask(1).take(foreign + ID_ANSWER).payload == b"TSM-104"


@pytest.mark.parametrize(
    ("received", "reason"),
    [
        (b"", ""),
        (b"\x00\x12\xff", "шум"),
        (b"\xaa\x01\x01\x0f\x01\x04", "шум"),
        (encode(1, 0x0F, 0x01, b"\x00\x00\x04"), "эхо"),
        (encode(1, 0x0F, 0x01, b"\x00\x00\x04")[:5], "эхо"),
        (b"\xaa", "неполный кадр"),
        (answer("AA 01 FE 0F 01 04 01 02 03 04")[:-1], "неполный кадр"),
        (answer("AA 01 FE 0F 01 04 01 02 03 04")[:-1] + b"\x00", "контрольная сумма"),
        (answer("AA 02 FD 0F 01 04 01 02 03 04"), "чужой адрес"),
        (answer("AA 01 FE 0F 03 04 01 02 03 04"), "чужая команда"),
        (answer("AA 01 FE 0C 01 04 01 02 03 04"), "чужая команда"),
        (answer("AA 01 FE 0F 01 05 01 02 03 04 05"), "другая длина"),
        (answer("AA 01 FE 0F 01 00"), "другая длина"),
    ],
)
def test_what_is_in_the_way_is_told_in_a_stable_word(received: bytes, reason: str) -> None:
    look = memory_ask().take(received)
    assert (look.payload, look.reason) == (None, reason)


def test_a_false_start_does_not_stall_even_with_a_header_that_fits() -> None:
    true = answer("AA 01 FE 0F 01 04 01 02 03 04")
    for false in ("AA", "AA AA AA", "AA 01 FE", "AA 01 FE 0F 01 04", "AA 01 FE 0F 01 FF 00", "AA 55 AA 55"):
        assert memory_ask().take(bytes.fromhex(false) + true).payload == b"\x01\x02\x03\x04"


def test_an_empty_id_is_no_id() -> None:
    assert id_ask().take(answer("AA 01 FE 00 00 00")).reason == "другая длина"


def test_a_request_that_holds_a_start_byte_is_passed_over_as_echo() -> None:
    ask = next(tem_frame.read_memory(Setup(address=0), PARAMETERS, 0xAA55, 4))
    assert b"\xaa\x55" in ask.request
    assert ask.take(ask.request + answer("AA 01 FE 0F 01 04 01 02 03 04")).payload == b"\x01\x02\x03\x04"


def test_an_answer_whose_data_hold_the_request_is_not_mistaken_for_an_echo() -> None:
    ask = memory_ask(length=10)
    assert ask.take(answer("AA 01 FE 0F 01 0A" + ask.request.hex())).payload == ask.request


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_random_bytes_raise_nothing_and_are_no_answer_by_chance(noise: bytes) -> None:
    look = memory_ask().take(noise)
    assert look.payload is None or answer("AA 01 FE 0F 01 04" + look.payload.hex()) in noise


@settings(max_examples=100, deadline=None)
@given(noise=st.binary(max_size=300), data=st.binary(min_size=4, max_size=4))
def test_an_answer_is_found_behind_any_noise(noise: bytes, data: bytes) -> None:
    found = memory_ask().take(noise + answer("AA 01 FE 0F 01 04" + data.hex())).payload
    assert found is not None


def test_a_flood_of_false_starts_is_looked_through() -> None:
    flood = bytes.fromhex("AA 01 FE 0F 01 FF") * 680
    assert memory_ask().take(flood).payload is None


# --- blocks


@given(
    length=st.integers(0, 1000),
    size=st.integers(8, 255),
    step=st.sampled_from([1, 2, 4]),
    previous=st.integers(0, 255),
)
def test_blocks_cover_the_length_on_whole_numbers_and_differ_from_their_neighbours(
    length: int, size: int, step: int, previous: int
) -> None:
    blocks = split(length, size, step, previous)
    assert sum(blocks) == length
    assert all(1 <= block <= size for block in blocks)
    assert all(block % step == 0 for block in blocks[:-1])
    if length > step:
        neighbours = [(previous, *blocks)[n : n + 2] for n in range(len(blocks))]
        assert all(one != other or other <= step for one, other in neighbours)


def test_a_record_in_blocks_of_64_never_has_two_equal_neighbours() -> None:
    blocks = split(384, 64)
    assert blocks == (64, 63, 64, 63, 64, 63, 3)
    assert all(one != other for one, other in pairwise(blocks + blocks))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7])
def test_tiny_blocks_still_cover_everything(size: int) -> None:
    blocks = split(30, size, 4)
    assert sum(blocks) == 30
    assert max(blocks) <= size


@pytest.mark.parametrize("block_size", [1, 5, 8, 64, 127, 255, 256, 1000])
def test_memory_is_put_together_from_its_blocks(block_size: int) -> None:
    meter = MemoryMeter()
    meter.flash[:512] = bytes(range(256)) * 2
    setup = Setup(address=1, block_size=block_size)
    data = run(tem_frame.read_memory(setup, FLASH, 7, 384), meter.answer)
    assert data == bytes(meter.flash[7:391])
    asked = [ask.expected - 7 for ask, _ in asks(tem_frame.read_memory(setup, FLASH, 7, 384), meter.answer)]
    assert max(asked) <= min(block_size, 255)


def test_spans_lie_at_their_addresses_and_what_was_not_read_is_no_number() -> None:
    meter = MemoryMeter()
    meter.parameters[:] = b"\x11" * len(meter.parameters)
    image = run(tem_frame.read_spans(Setup(address=1), PARAMETERS, ((4, 4), (12, 8))), meter.answer)
    assert image.hex() == "ffffffff" "11111111" "ffffffff" "1111111111111111"


def test_equal_spans_are_not_asked_for_in_equal_blocks() -> None:
    meter = MemoryMeter()
    met = asks(tem_frame.read_spans(Setup(address=1), PARAMETERS, ((0, 24), (32, 24), (64, 24))), meter.answer)
    assert all(one.expected != other.expected for (one, _), (other, _) in pairwise(met))

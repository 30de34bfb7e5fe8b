from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.emulated.tem import Meter, Options
from tests.fake.tem_request import IDENTIFY, flash_request, memory_request, payload, request

# Real answers of a ТЭСМАРТ, address 1, serial number 476721.
ID_ANSWER = bytes.fromhex("AA 01 FE 00 00 07 54 53 4D 2D 31 30 34 99")
SETTINGS_ANSWER = bytes.fromhex("""
AA 01 FE 0F 01 D0
01 00 00 05 05 00 00 01 04 08 08 00 00 03 0C 10
20 00 00 03 0C 08 20 00 00 01 03 00 FF FF 00 01
12 05 14 01 42 B4 00 00 42 A0 00 00 42 8C 00 00
42 70 00 00 42 48 00 00 42 20 00 00 41 F0 00 00
3F 66 66 66 00 00 00 00 40 00 00 00 40 40 00 00
40 40 00 00 40 40 00 00 40 40 00 00 46 C7 BA 00
46 C7 D2 00 46 C7 AA 00 46 C7 EA 00 46 C7 B8 00
46 C7 B6 00 3F 33 33 33 3E CC CC CD 3F 66 66 66
3F 66 66 66 3F 66 66 66 3F 66 66 66 3F 66 66 66
3F 66 66 66 02 02 02 02 02 02 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 FF FF FF FF FF FF
FF FF 3F CC CC CD 3F CC CC CD 3F CC CC CD 3F CC
CC CD 3F CC CC CD 3F CC CC CD FF FF FF FF FF FF
B8""")
SERIAL_ANSWER = bytes.fromhex("""
AA 01 FE 0F 01 20
00 07 46 31 FF FF FF FF FF FF FF FF FF FF FF FF
FF FF FF FF FF FF 1F 25 FF FF FF FF FF FF FF 5A
23""")

CAPTURED = pytest.mark.parametrize(
    ("question", "answer"),
    [
        (IDENTIFY, ID_ANSWER),
        (bytes.fromhex("55 01 FE 0F 01 03 00 00 D0 C8"), SETTINGS_ANSWER),
        (bytes.fromhex("55 01 FE 0F 01 03 01 52 20 25"), SERIAL_ANSWER),
    ],
    ids=["id", "settings", "serial"],
)


@CAPTURED
def test_the_default_meter_answers_byte_for_byte_like_the_captured_one(question: bytes, answer: bytes) -> None:
    assert Meter().hear(question) == answer


@CAPTURED
def test_a_request_that_comes_byte_by_byte_is_answered_at_its_last_byte(question: bytes, answer: bytes) -> None:
    meter = Meter()
    assert [meter.hear(bytes((byte,))) for byte in question] == [b""] * (len(question) - 1) + [answer]


@pytest.mark.parametrize(
    "noise",
    [
        "00",
        "55",
        "55 55",
        "55 01",
        "55 01 FE",
        "55 01 FE 0F",
        "55 01 FE 0F 01 03 00",
        "AA 01 FE 00 00 07",
        "55 01 FE 77",
    ],
)
def test_noise_before_a_request_costs_no_answer(noise: str) -> None:
    meter = Meter()
    heard = meter.hear(bytes.fromhex(noise) + IDENTIFY)
    # The longest half request may take the whole one into its data; the repeat then is heard.
    assert heard + meter.hear(IDENTIFY) in (ID_ANSWER, ID_ANSWER * 2)


@pytest.mark.parametrize("noise", ["00", "55", "55 55", "AA 01 FE", "55 01 FE 0F 01 05", "55 02 55 01 02"])
def test_what_cannot_begin_a_request_is_dropped_at_once(noise: str) -> None:
    assert Meter().hear(bytes.fromhex(noise) + IDENTIFY) == ID_ANSWER


@settings(max_examples=60)
@given(noise=st.binary(max_size=40))
def test_after_any_noise_and_a_pause_the_meter_answers(noise: bytes) -> None:
    meter = Meter()
    meter.hear(noise)
    meter.pause()
    assert meter.hear(IDENTIFY) == ID_ANSWER


@settings(max_examples=60)
@given(noise=st.binary(max_size=40))
def test_after_any_noise_without_a_pause_the_third_request_is_answered(noise: bytes) -> None:
    meter = Meter()
    for data in (noise, IDENTIFY, IDENTIFY):
        meter.hear(data)
    assert meter.hear(IDENTIFY).endswith(ID_ANSWER)


def test_two_requests_in_one_portion_get_two_answers() -> None:
    assert Meter().hear(IDENTIFY * 2) == ID_ANSWER * 2


@pytest.mark.parametrize("place", range(len(IDENTIFY)))
def test_a_request_with_a_damaged_byte_gets_no_answer(place: int) -> None:
    damaged = bytearray(IDENTIFY)
    damaged[place] ^= 0x10
    assert Meter().hear(bytes(damaged)) == b""


@pytest.mark.parametrize(
    "wrong",
    [
        request(0x00, 0, address=2),
        request(0x00, 1),
        request(0x0F, 2, bytes((0x10, 0x10))),
        request(0x0C, 1, bytes((0x22, 0, 0x40))),
        memory_request(0, 0),
        memory_request(0x7FF, 2),
        memory_request(0xFFFF, 1),
        flash_request(1024 * 1024 - 1, 2),
        flash_request(0xFFFFFFFF, 64),
        flash_request(0, 0),
    ],
    ids=lambda frame: frame.hex(),
)
def test_what_the_meter_does_not_know_gets_silence(wrong: bytes) -> None:
    meter = Meter()
    assert meter.hear(wrong) == b""
    assert meter.hear(IDENTIFY) == ID_ANSWER


def test_a_meter_answers_address_zero_with_its_own() -> None:
    answer = Meter(Options(address=33)).hear(request(0, 0, address=0))
    assert answer[1] == 33 and payload(answer) == b"TSM-104"


def test_a_meter_may_be_unable_to_give_long_parts() -> None:
    meter = Meter(Options(longest=64))
    assert len(payload(meter.hear(memory_request(0, 64)))) == 64
    assert meter.hear(memory_request(0, 65)) == b""


@pytest.mark.parametrize(("model", "text"), [("tesmart", b"TSM-104"), ("tem106", b"TEM-106"), ("tesma106", b"TEM-106")])
def test_every_model_tells_its_id(model: str, text: bytes) -> None:
    assert payload(Meter(Options(model)).hear(IDENTIFY)) == text


def test_a_half_heard_request_is_forgotten_in_a_pause() -> None:
    meter = Meter()
    meter.hear(IDENTIFY[:4])
    meter.pause()
    assert meter.hear(IDENTIFY[4:]) == b""

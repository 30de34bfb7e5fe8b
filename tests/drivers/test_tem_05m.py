from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.tem_05m import BLOCK_SIZE, DRIVER, LISTENING_S, WAKE_UP, WOKEN, decode_reading, is_sealed, take
from engine.dialogue import Identity, Look, Setup
from engine.errors import NoAnswer
from engine.line.bus import Bus, Pace
from engine.model import Reading, Value
from tests.fake.captured import answers
from tests.fake.dialogue_runner import asks, run
from tests.fake.scripted_link import ScriptedLink

SETUP = Setup(device_type="ТЭМ-05М")
(CAPTURED,) = set(answers("tem_05m", "read"))


def changed(*changes: tuple[int, str], summed: bool = True) -> bytes:
    """The captured block with other bytes at some places, its sum right again unless it is to be left."""
    block = bytearray(CAPTURED)
    for place, digits in changes:
        data = bytes.fromhex(digits)
        block[place : place + len(data)] = data
    if summed:
        block[0x7E] = sum(block[0x0E:0x7E]) % 256
    return bytes(block)


def reading(*changes: tuple[int, str], unit: str = "MWh") -> Reading:
    return decode_reading(changed(*changes), unit)


def value(key: str, *changes: tuple[int, str]) -> Value:
    return reading(*changes).systems[0].get(key, "none")


# --- the block in the stream


def test_the_captured_block_is_sealed() -> None:
    assert len(CAPTURED) == BLOCK_SIZE and is_sealed(CAPTURED)


@pytest.mark.parametrize("heard", [0, 1, 100, 343])
def test_listening_that_began_inside_a_block_finds_the_next_whole_one(heard: int) -> None:
    rest = CAPTURED[BLOCK_SIZE - heard :]
    following = changed((0x00, "29"))
    assert take(rest + following[:-1]).payload is None
    assert take(rest + following) == Look(following)


def test_of_several_blocks_the_newest_is_taken() -> None:
    newest = changed((0x00, "33"))
    assert take(CAPTURED + changed((0x00, "30")) + newest) == Look(newest)
    assert take(CAPTURED + newest + CAPTURED[:200]) == Look(newest)


@pytest.mark.parametrize("lost", [0x02, 0x10, 0x60, 0x90, 0xB0, 0xC8])
def test_a_block_that_lost_a_byte_is_not_taken(lost: int) -> None:
    torn = CAPTURED[:lost] + CAPTURED[lost + 1 :]
    assert take(torn).payload is None
    assert take(torn + CAPTURED).payload == CAPTURED


def test_a_block_without_seals_needs_a_second_one_of_the_same_meter_right_behind() -> None:
    first, second = (changed((0x00, digits), (0x7E, "00"), summed=False) for digits in ("27", "30"))
    assert take(first) == Look(None, "контрольная сумма")
    assert take(first + second[:-1]).payload is None
    assert take(first + b"\x00" + second).payload is None
    assert take(first + second) == Look(second)
    other = changed((0x00, "30"), (0x0E, "67"), (0x7E, "00"), summed=False)
    assert take(first + other).payload is None
    assert "контрольная сумма блока" in decode_reading(second, "MWh").doubts


def test_a_sealed_block_is_taken_whatever_its_clock_says() -> None:
    dead = changed((0x07, "00 00 00"))
    assert take(dead) == Look(dead)


def test_the_hours_may_turn_between_their_two_places() -> None:
    assert is_sealed(changed((0x19, "3F")))
    assert not is_sealed(changed((0x19, "40")))
    assert is_sealed(changed((0x19, "00 00 01"), (0xEC, "FF FF")))


def test_what_is_in_the_way_is_told() -> None:
    assert take(b"") == Look(None)
    assert take(WAKE_UP) == take(WAKE_UP[:2]) == Look(None, "эхо")
    assert take(CAPTURED[:-1]).reason == take(b"\x00" * 100).reason == "неполный кадр"
    assert take(b"\x55" * 1000).reason == "шум"


@settings(max_examples=100, deadline=None)
@given(noise=st.binary(max_size=1200))
def test_noise_is_no_block_and_hides_none(noise: bytes) -> None:
    assert take(noise).payload is None
    assert take(noise + CAPTURED).payload == CAPTURED


@settings(max_examples=100, deadline=None)
@given(block=st.binary(min_size=BLOCK_SIZE, max_size=BLOCK_SIZE), scheme=st.integers(0, 255))
def test_no_block_breaks_the_decode(block: bytes, scheme: int) -> None:
    codes = block[:0x11] + bytes((scheme, block[0x12] % 24, block[0x13] % 24)) + block[0x14:]
    told = decode_reading(codes, "MWh")
    assert all(found is None or isinstance(found, float | str) for found in told.systems[0].values())


# --- dialogue


def test_a_meter_that_sends_by_itself_is_only_listened_to() -> None:
    identity = opened(lambda request: b"" if request else CAPTURED)
    assert (identity.device_type, identity.meter_number) == ("ТЭМ-05М", "38246")
    met = asks(DRIVER.read(SETUP, identity), lambda _request: CAPTURED)
    assert [ask.request for ask, _ in met] == [b""]


def test_a_silent_meter_is_woken_and_then_woken_at_once() -> None:
    identity = opened(lambda request: request + CAPTURED if request else b"")
    met = asks(DRIVER.read(SETUP, identity), lambda _request: CAPTURED)
    assert [ask.request for ask, _ in met] == [WAKE_UP]


def test_a_meter_that_stopped_sending_is_woken() -> None:
    identity = opened(lambda request: b"" if request else CAPTURED)
    told = run(DRIVER.read(SETUP, identity), lambda request: CAPTURED if request else b"")
    assert told.meter_number == "38246"


def test_nobody_at_all_is_no_answer() -> None:
    with pytest.raises(NoAnswer):
        run(DRIVER.ask_id(SETUP), lambda _request: b"")


def test_the_question_is_put_only_where_the_user_named_the_type() -> None:
    with pytest.raises(NoAnswer):
        next(DRIVER.ask_id(replace(SETUP, device_type="auto")))


def test_an_id_of_another_family_is_not_accepted() -> None:
    assert DRIVER.accepts(CAPTURED) and DRIVER.accepts(CAPTURED + WOKEN)
    assert not any(map(DRIVER.accepts, (b"", b"TSM-104", CAPTURED[:-1], CAPTURED + b"x")))


def opened(answer: object) -> Identity:
    assert callable(answer)
    id_bytes = run(DRIVER.ask_id(SETUP), answer)
    assert DRIVER.accepts(id_bytes)
    return run(DRIVER.open(SETUP, id_bytes), answer)


def arriving(after_s: float, data: bytes) -> list[tuple[float, bytes]]:
    """How `data` comes at 9600 baud."""
    return [(after_s + place / 960, data[place : place + 8]) for place in range(0, len(data), 8)]


@pytest.mark.parametrize("begun", [[], arriving(0.01, CAPTURED[150:])], ids=["silence", "inside a block"])
def test_the_bus_of_a_line_hears_the_next_whole_block(begun: list[tuple[float, bytes]]) -> None:
    link = ScriptedLink(begun + arriving(1.9, changed((0x00, "29"))))
    payload = Bus(link, link.clock).exchange(next(DRIVER.ask_id(SETUP)), LISTENING_S, Pace(9600, 0.2))
    assert payload == changed((0x00, "29"))
    assert [request for _, request in link.written] == [b""]


# --- decode


def test_the_captured_block_agrees_with_itself() -> None:
    values = reading().systems[0]
    heat, volume, supply, back = (float(str(values[key])) for key in ("Q1", "V1", "T1", "T2"))
    assert heat * 1.163 / (volume * 1.163e-3) == pytest.approx(supply - back, rel=0.01)


def test_both_channels_have_a_divisor_of_their_own() -> None:
    values = reading((0x11, "41 07 0E"), (0x2F, "D2 04 00"), (0x35, "0A 00 00 D2 04 00 E8 03 00")).systems[0]
    assert values["Gmax2"] == 100
    assert (values["Gv2"], values["V2"], values["M2"]) == (12.34, 1234, 1000)
    assert values["Q2"] == pytest.approx(1 / 1.163)
    assert values["V1"] == 2312.04


@pytest.mark.parametrize(("unit", "expected"), [("MWh", 52.928 / 1.163), ("Gcal", 52.928), ("GJ", 52.928 / 4.1868)])
def test_heat_is_told_in_gcal_whatever_the_meter_counts_in(unit: str, expected: float) -> None:
    assert reading(unit=unit).systems[0]["Q1"] == pytest.approx(expected)


@pytest.mark.parametrize(("scheme", "channels"), [("01", 1), ("21", 1), ("41", 2), ("10", 2), ("82", 1)])
def test_a_second_channel_is_shown_only_where_there_is_one(scheme: str, channels: int) -> None:
    values = reading((0x11, scheme)).systems[0]
    assert ("V2" in values) == (channels == 2)


def test_the_scheme_names_the_type() -> None:
    assert value("Type", (0x11, "02")) == "Обратка"
    assert value("Type", (0x11, "07")) is None


@pytest.mark.parametrize(
    ("errors", "flow", "expected"),
    [
        ("00", "00 00 00", "0"),
        ("01", "00 00 00", "4"),
        ("80", "00 00 00", "4"),
        ("40", "00 00 00", "3"),
        ("04", "00 00 00", "1"),
        ("10", "00 00 00", "1"),
        ("10", "60 EA 00", "2"),
        ("04", "60 EA 00", "2"),
        ("51", "60 EA 00", "234"),
        ("10", "10 27 00", None),
        ("28", "00 00 00", "0"),
    ],
)
def test_the_flow_tells_which_of_its_limits_was_passed(errors: str, flow: str, expected: str | None) -> None:
    values = reading((0x3E, errors), (0x20, flow)).systems[0]
    assert (values["Err"], values["ErrRaw"]) == (expected, errors)


def test_a_clock_that_is_no_date_or_was_never_set_is_unknown() -> None:
    assert reading().clock == datetime(2016, 12, 8, 22, 48, 27)
    for change in ((0x08, "13"), (0x00, "6A"), (0x09, "90"), (0x07, "00")):
        told = reading(change)
        assert told.clock is None and "часы прибора: недопустимая дата" in told.doubts


def test_a_value_that_cannot_be_is_unknown_and_named() -> None:
    told = reading((0xCE, "FF FF"), (0x18, "3C"))
    assert (told.systems[0]["T1"], told.systems[0]["Tall"]) == (None, None)
    assert {"S1T1: недопустимое значение", "S1Tall: недопустимое значение"} <= set(told.doubts)


def test_no_serial_number_is_none() -> None:
    assert reading((0x0E, "00 00")).meter_number == ""

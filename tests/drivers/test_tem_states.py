from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.tem_104k_map import BITS_BEFORE_HOURLY, BITS_OF_SYSTEM, EVENT_BITS
from drivers.tem_104m_map import DEVICE_BITS, SYSTEM_BITS
from drivers.tem_states import FAULT, POWER, TOO_LITTLE, Bit, Kind, event_values, unix_stamp

BITS = (
    Bit(0x1, FAULT, "нет питания", sys=POWER),
    Bit(0x2, FAULT, "нет питания", sys=POWER, kind=Kind.IS_OVER),
    Bit(0x10, TOO_LITTLE, "G1 мало", "1"),
    Bit(0x20, TOO_LITTLE, "G2 мало", "2"),
    Bit(0x40, FAULT, "настройки", kind=Kind.AT_ONCE),
    Bit(0x80, FAULT, "питание", kind=Kind.UNCLEAR),
)


def test_a_bit_that_became_1_is_an_event_that_began() -> None:
    assert event_values(0, 0x10, BITS, 2) == {
        "Flow": "1", "Sys": 2, "Code": 1, "State": 1, "Source": "meter", "Text": "G1 мало (начало)",
    }  # fmt: skip


def test_a_bit_that_became_0_is_an_event_that_ended() -> None:
    values = event_values(0x30, 0x10, BITS, 1)
    assert (values["Flow"], values["State"], values["Text"]) == ("2", 0, "G2 мало (конец)")


def test_several_bits_of_one_record_are_one_event_that_tells_them_all() -> None:
    values = event_values(0x20, 0x51, BITS, 1)
    assert (values["Flow"], values["SYS"], values["Code"]) == ("12", "ПИТ", 14)
    assert values["Text"] == "нет питания (начало); G1 мало (начало); G2 мало (конец); настройки"
    assert "State" not in values, "some began and some ended"


def test_power_that_came_back_ended_the_event_in_both_bits() -> None:
    values = event_values(0x1, 0x2, BITS, 0)
    assert (values["State"], values["SYS"], values["Text"]) == (0, "ПИТ", "нет питания (конец)")
    assert event_values(0x2, 0x1, BITS, 0)["State"] == 1


def test_a_bit_of_unclear_direction_has_no_state() -> None:
    values = event_values(0, 0x80, BITS, 0)
    assert "State" not in values and values["Text"] == "питание (признак стал 1)"


def test_what_is_not_known_is_told_as_it_is() -> None:
    values = event_values(0x100, 0x200, BITS, 0)
    assert not {"Code", "State", "Flow", "SYS"} & values.keys()
    assert values["Text"] == "неизвестный признак 300h: стало 200h"
    assert event_values(0x10, 0x10, BITS, 0)["Text"] == "без изменений, состояние 10h"


@pytest.mark.parametrize("bits", [SYSTEM_BITS, DEVICE_BITS, EVENT_BITS])
def test_no_bit_has_two_meanings(bits: tuple[Bit, ...]) -> None:
    masks = [bit.mask for bit in bits]
    assert len(masks) == len(set(masks))
    assert all(mask & (mask - 1) == 0 for mask in masks)


def test_the_maps_name_the_bits_of_the_documents() -> None:
    assert sum(bit.mask for bit in SYSTEM_BITS) == 0x7FFFF
    assert sum(bit.mask for bit in DEVICE_BITS) == 0x1FFFFFFF - 0x8
    assert sum(bit.mask for bit in EVENT_BITS) == 0xFFF
    assert BITS_BEFORE_HOURLY == 0x7E and BITS_OF_SYSTEM & (0x001 | 0x040 | 0x080 | 0x400 | 0x800) == 0


@given(st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFFFFFF), st.integers(0, 4))
def test_any_two_words_make_an_event_that_can_be_written(before: int, after: int, system: int) -> None:
    values = event_values(before, after, SYSTEM_BITS, system)
    assert values["Text"] and values["Sys"] == system
    assert set(values) <= {"Flow", "SYS", "Sys", "Code", "State", "Source", "Text"}


@pytest.mark.parametrize(
    ("seconds", "stamp"),
    [
        (946684799, None),
        (946684800, datetime(2000, 1, 1)),
        (1537952400, datetime(2018, 9, 26, 9)),
        (4102444799, datetime(2099, 12, 31, 23, 59, 59)),
        (4102444800, None),
        (0, None),
        (0xFFFFFFFF, None),
    ],
)
def test_a_unix_stamp_outside_2000_to_2099_is_none(seconds: int, stamp: datetime | None) -> None:
    assert unix_stamp(seconds) == stamp

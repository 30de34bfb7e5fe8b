"""Records in LoRaWAN frames: what goes in comes out, in any order, also when frames are lost."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.formats import lora
from engine.formats.fields import RECORD_KEYS
from engine.formats.lora import LEAST_PAYLOAD_BYTES, assemble, decode, encode
from engine.model import RecType

DAY = (
    ("RecType", "D"), ("DateTime", "24.09.18 00:00:00"), ("S1Q1", "1234.567"), ("S1dQ1", "1.250"),
    ("S1M1", "98765.432"), ("S1T1", "70.12"), ("S1P1", ""), ("S1Tall", "8760.000"), ("S1Err", "13"),
    ("S1SW1", "O"), ("S2T1", "-0.50"),
)  # fmt: skip

NUMBERS = st.integers(-(10**12), 10**12)
TEXTS = st.one_of(
    NUMBERS.map(str), NUMBERS.map(lambda number: f"{number / 1000:.3f}"),
    NUMBERS.map(lambda number: f"{number / 100:.2f}"),
    st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=6), st.just(""), st.just("-0.000"),
)  # fmt: skip
KEYS = st.builds(
    "{}{}".format, st.sampled_from(["S1", "S2", "S6", "S63", "S99", ""]),
    st.sampled_from([key for key in RECORD_KEYS if not key.startswith("d")] + ["T11", "Opening", "V3", "Raw"]),
)  # fmt: skip
FIELDS = st.dictionaries(KEYS, TEXTS, max_size=40)
NUMBERS_OF_DEVICES = st.from_regex(r"\A[0-9A-Za-z]{1,20}\Z")
STAMPS = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)).map(lambda at: at.strftime("%d.%m.%y %H:%M:%S"))


@given(
    NUMBERS_OF_DEVICES, st.sampled_from("HDM"), STAMPS, st.integers(1, 300), FIELDS, st.integers(40, 242), st.randoms()
)
def test_a_record_comes_out_as_it_went_in_whatever_the_order_of_its_frames(
    dev_number: str, rec_type: str, stamp: str, repeat: int, told: dict[str, str], limit: int, chance: object
) -> None:
    head = [("RecType", rec_type), ("DateTime", stamp)]
    tail = [("Rep", str(repeat))] if repeat > 1 else []
    encoded = encode(dev_number, [*head, *told.items(), *tail], limit)
    frames = list(encoded.frames)
    assert all(len(frame) <= limit for frame in frames)
    chance.shuffle(frames)  # type: ignore[attr-defined]
    (record,) = assemble(map(decode, [*frames, frames[0]]))
    kept = [(key, text) for key, text in told.items() if key not in encoded.left_out]
    assert record == lora.Assembled(dev_number, (*head, *kept, *tail), True)


def test_a_usual_day_is_one_short_frame_without_growth() -> None:
    (frame,) = encode("440020", DAY, 51).frames
    assert len(frame) == 36
    part = decode(frame)
    assert (part.dev_number, part.rec_type, part.stamp) == ("440020", "D", datetime(2018, 9, 24))
    assert part.fields == tuple(each for each in DAY[2:] if each[0] != "S1dQ1")


def test_the_record_is_read_as_an_archive_is() -> None:
    (whole,) = assemble(map(decode, encode("440020", DAY, 51).frames))
    record = whole.record
    assert (record.rec_type, record.stamp) == (RecType.DAY, datetime(2018, 9, 24))
    assert record.systems[0]["Q1"] == 1234.567 and record.systems[0]["P1"] is None and record.systems[1]["T1"] == -0.5


def test_a_frame_of_the_guide() -> None:
    """Byte by byte, by the description."""
    fields = [
        ("RecType", "H"),
        ("DateTime", "01.01.00 01:00:00"),
        ("S1T1", "70.12"),
        ("S2Err", "13"),
        ("S2SW1", "O"),
        ("S2SW2", ""),
        ("Rep", "2"),
    ]
    (frame,) = encode("7", fields, 51).frames
    assert frame == bytes((
        0x48, 0x80, 14, 0, 0, 0x0E, 0x10, 2,
        lora.KEYS.index("T1"), 0xC8, 0x6D,
        0xC2, lora.KEYS.index("Err"), 0x1A, 0x40 | lora.KEYS.index("SW1"), 1, 0x4F, 0x80 | lora.KEYS.index("SW2"),
    ))  # fmt: skip


def test_a_device_with_letters_or_a_leading_zero_keeps_its_number() -> None:
    for dev_number in ("0042", "A1b", "99999999999999999999", "0"):
        (frame,) = encode(dev_number, DAY[:3], 51).frames
        assert decode(frame).dev_number == dev_number


def test_a_record_whose_frame_is_lost_is_known_as_incomplete() -> None:
    fields = [*DAY[:2], *((f"S{system}Q1", "123456.789") for system in range(1, 30))]
    frames = encode("440020", fields, 40).frames
    assert len(frames) > 3
    for lost in range(len(frames)):
        (record,) = assemble(map(decode, [*frames[:lost], *frames[lost + 1 :]]))
        assert not record.is_complete
        assert set(record.fields) < set(fields)


def test_a_text_that_no_frame_can_hold_is_named() -> None:
    encoded = encode("440020", [*DAY[:2], ("S1Raw", "x" * 60), ("S1T1", "1.00")], 51)
    assert encoded.left_out == ("S1Raw",)
    assert decode(encoded.frames[0]).fields == (("S1T1", "1.00"),)


def test_what_is_no_record_and_too_low_a_limit_are_refused() -> None:
    for fields in ([("RecType", "E"), ("DateTime", "24.09.18 00:00:00")], [("DateTime", "24.09.18 00:00:00")]):
        with pytest.raises(ValueError, match="not a record"):
            encode("440020", fields, 51)
    with pytest.raises(ValueError, match="no record fits"):
        encode("440020", DAY, LEAST_PAYLOAD_BYTES - 1)


@given(st.binary(max_size=60))
def test_whatever_bytes_come_they_are_a_frame_or_a_value_error(payload: bytes) -> None:
    try:
        part = decode(payload)
    except ValueError:
        return
    assert part.rec_type in "HDM" and part.dev_number.isascii()


@given(st.integers(0, 30))
def test_a_frame_that_is_cut_is_never_another_value(length: int) -> None:
    (frame,) = encode("440020", DAY, 51).frames
    try:
        part = decode(frame[:length])
    except ValueError:
        return
    assert part.fields == decode(frame).fields[: len(part.fields)]

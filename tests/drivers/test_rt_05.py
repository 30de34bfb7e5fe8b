from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.rt_05 import DRIVER, fetch, open_meter, probe, read, rings
from drivers.rt_05_decode import decode_layout, decode_reading, judge_event, judge_record
from engine.dialogue import Condition, Fetched, Identity, Mark, Ring, Setup
from engine.errors import AgentError, NoAnswer, Refused
from engine.model import Event, Reading, Record, RecType, Value
from tests.fake.dialogue_runner import asks, run
from tests.fake.rt_05_memory import ABSENT, RAM, Regulator, circuit, event, record

SETUP = Setup(address=1)
LONG = replace(SETUP, block_size=128)
RECORDS = Ring(RecType.HOUR, 512, 3584, 695)
EVENTS = Ring(RecType.EVENT, 0, 1024, 295)
SEVEN = datetime(2018, 2, 7, 20, 15, 30)


def opened(meter: Regulator, setup: Setup = SETUP) -> Identity:
    id_bytes = run(DRIVER.ask_id(setup), meter.answer)
    assert DRIVER.accepts(id_bytes)
    return run(open_meter(setup, id_bytes), meter.answer)


def reading(meter: Regulator, setup: Setup = SETUP) -> Reading:
    return run(read(setup, opened(meter, setup)), meter.answer)


def system(meter: Regulator, number: int = 1) -> dict[str, Value]:
    return dict(reading(meter).systems[number - 1])


# --- identity and the two forms


def test_the_id_names_the_family_with_or_without_its_zero() -> None:
    assert DRIVER.accepts(b"ART-05\x00") and DRIVER.accepts(b"ART-05")
    assert not any(map(DRIVER.accepts, (b"TSM-104", b"", b"ART-05M")))


@pytest.mark.parametrize(("setup", "meter"), [(SETUP, Regulator(long=False)), (LONG, Regulator(short=False))])
def test_the_form_that_is_expected_is_asked_first(setup: Setup, meter: Regulator) -> None:
    assert opened(meter, setup).meter_number == "55384"
    assert all(reply for _, reply in asks(open_meter(setup, b"ART-05"), meter.answer))


@pytest.mark.parametrize(("setup", "meter"), [(SETUP, Regulator(short=False)), (LONG, Regulator(long=False))])
def test_the_other_form_is_tried_when_the_first_meets_silence_and_then_kept(setup: Setup, meter: Regulator) -> None:
    identity = opened(meter, setup)
    assert all(reply for _, reply in asks(read(setup, identity), meter.answer))


def test_both_forms_tell_the_same() -> None:
    assert reading(Regulator(long=False)) == reading(Regulator(short=False)) == reading(Regulator(), LONG)


def test_a_regulator_that_answers_neither_form_is_no_answer() -> None:
    with pytest.raises(NoAnswer):
        opened(Regulator(short=False, long=False))


def test_an_answer_in_the_other_form_is_never_taken() -> None:
    (short, _), *_ = asks(open_meter(SETUP, b"ART-05"), Regulator().answer)
    (long, told), *_ = asks(open_meter(LONG, b"ART-05"), Regulator().answer)
    assert short.take(told).payload is None
    assert long.take(Regulator().answer(short.request)).payload is None


@pytest.mark.parametrize("size", [1, 7, 16, 33, 64])
def test_a_smaller_block_tells_the_same(size: int) -> None:
    assert reading(Regulator(), replace(SETUP, block_size=size)) == reading(Regulator())


def test_answers_that_follow_one_another_differ_in_length() -> None:
    meter = Regulator()
    meter.store(694, record(SEVEN))
    meter.store(294, event(SEVEN, 42))
    identity = opened(meter)
    lengths: list[int] = []
    for dialogue in (
        read(SETUP, identity),
        rings(SETUP, identity),
        *(fetch(SETUP, identity, RECORDS, place) for place in (693, 694)),
        *(fetch(SETUP, identity, EVENTS, place) for place in (293, 294)),
        *(probe(SETUP, identity, EVENTS, place) for place in (293, 294)),
        *(probe(SETUP, identity, RECORDS, place) for place in (693, 694)),
        fetch(SETUP, identity, RECORDS, 4095),
    ):
        lengths += [len(reply) for _, reply in asks(dialogue, meter.answer)]
    assert all(one != other for one, other in pairwise(lengths))


# --- reading


def test_the_captured_values_agree_with_one_another() -> None:
    values = {key: float(str(value)) for key, value in system(Regulator()).items() if key[0] == "T" and key != "Type"}
    assert values["Treg"] == pytest.approx((values["T11"] + values["T2"]) / 2, abs=0.01)
    by_graph = (values["To"] + values["Tp"]) / 2 + values["Tcorr"] + values["Tconst"]
    assert values["Tbase"] == pytest.approx(by_graph, abs=0.01)


def test_a_sensor_that_is_not_there_is_left_out() -> None:
    first, second = reading(Regulator()).systems
    assert {"T11", "T2", "Tk", "Tn"} <= first.keys() and "T21" not in first
    assert "T11" in second and not {"T2", "Tk", "Tn", "T21", "Tts", "To", "Tp"} & second.keys()


def test_one_circuit_is_one_system() -> None:
    meter = Regulator()
    meter.put(0x59, "B", 1)
    told = reading(meter)
    assert len(told.systems) == told.device["NumSystems"] == 1


@pytest.mark.parametrize("count", [0, 3, 255])
def test_an_impossible_number_of_circuits_is_asked_for_again(count: int) -> None:
    meter = Regulator()
    meter.put(0x59, "B", count)
    with pytest.raises(NoAnswer, match="число контуров"):
        opened(meter)


def test_of_another_firmware_only_the_certain_part_is_told() -> None:
    meter = Regulator()
    meter.put(0x4A, "H", 120)
    told = reading(meter)
    assert told.device["SoftVer"] == "1.20"
    (only,) = told.systems
    assert (only["T11"], only["Tbase"]) == (74.18, 63.81)
    assert not {"Type", "Kp", "Valve", "Tcorr"} & only.keys()
    assert any("1.20" in doubt for doubt in told.doubts)
    assert told == reading(meter, LONG)


def test_a_flow_other_than_0_is_shown_raw_only() -> None:
    assert system(Regulator())["Gv1"] == 0
    meter = Regulator()
    meter.put(0x75, "h", 125)
    told = reading(meter)
    assert (told.systems[0]["Gv1"], told.systems[0]["GRaw"]) == (None, 125)
    assert "S1Gv1: цена единицы расхода неизвестна" in told.doubts


def test_limits_of_the_flow_are_shown_where_it_is_measured() -> None:
    assert "Gmax1" not in system(Regulator())
    meter = Regulator()
    meter.put(0x120, "B", 1)
    assert (system(meter)["Gmax1"], system(meter)["Fmax1"]) == (10, 5000)


def test_errors_whose_bits_are_not_described_are_shown_raw() -> None:
    meter = Regulator()
    meter.put(0x7E, "H", 0x0102)
    told = reading(meter)
    assert (told.systems[0]["Err"], told.systems[0]["ErrRaw"], told.systems[1]["Err"]) == (None, "0102", "0")
    assert "S1Err: биты ошибок не описаны" in told.doubts


def test_a_number_that_is_none_is_unknown_and_named() -> None:
    meter = Regulator()
    meter.put(0x0C2, "f", float("nan"))
    told = reading(meter)
    assert told.systems[0]["Kp"] is None
    assert told.doubts == ("S1Kp: не число",)


def test_a_clock_that_is_no_date_is_unknown() -> None:
    meter = Regulator()
    meter.put(0x05, "B", 0x13)
    told = reading(meter)
    assert told.clock is None and told.doubts == ("часы прибора: недопустимая дата",)


@pytest.mark.parametrize("number", [0, 0xFFFFFFFF])
def test_a_blank_serial_number_is_none(number: int) -> None:
    meter = Regulator()
    meter.put(0x4C, "I", number)
    assert reading(meter).meter_number == ""


# --- rings


def found_rings(meter: Regulator) -> dict[RecType, tuple[int, int, int]]:
    found = run(rings(SETUP, opened(meter)), meter.answer)
    return {ring.rec_type: (ring.first, ring.count, ring.next_place) for ring in found}


def test_the_pointers_name_the_newest_record_and_turn_with_the_ring() -> None:
    meter = Regulator()
    assert found_rings(meter) == {RecType.HOUR: (512, 3584, 695), RecType.EVENT: (0, 1024, 295)}
    meter.put(0x12, "H", 1023 * 16)
    meter.put(0x14, "I", 0x1FFE0)
    assert found_rings(meter) == {RecType.HOUR: (512, 3584, 512), RecType.EVENT: (0, 1024, 0)}


@pytest.mark.parametrize("pointer", [0, 0x3FE0, 0x56C1, 0x20000, 0xFFFFFFFF])
def test_a_pointer_that_cannot_be_is_replaced_by_a_search(pointer: int) -> None:
    meter = Regulator()
    meter.put(0x14, "I", pointer)
    meter.put(0x12, "H", 0x1261)
    for number in range(700):
        meter.store(512 + number, record(SEVEN + timedelta(hours=number)))
        meter.store(number, event(SEVEN + timedelta(hours=number), 42))
    assert found_rings(meter) == {RecType.HOUR: (512, 3584, 1212), RecType.EVENT: (0, 1024, 700)}


def test_an_empty_archive_begins_at_its_first_place() -> None:
    meter = Regulator()
    meter.put(0x14, "I", 0)
    assert found_rings(meter)[RecType.HOUR] == (512, 3584, 512)


def test_a_damaged_record_ends_the_search() -> None:
    meter = Regulator()
    meter.put(0x14, "I", 0)
    meter.store(512, bytes.fromhex("1E A1 47 24") + bytes(28))
    with pytest.raises(Refused, match="повреждённая запись"):
        found_rings(meter)


@pytest.mark.parametrize(("address", "form", "number"), [(0x4C, "I", 1), (0x59, "B", 1), (0x6B, "h", ABSENT)])
def test_another_regulator_or_set_of_sensors_is_opened_anew(address: int, form: str, number: int) -> None:
    meter = Regulator()
    identity = opened(meter)
    meter.put(address, form, number)
    with pytest.raises(Refused, match="изменились"):
        run(rings(SETUP, identity), meter.answer)


# --- records


def fetched(
    meter: Regulator, ring: Ring = RECORDS, place: int = 600, answer: Callable[[bytes], bytes] | None = None
) -> Fetched:
    return run(fetch(SETUP, opened(meter), ring, place), answer or meter.answer)


def stored(data: bytes, ring: Ring = RECORDS, place: int = 600) -> Fetched:
    meter = Regulator()
    meter.store(place, data)
    return fetched(meter, ring, place)


def values(data: bytes, number: int = 1) -> dict[str, Value]:
    entry = stored(data).record
    assert isinstance(entry, Record)
    return dict(entry.systems[number - 1])


def test_a_record_bears_its_stamp_to_two_seconds() -> None:
    for stamp in (SEVEN, datetime(2000, 1, 1), datetime(2099, 12, 31, 23, 59, 58)):
        found = stored(record(stamp))
        assert found.condition is Condition.GOOD and found.record and found.record.stamp == stamp


def test_every_place_of_a_record_holds_its_own_value() -> None:
    first = circuit(741, 498, -182, 255, 620, -2048, opening=47, faults=0)
    second = circuit(523, 1, 2, 3, 524, 525, opening=101)
    data = record(SEVEN, first, second)
    told = values(data)
    assert {key: told[key] for key in ("T11", "T2", "Tn", "Tk", "Treg", "Opening", "Err", "Faults")} == {
        "T11": 74.1, "T2": 49.8, "Tn": -18.2, "Tk": 25.5, "Treg": 62.0, "Opening": 47, "Err": "0", "Faults": "",
    }  # fmt: skip
    assert told["Tbase"] is None, "the least number of 12 bits is no temperature"
    assert told["Raw"] == first.hex().upper()
    other = values(data, 2)
    assert (other["T11"], other["Treg"], other["Tbase"], other["Opening"]) == (52.3, 52.4, 52.5, None)
    assert not {"T2", "Tn", "Tk"} & other.keys(), "this circuit has no such sensors"


@pytest.mark.parametrize(
    ("faults", "text", "unknown"),
    [
        (0x0001, "T11", "T11"),
        (0x0002, "T2", "T2"),
        (0x0004, "Tн", "Tn"),
        (0x0008, "Tк", "Tk"),
        (0x0080, "насос 1", ""),
        (0x8000, "утечка подпитки", ""),
        (0x4000, "бит 14", ""),
        (0x1800, "аварийное открытие, аварийное закрытие", ""),
    ],
)
def test_a_fault_is_told_and_its_channel_is_unknown(faults: int, text: str, unknown: str) -> None:
    told = values(record(SEVEN, circuit(1, 1, 1, 1, 1, 1, faults=faults)))
    assert (told["Err"], told["Faults"]) == ("4", text)
    assert [key for key in ("T11", "T2", "Tn", "Tk", "Treg", "Tbase") if told[key] is None] == [unknown] * bool(unknown)


def test_of_another_firmware_the_second_circuit_is_kept_raw() -> None:
    meter = Regulator()
    meter.put(0x4A, "H", 120)
    meter.store(600, record(SEVEN, circuit(741, 498, 0, 0, 0, 0), circuit(523, 0, 0, 0, 0, 0)))
    entry = fetched(meter).record
    assert isinstance(entry, Record)
    assert entry.systems[0]["T11"] == 74.1
    assert "T11" not in entry.systems[1] and str(entry.systems[1]["Raw"]).startswith("0B02")


@pytest.mark.parametrize("data", [b"\xff" * 32, b"\x00" * 32])
def test_an_unwritten_place_is_empty(data: bytes) -> None:
    assert stored(data).condition is Condition.EMPTY


@pytest.mark.parametrize(
    "stamp", ["1E A1 47 24", "EF BF 47 24", "EF C1 47 24", "EF A1 40 24", "EF A1 07 24", "EF A1 A7 25", "EF A1 47 C8"]
)
def test_a_stamp_that_is_no_date_of_the_century_is_damaged(stamp: str) -> None:
    found = stored(bytes.fromhex(stamp) + bytes(28))
    assert found == Fetched(Condition.DAMAGED, reason="недопустимая дата записи")


def test_an_event_tells_the_setting_and_keeps_its_bytes() -> None:
    found = stored(event(SEVEN, 42), EVENTS, 294)
    assert found.record == Event(
        SEVEN,
        {
            "Sys": 0,
            "Code": 6,
            "Source": "meter",
            "Text": "изменён параметр 42, запись: FF 18 00 00 00 00 00 00 00",
        },
    )
    assert stored(b"\xff" * 16, EVENTS, 294).condition is Condition.EMPTY
    assert stored(event(SEVEN, 42)[:4] + b"\x13" + bytes(11), EVENTS, 294).condition is Condition.DAMAGED


def test_a_probe_tells_the_stamp_of_either_archive() -> None:
    meter = Regulator()
    meter.store(600, record(SEVEN))
    meter.store(294, event(SEVEN, 42))
    identity = opened(meter)
    for ring, place in ((RECORDS, 600), (EVENTS, 294)):
        assert run(probe(SETUP, identity, ring, place), meter.answer) == Mark(SEVEN)
        assert run(probe(SETUP, identity, ring, place + 1), meter.answer) == Mark(None)


# --- whatever comes


@settings(max_examples=100, deadline=None)
@given(image=st.binary(min_size=512, max_size=512), circuits=st.integers(1, 2), full=st.booleans())
def test_no_memory_breaks_the_decode(image: bytes, circuits: int, full: bool) -> None:
    memory = bytearray(image)
    memory[0x59] = circuits
    if full:
        memory[0x4A:0x4C] = b"\x72\x00"
    told = decode_reading(bytes(memory), decode_layout(bytes(memory), long_form=True))
    assert told.clock is None or 2000 <= told.clock.year <= 2099


@settings(max_examples=100, deadline=None)
@given(data=st.binary(min_size=32, max_size=32))
def test_no_record_or_event_breaks_the_decode(data: bytes) -> None:
    for found in (judge_record(data, decode_layout(RAM, long_form=False)), judge_event(data[:16])):
        assert (found.condition is Condition.GOOD) == (found.record is not None)


@settings(max_examples=60, deadline=None)
@given(where=st.integers(0, 10_000), mask=st.integers(1, 255))
def test_no_damaged_frame_changes_what_is_stored(where: int, mask: int) -> None:
    meter = Regulator()
    meter.store(600, record(SEVEN, circuit(741, 498, -182, 255, 620, 638)))
    good = fetched(meter)

    def damaged(request: bytes) -> bytes:
        reply = bytearray(meter.answer(request))
        reply[where % len(reply)] ^= mask
        return bytes(reply)

    with pytest.raises(NoAnswer):
        assert fetched(meter, answer=damaged) == good


@settings(max_examples=60, deadline=None)
@given(heard=st.lists(st.binary(max_size=80), max_size=10), setup=st.sampled_from([SETUP, LONG]))
def test_noise_ends_the_dialogue_by_no_other_error_than_ours(heard: list[bytes], setup: Setup) -> None:
    noise = iter(heard)
    with pytest.raises(AgentError):
        run(open_meter(setup, b"ART-05"), lambda _request: next(noise, b""))

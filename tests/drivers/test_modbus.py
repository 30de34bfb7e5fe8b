"""DevType=Modbus: which requests are made, what is learned from refusals, and values over a counted line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import drivers
from drivers import modbus
from drivers.emulated.bus import Bus
from drivers.emulated.faults import Fault, Faulty
from drivers.emulated.modbus import Device, HeatMeter, Places, put
from drivers.modbus import DRIVER, Layout, Span, apart, plan, split
from engine.dialogue import Identity, Setup
from engine.errors import AgentError, NoAnswer, Refused
from engine.model import Reading
from engine.news import Contact, Missed
from engine.settings import DeviceSettings, parse_device
from engine.template import parse_template
from engine.template.modbus_map import Cell, Template
from tests.fake import modbus_answer
from tests.fake.dialogue_runner import run
from tests.fake.virtual_line import VirtualLine

MAP = """[template]
Name=Учебный
[values]
DevNumber=0 u32
SoftVer=2 u16 scale 0.01
S1Err4=3 bit(3)
Clock=4 u32
S1T1=16 float unit °C
S1T2=18 float unit °C
S1P1=20 i16 scale 0.01 unit bar na 0x7FFF
S1P2=21 i16 scale 0.01 unit bar na 0x7FFF
S1Gv1=22 float unit l/h
S1Q1=32 u32 unit kWh
S1V1=34 u32 unit l
S1M1=36 u32 unit kg
S1Tall=38 u32
S1Terr=40 u32
"""
Answer = Callable[[bytes], bytes]


def template(text: str = MAP, **head: object) -> Template:
    return replace(parse_template("x.ini", text)[0], **head)  # type: ignore[arg-type]


def values(*lines: str, **head: object) -> Template:
    return template("[values]\n" + "\n".join(lines) + "\n", **head)


def setup_of(of: Template, **changed: object) -> Setup:
    return replace(Setup("Modbus", 1, template=of), **changed)  # type: ignore[arg-type]


def spans(of: Template) -> list[tuple[int, int, int]]:
    return [(span.cells[0].function, span.first, span.count) for span in plan(of)]


def asked(device: Device) -> list[tuple[int, int]]:
    """First place and count of each request since the last look."""
    told = [(first, count) for _, first, count in device.requests]
    device.requests.clear()
    return told


def meet(device: Device, of: Template, **changed: object) -> tuple[Setup, Identity]:
    setup = setup_of(of, **changed)
    device_id = run(DRIVER.ask_id(setup), device.hear)
    assert DRIVER.accepts(device_id)
    return setup, run(DRIVER.open(setup, device_id), device.hear)


def read(device: Device, of: Template, **changed: object) -> Reading:
    setup, identity = meet(device, of, **changed)
    return run(DRIVER.read(setup, identity), device.hear)


# --- which requests are made


def test_neighbours_are_read_with_one_request_through_small_holes() -> None:
    lines = ("S1T1=0 float", "S1T2=2 float", "S1T3=10 float", "S1P1=30 float")
    assert spans(values(*lines, max_hole=0)) == [(3, 0, 4), (3, 10, 2), (3, 30, 2)]
    assert spans(values(*lines, max_hole=6)) == [(3, 0, 12), (3, 30, 2)]
    assert spans(values(*lines, max_hole=18)) == [(3, 0, 32)]


def test_a_request_is_no_longer_than_the_device_takes() -> None:
    lines = [f"S1T{number}={4 * number} float" for number in range(1, 10)]
    assert spans(values(*lines, max_registers=10)) == [(3, 4, 10), (3, 16, 10), (3, 28, 10)]
    assert spans(values("S1Q1=0 u64", "S1Q2=4 u64", max_registers=2)) == [(3, 0, 4), (3, 4, 4)], "a value stays whole"


def test_functions_are_never_mixed_and_a_register_is_asked_for_once() -> None:
    lines = ("S1T1=0 u16", "S1Err1=0 bit(0)", "S1T2=input 1 u16", "S1SW1=coil 0 bit", "S1SW2=discrete 1 bit")
    assert spans(values(*lines)) == [(1, 0, 1), (2, 1, 1), (3, 0, 1), (4, 1, 1)]


def test_sixteen_bits_count_as_one_register() -> None:
    lines = ("S1SW1=coil 0 bit", "S1SW2=coil 129 bit", "S1Err1=coil 300 bit")
    assert spans(values(*lines, max_hole=8)) == [(1, 0, 130), (1, 300, 1)]


CELLS = st.builds(Cell, st.sampled_from([1, 3, 4]), st.integers(0, 400), st.integers(1, 4), st.just("uint"))


@settings(max_examples=100, deadline=None)
@given(cells=st.lists(CELLS, min_size=1, max_size=30), hole=st.integers(0, 20), longest=st.integers(4, 125))
def test_every_value_is_read_once_and_no_request_is_too_long(cells: list[Cell], hole: int, longest: int) -> None:
    (point,) = values("S1T1=0 u16").points
    made = plan(Template("x", max_hole=hole, max_registers=longest, points=(replace(point, cells=tuple(cells)),)))
    assert sorted(map(repr, (cell for span in made for cell in span.cells))) == sorted(map(repr, set(cells)))
    for span in made:
        assert span.count <= (longest if span.cells[0].function > 2 else min(16 * longest, 2000))
        assert len({cell.function for cell in span.cells}) == 1
        assert all(span.first <= cell.address and cell.end <= span.first + span.count for cell in span.cells)


def test_requests_that_follow_one_another_differ_in_length_where_they_can() -> None:
    made = plan(values("S1T1=0 u16", "S1T2=10 u16", "S1T3=20 u32", "S1T4=30 u16", "S1T5=40 u32", max_hole=0))
    ordered = apart(made)
    assert [span.count for span in ordered] == [1, 2, 1, 2, 1]
    assert sorted(span.first for span in ordered) == [0, 10, 20, 30, 40]


@settings(max_examples=100, deadline=None)
@given(cells=st.lists(CELLS, min_size=1, max_size=12))
def test_splitting_ends_and_loses_nothing(cells: list[Cell]) -> None:
    ordered = tuple(sorted({replace(cell, function=3) for cell in cells}, key=lambda cell: (cell.address, cell.end)))
    waiting, single = [Span(ordered)], []
    while waiting:
        parts = split(span := waiting.pop())
        waiting += parts or ()
        single += [] if parts else [span]
    assert sorted((cell.address, cell.end) for span in single for cell in span.cells) == sorted(
        (cell.address, cell.end) for cell in ordered
    )
    assert all(one.first + one.count <= two.first for one, two in pairwise(sorted(single, key=lambda s: s.first)))


# --- a device


@pytest.mark.parametrize("frame", ["rtu", "tcp"])
def test_a_device_is_read_in_the_units_of_the_files(frame: str) -> None:
    device = HeatMeter(frame=frame)
    told = read(device, template(), protocol=frame)
    assert (told.meter_number, told.clock, told.device) == ("104205", device.clock, {"SoftVer": 1.05})
    (system,) = told.systems
    assert system == {
        "DevName": "Учебный", "T1": 75.0, "T2": 45.5, "P1": pytest.approx(0.612), "P2": None, "Gv1": 1.85,
        "Q1": pytest.approx(314500 / 1163), "V1": 9250.0, "M1": 9000.0, "Tall": 5000,
        "Terr": 12, "Err": "0",
    }  # fmt: skip
    assert told.doubts == ()


@pytest.mark.parametrize(
    ("connection", "protocol", "frame"),
    [
        ("Serial", "auto", "rtu"), ("TCP", "auto", "tcp"), ("TCP", "rtu", "rtu"), ("TCP", "tcp", "tcp"),
        ("Serial", "tcp", "tcp"),
    ],
)  # fmt: skip
def test_the_frame_follows_the_connection_unless_it_is_told(connection: str, protocol: str, frame: str) -> None:
    device = HeatMeter(frame=frame)
    assert read(device, template(), connection=connection, protocol=protocol).meter_number == "104205"


def test_coils_and_inputs_are_read_bit_by_bit() -> None:
    places = Places()
    for place, bit in enumerate((1, 0, 0, 0, 0, 0, 0, 0, 0, 1)):
        put(places, "coil", place, "bit", bit)
    put(places, "discrete", 3, "bit", 1)
    lines = ("S1SW1=coil 0 bit", "S1SW2=coil 9 bit", "S1Err1=coil 8 bit", "S1Err4=discrete 3 bit")
    (system,) = read(Device(places), values(*lines)).systems
    assert (system["SW1"], system["SW2"], system["Err"]) == ("K", "K", "4")


def test_a_device_is_present_when_it_answers_anything_at_all() -> None:
    setup = setup_of(values("S1T1=100 u16"))
    assert DRIVER.accepts(run(DRIVER.ask_id(setup), Device({}).hear))
    with pytest.raises(NoAnswer):
        run(DRIVER.ask_id(setup), lambda _request: b"")


def test_a_device_without_a_serial_number_needs_no_request_to_be_opened() -> None:
    device = HeatMeter()
    _, identity = meet(device, values("S1T1=16 float"))
    assert identity.meter_number == ""
    assert asked(device) == [(16, 2)]


def test_the_requests_of_one_device_have_transactions_that_differ() -> None:
    device, sent = HeatMeter(frame="tcp"), []

    def answer(request: bytes) -> bytes:
        sent.append(request[:2])
        return device.hear(request)

    setup = setup_of(template(), protocol="tcp")
    identity = run(DRIVER.open(setup, run(DRIVER.ask_id(setup), answer)), answer)
    for _ in range(2):
        run(DRIVER.read(setup, identity), answer)
    assert all(one != two for one, two in pairwise(sent))


def test_the_pause_of_the_template_stands_before_every_request() -> None:
    setup = setup_of(template(pause_s=0.07))
    dialogue = DRIVER.read(setup, Identity("x", "Modbus", "", Layout(plan(template()))))
    assert next(dialogue).pause_s == 0.07


# --- refusals


def test_a_hole_that_is_refused_is_read_around_from_then_on() -> None:
    device = HeatMeter()
    setup, identity = meet(device, template())
    assert asked(device) == [(0, 6), (0, 2)]
    first = run(DRIVER.read(setup, identity), device.hear)
    assert asked(device) == [(0, 6), (16, 26), (16, 8), (32, 10)]
    assert run(DRIVER.read(setup, identity), device.hear) == first
    assert asked(device) == [(0, 6), (16, 8), (32, 10)]


def test_a_register_that_the_device_has_not_got_costs_only_its_own_value() -> None:
    places = Places()
    for place in (0, 1, 3, 4):
        put(places, "holding", place, "u16", place + 20)
    device = Device(places)
    of = values("S1T1=0 u16", "S1T2=1 u16", "S1T3=2 u16", "S1T4=3 u16", "S1T5=4 u16")
    setup, identity = meet(device, of)
    told = run(DRIVER.read(setup, identity), device.hear)
    assert told.systems == ({"DevName": "x", "T1": 20, "T2": 21, "T3": None, "T4": 23, "T5": 24},)
    assert told.doubts == ("S1T3: нет такого регистра",)
    asked(device)
    run(DRIVER.read(setup, identity), device.hear)
    assert (2, 1) in asked(device), "asked again by itself"


def test_a_refusal_that_passes_costs_no_value_for_good() -> None:
    places, of = Places(), values("S1T1=0 u16", "S1T2=10 u16", "S1T3=20 u16", max_hole=0)
    for place in (0, 10, 20):
        put(places, "holding", place, "u16", place)
    device = Device(places)
    setup, identity = meet(device, of)
    kept = device.places.copy()
    del device.places[3, 10], device.places[3, 20]
    told = [run(DRIVER.read(setup, identity), device.hear).systems[0]]
    assert told == [{"DevName": "x", "T1": 0, "T2": None, "T3": None}]
    device.places = kept
    told = [run(DRIVER.read(setup, identity), device.hear).systems[0] for _ in range(3)]
    assert told[-1] == {"DevName": "x", "T1": 0, "T2": 10, "T3": 20}
    asked(device)
    run(DRIVER.read(setup, identity), device.hear)
    assert sorted(asked(device)) == [(0, 1), (10, 1), (20, 1)]


def test_what_is_still_refused_waits_for_its_turn() -> None:
    places, of = Places(), values("S1T1=0 u16", "S1T2=10 u16", "S1T3=20 u16", max_hole=0)
    put(places, "holding", 0, "u16", 5)
    device = Device(places)
    setup, identity = meet(device, of)
    run(DRIVER.read(setup, identity), device.hear)
    asked(device)
    turns = []
    for _ in range(4):
        run(DRIVER.read(setup, identity), device.hear)
        turns.append(asked(device))
    assert turns == [[(0, 1), (10, 1)], [(0, 1), (20, 1)]] * 2


def test_a_device_that_has_nothing_of_the_template_is_refused() -> None:
    setup, identity = meet(Device({}), values("S1T1=0 u16", "S1T2=1 u16"))
    with pytest.raises(Refused, match="ни одного регистра"):
        run(DRIVER.read(setup, identity), Device({}).hear)


def exception(code: int) -> Answer:
    def answer(request: bytes) -> bytes:
        return modbus_answer.rtu(request[0], bytes((request[1] | 0x80, code)))

    return answer


@pytest.mark.parametrize("code", [5, 6, 8, 10, 11, 99])
def test_a_refusal_that_says_nothing_of_registers_fails_the_reading(code: int) -> None:
    setup, identity = meet(HeatMeter(), template())
    with pytest.raises(NoAnswer, match=f"код {code}"):
        run(DRIVER.read(setup, identity), exception(code))
    assert run(DRIVER.read(setup, identity), HeatMeter().hear).systems[0]["T2"] == 45.5


def test_a_function_that_the_device_has_not_got_is_not_asked_for_value_by_value() -> None:
    device = HeatMeter()
    of = values("S1T1=16 float", *(f"S1V{number}=input {number} u16" for number in range(1, 10)))

    def answer(request: bytes) -> bytes:
        return exception(1)(request) if request[1] == 4 else device.hear(request)

    setup, identity = setup_of(of), Identity("x", "Modbus", "", Layout(plan(of)))
    sent: list[bytes] = []
    told = run(modbus.read(setup, identity), lambda request: (sent.append(request), answer(request))[1])
    assert (told.systems[0]["T1"], told.systems[0]["V1"], len(sent)) == (75.0, None, 2)


def test_without_an_address_a_serial_line_is_not_asked() -> None:
    with pytest.raises(Refused, match="NetAddr"):
        run(DRIVER.ask_id(setup_of(template(), address=0)), HeatMeter().hear)
    assert read(HeatMeter(frame="tcp"), template(), address=0, protocol="tcp").meter_number == "104205"


def test_without_a_template_a_modbus_device_is_refused_and_any_other_left_to_the_other_drivers() -> None:
    with pytest.raises(Refused, match="шаблон"):
        run(DRIVER.ask_id(Setup("Modbus", 1)), HeatMeter().hear)
    with pytest.raises(NoAnswer):
        run(DRIVER.ask_id(Setup("auto", 1)), HeatMeter().hear)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_answers_only_expected_errors_come_out(data: st.DataObject) -> None:
    device = HeatMeter()

    def answer(request: bytes) -> bytes:
        good = device.hear(request)
        device.pause()
        kind = data.draw(st.sampled_from(["good", "good", "noise", "cut", "exception", "flipped"]))
        if kind == "noise":
            return data.draw(st.binary(max_size=40))
        if kind == "exception":
            return exception(data.draw(st.integers(0, 255)))(request)
        if kind == "cut":
            return good[: data.draw(st.integers(0, len(good)))]
        if kind == "flipped" and good:
            place = data.draw(st.integers(0, len(good) - 1))
            return good[:place] + bytes((good[place] ^ data.draw(st.integers(1, 255)),)) + good[place + 1 :]
        return good

    setup = setup_of(template())
    try:
        identity = run(DRIVER.open(setup, run(DRIVER.ask_id(setup), answer, tries=3)), answer, tries=3)
        for _ in range(3):
            told = run(DRIVER.read(setup, identity), answer, tries=3)
            assert told.systems[0]["T2"] in (45.5, None), "no value out of a damaged frame"
    except AgentError:
        pass


# --- on a line


def device_settings(name: str = "a", of: Template | None = None, **changed: object) -> DeviceSettings:
    text = "[device]\nPort=ttyS0\nDevType=Modbus\nNetAddr=1\nTemplate=x\n"
    parsed, _ = parse_device(f"log/User/devices/{name}.ini", text)
    return replace(parsed, template_map=of or template(), **changed)  # type: ignore[arg-type]


def line_of(*speakers: Device | Faulty, polled: tuple[DeviceSettings, ...]) -> VirtualLine:
    line = VirtualLine(Bus(speakers), drivers.load())
    line.set_devices(polled, 60.0)
    return line


def contacts(line: VirtualLine, file: str = "a.ini") -> list[Contact]:
    return [news for _, news in line.news if isinstance(news, Contact) and news.file == file]


def test_a_device_is_polled_by_its_line() -> None:
    device = HeatMeter()
    line = line_of(device, polled=(device_settings(),))
    line.run_for(600)
    told = contacts(line)
    assert len(told) == 10
    assert [each.first for each in told] == [True] + [False] * 9
    assert not any(each.has_archive for each in told)
    assert told[-1].reading.systems[0]["V1"] > told[0].reading.systems[0]["V1"]
    assert not line.bus.refused


@pytest.mark.parametrize(("protocol", "frame"), [("auto", "tcp"), ("tcp", "tcp"), ("rtu", "rtu"), ("modbus", "tcp")])
def test_over_tcp_the_setting_chooses_the_frame(protocol: str, frame: str) -> None:
    line = line_of(HeatMeter(frame=frame), polled=(device_settings(connection="TCP", protocol=protocol),))
    line.run_for(70)
    assert len(contacts(line)) == 2


def test_several_devices_share_a_line_with_their_pauses() -> None:
    pause_s = 0.25
    devices = [HeatMeter(1000 + address, address=address) for address in (1, 2, 3)]
    of = template(pause_s=pause_s)
    polled = tuple(device_settings(f"{address}", of, net_addr=address) for address in (1, 2, 3))
    line = line_of(*devices, polled=polled)
    written: list[float] = []
    write = line.link.write

    def noted(data: bytes) -> None:
        written.append(line.link.now_s)
        write(data)

    line.link.write = noted  # type: ignore[method-assign]
    line.run_for(300)
    for address in (1, 2, 3):
        told = contacts(line, f"{address}.ini")
        assert len(told) == 5
        assert {each.reading.meter_number for each in told} == {f"{1000 + address}"}
    assert all(two - one >= pause_s for one, two in pairwise(written))


def test_another_device_behind_the_same_address_is_met_as_another() -> None:
    line = line_of(HeatMeter(1), polled=(device_settings(),))
    line.run_for(10)
    line.link.speaker = HeatMeter(2)
    line.run_for(130)
    assert [each.reason for _, each in line.news if isinstance(each, Missed)] == ["ответил другой прибор"]
    assert contacts(line)[-1].identity.meter_number == "2"


@pytest.mark.parametrize("fault", ["damaged:3", "noise:2", "cut:4", "echo", "late:3", "slow:4:0.6"])
def test_a_bad_line_costs_time_but_brings_no_wrong_value(fault: str) -> None:
    line = line_of(Faulty(HeatMeter(), [Fault.parse(fault)]), polled=(device_settings(),))
    line.run_for(1200)
    told = contacts(line)
    assert len(told) >= 15
    assert {each.reading.meter_number for each in told} == {"104205"}
    assert {each.reading.systems[0]["T2"] for each in told} == {45.5}
    assert {each.reading.systems[0]["Terr"] for each in told} == {12}

"""The driver of РСМ-05 against the emulated meters: what they know is what is read."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from drivers.emulated.bus import Bus
from drivers.emulated.faults import Fault, Faulty
from drivers.emulated.rsm_05 import MODBUS, NATIVE, Meter, Options, disguises
from drivers.rsm_05 import DRIVER, decode_clock
from engine.dialogue import Setup
from engine.errors import NoAnswer, Refused
from engine.model import Reading
from tests.fake.dialogue_runner import run
from tests.fake.modbus_answer import crc

NOW = datetime(2026, 9, 25, 14, 30, 15)
SETUP = Setup(device_type="РСМ-05.05", address=1)


def meter(**options: object) -> Meter:
    return Meter(Options(**options), NOW)  # type: ignore[arg-type]


def reading(one: Meter | Faulty, setup: Setup = SETUP, tries: int = 1) -> Reading:
    id_bytes = run(DRIVER.ask_id(setup), one.hear, tries=tries)
    identity = run(DRIVER.open(setup, id_bytes), one.hear, tries=tries)
    return run(DRIVER.read(setup, identity), one.hear, tries=tries)


@pytest.mark.parametrize("device_type", DRIVER.device_types)
@pytest.mark.parametrize("most", [125, 317])
@pytest.mark.parametrize("hours", [0, 7, 100])
def test_registers_are_read_right(device_type: str, most: int, hours: int) -> None:
    one = meter(most=most, serial=777)
    one.elapse(hours * 3600)
    told, truth = reading(one, replace(SETUP, device_type=device_type)), one.moment()
    assert (told.meter_number, told.clock) == ("777", NOW + timedelta(hours=hours))
    values = told.systems[0]
    assert (values["Gv1"], values["V1"]) == (truth.volume_flow, sum(truth.volume))
    assert values["Tall"] == pytest.approx(truth.working_s / 3600)
    assert values["Tgood"] == pytest.approx((truth.working_s - 900) / 3600)
    assert values["Err"] == "0"


@pytest.mark.parametrize("device_type", DRIVER.device_types)
def test_memory_is_read_right(device_type: str) -> None:
    one = meter(protocol=NATIVE)
    values, truth = reading(one, replace(SETUP, device_type=device_type)).systems[0], one.moment()
    assert (values["T1"], values["G1"], values["Gv1"]) == (truth.temperature, truth.mass_flow, truth.volume_flow)
    assert (values["Dose"], values["Density"]) == (truth.dose, round(truth.density, 4))


@pytest.mark.parametrize("bcd", [False, True])
@pytest.mark.parametrize("year", [2023, 2026, 2029, 2031])
def test_the_clock_of_either_kind_is_read_right_or_not_at_all(bcd: bool, year: int) -> None:
    one = Meter(Options(bcd=bcd), datetime(year, 1, 1))
    told = []
    for _ in range(200):
        one.elapse(44 * 3600 + 1234)
        told.append(decode_clock(one.registers()[567:574]))
        assert told[-1] in (one.clock, None)
    assert None not in told or year < 2026


def test_a_meter_without_a_clock_tells_none() -> None:
    assert reading(meter(clock_valid=False)).clock is None


def test_the_error_register_is_shown() -> None:
    assert reading(meter(errors=0x1234)).systems[0]["ErrRaw"] == "00001234"


def test_two_protocols_share_a_line() -> None:
    line = Bus([meter(serial=1, address=1), meter(protocol=NATIVE, address=2), meter(serial=3, address=3)])

    def hear(request: bytes) -> bytes:
        return b"".join(part for _, part in line.pieces(request))

    for address, number in ((1, "1"), (2, ""), (3, "3"), (1, "1")):
        setup = replace(SETUP, address=address)
        id_bytes = run(DRIVER.ask_id(setup), hear)
        assert run(DRIVER.open(setup, id_bytes), hear).meter_number == number


@pytest.mark.parametrize("fault", ["noise", "echo", "false-start"])
def test_noise_and_echoes_do_no_harm(fault: str) -> None:
    for protocol in (NATIVE, MODBUS):
        one = meter(protocol=protocol)
        assert reading(Faulty(one, [Fault(fault)], 0, disguises(one))) == reading(one)


@pytest.mark.parametrize("fault", ["cut:2", "damaged:2", "silent:2", "late:2"])
def test_what_is_broken_is_asked_for_again(fault: str) -> None:
    for protocol in (NATIVE, MODBUS):
        one = meter(protocol=protocol)
        told = reading(Faulty(one, [Fault.parse(fault)], 0, disguises(one)), replace(SETUP, protocol=protocol), tries=3)
        assert told == reading(one)


def test_the_answer_of_another_address_is_not_taken() -> None:
    for protocol in (NATIVE, MODBUS):
        one = meter(protocol=protocol)
        with pytest.raises(NoAnswer):
            reading(Faulty(one, [Fault("wrong-address")], 0, disguises(one)))


@pytest.mark.parametrize(("request_", "code"), [("01 04 00 00 00 01", 1), ("01 03 01 3D 00 01", 2)])
def test_what_the_meter_has_not_got_is_refused(request_: str, code: int) -> None:
    frame = bytes.fromhex(request_)
    told = meter().hear(frame + crc(frame))
    assert told[1:3] == bytes((frame[1] | 0x80, code)) and crc(told[:-2]) == told[-2:]


def test_a_meter_that_tells_no_registers_at_all_is_refused() -> None:
    with pytest.raises(Refused, match="код 3"):
        reading(meter(most=1))

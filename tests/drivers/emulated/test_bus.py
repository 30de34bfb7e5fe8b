from __future__ import annotations

from drivers.emulated.bus import Bus
from drivers.emulated.tem import Meter, Options
from tests.fake.tem_request import memory_request, payload, request


def bus() -> Bus:
    return Bus([Meter(Options("tem106", address=address, serial=1000 + address)) for address in (1, 2, 3)])


def said(line: Bus, data: bytes) -> bytes:
    return b"".join(part for _, part in line.pieces(data))


def test_only_the_meter_that_is_asked_answers() -> None:
    line = bus()
    for address in (3, 1, 2, 1):
        answer = said(line, memory_request(0x152, 4, address))
        assert (answer[1], payload(answer)) == (address, (1000 + address).to_bytes(4, "big"))


def test_nobody_answers_an_address_that_is_not_there() -> None:
    assert said(bus(), request(0, 0, address=9)) == b""


def test_meters_that_answer_at_once_spoil_one_another() -> None:
    line = bus()
    answer = said(line, request(0, 0, address=0))
    alone = [meter.hear(request(0, 0, address=0)) for meter in line.meters]  # type: ignore[attr-defined]
    assert answer and answer not in alone
    assert sum(answer) % 256 != 0xFF


def test_one_meter_alone_answers_address_zero() -> None:
    assert payload(said(Bus([Meter()]), request(0, 0, address=0))) == b"TSM-104"


def test_the_answer_of_one_does_not_disturb_the_others() -> None:
    line = bus()
    for place in range(0, 0x600, 64):
        assert payload(said(line, memory_request(place, 64, 1)))
        assert payload(said(line, request(0, 0, address=2))) == b"TEM-106"


def test_time_and_pauses_reach_every_meter() -> None:
    line = bus()
    before = [meter.clock for meter in line.meters]  # type: ignore[attr-defined]
    line.elapse(90)
    assert [(meter.clock - clock).seconds for meter, clock in zip(line.meters, before, strict=True)] == [90] * 3  # type: ignore[attr-defined]
    line.pieces(request(0, 0, address=2)[:4])
    line.pause()
    assert said(line, request(0, 0, address=2)[4:]) == b""

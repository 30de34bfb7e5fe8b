"""A device behind a slow network: each repeat of a request is answered too, and no answer for another request."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace

import pytest

import drivers
from drivers.emulated.modbus import Device
from engine.news import Contact
from engine.settings import DeviceSettings, parse_device
from engine.template import parse_template
from tests.fake.virtual_line import VirtualLine

VALUES = {"V1": 111.0, "M1": 222.0, "Q1": 333.0, "T1": 70.0, "T2": 40.0}
UNITS = {"V1": "m3", "M1": "t", "Q1": "Gcal", "T1": "°C", "T2": "°C"}


class Network:
    """First in, first out; what is asked before `slow_until_s` is answered `delay_s` later."""

    def __init__(self, delay_s: float) -> None:
        words = {name: struct.unpack(">HH", struct.pack(">f", value)) for name, value in VALUES.items()}
        places = {(3, 100 * at + half): word[half] for at, word in enumerate(words.values()) for half in (0, 1)}
        self.meter = Device(places, 1, "rtu")
        self.line = VirtualLine(self, drivers.load())
        self.delay_s = delay_s
        self.slow_until_s = 0.0
        self._last_s = 0.0

    def pieces(self, data: bytes) -> Sequence[tuple[float, bytes]]:
        now_s = self.line.clock()
        delay_s = self.delay_s if now_s < self.slow_until_s else 0.1
        self._last_s = max(now_s + delay_s, self._last_s + 0.02)
        return [(self._last_s - now_s, b"".join(part for _, part in self.meter.pieces(data)))]

    def elapse(self, duration_s: float) -> None:
        """The meter has no clock."""

    def pause(self) -> None:
        self.meter.pause()


def settings(packet_timeout_ms: int) -> DeviceSettings:
    text = f"[device]\nPort=ttyS0\nNetAddr=1\nDevType=Modbus\nTemplate=x\nPacketTimeout={packet_timeout_ms}\n"
    rows = "".join(f"S1{name}={100 * at} float unit {UNITS[name]}\n" for at, name in enumerate(VALUES))
    device, _ = parse_device("log/User/devices/1.ini", text)
    return replace(device, template_map=parse_template("x.ini", f"[values]\n{rows}")[0])


@pytest.mark.parametrize(
    ("packet_timeout_ms", "delay_s"),
    [(350, 0.7), (350, 1.6), (350, 2.0), (350, 3.0), (350, 7.5), (1000, 14.0), (5000, 11.0), (5000, 14.0)],
)
def test_no_answer_is_taken_for_that_of_another_request(packet_timeout_ms: int, delay_s: float) -> None:
    """An answer of Modbus RTU does not say which registers it holds."""
    network = Network(delay_s)
    network.line.set_devices((settings(packet_timeout_ms),), 60.0)
    network.line.run_for(100)
    network.slow_until_s = network.line.clock() + 30
    read = [each for each in network.line.run_for(200) if isinstance(each, Contact)]
    assert len(read) >= 2
    for contact in read:
        assert {name: contact.reading.systems[0][name] for name in VALUES} == VALUES

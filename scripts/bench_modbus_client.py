"""Reads ten holding registers of a Modbus device so and so often: one function for each program that can.

`python bench_modbus_client.py WHO DEVICE BAUD COUNT`, run by the interpreter that has that program.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Generator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from engine.dialogue import Ask

REGISTERS = 10
TIMEOUT_S = 2.0
Result = TypeVar("Result")
TEMPLATE = "[template]\nName=Bench\nPauseMs=0\n[extra]\n" + "".join(f"S1A{n}={n} u16\n" for n in range(REGISTERS))


def ours(device: str, baud: int, count: int) -> None:
    """The registers, by the frame and the line of the agent."""
    from drivers.modbus_frame import RTU, Request, read
    from engine.line.bus import Bus, Pace
    from engine.line.link import SerialLink

    bus, pace = Bus(SerialLink(device)), Pace(baud, 0.06)
    request = Request(1, 3, 0, REGISTERS)
    for _ in range(count):
        dialogue = read(request, RTU)
        ask = next(dialogue)
        try:
            dialogue.send(bus.exchange(ask, TIMEOUT_S, pace))
        except StopIteration as end:
            data = end.value
            values = [int.from_bytes(data[place : place + 2], "big") for place in range(0, len(data), 2)]
            assert len(values) == REGISTERS
    bus.close()


def reading(device: str, baud: int, count: int) -> None:
    """The same as a whole reading of the driver: ten values with names, units and limits."""
    from drivers.modbus import open_device, read
    from engine.dialogue import Setup
    from engine.line.bus import Bus, Pace
    from engine.line.link import SerialLink
    from engine.template import parse_template

    template, problems = parse_template("bench.ini", TEMPLATE)
    assert not problems
    bus, pace, setup = Bus(SerialLink(device)), Pace(baud, 0.06), Setup(address=1, template=template)

    def run(dialogue: Generator[Ask, bytes, Result]) -> Result:
        try:
            ask = next(dialogue)
            while True:
                ask = dialogue.send(bus.exchange(ask, TIMEOUT_S, pace))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    identity = run(open_device(setup, b"Modbus"))
    for _ in range(count):
        assert run(read(setup, identity))
    bus.close()


def bare(device: str, baud: int, count: int) -> None:
    """What no program in Python can undercut: the request is written, an answer awaited and read, nothing looked at."""
    import serial

    port = serial.Serial(device, baud, timeout=0)
    waiting = select.poll()
    waiting.register(port.fileno(), select.POLLIN)
    for _ in range(count):
        os.write(port.fileno(), b"\x01\x03\x00\x00\x00\x0a\xc5\xcd")
        heard = b""
        while len(heard) < 5 + 2 * REGISTERS and waiting.poll(TIMEOUT_S * 1000):
            heard += os.read(port.fileno(), 4096)
    port.close()


def pymodbus_sync(device: str, baud: int, count: int) -> None:
    from pymodbus.client import ModbusSerialClient

    client = ModbusSerialClient(device, baudrate=baud, timeout=TIMEOUT_S)
    assert client.connect()
    for _ in range(count):
        assert len(client.read_holding_registers(0, count=REGISTERS, device_id=1).registers) == REGISTERS
    client.close()


def pymodbus_async(device: str, baud: int, count: int) -> None:
    import asyncio

    from pymodbus.client import AsyncModbusSerialClient

    async def run() -> None:
        client = AsyncModbusSerialClient(device, baudrate=baud, timeout=TIMEOUT_S)
        assert await client.connect()
        for _ in range(count):
            answer = await client.read_holding_registers(0, count=REGISTERS, device_id=1)
            assert len(answer.registers) == REGISTERS
        client.close()

    asyncio.run(run())


def minimalmodbus_(device: str, baud: int, count: int) -> None:
    import minimalmodbus

    instrument = minimalmodbus.Instrument(device, 1)
    instrument.serial.baudrate = baud
    instrument.serial.timeout = TIMEOUT_S
    for _ in range(count):
        assert len(instrument.read_registers(0, REGISTERS)) == REGISTERS
    instrument.serial.close()


if __name__ == "__main__":
    who, device, baud, count = sys.argv[1:]

    globals()[who](device, int(baud), int(count))

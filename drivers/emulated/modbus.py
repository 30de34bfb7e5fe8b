"""Emulated Modbus devices: registers that answer over RTU or Modbus/TCP, functions 1 to 4, 6 and 16.

Source: Modbus application protocol 1.1b3, Modbus over serial line 1.02. A place that the device has not got is
refused with exception 2, a count that cannot be with 3, another function with 1. The registers are given on
the command line, `--set holding:0x10:float:CDAB=21.5`, or are those of a small heat meter that lives (`HeatMeter`).
A device that is `writable` takes numbers for the holding registers that were given.
"""

from __future__ import annotations

import argparse
import math
import re
import struct
from collections.abc import Callable
from datetime import datetime, timedelta

from drivers.emulated import Family, Piece, Speaker
from drivers.emulated.bus import Bus
from drivers.emulated.faults import DISGUISES, FAULTS, Fault, Faulty

FUNCTIONS = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
_BITS = (1, 2)
_HOLDING, _WRITE_ONE, _WRITE_SEVERAL = 3, 6, 16
_PACKED = {"u16": ">H", "i16": ">h", "u32": ">I", "i32": ">i", "u64": ">Q", "i64": ">q", "float": ">f", "double": ">d"}
_SETTING = re.compile(r"(coil|discrete|holding|input):(0x[0-9a-fA-F]{1,4}|[0-9]{1,5}):(\w+)(?::([A-H]+))?=(.+)")
_EPOCH = datetime(1970, 1, 1)

Places = dict[tuple[int, int], int]
"""What stands where, by function and place: 16 bits, or one."""


def crc(data: bytes) -> bytes:
    """The check of an RTU frame, low byte first."""
    register = 0xFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0xA001 if register & 1 else 0)
    return register.to_bytes(2, "little")


class Device:
    """One slave. `frame` is `rtu` or `tcp`; `renew` gives the places as they are now, None: they stand still."""

    def __init__(
        self, places: Places, address: int = 1, frame: str = "rtu", renew: Callable[[], Places] | None = None
    ) -> None:
        self.places = places
        self.address = address
        self.requests: list[tuple[int, int, int]] = []
        self.writes: list[tuple[int, int]] = []
        self.writable = False
        self.keeps_writes = True
        self._frame = frame
        self._renew = renew
        self._heard = bytearray()

    def pieces(self, data: bytes) -> list[Piece]:
        answer = self.hear(data)
        return [(0.0, answer)] if answer else []

    def elapse(self, seconds: float) -> None:
        """Registers stand still."""

    def pause(self) -> None:
        self._heard.clear()

    def hear(self, data: bytes) -> bytes:
        """Takes what is on the line, in any portions; the answers to whole requests for this device."""
        self._heard += data
        return self._hear_rtu() if self._frame == "rtu" else self._hear_tcp()

    def _hear_rtu(self) -> bytes:
        answers = bytearray()
        while len(self._heard) >= 8:
            size = 9 + self._heard[6] if self._heard[1] == _WRITE_SEVERAL else 8
            frame = bytes(self._heard[:size])
            if len(frame) < size and size < 256:
                break
            if crc(frame[:-2]) != frame[-2:]:
                del self._heard[0]
                continue
            del self._heard[:size]
            if frame[0] == self.address:
                body = frame[:1] + self.answer(frame[1:-2])
                answers += body + crc(body)
        return bytes(answers)

    def _hear_tcp(self) -> bytes:
        answers = bytearray()
        while len(self._heard) >= 7:
            size = 6 + int.from_bytes(self._heard[4:6], "big")
            if self._heard[2:4] != b"\0\0" or not 8 <= size <= 260:
                self._heard.clear()
            if len(self._heard) < size:
                break
            frame = bytes(self._heard[:size])
            del self._heard[:size]
            if frame[6] in (0, 255, self.address):
                pdu = self.answer(frame[7:])
                answers += frame[:4] + (1 + len(pdu)).to_bytes(2, "big") + frame[6:7] + pdu
        return bytes(answers)

    def answer(self, pdu: bytes) -> bytes:
        """The PDU that answers a request's."""
        function = pdu[0]
        if function in (_WRITE_ONE, _WRITE_SEVERAL) and self.writable:
            return self._take(pdu)
        if function not in FUNCTIONS.values() or len(pdu) != 5:
            return bytes((function | 0x80, 1))
        first, count = int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")
        self.requests.append((function, first, count))
        if not 1 <= count <= (2000 if function in _BITS else 125):
            return bytes((function | 0x80, 3))
        places = {**self.places, **(self._renew() if self._renew else {})}
        found = [places.get((function, place)) for place in range(first, first + count)]
        values = [value for value in found if value is not None]
        if len(values) < count:
            return bytes((function | 0x80, 2))
        data = _bits(values) if function in _BITS else b"".join(value.to_bytes(2, "big") for value in values)
        return bytes((function, len(data))) + data

    def _take(self, pdu: bytes) -> bytes:
        """Numbers for holding registers. `keeps_writes` False: it says yes and keeps what it had."""
        function, first = pdu[0], int.from_bytes(pdu[1:3], "big")
        data = pdu[3:5] if function == _WRITE_ONE else pdu[6:]
        told = 2 * int.from_bytes(pdu[3:5], "big")
        if function == _WRITE_SEVERAL and (len(pdu) < 8 or not len(data) == pdu[5] == told):
            return bytes((function | 0x80, 3))
        values = [int.from_bytes(data[place : place + 2], "big") for place in range(0, len(data), 2)]
        if any((_HOLDING, first + index) not in self.places for index in range(len(values))):
            return bytes((function | 0x80, 2))
        for place, value in enumerate(values, first):
            self.writes.append((place, value))
            if self.keeps_writes:
                self.places[_HOLDING, place] = value
        return pdu[:5]


def _bits(values: list[int]) -> bytes:
    number = sum(value << place for place, value in enumerate(values))
    return number.to_bytes((len(values) + 7) // 8, "little")


def put(places: Places, function: str, first: int, kind: str, value: float | str, order: str = "") -> None:
    """Set a value; raises ValueError, in Russian, for one that cannot be."""
    if function in ("coil", "discrete"):
        if kind != "bit" or value not in (0, 1):
            raise ValueError(f"{function} {first}: нужно bit=0 или bit=1")
        places[FUNCTIONS[function], first] = int(value)
        return
    data = _bytes_of(kind, value)
    letters = order or "ABCDEFGH"[: len(data)]
    if kind != "string" and sorted(letters) != list("ABCDEFGH"[: len(data)]):
        raise ValueError(f"порядок {letters}: не {len(data)} байт")
    wire = data if kind == "string" else bytes(data["ABCDEFGH".index(letter)] for letter in letters)
    for place in range(0, len(wire), 2):
        places[FUNCTIONS[function], first + place // 2] = int.from_bytes(wire[place : place + 2], "big")


def _bytes_of(kind: str, value: float | str) -> bytes:
    try:
        if kind == "string":
            text = str(value).encode("cp1251")
            return text + bytes(len(text) % 2)
        if kind.startswith("bcd"):
            return bytes.fromhex(f"{int(value):0{int(kind[3:]) // 4}d}")
        number = float(value) if kind in ("float", "double") else int(value)
        return struct.pack(_PACKED[kind], number)
    except (KeyError, ValueError, struct.error):
        raise ValueError(f"{kind}={value}: нет такого типа или число не помещается") from None


class HeatMeter(Device):
    """A small heat meter that lives: its map is the worked example of docs/templates.md. Holding registers, ABCD.

    0 u32 serial · 2 u16 version x100 · 3 u16 faults, bits 0-3 = errors 1-4 · 4 u32 clock, s since 1970 ·
    16 float T1 °C · 18 float T2 °C · 20 i16 P1 0.01 bar, 7FFF = no sensor · 21 i16 P2 · 22 float flow l/h ·
    32 u32 heat kWh · 34 u32 volume l · 36 u32 mass kg · 38 u32 hours powered · 40 u32 hours of faults.
    """

    def __init__(self, serial: int = 104205, now: datetime = datetime(2026, 9, 25, 14, 30), address: int = 1,
                 frame: str = "rtu") -> None:  # fmt: skip
        super().__init__({}, address, frame, self.registers)
        self.serial = serial
        self.clock = now
        self.faults = 0
        self._lived_s = 0.0

    def elapse(self, seconds: float) -> None:
        """Lives for so many seconds."""
        self.clock += timedelta(seconds=seconds)
        self._lived_s += seconds

    def now(self) -> dict[str, float]:
        """What it measures and has counted, in its own units."""
        hours = 5000 + self._lived_s / 3600
        supply = 75 + 5 * math.sin(self._lived_s / 43200 * math.pi)
        return {
            "T1": supply, "T2": 45.5, "P1": 612, "P2": 0x7FFF, "G": 1850.0, "Q": 62.9 * hours, "V": 1850.0 * hours,
            "M": 1800.0 * hours, "Tall": hours, "Terr": 12,
        }  # fmt: skip

    def registers(self) -> Places:
        """The registers as they are now."""
        now, places = self.now(), Places()
        seconds = int((self.clock - _EPOCH).total_seconds())
        for first, kind, value in (
            (0, "u32", self.serial), (2, "u16", 105), (3, "u16", self.faults), (4, "u32", seconds),
            (16, "float", now["T1"]), (18, "float", now["T2"]), (20, "i16", now["P1"]), (21, "i16", now["P2"]),
            (22, "float", now["G"]), (32, "u32", now["Q"]), (34, "u32", now["V"]), (36, "u32", now["M"]),
            (38, "u32", now["Tall"]), (40, "u32", now["Terr"]),
        ):  # fmt: skip
            put(places, "holding", first, kind, value)
        return places


def _add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--serial", type=int, default=104205, metavar="N", help="заводской номер; у следующих на линии на 1 больше")
    add("--address", type=int, nargs="+", default=[1], metavar="A", help="адреса (unit): по прибору на каждый")
    add("--frame", choices=("rtu", "tcp"), help="rtu или tcp (Modbus/TCP); по умолчанию по каналу")
    add("--set", action="append", default=[], metavar="ГДЕ=ЧТО",
        help="регистры вместо теплосчётчика: holding:0x10:float:CDAB=21.5, coil:3:bit=1")  # fmt: skip
    add("--writable", action="store_true", help="регистры хранения из --set можно записывать")
    known = [name for name in FAULTS if name not in DISGUISES]
    add("--fault", action="append", default=[], metavar="ВИД[:N[:X]]", help=f"помеха в N-м ответе: {', '.join(known)}")


def _build(_model: str, arguments: argparse.Namespace, now: datetime) -> Speaker:
    frame = arguments.frame or ("tcp" if getattr(arguments, "tcp", None) else "rtu")
    faults = [Fault.parse(text) for text in arguments.fault]
    if any(fault.name in DISGUISES for fault in faults):
        raise ValueError(f"таких помех у Modbus нет: {', '.join(DISGUISES)}")
    places = Places()
    for text in arguments.set:
        _set(places, text)
    devices: list[Speaker] = [
        _still(places, address, frame, arguments.writable)
        if places
        else HeatMeter(arguments.serial + index, now, address, frame)
        for index, address in enumerate(arguments.address)
    ]
    bus = Bus(devices)
    return Faulty(bus, faults) if faults else bus


def _still(places: Places, address: int, frame: str, writable: bool) -> Device:
    """Of several devices each has registers of its own."""
    device = Device(dict(places), address, frame)
    device.writable = writable
    return device


def _set(places: Places, text: str) -> None:
    found = _SETTING.fullmatch(text)
    if found is None:
        raise ValueError(f"{text}: нужно, например, holding:0x10:float:CDAB=21.5")
    function, first, kind, order, value = found.groups()
    number = value if kind == "string" else float(value) if "." in value else int(value, 0)
    put(places, function, int(first, 0), kind, number, order or "")


FAMILY = Family(name="Modbus", models=("modbus",), add_options=_add_options, build=_build)

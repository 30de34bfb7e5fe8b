"""ТЭМ-05М and ТЭМ-05М-1: meters that send one block of 344 bytes, by themselves or after a wake-up.

Proved on: one real block (vulsim/node-daq, 2016-12-08; tests/captures/tem_05m). No maker's document is public:
the map is that of two readers of other people (vulsim/node-daq; MoL0DoY/qbox), where both agree unless said
otherwise. Line: 9600 baud, 8N1, one meter a line: nothing bears an address. No archive is known.

The block, one letter a byte (offsets in hex, numbers little-endian, a few of 344 bytes):

    s . m . h . w d M y a b c r | n n f i 1 2 g t … k 55 | … DD/MM/YY … | T T t t c c … H H …
    00                            0E                7E     AA              CE             EC

    s m h d M y  clock, BCD    r  80: register D of the clock chip      n  serial number    f  firmware
    i  installation scheme     1 2  flow codes of both channels          g  Gmin             t  programmed °C
    k  sum of 0E…7D            T t c  temperatures                       H  low word of the working hours

Quirks
- The meter sends every 1 to 4 s (one reader never writes), or only when it was sent 33 81 7E 32 (the other reader;
  "sometimes needed"). So there is listening first, then the wake-up; what helped is remembered.
- There is no start byte. A block is known by its seals: k with 55 behind it, a date with two slashes at AA, the
  working hours twice, flow codes that exist. They were seen on one meter only; a block without them is taken
  when another with the same nameplate follows it, byte on byte. What stands behind 7F is summed by nobody.
- Error bits 2-3 and 4-5 are "G < min" and "G > max", but which is which is in doubt: the flow itself tells.
- The heat power at 23 was never seen other than 0 and is left out, and so are the pressures, whose place is unknown.
- Flow code 03: another edition of the passport has 0.625 m³/h where both readers have 1.25.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from engine.codec import GCAL_PER_UNIT, bcd_datetime, plain_sum
from engine.dialogue import Ask, Driver, Identity, Look, Setup, Sought
from engine.errors import NoAnswer
from engine.model import Reading, Value

BLOCK_SIZE = 344
WAKE_UP = bytes.fromhex("33 81 7E 32")
TWO_BLOCKS = 2 * BLOCK_SIZE
"""Listening may begin inside a block, so there is time for the rest of one and a whole one."""
LISTENING_S = 5.0
"""The longest pause between two blocks is 4 s."""
WAKING_S = 8.0
"""How long the reader that wakes the meter waits for it."""

WOKEN = b"w"
BYTES_PER_S = 960

TORN = "неполный кадр"
CHECKSUM = "контрольная сумма"
ECHO = "эхо"
NOISE = "шум"

Result = TypeVar("Result")
Dialogue = Generator[Ask, bytes, Result]

# --- the block: name, offset, bytes (little-endian, unsigned) ---------------------------------------

BLOCK = {
    "serial": (0x0E, 2),
    "firmware": (0x10, 1),
    "scheme": (0x11, 1),
    "G min": (0x14, 1),
    "working minutes": (0x18, 1),
    "working hours": (0x19, 3),
    "errors": (0x3E, 1),
    "T1": (0xCE, 2),
    "T2": (0xD0, 2),
    "T3": (0xD2, 2),
    "hours again": (0xEC, 2),
}
CHANNEL = {"code": (0x12, 0x13), "Gv": (0x20, 0x2F), "Q": (0x26, 0x35), "V": (0x29, 0x38), "M": (0x2C, 0x3B)}
"""Offset in channel 1 and in channel 2; three bytes each but for the code."""
NAMEPLATE = slice(0x0E, 0x16)
SUMMED, SUM, MARK = slice(0x0E, 0x7E), 0x7E, 0x7F
DATE = re.compile(rb"\d\d/\d\d/\d\d")
DATE_AT = 0xAA
REGISTER_D = 0x0D

FLOW_CODES = (
    (1000, 0.25), (1000, 0.5), (100, 1.0), (100, 1.25), (100, 2.5), (100, 5.0), (100, 2.5), (100, 5.0),
    (10, 10.0), (10, 10.0), (10, 20.0), (10, 40.0), (10, 25.0), (10, 50.0), (1, 100.0), (10, 50.0),
    (1, 100.0), (1, 200.0), (1, 100.0), (1, 200.0), (1, 400.0), (100, 5.0), (10, 10.0), (10, 20.0),
)  # fmt: skip
"""By the channel's code: divisor of its numbers, Gmax in m³/h."""

SCHEMES = {1: "Подача", 2: "Обратка", 4: "Р-Подача", 8: "Р-Обратка", 16: "Двухпоточник"}
"""The low five bits of the scheme; "p" supply and "p" return are read as Р-Подача and Р-Обратка."""
TWO_FLOWS = 0x10 | 0x40
ERROR_BITS = (("3", 0x40), ("4", 0x83))
"""Manual's number, bits: Δt; sensors of temperature, of flow or pressure, power."""
OUTSIDE_LIMITS = (0x14, 0x28)
"""G1, G2 below or above its limits: two bits each."""
HOTTEST = 200.0
"""What is above is no temperature of water."""


# --- the block in the stream ------------------------------------------------------------------------


def take(received: bytes) -> Look:
    """The newest sealed block that has come whole, wherever it begins; else the second of two alike."""
    sealed = [place for place in _places(received, 0x55, MARK) if is_sealed(_block(received, place))]
    if sealed:
        return Look(_block(received, sealed[-1]))
    for place in _places(received, 0x80, REGISTER_D):
        first, second = _block(received, place), _block(received, place + BLOCK_SIZE)
        if len(second) == BLOCK_SIZE and _is_like(first, second):
            return Look(second)
    return Look(None, _in_the_way(received))


def _places(received: bytes, byte: int, offset: int) -> Iterator[int]:
    """Where a whole block could begin, to have `byte` at `offset`."""
    last = len(received) - BLOCK_SIZE
    at = received.find(byte, offset, last + offset + 1)
    while at >= 0:
        yield at - offset
        at = received.find(byte, at + 1, last + offset + 1)


def _block(received: bytes, place: int) -> bytes:
    return received[place : place + BLOCK_SIZE]


def is_sealed(block: bytes) -> bool:
    """Whether everything that can be checked of a block is as it must be."""
    again = (_number(block, "working hours") - _number(block, "hours again")) & 0xFFFF
    return (
        block[MARK] == 0x55
        and block[SUM] == plain_sum(block[SUMMED])
        and DATE.match(block, DATE_AT) is not None
        and again <= 1
        and _has_flow_codes(block)
    )


def _has_flow_codes(block: bytes) -> bool:
    return all(block[place] < len(FLOW_CODES) for place in CHANNEL["code"])


def _is_like(first: bytes, second: bytes) -> bool:
    """Whether both can be blocks of one meter, by the clock and by what does not change."""
    possible = all(decode_clock(block) and _has_flow_codes(block) and block[REGISTER_D] == 0x80
                   for block in (first, second))  # fmt: skip
    return possible and first[NAMEPLATE] == second[NAMEPLATE] and any(first[NAMEPLATE])


def _in_the_way(received: bytes) -> str:
    if len(received) <= len(WAKE_UP) and WAKE_UP.startswith(received):
        return ECHO if received else ""
    if len(received) < TWO_BLOCKS:
        return CHECKSUM if any(decode_clock(_block(received, p)) for p in _places(received, 0x80, REGISTER_D)) else TORN
    return NOISE


# --- dialogue ---------------------------------------------------------------------------------------


def ask_id(setup: Setup) -> Dialogue[bytes]:
    """A whole block, `WOKEN` behind it if it had to be asked for.

    Only where the user named the type: the family has no address, and others never send by themselves.
    """
    if setup.device_type not in DRIVER.device_types:
        raise NoAnswer("нет ответа")
    block, woken = yield from _listen(woken=False)
    return block + (WOKEN if woken else b"")


def _listen(woken: bool) -> Dialogue[tuple[bytes, bool]]:
    """The next block, and whether the meter had to be woken for it. An empty request only listens."""
    if not woken:
        try:
            return (yield replace(_hear(b"", LISTENING_S), attempts=1)), False
        except NoAnswer:
            pass
    return (yield _hear(WAKE_UP, WAKING_S)), True


def _hear(request: bytes, wait_s: float) -> Ask:
    """The wait for a block counts as bytes of the line: it belongs to the time that the answer may take."""
    return Ask(request, take, len(request) + TWO_BLOCKS + int(wait_s * BYTES_PER_S), wait_s=wait_s)


def open_meter(_setup: Setup, id_bytes: bytes) -> Dialogue[Identity]:
    """The serial number stands in the block that answered."""
    yield from ()
    block, woken = id_bytes[:BLOCK_SIZE], id_bytes[BLOCK_SIZE:] == WOKEN
    return Identity("", DRIVER.device_types[0], decode_serial(block), woken)


def read(setup: Setup, identity: Identity) -> Dialogue[Reading]:
    """Current values: all that there is."""
    block, _ = yield from _listen(woken=identity.layout is True)
    return decode_reading(block, setup.energy_unit or DRIVER.energy_unit)


# --- decode -----------------------------------------------------------------------------------------


def decode_reading(block: bytes, energy_unit: str) -> Reading:
    """Current values of a block of 344 bytes."""
    values, clock = _values(block, GCAL_PER_UNIT[energy_unit]), decode_clock(block)
    doubts = [f"S1{key}: недопустимое значение" for key, value in values.items() if value is None]
    if clock is None:
        doubts.append("часы прибора: недопустимая дата")
    if not is_sealed(block):
        doubts.append("контрольная сумма блока")
    device: dict[str, Value] = {"SoftVer": str(_number(block, "firmware")), "NumSystems": 1}
    return Reading(decode_serial(block), clock, device, (values,), tuple(doubts))


def decode_serial(block: bytes) -> str:
    """The serial number; "" where there is none."""
    return str(_number(block, "serial") or "")


def decode_clock(block: bytes) -> datetime | None:
    """The meter's clock; the years 90 to 99 are those of a clock that was never set."""
    clock = bcd_datetime(
        year=block[0x09], month=block[0x08], day=block[0x07], hour=block[0x04], minute=block[0x02], second=block[0x00]
    )
    return clock if clock is not None and clock.year < 2090 else None


def _number(block: bytes, name: str) -> int:
    offset, size = BLOCK[name]
    return int.from_bytes(block[offset : offset + size], "little")


def _values(block: bytes, gcal_per_unit: float) -> dict[str, Value]:
    scheme = _number(block, "scheme")
    values: dict[str, Value] = {"Type": SCHEMES.get(scheme & 0x1F)}
    for channel in range(2 if scheme & TWO_FLOWS else 1):
        values |= _flow(block, channel, gcal_per_unit)
    for name in ("T1", "T2", "T3"):
        temperature = _number(block, name) / 100
        values[name] = temperature if temperature <= HOTTEST else None
    minutes = _number(block, "working minutes")
    values["Tall"] = _number(block, "working hours") + minutes / 60 if minutes < 60 else None
    values["Err"] = decode_errors(_number(block, "errors"), values)
    values["ErrRaw"] = f"{_number(block, 'errors'):02X}"
    return values


def _flow(block: bytes, channel: int, gcal_per_unit: float) -> dict[str, Value]:
    code = block[CHANNEL["code"][channel]]
    divisor, limit = FLOW_CODES[code]
    percent = _number(block, "G min") >> 4 * channel & 0x0F
    raw = {key: int.from_bytes(block[at[channel] : at[channel] + 3], "little") for key, at in CHANNEL.items()}
    n = channel + 1
    return {
        f"Gmin{n}": limit * percent / 100,
        f"Gmax{n}": limit,
        f"Q{n}": raw["Q"] / (10 * divisor) * gcal_per_unit,
        f"V{n}": raw["V"] / divisor,
        f"M{n}": raw["M"] / divisor,
        f"Gv{n}": raw["Gv"] / (100 * divisor),
    }


def decode_errors(byte: int, values: dict[str, Value]) -> str | None:
    """The manual's numbers of the errors, rising; None where a bit is set that nothing explains."""
    numbers = {number for number, bits in ERROR_BITS if byte & bits}
    for n, bits in enumerate(OUTSIDE_LIMITS, 1):
        if byte & bits and f"Gv{n}" in values:
            numbers.add(_which_limit(values[f"Gv{n}"], values[f"Gmin{n}"], values[f"Gmax{n}"]))
    return None if "" in numbers else "".join(sorted(numbers)) or "0"


def _which_limit(flow: Value, least: Value, most: Value) -> str:
    assert isinstance(flow, float) and isinstance(least, float) and isinstance(most, float)
    if flow <= least:
        return "1"
    return "2" if flow >= most else ""


DRIVER = Driver(
    name="tem_05m",
    device_types=("ТЭМ-05М",),
    energy_unit="MWh",
    ask_id=ask_id,
    accepts=lambda id_bytes: id_bytes[BLOCK_SIZE:] in (b"", WOKEN) and len(id_bytes) >= BLOCK_SIZE,
    open=open_meter,
    read=read,
    sought=(Sought("ТЭМ-05М", called=False, addressed=False, speeds=(9600,), wait_s=LISTENING_S),),
)

"""Records in LoRaWAN frames: a few dozen bytes each, every one of use alone (formats guide, «LoRaWAN»). Pure.

Both sides use this module: `encode` on the board, `decode` and `assemble` on the server behind the network.

    byte 0      01tt r000   version 1; tt: 0 hour, 1 day, 2 report date; r: a repeat number follows the stamp
    byte 1      lppp pppp   l: the last frame of the record; p: its place, from 0
    device      varint      2n: the number n; 2n+1: n characters follow (leading zero, or letters)
    stamp       4 bytes     seconds since 2000-01-01 00:00:00 of the meter's own clock, high byte first
    repeat      varint      only with r
    items       to the end  kk vvvvvv: kind and key, then the value

Kinds: 0 a number, without its point, as zigzag varint; 1 a text, its length as varint, UTF-8; 2 unknown, no value;
3 the items behind belong to system v (0: to none; each frame begins with system 1). Key 63: its name follows, a byte of
length and ASCII. How many decimals a number has is known by its key (formats guide, section 5).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.formats.archive import read_record_fields
from engine.formats.fields import RECORD_KEYS
from engine.formats.values import decimals, read_stamp, stamp_text
from engine.model import Record

KEYS = tuple(key for key in RECORD_KEYS if not key.startswith("d"))
"""Keys by their number in an item. Growth (`dQ1`) is not sent: it is the difference to the record before."""

LEAST_PAYLOAD_BYTES = 40
"""A frame that is shorter cannot hold the longest device number and one item."""

Fields = Sequence[tuple[str, str]]
"""Keys and texts as they stand in an archive."""

_TYPES = "HDM"
_EPOCH = datetime(2000, 1, 1)
_NAMED = 63
_NUMBER, _TEXT, _UNKNOWN, _SYSTEM = range(4)
_OF_SYSTEM = re.compile(r"S([1-9][0-9]?)([A-Za-z][A-Za-z0-9]{0,29})")
_FREE = re.compile(r"[A-Za-z][A-Za-z0-9]{0,29}")
_PLAIN_NUMBER = re.compile(r"[1-9][0-9]{0,17}|0")
_LAST, _REPEATED, _VERSION = 0x80, 0x08, 0x40
_INDEX = {key: place for place, key in enumerate(KEYS)}


@dataclass(frozen=True, slots=True)
class Encoded:
    """The frames of one record in their order, and the keys that no frame can hold."""

    frames: tuple[bytes, ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """What one frame says. Equal `record`: of one record."""

    dev_number: str
    rec_type: str
    stamp: datetime
    repeat: int
    place: int
    last: bool
    fields: tuple[tuple[str, str], ...]

    @property
    def record(self) -> tuple[str, str, datetime, int]:
        return self.dev_number, self.rec_type, self.stamp, self.repeat


@dataclass(frozen=True, slots=True)
class Assembled:
    """A record as far as its frames came; `is_complete`: all of them did."""

    dev_number: str
    fields: tuple[tuple[str, str], ...]
    is_complete: bool

    @property
    def record(self) -> Record:
        """As the archive of the board tells it, without growth."""
        return read_record_fields(self.fields)


def encode(dev_number: str, fields: Fields, limit_bytes: int) -> Encoded:
    """A record in frames of at most `limit_bytes`. ValueError for no record of H, D or M, and for too low a limit."""
    if limit_bytes < LEAST_PAYLOAD_BYTES:
        raise ValueError(f"no record fits into {limit_bytes} bytes")
    head = _head(dev_number, dict(fields))
    frames: list[bytearray] = [bytearray(head)]
    left_out: list[str] = []
    system = 1
    for key, text in fields:
        if key in ("RecType", "DateTime", "Rep") or _is_growth(key):
            continue
        found = _OF_SYSTEM.fullmatch(key)
        wanted, name = (int(found[1]), found[2]) if found else (0, key)
        item = _item(name, text)
        if (not found and not _FREE.fullmatch(key)) or len(head) + 2 + len(item) > limit_bytes:
            left_out.append(key)
            continue
        if len(frames[-1]) + 2 * (system != wanted) + len(item) > limit_bytes:
            frames.append(bytearray(head))
            system = 1
        if system != wanted:
            frames[-1] += _marker(wanted)
            system = wanted
        frames[-1] += item
    return Encoded(tuple(_numbered(frames)), tuple(left_out))


def _numbered(frames: list[bytearray]) -> Iterator[bytes]:
    if len(frames) > _LAST:
        raise ValueError(f"a record of {len(frames)} frames")
    for place, frame in enumerate(frames):
        frame[1] = place | (_LAST if place == len(frames) - 1 else 0)
        yield bytes(frame)


def _head(dev_number: str, told: dict[str, str]) -> bytes:
    rec_type, repeat = told.get("RecType", ""), int(told.get("Rep", "1"))
    if rec_type not in tuple(_TYPES) or not 0 < len(dev_number) <= 20 or not dev_number.isascii():
        raise ValueError(f"not a record of H, D or M: {rec_type!r} of {dev_number!r}")
    seconds = int((read_stamp(told["DateTime"]) - _EPOCH).total_seconds())
    first = _VERSION | _TYPES.index(rec_type) << 4 | (_REPEATED if repeat > 1 else 0)
    head = bytes((first, 0)) + _device(dev_number) + seconds.to_bytes(4, "big")
    return head + (_varint(repeat) if repeat > 1 else b"")


def _device(dev_number: str) -> bytes:
    if _PLAIN_NUMBER.fullmatch(dev_number):
        return _varint(int(dev_number) * 2)
    return _varint(len(dev_number) * 2 + 1) + dev_number.encode("ascii")


def _is_growth(key: str) -> bool:
    found = _OF_SYSTEM.fullmatch(key)
    name = found[2] if found else key
    return name.startswith("d") and name in RECORD_KEYS


def _marker(system: int) -> bytes:
    return bytes((_SYSTEM << 6 | min(system, _NAMED),)) + (bytes((system,)) if system >= _NAMED else b"")


def _item(name: str, text: str) -> bytes:
    number = _scaled(name, text)
    kind = _UNKNOWN if not text else _TEXT if number is None else _NUMBER
    index = _INDEX.get(name, _NAMED)
    item = bytes((kind << 6 | index,))
    if index == _NAMED:
        item += bytes((len(name),)) + name.encode("ascii", "replace")
    if kind == _TEXT:
        data = text.encode()
        return item + _varint(len(data)) + data
    return item if number is None else item + _varint(number * 2 if number >= 0 else -number * 2 - 1)


def _scaled(name: str, text: str) -> int | None:
    """The number of a text that is written exactly as the key's numbers are; None for any other text."""
    places = decimals(name) or 0
    digits = text.replace(".", "", 1)
    if not digits.removeprefix("-").isdecimal() or not digits.isascii() or len(digits) > 18:
        return None
    number = int(digits)
    return number if _rendered(number, places) == text else None


def _rendered(number: int, places: int) -> str:
    digits = f"{abs(number):0{places + 1}d}"
    point = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    return f"-{point}" if number < 0 else point


def _varint(number: int) -> bytes:
    data = bytearray()
    while number >= 0x80:
        data.append(number & 0x7F | 0x80)
        number >>= 7
    data.append(number)
    return bytes(data)


class _Reader:
    """Takes pieces off a payload; ValueError behind its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def is_through(self) -> bool:
        return self._at >= len(self._data)

    def take(self, count: int) -> bytes:
        piece = self._data[self._at : self._at + count]
        if len(piece) < count:
            raise ValueError("the frame ends too early")
        self._at += count
        return piece

    def byte(self) -> int:
        return self.take(1)[0]

    def varint(self) -> int:
        number = 0
        for shift in range(0, 70, 7):
            byte = self.byte()
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
        raise ValueError("a number without end")


def decode(payload: bytes) -> Part:
    """What one frame says. ValueError for anything that `encode` does not make."""
    reader = _Reader(payload)
    first, place = reader.byte(), reader.byte()
    if first & 0xC7 != _VERSION or first >> 4 & 3 >= len(_TYPES):
        raise ValueError(f"not a frame of this form: {first:02x}")
    device = reader.varint()
    dev_number = reader.take(device >> 1).decode("ascii") if device & 1 else str(device >> 1)
    stamp = _EPOCH + timedelta(seconds=int.from_bytes(reader.take(4), "big"))
    repeat = reader.varint() if first & _REPEATED else 1
    fields = tuple(_items(reader))
    return Part(dev_number, _TYPES[first >> 4 & 3], stamp, repeat, place & ~_LAST, bool(place & _LAST), fields)


def _items(reader: _Reader) -> Iterator[tuple[str, str]]:
    system = 1
    while not reader.is_through:
        item = reader.byte()
        kind, index = item >> 6, item & _NAMED
        if kind == _SYSTEM:
            system = reader.byte() if index == _NAMED else index
            continue
        if index != _NAMED and index >= len(KEYS):
            raise ValueError(f"no key has the number {index}")
        name = reader.take(reader.byte()).decode("ascii") if index == _NAMED else KEYS[index]
        yield f"S{system}{name}" if system else name, _text(reader, kind, name)


def _text(reader: _Reader, kind: int, name: str) -> str:
    if kind == _UNKNOWN:
        return ""
    if kind == _TEXT:
        return reader.take(reader.varint()).decode()
    zigzag = reader.varint()
    return _rendered(zigzag >> 1 if not zigzag & 1 else -(zigzag + 1 >> 1), decimals(name) or 0)


def assemble(parts: Iterable[Part]) -> list[Assembled]:
    """Records out of frames in any order, doubled or lost; in the order in which their first frame came."""
    records: dict[tuple[str, str, datetime, int], dict[int, Part]] = {}
    for part in parts:
        records.setdefault(part.record, {})[part.place] = part
    return [_assembled(found) for found in records.values()]


def _assembled(found: dict[int, Part]) -> Assembled:
    ordered = [found[place] for place in sorted(found)]
    first, last = ordered[0], ordered[-1]
    told = [("RecType", first.rec_type), ("DateTime", stamp_text(first.stamp))]
    told += [field for part in ordered for field in part.fields]
    told += [("Rep", str(first.repeat))] if first.repeat > 1 else []
    return Assembled(first.dev_number, tuple(told), last.last and len(ordered) == last.place + 1)

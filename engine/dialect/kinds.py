"""Kinds of values in the settings files: what is allowed, in the user's words, and what a text becomes."""

from __future__ import annotations

import ipaddress
import re
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from engine.dialect import device_types

_WHOLE = re.compile(r"[0-9]{1,16}")
_NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?")
_SIZE = re.compile(r"([0-9]{1,16}(?:\.[0-9]{1,3})?)([KMGT]?)", re.IGNORECASE)
_SHORT_TTY = re.compile(r"tty[A-Za-z0-9_.-]+")
_FULL_TTY = re.compile(r"/dev/(tty[A-Za-z0-9_.-]+|pts/[0-9]+|serial(/[A-Za-z0-9_.:,+=@#-]+)+)")
_ZONE = re.compile(r"[A-Za-z0-9_+/-]{1,64}")
_HOST = re.compile(r"\w(?:[\w.-]{0,251}\w)?")
_MAIL = re.compile(r"[^\s@,;<>]{1,64}@[^\s@,;<>]{1,190}")
_PHONE = re.compile(r"\+?[0-9]{5,15}")
_PHONE_FILLING = re.compile(r"[ ()-]")
_DEVICE_NUMBER = re.compile(r"[0-9A-Za-z]{0,20}")
_BARE_NAME = re.compile(r"\w(?:[\w .+-]{0,62}[\w+-])?")
_PASSIVE = re.compile(r"([0-9]{1,5}) ?- ?([0-9]{1,5})")
_SENSOR_FILE = re.compile(r"(?:/sys/class/gpio|/sys/bus/iio|/run)(?:/[A-Za-z0-9_.:,+@-]+)+")
_CLOCK = re.compile("([0-9]{2})" * 5)
_DIGITS_AND_DOTS = re.compile(r"[0-9.]+")
_FACTOR = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
PORT_MAX = 65535
BAUDS = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)


@dataclass(frozen=True, slots=True)
class Kind:
    """`take` turns a text without spaces at its ends into the value, or raises `ValueError`."""

    allowed: str
    take: Callable[[str], object]
    secret: bool = False


def _checked(passed: object, value: object) -> object:
    if not passed:
        raise ValueError
    return value


def _match(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    found = pattern.fullmatch(text)
    if found is None:
        raise ValueError
    return found


def or_empty(kind: Kind, empty: object, meaning: str = "") -> Kind:
    """The same kind, where nothing may stand too and becomes `empty`."""
    note = f" ({meaning})" if meaning else ""
    return Kind(f"{kind.allowed} или пусто{note}", lambda text: kind.take(text) if text else empty, kind.secret)


def flag() -> Kind:
    return Kind("0 или 1", lambda text: _checked(text in ("0", "1"), text == "1"))


def whole(low: int, high: int, unit: str = "") -> Kind:
    """A whole number; `unit` is only told."""

    def take(text: str) -> object:
        value = int(_match(_WHOLE, text)[0])
        return _checked(low <= value <= high, value)

    return Kind(_with_unit(f"целое число от {low} до {high}", unit), take)


def number(low: float, high: float, unit: str = "") -> Kind:
    """A number with a decimal point, as float."""

    def take(text: str) -> object:
        value = float(_match(_NUMBER, text)[0])
        return _checked(low <= value <= high, value)

    return Kind(_with_unit(f"число от {low:g} до {high:g}, дробная часть через точку", unit), take)


def milliseconds(low: int, high: int) -> Kind:
    """Whole milliseconds in the file, seconds as float in the settings."""
    inner = whole(low, high, "мс")

    def take(text: str) -> object:
        value = inner.take(text)
        assert isinstance(value, int)
        return value / 1000

    return Kind(inner.allowed, take)


def baud() -> Kind:
    return Kind(
        "скорость линии: " + ", ".join(map(str, BAUDS)),
        lambda text: _checked(int(_match(_WHOLE, text)[0]) in BAUDS, int(text)),
    )


def size(low: int, allowed: str) -> Kind:
    """Bytes, with K, M, G, T as powers of 1024."""

    def take(text: str) -> object:
        digits, letter = _match(_SIZE, text).groups()
        value = int(float(digits) * _FACTOR[letter.upper()])
        return _checked(low <= value <= 1 << 60, value)

    return Kind(allowed, take)


def choice(*names: str) -> Kind:
    """One of some words without regard to case; becomes the spelling given here."""
    spellings = {name.lower(): name for name in names}

    def take(text: str) -> object:
        return _checked(text.lower() in spellings, spellings.get(text.lower()))

    return Kind(" или ".join((", ".join(names[:-1]), names[-1])), take)


def text(limit: int, *, secret: bool = False) -> Kind:
    def take(value: str) -> object:
        return _checked(len(value) <= limit and value.replace("\xa0", " ").isprintable(), value)

    return Kind(f"текст до {limit} знаков", take, secret)


def words(each: Kind, *, most: int, empty: bool = True) -> Kind:
    """Several values in a tuple, separated by commas; none of them twice."""

    def take(value: str) -> object:
        taken = tuple(each.take(part.strip()) for part in value.split(",")) if value else ()
        return _checked((taken or empty) and len(taken) <= most and len(set(taken)) == len(taken), taken)

    return Kind(f"через запятую: {each.allowed}" + (" (можно пусто)" if empty else ""), take)


def tty_port() -> Kind:
    """A serial port as its full path; empty or 0 (as on the device, manual 7.5) is none."""

    def take(value: str) -> object:
        if value in ("", "0"):
            return ""
        path = f"/dev/{value}" if _SHORT_TTY.fullmatch(value) else _match(_FULL_TTY, value)[0]
        return _checked(not {".", ".."} & set(path.split("/")), path)

    return Kind("порт: ttyS1, ttyUSB1000, путь /dev/tty…, /dev/serial/… или /dev/pts/…; пусто = нет", take)


def port_map() -> Kind:
    """Serial ports and the TCP port of each, as pairs; neither stands twice."""
    tty = tty_port()

    def take(value: str) -> object:
        name, _, port = value.rpartition(":")
        path, number = tty.take(name.strip()), int(_match(_WHOLE, port)[0])
        return _checked(path, path), _checked(1 <= number <= PORT_MAX, number)

    def unlike(value: str) -> object:
        pairs = words(Kind("", take), most=32).take(value)
        assert isinstance(pairs, tuple)
        return _checked(all(len(set(side)) == len(pairs) for side in zip(*pairs, strict=True)), pairs)

    return Kind("через запятую: порт:порт TCP, например ttyS0:2000, без повторов (можно пусто)", unlike)


def host() -> Kind:
    """A name or an address, without scheme, port and path."""
    return Kind("имя или IP-адрес (без ftp:// и порта)", _host)


def address() -> Kind:
    return Kind("IP-адрес", lambda value: str(ipaddress.ip_address(value)))


def networks() -> Kind:
    return words(Kind("IP-адреса или сети, например 192.168.1.0/24", _network), most=100)


def host_port() -> Kind:
    """`host:port`, an IPv6 address in brackets; stays a text."""

    def take(value: str) -> object:
        name, colon, port = value.rpartition(":")
        bare = name[1:-1] if name.startswith("[") and name.endswith("]") else name
        _host(bare)
        return _checked(colon and (":" not in name or bare != name) and 1 <= int(_match(_WHOLE, port)[0]) <= PORT_MAX,
                        value)  # fmt: skip

    return Kind("адрес:порт", take)


def passive_ports() -> Kind:
    """`first-last` as a pair; empty is None: any free port."""

    def take(value: str) -> object:
        first, last = map(int, _match(_PASSIVE, value).groups())
        return _checked(1 <= first <= last <= PORT_MAX, (first, last))

    return or_empty(Kind("порты от-до, например 30000-30009", take), None, "любой свободный")


def time_zone() -> Kind:
    def take(value: str) -> object:
        try:
            return zoneinfo.ZoneInfo(_match(_ZONE, value)[0]).key
        except (zoneinfo.ZoneInfoNotFoundError, OSError) as wrong:
            raise ValueError from wrong

    return Kind("часовой пояс, например Europe/Moscow", take)


def clock_setting() -> Kind:
    """`mmddHHMMyy` (manual, section 13), kept as text."""

    def take(value: str) -> object:
        month, day, hour, minute, year = map(int, _match(_CLOCK, value).groups())
        datetime(2000 + year, month, day, hour, minute)
        return value

    return or_empty(Kind("ммддЧЧММгг, например 1122093026", take), "")


def mail_addresses() -> Kind:
    return words(Kind("адреса почты", lambda value: _match(_MAIL, value)[0]), most=20)


def phones() -> Kind:
    def take(value: str) -> object:
        return _match(_PHONE, _PHONE_FILLING.sub("", value))[0]

    return words(Kind("номера вида +79161234567", take), most=20)


def device_type() -> Kind:
    def take(value: str) -> object:
        spelling = device_types.written(value)
        return _checked(spelling, spelling)

    return Kind("auto, " + ", ".join(device_types.DEVICE_TYPES), take)


def device_number() -> Kind:
    """Empty and 0 are both "take the device's own"."""
    return Kind(
        "до 20 цифр и латинских букв; 0 или пусто = номер самого прибора",
        lambda value: _match(_DEVICE_NUMBER, value)[0] if value != "0" else "",
    )


def bare_name() -> Kind:
    """The name of a template, without folder; an ending `.ini` is dropped."""

    def take(value: str) -> object:
        name = value[:-4] if value.lower().endswith(".ini") else value
        return _match(_BARE_NAME, name)[0]

    return or_empty(Kind("имя шаблона без папки", take), "")


def contact() -> Kind:
    """`O` open or `K` short (manual 7.5); the Cyrillic letters are as good."""

    def take(value: str) -> object:
        letter = device_types.fold(value)
        return _checked(letter in ("O", "K"), letter)

    return or_empty(Kind("O (обрыв), K (замыкание)", take), "")


def sensor_file() -> Kind:
    def take(value: str) -> object:
        path = _match(_SENSOR_FILE, value)[0]
        return _checked(not {".", ".."} & set(path.split("/")), path)

    return or_empty(Kind("файл в /sys/class/gpio, /sys/bus/iio или /run", take), "")


def _host(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        name = _match(_HOST, value)[0]
        if ".." in name or _DIGITS_AND_DOTS.fullmatch(name):
            raise
        return name


def _network(value: str) -> str:
    return str(ipaddress.ip_network(value, strict=False))


def _with_unit(allowed: str, unit: str) -> str:
    return f"{allowed}, {unit}" if unit else allowed

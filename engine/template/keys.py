"""The keys that a template may fill, and what kind of quantity each is (manual 11.4; formats guide, section 5)."""

from __future__ import annotations

import re

from engine.formats.fields import DEVICE_KEYS, EXTRA_KEYS, MAX_SYSTEMS, RECORD_KEYS, SYSTEM_KEYS
from engine.template.units import KINDS

ENERGY, PLAIN, NUMBER, TEXT = "energy", "plain", "number", "text"
ERROR, CONTACT, CLOCK, DATE, TIME_OF_DAY, CLOCK_PART = "error", "contact", "clock", "date", "time of day", "clock part"
QUANTITIES = frozenset(KINDS)
TEXTS = frozenset((NUMBER, TEXT))
CLOCK_PARTS = ("Year", "Month", "Day", "Hour", "Minute", "Second")
CLOCK_KEYS = ("Clock", "Date", "Time", *CLOCK_PARTS)

_CHANNELS = range(1, 10)
_MEASURED = {
    "Q": ENERGY, "M": "mass", "V": "volume", "T": "temperature", "P": "pressure", "G": "mass flow", "Gv": "volume flow",
}  # fmt: skip
_SYSTEM: dict[str, str] = {
    **{f"{letter}{channel}": kind for letter, kind in _MEASURED.items() for channel in _CHANNELS},
    **dict.fromkeys(("Tall", "Tgood", "Tmin", "Tmax", "Tdt", "Terr"), "time"),
    **dict.fromkeys(("Du1", "Du2", "Gmin1", "Gmin2", "Gmax1", "Gmax2", "Fmax1", "Fmax2", "Kv1", "Kv2"), PLAIN),
    "dTmin1": "difference",
    **dict.fromkeys(("Type", "Formula", "FlatDesc", "FlatAddr"), TEXT),
    **dict.fromkeys(("Err1", "Err2", "Err3", "Err4"), ERROR),
    **dict.fromkeys(("SW1", "SW2"), CONTACT),
}
"""Keys of a system. `Err1`…`Err4` are not written as such: they make `Err`."""
_DEVICE: dict[str, str] = {
    "DevNumber": NUMBER,
    **dict.fromkeys(("SoftVer", "CRC"), TEXT),
    **dict.fromkeys(("K0G1", "KUG1", "K0G2", "KUG2"), PLAIN),
    "Clock": CLOCK, "Date": DATE, "Time": TIME_OF_DAY, **dict.fromkeys(CLOCK_PARTS, CLOCK_PART),
}  # fmt: skip

_OF_SYSTEM = re.compile(r"s([1-9][0-9]?)([a-z].*)", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,30}")
_RESERVED = frozenset(
    name.lower()
    for name in (*DEVICE_KEYS, *EXTRA_KEYS, *SYSTEM_KEYS, *RECORD_KEYS, *_SYSTEM, *_DEVICE, "RecType", "DateTime",
                 "Rep", *(f"d{name}" for name in _SYSTEM))
)  # fmt: skip
_FOLDED_SYSTEM = {name.lower(): name for name in _SYSTEM}
_FOLDED_DEVICE = {name.lower(): name for name in _DEVICE}


def find_key(key: str) -> tuple[int, str, str] | None:
    """System (0: the device), key without it, and kind of a key that the manual has; None for any other."""
    name = _FOLDED_DEVICE.get(key.lower())
    if name is not None:
        return 0, name, _DEVICE[name]
    found = _OF_SYSTEM.fullmatch(key)
    name = _FOLDED_SYSTEM.get(found[2].lower()) if found else None
    return (int(found[1]), name, _SYSTEM[name]) if found and name else None


def extra_key(key: str) -> tuple[int, str, str]:
    """System, key and kind of a key that the manual has not got. ValueError when it cannot be one."""
    found = _OF_SYSTEM.fullmatch(key)
    system, name = (int(found[1]), found[2]) if found else (0, key)
    if not _NAME.fullmatch(name) or name.lower() in _RESERVED:
        raise ValueError("свой ключ это латинские буквы и цифры, не из руководства, например S1E1")
    return system, name, PLAIN


def kind_of(system: int, key: str) -> str:
    """The kind of a point's key, PLAIN for one that the manual has not got."""
    return (_SYSTEM if system else _DEVICE).get(key, PLAIN)


def names_for_hint(key: str) -> dict[str, str]:
    """Every key as it might have been meant: in lower case, with the system of `key`."""
    found = _OF_SYSTEM.match(key)
    system = min(int(found[1]), MAX_SYSTEMS) if found else 1
    return {name.lower(): name for name in (*_DEVICE, *(f"S{system}{name}" for name in _SYSTEM))}

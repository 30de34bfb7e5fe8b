"""The keys of every file in the manual's order, and lines of `Key=Value` written and read by them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

from engine.formats.values import read_value, value_text
from engine.model import Value, Values

DEVICE_KEYS = (
    "DevName", "DevType", "SoftVer", "CRC", "K0G1", "KUG1", "K0G2", "KUG2", "Connection", "Port", "Baud",
    "NetAddr", "NetIP", "NetPort", "DevNumber", "NumSystems", "Flats", "Date", "Time",
)  # fmt: skip
"""`[0]` of a snapshot: the device (#200)."""

SYSTEM_FACTS = (
    "Type", "DevName", "DevType", "DevNumber", "Du1", "Du2", "Gmin1", "Gmin2", "Gmax1", "Gmax2", "dTmin1",
    "Fmax1", "Fmax2", "Kv1", "Kv2", "Formula", "FlatDesc", "FlatAddr",
)  # fmt: skip
"""`[0]` of a snapshot: what is set in one system."""

SYSTEM_MEASURED = (
    "SW1", "SW2", "Q1", "M1", "M2", "T1", "T2", "T3", "P1", "P2", "P3", "Tgood", "Tmax", "Tmin", "Tdt", "Terr",
    "G1", "Gv1", "G2", "Gv2", "V1", "V2", "Err",
)  # fmt: skip
"""`[0]` of a snapshot: what one system measures now."""

SYSTEM_KEYS = SYSTEM_FACTS + SYSTEM_MEASURED
"""`[0]` of a snapshot: one system (#201)."""

SYSTEM_ALWAYS = frozenset(
    ("Type", "DevName", "DevType", "DevNumber", "Formula", "FlatDesc", "FlatAddr", "SW1", "SW2", "Err")
)
"""Keys that belong to no channel: every system has them, empty where nothing is known."""

EXTRA_KEYS = ("MeterNumber", "Online", "ReadDate", "ReadTime", "QUnit", "ErrText")
"""The end of `[0]` of a snapshot: what the agent adds to the manual."""

RECORD_KEYS = (
    "Q1", "dQ1", "M1", "dM1", "V1", "dV1", "T1", "P1", "Q2", "dQ2", "M2", "dM2", "V2", "dV2", "T2", "P2", "T3", "P3",
    "Tall", "dTall", "Tgood", "dTgood", "Tmin", "dTmin", "Tmax", "dTmax", "Tdt", "dTdt", "Terr", "dTerr",
    "Err", "SW1", "SW2",
)  # fmt: skip
"""One system of an H, D or M record (#202)."""

EVENT_MANUAL = ("TK", "TO", "GK", "GO", "Flow", "SW1", "SW2", "SYS")
"""An event as the manual prints it (#204): every key always."""

EVENT_EXTRA = ("Sys", "Code", "State", "Source", "Text")
"""What the agent adds to an event, where it is known."""

MAX_SYSTEMS = 99

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_OF_SYSTEM = re.compile(r"S([1-9][0-9]?)([A-Za-z][A-Za-z0-9]*)")


def listed(values: Values, keys: Sequence[str], prefix: str = "", always: Collection[str] = ()) -> str:
    """Lines of those `keys` that `values` has, in their order; those in `always` stand empty if need be."""
    return "".join(
        f"{prefix}{key}={value_text(key, values.get(key))}\n" for key in keys if key in values or key in always
    )


def unlisted(values: Values, keys: Collection[str], prefix: str = "") -> str:
    """Lines of what `values` has beyond `keys`, in its own order. ValueError for a key that breaks a line."""
    rest = [key for key in values if key not in keys]
    for key in rest:
        if not _KEY.fullmatch(key):
            raise ValueError(f"not a key: {key!r}")
    return "".join(f"{prefix}{key}={value_text(key, values[key])}\n" for key in rest)


def pairs(lines: Iterable[str]) -> list[tuple[str, str]]:
    """Key and text of each line; empty lines are none. ValueError for a line of another form."""
    found = []
    for line in lines:
        key, equals, text = line.partition("=")
        if equals:
            found.append((key.strip(), text.strip()))
        elif line.strip():
            raise ValueError(f"not a line of Key=Value: {line!r}")
    return found


def by_system(fields: Iterable[tuple[str, str]]) -> tuple[dict[str, Value], tuple[dict[str, Value], ...]]:
    """Values without a system, and values of each system: the first is `S1`, a silent one is empty."""
    own: dict[str, Value] = {}
    systems: dict[int, dict[str, Value]] = {}
    for key, text in fields:
        number, name = _place(key)
        target = systems.setdefault(number, {}) if number else own
        target[name] = read_value(name, text)
    return own, tuple(systems.get(number, {}) for number in range(1, max(systems, default=0) + 1))


@lru_cache(maxsize=4096)
def _place(key: str) -> tuple[int, str]:
    found = _OF_SYSTEM.fullmatch(key)
    return (int(found[1]), found[2]) if found else (0, key)

"""What a meter told: a reading, a record of its archive, an event. Values are frozen; absent is absent.

Values are keyed as in the manual (11.4), without the system's `Sn`: `Q1`, `T2`, `Tgood`, `Err`.
A key that is missing is a channel that the system has not got; `None` is a value that is not known
now. Units are those of the files: Q in Gcal, M in t, V in m³, G in t/h, Gv in m³/h, T in °C,
P in MPa, times in hours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

Value = float | int | str | None
Values = Mapping[str, Value]


class RecType(StrEnum):
    """The archives of a meter, by the letter that `RecType=` bears (manual 11.4)."""

    HOUR = "H"
    DAY = "D"
    MONTH = "M"
    EVENT = "E"


@dataclass(frozen=True, slots=True)
class Reading:
    """Current values of one device.

    `meter_number` is the device's own serial number, empty where the family tells none.
    `clock` is the meter's clock, None where it is not valid.
    `device` holds keys of `[0]` that the device itself told (`SoftVer`, `K0G1`).
    `systems` holds the values of each system, the first is `S1`.
    `doubts` names what was refused, for the counts in `status.txt`: "T2: не число".
    """

    meter_number: str
    clock: datetime | None
    device: Values
    systems: tuple[Values, ...]
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """One archive record: H, D or M. `stamp` is the end of the period, as the meter stamps it.

    `systems` holds running totals, and once `archive.with_growth` has seen the record before
    it, their growth (`dQ1`). `repeat` is 2, 3… for a further record with the same stamp.
    """

    rec_type: RecType
    stamp: datetime
    systems: tuple[Values, ...]
    repeat: int = 1


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of an event archive (RecType=E): keys `TK`…`SYS`, then `Sys`, `Code`, `State`…"""

    stamp: datetime
    values: Values

    @property
    def rec_type(self) -> RecType:
        return RecType.EVENT


Entry = Record | Event
"""What an archive consists of."""

"""The device of the manual's own example (11.4): current values, an hour, a day, an event.

Its goldens stand in `tests/golden/`. Names are in the written spelling of the formats guide, section 4;
the example is cut after its first system, and its day after V2.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from engine.formats.archive import Head
from engine.formats.snapshot import SnapshotView
from engine.model import Event, Record, RecType, Value

GOLDEN = Path(__file__).parent.parent / "golden"

HEAD = Head("ТЭСМА-106/2", "ТЭСМА-106/2", "440020", 3)
EVENT_HEAD = Head("ТЭСМА-106/2", "ТЭСМА-106/2", "440020", 3, "ymd")

DEVICE: dict[str, Value] = {
    "DevName": "ТЭСМА-106/2",
    "DevType": "ТЭСМА-106/2",
    "CRC": "A8C62B9F",
    "K0G1": 0.0,
    "KUG1": 1.0,
    "K0G2": 0.0,
    "KUG2": 1.0,
    "Connection": "Serial",
    "Port": "/dev/ttyS0",
    "Baud": 9600,
    "NetAddr": 0,
    "NetIP": "",
    "NetPort": 10001,
    "DevNumber": "440020",
    "NumSystems": 3,
    "Flats": 0,
    "Date": "26.09.18",
    "Time": "09:13:54",
}

SETTINGS: dict[str, Value] = {
    "Type": "ГВС с циркуляцией",
    "DevName": "ТЭСМА-106 2",
    "DevType": "ТЭСМА-106 2",
    "DevNumber": "440020",
    "Du1": 100,
    "Du2": 80,
    "Gmin1": 0.75,
    "Gmin2": 0.4,
    "Gmax1": 300.0,
    "Gmax2": 160.0,
    "dTmin1": 5.0,
    "Formula": "Q = M1(h1 - h3) - M2(h2 - h3)",
}

MEASURED: dict[str, Value] = {
    "SW1": "O",
    "SW2": "K",
    "Q1": 831.219,
    "V1": 48147.25,
    "V2": 7711.864,
    "M1": 46932.051,
    "M2": 7454.7,
    "G1": -0.007,
    "G2": 0.008,
    "Gv1": -0.007,
    "Gv2": 0.009,
    "T1": 72.41,
    "T2": 55.13,
    "T3": 51.07,
    "P1": 0.7,
    "P2": 0.3,
    "Tgood": 7.639,
    "Tmin": 212.671,
    "Tmax": 0.0,
    "Tdt": 0.0,
    "Terr": 0.0,
    "Err": "0",
}

HOUR = Record(
    RecType.HOUR,
    datetime(2018, 9, 26, 7),
    (
        {
            "Err": "0",
            "SW1": "O",
            "SW2": "K",
            "Q1": 831.219,
            "Q2": 0.0,
            "M1": 46932.031,
            "M2": 7454.688,
            "V1": 48147.23,
            "V2": 7711.852,
            "T1": 57.56,
            "T2": 55.13,
            "T3": 51.07,
            "P1": 0.7,
            "P2": 0.3,
            "Tall": 219.793,
            "Tgood": 7.639,
            "Tmin": 210.439,
            "Tmax": 0.0,
            "Tdt": 0.0,
            "Terr": 0.0,
            "dQ1": 0.0,
            "dQ2": 0.0,
            "dM1": 0.004,
            "dM2": 0.006,
            "dV1": 0.004,
            "dV2": 0.006,
            "dTall": 1.0,
            "dTgood": 0.0,
            "dTmin": 1.0,
            "dTmax": 0.0,
            "dTdt": 0.0,
        },
    ),
)

DAY = Record(
    RecType.DAY,
    datetime(2018, 9, 24),
    (
        {
            "Q1": 831.217,
            "dQ1": 0.002,
            "M1": 46931.77,
            "dM1": 0.207,
            "V1": 48146.965,
            "dV1": 0.211,
            "T1": 60.86,
            "P1": 0.7,
            "Q2": 0.0,
            "dQ2": 0.0,
            "M2": 7454.522,
            "dM2": 0.146,
            "V2": 7711.683,
        },
    ),
)

EVENT = Event(datetime(2018, 9, 7, 10, 2, 2), {"SW1": "ОБР", "SW2": "КЗ", "SYS": "ПИТ"})

VIEW = SnapshotView(
    device=DEVICE,
    systems=({**MEASURED, **SETTINGS},),
    hour=HOUR,
    day=DAY,
    extra={"Online": 1, "ReadDate": "26.09.18", "ReadTime": "09:14:02"},
)


def golden(name: str) -> bytes:
    """A golden file, byte for byte."""
    return (GOLDEN / name).read_bytes()
